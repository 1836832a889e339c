package acd_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hotline/telephony/acd"
)

// model is the reference: plain lists, and rules written the other way round.
// It does not decide; it checks each decision and the picture after it.
type model struct {
	queues map[string]acd.Queue
	order  map[string][]string // arrivals per queue, oldest first; not yet talking
	calls  map[string]*mcall
	seats  map[string]*mseat
	stamp  int
}

type mcall struct {
	queue, seat string
	talking     bool
}

type mseat struct {
	user, call      string
	presence        acd.Presence
	device          bool
	aside, wrapping bool
	talking         bool
	freeSince       int
}

func (s *mseat) state() acd.State {
	switch {
	case s.talking:
		return acd.StateTalking
	case s.call != "":
		return acd.StateRinging
	case s.presence == acd.Offline || !s.device:
		return acd.StateOffline
	case s.presence == acd.Break:
		return acd.StateBreak
	case s.aside:
		return acd.StateSetAside
	case s.wrapping:
		return acd.StateWrapUp
	default:
		return acd.StateReady
	}
}

func (md *model) serves(q, seat string) bool {
	return len(md.queues[q].Seats) == 0 || slices.Contains(md.queues[q].Seats, seat)
}

func (md *model) free(call string) {
	c := md.calls[call]
	if c != nil && c.seat != "" {
		md.seats[c.seat].call, md.seats[c.seat].talking = "", false
		c.seat = ""
	}
}

func (md *model) drop(call string) {
	md.free(call)
	if c := md.calls[call]; c != nil {
		md.order[c.queue] = slices.DeleteFunc(md.order[c.queue], func(s string) bool { return s == call })
	}
	delete(md.calls, call)
}

// decision checks one decision against the model and carries it out there.
func (md *model) decision(t require.TestingT, d acd.Decision) {
	switch d := d.(type) {
	case acd.Offer:
		c, s := md.calls[d.Call], md.seats[d.Seat]
		require.NotNil(t, c, "offer of a call that is not there")
		require.Empty(t, c.seat, "second offer of one call")
		require.Empty(t, s.call, "two calls for one seat")
		require.True(t, md.serves(d.Queue, d.Seat))
		require.NotEqual(t, acd.Offline, s.presence)
		for _, before := range md.order[d.Queue] {
			if before == d.Call {
				break
			}
			require.NotEmpty(t, md.calls[before].seat, "%s passed over for %s", before, d.Call)
		}
		for id, o := range md.seats {
			if id != d.Seat && md.serves(d.Queue, id) && o.state() == acd.StateReady {
				require.Less(t, s.freeSince, o.freeSince, "%s has been idle longer than %s", id, d.Seat)
			}
		}
		c.seat, s.call = d.Seat, d.Call
	case acd.Withdraw:
		if c := md.calls[d.Call]; d.Reason != acd.ReasonLate && c != nil {
			require.Equal(t, d.Seat, c.seat)
			md.free(d.Call)
		}
	case acd.Connect:
		c := md.calls[d.Call]
		require.Equal(t, d.Seat, c.seat)
		c.talking, md.seats[d.Seat].talking = true, true
		md.order[c.queue] = slices.DeleteFunc(md.order[c.queue], func(s string) bool { return s == d.Call })
	case acd.Refuse:
		md.drop(d.Call)
	case acd.Announce:
		require.Equal(t, d.Call, md.order[md.calls[d.Call].queue][d.Ahead])
		require.Empty(t, md.calls[d.Call].seat)
	case acd.SeatChanged:
		s := md.seats[d.Seat]
		s.aside = d.State == acd.StateSetAside
		s.wrapping = d.State == acd.StateWrapUp
		if d.State == acd.StateReady {
			md.stamp++
			s.freeSince = md.stamp
		}
	}
}

// settled checks that nothing is lost and nobody waits beside a ready seat.
func (md *model) settled(t require.TestingT, m *acd.Machine) {
	for id, s := range md.seats {
		v, ok := m.Seat(id)
		require.True(t, ok)
		require.Equal(t, s.state(), v.State, "seat %s", id)
		require.Equal(t, s.call, v.Call, "seat %s", id)
	}
	for id, c := range md.calls {
		v, ok := m.Caller(id)
		require.True(t, ok, "call %s is lost", id)
		require.Equal(t, c.seat, v.Seat)
		require.Equal(t, c.talking, v.Talking)
	}
	inQueues := 0
	for _, q := range m.Queues() {
		inQueues += len(q.Callers)
		ids := []string{}
		for _, c := range q.Callers {
			ids = append(ids, c.Call)
			if c.Seat == "" {
				require.Zero(t, q.Ready, "%s waits beside a ready seat", c.Call)
			}
		}
		require.Equal(t, append([]string{}, md.order[q.Name]...), ids, "order of arrival")
	}
	for _, c := range md.calls {
		if c.talking {
			inQueues++
		}
	}
	require.Equal(t, len(md.calls), inQueues)
}

