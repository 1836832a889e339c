package jobs

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/hibiken/asynq"

	"hotline/ticketing"
)

// newServer makes the asynq server of one topic. asynq polls: with checks 40 ms
// apart a row reaches its handler within 60 ms of its commit.
func (r *Runner) newServer(t *topic) *asynq.Server {
	return asynq.NewServerFromRedisClient(r.q.client, asynq.Config{
		Concurrency:              t.h.Concurrency,
		Queues:                   map[string]int{t.name: 1},
		BaseContext:              func() context.Context { return r.base },
		TaskCheckInterval:        40 * time.Millisecond,
		DelayedTaskCheckInterval: time.Second,
		ShutdownTimeout:          r.opts.StopTimeout,
		JanitorInterval:          time.Minute,
		RetryDelayFunc:           func(n int, _ error, _ *asynq.Task) time.Duration { return t.h.Backoff(n) },
		// A task that Stop cut short did not fail.
		IsFailure: func(err error) bool { return !errors.Is(err, context.Canceled) },
		Logger:    asynqLog{r.quiet, t.name},
		LogLevel:  asynq.WarnLevel,
	})
}

// handler turns asynq's tasks into calls of the topic's Handle or Drain.
func (r *Runner) handler(t *topic) asynq.Handler {
	return asynq.HandlerFunc(func(ctx context.Context, task *asynq.Task) error {
		t.counts.running.Add(1)
		defer t.counts.running.Add(-1)
		if t.h.Drain != nil {
			return r.drain(ctx, t)
		}
		items, err := decode(task.Payload())
		if err != nil {
			r.log.Error("task with a foreign payload dropped", "topic", t.name, "error", err)
			return fmt.Errorf("%w: payload: %w", asynq.RevokeTask, err)
		}
		if len(items) == 1 {
			tries, _ := asynq.GetRetryCount(ctx)
			return r.run(ctx, t, items[0], tries)
		}
		return r.runBundle(ctx, t, items)
	})
}

// run runs one row's handler, counts and logs.
func (r *Runner) run(ctx context.Context, t *topic, item ticketing.OutboxItem, tries int) error {
	if err := r.handle(ctx, t, item); err != nil {
		if r.base.Err() == nil {
			t.counts.failed.Add(1)
			r.log.Warn("task failed, trying again later", "topic", t.name, "key", item.Key,
				"gen", item.Gen, "failures", tries+1, "error", err)
		}
		return err
	}
	t.counts.done.Add(1)
	t.counts.delay.observe(r.opts.Now().Sub(item.CreatedAt))
	return nil
}

// bundleWidth is how many rows of one bundle run side by side.
const bundleWidth = 8

// runBundle runs the rows of a bundle. One that fails gets a task of its own and
// is tried again there; the bundle itself is tried again only when its time is
// over or that task cannot be queued.
func (r *Runner) runBundle(ctx context.Context, t *topic, items []ticketing.OutboxItem) error {
	return fanOut(ctx, bundleWidth, len(items), func(i int) error {
		if err := r.run(ctx, t, items[i], 0); err == nil {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		return r.enqueue(ctx, t, items[i], asynq.ProcessIn(t.h.Backoff(0)))
	})
}

// handle runs Handle for one row and finishes the row where Handle does not.
func (r *Runner) handle(ctx context.Context, t *topic, item ticketing.OutboxItem) (err error) {
	defer r.caught(t, &err)
	if err := t.h.Handle(ctx, item); err != nil {
		return err
	}
	if t.h.Finishes {
		return nil
	}
	if err := r.deps.Outbox.FinishOutbox(ctx, item); err != nil {
		return fmt.Errorf("finish the outbox row: %w", err)
	}
	return nil
}

// caught turns a panic of a handler into its error.
func (r *Runner) caught(t *topic, err *error) {
	if v := recover(); v != nil {
		t.counts.panics.Add(1)
		r.log.Error("handler panicked", "topic", t.name, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		*err = fmt.Errorf("handler panicked: %v", v)
	}
}

// finisher is an outbox that marks many rows done in one transaction.
type finisher interface {
	FinishOutboxItems(ctx context.Context, items []ticketing.OutboxItem) error
}

// drain works off a topic's rows in batches until none is left, or half of the
// task's time is over. A failure is not left to asynq's retries: the task ends, the
// relay rests for a while and then queues a new one, as long as rows are owed.
func (r *Runner) drain(ctx context.Context, t *topic) error {
	if time.Now().UnixMilli() < t.pause.Load() {
		return nil
	}
	until := time.Now().Add(t.h.Timeout)
	for ctx.Err() == nil && time.Now().Before(until) {
		n, err := r.drainBatch(ctx, t)
		if err != nil {
			if r.base.Err() == nil {
				wait := min(t.h.Backoff(int(t.fails.Add(1))-1), 15*time.Second)
				t.pause.Store(time.Now().Add(wait).UnixMilli())
				t.counts.failed.Add(1)
				r.log.Warn("batch failed, trying again later", "topic", t.name, "wait", wait, "error", err)
			}
			return fmt.Errorf("%w: %w", asynq.RevokeTask, err)
		}
		t.fails.Store(0)
		if n < r.opts.Batch {
			return nil
		}
	}
	return nil
}

// drainBatch works off one batch and returns its size. Refused rows are marked
// as queued, which takes them out of the way; the sweep opens them again later.
func (r *Runner) drainBatch(ctx context.Context, t *topic) (n int, err error) {
	defer r.caught(t, &err)
	ctx, cancel := context.WithTimeout(ctx, t.h.Timeout)
	defer cancel()
	items, err := r.deps.Outbox.PendingOutbox(ctx, t.name, r.opts.Batch)
	if err != nil || len(items) == 0 {
		return 0, err
	}
	refused, err := t.h.Drain(ctx, items)
	if err != nil {
		return 0, err
	}
	bad := make(map[int64]bool, len(refused))
	aside := make([]ticketing.OutboxItem, 0, len(refused))
	for _, f := range refused {
		bad[f.Item.ID] = true
		aside = append(aside, f.Item)
		t.counts.failed.Add(1)
		r.log.Warn("row refused, trying again later", "topic", t.name, "key", f.Item.Key, "gen", f.Item.Gen, "error", f.Err)
	}
	done := make([]ticketing.OutboxItem, 0, len(items))
	for _, i := range items {
		if !bad[i.ID] {
			done = append(done, i)
		}
	}
	if err := r.finish(ctx, done); err != nil {
		return 0, fmt.Errorf("finish outbox rows: %w", err)
	}
	if len(aside) > 0 {
		if err := r.deps.Outbox.MarkEnqueued(ctx, aside, r.opts.Now()); err != nil {
			return 0, fmt.Errorf("put refused rows aside: %w", err)
		}
	}
	now := r.opts.Now()
	for _, i := range done {
		t.counts.done.Add(1)
		t.counts.delay.observe(now.Sub(i.CreatedAt))
	}
	return len(items), nil
}

// finish marks rows done; side by side, so that a group-committing store can join them.
func (r *Runner) finish(ctx context.Context, items []ticketing.OutboxItem) error {
	if f, ok := r.deps.Outbox.(finisher); ok && len(items) > 0 {
		return f.FinishOutboxItems(ctx, items)
	}
	return fanOut(ctx, 32, len(items), func(i int) error { return r.deps.Outbox.FinishOutbox(ctx, items[i]) })
}
