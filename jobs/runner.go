package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"

	"hotline/ticketing"
)

// Outbox is the table of effects still owed.
type Outbox interface {
	// PendingOutbox returns the oldest rows of a topic that are neither queued nor done.
	PendingOutbox(ctx context.Context, topic string, limit int) ([]ticketing.OutboxItem, error)
	// MarkEnqueued notes that rows were queued, where their generation still matches.
	MarkEnqueued(ctx context.Context, items []ticketing.OutboxItem, at time.Time) error
	// StaleOutbox returns the oldest rows queued before a moment and not done.
	StaleOutbox(ctx context.Context, topic string, enqueuedBefore time.Time, limit int) ([]ticketing.OutboxItem, error)
	// ReopenOutbox raises the generation of rows that are not done, so that they are queued again.
	ReopenOutbox(ctx context.Context, items []ticketing.OutboxItem) error
	// FinishOutbox marks a row done whose effect lies outside the database.
	FinishOutbox(ctx context.Context, item ticketing.OutboxItem) error
	// OutboxBacklog counts the rows not done, per topic.
	OutboxBacklog(ctx context.Context) (map[string]int, error)
	// OldestOwed is since when the oldest row not done is owed, per topic.
	OldestOwed(ctx context.Context) (map[string]time.Time, error)
	// Subscribe tells of new rows of a topic, after their commit.
	Subscribe(topic string) (wake <-chan struct{}, cancel func())
}

// Deadlines fires what is due. Both methods may run on several nodes at once.
type Deadlines interface {
	FireDeadlines(ctx context.Context, now time.Time, limit int) (fired int, err error)
	NextDeadline(ctx context.Context) (time.Time, bool, error)
}

// TopicHandler brings about the effects of one outbox topic. Exactly one of
// Handle and Drain is set. Both run again after a crash, and must then have the
// same effect as one run.
type TopicHandler struct {
	// Handle brings about one row's effect, as one asynq task. It is called
	// again, ever more slowly, until it returns nil.
	Handle func(ctx context.Context, item ticketing.OutboxItem) error
	// Drain brings about the effects of many rows at once. It returns the rows
	// that it could not do although the engine works; an error means that
	// the engine failed and all rows stay owed.
	Drain func(ctx context.Context, items []ticketing.OutboxItem) (refused []Refused, err error)
	// Finishes says that Handle marks the row done itself, in the transaction
	// of its effect. A second run at the same time is then harmless.
	Finishes bool
	// Concurrency is the number of tasks at once; 8 when zero. A Drain has two.
	Concurrency int
	// Timeout bounds one run; 30 s when zero.
	Timeout time.Duration
	// Backoff is the wait before try n+1 (n from 0); 1 s doubling to 10 min when nil.
	Backoff func(n int) time.Duration
}

// Refused is a row that a Drain could not do, and why.
type Refused struct {
	Item ticketing.OutboxItem
	Err  error
}

// Deps are what a Runner works on. Deadlines and Schedules may be absent.
type Deps struct {
	Outbox    Outbox
	Topics    map[string]TopicHandler
	Deadlines Deadlines
	Schedules []Schedule
}

// Options are the optional settings of a Runner; the zero value works.
type Options struct {
	Log           *slog.Logger
	Now           func() time.Time
	Poll          time.Duration // of the outbox, besides the wake-ups; 500 ms when zero
	Batch         int           // rows per read of the outbox; 500 when zero
	SweepEvery    time.Duration // 30 s when zero
	SweepAge      time.Duration // how long a row may be queued before the sweep asks after it; 15 s when zero
	RefusedAge    time.Duration // after which a row that a Drain refused is tried again; 1 min when zero
	DeadlineEvery time.Duration // 250 ms when zero
	MaxQueued     int           // tasks of one topic handed to the queue at a time; 20,000 when zero, 2,000 on the embedded queue
	StopTimeout   time.Duration // for running tasks at Stop; 8 s when zero
}

func (o *Options) defaults(embedded bool) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	for _, d := range []struct {
		v *time.Duration
		d time.Duration
	}{
		{&o.Poll, 500 * time.Millisecond},
		{&o.SweepEvery, 30 * time.Second},
		{&o.SweepAge, 15 * time.Second},
		{&o.RefusedAge, time.Minute},
		{&o.DeadlineEvery, 250 * time.Millisecond},
		{&o.StopTimeout, 8 * time.Second},
	} {
		if *d.v <= 0 {
			*d.v = d.d
		}
	}
	if o.Batch <= 0 {
		o.Batch = 500
	}
	if o.MaxQueued <= 0 {
		o.MaxQueued = 20_000
		if embedded {
			o.MaxQueued = 2_000 // pushing onto a list costs miniredis its length
		}
	}
}

// topic is one outbox topic at work.
type topic struct {
	name   string
	h      TopicHandler
	server *asynq.Server
	pause  atomic.Int64 // Unix milliseconds until which a Drain rests after a failure
	fails  atomic.Int64 // failures of a Drain in a row
	counts topicCounts
	health health // of the relay

	unchecked int // rows queued since the queue's length was looked at; the relay's own
}

