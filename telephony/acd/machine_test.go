package acd_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony/acd"
)

var t0 = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func at(sec float64) time.Time { return t0.Add(time.Duration(sec * float64(time.Second))) }

func oneQueue() *acd.Machine {
	return acd.New([]acd.Queue{{
		Name: "q", MaxLength: 3, MaxWait: 10 * time.Minute, WrapUp: 5 * time.Second,
		SetAside: time.Minute, AnnounceEvery: 30 * time.Second, RingTimeout: 15 * time.Second,
	}})
}

func join(m *acd.Machine, sec float64, seat, user string) []acd.Decision {
	m.Apply(acd.SetDevice{At: at(sec), Seat: seat, Registered: true})
	return m.Apply(acd.SetPresence{At: at(sec), Seat: seat, User: user, Presence: acd.Ready})
}

func state(t *testing.T, m *acd.Machine, seat string) acd.State {
	t.Helper()
	v, ok := m.Seat(seat)
	require.True(t, ok)
	return v.State
}

func TestLongestIdleSeatThenNextAfterNoAnswer(t *testing.T) {
	m := oneQueue()
	join(m, 0, "8001", "a")
	join(m, 1, "8002", "b")
	ds := m.Apply(acd.Arrive{At: at(2), Call: "c1", Queue: "q"})
	require.Equal(t, []acd.Decision{
		acd.SeatChanged{Seat: "8001", State: acd.StateRinging, Reason: acd.ReasonLongestIdle},
		acd.Offer{Call: "c1", Queue: "q", Seat: "8001", User: "a", Attempt: 1, Reason: acd.ReasonLongestIdle},
	}, ds)
	require.Empty(t, m.Apply(acd.Ringing{At: at(3), Call: "c1", Seat: "8001"}))
	next, ok := m.Deadline()
	require.True(t, ok)
	require.Equal(t, at(18), next)
	require.Empty(t, m.Apply(acd.Tick{At: at(17.999)}))
	require.Equal(t, []acd.Decision{
		acd.Withdraw{Call: "c1", Seat: "8001", Reason: acd.ReasonNoAnswer},
		acd.SeatChanged{Seat: "8001", State: acd.StateSetAside, Reason: acd.ReasonNoAnswer},
		acd.SeatChanged{Seat: "8002", State: acd.StateRinging, Reason: acd.ReasonLongestIdle},
		acd.Offer{Call: "c1", Queue: "q", Seat: "8002", User: "b", Attempt: 2, Reason: acd.ReasonLongestIdle},
	}, m.Apply(acd.Tick{At: at(18)}))
	// The first seat's answer crosses the withdrawal: its leg has to go.
	require.Equal(t, []acd.Decision{acd.Withdraw{Call: "c1", Seat: "8001", Reason: acd.ReasonLate}},
		m.Apply(acd.Answered{At: at(18.1), Call: "c1", Seat: "8001"}))
	require.Equal(t, []acd.Decision{
		acd.SeatChanged{Seat: "8002", State: acd.StateTalking, Reason: acd.ReasonAnswered},
		acd.Connect{Call: "c1", Seat: "8002", User: "b"},
	}, m.Apply(acd.Answered{At: at(19), Call: "c1", Seat: "8002"}))
	m.Apply(acd.Leave{At: at(60), Call: "c1"})
	require.Equal(t, acd.StateWrapUp, state(t, m, "8002"))
	m.Apply(acd.Tick{At: at(65)})
	require.Equal(t, acd.StateReady, state(t, m, "8002"))
	m.Apply(acd.Tick{At: at(78)})
	require.Equal(t, acd.StateReady, state(t, m, "8001"), "returns from being set aside")
}

