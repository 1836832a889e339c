package telephony_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/invite"
	"hotline/telephony/media"
	"hotline/telephony/phone"
)

// talking connects a citizen with seat 8001 and lets both be heard.
func (r *rig) talking(caller *phone.Phone, seat <-chan *phone.Call) (citizen, operator *phone.Call) {
	r.t.Helper()
	citizen = r.dial(caller)
	require.NoError(r.t, citizen.SendDigits(r.ctx(), "0"))
	operator = r.next(seat)
	require.NoError(r.t, operator.Answer())
	r.hearEachOther(citizen, operator)
	return citizen, operator
}

const toneNext = 2100.0

func (r *rig) seatState(id, state string) {
	r.t.Helper()
	r.await("seat "+id+" "+state, func() bool {
		for _, a := range r.center.Agents() {
			if a.Seat == id {
				return string(a.State) == state
			}
		}
		return false
	})
}

// 8001 sends the citizen on to 8002: they talk, 8001 is free, the record has
// the transfer and the recording goes on.
func TestBlindTransferToSeat(t *testing.T) {
	r := newRig(t)
	_, first := r.seat("8001")
	caller := r.phone(phone.Options{})
	citizen, operator := r.talking(caller, first)
	_, second := r.seat("8002")
	done := make(chan error, 1)
	go func() { done <- operator.Transfer(r.ctx(), "8002") }()
	next := r.next(second)
	require.Equal(t, "13800138000", next.Remote())
	require.NoError(t, operator.WaitTone(r.ctx(), toneCaller), "the talk goes on while it rings")
	require.NoError(t, next.Answer())
	next.Play(media.Tone(toneNext, -10, 0), true)
	require.NoError(t, <-done)
	r.done(operator)
	require.NoError(t, citizen.WaitTone(r.ctx(), toneNext))
	require.NoError(t, next.WaitTone(r.ctx(), toneCaller))
	r.seatState("8001", "ready")
	r.seatState("8002", "talking")
	citizen.Hangup()
	r.done(next)
	cdr := r.endedCall()
	require.Len(t, cdr.Transfers, 1)
	tr := cdr.Transfers[0]
	require.Equal(t, []string{"8001", "agent1", telephony.TransferBlind, "8002", telephony.OutcomeAnswered},
		[]string{tr.Seat, tr.User, tr.Kind, tr.To, tr.Outcome})
	require.False(t, tr.EndedAt.Before(tr.At))
	require.Equal(t, "8001", cdr.Seat)
	r.await("both operators are told", func() bool {
		return slices.Equal(r.events.answersSeen(), []string{cdr.ID + " 8001 agent1", cdr.ID + " 8002 agent2"})
	})
	require.Equal(t, telephony.PartyCaller, cdr.EndedBy)
	require.Equal(t, telephony.CauseHangup, cdr.Cause)
	require.Len(t, cdr.Legs, 3)
	require.InDelta(t, cdr.Talk().Milliseconds(), cdr.Recording.DurationMS, 500)
	r.seatState("8002", "ready")
	r.awaitClean()
}

// A target that refuses, is busy or does not exist leaves the call as it was.
func TestTransferThatFails(t *testing.T) {
	r := newRig(t)
	_, first := r.seat("8001")
	caller := r.phone(phone.Options{})
	citizen, operator := r.talking(caller, first)
	_, second := r.seat("8002")
	var refusal *invite.StatusError
	require.ErrorAs(t, operator.Transfer(r.ctx(), "8003"), &refusal) // not registered
	require.Equal(t, 404, refusal.Code)
	done := make(chan error, 1)
	go func() { done <- operator.Transfer(r.ctx(), "8002") }()
	next := r.next(second)
	next.Reject(486)
	require.ErrorAs(t, <-done, &refusal)
	require.Equal(t, 486, refusal.Code)
	require.NoError(t, citizen.WaitTone(r.ctx(), toneSeat))
	require.NoError(t, operator.WaitTone(r.ctx(), toneCaller))
	r.seatState("8002", "ready")
	r.seatState("8001", "talking")
	// A citizen may not transfer anybody.
	require.ErrorAs(t, citizen.Transfer(r.ctx(), "8002"), &refusal)
	require.Equal(t, 403, refusal.Code)
	operator.Hangup()
	r.done(citizen)
	cdr := r.endedCall()
	require.Len(t, cdr.Transfers, 1)
	require.Equal(t, telephony.OutcomeRejected, cdr.Transfers[0].Outcome)
	require.Equal(t, 486, cdr.Transfers[0].Code)
	require.Equal(t, telephony.PartySeat, cdr.EndedBy)
	r.awaitClean()
}

