package telephony

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"hotline/telephony/acd"
)

// Callback is a citizen who is to be called back in the place that the citizen had in a queue: one who asked for it, or one whose call was missed
// (漏接回拨). Nothing of it is ever removed.
type Callback struct {
	ID        string        `json:"id"`
	Number    string        `json:"number"`
	CallID    string        `json:"call_id"` // the call that it is for
	Line      string        `json:"line"`
	Queue     string        `json:"queue"`
	Needs     acd.Needs     `json:"needs,omitempty"`
	Priority  int           `json:"priority,omitempty"`
	Prefer    string        `json:"prefer,omitempty"` // user
	Since     time.Time     `json:"since"`            // when the citizen began to wait
	By        string        `json:"by"`               // user who had it called back; CallbackAsked, CallbackMissed
	CreatedAt time.Time     `json:"created_at"`
	NotUntil  time.Time     `json:"not_until,omitzero"` // the next try is not before
	Calls     []string      `json:"calls,omitempty"`    // the tries
	State     CallbackState `json:"state"`
	Node      string        `json:"node,omitempty"` // that sees to it; empty where there is one
	EndedAt   time.Time     `json:"ended_at,omitzero"`
	EndedBy   string        `json:"ended_by,omitempty"` // user who talked, or withdrew it
}

// Who wanted a callback, where no user did.
const (
	CallbackAsked  = "citizen" // with a key
	CallbackMissed = "queue"   // which returns its missed calls
)

// CallbackState is how far a callback is.
type CallbackState string

// The states of a callback; all but the first are its end.
const (
	CallbackWaiting     CallbackState = "waiting"
	CallbackReached     CallbackState = "reached"
	CallbackFailed      CallbackState = "failed"       // not reached in as many tries as the queue allows
	CallbackWithdrawn   CallbackState = "withdrawn"    // by a user
	CallbackCalledAgain CallbackState = "called_again" // the citizen called and was answered
)

// CallbackFilter selects callbacks, newest first.
type CallbackFilter struct {
	Open     bool     // only those that wait
	NotLines []string // those of these are left out
	Number   string   // the citizen's; any when empty
	Limit    int      // 1…200; 0 is 50
	Cursor   string
}

// CallbackPage is one page of callbacks. Total stops counting at 10,000.
type CallbackPage struct {
	Items       []Callback
	NextCursor  string
	Total       int
	TotalCapped bool
}

// CauseCallback ends a call whose citizen is to be called back.
const CauseCallback = "callback"

// EvCallback is a change of a callback; it carries Callback.
const EvCallback = "callback"

// callbacks are those that wait, each with a goroutine of its own. Their number is bounded by maxCallbacks.
type callbacks struct {
	c *Center

	mu      sync.Mutex
	open    map[string]*pending // by id
	numbers map[string]*pending
}

// pending is a callback that waits, or whose citizen is being called.
type pending struct {
	cb     Callback // under callbacks.mu, as is trying
	trying bool     // its citizen is being called
	ctx    context.Context
	cancel context.CancelFunc
}

const maxCallbacks = 1000

func newCallbacks(c *Center) *callbacks {
	return &callbacks{c: c, open: map[string]*pending{}, numbers: map[string]*pending{}}
}

// Callbacks lists callbacks, newest first.
func (c *Center) Callbacks(ctx context.Context, f CallbackFilter) (CallbackPage, error) {
	return c.store.Callbacks(ctx, f)
}

// Callback reads one. Errors: ErrNotFound.
func (c *Center) Callback(ctx context.Context, id string) (Callback, error) {
	return c.store.Callback(ctx, id)
}

// ReturnMissed has a missed call called back in the place that its caller had. Errors: ErrNotFound; ErrConflict where it was called back,
// is to be already, or its number is not known or cannot be called.
func (c *Center) ReturnMissed(ctx context.Context, callID, user string) (Callback, error) {
	cdr, err := c.store.Call(ctx, callID)
	if err != nil {
		return Callback{}, err
	}
	m := cdr.missed()
	switch {
	case m == nil:
		return Callback{}, fmt.Errorf("call %s was not missed: %w", callID, ErrConflict)
	case !c.callable(m.Caller):
		return Callback{}, fmt.Errorf("call %s has no number that can be called: %w", callID, ErrConflict)
	}
	since := cdr.QueuedAt
	if since.IsZero() {
		since = cdr.EndedAt
	}
	return c.callbacks.add(ctx, Callback{Number: m.Caller, CallID: callID, Line: m.Line, Queue: c.queueOf(m.Line, m.Queue), Since: since, By: user})
}

// WithdrawCallback ends a callback before its citizen was reached. Errors: ErrNotFound; ErrConflict when it is over.
func (c *Center) WithdrawCallback(ctx context.Context, id, user string) (Callback, error) {
	cb, err := c.store.Callback(ctx, id)
	if err != nil {
		return cb, err
	}
	c.callbacks.mu.Lock()
	p := c.callbacks.open[id]
	c.callbacks.mu.Unlock()
	if p == nil {
		return cb, fmt.Errorf("callback %s is over: %w", id, ErrConflict)
	}
	return c.callbacks.end(ctx, p, CallbackWithdrawn, user)
}

// queueOf is a queue that exists: the one given, or the line's.
func (c *Center) queueOf(line, queue string) string {
	if _, ok := c.cfg.queue(queue); ok {
		return queue
	}
	for _, l := range c.cfg.Lines {
		if l.Number == line {
			return l.Queue
		}
	}
	return c.cfg.Queues[0].Name
}

