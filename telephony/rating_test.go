package telephony_test

import (
	"context"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/phone"
	"hotline/telephony/prompts"
)

// rates makes the question and the thanks known by their tones.
func rates(t *testing.T) rigOption {
	return func(c *telephony.Config) {
		c.Prompts = prompts.Over(fstest.MapFS{"rate.wav": spoken(t, toneNext), "rated.wav": spoken(t, toneThird)})
	}
}

// A seat that hangs up leaves the citizen to the question; the answer is on record, and neither talk nor recording go on.
func TestTheCitizenRatesTheCall(t *testing.T) {
	r := newRig(t, under(telephony.QueueConfig{Name: "q", Rate: true}), rates(t))
	citizen, seat, id := talk(r)
	require.NoError(t, r.center.Hold(t.Context(), id, "agent1"))
	r.await("held", func() bool { return r.center.Live()[0].State == telephony.CallHeld })
	time.Sleep(300 * time.Millisecond) // something to record
	seat.Hangup()
	require.NoError(t, citizen.WaitTone(r.ctx(), toneNext))
	r.seatState("8001", "ready")
	live := r.center.Live()[0]
	require.Equal(t, telephony.CallRating, live.State)
	require.ErrorIs(t, r.center.Hold(t.Context(), id, "agent1"), telephony.ErrConflict)
	require.ErrorIs(t, r.center.AskRating(t.Context(), id, "agent1"), telephony.ErrConflict)
	require.NoError(t, citizen.SendDigits(r.ctx(), "7"))
	require.NoError(t, citizen.SendDigits(r.ctx(), "4"))
	require.NoError(t, citizen.WaitTone(r.ctx(), toneThird))
	r.done(citizen)
	cdr := r.endedCall()
	require.Equal(t, 4, cdr.Rating)
	require.Equal(t, "0", cdr.Digit, "the menu's")
	require.Equal(t, telephony.PartySeat, cdr.EndedBy)
	require.Equal(t, telephony.CauseHangup, cdr.Cause)
	require.False(t, cdr.TalkEndedAt.IsZero())
	require.Less(t, cdr.Talk(), cdr.EndedAt.Sub(cdr.BridgedAt))
	require.False(t, cdr.Holds[0].To.IsZero())
	require.False(t, cdr.Holds[0].To.After(cdr.TalkEndedAt), "the hold ends with the conversation")
	r.awaitClean()
	stored, err := r.center.Call(t.Context(), id)
	require.NoError(t, err)
	require.InDelta(t, cdr.Talk().Milliseconds(), stored.Recording.DurationMS, 60)
	events, err := r.center.CallEvents(t.Context(), id)
	require.NoError(t, err)
	folded, err := telephony.Fold(id, events)
	require.NoError(t, err)
	require.Equal(t, cdr.Rating, folded.Rating)
	require.Equal(t, cdr.TalkEndedAt, folded.TalkEndedAt)
}

// The desk sends a citizen to the question; who hangs up then has not rated.
func TestTheDeskAsksForARating(t *testing.T) {
	r := newRig(t, under(telephony.QueueConfig{Name: "q"}), rates(t))
	citizen, seat, id := talk(r)
	require.ErrorIs(t, r.center.AskRating(t.Context(), "none", "agent1"), telephony.ErrNotFound)
	require.NoError(t, r.center.AskRating(t.Context(), id, "agent1"))
	r.done(seat)
	require.NoError(t, citizen.WaitTone(r.ctx(), toneNext))
	citizen.Hangup()
	cdr := r.endedCall()
	require.Zero(t, cdr.Rating)
	require.Equal(t, telephony.PartyCaller, cdr.EndedBy)
	require.False(t, cdr.Missed)
	r.awaitClean()
}

// A call in which others take part ends with the seat.
func TestCallsThatNobodyRates(t *testing.T) {
	r := newRig(t, under(telephony.QueueConfig{Name: "q", Rate: true}), rates(t))
	citizen, seat, lead, id, _ := supervised(r, telephony.Monitor)
	require.ErrorIs(t, r.center.AskRating(t.Context(), id, "agent1"), telephony.ErrConflict)
	seat.Hangup()
	r.done(citizen)
	r.done(lead)
	require.Zero(t, r.endedCall().TalkEndedAt)
	r.awaitClean()
}

// asker can ask for a rating in another way.
type asker struct {
	*watcher
	asked chan telephony.CDR
}

func (a asker) NotRated(_ context.Context, cdr telephony.CDR) error {
	a.asked <- cdr
	return nil
}

// Who talked and did not rate is asked in another way, once; who rated is not.
func TestACitizenWhoDidNotRateIsAskedElsewhere(t *testing.T) {
	r := prepareRig(t, under(telephony.QueueConfig{Name: "q", Rate: true}), rates(t))
	a := asker{r.events, make(chan telephony.CDR, 10)}
	r.handler = a
	r.start()
	_, calls := r.seat("8001")
	talked := func() (citizen, seat *phone.Call) {
		citizen = r.dial(r.phone(phone.Options{}))
		require.NoError(t, citizen.SendDigits(r.ctx(), "0"))
		seat = r.next(calls)
		require.NoError(t, seat.Answer())
		r.hearEachOther(citizen, seat)
		return citizen, seat
	}
	citizen, _ := talked()
	citizen.Hangup()
	ended := r.endedCall()
	r.awaitClean()
	require.Len(t, a.asked, 1)
	cdr := <-a.asked
	require.Equal(t, ended.ID, cdr.ID)
	require.Equal(t, "13800138000", cdr.Caller)

	citizen, seat := talked()
	seat.Hangup()
	require.NoError(t, citizen.WaitTone(r.ctx(), toneNext))
	_ = citizen.SendDigits(r.ctx(), "5")
	r.done(citizen)
	require.Equal(t, 5, r.endedCall().Rating)
	r.awaitClean()
	require.Empty(t, a.asked)
}
