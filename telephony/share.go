package telephony

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
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

// member is a node as all know it.
type member struct {
	N     int64     `json:"n"` // of the newest saying
	Heard time.Time `json:"heard"`
	HTTP  string    `json:"http,omitempty"`
	Gone  bool      `json:"gone,omitempty"`
}

// sharedState is what all nodes agree on, as a snapshot.
type sharedState struct {
	Machine json.RawMessage   `json:"machine"`
	Members map[string]member `json:"members"`
	Calls   map[string]string `json:"calls"` // node by call
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

// nodeName is the name of a process's node.
func nodeName(node string) string {
	name, _, _ := strings.Cut(node, "#")
	return name
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
	turn := make(chan struct{})
	s.waits[s.n+1] = turn
	n := s.put(saying{Event: line})
	s.hold(ev, n)
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

// beat tells the others again and again that this node is there, and notices who is not, until ctx ends.
func (s *share) beat(ctx context.Context) {
	ticker := time.NewTicker(beatEvery)
	defer ticker.Stop()
	for {
		s.f.mu.Lock()
		if len(s.pending) < sayAtOnce && !s.going {
			s.put(saying{Beat: &beat{HTTP: s.http}})
		}
		s.miss()
		s.f.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// miss says which nodes are gone.
func (s *share) miss() {
	if len(s.beats) < missedBeats || len(s.pending) >= sayAtOnce {
		return
	}
	first, last := s.beats[0], s.beats[len(s.beats)-1]
	for node, m := range s.members {
		if !m.Gone && node != s.node && m.Heard.Before(first) && last.Sub(m.Heard) > missing {
			s.put(saying{Gone: &gone{Node: node, N: m.N}})
		}
	}
}

// tellChanged tells the other nodes what this one has changed in the store.
func (s *share) tellChanged(what string) {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	s.put(saying{Changed: what})
}

// leave says that this node is going, and waits for it to be heard.
func (s *share) leave() {
	s.f.mu.Lock()
	turn := make(chan struct{})
	s.waits[s.n+1] = turn
	s.put(saying{Gone: &gone{Node: s.node, N: s.n}})
	s.going = true
	s.f.mu.Unlock()
	select {
	case <-turn:
	case <-time.After(sayWait):
	}
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

// replaced ends what former processes of a node left, when a new one says that it is there.
func (s *share) replaced(node string, at time.Time) {
	for _, other := range slices.Sorted(maps.Keys(s.members)) {
		if other != node && nodeName(other) == nodeName(node) && !s.members[other].Gone {
			s.lose(other, node, at)
		}
	}
}

// lose takes the calls of a node that is gone, as another says or it itself, out of the machine.
func (s *share) lose(node, by string, at time.Time) {
	m := s.members[node]
	m.Gone = true
	s.members[node] = m
	for _, call := range slices.Sorted(maps.Keys(s.calls)) {
		if s.calls[call] == node {
			delete(s.calls, call)
			s.f.run(acd.Leave{At: at, Call: call}, by == s.node)
		}
	}
	s.forget()
	if node == s.node {
		if !s.going {
			s.f.log.Warn("the other nodes took this one for gone; its calls are told again")
		}
		return
	}
	s.f.log.Warn("another node is gone", "node", nodeName(node))
	if by == node {
		by = s.first()
	}
	if by == s.node {
		s.onGone(nodeName(node))
	}
}

// first is the first by name of the nodes that are there; "" where none is known.
func (s *share) first() string {
	first := ""
	for node, m := range s.members {
		if !m.Gone && (first == "" || node < first) {
			first = node
		}
	}
	return first
}

// forget bounds the nodes that are remembered though gone: those not heard of for the longest time go.
func (s *share) forget() {
	var left []string
	for node, m := range s.members {
		if m.Gone {
			left = append(left, node)
		}
	}
	if len(left) <= rememberGone {
		return
	}
	slices.SortFunc(left, func(a, b string) int { return s.members[a].Heard.Compare(s.members[b].Heard) })
	for _, node := range left[:len(left)-rememberGone] {
		delete(s.members, node)
	}
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

// nodes are those that are there, by name, with where their API is.
func (s *share) nodes() map[string]string {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	all := map[string]string{}
	for node, m := range s.members {
		if !m.Gone {
			all[nodeName(node)] = m.HTTP
		}
	}
	return all
}

// nodeOf is the node that has a call, and where its API is; "" where none is known to have it.
func (s *share) nodeOf(call string) (name, http string) {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	node := s.calls[call]
	return nodeName(node), s.members[node].HTTP
}
