package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/jobs"
	"hotline/ticketing"
)

const (
	inside  = ticketing.TopicRoute  // effect and row's end in one transaction
	outside = ticketing.TopicNotify // effect first, then the row's end
	batched = ticketing.TopicIndex
)

var soon = func(int) time.Duration { return 10 * time.Millisecond }

// topics are handlers that count effects in the view's box; trouble may fail or panic.
func topics(v *view, trouble func(ticketing.OutboxItem) error) map[string]jobs.TopicHandler {
	return map[string]jobs.TopicHandler{
		inside: {Finishes: true, Backoff: soon, Handle: func(_ context.Context, i ticketing.OutboxItem) error {
			if err := errors.Join(v.alive(), trouble(i)); err != nil {
				return err
			}
			v.once(i)
			return nil
		}},
		outside: {Backoff: soon, Handle: func(_ context.Context, i ticketing.OutboxItem) error {
			if err := errors.Join(v.alive(), trouble(i)); err != nil {
				return err
			}
			v.outside(i)
			return nil
		}},
		batched: {Backoff: soon, Drain: func(_ context.Context, items []ticketing.OutboxItem) ([]jobs.Refused, error) {
			if err := v.alive(); err != nil {
				return nil, err
			}
			var bad []jobs.Refused
			for _, i := range items {
				if err := trouble(i); err != nil {
					bad = append(bad, jobs.Refused{Item: i, Err: err})
					continue
				}
				v.outside(i)
			}
			return bad, nil
		}},
	}
}

func fine(ticketing.OutboxItem) error { return nil }

func TestEffectsHappen(t *testing.T) {
	engines(t, func(t *testing.T, e engine) {
		leakFree(t)
		v := &view{box: newBox()}
		v.add(inside, keys("before", 20)...)
		r := start(t, e.again(), jobs.Deps{Outbox: v, Topics: topics(v, fine)}, quick())
		for _, topic := range []string{inside, outside, batched} {
			v.add(topic, keys("k", 300)...)
		}
		await(t, "all done", func() bool { return v.left() == 0 })
		for _, topic := range []string{inside, outside, batched} {
			for _, k := range keys("k", 300) {
				require.Equal(t, 1, v.times(topic, k), "%s %s", topic, k)
			}
		}
		s := r.Stats()
		require.EqualValues(t, 320, s.Topics[inside].Done)
		require.EqualValues(t, 300, s.Topics[batched].Done)
		require.Less(t, s.Topics[batched].Relayed, int64(300), "documents go in batches")
		require.EqualValues(t, 320, s.Topics[inside].DelayN)
		require.NoError(t, r.Ready(context.Background()))
		backlog, err := r.Backlog(context.Background())
		require.NoError(t, err)
		require.Empty(t, backlog)
	})
}

// A row whose mark got lost is queued under the same id: a conflict, and no second effect.
func TestQueuedTwice(t *testing.T) {
	engines(t, func(t *testing.T, e engine) {
		v := &view{box: newBox()}
		gate := make(chan struct{})
		var once sync.Once
		release := func() { once.Do(func() { close(gate) }) }
		defer release()
		var ran atomic.Int64
		deps := jobs.Deps{Outbox: v, Topics: map[string]jobs.TopicHandler{outside: {
			Handle: func(_ context.Context, i ticketing.OutboxItem) error {
				ran.Add(1)
				<-gate
				v.outside(i)
				return nil
			},
		}}}
		opts := quick()
		opts.SweepEvery = time.Hour
		r := start(t, e.again(), deps, opts)
		v.add(outside, "a")
		await(t, "running", func() bool { return ran.Load() == 1 })
		v.mu.Lock()
		v.rows[0].enqueued = time.Time{}
		v.mu.Unlock()
		await(t, "conflict", func() bool { return r.Stats().Topics[outside].Conflicts >= 1 })
		release()
		await(t, "done", func() bool { return v.left() == 0 })
		require.Equal(t, 1, v.times(outside, "a"))
	})
}

