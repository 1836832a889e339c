package jobs

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/hibiken/asynq"

	"hotline/ticketing"
)

// enqueuers is how many tasks are handed to Redis side by side.
const enqueuers = 8

// Rows of a topic whose handler bears a second run go bundleSize to a task as
// soon as bundleFrom of them wait.
const (
	bundleFrom = 4
	bundleSize = 32
)

// relayGap is the least time between two passes of a relay: under load it
// gathers rows, at the price of so much delay.
const relayGap = 15 * time.Millisecond

// drainGap is relayGap where rows are drained: what changes twice in that time,
// as a ticket does that is accepted and dispatched, is worked on once.
const drainGap = 250 * time.Millisecond

// drainSlot is how long one drain task's id stays taken. A drain that died with
// its process blocks its id; the next slot brings a new one. Two at a time do no harm.
const drainSlot = 15 * time.Second

// relay hands a topic's rows to the queue until ctx ends. It reads what is not
// queued, never "everything after the last id": ids are not committed in order.
func (r *Runner) relay(ctx context.Context, t *topic) {
	wake, cancel := r.deps.Outbox.Subscribe(t.name)
	defer cancel()
	pass, gap := r.relayRows, relayGap
	if t.h.Drain != nil {
		pass, gap = r.relayDrain, drainGap
	}
	failed := 0
	for ctx.Err() == nil {
		began := time.Now()
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
			pause(ctx, gap-time.Since(began))
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
	if t.unchecked += len(items); full || t.unchecked >= r.opts.Batch {
		// Now and then, and always in a backlog, bound what the queue holds.
		room, err := r.room(t)
		if err != nil {
			return 0, err
		}
		if room <= 0 {
			return r.opts.Poll, nil
		}
		t.unchecked = 0
	}
	bundles := bundle(items, t.h.Finishes)
	queued := make([]bool, len(bundles))
	enqueueErr := fanOut(ctx, enqueuers, len(bundles), func(i int) error {
		err := r.enqueueBundle(ctx, t, bundles[i])
		queued[i] = err == nil
		return err
	})
	var done []ticketing.OutboxItem
	for i, ok := range queued {
		if ok {
			done = append(done, bundles[i]...)
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

// bundle groups rows into tasks. Where a second run does no harm, rows that come
// in quick succession share a task: most of a task's cost is the queue's.
func bundle(items []ticketing.OutboxItem, share bool) [][]ticketing.OutboxItem {
	size := 1
	if share && len(items) >= bundleFrom {
		size = bundleSize
	}
	return slices.Collect(slices.Chunk(items, size))
}

func (r *Runner) enqueueBundle(ctx context.Context, t *topic, items []ticketing.OutboxItem) error {
	if len(items) > 1 {
		err := r.put(ctx, t, encode(items...), int64(len(items)), asynq.TaskID("bundle:"+taskID(items[0])))
		if !errors.Is(err, asynq.ErrTaskIDConflict) {
			return err
		}
		// A bundle that begins with this row is queued already, but it may end
		// elsewhere: its rows go one by one, and at worst run twice.
	}
	for _, i := range items {
		if err := r.enqueue(ctx, t, i); err != nil {
			return err
		}
	}
	return nil
}

// enqueue queues one row; an id that is taken means that it is queued already.
func (r *Runner) enqueue(ctx context.Context, t *topic, item ticketing.OutboxItem, opts ...asynq.Option) error {
	err := r.put(ctx, t, encode(item), 1, append(opts, asynq.TaskID(taskID(item)))...)
	if errors.Is(err, asynq.ErrTaskIDConflict) {
		t.counts.conflicts.Add(1)
		return nil
	}
	return err
}

func (r *Runner) put(ctx context.Context, t *topic, payload []byte, rows int64, opts ...asynq.Option) error {
	_, err := r.client.EnqueueContext(ctx, asynq.NewTask(t.name, payload),
		append(opts, asynq.Queue(t.name), asynq.MaxRetry(math.MaxInt32), asynq.Timeout(t.h.Timeout))...)
	if err != nil {
		return fmt.Errorf("enqueue: %w", err)
	}
	t.counts.relayed.Add(rows)
	if r.q.mem != nil {
		r.q.mem.tasks.Add(1)
	}
	return nil
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
