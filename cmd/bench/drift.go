package main

import (
	"context"
	"errors"
	"sort"
	"sync/atomic"
	"time"

	"hotline/search"
)

// kept is a search.Source in memory: the truth that an index drifts from.
type kept []search.Document // in order of ID

// Documents yields 2,000 at a time.
func (k kept) Documents(ctx context.Context, after string, yield func([]search.Document) error) error {
	at := sort.Search(len(k), func(i int) bool { return k[i].ID > after })
	for ; at < len(k); at += 2_000 {
		if err := errors.Join(ctx.Err(), yield(k[at:min(at+2_000, len(k))])); err != nil {
			return err
		}
	}
	return nil
}

// Document reads one.
func (k kept) Document(_ context.Context, id string) (search.Document, bool, error) {
	at := sort.Search(len(k), func(i int) bool { return k[i].ID >= id })
	if at == len(k) || k[at].ID != id {
		return search.Document{}, false, nil
	}
	return k[at], true, nil
}

// benchDrift lets one document in a hundred be missing, another be changed and a third be
// one that should not be there, and has both engines find and repair it; then it builds
// the index anew while searches go on.
func benchDrift(ctx context.Context, r *run) error {
	history, err := cases(r.tickets)
	if err != nil {
		return err
	}
	var truth kept
	for c := range history {
		truth = append(truth, documentOf(c))
	}
	sort.Slice(truth, func(i, j int) bool { return truth[i].ID < truth[j].ID })
	return onEngines(ctx, r, "drift", func(engine string, index *search.Index) error { return driftOn(ctx, r, engine, index, truth) })
}

func driftOn(ctx context.Context, r *run, engine string, index *search.Index, truth kept) error {
	if err := index.Rebuild(ctx, truth); err != nil {
		return err
	}
	injected, err := drift(ctx, index, truth)
	if err != nil {
		return err
	}
	began := time.Now()
	report, err := index.Verify(ctx, truth, true)
	if err != nil {
		return err
	}
	took := time.Since(began)
	again, err := index.Verify(ctx, truth, false)
	if err != nil {
		return err
	}
	left := again.Missing + again.Stale + again.Extra + again.Ahead + again.Doubled
	r.add(Figure{
		Name: "drift_repaired_" + engine, Value: float64(report.Repaired-left) / float64(injected), Unit: "of what was injected", Goal: 1, HigherIsBetter: true,
		BaselineName: "none: before it is 0",
	})
	r.say("drift on %s: %d of %d documents missing, changed or surplus; found %d, repaired %d in %.0f s, left %d",
		engine, injected, len(truth), report.Missing+report.Stale+report.Extra, report.Repaired, took.Seconds(), left)
	return rebuildWhileAsked(ctx, r, engine, index, truth)
}

// drift takes documents out, changes some and puts some in that should not be there.
func drift(ctx context.Context, index *search.Index, truth kept) (injected int, err error) {
	var gone []string
	var wrong []search.Document
	for i := 0; i+2 < len(truth); i += 100 {
		gone = append(gone, truth[i].ID)
		changed := truth[i+1]
		changed.Title, changed.State = "别的标题", "closed"
		ghost := truth[i+2]
		ghost.ID, ghost.Number = "ghost-"+ghost.ID, "20200101-000001"
		wrong = append(wrong, changed, ghost)
	}
	if err := index.Delete(ctx, gone...); err != nil {
		return 0, err
	}
	if err := index.Put(ctx, wrong...); err != nil {
		return 0, err
	}
	return len(gone) + len(wrong), index.Refresh(ctx)
}

// rebuildWhileAsked builds the index anew while questions go on whose answers are known.
func rebuildWhileAsked(ctx context.Context, r *run, engine string, index *search.Index, truth kept) error {
	questions := []search.Query{
		{Text: "路灯不亮", Scope: search.Scope{All: true}, Facets: facets, Histogram: true}, {Text: "", Scope: search.Scope{All: true}, Limit: 50},
		{Text: truth[len(truth)/2].Number, Scope: search.Scope{All: true}}, {Text: "工地 -扬尘", Scope: search.Scope{All: true}, Sort: search.ByRelevance},
	}
	want := make([]search.Result, len(questions))
	for i, q := range questions {
		var err error
		if want[i], err = index.Search(ctx, q); err != nil {
			return err
		}
	}
	var over atomic.Bool
	done := make(chan error, 1)
	began := time.Now()
	go func() {
		err := index.Rebuild(ctx, truth)
		over.Store(true)
		done <- err
	}()
	asked, wrong := 0, 0
	var took []time.Duration
	for !over.Load() {
		q := asked % len(questions)
		before := time.Now()
		got, err := index.Search(ctx, questions[q])
		took = append(took, time.Since(before))
		asked++
		if err != nil || !sameAnswer(got, want[q]) {
			wrong++
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err := <-done; err != nil {
		return err
	}
	r.add(Figure{Name: "rebuild_wrong_answers_" + engine, Value: float64(wrong), Unit: "of all asked meanwhile", Goal: 0, BaselineName: "none"})
	r.say("rebuilding on %s: %d tickets in %.0f s; %d questions meanwhile, p99 %.0f ms, %d answered wrongly", engine, len(truth), time.Since(began).Seconds(), asked, millis(percentile(took, 0.99)), wrong)
	return nil
}

func sameAnswer(a, b search.Result) bool {
	if a.Total != b.Total || len(a.Hits) != len(b.Hits) || len(a.Histogram) != len(b.Histogram) {
		return false
	}
	for i := range a.Hits {
		if a.Hits[i].ID != b.Hits[i].ID {
			return false
		}
	}
	for name, buckets := range a.Facets {
		for i, bucket := range buckets {
			if len(b.Facets[name]) != len(buckets) || b.Facets[name][i] != bucket {
				return false
			}
		}
	}
	return true
}
