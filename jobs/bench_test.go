package jobs_test

import (
	"context"
	"fmt"
	"sort"
	"sync"
	"testing"
	"time"

	"hotline/jobs"
	"hotline/ticketing"
)

// BenchmarkOutboxToDone tells how long a row waits for its handler on the
// embedded queue: at 100 rows/s (p50 and p99), and how many rows/s go through at most.
func BenchmarkOutboxToDone(b *testing.B) {
	q, err := jobs.OpenQueue("mem://", jobs.QueueOptions{})
	if err != nil {
		b.Fatal(err)
	}
	v := &view{box: newBox()}
	var mu sync.Mutex
	var took []time.Duration
	var wg sync.WaitGroup
	r := jobs.New(q, jobs.Deps{Outbox: v, Topics: map[string]jobs.TopicHandler{inside: {
		Finishes: true,
		Handle: func(_ context.Context, i ticketing.OutboxItem) error {
			v.once(i)
			mu.Lock()
			took = append(took, time.Since(i.CreatedAt))
			mu.Unlock()
			wg.Done()
			return nil
		},
	}}}, jobs.Options{})
	if err := r.Start(context.Background()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = r.Stop(context.Background())
		_ = q.Close()
	})
	run := 0
	b.Run("paced", func(b *testing.B) {
		run++
		took = nil
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for i := range b.N {
			<-tick.C
			wg.Add(1)
			v.add(inside, fmt.Sprintf("p%d-%d", run, i))
		}
		wg.Wait()
		sort.Slice(took, func(i, j int) bool { return took[i] < took[j] })
		b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50_ms")
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99_ms")
	})
	b.Run("flood", func(b *testing.B) {
		run++
		wg.Add(b.N)
		v.add(inside, keys(fmt.Sprintf("f%d-", run), b.N)...)
		wg.Wait()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
}
