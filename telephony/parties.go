package telephony

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"hotline/telephony/invite"
	"hotline/telephony/media"
)

// maxParties is how many can be added to a call of two at a time.
const maxParties = media.MaxMembers - 2

// third is a party that was added to a call of two (三方通话).
type third struct {
	id     string
	who    Party
	number string
	cancel context.CancelFunc
	by     string // user who dropped it

	mode   Supervision // of a supervisor; empty for others
	joined *party      // once it takes part, until it leaves or takes the call over
	member *media.Member
}

// supervises tells whether the party is a supervisor, whom the two need not know of.
func (t *third) supervises() bool { return t.mode != "" }

func (t *third) added() bool { return !t.supervises() }

// thirdOf is the party of an id and a kind, or nil. The caller holds mu.
func (k *call) thirdOf(id string, of func(*third) bool) *third {
	i := slices.IndexFunc(k.thirds, func(t *third) bool { return t.id == id && of(t) })
	if i < 0 {
		return nil
	}
	return k.thirds[i]
}

// withThird has fn run by the goroutine of a call, with one of its parties.
func (c *Center) withThird(ctx context.Context, callID, partyID string, of func(*third) bool, fn func(*call, *third) error) error {
	return c.asked(ctx, callID, func(k *call) error {
		k.mu.Lock()
		t := k.thirdOf(partyID, of)
		k.mu.Unlock()
		if t == nil {
			return errNoParty(callID, partyID)
		}
		return fn(k, t)
	})
}

func errNoParty(callID, partyID string) error {
	return fmt.Errorf("call %s has no party %s: %w", callID, partyID, ErrNotFound)
}

// AddParty calls a seat or a number on behalf of a user and, once it answers, lets it talk with both sides of a running
// call. It returns at once with the party's id, which is unique within the call; the call's record tells how it goes on.
// The caller is heard, and recorded, on the left, everybody else on the right. Errors: ErrNotFound where there is no such
// call or no way to the number; ErrConflict where nobody talks, the seat is busy, the number is there already or the call has 14 added parties.
func (c *Center) AddParty(_ context.Context, callID, number, user string) (string, error) {
	if number == "" || len(number) > 64 {
		return "", fmt.Errorf("number of %d characters: %w", len(number), ErrInvalid)
	}
	k, err := c.talking(callID)
	if err != nil {
		return "", err
	}
	cdr, _ := k.snapshot()
	r, err := c.target(cdr.Seat, number)
	if err != nil {
		return "", err
	}
	if !c.within(cdr.Line, r.seat) {
		return "", fmt.Errorf("seat %s does not belong to the calls of line %s: %w", number, cdr.Line, ErrNotFound)
	}
	return k.invite(r, &third{who: PartyThird, number: number}, user)
}

// invite calls a party that is to take part in the call.
func (k *call) invite(r route, t *third, user string) (string, error) {
	c, seat, mode := k.c, r.seat, t.mode // which may be changed as soon as the party is known
	ctx, cancel := context.WithCancel(k.ctx)
	t.cancel = cancel
	if err := k.expectThird(t); err != nil {
		cancel()
		return "", err
	}
	if seat != "" && !c.floor.seize(k.thirdID(t), seat) {
		cancel()
		k.removeThird(t)
		return "", fmt.Errorf("seat %s is in a call: %w", seat, ErrConflict)
	}
	k.record(EvPartyCalled, seat, user, EventData{PartyID: t.id, Called: t.number, Supervision: mode})
	if !k.spawn(func() { k.callThird(ctx, t, r) }) {
		cancel()
		k.thirdGone(t, false, invite.Cause{By: invite.System})
		return "", fmt.Errorf("call %s is ending: %w", k.id, ErrConflict)
	}
	return t.id, nil
}

// DropParty hangs up an added party, also one that still rings; the others talk on. Errors: ErrNotFound, ErrConflict.
func (c *Center) DropParty(_ context.Context, callID, partyID, user string) error {
	return c.dropThird(callID, partyID, user, (*third).added)
}

func (c *Center) dropThird(callID, partyID, user string, of func(*third) bool) error {
	k, err := c.talking(callID)
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	t := k.thirdOf(partyID, of)
	if t == nil {
		return errNoParty(callID, partyID)
	}
	t.by = user
	t.cancel()
	return nil
}

// talking is a running call whose two sides are there.
func (c *Center) talking(callID string) (*call, error) {
	k := c.call(callID)
	if k == nil {
		return nil, fmt.Errorf("call %s is not running: %w", callID, ErrNotFound)
	}
	if _, state := k.snapshot(); state != CallTalking && state != CallHeld {
		return nil, fmt.Errorf("call %s is %s, nobody talks: %w", callID, state, ErrConflict)
	}
	return k, nil
}

// expectThird puts a party on the list. A number that is there already is taken for the same wish, sent twice.
func (k *call) expectThird(t *third) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	twice := slices.ContainsFunc(k.thirds, func(o *third) bool { return o.number == t.number })
	switch {
	case k.stopped:
		return fmt.Errorf("call %s is ending: %w", k.id, ErrConflict)
	case len(k.thirds) >= maxParties:
		return fmt.Errorf("call %s takes no more parties: %w", k.id, ErrConflict)
	case twice:
		return fmt.Errorf("call %s has a party of that number: %w", k.id, ErrConflict)
	}
	k.added++
	t.id = strconv.Itoa(k.added)
	k.thirds = append(k.thirds, t)
	return nil
}

func (k *call) thirdID(t *third) string { return k.id + "/" + t.id }

// spawn runs fn as one of the call's goroutines, unless the call is ending and waits for them already.
func (k *call) spawn(fn func()) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stopped {
		return false
	}
	k.wg.Go(fn)
	return true
}

