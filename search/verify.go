package search

import (
	"context"
	"errors"
	"fmt"
)

// Report says how an index differs from its source.
type Report struct {
	Checked  int // documents of the source
	Missing  int // in the source, not in the index
	Stale    int // in both, with an older version or other content in the index
	Extra    int // in the index only
	Ahead    int // in both, with a higher version in the index: the source went back
	Doubled  int // more than once in the index
	Repaired int // of all these
}

// Clean reports whether there was no difference.
func (r Report) Clean() bool { return r.Missing+r.Stale+r.Extra+r.Ahead+r.Doubled == 0 }

// Verify compares the index with the source, document by document. A difference
// counts only if it is still there when both are read again, because either may
// move on while the other is read. With repair, differences are put right; when
// a document is ahead or doubled, by rebuilding the index.
func (x *Index) Verify(ctx context.Context, source Source, repair bool) (Report, error) {
	if err := x.driver.Refresh(ctx); err != nil {
		return Report{}, fmt.Errorf("verify: %w", err)
	}
	v := verification{index: x, source: source, repair: repair}
	if err := v.run(ctx); err != nil {
		return v.report, fmt.Errorf("verify: %w", err)
	}
	if repair && v.report.Ahead+v.report.Doubled > 0 {
		if err := x.rebuild(ctx, source); err != nil {
			return v.report, fmt.Errorf("verify: %w", err)
		}
		v.report.Repaired = v.report.Missing + v.report.Stale + v.report.Extra + v.report.Ahead + v.report.Doubled
	}
	if v.report.Repaired > 0 {
		if err := x.driver.Refresh(ctx); err != nil {
			return v.report, fmt.Errorf("verify: %w", err)
		}
	}
	return v.report, nil
}

type verification struct {
	index  *Index
	source Source
	repair bool
	report Report

	stamps []Stamp // read ahead from the index
	after  string  // the last ID read from it
	ended  bool
	last   string // the last ID that the source gave
}

func (v *verification) run(ctx context.Context) error {
	err := v.source.Documents(ctx, "", func(docs []Document) error {
		return inBatches(docs, v.index.batch, func(part []Document) error { return v.compare(ctx, part) })
	})
	if err != nil {
		return err
	}
	for { // what the index holds beyond the last document
		s, ok, err := v.peek(ctx)
		if err != nil || !ok {
			return err
		}
		if err := v.settle(ctx, []string{s.ID}); err != nil {
			return err
		}
		v.take()
	}
}

// compare walks a batch of the source and the index side by side and settles what differs.
func (v *verification) compare(ctx context.Context, docs []Document) error {
	var doubtful []string
	for _, d := range docs {
		if d.ID <= v.last {
			return fmt.Errorf("the source is out of order: %q after %q", d.ID, v.last)
		}
		v.last = d.ID
		v.report.Checked++
		for {
			s, ok, err := v.peek(ctx)
			if err != nil {
				return err
			}
			if !ok || s.ID > d.ID {
				doubtful = append(doubtful, d.ID)
				break
			}
			v.take()
			if s.ID == d.ID {
				if s.Version != d.Version || s.Digest != d.Digest() {
					doubtful = append(doubtful, d.ID)
				}
				break
			}
			doubtful = append(doubtful, s.ID)
		}
	}
	return inBatches(doubtful, v.index.batch, func(ids []string) error { return v.settle(ctx, ids) })
}

// peek returns the index's next stamp and counts those that repeat the one before.
func (v *verification) peek(ctx context.Context) (Stamp, bool, error) {
	for len(v.stamps) == 0 && !v.ended {
		page, err := v.index.driver.Stamps(ctx, v.after, v.index.batch)
		if err != nil {
			return Stamp{}, false, err
		}
		v.ended = len(page) == 0
		for _, s := range page {
			if s.ID == v.after {
				v.report.Doubled++
				continue
			}
			v.after = s.ID
			v.stamps = append(v.stamps, s)
		}
	}
	if len(v.stamps) == 0 {
		return Stamp{}, false, nil
	}
	return v.stamps[0], true, nil
}

func (v *verification) take() { v.stamps = v.stamps[1:] }

// settle reads both sides again and counts, and with repair rights, what still differs.
func (v *verification) settle(ctx context.Context, ids []string) error {
	stamps, err := v.index.driver.Lookup(ctx, ids)
	if err != nil {
		return err
	}
	held := make(map[string]Stamp, len(stamps))
	for _, s := range stamps {
		held[s.ID] = s
	}
	var puts []Document
	var deletions []Deletion
	for _, id := range ids {
		doc, wanted, err := v.source.Document(ctx, id)
		if err != nil {
			return err
		}
		s, present := held[id]
		switch {
		case !wanted && present:
			v.report.Extra++
			deletions = append(deletions, Deletion{ID: id, Version: s.Version})
		case wanted && !present:
			v.report.Missing++
			puts = append(puts, doc)
		case wanted && s.Version > doc.Version:
			v.report.Ahead++
		case wanted && (s.Version < doc.Version || s.Digest != doc.Digest()):
			v.report.Stale++
			puts = append(puts, doc)
		}
	}
	if !v.repair {
		return nil
	}
	if err := errors.Join(v.index.Put(ctx, puts...), v.index.DeleteVersions(ctx, deletions...)); err != nil {
		return err
	}
	v.report.Repaired += len(puts) + len(deletions)
	return nil
}

// Rebuild makes the index anew from the source while the old one goes on
// answering, swaps the two, and then repairs what changed in between.
func (x *Index) Rebuild(ctx context.Context, source Source) error {
	if err := x.rebuild(ctx, source); err != nil {
		return fmt.Errorf("rebuild: %w", err)
	}
	v := verification{index: x, source: source, repair: true}
	if err := x.driver.Refresh(ctx); err != nil {
		return fmt.Errorf("rebuild: %w", err)
	}
	if err := v.run(ctx); err != nil {
		return fmt.Errorf("rebuild: catch up: %w", err)
	}
	if v.report.Repaired > 0 {
		if err := x.driver.Refresh(ctx); err != nil {
			return fmt.Errorf("rebuild: %w", err)
		}
	}
	x.log.InfoContext(ctx, "index rebuilt", "documents", v.report.Checked, "caught_up", v.report.Repaired)
	return nil
}

func (x *Index) rebuild(ctx context.Context, source Source) error {
	return x.driver.Rebuild(ctx, func(put func([]Document) error) error {
		return source.Documents(ctx, "", func(docs []Document) error {
			return inBatches(docs, x.batch, put)
		})
	})
}
