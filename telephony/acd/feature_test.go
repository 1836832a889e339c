package acd_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony/acd"
)

// offers lists the offers among decisions as "call>seat reason".
func offers(ds []acd.Decision) []string {
	var list []string
	for _, d := range ds {
		if o, ok := d.(acd.Offer); ok {
			list = append(list, o.Call+">"+o.Seat+" "+o.Reason)
		}
	}
	return list
}

func skilled(m *acd.Machine, user string, skills map[string]int) []acd.Decision {
	return m.Apply(acd.SetSkills{At: at(0), User: user, Skills: skills})
}

func rules(t *testing.T, text string) acd.Rules {
	t.Helper()
	r, err := acd.ParseRules(text)
	require.NoError(t, err)
	return r
}

func arrive(m *acd.Machine, sec float64, call string) []string {
	return offers(m.Apply(acd.Arrive{At: at(sec), Call: call, Queue: "q"}))
}

// talk has a seat take a call for some seconds.
func talk(m *acd.Machine, sec float64, call, seat string, seconds float64) {
	m.Apply(acd.Answered{At: at(sec), Call: call, Seat: seat})
	m.Apply(acd.Leave{At: at(sec + seconds), Call: call})
}

func TestRulesOpenWithTheWait(t *testing.T) {
	m := acd.New([]acd.Queue{{Name: "q", Rules: rules(t, "wait<30s: dialect>=2; wait<1m: dialect; else any"), RingTimeout: time.Minute}})
	join(m, 0, "8001", "plain")
	require.Empty(t, arrive(m, 1, "c1"))
	require.Empty(t, arrive(m, 2, "c2"))
	next, ok := m.Deadline()
	require.True(t, ok)
	require.Equal(t, at(31), next)
	join(m, 3, "8002", "some")
	require.Empty(t, offers(skilled(m, "some", map[string]int{"dialect": 1})))
	require.Equal(t, []string{"c1>8002 longest_idle"}, offers(m.Apply(acd.Tick{At: next})))
	require.Empty(t, offers(m.Apply(acd.Tick{At: at(61)})), "c1 is offered already, c2 has a second to wait")
	require.Equal(t, []string{"c2>8001 longest_idle"}, offers(m.Apply(acd.Tick{At: at(62)})))
	m.Apply(acd.Leave{At: at(63), Call: "c2"})
	require.Empty(t, arrive(m, 64, "c3"))
	require.Equal(t, []string{"c3>8001 longest_idle"}, offers(skilled(m, "plain", map[string]int{"dialect": 2})))
}

func TestACallersOwnNeeds(t *testing.T) {
	m := acd.New([]acd.Queue{{Name: "q", RingTimeout: time.Minute}})
	join(m, 0, "8001", "a")
	join(m, 0, "8002", "b")
	skilled(m, "b", map[string]int{"english": 1})
	ds := m.Apply(acd.Arrive{At: at(1), Call: "c", Queue: "q", Needs: acd.Needs{"english": 1}})
	require.Equal(t, []string{"c>8002 longest_idle"}, offers(ds))
}

func TestPriorityIsAHeadStart(t *testing.T) {
	m := acd.New([]acd.Queue{
		{Name: "q", RingTimeout: time.Hour},
		{Name: "urgent", Priority: 2, Step: 30 * time.Second, RingTimeout: time.Hour},
	})
	m.Apply(acd.Arrive{At: at(0), Call: "first", Queue: "q"})
	m.Apply(acd.Arrive{At: at(50), Call: "old", Queue: "q"})
	m.Apply(acd.Arrive{At: at(59), Call: "urgent", Queue: "urgent"})
	m.Apply(acd.Arrive{At: at(60), Call: "aged", Queue: "q", Priority: 1})
	m.Apply(acd.Arrive{At: at(111), Call: "late", Queue: "urgent"})
	var order []string
	for i := range 5 {
		order = append(order, offers(join(m, 200, string(rune('1'+i)), string(rune('a'+i))))...)
	}
	// 59 s − 60 s comes before 0 s; 60 s − 60 s comes after it, being later; 111 s − 60 s after 50 s.
	require.Equal(t, []string{"urgent>1 longest_idle", "first>2 longest_idle", "aged>3 longest_idle", "old>4 longest_idle", "late>5 longest_idle"}, order)
}

