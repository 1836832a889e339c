package telephony

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hotline/telephony/acd"
)

// shared is a small world of nodes around one log, without goroutines: what is said, read and lost happens when the test says so.
type shared struct {
	t     *rapid.T
	now   time.Time
	log   []logged
	state []byte // at the beginning of the log
	nodes []*sharer
	calls int
	lives int
}

type logged struct {
	at   time.Time
	data []byte
}

// sharer is a node.
type sharer struct {
	name  string
	f     *floor
	in    map[string]*inbox
	seat  map[string]string    // by call: that it talks with
	rings map[string]acd.Offer // by call: that is being carried out
	read  int
	sleep bool
}

var sharedQueues = []acd.Queue{
	{Name: "general", SetAside: 5 * time.Second, RingTimeout: 10 * time.Second, WrapUp: time.Second},
	{Name: "few", Seats: []string{"s1", "s2"}, Overflow: acd.Overflow{To: "general", After: 8 * time.Second}, RingTimeout: 10 * time.Second},
}

func (w *shared) start(name string) *sharer {
	w.lives++
	n := &sharer{name: name, in: map[string]*inbox{}, seat: map[string]string{}, rings: map[string]acd.Offer{}}
	n.f = newFloor(Config{}, func() time.Time { return w.now }, slog.New(slog.DiscardHandler))
	n.f.queuesGiven, n.f.m = sharedQueues, acd.New(sharedQueues)
	newShare(n.f, nil, name, "")
	n.f.share.node = fmt.Sprintf("%s#%d", name, w.lives)
	w.nodes = append(w.nodes, n)
	if w.state == nil {
		state, err := n.f.share.Snapshot()
		require.NoError(w.t, err)
		w.state = state
	}
	w.begin(n)
	return n
}

func (w *shared) begin(n *sharer) {
	require.NoError(w.t, n.f.share.Begin(w.state))
	n.read = 0
}

// say puts what a node has to say into the log, sometimes twice.
func (w *shared) say(n *sharer, twice bool) {
	s := n.f.share
	for _, p := range s.pending[s.sent:] {
		w.log = append(w.log, logged{w.now, p.data})
	}
	if !twice {
		s.sent = len(s.pending)
	}
}

// hear lets a node read, at most so many events.
func (w *shared) hear(n *sharer, most int) {
	for ; n.read < len(w.log) && most > 0; most-- {
		n.f.share.Apply(w.log[n.read].at, w.log[n.read].data)
		n.read++
	}
	for _, call := range slices.Sorted(maps.Keys(n.in)) {
		for _, d := range n.in[call].take() {
			switch d := d.(type) {
			case acd.Offer:
				n.rings[call] = d
			case acd.Withdraw:
				if n.rings[call].Seat == d.Seat {
					delete(n.rings, call)
				}
			case acd.Connect:
				n.seat[call] = d.Seat
				delete(n.rings, call)
			case acd.Refuse, acd.Divert:
				n.end(call)
			}
		}
	}
}

func (n *sharer) end(call string) {
	delete(n.in, call)
	delete(n.rings, call)
	delete(n.seat, call)
	n.f.leave(call)
}

func (w *shared) beat(n *sharer) {
	n.f.share.put(saying{Beat: &beat{}})
	n.f.share.miss()
}

// settle lets time pass until all has been said and read, and nodes that are gone have been missed.
func (w *shared) settle() {
	for range 60 {
		w.now = w.now.Add(beatEvery)
		for _, n := range w.nodes {
			if n.f.due() == 0 {
				n.f.mu.Lock()
				n.f.happens(acd.Tick{})
				n.f.mu.Unlock()
			}
			w.beat(n)
			w.say(n, false)
		}
		for _, n := range w.nodes {
			w.hear(n, len(w.log))
		}
	}
}

// step is something that happens.
func (w *shared) step() {
	w.now = w.now.Add(time.Duration(rapid.IntRange(0, 300).Draw(w.t, "ms")) * time.Millisecond)
	n := rapid.SampledFrom(w.nodes).Draw(w.t, "node")
	switch rapid.SampledFrom([]string{"arrive", "arrive", "leave", "answer", "answer", "answer", "fail", "seat", "seat", "seat", "seize", "say", "say", "say twice", "hear", "hear", "hear", "beat", "kill", "flush", "forget", "sleep"}).Draw(w.t, "what") {
	case "arrive":
		w.calls++
		call := fmt.Sprintf("c%d", w.calls)
		n.in[call] = n.f.arrive(acd.Arrive{Call: call, Queue: rapid.SampledFrom([]string{"general", "few"}).Draw(w.t, "queue")})
	case "leave":
		if all := slices.Sorted(maps.Keys(n.in)); len(all) > 0 {
			n.end(rapid.SampledFrom(all).Draw(w.t, "call"))
		}
	case "answer":
		for _, call := range slices.Sorted(maps.Keys(n.rings)) {
			w.event(n, acd.Answered{Call: call, Seat: n.rings[call].Seat, Attempt: n.rings[call].Attempt})
			break
		}
	case "fail":
		for _, call := range slices.Sorted(maps.Keys(n.rings)) {
			w.event(n, acd.Failed{Call: call, Seat: n.rings[call].Seat, Attempt: n.rings[call].Attempt})
			delete(n.rings, call)
			break
		}
	case "seat":
		seat := rapid.SampledFrom([]string{"s1", "s2", "s3"}).Draw(w.t, "seat")
		w.event(n, acd.SetDevice{Seat: seat, Registered: true})
		w.event(n, acd.SetPresence{Seat: seat, User: "u" + seat, Presence: rapid.SampledFrom([]acd.Presence{acd.Ready, acd.Ready, acd.Break}).Draw(w.t, "presence")})
	case "seize":
		w.calls++
		call := fmt.Sprintf("own%d", w.calls)
		w.event(n, acd.Seize{Call: call, Seat: rapid.SampledFrom([]string{"s1", "s2", "s3"}).Draw(w.t, "seat")})
	case "say":
		w.say(n, false)
	case "say twice":
		w.say(n, true)
	case "hear":
		if !n.sleep {
			w.hear(n, rapid.IntRange(1, 20).Draw(w.t, "events"))
		}
	case "beat":
		w.beat(n)
	case "sleep":
		n.sleep = !n.sleep
	case "kill":
		if rapid.IntRange(0, 3).Draw(w.t, "really") == 0 {
			w.nodes = slices.DeleteFunc(w.nodes, func(o *sharer) bool { return o == n })
			w.start(n.name)
		}
	case "flush":
		state, err := n.f.share.Snapshot()
		require.NoError(w.t, err)
		w.log, w.state = nil, state
		for _, n := range w.nodes {
			w.begin(n)
		}
	case "forget":
		w.forget(rapid.IntRange(1, 20).Draw(w.t, "forgotten"))
	}
}

