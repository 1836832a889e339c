package search

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// Options tune an Index; the zero value works.
type Options struct {
	Log       *slog.Logger
	Timeout   time.Duration // of one search; 10 s when zero
	BatchSize int           // documents per call of the driver; 2,000 when zero
}

// Index is the portable index over one engine. It is safe for concurrent use.
type Index struct {
	driver  Driver
	log     *slog.Logger
	timeout time.Duration
	batch   int
	learned learning
}

// New makes an index over an opened engine, which it closes in Close.
func New(driver Driver, opts Options) *Index {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Timeout <= 0 {
		opts.Timeout = 10 * time.Second
	}
	if opts.BatchSize <= 0 {
		opts.BatchSize = 2000
	}
	return &Index{driver: driver, log: opts.Log, timeout: opts.Timeout, batch: opts.BatchSize}
}

// Put writes documents. One that is older than what the index holds is left out without an error.
func (x *Index) Put(ctx context.Context, docs ...Document) error {
	return inBatches(docs, x.batch, func(part []Document) error { return x.driver.Put(ctx, part) })
}

// Delete removes documents at the version that the index holds now. A Put of a
// higher version that happens meanwhile wins.
func (x *Index) Delete(ctx context.Context, ids ...string) error {
	return inBatches(ids, x.batch, func(part []string) error {
		stamps, err := x.driver.Lookup(ctx, part)
		if err != nil {
			return err
		}
		deletions := make([]Deletion, len(stamps))
		for i, s := range stamps {
			deletions[i] = Deletion{ID: s.ID, Version: s.Version}
		}
		return x.DeleteVersions(ctx, deletions...)
	})
}

// DeleteVersions removes documents unless the index holds a higher version. A
// late Put of a lower version does not bring them back.
func (x *Index) DeleteVersions(ctx context.Context, deletions ...Deletion) error {
	return inBatches(deletions, x.batch, func(part []Deletion) error { return x.driver.Delete(ctx, part) })
}

// Refresh makes all that was written before visible to Search.
func (x *Index) Refresh(ctx context.Context) error { return x.driver.Refresh(ctx) }

// Ready is nil when the engine answers and holds a whole index. [ErrNeedsRebuild] asks for Rebuild.
func (x *Index) Ready(ctx context.Context) error { return x.driver.Ready(ctx) }

// Close releases the engine.
func (x *Index) Close() error { return x.driver.Close() }

// Search answers a query. A query that must change is refused with a [QueryError].
func (x *Index) Search(ctx context.Context, q Query) (Result, error) {
	ctx, cancel := x.bounded(ctx)
	defer cancel()
	p, err := x.plan(ctx, q)
	if err != nil {
		return Result{}, err
	}
	wanted := p.Limit
	p.Limit++ // one more tells whether there is a next page
	found, err := x.driver.Search(ctx, p)
	if err != nil {
		return Result{}, unanswered(ctx, err)
	}
	res := Result{Total: found.Total, TotalCapped: found.TotalCapped, Facets: found.Facets, Histogram: found.Histogram, Understood: p.Understood}
	if len(found.Rows) > wanted {
		found.Rows = found.Rows[:wanted]
		last := found.Rows[wanted-1]
		if res.NextCursor, err = encodeCursor(Position{Score: last.Score, CreatedAt: last.CreatedAt, ID: last.ID}, p); err != nil {
			return Result{}, err
		}
	}
	marked := slices.Concat(p.Must...)
	inTitle := slices.Concat(marked, slices.Concat(p.Titles...))
	res.Hits = make([]Hit, len(found.Rows))
	for i, r := range found.Rows {
		res.Hits[i] = Hit{
			ID: r.ID, Number: r.Number, Version: r.Version, Score: float64(r.Score), CreatedAt: r.CreatedAt,
			Title: highlight(r.Title, inTitle), Body: fragment(r.Body, marked),
		}
	}
	return res, nil
}

// bounded gives a question its time.
func (x *Index) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, x.timeout, fmt.Errorf("%w: no answer within %s", ErrUnavailable, x.timeout))
}

// unanswered is an engine's error with why the time was over, if it was.
func unanswered(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return fmt.Errorf("search: %w", err)
}

func inBatches[T any](all []T, size int, do func([]T) error) error {
	for len(all) > 0 {
		n := min(size, len(all))
		if err := do(all[:n]); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}
