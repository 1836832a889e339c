package jobs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/hibiken/asynq"

	"hotline/ticketing"
)

// epochKey marks the Redis that the tasks were given to. A new or wiped one lacks it.
const epochKey = "hotline:epoch"

// epochEvery is how often the mark is looked for.
const epochEvery = 500 * time.Millisecond

// sweepFirst is how many rows the first look of a sweep takes.
const sweepFirst = 1000

// Reasons of a sweep.
const (
	sweepStart = "start"
	sweepEpoch = "epoch"
	sweepTimer = "timer"
)

// watchEpoch notices a new, wiped or returned Redis and has everything swept:
// at once, and again after rows whose relay was under way are marked.
func (r *Runner) watchEpoch(ctx context.Context) {
	tick := time.NewTicker(epochEvery)
	defer tick.Stop()
	last, down := "", false
	var again time.Time
	for {
		epoch, err := r.epoch(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			down = true
			r.counts.down.Store(true)
			r.quiet.warn("epoch", "queue does not answer, trying again", "queue", r.q.name, "error", err)
		case epoch != last || down:
			if last != "" {
				r.log.Warn("queue is new, was emptied or came back: everything owed is queued again", "queue", r.q.name)
				r.counts.epochs.Add(1)
				r.askSweep(sweepEpoch)
				again = time.Now().Add(2 * time.Second)
			}
			last, down = epoch, false
			r.counts.down.Store(false)
		case !again.IsZero() && time.Now().After(again):
			again = time.Time{}
			r.askSweep(sweepEpoch)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// epoch returns the mark of the present Redis, setting it where it is missing.
func (r *Runner) epoch(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	fresh := strconv.FormatInt(time.Now().UnixNano(), 36)
	if err := r.q.client.SetNX(ctx, epochKey, fresh, 0).Err(); err != nil {
		return "", err
	}
	return r.q.client.Get(ctx, epochKey).Result()
}

func (r *Runner) askSweep(reason string) {
	select {
	case r.sweepNow <- reason:
	default: // one is asked for already
	}
}

// sweepLoop sweeps at start, on demand and now and then.
func (r *Runner) sweepLoop(ctx context.Context) {
	reason := sweepStart
	tick := time.NewTicker(r.opts.SweepEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := r.sweep(ctx, reason); err != nil && ctx.Err() == nil {
			r.quiet.warn("sweep", "sweep failed, trying again", "error", err)
			if !pause(ctx, time.Second) {
				return
			}
			if reason != sweepTimer {
				continue // what a wiped queue lost is not left to the timer
			}
		}
		r.renewEmbedded()
		select {
		case <-ctx.Done():
		case reason = <-r.sweepNow:
		case <-tick.C:
			reason = sweepTimer
		}
	}
}

// sweep asks after every row that was queued and is not done, and opens those
// again whose task is gone, archived or orphaned.
func (r *Runner) sweep(ctx context.Context, reason string) error {
	r.counts.sweeps.Add(1)
	for _, t := range r.topics {
		// After a wipe asynq's client believes the queue's name still to be
		// listed, and its inspector then knows no task of it.
		if err := r.q.client.SAdd(ctx, queuesKey, t.name).Err(); err != nil {
			return fmt.Errorf("list the queue: %w", err)
		}
		now := r.opts.Now()
		var err error
		switch {
		case t.h.Drain != nil:
			err = r.sweepRefused(ctx, t, now.Add(-r.opts.RefusedAge))
		case reason == sweepTimer:
			err = r.sweepTopic(ctx, t, now.Add(-r.opts.SweepAge), false)
		case reason == sweepStart:
			err = r.sweepTopic(ctx, t, r.startAt, true) // not what this process queued since
		default:
			err = r.sweepTopic(ctx, t, now, false)
		}
		if err != nil {
			return fmt.Errorf("sweep %s: %w", t.name, err)
		}
	}
	return nil
}

// sweepTopic looks at all rows queued before a moment. At a start an active task
// counts as orphaned where a second run is harmless: it may be this
// process' own, from before a crash, and its lease would hold it up for half a minute.
func (r *Runner) sweepTopic(ctx context.Context, t *topic, before time.Time, start bool) error {
	queued, err := r.queued(t, start && t.h.Finishes)
	if err != nil {
		return err
	}
	for limit := sweepFirst; ; {
		rows, err := r.deps.Outbox.StaleOutbox(ctx, t.name, before, limit)
		if err != nil {
			return fmt.Errorf("read queued rows: %w", err)
		}
		lost := make([]bool, len(rows))
		if err := fanOut(ctx, enqueuers, len(rows), func(i int) error {
			id := taskID(rows[i])
			if queued[id] {
				return nil
			}
			info, err := r.inspector.GetTaskInfo(t.name, id)
			switch {
			case errors.Is(err, asynq.ErrTaskNotFound), errors.Is(err, asynq.ErrQueueNotFound):
				lost[i] = true
			case err != nil:
				return fmt.Errorf("ask after a task: %w", err)
			case info.State == asynq.TaskStateArchived || info.State == asynq.TaskStateCompleted:
				lost[i] = true
				return ignoreGone(r.inspector.DeleteTask(t.name, id))
			case info.State == asynq.TaskStateActive:
				lost[i] = orphaned(id, queued)
			}
			return nil
		}); err != nil {
			return err
		}
		var open []ticketing.OutboxItem
		for i, yes := range lost {
			if yes {
				open = append(open, rows[i])
			}
		}
		if len(open) > 0 {
			if err := r.deps.Outbox.ReopenOutbox(ctx, open); err != nil {
				return fmt.Errorf("open rows again: %w", err)
			}
			t.counts.reopened.Add(int64(len(open)))
			r.log.Info("tasks were lost and are queued again", "topic", t.name, "count", len(open))
		}
		if len(rows) < limit {
			return nil
		}
		if len(open) == 0 {
			limit *= 4 // the oldest are all well: look behind them
		}
	}
}

// sweepRefused opens the rows again that a Drain refused a while ago.
func (r *Runner) sweepRefused(ctx context.Context, t *topic, before time.Time) error {
	rows, err := r.deps.Outbox.StaleOutbox(ctx, t.name, before, 10*sweepFirst)
	if err != nil || len(rows) == 0 {
		return err
	}
	t.counts.reopened.Add(int64(len(rows)))
	return r.deps.Outbox.ReopenOutbox(ctx, rows)
}

// queued tells which rows have a task that will run: true for those, false
// for rows whose worker let its lease run out, or, when active is set, for rows
// that any worker has. Bundles are opened.
func (r *Runner) queued(t *topic, active bool) (map[string]bool, error) {
	const page = 500
	rows := map[string]bool{}
	// A task goes from pending to active to retry: in this order none is missed.
	for _, list := range []func(string, ...asynq.ListOption) ([]*asynq.TaskInfo, error){
		r.inspector.ListScheduledTasks, r.inspector.ListPendingTasks, r.inspector.ListActiveTasks, r.inspector.ListRetryTasks,
	} {
		for n := 1; ; n++ {
			tasks, err := list(t.name, asynq.PageSize(page), asynq.Page(n))
			if errors.Is(err, asynq.ErrQueueNotFound) {
				return rows, nil
			}
			if err != nil {
				return nil, fmt.Errorf("list tasks: %w", err)
			}
			for _, info := range tasks {
				items, err := decode(info.Payload)
				if err != nil {
					continue // not ours; its handler drops it
				}
				runs := !info.IsOrphaned && (!active || info.State != asynq.TaskStateActive)
				for _, i := range items {
					rows[taskID(i)] = rows[taskID(i)] || runs
				}
			}
			if len(tasks) < page {
				break
			}
		}
	}
	return rows, nil
}

// orphaned says whether the worker of an active task is gone: it was listed
// and found to be. One that is not listed has only just become active.
func orphaned(id string, queued map[string]bool) bool {
	runs, listed := queued[id]
	return listed && !runs
}

func ignoreGone(err error) error {
	if errors.Is(err, asynq.ErrTaskNotFound) || errors.Is(err, asynq.ErrQueueNotFound) {
		return nil
	}
	return err
}

// renewEmbedded swaps the embedded Redis for a fresh one when it has seen many
// tasks and nothing is at work; after twice as many it does so anyway, since the
// sweep queues again what is lost.
func (r *Runner) renewEmbedded() {
	if r.q.mem == nil {
		return
	}
	seen := r.q.mem.tasks.Load()
	if seen < renewAfter {
		return
	}
	running := int64(0)
	for _, t := range r.topics {
		running += t.counts.running.Load()
	}
	if running == 0 || seen > 2*renewAfter {
		r.q.mem.renew()
		r.log.Debug("embedded queue renewed", "tasks", seen)
	}
}

// pause waits; it is false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
