package jobs

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/hibiken/asynq"

	"hotline/ticketing"
)

// enqueuers is how many tasks are handed to Redis side by side.
const enqueuers = 8

// drainSlot is how long one drain task's id stays taken. A drain that died with
// its process blocks its id; the next slot brings a new one. Two at a time do no harm.
const drainSlot = 15 * time.Second

// relay hands a topic's rows to the queue until ctx ends. It reads what is not
// queued, never "everything after the last id": ids are not committed in order.
func (r *Runner) relay(ctx context.Context, t *topic) {
	wake, cancel := r.deps.Outbox.Subscribe(t.name)
	defer cancel()
	pass := r.relayRows
	if t.h.Drain != nil {
		pass = r.relayDrain
	}
	failed := 0
	for ctx.Err() == nil {
		wait, err := pass(ctx, t)
		if ctx.Err() != nil {
			return
		}
		t.health.set(err)
		if err != nil {
			r.quiet.warn("relay:"+t.name, "outbox relay failed, trying again", "topic", t.name, "error", err)
			wait = min(100*time.Millisecond<<min(failed, 5), 2*time.Second)
			failed++
		} else {
			failed = 0
		}
		if wait <= 0 {
			continue
		}
		timer := time.NewTimer(wait)
		listen := wake
		if err != nil {
			listen = nil // a storm of wake-ups must not defeat the wait
		}
		select {
		case <-ctx.Done():
		case _, open := <-listen:
			if !open {
				wake = nil
			}
		case <-timer.C:
		}
		timer.Stop()
	}
}

// relayRows queues one task per row. It returns how long to wait before the next pass.
func (r *Runner) relayRows(ctx context.Context, t *topic) (time.Duration, error) {
	items, err := r.deps.Outbox.PendingOutbox(ctx, t.name, r.opts.Batch)
	if err != nil {
		return 0, fmt.Errorf("read the outbox: %w", err)
	}
	if len(items) == 0 {
		return r.opts.Poll, nil
	}
	full := len(items) >= r.opts.Batch
	if full {
		// Only a backlog fills a batch: bound what the queue holds of it.
		room, err := r.room(t)
		if err != nil {
			return 0, err
		}
		if room <= 0 {
			return r.opts.Poll, nil
		}
	}
	queued := make([]bool, len(items))
	enqueueErr := fanOut(ctx, enqueuers, len(items), func(i int) error {
		err := r.enqueue(ctx, t, items[i])
		queued[i] = err == nil
		return err
	})
	var done []ticketing.OutboxItem
	for i, ok := range queued {
		if ok {
			done = append(done, items[i])
		}
	}
	if len(done) > 0 {
		if err := r.deps.Outbox.MarkEnqueued(ctx, done, r.opts.Now()); err != nil {
			return 0, fmt.Errorf("mark rows as queued: %w", err)
		}
	}
	if enqueueErr != nil {
		return 0, enqueueErr
	}
	if full {
		return 0, nil
	}
	return r.opts.Poll, nil
}

// enqueue queues one row; an id that is taken means that it is queued already.
func (r *Runner) enqueue(ctx context.Context, t *topic, item ticketing.OutboxItem) error {
	_, err := r.client.EnqueueContext(ctx, asynq.NewTask(t.name, encode(item)),
		asynq.Queue(t.name), asynq.TaskID(taskID(item)), asynq.MaxRetry(math.MaxInt32), asynq.Timeout(t.h.Timeout))
	switch {
	case err == nil:
		t.counts.relayed.Add(1)
		if r.q.mem != nil {
			r.q.mem.tasks.Add(1)
		}
		return nil
	case errors.Is(err, asynq.ErrTaskIDConflict):
		t.counts.conflicts.Add(1)
		return nil
	default:
		return fmt.Errorf("enqueue: %w", err)
	}
}

// room is how many more tasks of a topic the queue may hold.
func (r *Runner) room(t *topic) (int, error) {
	n, err := r.q.client.LLen(r.loops, pendingKey(t.name)).Result()
	if err != nil {
		return 0, fmt.Errorf("measure the queue: %w", err)
	}
	return r.opts.MaxQueued - int(n), nil
}

// relayDrain queues one task that works off all rows of a topic, when there are any.
func (r *Runner) relayDrain(ctx context.Context, t *topic) (time.Duration, error) {
	if rest := time.Until(time.UnixMilli(t.pause.Load())); rest > 0 {
		return min(rest, r.opts.Poll), nil
	}
	items, err := r.deps.Outbox.PendingOutbox(ctx, t.name, 1)
	if err != nil {
		return 0, fmt.Errorf("read the outbox: %w", err)
	}
	if len(items) == 0 {
		return r.opts.Poll, nil
	}
	slot := time.Now().Unix() / int64(drainSlot/time.Second)
	_, err = r.client.EnqueueContext(ctx, asynq.NewTask(t.name, nil), asynq.Queue(t.name),
		asynq.TaskID(t.name+":drain:"+strconv.FormatInt(slot, 10)), asynq.MaxRetry(0), asynq.Timeout(2*t.h.Timeout))
	switch {
	case err == nil:
		t.counts.relayed.Add(1)
		if r.q.mem != nil {
			r.q.mem.tasks.Add(1)
		}
		return r.opts.Poll, nil
	case errors.Is(err, asynq.ErrTaskIDConflict):
		// A drain is queued or at work, perhaps past its last read: look again soon.
		t.counts.conflicts.Add(1)
		return min(50*time.Millisecond, r.opts.Poll), nil
	default:
		return 0, fmt.Errorf("enqueue: %w", err)
	}
}
