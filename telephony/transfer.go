package telephony

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"

	"hotline/telephony/invite"
	"hotline/telephony/media"
)

// Transfer is one transfer of a call, as a seat's phone asked for it.
type Transfer struct {
	At      time.Time `json:"at"`
	Seat    string    `json:"seat"` // who transferred
	User    string    `json:"user"`
	Kind    string    `json:"kind"`              // blind, attended, replaced, taken
	To      string    `json:"to"`                // seat or number
	CallID  string    `json:"call_id,omitempty"` // attended: the call that was joined with this one
	EndedAt time.Time `json:"ended_at,omitzero"`
	Outcome string    `json:"outcome,omitempty"` // answered, rejected, no_answer, unreachable; withdrawn when the other party left
	Code    int       `json:"code,omitempty"`    // SIP status of a failure
}

// Kinds of transfers.
const (
	TransferBlind    = "blind"
	TransferAttended = "attended"
	TransferReplaced = "replaced" // the party went on with another of its devices
	TransferTaken    = "taken"    // a supervisor took the call over
)

// Events of transfers; both carry a Transfer.
const (
	EvTransfer      = "transfer"
	EvTransferEnded = "transfer_ended"
)

// CauseTransferred ends a call whose parties went on in another one.
const CauseTransferred = "transferred"

// What a party is to its call while it transfers. Its leg may then end
// without the call.
const (
	stays    int32 = iota
	referred       // its REFER is being carried out
	left           // the call goes on without it
	replaced       // the call goes on with another session of it, which has its seat
)

// moving is a blind transfer under way; it belongs to the call's goroutine.
type moving struct {
	by, other *party
	next      *party
	note      Transfer
	cancel    context.CancelFunc
	alone     bool // the one who transferred has hung up
	tone      *media.Playback
}

// seated finds the call of a session.
type seated struct {
	k *call
	p *party
}

// do runs f on the call's goroutine while its parties talk; false when the
// call does not come to it. It never blocks, so that two calls can ask each other.
func (k *call) do(f func()) bool {
	if k.ctx.Err() != nil {
		return false
	}
	select {
	case k.steps <- f:
		return true
	default:
		return false
	}
}