func TestStrategies(t *testing.T) {
	for strategy, want := range map[acd.Strategy]string{
		acd.LongestIdle: "8001", // ready since its last call ended, the longest ago
		acd.FewestCalls: "8002", // one call
		acd.LeastTalk:   "8003", // two calls of a second
		acd.RoundRobin:  "8001", // 8003 had the last one
	} {
		t.Run(string(strategy), func(t *testing.T) {
			m := acd.New([]acd.Queue{{Name: "q", Strategy: strategy, RingTimeout: time.Minute}})
			sec := 0.0
			once := func(seat string, seconds float64) {
				join(m, sec, seat, "u"+seat)
				require.Len(t, arrive(m, sec, "c"), 1)
				talk(m, sec, "c", seat, seconds)
				m.Apply(acd.SetPresence{At: at(sec + seconds), Seat: seat, User: "u" + seat, Presence: acd.Break})
				sec += seconds + 1
			}
			once("8001", 20)
			once("8001", 20)
			once("8002", 60)
			once("8003", 1)
			once("8003", 1)
			for _, seat := range []string{"8001", "8002", "8003"} {
				join(m, sec, seat, "u"+seat)
			}
			require.Equal(t, []string{"c>" + want + " " + string(strategy)}, arrive(m, sec, "c"))
		})
	}
}

func TestRoundRobinGoesOn(t *testing.T) {
	m := acd.New([]acd.Queue{{Name: "q", Strategy: acd.RoundRobin, RingTimeout: time.Minute}})
	for _, seat := range []string{"3", "1", "2"} {
		join(m, 0, seat, "u"+seat)
	}
	var seats []string
	for i := range 5 {
		o := arrive(m, float64(i), "c")
		require.Len(t, o, 1)
		seats = append(seats, o[0][2:3])
		talk(m, float64(i), "c", seats[i], 0.5)
	}
	require.Equal(t, []string{"1", "2", "3", "1", "2"}, seats)
}

func TestRingAll(t *testing.T) {
	m := acd.New([]acd.Queue{{Name: "q", Strategy: acd.RingAll, RingTimeout: 15 * time.Second, SetAside: time.Minute}})
	join(m, 0, "1", "a")
	join(m, 0, "2", "b")
	require.Equal(t, []string{"c>1 ring_all", "c>2 ring_all"}, arrive(m, 1, "c"))
	require.Equal(t, []string{"c>3 ring_all"}, offers(join(m, 2, "3", "c")), "whoever becomes ready rings too")
	require.Empty(t, arrive(m, 3, "d"))
	m.Apply(acd.Failed{At: at(4), Call: "c", Seat: "1", Reason: acd.ReasonUnreachable})
	ds := m.Apply(acd.Answered{At: at(5), Call: "c", Seat: "3", Attempt: 3})
	require.Equal(t, []acd.Decision{
		acd.Withdraw{Call: "c", Seat: "2", Reason: acd.ReasonElsewhere},
		acd.SeatChanged{Seat: "2", State: acd.StateReady, Reason: acd.ReasonElsewhere},
		acd.SeatChanged{Seat: "3", State: acd.StateTalking, Reason: acd.ReasonAnswered},
		acd.Connect{Call: "c", Seat: "3", User: "c"},
		acd.SeatChanged{Seat: "2", State: acd.StateRinging, Reason: "ring_all"},
		acd.Offer{Call: "d", Queue: "q", Seat: "2", User: "b", Attempt: 1, Reason: "ring_all"},
	}, ds)
	require.Equal(t, []acd.Decision{acd.Withdraw{Call: "c", Seat: "2", Reason: acd.ReasonLate}}, m.Apply(acd.Answered{At: at(6), Call: "c", Seat: "2", Attempt: 2}))
}

func TestReserveIsKeptForItsQueue(t *testing.T) {
	m := acd.New([]acd.Queue{
		{Name: "q", RingTimeout: time.Hour},
		{Name: "vip", Seats: []string{"1", "2"}, Reserve: 1, RingTimeout: time.Hour},
	})
	join(m, 0, "1", "a")
	require.Empty(t, arrive(m, 1, "c1"))
	require.Equal(t, []string{"c1>1 longest_idle"}, offers(join(m, 2, "2", "b")), "one of two is left")
	require.Empty(t, arrive(m, 3, "c2"))
	require.Equal(t, []string{"v>2 longest_idle"}, offers(m.Apply(acd.Arrive{At: at(4), Call: "v", Queue: "vip"})))
}