// post has fn run by the goroutine that owns the call; when the call is ending it is not run any more.
func (k *call) post(fn func()) {
	select {
	case k.tasks <- fn:
	case <-k.ctx.Done():
	}
}

func (k *call) callThird(ctx context.Context, t *third, r route) {
	defer t.cancel()
	seat := r.seat
	r.party = t.id
	p := &party{who: t.who, seat: seat, floor: k.thirdID(t), fails: t.cancel}
	if view, ok := k.c.floor.seat(seat); ok && seat != "" {
		p.user = view.User
	}
	answered, last := false, invite.Cause{By: invite.System}
	err := k.follow(ctx, p, r, dialing{
		ringing: func() { k.record(EvPartyRinging, seat, "", EventData{PartyID: t.id}) },
		answered: func() {
			answered = true
			k.post(func() { k.joinThird(ctx, t, p) })
		},
		ended: func(c invite.Cause) { last = c },
	})
	if err != nil {
		k.log.Warn("party cannot be called", "party", t.id, "error", err)
	}
	var once sync.Once
	gone := func() {
		once.Do(func() {
			if p.joined.Load() { // it took the call over
				k.gone(p, last, func() { k.mainGone(p, last) })
				k.leaveSeat(p)
				return
			}
			k.thirdGone(t, answered, last)
		})
	}
	// The call's goroutine decides whether it takes the call over before it goes.
	k.post(func() {
		gone()
		k.separate()
	})
	if k.ctx.Err() != nil {
		gone()
	}
}

// thirdGone notes that a party is not there any more.
func (k *call) thirdGone(t *third, answered bool, cause invite.Cause) {
	k.c.floor.leave(k.thirdID(t))
	d := EventData{PartyID: t.id, Cause: CauseHangup}
	if !answered {
		d.Cause, d.Code = CauseFailed, cause.Code
		switch {
		case cause.Code == 408 || cause.Code == 480 || cause.Code == 487:
			d.Cause = CauseNoAnswer
		case cause.By == invite.Remote:
			d.Cause = CauseRejected
		}
	}
	by := k.removeThird(t)
	k.record(EvPartyLeft, "", by, d)
}

// removeThird takes a party off the list and tells who dropped it.
func (k *call) removeThird(t *third) (by string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.thirds = slices.DeleteFunc(k.thirds, func(o *third) bool { return o == t })
	return t.by
}

// joinThird makes a conference of the bridge, if it is not one yet, and lets the party in. It runs on the call's goroutine.
func (k *call) joinThird(ctx context.Context, t *third, p *party) {
	if ctx.Err() != nil {
		return // gone again
	}
	if err := k.confer(); err != nil {
		k.log.Error("call cannot be made a conference", "error", err)
		t.cancel()
		return
	}
	k.mu.Lock()
	mode, heardBy := k.hearing(t)
	k.mu.Unlock()
	member, err := k.conference.Join(p.leg, media.MemberOptions{Name: t.id, Mode: mode, HeardBy: heardBy})
	if err != nil {
		k.log.Warn("party cannot join", "party", t.id, "error", err)
		t.cancel()
		return
	}
	t.joined, t.member = p, member
	k.record(EvPartyJoined, p.seat, "", EventData{PartyID: t.id})
}

// confer moves caller and peer from their bridge to a conference.
func (k *call) confer() error {
	if k.conference != nil {
		return nil
	}
	if k.merged {
		return fmt.Errorf("its party talks in another call: %w", ErrConflict)
	}
	conference := media.NewConference(k.c.ports, media.ConferenceOptions{PassDigits: true})
	k.bridge.Record(nil)
	var err error
	if k.members[0], err = conference.Join(k.caller.leg, media.MemberOptions{Name: string(k.caller.who)}); err == nil {
		k.members[1], err = conference.Join(k.peer.leg, media.MemberOptions{Name: string(k.peer.who)})
	}
	if err != nil {
		conference.Close()
		k.connect()
		return err
	}
	k.conference = conference
	if k.recorder != nil {
		conference.Record(k.recorder, k.members[0])
	}
	k.holdMember()
	if k.muted {
		k.keepMute()
	}
	return nil
}

// holdMember brings a conference in line with the call's being held or not: the other side than the seat is out of it, the rest talk.
func (k *call) holdMember() {
	k.mu.Lock()
	held := k.holdings > 0
	k.mu.Unlock()
	other := k.members[1-k.seatSide()]
	if !held {
		other.SetMode(media.Talks)
		return
	}
	other.SetMode(media.Held)
	if k.played[1] != nil {
		k.played[1].Stop()
	}
}

// separate makes a bridge of the conference again when all added parties have left it.
func (k *call) separate() {
	k.mu.Lock()
	left, held := len(k.thirds), k.holdings > 0
	k.mu.Unlock()
	if k.conference == nil || left > 0 {
		return
	}
	conference := k.conference
	k.conference = nil
	conference.Record(nil, nil)
	k.connect()
	conference.Close()
	if held {
		k.played[1] = k.holder(nil).leg.Play(media.Silence(0), false)
	}
	if k.muted {
		k.keepMute()
	}
}

// seatSide is the place of the seat among the two: 0 the caller's, 1 its peer's.
func (k *call) seatSide() int {
	if k.holder(nil) == k.caller {
		return 0
	}
	return 1
}

// connect lets caller and peer talk with one another, on the record.
func (k *call) connect() {
	k.bridge = media.Connect(k.caller.leg, k.peer.leg)
	if k.recorder != nil {
		k.bridge.Record(k.recorder)
	}
}