func TestFailuresAndPanicsAreTriedAgain(t *testing.T) {
	engines(t, func(t *testing.T, e engine) {
		leakFree(t)
		v := &view{box: newBox()}
		var mu sync.Mutex
		tries := map[string]int{}
		r := start(t, e.again(), jobs.Deps{Outbox: v, Topics: topics(v, func(i ticketing.OutboxItem) error {
			mu.Lock()
			defer mu.Unlock()
			tries[i.Topic+i.Key]++
			switch n := tries[i.Topic+i.Key]; {
			case n == 1 && i.Key < "k00010":
				return errors.New("not yet")
			case n == 1 && i.Key < "k00020":
				panic("worker broken")
			}
			return nil
		})}, quick())
		for _, topic := range []string{inside, outside, batched} {
			v.add(topic, keys("k", 40)...)
		}
		await(t, "all done", func() bool { return v.left() == 0 })
		for _, k := range keys("k", 40) {
			require.Equal(t, 1, v.times(inside, k), k)
			require.Equal(t, 1, v.times(outside, k), k)
			require.GreaterOrEqual(t, v.times(batched, k), 1, k)
		}
		s := r.Stats()
		require.EqualValues(t, 10, s.Topics[inside].Panics)
		require.EqualValues(t, 20, s.Topics[inside].Failed)
	})
}

// Poisoned rows stay owed, are tried again, and hold nobody up.
func TestPoisonBlocksNobody(t *testing.T) {
	engines(t, func(t *testing.T, e engine) {
		v := &view{box: newBox()}
		var heal atomic.Bool
		var tries atomic.Int64
		opts := quick()
		opts.Batch = 50
		start(t, e.again(), jobs.Deps{Outbox: v, Topics: topics(v, func(i ticketing.OutboxItem) error {
			if i.Key[0] == 'p' && !heal.Load() {
				tries.Add(1)
				return errors.New("poison")
			}
			return nil
		})}, opts)
		for _, topic := range []string{inside, outside, batched} {
			v.add(topic, keys("p", 60)...) // more than a batch
			v.add(topic, keys("k", 60)...)
		}
		await(t, "the healthy are done", func() bool { return v.left() == 180 })
		seen := tries.Load()
		await(t, "the poisoned are tried again", func() bool { return tries.Load() >= seen+180 })
		heal.Store(true)
		await(t, "all done", func() bool { return v.left() == 0 })
	})
}

func TestWipedQueueIsRefilled(t *testing.T) {
	engines(t, func(t *testing.T, e engine) {
		v := &view{box: newBox()}
		q := e.again()
		var broken atomic.Bool
		broken.Store(true)
		deps := jobs.Deps{Outbox: v, Topics: topics(v, func(ticketing.OutboxItem) error {
			if broken.Load() {
				return errors.New("not now")
			}
			return nil
		})}
		for name, h := range deps.Topics {
			h.Backoff = func(int) time.Duration { return 5 * time.Minute } // only a new generation helps
			deps.Topics[name] = h
		}
		opts := quick()
		opts.SweepEvery = time.Hour
		r := start(t, q, deps, opts)
		v.add(inside, keys("k", 300)...)
		await(t, "all failed and wait", func() bool {
			n, err := q.Waiting(inside)
			require.NoError(t, err)
			return n == 300
		})
		broken.Store(false)
		require.NoError(t, q.Wipe(context.Background()))
		await(t, "all done", func() bool { return v.left() == 0 })
		require.Equal(t, 1, v.gen(1))
		require.EqualValues(t, 1, r.Stats().Epochs)
		// After the second sweep of the epoch all is as before.
		v.add(outside, "later")
		await(t, "later done", func() bool { return v.left() == 0 })
		require.Equal(t, 1, v.times(outside, "later"))
	})
}