func TestThePreferredPerson(t *testing.T) {
	queue := acd.Queue{Name: "q", RingTimeout: time.Hour, PreferFor: 20 * time.Second, WrapUp: 5 * time.Second}
	like := func(m *acd.Machine, sec float64) []string {
		return offers(m.Apply(acd.Arrive{At: at(sec), Call: "again", Queue: "q", Prefer: "b"}))
	}
	both := func() *acd.Machine {
		m := acd.New([]acd.Queue{queue})
		join(m, 0, "1", "a")
		join(m, 0, "2", "b")
		return m
	}
	t.Run("is free", func(t *testing.T) {
		require.Equal(t, []string{"again>2 preferred"}, like(both(), 1))
	})
	busy := func() *acd.Machine {
		m := both()
		arrive(m, 1, "x")
		arrive(m, 1, "y")
		m.Apply(acd.Answered{At: at(2), Call: "y", Seat: "2"})
		m.Apply(acd.Answered{At: at(2), Call: "x", Seat: "1"})
		return m
	}
	t.Run("is awaited", func(t *testing.T) {
		m := busy()
		require.Empty(t, like(m, 3))
		m.Apply(acd.Leave{At: at(4), Call: "x"})
		require.Empty(t, offers(m.Apply(acd.Tick{At: at(9)})), "seat 1 is free, but it is b who is asked for")
		m.Apply(acd.Leave{At: at(10), Call: "y"})
		require.Equal(t, []string{"again>2 preferred"}, offers(m.Apply(acd.Tick{At: at(15)})))
	})
	t.Run("is not awaited for ever", func(t *testing.T) {
		m := busy()
		require.Empty(t, like(m, 3))
		m.Apply(acd.Leave{At: at(4), Call: "x"})
		require.Empty(t, offers(m.Apply(acd.Tick{At: at(22.9)})))
		require.Equal(t, []string{"again>1 longest_idle"}, offers(m.Apply(acd.Tick{At: at(23)})))
	})
	t.Run("goes away", func(t *testing.T) {
		m := busy()
		require.Empty(t, like(m, 3))
		m.Apply(acd.Leave{At: at(4), Call: "x"})
		m.Apply(acd.Tick{At: at(9)})
		ds := m.Apply(acd.SetPresence{At: at(10), Seat: "2", User: "b", Presence: acd.Break})
		require.Equal(t, []string{"again>1 longest_idle"}, offers(ds))
	})
}

func TestOverflow(t *testing.T) {
	with := func(q acd.Queue) *acd.Machine {
		q.Name, q.RingTimeout = "q", time.Hour
		m := acd.New([]acd.Queue{q, {Name: "other", RingTimeout: time.Hour, AnnounceEvery: time.Minute, Overflow: acd.Overflow{To: "q", After: time.Minute}}})
		return m
	}
	t.Run("by waiting, and no further", func(t *testing.T) {
		m := with(acd.Queue{Overflow: acd.Overflow{To: "other", After: 10 * time.Second}})
		arrive(m, 0, "c")
		require.Equal(t, []acd.Decision{
			acd.Moved{Call: "c", From: "q", To: "other", Reason: acd.ReasonOverflow}, acd.Announce{Call: "c"},
		}, m.Apply(acd.Tick{At: at(10)}))
		m.Apply(acd.Tick{At: at(70)})
		v, ok := m.Caller("c")
		require.True(t, ok)
		require.Equal(t, "other", v.Queue, "it was in q already")
		require.Equal(t, at(0), v.Since)
	})
	t.Run("when full", func(t *testing.T) {
		m := with(acd.Queue{MaxLength: 1, Overflow: acd.Overflow{To: "other", Full: true}})
		arrive(m, 0, "c")
		require.Contains(t, m.Apply(acd.Arrive{At: at(1), Call: "d", Queue: "q"}), acd.Moved{Call: "d", From: "q", To: "other", Reason: acd.ReasonQueueFull})
	})
	t.Run("at the end of the wait, outside", func(t *testing.T) {
		m := with(acd.Queue{MaxWait: 5 * time.Second, Overflow: acd.Overflow{Number: "02512345", MaxWait: true}})
		arrive(m, 0, "c")
		require.Equal(t, []acd.Decision{acd.Divert{Call: "c", Number: "02512345", Reason: acd.ReasonMaxWait}}, m.Apply(acd.Tick{At: at(5)}))
		_, ok := m.Caller("c")
		require.False(t, ok)
	})
	t.Run("again when it was full", func(t *testing.T) {
		m := acd.New([]acd.Queue{
			{Name: "q", Overflow: acd.Overflow{To: "other", After: 10 * time.Second}, RingTimeout: time.Hour},
			{Name: "other", MaxLength: 1, RingTimeout: time.Hour},
		})
		m.Apply(acd.Arrive{At: at(0), Call: "x", Queue: "other"})
		arrive(m, 0, "c")
		require.Empty(t, m.Apply(acd.Tick{At: at(10)}))
		m.Apply(acd.Leave{At: at(11), Call: "x"})
		require.Equal(t, []acd.Decision{acd.Moved{Call: "c", From: "q", To: "other", Reason: acd.ReasonOverflow}}, m.Apply(acd.Tick{At: at(20)}))
	})
}

