package telephony

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"hotline/telephony/acd"
)

// sharedState is what all nodes agree on, as a snapshot.
type sharedState struct {
	Machine json.RawMessage   `json:"machine"`
	Members map[string]member `json:"members"`
	Calls   map[string]string `json:"calls"` // node by call
}

// Begin implements Replica.
func (s *share) Begin(snapshot []byte) error {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	var state sharedState
	if err := json.Unmarshal(snapshot, &state); err != nil {
		return fmt.Errorf("the state of the shared queues cannot be read: %w", err)
	}
	queues, err := acd.Configured(state.Machine)
	if err != nil {
		return fmt.Errorf("the state of the shared queues cannot be read: %w", err)
	}
	m, err := acd.Restore(queues, state.Machine)
	if err != nil {
		return err
	}
	s.f.m, s.members, s.calls = m, state.Members, state.Calls
	s.beats = nil
	// What the state does not have yet is said again.
	have := s.members[s.node].N
	all := append(s.said, s.pending...)
	s.said, s.sent = nil, 0
	s.round++
	i, _ := slices.BinarySearchFunc(all, have+1, func(e spoken, n int64) int { return int(e.n - n) })
	s.pending = slices.Clone(all[i:])
	for n, turn := range s.waits { // of those that the state has
		if n <= have {
			delete(s.waits, n)
			close(turn)
		}
	}
	if !s.begun { // what this process was started with counts from now on
		s.begun = true
		close(s.met)
		if own := acd.New(s.f.queuesGiven).Configured(); !sameQueues(own, m.Configured()) {
			s.f.log.Warn("this node has other settings of the queues than the others; they take them over")
			s.put(saying{Queues: own})
		}
	}
	s.catchUp()
	s.f.onQueue()
	select {
	case s.more <- struct{}{}:
	default:
	}
	return nil
}

// catchUp tells this node's calls what was decided on them on the way to a state that this node did not come to by itself.
func (s *share) catchUp() {
	for _, call := range slices.Sorted(maps.Keys(s.holds)) {
		h := s.holds[call]
		v, _ := s.f.m.Caller(call)
		if h.seat != "" {
			continue
		}
		stand := map[string]acd.Offer{}
		for _, o := range s.f.m.Standing(call) {
			stand[o.Seat] = o
		}
		for _, seat := range slices.Sorted(maps.Keys(h.offers)) {
			if stand[seat].Attempt != h.offers[seat] && (!v.Talking || v.Seat != seat) {
				s.f.decide(acd.Withdraw{Call: call, Seat: seat, Reason: acd.ReasonLate})
			}
		}
		for _, seat := range slices.Sorted(maps.Keys(stand)) {
			if _, carriedOut := h.offers[seat]; !carriedOut {
				s.f.decide(stand[seat])
			}
		}
		if v.Talking {
			at, _ := s.f.m.Seat(v.Seat)
			s.f.decide(acd.Connect{Call: call, Seat: v.Seat, User: at.User})
		}
	}
}

// Snapshot implements Replica.
func (s *share) Snapshot() ([]byte, error) {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	machine, err := s.f.m.Snapshot()
	if err != nil {
		return nil, err
	}
	return json.Marshal(sharedState{Machine: machine, Members: s.members, Calls: s.calls})
}

// Apply implements Replica.
func (s *share) Apply(at time.Time, data []byte) {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	var e saying
	if err := json.Unmarshal(data, &e); err != nil || e.Node == "" {
		s.f.log.Error("what another node says cannot be read", "error", err)
		return
	}
	own := e.Node == s.node
	if own {
		s.skew = at.Sub(s.f.now())
		s.readBack(e.N)
	}
	m := s.members[e.Node]
	if e.N <= m.N {
		return // said twice
	}
	fresh := m.Heard.IsZero()
	m.N, m.Heard, m.Gone = e.N, at, false
	switch {
	case e.Beat != nil:
		m.HTTP = e.Beat.HTTP
		s.members[e.Node] = m
		if fresh {
			s.replaced(e.Node, at)
		}
		if own {
			s.beats = append(s.beats, at)
			s.beats = s.beats[max(0, len(s.beats)-missedBeats):]
			s.reconcile(e.N)
		}
	case e.Gone != nil:
		s.members[e.Node] = m
		if g, known := s.members[e.Gone.Node]; known && !g.Gone && (g.N == e.Gone.N || e.Gone.Node == e.Node) {
			s.lose(e.Gone.Node, e.Node, at)
		}
	case e.Changed != "":
		s.members[e.Node] = m
		if !own {
			s.onChanged(e.Changed)
		}
	case len(e.Queues) > 0:
		s.members[e.Node] = m
		s.requeue(e.Queues)
	default:
		s.members[e.Node] = m
		s.event(e, at, own)
	}
}

