package jobs_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"hotline/jobs"
)

// engine is a kind of queue. again opens what a new process would find after
// a crash: the same Redis, or, embedded, an empty one.
type engine struct {
	name  string
	again func() *jobs.Queue
}

// engines calls test for the embedded queue, and for real Redis when there is one.
func engines(t *testing.T, test func(t *testing.T, e engine)) {
	t.Run("embedded", func(t *testing.T) {
		test(t, engine{"embedded", func() *jobs.Queue { return open(t, "mem://") }})
	})
	base := os.Getenv("HOTLINE_TEST_REDIS")
	if base == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("HOTLINE_TEST_REDIS is not set: the suite must also run on Redis")
		}
		t.Log("HOTLINE_TEST_REDIS is not set: Redis is left out")
		return
	}
	t.Run("redis", func(t *testing.T) {
		u := claim(t, base)
		test(t, engine{"redis", func() *jobs.Queue { return open(t, u) }})
	})
}

// claim takes one of the databases 5 to 9 for this test and empties it.
func claim(t *testing.T, base string) string {
	t.Helper()
	opts, err := redis.ParseURL(base)
	require.NoError(t, err)
	locks := redis.NewClient(opts)
	t.Cleanup(func() { locks.Close() })
	ctx := context.Background()
	for range 3000 {
		for db := 5; db <= 9; db++ {
			key := fmt.Sprintf("hotline:test:jobs:%d", db)
			won, err := locks.SetNX(ctx, key, os.Getpid(), 5*time.Minute).Result()
			require.NoError(t, err)
			if !won {
				continue
			}
			t.Cleanup(func() { locks.Del(ctx, key) })
			u, err := url.Parse(base)
			require.NoError(t, err)
			u.Path = fmt.Sprintf("/%d", db)
			q, err := jobs.OpenQueue(u.String(), jobs.QueueOptions{})
			require.NoError(t, err)
			require.NoError(t, q.Wipe(ctx))
			require.NoError(t, q.Close())
			return u.String()
		}
		time.Sleep(100 * time.Millisecond) // another run of the suite holds them all
	}
	t.Fatal("no database of Redis became free")
	return ""
}

func open(t *testing.T, u string) *jobs.Queue {
	t.Helper()
	q, err := jobs.OpenQueue(u, jobs.QueueOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { q.Close() })
	return q
}

// quick are options that make a sweep come soon.
func quick() jobs.Options {
	return jobs.Options{
		Poll: 50 * time.Millisecond, Batch: 200, SweepEvery: 300 * time.Millisecond,
		SweepAge: 500 * time.Millisecond, RefusedAge: 300 * time.Millisecond, DeadlineEvery: 10 * time.Millisecond,
		Log: slog.New(slog.DiscardHandler),
	}
}

func start(t *testing.T, q *jobs.Queue, deps jobs.Deps, opts jobs.Options) *jobs.Runner {
	t.Helper()
	r := jobs.New(q, deps, opts)
	require.NoError(t, r.Start(context.Background()))
	t.Cleanup(func() { stop(t, r) })
	return r
}

func stop(t *testing.T, r *jobs.Runner) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	require.NoError(t, r.Stop(ctx))
}

// await waits for a condition, for at most two minutes.
func await(t *testing.T, what string, cond func() bool) {
	t.Helper()
	require.Eventually(t, cond, 2*time.Minute, 5*time.Millisecond, what)
}

// leakFree fails the test when goroutines are left at its end. It is called
// first, so that its check runs last.
func leakFree(t *testing.T) {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		for range 500 {
			if runtime.NumGoroutine() <= before {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		buf := make([]byte, 1<<20)
		t.Fatalf("goroutines left: %d before, %d after\n%s", before, runtime.NumGoroutine(), buf[:runtime.Stack(buf, true)])
	})
}
