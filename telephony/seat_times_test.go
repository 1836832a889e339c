package telephony_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/acd"
	"hotline/telephony/phone"
)

// What seats did is counted from the log, from the first moment of the interval to its last, whatever state they had when it began.
func TestSeatTimes(t *testing.T) {
	r := newRig(t, func(c *telephony.Config) { c.Queues = []telephony.QueueConfig{{Name: "q"}} })
	base := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	was := func(minute int, seat string, state acd.State) telephony.Event {
		return telephony.Event{At: base.Add(time.Duration(minute) * time.Minute), Seat: seat, Type: telephony.EvState, Data: fmt.Appendf(nil, `{"state":%q}`, state)}
	}
	require.NoError(t, r.store.AppendEvents(t.Context(), []telephony.Event{
		was(-30*60, "8003", acd.StateReady), // too long ago: nobody knows
		was(-60, "8001", acd.StateReady), was(-10, "8002", acd.StateTalking),
		was(5, "8002", acd.StateWrapUp), was(6, "8002", acd.StateReady), was(10, "8001", acd.StateRinging), was(11, "8001", acd.StateTalking),
		was(20, "8001", acd.StateWrapUp), was(22, "8001", acd.StateBreak), was(30, "8002", acd.StateOffline), was(90, "8001", acd.StateReady),
	}))
	st, err := r.center.Stats(t.Context(), base, base.Add(time.Hour), telephony.StatsOptions{})
	require.NoError(t, err)
	first := telephony.SeatTimes{Ready: 10 * time.Minute, Ringing: time.Minute, Talking: 9 * time.Minute, WrapUp: 2 * time.Minute, Break: 38 * time.Minute}
	second := telephony.SeatTimes{Talking: 5 * time.Minute, WrapUp: time.Minute, Ready: 24 * time.Minute}
	require.Equal(t, map[string]telephony.SeatTimes{"8001": first, "8002": second}, st.Times)
	require.InDelta(t, 11.0/22, first.Occupancy(), 1e-9)
	require.Equal(t, 11*time.Minute, first.AHT(1))
	require.Zero(t, telephony.SeatTimes{}.Occupancy())
	require.Equal(t, 14*time.Minute, first.Add(second).Talking)
}

// A seat that talks does so for as long as its call's record says, and a node that starts knows nobody's state.
func TestSeatTimesOfACall(t *testing.T) {
	r := newRig(t, under(telephony.QueueConfig{Name: "q"}))
	_, calls := r.seat("8001")
	citizen := r.dial(r.phone(phone.Options{}))
	require.NoError(t, citizen.SendDigits(r.ctx(), "0"))
	require.NoError(t, r.next(calls).Answer())
	r.awaitTalking()
	time.Sleep(300 * time.Millisecond) // something to count
	citizen.Hangup()
	cdr := r.endedCall()
	r.seatState("8001", "ready")
	st, err := r.center.Stats(t.Context(), cdr.StartedAt.Add(-time.Minute), cdr.EndedAt.Add(time.Hour), telephony.StatsOptions{})
	require.NoError(t, err)
	require.GreaterOrEqual(t, st.Times["8001"].Talking, cdr.Talk()-time.Millisecond, "from the answer, a little before both can talk, until the call is over")
	require.Less(t, st.Times["8001"].Talking, cdr.Talk()+5*time.Second)
	require.Positive(t, st.Times["8001"].Ready)
	require.Positive(t, st.Times["8001"].Ringing)
	events, err := r.store.Events(t.Context(), telephony.EventFilter{States: true})
	require.NoError(t, err)
	require.JSONEq(t, `{"state":"offline","reason":"started"}`, string(events[0].Data))
}
