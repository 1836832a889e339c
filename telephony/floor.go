package telephony

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"hotline/telephony/acd"
)

// floor gives the queue machine its clock and its lock, and hands each
// decision to the call that it is about. Where several nodes share the queues
// each has a machine of its own that is told of the same events: see share.
type floor struct {
	now     func() time.Time
	log     *slog.Logger
	onSeat  func(d acd.SeatChanged, v acd.SeatView, own bool) // under the lock: must be quick; own: this node, of several, said what brought it about
	onQueue func()                                            // the same, of what this node said
	wake    chan struct{}
	share   *share // nil: this node is alone

	queuesGiven []acd.Queue // by this node's settings

	mu      sync.Mutex
	m       *acd.Machine
	inboxes map[string]*inbox
}

// inbox is what the machine decided for one call, in order. It never blocks
// the machine; what it can hold is bounded by the offers of one call.
type inbox struct {
	ready chan struct{}
	mu    sync.Mutex
	items []acd.Decision
}

func (b *inbox) put(d acd.Decision) {
	b.mu.Lock()
	b.items = append(b.items, d)
	b.mu.Unlock()
	select {
	case b.ready <- struct{}{}:
	default:
	}
}

// take returns what has come since, and leaves the inbox empty.
func (b *inbox) take() []acd.Decision {
	b.mu.Lock()
	defer b.mu.Unlock()
	items := b.items
	b.items = nil
	return items
}

func newFloor(cfg Config, now func() time.Time, log *slog.Logger) *floor {
	queues := make([]acd.Queue, len(cfg.Queues))
	for i, q := range cfg.Queues {
		queues[i] = q.machine(cfg.RingTimeout)
	}
	return &floor{
		now: now, log: log, queuesGiven: queues, m: acd.New(queues), wake: make(chan struct{}, 1), inboxes: map[string]*inbox{},
		onSeat: func(acd.SeatChanged, acd.SeatView, bool) {}, onQueue: func() {},
	}
}

// apply runs one event, made with the time of now, through the machine.
func (f *floor) apply(event func(at time.Time) acd.Event) {
	f.mu.Lock()
	done := f.happens(event(f.now()))
	f.mu.Unlock()
	done()
}

// happens runs an event of this node through the machine, or has it run by all
// nodes in its turn: done then waits for that. The caller holds mu.
func (f *floor) happens(ev acd.Event) (done func() bool) {
	if f.share != nil {
		return f.share.say(ev)
	}
	f.run(ev, true)
	return func() bool { return true }
}

// run runs an event through this node's machine. The caller holds mu.
func (f *floor) run(ev acd.Event, own bool) {
	for _, d := range f.m.Apply(ev) {
		if s, ok := d.(acd.SeatChanged); ok {
			v, _ := f.m.Seat(s.Seat)
			f.onSeat(s, v, own)
			continue
		}
		f.decide(d)
	}
	if _, tick := ev.(acd.Tick); !tick && own {
		f.onQueue()
	}
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// decide hands a decision to the call that it is about. The caller holds mu.
func (f *floor) decide(d acd.Decision) {
	if f.share != nil {
		f.share.decided(d)
	}
	if b := f.inboxes[acd.CallOf(d)]; b != nil {
		b.put(d)
	}
}

// arrive puts a call into a queue, at the time of now; its decisions come to the inbox.
func (f *floor) arrive(e acd.Arrive) *inbox {
	b := &inbox{ready: make(chan struct{}, 1)}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.inboxes[e.Call] = b
	e.At = f.now()
	f.happens(e)
	return b
}

// giveUp takes a call out that no seat has answered yet, and tells it why.
func (f *floor) giveUp(call, reason string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := f.inboxes[call]
	if v, ok := f.m.Caller(call); b == nil || !ok || v.Talking {
		return
	}
	f.happens(acd.Leave{At: f.now(), Call: call})
	b.put(acd.Refuse{Call: call, Reason: reason})
}

// leave takes a call out, wherever it is; it may be called twice.
func (f *floor) leave(call string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.inboxes, call)
	f.happens(acd.Leave{At: f.now(), Call: call})
}

// seize takes a seat for a call of its own; false when it is not free.
func (f *floor) seize(call, seat string) bool {
	f.mu.Lock()
	done := f.happens(acd.Seize{At: f.now(), Call: call, Seat: seat})
	f.mu.Unlock()
	known := done()
	if v, ok := f.seat(seat); ok && v.Call == call {
		return true
	}
	if !known { // it may still come
		f.leave(call)
	}
	return false
}

func (f *floor) seat(id string) (acd.SeatView, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.m.Seat(id)
}

// seatOf is where a user sits; "" when the user is offline.
func (f *floor) seatOf(user string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.m.SeatOf(user)
}

// counts is how many seats ring or talk, and how many callers wait or are offered; of several nodes, for calls of this one.
func (f *floor) counts() (taken, waiting int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.share != nil {
		return f.share.counts()
	}
	return f.m.Taken(), f.m.Waiting()
}

func (f *floor) seats() []acd.SeatView {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.m.Seats()
}

func (f *floor) queues() []acd.QueueView {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.m.Queues()
}

// due is how long it is until something in the machine runs out.
func (f *floor) due() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	due, ok := f.m.Deadline()
	switch {
	case !ok:
		return time.Hour
	case f.share != nil:
		return f.share.until(due)
	}
	return max(due.Sub(f.now()), 0)
}

// tick wakes the machine when something in it runs out, until ctx ends.
func (f *floor) tick(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		wait := f.due()
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return
		case <-f.wake:
			continue
		case <-timer.C:
		}
		f.apply(func(at time.Time) acd.Event { return acd.Tick{At: at} })
	}
}
