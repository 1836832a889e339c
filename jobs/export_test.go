package jobs

import "context"

// Wipe empties the queue's database, as FLUSHDB by somebody else would.
func (q *Queue) Wipe(ctx context.Context) error { return q.client.FlushDB(ctx).Err() }

// Cut breaks the queue off for good, as the end of its process would.
func (q *Queue) Cut() { _ = q.client.Close() }

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
