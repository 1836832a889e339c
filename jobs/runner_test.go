package jobs_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/jobs"
	"hotline/ticketing"
)

func handleAfter(v *view, gate <-chan struct{}) func(context.Context, ticketing.OutboxItem) error {
	return func(ctx context.Context, i ticketing.OutboxItem) error {
		select {
		case <-gate:
		case <-ctx.Done():
			return ctx.Err()
		}
		v.outside(i)
		return nil
	}
}

// Stop waits for running tasks as long as it may, then cuts them short; they stay owed.
func TestStopHasALimit(t *testing.T) {
	engines(t, func(t *testing.T, e engine) {
		leakFree(t)
		v := &view{box: newBox()}
		var running atomic.Int64
		gate := make(chan struct{})
		deps := jobs.Deps{Outbox: v, Topics: map[string]jobs.TopicHandler{inside: {
			Finishes: true,
			Handle: func(ctx context.Context, i ticketing.OutboxItem) error {
				running.Add(1)
				if err := handleAfter(v, gate)(ctx, i); err != nil {
					return err
				}
				v.once(i)
				return nil
			},
		}}}
		opts := quick()
		opts.StopTimeout = time.Hour
		r := start(t, e.again(), deps, opts)
		v.add(inside, keys("k", 3)...)
		await(t, "running", func() bool { return running.Load() == 3 })
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		require.NoError(t, r.Stop(ctx), "handlers that heed their context end with it")
		require.Equal(t, 3, v.left())
		require.NoError(t, r.Stop(ctx), "twice is fine")
		require.Zero(t, r.Stats().Topics[inside].Failed, "what Stop cut short did not fail")

		close(gate)
		start(t, e.again(), deps, opts)
		await(t, "done by the next process", func() bool { return v.left() == 0 })
	})
}

func TestStartRefusals(t *testing.T) {
	v := &view{box: newBox()}
	both := topics(v, fine)[inside]
	both.Drain = topics(v, fine)[batched].Drain
	for _, h := range []jobs.TopicHandler{{}, both} {
		r := jobs.New(open(t, "mem://"), jobs.Deps{Outbox: v, Topics: map[string]jobs.TopicHandler{inside: h}}, quick())
		require.ErrorIs(t, r.Start(context.Background()), jobs.ErrRunner)
	}
	r := start(t, open(t, "mem://"), jobs.Deps{Outbox: v, Topics: topics(v, fine)}, quick())
	require.ErrorIs(t, r.Start(context.Background()), jobs.ErrRunner)
}

// An engine that fails as a whole is tried again after a rest, and nothing is set aside.
func TestDrainRests(t *testing.T) {
	engines(t, func(t *testing.T, e engine) {
		v := &view{box: newBox()}
		var down atomic.Bool
		var calls atomic.Int64
		down.Store(true)
		h := topics(v, fine)[batched]
		works := h.Drain
		h.Drain = func(ctx context.Context, items []ticketing.OutboxItem) ([]jobs.Refused, error) {
			if calls.Add(1) == 2 {
				panic("driver broken")
			}
			if down.Load() {
				return nil, errors.New("engine away")
			}
			return works(ctx, items)
		}
		r := start(t, e.again(), jobs.Deps{Outbox: v, Topics: map[string]jobs.TopicHandler{batched: h}}, quick())
		v.add(batched, keys("k", 1000)...)
		await(t, "failing", func() bool { return calls.Load() >= 4 })
		require.Equal(t, 1000, v.left())
		down.Store(false)
		await(t, "all done", func() bool { return v.left() == 0 })
		require.EqualValues(t, 1, r.Stats().Topics[batched].Panics)
		require.Zero(t, r.Stats().Topics[batched].Reopened)
	})
}

// clockwork is a Deadlines with a deadline every so often.
type clockwork struct {
	mu    sync.Mutex
	due   []time.Time
	fails int
	fired map[time.Time]int
}

func (c *clockwork) NextDeadline(context.Context) (time.Time, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fails > 0 {
		c.fails--
		if c.fails%2 == 0 {
			panic("store broken")
		}
		return time.Time{}, false, errors.New("store away")
	}
	if len(c.due) == 0 {
		return time.Time{}, false, nil
	}
	return c.due[0], true, nil
}