// A phone that hangs up as soon as its REFER is accepted: the citizen hears it
// ring and is connected; when nobody answers the call ends.
func TestTransferByOneWhoHangsUp(t *testing.T) {
	for _, answers := range []bool{true, false} {
		r := newRig(t)
		_, first := r.seat("8001")
		caller := r.phone(phone.Options{})
		citizen, operator := r.talking(caller, first)
		_, second := r.seat("8002")
		go func() { _ = operator.Transfer(context.Background(), "8002") }()
		next := r.next(second)
		operator.Hangup()
		r.done(operator)
		require.NoError(t, citizen.WaitTone(r.ctx(), 450), "ringback")
		if !answers {
			next.Reject(603)
			r.done(citizen)
			cdr := r.endedCall()
			require.Equal(t, telephony.CauseRejected, cdr.Cause)
			r.awaitClean()
			continue
		}
		require.NoError(t, next.Answer())
		next.Play(media.Tone(toneNext, -10, 0), true)
		require.NoError(t, citizen.WaitTone(r.ctx(), toneNext))
		r.seatState("8001", "ready")
		next.Hangup()
		r.done(citizen)
		require.Equal(t, telephony.PartySeat, r.endedCall().EndedBy)
		r.awaitClean()
	}
}

// 8001 asks 8002 back while the citizen hears music, then connects the two.
func TestAttendedTransfer(t *testing.T) {
	r := newRig(t)
	p1, first := r.seat("8001")
	caller := r.phone(phone.Options{})
	citizen, operator := r.talking(caller, first)
	_, second := r.seat("8002")
	require.NoError(t, operator.Hold(r.ctx(), true))
	require.NoError(t, citizen.WaitTone(r.ctx(), toneMusic))
	consult, err := p1.Dial(r.ctx(), "8002")
	require.NoError(t, err)
	next := r.next(second)
	require.NoError(t, next.Answer())
	require.NoError(t, consult.WaitAnswered(r.ctx()))
	next.Play(media.Tone(toneNext, -10, 0), true)
	require.NoError(t, consult.WaitTone(r.ctx(), toneNext))
	require.NoError(t, operator.TransferTo(r.ctx(), consult))
	r.done(operator)
	r.done(consult)
	require.NoError(t, citizen.WaitTone(r.ctx(), toneNext))
	require.NoError(t, next.WaitTone(r.ctx(), toneCaller))
	r.seatState("8001", "ready")
	r.seatState("8002", "talking")
	next.Hangup()
	r.done(citizen)
	byID := map[bool]telephony.CDR{}
	for range 2 {
		c := r.endedCall()
		byID[c.Direction == telephony.Inbound] = c
	}
	main, asked := byID[true], byID[false]
	require.Len(t, main.Transfers, 1)
	require.Equal(t, telephony.TransferAttended, main.Transfers[0].Kind)
	require.Equal(t, asked.ID, main.Transfers[0].CallID)
	require.Equal(t, "8002", main.Transfers[0].To)
	require.Len(t, asked.Transfers, 1)
	require.Equal(t, main.ID, asked.Transfers[0].CallID)
	require.Len(t, main.Holds, 1)
	require.False(t, main.Holds[0].To.IsZero())
	require.InDelta(t, main.Talk().Milliseconds(), main.Recording.DurationMS, 500)
	require.Less(t, asked.Recording.DurationMS, main.Recording.DurationMS)
	require.Equal(t, telephony.RecordingSpooled, asked.Recording.State)
	r.awaitClean()
}

// A Replaces that names nothing, or another seat's call, is refused.
func TestAttendedTransferOfOthers(t *testing.T) {
	r := newRig(t)
	_, first := r.seat("8001")
	p2, second := r.seat("8002")
	caller := r.phone(phone.Options{})
	_, operator := r.talking(caller, first)
	c2 := r.dial(caller)
	require.NoError(t, c2.SendDigits(r.ctx(), "0"))
	other := r.next(second)
	require.NoError(t, other.Answer())
	var refusal *invite.StatusError
	require.ErrorAs(t, operator.TransferTo(r.ctx(), other), &refusal)
	require.Equal(t, 403, refusal.Code)
	require.ErrorAs(t, operator.TransferTo(r.ctx(), operator), &refusal)
	require.Equal(t, 403, refusal.Code)
	stray, err := caller.Dial(r.ctx(), p2.URI())
	require.NoError(t, err)
	in := r.next(second)
	require.NoError(t, in.Answer())
	require.NoError(t, stray.WaitAnswered(r.ctx()))
	require.ErrorAs(t, operator.TransferTo(r.ctx(), stray), &refusal)
	require.Equal(t, 481, refusal.Code)
	stray.Hangup()
	operator.Hangup()
	other.Hangup()
	r.awaitClean()
}