// readBack notes that this node's sayings up to a number are in the order, and lets go on who waited for that once the saying has been run.
func (s *share) readBack(n int64) {
	for len(s.pending) > 0 && s.pending[0].n <= n {
		s.said = append(s.said, s.pending[0])
		s.pending = s.pending[1:]
		s.sent = max(0, s.sent-1)
	}
	if len(s.said) > 2*rememberSaid {
		s.said = slices.Clone(s.said[len(s.said)-rememberSaid:])
	}
	if turn := s.waits[n]; turn != nil {
		delete(s.waits, n)
		close(turn) // who waits takes the lock that is held until the saying has been run
	}
}

// event runs an event of any node.
func (s *share) event(e saying, at time.Time, own bool) {
	ev, err := acd.Decode(e.Event, at)
	if err != nil {
		s.f.log.Error("an event of another node cannot be read", "node", nodeName(e.Node), "error", err)
		return
	}
	switch ev := ev.(type) {
	case acd.Arrive:
		if s.calls[ev.Call] == "" {
			s.calls[ev.Call] = e.Node
		}
	case acd.Leave:
		delete(s.calls, ev.Call)
	}
	s.f.run(ev, own)
	if ev, device := ev.(acd.SetDevice); device && !own {
		s.onDevice(ev.Seat)
	}
	if ev, failed := ev.(acd.Failed); failed && own {
		s.givenUp(ev)
	}
	if ev, ok := ev.(acd.Seize); ok {
		h := s.holds[ev.Call]
		if v, known := s.f.m.Seat(ev.Seat); known && v.Call == ev.Call {
			s.calls[ev.Call] = e.Node
			if own && h != nil {
				h.firm = true
			}
		} else if own && h != nil && h.n == e.N && !h.firm {
			delete(s.holds, ev.Call)
		}
	}
}

func sameQueues(a, b []acd.Queue) bool {
	x, err := acd.EncodeQueues(a)
	if err != nil {
		return false
	}
	y, err := acd.EncodeQueues(b)
	return err == nil && bytes.Equal(x, y)
}

// givenUp has an offer withdrawn that this node took up anew, from another state, after it had said that it failed.
func (s *share) givenUp(e acd.Failed) {
	h := s.holds[e.Call]
	if h == nil || h.offers[e.Seat] == 0 {
		return
	}
	for _, o := range s.f.m.Standing(e.Call) {
		if o.Seat == e.Seat {
			return
		}
	}
	s.f.decide(acd.Withdraw{Call: e.Call, Seat: e.Seat, Reason: acd.ReasonLate})
}

// requeue goes on with other queues.
func (s *share) requeue(queues []acd.Queue) {
	state, err := s.f.m.Snapshot()
	if err == nil {
		var m *acd.Machine
		if m, err = acd.Restore(queues, state); err == nil {
			s.f.m = m
			s.f.onQueue()
			return
		}
	}
	s.f.log.Error("other settings of the queues cannot be taken over", "error", err)
}

// reconcile says again what the others do not know of this node's calls, as of its saying n.
func (s *share) reconcile(n int64) {
	for _, call := range slices.Sorted(maps.Keys(s.holds)) {
		h := s.holds[call]
		if h.n >= n {
			continue // on its way
		}
		v, waits := s.f.m.Caller(call)
		switch {
		case h.seat == "" && !waits:
			h.n = s.sayOnly(h.arrive)
		case h.seat != "" && waits && !v.Talking: // it was told to wait when it was not known to talk
			s.sayOnly(acd.Leave{Call: call})
			h.n = s.sayOnly(acd.Seize{Call: call, Seat: h.seat})
		case h.seat != "" && !waits:
			if at, known := s.f.m.Seat(h.seat); !known || at.Call != call {
				h.n = s.sayOnly(acd.Seize{Call: call, Seat: h.seat})
			}
		}
	}
	for _, call := range slices.Sorted(maps.Keys(s.calls)) {
		if s.calls[call] == s.node && s.holds[call] == nil {
			s.sayOnly(acd.Leave{Call: call})
		}
	}
}

// sayOnly says an event without a change of what this node holds.
func (s *share) sayOnly(ev acd.Event) int64 {
	line, err := acd.Encode(ev)
	if err != nil {
		s.f.log.Error("an event of the queues cannot be written", "error", err)
		return s.n
	}
	return s.put(saying{Event: line})
}
