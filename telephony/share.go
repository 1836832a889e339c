package telephony

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"hotline/telephony/acd"
)

const (
	// beatEvery is how often a node tells the others that it is there.
	beatEvery = 300 * time.Millisecond
	// missing is how long nothing of a node has been heard when it is taken for gone, with at least missedBeats of the listener's own in between:
	// one that heard nothing of itself either cannot say.
	missing     = 1500 * time.Millisecond
	missedBeats = 4
	// sayWait is how long an event may take to be put into the order of all before whoever said it goes on without knowing.
	sayWait = 2 * time.Second
	// sayAgain is the pause after an Append that failed.
	sayAgain = 100 * time.Millisecond
	// sayAtOnce is how many events are appended at a time.
	sayAtOnce = 200
	// rememberSaid is how many of this node's newest events are kept, for the log may lose its end.
	rememberSaid = 2000
	// rememberGone is how many nodes that are gone are remembered.
	rememberGone = 100
)

// saying is one entry of the EventLog.
type saying struct {
	Node  string          `json:"node"` // name, "#" and what sets apart the processes that had it
	N     int64           `json:"n"`    // counts the node's sayings
	Event json.RawMessage `json:"event,omitempty"`
	Beat  *beat           `json:"beat,omitempty"`
	Gone  *gone           `json:"gone,omitempty"`
	// Queues are those that all nodes are to work with from here on.
	Queues []acd.Queue `json:"queues,omitempty"`
	// Changed is what the node has changed in the store.
	Changed string `json:"changed,omitempty"`
}

// beat tells that a node is there.
type beat struct {
	HTTP string `json:"http,omitempty"` // where its API is
}

// gone tells that a node is not heard any more. It counts only if nothing of the node came in between.
type gone struct {
	Node string `json:"node"`
	N    int64  `json:"n"` // the last that was heard
}

// holding is a call of this node that is in the machine, or is to be.
type holding struct {
	n      int64          // of the newest saying about it
	arrive acd.Arrive     // of one that queued
	seat   string         // that it talks with; "": it waits
	firm   bool           // it has been in the machine
	offers map[string]int // attempt by seat, of those that this node carries out
}

// share makes the machines of several nodes one: what happens on a node is said in an EventLog, and every node runs through its machine what
// it reads there. Each node carries out the decisions on its own calls. What a node holds it says again where it finds that the others do not
// know, be it because the log lost it or because the node was taken for gone.
type share struct {
	f    *floor
	log  EventLog
	node string
	http string

	// All below is guarded by floor.mu.
	members   map[string]member
	calls     map[string]string
	holds     map[string]*holding
	n         int64    // of the newest saying
	pending   []spoken // those that were not read back yet
	sent      int      // of these
	round     int      // counts Begin: what was sent before may be lost
	said      []spoken // those that were, the newest rememberSaid
	waits     map[int64]chan struct{}
	beats     []time.Time // when the own newest beats were read, missedBeats of them
	skew      time.Duration
	going     bool // this node has said good-bye
	begun     bool
	met       chan struct{}     // closed when the state of all is there
	onGone    func(node string) // must be quick
	onChanged func(what string) // the same
	onDevice  func(seat string) // the same; of what another node said

	more chan struct{}
	wg   sync.WaitGroup
}

type spoken struct {
	n    int64
	data []byte
}

// newShare joins a floor to those of other nodes; run starts it.
func newShare(f *floor, log EventLog, name, http string) *share {
	s := &share{
		f: f, log: log, node: name + "#" + rand.Text()[:8], http: http, members: map[string]member{}, calls: map[string]string{},
		holds: map[string]*holding{}, waits: map[int64]chan struct{}{}, met: make(chan struct{}), more: make(chan struct{}, 1),
		onGone: func(string) {}, onChanged: func(string) {}, onDevice: func(string) {},
	}
	f.share = s
	return s
}

// run follows the log and speaks, until ctx ends.
func (s *share) run(ctx context.Context) {
	s.wg.Go(func() { s.log.Follow(ctx, s) })
	s.wg.Go(func() { s.speak(ctx) })
	s.wg.Go(func() { s.beat(ctx) })
	s.wg.Wait()
}

