package telephony

import (
	"context"
	"fmt"

	"hotline/telephony/media"
)

// Supervision is how a supervisor takes part in a seat's call.
type Supervision string

// The kinds of supervision.
const (
	Monitor Supervision = "monitor" // hears both sides and is heard by nobody
	Whisper Supervision = "whisper" // is heard by the seat alone
	Barge   Supervision = "barge"   // talks with both
)

func (s Supervision) valid() error {
	switch s {
	case Monitor, Whisper, Barge:
		return nil
	}
	return fmt.Errorf("supervision %q: want monitor, whisper or barge: %w", s, ErrInvalid)
}

// CauseTaken is why a supervisor is no added party any more: the call is its own.
const CauseTaken = "taken_over"

// Supervise calls the seat of a supervisor and lets it take part in a running call; no seat is the one where the
// supervisor sits. A monitor and a whisperer cannot be heard by the citizen, nor in the recording. It returns at once with
// the party's id, as AddParty does, and with the same errors.
func (c *Center) Supervise(_ context.Context, callID, supervisor, seat string, how Supervision) (string, error) {
	if err := how.valid(); err != nil {
		return "", err
	}
	k, err := c.talking(callID)
	if err != nil {
		return "", err
	}
	if seat == "" {
		seat = c.board.seatOf(supervisor)
	}
	if !c.board.has(seat) {
		return "", fmt.Errorf("seat %q of user: %w", seat, ErrNotFound)
	}
	cdr, _ := k.snapshot()
	r, err := c.target(cdr.Seat, seat)
	if err != nil {
		return "", err
	}
	if !c.within(cdr.Line, seat) {
		return "", fmt.Errorf("call %s: %w", callID, ErrNotFound)
	}
	return k.invite(r, &third{who: PartySupervisor, number: seat, mode: how}, supervisor)
}

// SetSupervision changes how a supervisor takes part. Errors: ErrNotFound, ErrInvalid, ErrConflict.
func (c *Center) SetSupervision(ctx context.Context, callID, partyID, user string, how Supervision) error {
	if err := how.valid(); err != nil {
		return err
	}
	return c.supervised(ctx, callID, partyID, func(k *call, t *third) error {
		k.mu.Lock()
		t.mode = how
		mode, heardBy := k.hearing(t)
		k.mu.Unlock()
		if t.member != nil {
			t.member.SetMode(mode, heardBy...)
		}
		k.record(EvSupervised, "", user, EventData{PartyID: t.id, Supervision: how})
		return nil
	})
}

// EndSupervision hangs up a supervisor, also one whose phone still rings; the two talk on. Errors: ErrNotFound, ErrConflict.
func (c *Center) EndSupervision(_ context.Context, callID, partyID, user string) error {
	return c.dropThird(callID, partyID, user, (*third).supervises)
}

// TakeOver puts a supervisor who takes part in a call into the place of its seat, which is free then. Errors: ErrNotFound;
// ErrConflict before the supervisor has answered, and while the call is being transferred.
func (c *Center) TakeOver(ctx context.Context, callID, partyID string) error {
	return c.supervised(ctx, callID, partyID, func(k *call, t *third) error {
		n := Transfer{At: k.now(), Kind: TransferTaken}
		if t.joined != nil {
			n.Seat, n.User, n.To = t.joined.seat, t.joined.user, t.joined.seat
		}
		return k.giveTo(t, n)
	})
}

// supervised has fn run by the goroutine of a call, with one of its supervisors.
func (c *Center) supervised(ctx context.Context, callID, partyID string, fn func(*call, *third) error) error {
	return c.withThird(ctx, callID, partyID, (*third).supervises, fn)
}

// hearing is a party's mode in the conference. The caller holds mu, on the call's goroutine.
func (k *call) hearing(t *third) (media.Mode, []*media.Member) {
	switch t.mode {
	case Monitor:
		return media.Listens, nil
	case Whisper:
		return media.Coaches, []*media.Member{k.members[k.seatSide()]}
	default:
		return media.Talks, nil
	}
}

// seatAt gives a place of the two to another member of the conference; who whispers does so to whoever is the seat now.
func (k *call) seatAt(side int, member *media.Member) {
	old := k.members[side]
	k.members[side] = member
	if k.recorder != nil && side == 0 {
		k.conference.Record(k.recorder, member)
	}
	old.Leave()
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, t := range k.thirds {
		if t.mode == Whisper && t.member != nil {
			mode, heardBy := k.hearing(t)
			t.member.SetMode(mode, heardBy...)
		}
	}
}

// giveTo makes a party that takes part one of the two and lets the seat go; the note says how that came.
func (k *call) giveTo(t *third, note Transfer) error {
	next, old := t.joined, k.holder(nil)
	if next == nil || old.seat == "" || k.moving != nil || k.merged {
		return fmt.Errorf("call %s cannot be given to party %s now: %w", k.id, t.id, ErrConflict)
	}
	k.waitNoMore()
	k.hold(false, nil)
	k.endMute()
	next.joined.Store(true)
	side := k.seatSide()
	k.putIn(side, next)
	k.removeThird(t)
	t.member.SetMode(media.Talks)
	k.seatAt(side, t.member)
	k.record(EvPartyLeft, next.seat, "", EventData{PartyID: t.id, Cause: CauseTaken})
	k.record(EvTransfer, note.Seat, note.User, EventData{Transfer: &note})
	k.endTransfer(&note, &party{seat: note.Seat, user: note.User}, OutcomeAnswered, 0)
	k.tellAnswered(next, note.At)
	k.release(old)
	k.separate()
	return nil
}