// Runner moves effects from the outbox through the queue to their handlers.
type Runner struct {
	q         *Queue
	deps      Deps
	opts      Options
	log       *slog.Logger
	client    *asynq.Client
	inspector *asynq.Inspector
	topics    []*topic
	quiet     *quiet
	counts    runnerCounts
	sweepNow  chan string

	mu       sync.Mutex
	started  bool
	startAt  time.Time
	stopped  bool
	base     context.Context // of handlers
	baseEnd  context.CancelFunc
	loops    context.Context
	loopsEnd context.CancelFunc
	wg       sync.WaitGroup
}

// ErrRunner reports that a Runner is misused or misconfigured.
var ErrRunner = errors.New("jobs runner")

// New returns a Runner that has yet to be started.
func New(q *Queue, deps Deps, opts Options) *Runner {
	opts.defaults(q.Embedded())
	r := &Runner{
		q: q, deps: deps, opts: opts, log: opts.Log,
		client:    asynq.NewClientFromRedisClient(q.client),
		inspector: asynq.NewInspectorFromRedisClient(q.client),
		quiet:     &quiet{log: opts.Log, every: 10 * time.Second},
		sweepNow:  make(chan string, 1),
	}
	for name, h := range deps.Topics {
		t := &topic{name: name, h: h}
		if t.h.Concurrency <= 0 {
			t.h.Concurrency = 8
		}
		if t.h.Drain != nil {
			t.h.Concurrency = 2
		}
		if t.h.Timeout <= 0 {
			t.h.Timeout = 30 * time.Second
		}
		if t.h.Backoff == nil {
			t.h.Backoff = backoff
		}
		r.topics = append(r.topics, t)
	}
	return r
}

// Start begins the work and returns; the work goes on until Stop, whatever
// becomes of ctx's deadline. A runner is started once.
func (r *Runner) Start(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.started {
		return fmt.Errorf("%w: started twice", ErrRunner)
	}
	for _, t := range r.topics {
		if (t.h.Handle == nil) == (t.h.Drain == nil) {
			return fmt.Errorf("%w: topic %s needs either Handle or Drain", ErrRunner, t.name)
		}
	}
	if err := r.q.Ping(ctx); err != nil {
		return err
	}
	r.started, r.startAt = true, r.opts.Now()
	r.q.users.Add(1)
	r.base, r.baseEnd = context.WithCancel(context.WithoutCancel(ctx))
	r.loops, r.loopsEnd = context.WithCancel(r.base)
	for _, t := range r.topics {
		t.server = r.newServer(t)
		if err := t.server.Start(r.handler(t)); err != nil {
			return fmt.Errorf("start the %s workers: %w", t.name, err)
		}
		r.loop(func(ctx context.Context) { r.relay(ctx, t) })
	}
	r.loop(r.watchEpoch)
	r.loop(r.sweepLoop)
	if r.deps.Deadlines != nil {
		r.loop(r.deadlineLoop)
	}
	for _, s := range r.deps.Schedules {
		r.loop(func(ctx context.Context) { r.scheduleLoop(ctx, s) })
	}
	return nil
}

func (r *Runner) loop(f func(ctx context.Context)) {
	r.wg.Add(1)
	go func() {
		defer r.wg.Done()
		f(r.loops)
	}()
}

// Stop ends the work: nothing new is begun, running tasks get until
// Options.StopTimeout or ctx's end, then their context is cancelled and they
// stay owed. It returns ctx's error when something still runs after that.
func (r *Runner) Stop(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.started || r.stopped {
		return nil
	}
	r.stopped = true
	r.loopsEnd()
	done := make(chan struct{})
	go func() {
		defer close(done)
		var wg sync.WaitGroup
		for _, t := range r.topics {
			if t.server != nil {
				wg.Add(1)
				go func() { defer wg.Done(); t.server.Shutdown() }()
			}
		}
		wg.Wait()
		r.wg.Wait()
		r.q.users.Add(-1)
	}()
	defer r.baseEnd()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		r.baseEnd() // handlers that heed their context return now
	}
	select {
	case <-done:
		return nil
	case <-time.After(time.Second):
		return fmt.Errorf("stop the workers: %w", ctx.Err())
	}
}

// Ready reports why the work does not go on; nil when it does.
func (r *Runner) Ready(ctx context.Context) error {
	if err := r.q.Ping(ctx); err != nil {
		return err
	}
	for _, t := range r.topics {
		if err := t.health.get(); err != nil {
			return fmt.Errorf("relay of %s: %w", t.name, err)
		}
	}
	return nil
}

// Backlog counts the effects still owed, per topic.
func (r *Runner) Backlog(ctx context.Context) (map[string]int, error) {
	return r.deps.Outbox.OutboxBacklog(ctx)
}

// Owed is since when the oldest effect is owed, per topic.
func (r *Runner) Owed(ctx context.Context) (map[string]time.Time, error) {
	return r.deps.Outbox.OldestOwed(ctx)
}