// asked has fn run on the goroutine of a call whose two sides are there, and waits for its answer.
func (c *Center) asked(ctx context.Context, callID string, fn func(*call) error) error {
	k, err := c.talking(callID)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	if !k.do(func() { done <- fn(k) }) {
		return fmt.Errorf("call %s: %w", callID, ErrConflict)
	}
	select {
	case err := <-done:
		return err
	case <-k.ctx.Done():
		return fmt.Errorf("call %s is ending: %w", callID, ErrConflict)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// otherThan is the party at the other end; nil when p is no party any more.
func (k *call) otherThan(p *party) *party {
	switch p {
	case k.caller:
		return k.peer
	case k.peer:
		return k.caller
	}
	return nil
}

// swap puts a party in the place of another and lets the two talk. The place
// keeps its channel of the recording. Supervisors stay.
func (k *call) swap(old, next *party) {
	k.hold(false, nil)
	k.endMute()
	old.leg.Record(nil, 0)
	side := 1
	if old == k.caller {
		side = 0
	}
	if k.conference == nil {
		k.bridge.Close()
	}
	k.putIn(side, next)
	if k.conference == nil {
		k.connect()
		return
	}
	member, err := k.conference.Join(next.leg, media.MemberOptions{Name: string(next.who)})
	if err != nil { // its leg has gone again, and so will the call
		k.log.Warn("party cannot take the other's place", "error", err)
		return
	}
	k.seatAt(side, member)
}

// putIn makes a party one of the two: 0 the caller, 1 its peer.
func (k *call) putIn(side int, p *party) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if side == 0 {
		k.caller = p
	} else {
		k.peer = p
	}
}

// movable tells whether a party may be sent on now: not while another is, nor
// while more than two talk.
func (k *call) movable() bool {
	return k.moving == nil && k.losing == nil && !k.merged && !k.conferred()
}

// conferred tells whether more than two take part, supervisors apart.
func (k *call) conferred() bool {
	if k.conference == nil {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.ContainsFunc(k.thirds, (*third).added)
}

// refer takes a REFER of a party.
func (k *call) refer(p *party, e invite.Referred) {
	if p.seat == "" {
		e.Reply(403) // only seats may send callers on
		return
	}
	if _, state := k.snapshot(); state != CallTalking && state != CallHeld {
		e.Reply(480)
		return
	}
	step := func() { k.blind(p, e) }
	if e.Replaces != nil {
		step = func() { k.attend(p, e) }
	}
	if !k.do(step) {
		e.Reply(503)
	}
}

// blind answers a REFER with what becomes of it.
func (k *call) blind(p *party, e invite.Referred) {
	if code := k.sendOn(p, e.To.User, func() { e.Reply(202) }); code != 0 {
		e.Reply(code)
	}
}

// Transfer sends the other party of a seat's call to another seat or number on behalf of a user, who talks on until that answers and
// is then let go (blind transfer). The call's record tells how it goes on. Errors: ErrNotFound where there is no such call or no
// way to the number; ErrConflict where nobody talks, the number's seat is busy, or more than two talk.
func (c *Center) Transfer(ctx context.Context, callID, number, user string) error {
	if number == "" || len(number) > 64 {
		return fmt.Errorf("number of %d characters: %w", len(number), ErrInvalid)
	}
	return c.asked(ctx, callID, func(k *call) error {
		by := k.holder(nil)
		if by.seat == "" {
			return fmt.Errorf("call %s has no seat that could transfer it: %w", callID, ErrConflict)
		}
		switch code := k.sendOn(by, number, func() { k.log.Info("transfer asked for", "user", user) }); code {
		case 0:
			return nil
		case sip.StatusNotFound:
			return fmt.Errorf("there is no way to that number: %w", ErrNotFound)
		case sip.StatusBusyHere:
			return fmt.Errorf("seat %s is in a call: %w", number, ErrConflict)
		default:
			return fmt.Errorf("call %s is being transferred, or more than two talk: %w", callID, ErrConflict)
		}
	})
}

// sendOn calls the target; the conversation goes on until it answers. accept is run before anything happens; code is what to
// refuse the wish with, or 0.
func (k *call) sendOn(p *party, number string, accept func()) (code int) {
	other := k.otherThan(p)
	if !k.movable() || other == nil {
		return sip.StatusRequestPending
	}
	from := other.seat
	if from == "" {
		cdr, _ := k.snapshot()
		if from = cdr.Caller; p == k.caller {
			from = cdr.Called
		}
	}
	r, err := k.c.target(from, number)
	seat := r.seat
	cdr, _ := k.snapshot()
	if err != nil || seat != "" && (seat == p.seat || seat == other.seat) || !k.c.within(cdr.Line, seat) {
		return sip.StatusNotFound
	}
	key := k.id + "/" + newID(k.now())
	if seat != "" {
		if !k.c.floor.seize(key, seat) {
			return sip.StatusBusyHere
		}
		r.out.Headers = append(r.out.Headers, sip.NewHeader("X-Call-ID", k.id))
	}
	accept()
	p.moves.Store(referred)
	next := &party{who: PartyCaller, seat: seat, floor: key}
	if seat != "" {
		view, _ := k.c.floor.seat(seat)
		next.who, next.user = PartySeat, view.User
	}
	ctx, cancel := context.WithCancel(k.ctx)
	m := &moving{by: p, other: other, next: next, cancel: cancel, note: Transfer{
		At: k.now(), Seat: p.seat, User: p.user, Kind: TransferBlind, To: number,
	}}
	k.moving = m
	k.record(EvTransfer, p.seat, p.user, EventData{Transfer: &m.note})
	r.party = partyTransfer
	k.wg.Go(func() { k.callNext(ctx, m, r) })
	return 0
}

// callNext follows the party that is called by a blind transfer to its end.
func (k *call) callNext(ctx context.Context, m *moving, r route) {
	defer m.cancel()
	defer k.leaveSeat(m.next)
	answered := false
	err := k.follow(ctx, m.next, r, dialing{
		ringing: func() { k.tellReferrer(m.by, 180) },
		answered: func() {
			answered = true
			if !k.do(func() { k.joined(m) }) {
				m.cancel()
			}
		},
		ended: func(c invite.Cause) { k.nextGone(m, c, answered) },
	})
	if err != nil {
		k.log.Warn("transfer cannot be made", "error", err)
		k.nextGone(m, invite.Cause{By: invite.System, Code: 503}, false)
	}
}

// tellReferrer sends a NOTIFY behind the call's back.
func (k *call) tellReferrer(p *party, code int) {
	k.wg.Go(func() {
		ctx, cancel := context.WithTimeout(k.ctx, referPatience)
		defer cancel()
		if err := p.sess.Notify(ctx, code, ""); err != nil {
			k.log.Debug("transfer not told", "error", err)
		}
	})
}

// referPatience bounds how long a NOTIFY keeps a leg.
const referPatience = 5 * time.Second

// joined connects the party that answered, and lets the other one go.
func (k *call) joined(m *moving) {
	if k.moving != m || k.otherThan(m.by) != m.other {
		m.cancel()
		return
	}
	if k.conferred() { // somebody was added meanwhile
		k.notMoved(m, invite.Cause{By: invite.System, Code: 491}, false)
		m.cancel()
		return
	}
	k.moving = nil
	if m.tone != nil {
		m.tone.Stop()
	}
	m.next.joined.Store(true)
	k.swap(m.by, m.next)
	k.endTransfer(&m.note, m.by, OutcomeAnswered, 0)
	k.tellAnswered(m.next, k.now())
	k.release(m.by)
}

// endTransfer notes how a transfer went.
func (k *call) endTransfer(n *Transfer, by *party, outcome string, code int) {
	done := *n
	done.EndedAt, done.Outcome, done.Code = k.now(), outcome, code
	k.record(EvTransferEnded, by.seat, by.user, EventData{Transfer: &done})
}

// release tells a party that its transfer succeeded, ends its leg and frees
// its seat. The call goes on.
func (k *call) release(p *party) {
	p.moves.Store(left)
	k.wg.Go(func() {
		ctx, cancel := context.WithTimeout(k.ctx, referPatience)
		defer cancel()
		if err := p.sess.Notify(ctx, 200, ""); err != nil { // there is nobody to tell where the phone did not ask
			k.log.Debug("transfer not told", "error", err)
		}
		p.sess.Hangup(invite.Cause{By: invite.Local, Reason: CauseTransferred})
		<-p.sess.Done()
		k.leaveSeat(p)
	})
}

// leaveSeat gives a party's seat back to the queue, unless another session of
// the party has it now.
func (k *call) leaveSeat(p *party) {
	if p.floor != "" && p.moves.Load() != replaced {
		k.c.floor.leave(p.floor)
	}
}

// nextGone hears that the new party's leg is over: it refused, or it talked
// and hung up.
func (k *call) nextGone(m *moving, c invite.Cause, answered bool) {
	if m.next.joined.Load() {
		k.gone(m.next, c, func() { k.peerGone(m.next, c, true) })
		return
	}
	k.do(func() {
		if m.next.joined.Load() { // it was connected a moment before
			k.gone(m.next, c, func() { k.peerGone(m.next, c, true) })
			return
		}
		k.notMoved(m, c, answered)
	})
}

// notMoved leaves the call as it was when the target did not answer. When the
// one who transferred has hung up meanwhile, nobody is left for the other.
func (k *call) notMoved(m *moving, c invite.Cause, answered bool) {
	if k.moving != m {
		return
	}
	k.moving = nil
	outcome, cause := OutcomeUnreachable, CauseFailed
	switch {
	case answered:
	case c.Code == 408 || c.Code == 480 || c.Code == 487:
		outcome, cause = OutcomeNoAnswer, CauseNoAnswer
	case c.By == invite.Remote:
		outcome, cause = OutcomeRejected, CauseRejected
	}
	code := c.Code
	if code < 300 {
		code = 503
	}
	k.endTransfer(&m.note, m.by, outcome, code)
	if m.alone {
		k.stop(PartySystem, "", cause, code)
		return
	}
	m.by.moves.CompareAndSwap(referred, stays)
	k.tellReferrer(m.by, code)
}

// gone hears that a party's leg is over: that ends the call unless the party
// transferred it, or is a seat whose phone failed.
func (k *call) gone(p *party, cause invite.Cause, end func()) {
	if p.moves.Load() == stays {
		if !k.waitsFor(p, cause, end) {
			end()
		}
		return
	}
	k.do(func() {
		switch m := k.moving; {
		case p.moves.Load() == left, p.moves.Load() == replaced:
		case m != nil && m.by == p:
			m.alone = true
			k.hold(false, nil)
			m.tone = m.other.leg.Play(ringback(), true)
		case k.otherThan(p) != nil: // it came back, and then hung up
			end()
		}
	})
}

// noted brings the record's list of transfers up to date.
func (c *CDR) noted(e Event, d EventData) {
	if d.Transfer == nil {
		return
	}
	if e.Type == EvTransfer {
		c.Transfers = append(c.Transfers, *d.Transfer)
		return
	}
	if n := len(c.Transfers); n > 0 {
		c.Transfers[n-1] = *d.Transfer
	}
}

// endTransfers closes what the end of the call cut off.
func (c *CDR) endTransfers(at time.Time) {
	if n := len(c.Transfers); n > 0 && c.Transfers[n-1].EndedAt.IsZero() {
		c.Transfers[n-1].EndedAt, c.Transfers[n-1].Outcome = at, OutcomeWithdrawn
	}
}

// mobility is what the watchers of the legs read of a party's transfers.
type mobility struct {
	moves  atomic.Int32
	joined atomic.Bool
}