// say has an event run by all nodes, in its turn. The caller holds floor.mu; done does not, and tells whether the turn came in time.
func (s *share) say(ev acd.Event) (done func() bool) {
	line, err := acd.Encode(ev)
	if err != nil { // a programming mistake
		s.f.log.Error("an event of the queues cannot be written", "error", err)
		return func() bool { return false }
	}
	n := s.put(saying{Event: line})
	s.hold(ev, n)
	return s.turn(n)
}

// turn waits for a saying to be run; the caller holds floor.mu, passed does not.
func (s *share) turn(n int64) (passed func() bool) {
	turn := make(chan struct{})
	s.waits[n] = turn
	return func() bool {
		select {
		case <-turn:
			return true
		case <-time.After(sayWait):
			s.f.mu.Lock()
			delete(s.waits, n)
			s.f.mu.Unlock()
			return false
		}
	}
}

// put queues a saying.
func (s *share) put(e saying) int64 {
	s.n++
	e.Node, e.N = s.node, s.n
	data, err := json.Marshal(e)
	if err != nil {
		s.f.log.Error("a message to the other nodes cannot be written", "error", err)
		return s.n
	}
	s.pending = append(s.pending, spoken{s.n, data})
	select {
	case s.more <- struct{}{}:
	default:
	}
	return s.n
}

// hold remembers what this node has to do with a call.
func (s *share) hold(ev acd.Event, n int64) {
	switch e := ev.(type) {
	case acd.Arrive:
		if e.Since.IsZero() {
			e.Since = e.At
		}
		s.holds[e.Call] = &holding{n: n, arrive: e, firm: true}
	case acd.Seize:
		if s.holds[e.Call] == nil { // if it comes to nothing it is let go of
			s.holds[e.Call] = &holding{n: n, seat: e.Seat}
		}
	case acd.Park:
		if h := s.holds[e.Call]; h != nil {
			h.n, h.arrive.Callback = n, true
		}
	case acd.Failed:
		if h := s.holds[e.Call]; h != nil {
			delete(h.offers, e.Seat)
		}
	case acd.Leave:
		delete(s.holds, e.Call)
	}
}

// decided follows what becomes of this node's calls.
func (s *share) decided(d acd.Decision) {
	h := s.holds[acd.CallOf(d)]
	if h == nil {
		return
	}
	switch d := d.(type) {
	case acd.Offer:
		if h.offers == nil {
			h.offers = map[string]int{}
		}
		h.offers[d.Seat] = d.Attempt
	case acd.Withdraw:
		delete(h.offers, d.Seat)
	case acd.Connect:
		h.seat, h.offers = d.Seat, nil
	case acd.Moved:
		h.arrive.Queue = d.To
	case acd.Refuse, acd.Divert:
		delete(s.holds, acd.CallOf(d))
	}
}

// speak appends what is to be said, in order, until ctx ends.
func (s *share) speak(ctx context.Context) {
	for {
		s.f.mu.Lock()
		from, round := s.sent, s.round
		next := slices.Clone(s.pending[from:min(from+sayAtOnce, len(s.pending))])
		s.f.mu.Unlock()
		if len(next) == 0 {
			select {
			case <-ctx.Done():
				return
			case <-s.more:
			}
			continue
		}
		events := make([][]byte, len(next))
		for i, e := range next {
			events[i] = e.data
		}
		if err := s.log.Append(ctx, events); err != nil {
			select {
			case <-ctx.Done():
				return
			case <-time.After(sayAgain):
			}
			continue // twice is once: the number tells
		}
		s.f.mu.Lock()
		last := next[len(next)-1].n
		for round == s.round && s.sent < len(s.pending) && s.pending[s.sent].n <= last {
			s.sent++
		}
		s.f.mu.Unlock()
	}
}

// until is how long this node waits before it says that something has run out: the first of all does at once, others in case it does not.
func (s *share) until(due time.Time) time.Duration {
	rank := 0
	for node, m := range s.members {
		if !m.Gone && node < s.node {
			rank++
		}
	}
	left := due.Sub(s.f.now().Add(s.skew))
	if len(s.pending) > 0 && left <= 0 {
		return 5 * time.Millisecond // it may have been said
	}
	return max(left, 0) + time.Duration(rank)*100*time.Millisecond
}

// counts is how many seats ring or talk, and how many callers wait or are offered, for calls of this node.
func (s *share) counts() (taken, waiting int) {
	for call, h := range s.holds {
		if h.seat != "" {
			taken++
			continue
		}
		waiting++
		taken += len(s.f.m.Standing(call))
	}
	return taken, waiting
}