func TestNobodyAtWork(t *testing.T) {
	t.Run("leave", func(t *testing.T) {
		m := acd.New([]acd.Queue{{Name: "q", NoAgent: acd.NoAgentLeave, NoAgentAfter: 10 * time.Second, RingTimeout: time.Hour}})
		arrive(m, 0, "c")
		join(m, 1, "1", "a")
		m.Apply(acd.Answered{At: at(2), Call: "c", Seat: "1"})
		require.Empty(t, arrive(m, 3, "d"))
		m.Apply(acd.SetPresence{At: at(4), Seat: "1", User: "a", Presence: acd.Offline})
		m.Apply(acd.Leave{At: at(5), Call: "c"})
		require.Empty(t, m.Apply(acd.Tick{At: at(14.9)}), "it talked till 5 s")
		require.Equal(t, []acd.Decision{acd.Refuse{Call: "d", Reason: acd.ReasonNoAgent}}, m.Apply(acd.Tick{At: at(15)}))
		require.Contains(t, m.Apply(acd.Arrive{At: at(16), Call: "e", Queue: "q"}), acd.Refuse{Call: "e", Reason: acd.ReasonNoAgent}, "nobody has been there for long enough")
	})
	t.Run("overflow", func(t *testing.T) {
		m := acd.New([]acd.Queue{
			{Name: "q", Seats: []string{"9"}, NoAgent: acd.NoAgentOverflow, Overflow: acd.Overflow{To: "other"}, RingTimeout: time.Hour},
			{Name: "other", RingTimeout: time.Hour},
		})
		join(m, 0, "1", "a")
		require.Equal(t, []string{"c>1 longest_idle"}, arrive(m, 1, "c"))
	})
	t.Run("wait", func(t *testing.T) {
		m := acd.New([]acd.Queue{{Name: "q", RingTimeout: time.Hour}})
		arrive(m, 0, "c")
		_, ok := m.Deadline()
		require.False(t, ok)
	})
}

func TestACallbackKeepsItsPlace(t *testing.T) {
	m := acd.New([]acd.Queue{{Name: "q", RingTimeout: 15 * time.Second, MaxWait: time.Minute, AnnounceEvery: 10 * time.Second, NoAgent: acd.NoAgentLeave, NoAgentAfter: time.Second * 30}})
	arrive(m, 0, "first")
	arrive(m, 1, "second")
	require.Empty(t, m.Apply(acd.Park{At: at(2), Call: "first"}))
	m.Apply(acd.Leave{At: at(25), Call: "second"})
	require.Empty(t, m.Apply(acd.Tick{At: at(3600)}), "it is not told its position, nor sent away")
	require.Contains(t, join(m, 3601, "1", "a"), acd.Offer{Call: "first", Queue: "q", Seat: "1", User: "a", Attempt: 1, Reason: "longest_idle", Callback: true})

	retrieved := acd.Arrive{At: at(3602), Call: "missed", Queue: "q", Since: at(10), Callback: true, NotUntil: at(3700)}
	m.Apply(retrieved)
	arrive(m, 3603, "later")
	m.Apply(acd.Answered{At: at(3604), Call: "first", Seat: "1"})
	require.Equal(t, []string{"later>1 longest_idle"}, offers(m.Apply(acd.Leave{At: at(3605), Call: "first"})), "the missed call's time has not come")
	m.Apply(acd.Answered{At: at(3606), Call: "later", Seat: "1"})
	arrive(m, 3607, "last")
	require.Equal(t, []string{"missed>1 longest_idle"}, offers(m.Apply(acd.Leave{At: at(3701), Call: "later"})), "it keeps the place it had when it was missed")
}