func (c *clockwork) FireDeadlines(_ context.Context, now time.Time, limit int) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for len(c.due) > 0 && !c.due[0].After(now) && n < limit {
		c.fired[c.due[0]]++
		c.due = c.due[1:]
		n++
	}
	return n, nil
}

// Deadlines fire although the queue is stuffed and the store stumbles.
func TestDeadlinesFire(t *testing.T) {
	leakFree(t)
	v := &view{box: newBox()}
	v.add(outside, keys("k", 500)...)
	gate := make(chan struct{})
	defer close(gate)
	now := time.Now()
	var moved atomic.Int64
	c := &clockwork{fired: map[time.Time]int{}, fails: 2}
	for i := range 1000 {
		c.due = append(c.due, now.Add(time.Duration(i)*time.Hour))
	}
	opts := quick()
	opts.Now = func() time.Time { return now.Add(time.Duration(moved.Load())) }
	r := start(t, open(t, "mem://"), jobs.Deps{Outbox: v, Deadlines: c, Topics: map[string]jobs.TopicHandler{
		outside: {Handle: handleAfter(v, gate)},
	}}, opts)
	await(t, "the first", func() bool { return r.Stats().Deadlines == 1 })
	moved.Store(int64(500*time.Hour - time.Minute))
	await(t, "those due", func() bool { return r.Stats().Deadlines == 500 })
	moved.Store(int64(2000 * time.Hour))
	await(t, "all", func() bool { return r.Stats().Deadlines == 1000 })
	c.mu.Lock()
	defer c.mu.Unlock()
	for at, n := range c.fired {
		require.Equal(t, 1, n, at)
	}
}

// A schedule runs once per slot, on one of the nodes; errors and panics do not end it.
func TestSchedulesRunOncePerSlot(t *testing.T) {
	engines(t, func(t *testing.T, e engine) {
		leakFree(t)
		var mu sync.Mutex
		base := time.Now().Truncate(time.Hour)
		now := base
		slots := map[time.Time]int{}
		opts := quick()
		opts.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
		s := jobs.Schedule{Name: "prune", Every: 20 * time.Millisecond, Run: func(context.Context) error {
			mu.Lock()
			defer mu.Unlock()
			slots[now]++
			switch len(slots) {
			case 1:
				return errors.New("not today")
			case 2:
				panic("broken")
			}
			return nil
		}}
		deps := jobs.Deps{Outbox: &view{box: newBox()}, Schedules: []jobs.Schedule{s}}
		q := e.again()
		a, b := start(t, q, deps, opts), start(t, q, deps, opts)
		for i := 1; i <= 10; i++ {
			await(t, "slot", func() bool { return a.Stats().Schedules+b.Stats().Schedules == int64(i) })
			mu.Lock()
			now = base.Add(time.Duration(i) * s.Every)
			mu.Unlock()
		}
		await(t, "last slot", func() bool { return a.Stats().Schedules+b.Stats().Schedules == 11 })
		mu.Lock()
		defer mu.Unlock()
		require.Len(t, slots, 11)
		for at, n := range slots {
			require.Equal(t, 1, n, at)
		}
	})
}

func TestBackoff(t *testing.T) {
	for n, want := range map[int]time.Duration{0: time.Second, 3: 8 * time.Second, 9: 512 * time.Second, 10: 10 * time.Minute, 1 << 30: 10 * time.Minute} {
		got := jobs.Backoff(n)
		require.InDelta(t, float64(want), float64(got), 0.2*float64(want)+1, n)
	}
}

func TestFanOut(t *testing.T) {
	var ran atomic.Int64
	require.NoError(t, jobs.FanOut(context.Background(), 4, 100, func(int) error { ran.Add(1); return nil }))
	require.EqualValues(t, 100, ran.Load())
	bad := errors.New("bad")
	require.ErrorIs(t, jobs.FanOut(context.Background(), 4, 100, func(i int) error {
		if i == 10 {
			return bad
		}
		return nil
	}), bad)
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, jobs.FanOut(gone, 4, 100, func(int) error { return nil }), context.Canceled)
	require.NoError(t, jobs.FanOut(gone, 4, 0, func(int) error { return nil }))
}