func newModel() (*model, []acd.Queue) {
	queues := []acd.Queue{
		{Name: "all", MaxLength: 6, MaxWait: 3 * time.Minute, WrapUp: 5 * time.Second, SetAside: 30 * time.Second, AnnounceEvery: 20 * time.Second, RingTimeout: 15 * time.Second},
		{Name: "few", Seats: []string{"s1", "s2"}, MaxLength: 4, SetAside: 10 * time.Second, RingTimeout: 10 * time.Second},
	}
	md := &model{queues: map[string]acd.Queue{}, order: map[string][]string{}, calls: map[string]*mcall{}, seats: map[string]*mseat{}}
	for _, q := range queues {
		md.queues[q.Name] = q
	}
	return md, queues
}

// random draws one event, and tells the model what the world did.
func (md *model) random(t *rapid.T, m *acd.Machine, now time.Time, n *int) acd.Event {
	seat := rapid.SampledFrom([]string{"s1", "s2", "s3", "s4"}).Draw(t, "seat")
	call := fmt.Sprintf("c%d", rapid.IntRange(max(0, *n-8), *n).Draw(t, "call"))
	switch rapid.IntRange(0, 11).Draw(t, "kind") {
	case 0:
		p := rapid.SampledFrom([]acd.Presence{acd.Ready, acd.Ready, acd.Break, acd.Offline}).Draw(t, "presence")
		user := rapid.SampledFrom([]string{"u1", "u2", "u3", "u4", "u5"}).Draw(t, "user")
		return acd.SetPresence{At: now, Seat: seat, User: user, Presence: p}
	case 1:
		return acd.SetDevice{At: now, Seat: seat, Registered: rapid.IntRange(0, 3).Draw(t, "up") > 0}
	case 2, 3, 4:
		*n++
		return acd.Arrive{At: now, Call: fmt.Sprintf("c%d", *n), Queue: rapid.SampledFrom([]string{"all", "few"}).Draw(t, "queue")}
	case 5:
		return acd.Leave{At: now, Call: call}
	case 6:
		return acd.Ringing{At: now, Call: call, Seat: seat}
	case 7, 8: // most answers come from the seat that was offered the call
		if v, ok := m.Caller(call); ok && v.Seat != "" && rapid.Bool().Draw(t, "right") {
			seat = v.Seat
		}
		return acd.Answered{At: now, Call: call, Seat: seat}
	case 9:
		return acd.Failed{At: now, Call: call, Seat: seat, Reason: acd.ReasonUnreachable}
	case 10:
		return acd.EndWrapUp{At: now, Seat: seat}
	default:
		return acd.Tick{At: now}
	}
}

// world changes the model by what an event itself says.
func (md *model) world(ev acd.Event) {
	seat := func(id string) *mseat {
		if md.seats[id] == nil {
			md.seats[id] = &mseat{presence: acd.Offline}
		}
		return md.seats[id]
	}
	switch e := ev.(type) {
	case acd.SetPresence:
		if e.Presence != acd.Offline {
			for id, o := range md.seats {
				if id != e.Seat && o.user == e.User {
					o.presence = acd.Offline
				}
			}
		}
		s := seat(e.Seat)
		s.user, s.presence = e.User, e.Presence
	case acd.SetDevice:
		seat(e.Seat).device = e.Registered
	case acd.Arrive:
		md.calls[e.Call] = &mcall{queue: e.Queue}
		md.order[e.Queue] = append(md.order[e.Queue], e.Call)
	case acd.Leave:
		md.drop(e.Call)
	case acd.Failed:
		if c := md.calls[e.Call]; c != nil && c.seat == e.Seat && !c.talking {
			md.free(e.Call)
		}
	}
}

func TestAgainstTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		md, queues := newModel()
		m, replay := acd.New(queues), acd.New(queues)
		now, n := t0, 0
		for range rapid.IntRange(1, 150).Draw(t, "events") {
			now = now.Add(time.Duration(rapid.IntRange(0, 8000).Draw(t, "ms")) * time.Millisecond)
			// The caller of a machine wakes it when something has come due.
			for {
				due, ok := m.Deadline()
				if !ok || due.After(now) {
					break
				}
				ds := m.Apply(acd.Tick{At: due})
				require.Equal(t, ds, replay.Apply(acd.Tick{At: due}))
				require.NotEmpty(t, ds, "a deadline that does nothing would spin")
				md.check(t, m, ds)
			}
			ev := md.random(t, m, now, &n)
			ds := m.Apply(ev)
			require.Equal(t, ds, replay.Apply(ev), "the same events give the same decisions")
			md.world(ev)
			md.check(t, m, ds)
		}
	})
}

func (md *model) check(t require.TestingT, m *acd.Machine, ds []acd.Decision) {
	for _, d := range ds {
		md.decision(t, d)
	}
	md.settled(t, m)
}