func TestALeadSetsAPersonsStatus(t *testing.T) {
	m := oneQueue()
	join(m, 0, "8001", "a")
	ds := m.Apply(acd.SetPresence{At: at(1), Seat: "8001", User: "a", Presence: acd.Offline, By: "lead1"})
	require.Equal(t, []acd.Decision{acd.SeatChanged{Seat: "8001", State: acd.StateOffline, Reason: acd.ReasonForced}}, ds)
	v, _ := m.Seat("8001")
	require.Equal(t, "lead1", v.By)
	require.Empty(t, m.SeatOf("a"))
	m.Apply(acd.SetPresence{At: at(2), Seat: "8001", User: "a", Presence: acd.Ready, By: "lead1"})
	require.Equal(t, "8001", m.SeatOf("a"))
	require.Equal(t, acd.StateReady, state(t, m, "8001"))
}

// With a seat that takes 100 s a call, waits grow by 100 s a caller, and the estimate says so.
func TestEstimatedWait(t *testing.T) {
	m := acd.New([]acd.Queue{{Name: "q", AnnounceEvery: time.Hour, RingTimeout: 10 * time.Second, Handle: 100 * time.Second}})
	require.Equal(t, []acd.Decision{acd.Announce{Call: "c0"}}, m.Apply(acd.Arrive{At: at(0), Call: "c0", Queue: "q"}), "nobody is there, so nothing can be said")
	join(m, 0, "1", "a")
	m.Apply(acd.Answered{At: at(2), Call: "c0", Seat: "1"})
	m.Apply(acd.Arrive{At: at(3), Call: "c1", Queue: "q"})
	m.Apply(acd.Arrive{At: at(4), Call: "c2", Queue: "q"})
	v, ok := m.Caller("c2")
	require.True(t, ok)
	require.Equal(t, 2, v.Position)
	require.Equal(t, 202*time.Second, v.Estimate, "two turns of 100 s, and the 2 s that phones ring")
	join(m, 5, "2", "b") // c1 rings there
	m.Apply(acd.Answered{At: at(23), Call: "c1", Seat: "2"})
	m.Apply(acd.Leave{At: at(60), Call: "c0"})
	require.Equal(t, 60*time.Second, m.Queues()[0].Handle, "measured by now")
	m.Apply(acd.Answered{At: at(62), Call: "c2", Seat: "1"})
	q := m.Queues()[0]
	require.Equal(t, 2, q.Estimates)
	require.InDelta(t, 4.1, q.EstimateError, 0.01, "c2 was told 202 s and waited 58 s; c1 102 s and waited 20 s (4.1): the larger of two")
}

func TestReplayOfABrokenRecord(t *testing.T) {
	queues := []acd.Queue{{Name: "q", Rules: rules(t, "wait<30s: dialect; else any"), RingTimeout: time.Minute}}
	var record bytes.Buffer
	put := func(line []byte, err error) {
		require.NoError(t, err)
		record.Write(line)
	}
	put(acd.EncodeQueues(queues))
	put(acd.Encode(acd.Arrive{At: at(0), Call: "c", Queue: "q"}))
	whole := record.String()
	put(acd.Encode(acd.Leave{At: at(1), Call: "c"}))

	m, err := acd.Replay(bytes.NewBufferString(record.String()), nil)
	require.NoError(t, err)
	require.Zero(t, m.Waiting())
	m, err = acd.Replay(bytes.NewBufferString(record.String()[:record.Len()-5]), nil)
	require.NoError(t, err, "a crash cuts the last line off")
	require.Equal(t, 1, m.Waiting())
	_, err = acd.Replay(bytes.NewBufferString(whole+"{\n"+record.String()), nil)
	require.ErrorContains(t, err, "line 3")
	_, err = acd.Replay(bytes.NewBufferString(whole+`{"type":"dance","event":{}}`+"\n"+whole), nil)
	require.ErrorContains(t, err, `unknown type "dance"`)
	_, err = acd.Replay(&bytes.Buffer{}, nil)
	require.ErrorContains(t, err, "empty")
}