// A seat sends a number that it called on to another seat.
func TestTransferOfACallOut(t *testing.T) {
	gw, numbers := outsidePhone(t, phone.Options{User: "gateway"})
	r := newRig(t, func(c *telephony.Config) { c.Gateway = strings.TrimPrefix(gw.Addr().String(), "udp:") })
	p1, _ := r.seat("8001")
	_, second := r.seat("8002")
	out, err := p1.Dial(r.ctx(), "13911112222")
	require.NoError(t, err)
	number := r.next(numbers)
	require.NoError(t, number.Answer())
	require.NoError(t, out.WaitAnswered(r.ctx()))
	number.Play(media.Tone(toneNext, -10, 0), true)
	require.NoError(t, out.WaitTone(r.ctx(), toneNext))
	done := make(chan error, 1)
	go func() { done <- out.Transfer(r.ctx(), "8002") }()
	next := r.next(second)
	require.Equal(t, "13911112222", next.Remote())
	require.NoError(t, next.Answer())
	require.NoError(t, <-done)
	r.done(out)
	next.Play(media.Tone(toneSeat, -10, 0), true)
	require.NoError(t, next.WaitTone(r.ctx(), toneNext))
	require.NoError(t, number.WaitTone(r.ctx(), toneSeat))
	r.await("the seat's port given back", func() bool { return r.center.Counts().Ports == 2 })
	r.seatState("8001", "ready")
	number.Hangup()
	r.done(next)
	require.Len(t, r.endedCall().Legs, 3)
	r.awaitClean()
}

// Announcements of the other network are heard before it answers, and the
// answer of a phone that acknowledges them is held for its PRACK.
func TestEarlyMediaReachesTheSeat(t *testing.T) {
	gw, numbers := outsidePhone(t, phone.Options{User: "gateway", OnRing: -1})
	r := newRig(t, func(c *telephony.Config) { c.Gateway = gw.Addr().String() })
	p1, _ := r.seat("8001")
	out, err := p1.Dial(r.ctx(), "13911112222")
	require.NoError(t, err)
	number := r.next(numbers)
	require.NoError(t, number.Early())
	number.Play(media.Tone(toneNext, -10, 0), true)
	require.NoError(t, out.WaitTone(r.ctx(), toneNext))
	select {
	case <-out.Answered():
		t.Fatal("nobody answered")
	default:
	}
	require.NoError(t, number.Answer())
	require.NoError(t, out.WaitAnswered(r.ctx()))
	out.Play(media.Tone(toneSeat, -10, 0), true)
	require.NoError(t, number.WaitTone(r.ctx(), toneSeat))
	out.Hangup()
	r.done(number)
	r.awaitClean()
}

// The desk transfers without the phone's help.
func TestTransferByTheAPI(t *testing.T) {
	r := newRig(t)
	_, first := r.seat("8001")
	citizen, operator := r.talking(r.phone(phone.Options{}), first)
	_, second := r.seat("8002")
	id := r.center.Live()[0].ID
	require.ErrorIs(t, r.center.Transfer(t.Context(), "none", "8002", "agent1"), telephony.ErrNotFound)
	require.ErrorIs(t, r.center.Transfer(t.Context(), id, "", "agent1"), telephony.ErrInvalid)
	require.ErrorIs(t, r.center.Transfer(t.Context(), id, "8003", "agent1"), telephony.ErrNotFound, "no phone")
	require.ErrorIs(t, r.center.Transfer(t.Context(), id, "8001", "agent1"), telephony.ErrNotFound, "itself")

	require.NoError(t, r.center.Transfer(t.Context(), id, "8002", "agent1"))
	next := r.next(second)
	require.ErrorIs(t, r.center.Transfer(t.Context(), id, "8002", "agent1"), telephony.ErrConflict, "twice")
	next.Reject(486)
	r.await("the first came to nothing", func() bool {
		c, err := r.center.Call(t.Context(), id)
		return err == nil && len(c.Transfers) == 1 && c.Transfers[0].Outcome == telephony.OutcomeRejected
	})
	require.NoError(t, citizen.WaitTone(r.ctx(), toneSeat))

	require.NoError(t, r.center.Transfer(t.Context(), id, "8002", "agent1"))
	next = r.next(second)
	require.NoError(t, next.Answer())
	next.Play(media.Tone(toneNext, -10, 0), true)
	r.done(operator)
	require.NoError(t, citizen.WaitTone(r.ctx(), toneNext))
	require.NoError(t, next.WaitTone(r.ctx(), toneCaller))
	r.seatState("8001", "ready")
	citizen.Hangup()
	r.done(next)
	cdr := r.endedCall()
	require.Equal(t, telephony.OutcomeAnswered, cdr.Transfers[1].Outcome)
	r.awaitClean()
}
