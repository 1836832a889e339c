package telephony

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"hotline/telephony/acd"
)

// board is what is shown of seats and queues, and tells the Observer when it
// changes. It knows seats that have no phone yet, too.
type board struct {
	c        *Center
	observer Observer // nil: nobody looks
	trunks   TrunkObserver
	talks    CallObserver
	wake     chan struct{}

	mu      sync.Mutex
	seats   map[string]Seat
	changed map[string]bool
	queues  bool
	routes  map[string]bool       // trunks that changed
	calls   map[string]bool       // conversations that changed
	shown   map[string]QueueState // as told last
}

func newBoard(c *Center) *board {
	b := &board{c: c, wake: make(chan struct{}, 1), seats: map[string]Seat{}, changed: map[string]bool{}, routes: map[string]bool{}, calls: map[string]bool{}, shown: map[string]QueueState{}}
	b.observer, _ = c.handler.(Observer)
	b.trunks, _ = c.handler.(TrunkObserver)
	b.talks, _ = c.handler.(CallObserver)
	c.floor.onSeat = func(d acd.SeatChanged, v acd.SeatView, own bool) {
		if !own { // of several nodes one puts it on record and tells of it
			return
		}
		c.journal.event(newEvent(c.now(), v.Call, d.Seat, v.User, EvState, EventData{State: string(d.State), Reason: d.Reason}))
		b.touch(d.Seat)
	}
	c.floor.onQueue = func() {
		b.mu.Lock()
		b.queues = true
		b.mu.Unlock()
		b.poke()
	}
	return b
}

func (b *board) know(s Seat) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seats[s.ID] = s
}

func (b *board) has(seat string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, ok := b.seats[seat]
	return ok && !s.Disabled
}

// seatOf is where a user sits, or else usually sits.
func (b *board) seatOf(user string) string {
	if seat := b.c.floor.seatOf(user); seat != "" {
		return seat
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	usual := ""
	for id, s := range b.seats {
		if s.User == user && (usual == "" || id < usual) {
			usual = id
		}
	}
	return usual
}

// userOf is who sits at a seat, or else usually sits there; "" is nobody.
func (b *board) userOf(seat string) string {
	if v, ok := b.c.floor.seat(seat); ok && v.User != "" {
		return v.User
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.seats[seat].User
}

func (b *board) touch(seat string) { b.mark(&b.changed, seat) }

// mark notes in one of the board's sets what has changed.
func (b *board) mark(set *map[string]bool, what string) {
	b.mu.Lock()
	(*set)[what] = true
	b.mu.Unlock()
	b.poke()
}

// take empties one of the board's sets and gives what was in it.
func (b *board) take(set *map[string]bool) map[string]bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	taken := *set
	*set = map[string]bool{}
	return taken
}

func (b *board) poke() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// run tells the observer, at most twenty times a second.
func (b *board) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.wake:
		}
		if b.observer != nil {
			b.tell(ctx)
		}
		b.tellTrunks(ctx)
		b.tellCalls(ctx)
		select {
		case <-ctx.Done():
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (b *board) tell(ctx context.Context) {
	b.mu.Lock()
	changed, queues := b.changed, b.queues
	b.changed, b.queues = map[string]bool{}, false
	b.mu.Unlock()
	for _, a := range b.c.Agents() {
		if changed[a.Seat] {
			b.observer.SeatChanged(ctx, a)
		}
	}
	if !queues && len(changed) == 0 {
		return
	}
	for _, q := range b.c.Queues() {
		was, ok := b.shown[q.Name]
		if ok && was.Waiting == q.Waiting && was.Ready == q.Ready && was.Busy == q.Busy && was.Away == q.Away && was.Oldest.Equal(q.Oldest) {
			continue
		}
		b.shown[q.Name] = q
		b.observer.QueueChanged(ctx, q)
	}
}

// happened notes an event of a conversation.
func (b *board) happened(callID, typ string) {
	switch typ {
	case EvHeld, EvResumed, EvMuted, EvUnmuted, EvPartyCalled, EvPartyRinging, EvPartyJoined, EvPartyLeft, EvSupervised,
		EvTransfer, EvTransferEnded, EvSeatLost, EvSeatBack, EvRecordingPaused, EvRecordingResumed, EvTalkEnded, EvRated:
		b.mark(&b.calls, callID)
	}
}

func (b *board) tellCalls(ctx context.Context) {
	changed := b.take(&b.calls)
	if b.talks == nil {
		return
	}
	for id := range changed {
		if k := b.c.call(id); k != nil { // of one that is over Ended tells
			cdr, _ := k.snapshot()
			b.talks.CallChanged(ctx, cdr)
		}
	}
}

// Agents lists all seats, by id.
func (c *Center) Agents() []AgentState {
	views := map[string]acd.SeatView{}
	for _, v := range c.floor.seats() {
		views[v.Seat] = v
	}
	c.board.mu.Lock()
	seats := make([]Seat, 0, len(c.board.seats))
	for _, s := range c.board.seats {
		if !s.Disabled {
			seats = append(seats, s)
		}
	}
	c.board.mu.Unlock()
	slices.SortFunc(seats, func(a, b Seat) int { return strings.Compare(a.ID, b.ID) })
	agents := make([]AgentState, len(seats))
	for i, s := range seats {
		v, ok := views[s.ID]
		if !ok {
			agents[i] = AgentState{Seat: s.ID, User: s.User, Presence: Offline, State: acd.StateOffline}
			continue
		}
		user := v.User
		if user == "" {
			user = s.User
		}
		call, _, _ := strings.Cut(v.Call, "/") // a seat may be another party of it
		agents[i] = AgentState{
			Seat: s.ID, User: user, Presence: Presence(v.Presence), Reason: v.Reason, Registered: v.Registered,
			State: v.State, Since: v.Since, Until: v.Until, CallID: call,
			Lead: v.By, Skills: v.Skills, Calls: v.Calls, Talked: v.Talked,
		}
	}
	return agents
}

// Queues lists all queues in the order of the configuration.
func (c *Center) Queues() []QueueState {
	states := []QueueState{}
	for _, q := range c.floor.queues() {
		s := QueueState{Name: q.Name, Waiting: len(q.Callers), Ready: q.Ready, Busy: q.Busy, Away: q.Away, Callers: []QueueCaller{},
			Handle: q.Handle, EstimateError: q.EstimateError, Estimates: q.Estimates}
		for _, k := range q.Callers {
			s.Callers = append(s.Callers, QueueCaller{CallID: k.Call, Position: k.Position, Since: k.Since, Seat: k.Seat, Callback: k.Callback, Estimate: k.Estimate})
		}
		if len(q.Callers) > 0 {
			s.Oldest = q.Callers[0].Since
		}
		states = append(states, s)
	}
	return states
}