// Rows that share a task are known to the sweep, and one that fails goes on alone.
func TestBundles(t *testing.T) {
	engines(t, func(t *testing.T, e engine) {
		leakFree(t)
		v := &view{box: newBox()}
		gate := make(chan struct{})
		var mu sync.Mutex
		tries := map[string]int{}
		h := jobs.TopicHandler{Finishes: true, Backoff: soon, Handle: func(ctx context.Context, i ticketing.OutboxItem) error {
			select {
			case <-gate:
			case <-ctx.Done():
				return ctx.Err()
			}
			mu.Lock()
			defer mu.Unlock()
			if tries[i.Key]++; i.Key < "k00010" && tries[i.Key] <= 2 {
				return errors.New("not yet")
			}
			v.once(i)
			return nil
		}}
		opts := quick()
		opts.SweepEvery = time.Hour
		v.add(inside, keys("k", 400)...)
		q := e.again()
		r := start(t, q, jobs.Deps{Outbox: v, Topics: map[string]jobs.TopicHandler{inside: h}}, opts)
		await(t, "at work", func() bool { return r.Stats().Topics[inside].Running == 8 })
		await(t, "all queued", func() bool { return r.Stats().Topics[inside].Relayed == 400 })
		require.NoError(t, r.SweepNow(context.Background()))
		require.Zero(t, r.Stats().Topics[inside].Reopened, "a row in a bundle is not lost")
		close(gate)
		await(t, "all done", func() bool { return v.left() == 0 })
		for k, n := range tries {
			if k < "k00010" {
				require.Equal(t, 3, n, k)
			} else {
				require.Equal(t, 1, n, k)
			}
		}
		require.EqualValues(t, 20, r.Stats().Topics[inside].Failed)
	})
}

// node is a process: it can die without a word.
type node struct {
	v *view
	q *jobs.Queue
	k *jobs.Knife
	r *jobs.Runner
}

func (n *node) kill() {
	n.v.dead.Store(true)
	n.k.Cut()
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancel()
		_ = n.r.Stop(ctx) // only ends its goroutines: it reaches neither outbox nor Redis
	}()
}

func TestNothingIsLost(t *testing.T) {
	const insides, outsides, batches = 6000, 2000, 2000
	engines(t, func(t *testing.T, e engine) {
		leakFree(t)
		b := newBox()
		var mu sync.Mutex
		rnd := rand.New(rand.NewPCG(7, 11))
		trouble := func(ticketing.OutboxItem) error {
			mu.Lock()
			n := rnd.IntN(200)
			mu.Unlock()
			switch n {
			case 0:
				return errors.New("bad luck")
			case 1:
				panic("very bad luck")
			}
			return nil
		}
		boot := func() *node {
			v := &view{box: b}
			n := &node{v: v, q: e.again()}
			n.k = jobs.NewKnife(n.q)
			n.r = start(t, n.q, jobs.Deps{Outbox: v, Topics: topics(v, trouble)}, quick())
			return n
		}
		n := boot()
		const steps = 20
		for s := range steps {
			b.add(inside, keys(fmt.Sprintf("s%02d-", s), insides/steps)...)
			b.add(outside, keys(fmt.Sprintf("s%02d-", s), outsides/steps)...)
			b.add(batched, keys(fmt.Sprintf("s%02d-", s), batches/steps)...)
			want := b.left() - 300 // in the middle of the work
			await(t, "progress", func() bool { return b.left() < want })
			switch s {
			case 3, 9, 15:
				n.kill()
				n = boot()
			case 6, 12:
				require.NoError(t, n.q.Wipe(context.Background()))
			}
		}
		await(t, "all done", func() bool { return b.left() == 0 })
		for s := range steps {
			for _, k := range keys(fmt.Sprintf("s%02d-", s), insides/steps) {
				require.Equal(t, 1, b.times(inside, k), "exactly once: %s", k)
			}
			for _, k := range keys(fmt.Sprintf("s%02d-", s), outsides/steps) {
				require.GreaterOrEqual(t, b.times(outside, k), 1, "at least once: %s", k)
				require.GreaterOrEqual(t, b.times(batched, k), 1, "at least once: %s", k)
			}
		}
	})
}

// Two nodes on one outbox and one Redis share the work.
func TestTwoNodes(t *testing.T) {
	engines(t, func(t *testing.T, e engine) {
		v := &view{box: newBox()}
		q := e.again()
		a := start(t, q, jobs.Deps{Outbox: v, Topics: topics(v, fine)}, quick())
		b := start(t, q, jobs.Deps{Outbox: v, Topics: topics(v, fine)}, quick())
		var n int64
		for a.Stats().Topics[inside].Done == 0 || b.Stats().Topics[inside].Done == 0 {
			v.add(inside, keys(fmt.Sprintf("r%d-", n), 100)...)
			n++
			await(t, "all done", func() bool { return v.left() == 0 })
			require.Less(t, n, int64(1000), "one node does all the work")
		}
		for i := range n {
			for _, k := range keys(fmt.Sprintf("r%d-", i), 100) {
				require.Equal(t, 1, v.times(inside, k))
			}
		}
	})
}
