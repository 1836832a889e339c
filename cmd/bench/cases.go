package main

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hotline/cmd/city"
	"hotline/cmd/hotline/engines"
	"hotline/ticketing"
)

// cases gives the first n cases of one fixed history of the sample city.
func cases(n int) (iter.Seq[city.Case], error) {
	end := time.Date(2026, 1, 1, 0, 0, 0, 0, ticketing.Shanghai())
	g, err := city.New(12345, city.Sample(), city.Options{To: end, Count: n})
	if err != nil {
		return nil, err
	}
	return g.All(), nil
}

// each calls do for 0 … n-1 on a number of goroutines; the first error ends it.
func each(workers, n int, do func(i int) error) error {
	var next atomic.Int64
	var first atomic.Pointer[error]
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(n) && first.Load() == nil; i = next.Add(1) - 1 {
				if err := do(int(i)); err != nil {
					first.CompareAndSwap(nil, &err)
					return
				}
			}
		})
	}
	all.Wait()
	if err := first.Load(); err != nil {
		return *err
	}
	return nil
}

// agent is an operator as the service sees one.
func agent() ticketing.Actor {
	return ticketing.Actor{UserID: "bench", Roles: []ticketing.Role{ticketing.RoleAgent}}
}

// drafts opens n drafts of generated cases that can be accepted, and gives their ids.
func drafts(ctx context.Context, e *engines.Engines, n int) ([]string, error) {
	history, err := cases(n)
	if err != nil {
		return nil, err
	}
	inputs := make([]ticketing.DraftInput, 0, n)
	for c := range history {
		inputs = append(inputs, ticketing.DraftInput{
			Channel: ticketing.ByPhone, Line: "12345", CallID: fmt.Sprintf("bench-%d", c.Seq), Appeal: c.Appeal, Citizen: c.Citizen,
		})
	}
	ids := make([]string, len(inputs))
	err = each(64, len(inputs), func(i int) error {
		t, err := e.Tickets.OpenDraft(ctx, agent(), inputs[i])
		ids[i] = t.ID
		return err
	})
	return ids, err
}

// percentile is the nearest rank: the smallest value that the share of all does
// not exceed. It sorts.
func percentile(values []time.Duration, share float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[max(0, int(math.Ceil(share*float64(len(values))))-1)]
}

func millis(d time.Duration) float64 { return math.Round(float64(d)/float64(time.Microsecond)) / 1000 }