// forget loses the newest events, as when another Redis takes over. All begin anew.
func (w *shared) forget(k int) {
	w.log = w.log[:max(0, len(w.log)-k)]
	for _, n := range w.nodes {
		w.begin(n)
	}
}

func (w *shared) event(n *sharer, ev acd.Event) {
	n.f.mu.Lock()
	defer n.f.mu.Unlock()
	n.f.happens(ev)
}

// However events are said, read, lost, forgotten, and whoever is killed or sleeps: in the end all nodes agree, and what each holds is what they agree on.
func TestSharedFloorsAgree(t *testing.T) {
	waited, talked, lost := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := &shared{t: t, now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
		for _, name := range []string{"a", "b", "c"} {
			w.start(name)
		}
		for range rapid.IntRange(50, 300).Draw(t, "steps") {
			w.step()
		}
		if rapid.Bool().Draw(t, "one is gone for good") {
			w.nodes = w.nodes[1:]
			lost++
		}
		w.settle()
		first, err := w.nodes[0].f.share.Snapshot()
		require.NoError(t, err)
		known := map[string]bool{}
		for _, n := range w.nodes {
			state, err := n.f.share.Snapshot()
			require.NoError(t, err)
			require.Equal(t, string(first), string(state), n.name)
			asks := 0
			for call, h := range n.f.share.holds {
				known[call] = true
				v, inQueue := n.f.m.Caller(call)
				if h.seat == "" {
					require.True(t, inQueue && !v.Talking, "%s of %s waits", call, n.name)
					require.Equal(t, v.Seat, n.rings[call].Seat, "the node rings the seat that all know of, and no other")
					waited++
					continue
				}
				talked++
				at, _ := n.f.m.Seat(h.seat)
				if at.Call != call { // another node's call got the seat while this one was away: only of one that was taken for gone
					require.NotEmpty(t, at.Call, "seat %s is free, and %s of %s talks there", h.seat, call, n.name)
					asks++
				}
			}
			require.True(t, asks > 0 || len(n.f.share.pending) == 0, "%d sayings of %s were not read", len(n.f.share.pending), n.name)
		}
		for _, q := range w.nodes[0].f.m.Queues() {
			for _, c := range q.Callers {
				require.True(t, known[c.Call], "%s waits and no node holds it", c.Call)
			}
		}
		for _, s := range w.nodes[0].f.m.Seats() {
			require.True(t, s.Call == "" || known[s.Call], "%s has %s, which no node holds", s.Seat, s.Call)
		}
	})
	t.Logf("%d waited and %d talked in the end; %d times a node was gone for good", waited, talked, lost)
	require.NotZero(t, waited)
	require.NotZero(t, talked)
	require.NotZero(t, lost)
}

// Settings of the queues that a node is started with count for all nodes from then on, and nobody's place is lost.
func TestSharedFloorsTakeNewSettings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &shared{t: t, now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
		a := w.start("a")
		a.in["c1"] = a.f.arrive(acd.Arrive{Call: "c1", Queue: "few"})
		w.settle()
		b := &sharer{name: "b", in: map[string]*inbox{}, seat: map[string]string{}, rings: map[string]acd.Offer{}}
		b.f = newFloor(Config{}, a.f.now, slog.New(slog.DiscardHandler))
		b.f.queuesGiven = []acd.Queue{{Name: "new"}}
		newShare(b.f, nil, "b", "")
		w.nodes = append(w.nodes, b)
		w.begin(b)
		for range 2 {
			w.settle()
			for _, n := range w.nodes {
				require.Len(t, n.f.m.Configured(), 1)
				v, ok := n.f.m.Caller("c1")
				require.True(t, ok)
				require.Equal(t, "new", v.Queue)
			}
			w.forget(rapid.IntRange(0, 10).Draw(t, "forgotten")) // the former settings do not come back with it
		}
	})
}