func TestPositionsAreAnnounced(t *testing.T) {
	m := oneQueue()
	require.Equal(t, []acd.Decision{acd.Announce{Call: "c1"}}, m.Apply(acd.Arrive{At: at(0), Call: "c1", Queue: "q"}))
	join(m, 0, "8001", "a") // c1 rings there
	const turn, ring = acd.DefaultHandle, 7500 * time.Millisecond
	require.Equal(t, []acd.Decision{acd.Announce{Call: "c2", Ahead: 1, Staffed: true, Estimate: turn + ring}}, m.Apply(acd.Arrive{At: at(5), Call: "c2", Queue: "q"}))
	require.Equal(t, []acd.Decision{acd.Announce{Call: "c3", Ahead: 2, Staffed: true, Estimate: 2*turn + ring}}, m.Apply(acd.Arrive{At: at(6), Call: "c3", Queue: "q"}))
	require.Equal(t, []acd.Decision{acd.Refuse{Call: "c4", Reason: acd.ReasonQueueFull}}, m.Apply(acd.Arrive{At: at(6), Call: "c4", Queue: "q"}))
	require.Equal(t, []acd.Decision{acd.Refuse{Call: "c5", Reason: acd.ReasonNoQueue}}, m.Apply(acd.Arrive{At: at(6), Call: "c5", Queue: "none"}))
	m.Apply(acd.Leave{At: at(7), Call: "c2"})
	m.Apply(acd.Answered{At: at(8), Call: "c1", Seat: "8001"})
	require.Equal(t, []acd.Decision{acd.Announce{Call: "c3", Ahead: 0, Staffed: true, Estimate: turn + 8*time.Second}}, m.Apply(acd.Tick{At: at(36)}))
	require.Equal(t, []acd.Decision{acd.Refuse{Call: "c3", Reason: acd.ReasonMaxWait}}, m.Apply(acd.Tick{At: at(606)}))
}

func TestSeatThatGoesWhileRinging(t *testing.T) {
	for name, ev := range map[string]acd.Event{
		"break":  acd.SetPresence{At: at(3), Seat: "8001", User: "a", Presence: acd.Break, Reason: "lunch"},
		"device": acd.SetDevice{At: at(3), Seat: "8001"},
		"moved":  acd.SetPresence{At: at(3), Seat: "8002", User: "a", Presence: acd.Ready},
	} {
		t.Run(name, func(t *testing.T) {
			m := oneQueue()
			join(m, 0, "8001", "a")
			m.Apply(acd.SetDevice{At: at(0), Seat: "8002", Registered: true})
			m.Apply(acd.Arrive{At: at(2), Call: "c", Queue: "q"})
			ds := m.Apply(ev)
			require.Contains(t, ds, acd.Withdraw{Call: "c", Seat: "8001", Reason: acd.ReasonNotReady})
			require.NotEqual(t, acd.StateRinging, state(t, m, "8001"))
			c, ok := m.Caller("c")
			require.True(t, ok, "the caller keeps waiting")
			require.Equal(t, 1, c.Position)
		})
	}
}

func TestSeatKeepsItsCallWhatever(t *testing.T) {
	m := oneQueue()
	join(m, 0, "8001", "a")
	m.Apply(acd.Arrive{At: at(1), Call: "c", Queue: "q"})
	m.Apply(acd.Answered{At: at(2), Call: "c", Seat: "8001"})
	m.Apply(acd.SetDevice{At: at(3), Seat: "8001"})
	m.Apply(acd.SetPresence{At: at(3), Seat: "8001", User: "a", Presence: acd.Break})
	require.Equal(t, acd.StateTalking, state(t, m, "8001"))
	m.Apply(acd.SetDevice{At: at(4), Seat: "8001", Registered: true})
	m.Apply(acd.Leave{At: at(5), Call: "c"})
	require.Equal(t, acd.StateBreak, state(t, m, "8001"), "no wrap-up for one who asked for a break")
	m.Apply(acd.Leave{At: at(5), Call: "c"})
	require.Equal(t, acd.StateBreak, state(t, m, "8001"))
}

func TestOwnCallTakesTheSeat(t *testing.T) {
	m := oneQueue()
	join(m, 0, "8001", "a")
	m.Apply(acd.Seize{At: at(1), Call: "o", Seat: "8001"})
	require.Equal(t, acd.StateTalking, state(t, m, "8001"))
	m.Apply(acd.Arrive{At: at(2), Call: "c", Queue: "q"})
	require.Empty(t, m.Apply(acd.Seize{At: at(2), Call: "o2", Seat: "8001"}), "one call at a time")
	ds := m.Apply(acd.Leave{At: at(3), Call: "o"})
	require.Contains(t, ds, acd.Offer{Call: "c", Queue: "q", Seat: "8001", User: "a", Attempt: 1, Reason: acd.ReasonLongestIdle})
}

