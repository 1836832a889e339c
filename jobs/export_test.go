package jobs

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// Wipe empties the queue's database, as FLUSHDB by somebody else would.
func (q *Queue) Wipe(ctx context.Context) error { return q.client.FlushDB(ctx).Err() }

// Knife cuts a queue off for good, as the end of its process would: no
// command reaches Redis any more.
type Knife struct {
	cut atomic.Bool
}

var errCut = errors.New("cut off")

// NewKnife arms a queue that is not in use yet.
func NewKnife(q *Queue) *Knife {
	k := &Knife{}
	q.client.AddHook(k)
	return k
}

// Cut cuts.
func (k *Knife) Cut() { k.cut.Store(true) }

// DialHook implements redis.Hook.
func (k *Knife) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook implements redis.Hook.
func (k *Knife) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if k.cut.Load() {
			cmd.SetErr(errCut)
			return errCut
		}
		return next(ctx, cmd)
	}
}

// ProcessPipelineHook implements redis.Hook.
func (k *Knife) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if k.cut.Load() {
			return errCut
		}
		return next(ctx, cmds)
	}
}

// Renew swaps the embedded Redis.
func (q *Queue) Renew() { q.mem.renew() }

// Seen is how many tasks the embedded Redis was given since it was renewed.
func (q *Queue) Seen() int64 { return q.mem.tasks.Load() }

// SetSeen pretends that the embedded Redis was given so many tasks.
func (q *Queue) SetSeen(n int64) { q.mem.tasks.Store(n) }

// PendingLength and Listed read asynq's keys by the names that the package uses.
func (q *Queue) PendingLength(queue string) (int64, error) {
	return q.client.LLen(context.Background(), pendingKey(queue)).Result()
}

// Waiting is how many tasks of a queue wait for another try.
func (q *Queue) Waiting(queue string) (int64, error) {
	ctx := context.Background()
	alone, err := q.client.ZCard(ctx, "asynq:{"+queue+"}:scheduled").Result()
	if err != nil {
		return 0, err
	}
	again, err := q.client.ZCard(ctx, "asynq:{"+queue+"}:retry").Result()
	return alone + again, err
}

// Listed says whether asynq knows a queue of this name.
func (q *Queue) Listed(queue string) (bool, error) {
	return q.client.SIsMember(context.Background(), queuesKey, queue).Result()
}

// Exists says whether Redis has a key.
func (q *Queue) Exists(key string) (bool, error) {
	n, err := q.client.Exists(context.Background(), key).Result()
	return n == 1, err
}

// SweepNow sweeps as at a new epoch.
func (r *Runner) SweepNow(ctx context.Context) error { return r.sweep(ctx, sweepEpoch) }

// Names for tests.
var (
	Backoff = backoff
	FanOut  = fanOut
)

// RenewAfter is the bound of tasks after which the embedded Redis is renewed.
const RenewAfter = renewAfter