// callable tells whether a citizen's number is known and there is a way to it.
func (c *Center) callable(number string) bool {
	if known(number) == "" {
		return false
	}
	_, err := c.through(number)
	return err == nil
}

// add stores a new callback and lets it wait.
func (b *callbacks) add(ctx context.Context, cb Callback) (Callback, error) {
	now := b.c.now().UTC().Truncate(time.Millisecond)
	cb.ID, cb.CreatedAt, cb.State, cb.Since, cb.Node = newID(now), now, CallbackWaiting, cb.Since.UTC(), b.c.node
	if b.elsewhere(ctx, cb.Number) != nil {
		return cb, fmt.Errorf("the number of call %s is to be called back already: %w", cb.CallID, ErrConflict)
	}
	p, err := b.expect(cb)
	if err != nil {
		return cb, err
	}
	if err := b.c.store.SaveCallback(ctx, cb); err != nil {
		b.forget(p)
		return cb, err
	}
	b.told(cb)
	b.start(p)
	return cb, nil
}

// expect puts a callback on the list; a number has one at most.
func (b *callbacks) expect(cb Callback) (*pending, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.numbers[cb.Number] != nil:
		return nil, fmt.Errorf("the number of call %s is to be called back already: %w", cb.CallID, ErrConflict)
	case len(b.open) >= maxCallbacks:
		return nil, fmt.Errorf("%d callbacks wait already: %w", maxCallbacks, ErrConflict)
	}
	p := &pending{cb: cb}
	p.ctx, p.cancel = context.WithCancel(b.c.background)
	b.open[cb.ID], b.numbers[cb.Number] = p, p
	return p, nil
}

func (b *callbacks) forget(p *pending) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p.cancel()
	delete(b.open, p.cb.ID)
	if b.numbers[p.cb.Number] == p {
		delete(b.numbers, p.cb.Number)
	}
}

func (b *callbacks) start(p *pending) { b.c.wg.Go(func() { b.serve(p) }) }

// change stores what has become of a callback.
func (b *callbacks) change(ctx context.Context, p *pending, fn func(cb *Callback)) (Callback, error) {
	b.mu.Lock()
	fn(&p.cb)
	cb := p.cb
	b.mu.Unlock()
	if err := b.c.store.SaveCallback(ctx, cb); err != nil {
		return cb, err
	}
	b.told(cb)
	return cb, nil
}

func (b *callbacks) told(cb Callback) {
	b.c.journal.event(newEvent(b.c.now(), cb.CallID, "", cb.EndedBy, EvCallback, EventData{Callback: &cb}))
}

// end ends a callback; ErrConflict when it is over already.
func (b *callbacks) end(ctx context.Context, p *pending, state CallbackState, user string) (Callback, error) {
	over := false
	cb, err := b.change(ctx, p, func(cb *Callback) {
		if over = cb.State != CallbackWaiting; over {
			return
		}
		cb.State, cb.EndedAt, cb.EndedBy = state, b.c.now().UTC().Truncate(time.Millisecond), user
	})
	b.forget(p)
	if over {
		return cb, fmt.Errorf("callback %s is over: %w", cb.ID, ErrConflict)
	}
	if err != nil || state == CallbackFailed || state == CallbackWithdrawn {
		return cb, err
	}
	if err := b.c.store.HandleMissed(ctx, cb.CallID, user, cb.EndedAt); err != nil && !errors.Is(err, ErrConflict) && !errors.Is(err, ErrNotFound) {
		return cb, err
	}
	return cb, nil
}

// load learns of the callbacks that waited when the last process ended.
func (b *callbacks) load(ctx context.Context) error {
	f := CallbackFilter{Open: true, Limit: 200}
	for {
		page, err := b.c.store.Callbacks(ctx, f)
		if err != nil {
			return fmt.Errorf("read the callbacks: %w", err)
		}
		for _, cb := range page.Items {
			if !b.mine(cb) {
				continue
			}
			if _, err := b.expect(cb); err != nil {
				b.c.log.Error("a callback does not wait any more", "callback", cb.ID, "error", err)
			}
		}
		if f.Cursor = page.NextCursor; f.Cursor == "" {
			return nil
		}
	}
}

// resume lets all that were learnt of wait again.
func (b *callbacks) resume() {
	b.mu.Lock()
	all := slices.Collect(maps.Values(b.open))
	b.mu.Unlock()
	for _, p := range all {
		if b.view(p).Node != b.c.node {
			ctx, cancel := context.WithTimeout(b.c.background, saving)
			if _, err := b.change(ctx, p, func(cb *Callback) { cb.Node = b.c.node }); err != nil {
				b.c.log.Error("whose a callback is is not on record", "callback", p.cb.ID, "error", err)
			}
			cancel()
		}
		b.start(p)
	}
}

// drain leaves the callbacks whose citizens are not being called to the next process.
func (b *callbacks) drain() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.open {
		if !p.trying {
			p.cancel()
		}
	}
}

// answered ends the callback of a citizen who has called again and talked with a seat.
func (b *callbacks) answered(cdr CDR) {
	if cdr.Direction != Inbound || cdr.BridgedAt.IsZero() {
		return
	}
	b.mu.Lock()
	p := b.numbers[cdr.Caller]
	b.mu.Unlock()
	ctx, cancel := context.WithTimeout(b.c.background, b.c.patient)
	defer cancel()
	if p == nil {
		if p = b.elsewhere(ctx, cdr.Caller); p == nil {
			return
		}
	}
	if _, err := b.end(ctx, p, CallbackCalledAgain, cdr.User); err != nil {
		b.c.log.Error("a callback is not ended whose citizen has called", "callback", p.cb.ID, "error", err)
	}
}
