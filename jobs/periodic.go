package jobs

import (
	"context"
	"fmt"
	"runtime/debug"
	"strconv"
	"time"
)

// deadlineBatch is how many deadlines one call fires.
const deadlineBatch = 200

// deadlineLoop fires what is due, several times a second, whatever the queue does.
func (r *Runner) deadlineLoop(ctx context.Context) {
	for ctx.Err() == nil {
		wait := r.opts.DeadlineEvery
		if err := r.fireDue(ctx); err != nil && ctx.Err() == nil {
			r.quiet.warn("deadlines", "deadlines could not be fired, trying again", "error", err)
			wait = max(wait, time.Second)
		}
		pause(ctx, wait)
	}
}

// fireDue fires all that is due now. It reads first: a store with one writer is
// not to be bothered four times a second for nothing.
func (r *Runner) fireDue(ctx context.Context) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		now := r.opts.Now()
		next, any, err := r.deps.Deadlines.NextDeadline(ctx)
		if err != nil || !any || next.After(now) {
			return err
		}
		n, err := r.deps.Deadlines.FireDeadlines(ctx, now, deadlineBatch)
		r.counts.deadlines.Add(int64(n))
		if err != nil {
			return err
		}
		if n == 0 {
			return nil // another node was faster
		}
	}
}

// Schedule is periodic work that one node at a time does.
type Schedule struct {
	Name    string
	Every   time.Duration
	Timeout time.Duration // of one run; Every, at most 10 min, when zero
	Run     func(ctx context.Context) error
}

// scheduleLoop runs a schedule once in every slot of its period, on whichever node
// takes the slot's lock first. A slot is lost when that node dies in it, and may
// run twice when the queue is wiped: Run must bear both.
func (r *Runner) scheduleLoop(ctx context.Context, s Schedule) {
	if s.Every <= 0 || s.Run == nil {
		r.log.Error("schedule without period or work left out", "schedule", s.Name)
		return
	}
	timeout := s.Timeout
	if timeout <= 0 {
		timeout = min(s.Every, 10*time.Minute)
	}
	ran := int64(-1)
	for ctx.Err() == nil {
		slot := r.opts.Now().UnixMilli() / max(s.Every.Milliseconds(), 1)
		if slot != ran {
			switch won, err := r.takeSlot(ctx, s, slot); {
			case err != nil && ctx.Err() == nil:
				r.quiet.warn("schedule:"+s.Name, "schedule's lock not to be had, trying again", "schedule", s.Name, "error", err)
			case won:
				r.runSchedule(ctx, s, timeout)
				ran = slot
			case err == nil:
				ran = slot
			}
		}
		pause(ctx, min(s.Every/4+time.Millisecond, 5*time.Second))
	}
}

func (r *Runner) takeSlot(ctx context.Context, s Schedule, slot int64) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	key := "hotline:schedule:" + s.Name + ":" + strconv.FormatInt(slot, 10)
	return r.q.client.SetNX(ctx, key, 1, max(2*s.Every, time.Second)).Result()
}

func (r *Runner) runSchedule(ctx context.Context, s Schedule, timeout time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := func() (err error) {
		defer func() {
			if v := recover(); v != nil {
				err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
			}
		}()
		return s.Run(ctx)
	}()
	r.counts.schedules.Add(1)
	if err != nil && r.loops.Err() == nil {
		r.counts.scheduleFails.Add(1)
		r.log.Warn("schedule failed, next try in its next period", "schedule", s.Name, "error", err)
	}
}