func TestReadyEndsWrapUpAndSetAside(t *testing.T) {
	m := oneQueue()
	join(m, 0, "8001", "a")
	m.Apply(acd.Arrive{At: at(1), Call: "c", Queue: "q"})
	m.Apply(acd.Failed{At: at(2), Call: "c", Seat: "8001", Reason: acd.ReasonUnreachable})
	require.Equal(t, acd.StateSetAside, state(t, m, "8001"))
	ds := m.Apply(acd.SetPresence{At: at(3), Seat: "8001", User: "a", Presence: acd.Ready})
	require.Contains(t, ds, acd.Offer{Call: "c", Queue: "q", Seat: "8001", User: "a", Attempt: 2, Reason: acd.ReasonLongestIdle})
	m.Apply(acd.Answered{At: at(4), Call: "c", Seat: "8001"})
	m.Apply(acd.Leave{At: at(5), Call: "c"})
	require.Equal(t, acd.StateWrapUp, state(t, m, "8001"))
	m.Apply(acd.EndWrapUp{At: at(6), Seat: "8001"})
	require.Equal(t, acd.StateReady, state(t, m, "8001"))
}

// An offer that neither rings nor fails runs out by itself.
func TestOfferNeverHangs(t *testing.T) {
	m := oneQueue()
	join(m, 0, "8001", "a")
	m.Apply(acd.Arrive{At: at(1), Call: "c", Queue: "q"})
	next, ok := m.Deadline()
	require.True(t, ok)
	require.Equal(t, at(31), next)
	require.Contains(t, m.Apply(acd.Tick{At: next}), acd.Withdraw{Call: "c", Seat: "8001", Reason: acd.ReasonNoAnswer})
}

// Seats that serve several queues go to whoever has waited longest, whichever
// queue is configured first.
func TestLongestWaitingAcrossQueues(t *testing.T) {
	m := acd.New([]acd.Queue{{Name: "first", RingTimeout: time.Minute}, {Name: "second", RingTimeout: time.Minute}, {Name: "third", Seats: []string{"8009"}, RingTimeout: time.Minute}})
	for i, q := range []string{"third", "second", "first", "second", "first"} {
		m.Apply(acd.Arrive{At: at(float64(i)), Call: q + string(rune('0'+i)), Queue: q})
	}
	var order []string
	for i := range 4 {
		for _, d := range join(m, float64(10+i), "800"+string(rune('1'+i)), "u"+string(rune('1'+i))) {
			if o, ok := d.(acd.Offer); ok {
				order = append(order, o.Call)
			}
		}
	}
	require.Equal(t, []string{"second1", "first2", "second3", "first4"}, order)
}

// An answer that crossed the end of its offer says nothing of the next offer
// to the same seat: whoever connected the two would connect with nobody.
func TestLateWordOfAnEarlierOffer(t *testing.T) {
	m := acd.New([]acd.Queue{{Name: "q", RingTimeout: 15 * time.Second}}) // nobody is set aside
	join(m, 0, "8001", "a")
	m.Apply(acd.Arrive{At: at(1), Call: "c1", Queue: "q"})
	again := m.Apply(acd.Tick{At: at(31)})
	require.Contains(t, again, acd.Offer{Call: "c1", Queue: "q", Seat: "8001", User: "a", Attempt: 2, Reason: acd.ReasonLongestIdle})
	require.Empty(t, m.Apply(acd.Answered{At: at(32), Call: "c1", Seat: "8001", Attempt: 1}))
	require.Empty(t, m.Apply(acd.Failed{At: at(32), Call: "c1", Seat: "8001", Attempt: 1}))
	require.Equal(t, acd.StateRinging, state(t, m, "8001"))
	require.Contains(t, m.Apply(acd.Answered{At: at(33), Call: "c1", Seat: "8001", Attempt: 2}), acd.Connect{Call: "c1", Seat: "8001", User: "a"})
}
