package web

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"hotline/ticketing"
)

const (
	ringSize   = 4096
	batch      = 500
	maxReplay  = 2000                  // more than that is a resync
	restTime   = 10 * time.Millisecond // between two reads of the log: under load one read serves many commits
	pollEvery  = time.Second           // in case a wake-up got lost
	readBudget = 5 * time.Second
)

var (
	errHubClosed   = errors.New("web: the server is stopping")
	errTooMany     = errors.New("web: too many streams of this user")
	errTooManyHere = errors.New("web: too many streams")
)

type hubOptions struct {
	now                    func() time.Time
	log                    *slog.Logger
	buffer, perUser, total int
}

// hub reads the log of live events once and hands each event to the streams
// that may see it.
type hub struct {
	source Live
	opts   hubOptions
	hooks  []func(ticketing.LiveEvent)

	mu      sync.Mutex
	streams map[*stream]struct{}
	users   map[string]int
	ring    []ticketing.LiveEvent // the last ones, in the order in which they arrived
	last    int64                 // every event up to here has been handed out
	closed  bool

	cancel context.CancelFunc
	done   chan struct{}
}

// stream is one client that listens.
type stream struct {
	user      string
	session   string
	audiences map[string]bool
	events    chan ticketing.LiveEvent
	end       chan struct{} // closed when the hub drops the stream
}

func newHub(source Live, opts hubOptions) *hub {
	return &hub{
		source: source, opts: opts, streams: map[*stream]struct{}{}, users: map[string]int{},
		done: make(chan struct{}),
	}
}

// start begins after the newest event there is.
func (h *hub) start(ctx context.Context) error {
	last, err := h.source.LastLiveEvent(ctx)
	if err != nil {
		return err
	}
	h.last = last
	run, cancel := context.WithCancel(context.Background())
	h.cancel = cancel
	wake, unsubscribe := h.source.Subscribe("live")
	go func() {
		defer close(h.done)
		defer unsubscribe()
		h.run(run, wake)
	}()
	return nil
}

func (h *hub) run(ctx context.Context, wake <-chan struct{}) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	failing := false
	for {
		err := h.pump(ctx)
		read := time.Now()
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failing:
			h.opts.log.Error("live events cannot be read", "error", mask(err.Error()))
		case err == nil && failing:
			h.opts.log.Info("live events can be read again")
		}
		failing = err != nil
		if failing {
			rest(ctx, pollEvery) // wake-ups must not make a busy loop
			continue
		}
		select {
		case <-ctx.Done():
			return
		case _, ok := <-wake:
			if !ok {
				wake = nil // the store is closing; the ticker remains
			}
			rest(ctx, restTime-time.Since(read))
		case <-tick.C:
		}
	}
}

// rest waits, unless the context ends first.
func rest(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// pump hands out everything that is new.
func (h *hub) pump(ctx context.Context) error {
	for {
		h.mu.Lock()
		after := h.last
		h.mu.Unlock()
		read, cancel := context.WithTimeout(ctx, readBudget)
		events, err := h.source.LiveEvents(read, after, batch)
		cancel()
		if err != nil {
			return err
		}
		h.deliver(events)
		if len(events) < batch {
			return nil
		}
	}
}

func (h *hub) deliver(events []ticketing.LiveEvent) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range events {
		h.last = e.ID
		for _, hook := range h.hooks {
			hook(e)
		}
		for s := range h.streams {
			if s.audiences[e.Audience] {
				h.send(s, e)
			}
		}
	}
	h.ring = append(h.ring, events...)
	if len(h.ring) > 2*ringSize {
		h.ring = slices.Clone(h.ring[len(h.ring)-ringSize:])
	}
}

// send never waits: a stream whose buffer is full is dropped, and its client
// comes back with the id of the last event it got.
func (h *hub) send(s *stream, e ticketing.LiveEvent) {
	select {
	case s.events <- e:
	default:
		h.opts.log.Warn("a live stream is too slow and was closed", "user", s.user)
		h.remove(s)
	}
}

// join adds a stream. Events from this moment on go into its buffer; replay
// answers those after the given id, or resync when they are not all to be had.
func (h *hub) join(ctx context.Context, id identity, after int64) (s *stream, replay []ticketing.LiveEvent, resync bool, err error) {
	s = &stream{
		user: id.user.ID, session: id.session.TokenHash, audiences: audiencesOf(id.actor),
		events: make(chan ticketing.LiveEvent, h.opts.buffer), end: make(chan struct{}),
	}
	h.mu.Lock()
	switch {
	case h.closed:
		err = errHubClosed
	case h.users[s.user] >= h.opts.perUser:
		err = errTooMany
	case len(h.streams) >= h.opts.total:
		err = errTooManyHere
	}
	if err != nil {
		h.mu.Unlock()
		return nil, nil, false, err
	}
	h.streams[s] = struct{}{}
	h.users[s.user]++
	known := after <= 0
	if at := slices.IndexFunc(h.ring, func(e ticketing.LiveEvent) bool { return e.ID == after }); at >= 0 {
		known, replay = true, slices.Clone(h.ring[at+1:])
	} else if after == h.last {
		known = true // nothing came since
	}
	h.mu.Unlock()
	if !known {
		if replay, resync, err = h.readAfter(ctx, after); err != nil {
			h.leave(s)
			return nil, nil, false, err
		}
	}
	replay = slices.DeleteFunc(replay, func(e ticketing.LiveEvent) bool { return !s.audiences[e.Audience] })
	return s, replay, resync, nil
}

// readAfter reads from the store what the ring no longer has.
func (h *hub) readAfter(ctx context.Context, after int64) ([]ticketing.LiveEvent, bool, error) {
	last, err := h.source.LastLiveEvent(ctx)
	if err != nil || after > last { // an id from another database
		return nil, true, err
	}
	oldest, err := h.source.LiveEvents(ctx, 0, 1)
	if err != nil {
		return nil, false, err
	}
	if len(oldest) == 0 || oldest[0].ID > after+1 { // pruned
		return nil, len(oldest) > 0 || after < last, nil
	}
	var all []ticketing.LiveEvent
	for from := after; ; {
		events, err := h.source.LiveEvents(ctx, from, batch)
		if err != nil {
			return nil, false, err
		}
		all = append(all, events...)
		if len(all) > maxReplay {
			return nil, true, nil
		}
		if len(events) < batch {
			return all, false, nil
		}
		from = events[len(events)-1].ID
	}
}

func (h *hub) leave(s *stream) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.remove(s)
}

func (h *hub) remove(s *stream) {
	if _, ok := h.streams[s]; !ok {
		return
	}
	delete(h.streams, s)
	if h.users[s.user]--; h.users[s.user] <= 0 {
		delete(h.users, s.user)
	}
	close(s.end)
}

// endSession drops the streams of a session that was revoked.
func (h *hub) endSession(tokenHash string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.streams {
		if s.session == tokenHash {
			h.remove(s)
		}
	}
}

func (h *hub) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.streams)
}

// close ends every stream and the reader; it waits for the reader.
func (h *hub) close() {
	h.mu.Lock()
	h.closed = true
	for s := range h.streams {
		h.remove(s)
	}
	h.mu.Unlock()
	if h.cancel != nil {
		h.cancel()
		<-h.done
	}
}

// audiencesOf are the audiences of live events that an actor belongs to.
func audiencesOf(a ticketing.Actor) map[string]bool {
	set := map[string]bool{}
	for _, audience := range a.Audiences() {
		set[audience] = true
	}
	return set
}
