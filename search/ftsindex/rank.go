package ftsindex

import (
	"context"
	"database/sql"

	"hotline/search"
)

// Rank answers a ranking from one snapshot.
func (x *Index) Rank(ctx context.Context, r search.Ranking) ([]search.Row, error) {
	x.life.RLock()
	defer x.life.RUnlock()
	if !r.Scope.All && len(r.Scope.Departments) == 0 {
		return nil, nil
	}
	var rows []search.Row
	err := x.fromSnapshot(ctx, func(tx *sql.Tx, st state) (err error) {
		rows, err = x.rankIn(ctx, tx, st, r)
		return err
	})
	return rows, err
}

func (x *Index) rankIn(ctx context.Context, tx *sql.Tx, st state, r search.Ranking) ([]search.Row, error) {
	if err := x.db.cols.catchUp(ctx, tx, st); err != nil {
		return nil, err
	}
	first := 0
	if !r.Filters.From.IsZero() {
		first = x.db.cols.since(r.Filters.From)
	}
	sums := tally{first: first}
	for _, t := range r.Terms {
		slots, err := slotsOf(ctx, tx, on("SELECT coalesce(group_concat(rowid), '') FROM fts_# WHERE fts_# MATCH ? AND rowid >= ?", st.active), phrase(t.Clause), first)
		if err != nil {
			return nil, err
		}
		sums.add(slots, t.Weight)
	}
	if r.Place != "" && r.PlaceWeight > 0 {
		slots, err := slotsOf(ctx, tx, on("SELECT coalesce(group_concat(slot), '') FROM docs_# WHERE place = ? AND place <> '' AND slot >= ?", st.active), plain(r.Place), first)
		if err != nil {
			return nil, err
		}
		sums.add(slots, r.PlaceWeight)
	}
	top, err := x.highest(st, r, sums)
	if err != nil {
		return nil, err
	}
	return rowsOf(ctx, tx, st.active, top)
}

// highest filters and orders what has a sum.
func (x *Index) highest(st state, r search.Ranking, sums tally) ([]row, error) {
	c := x.db.cols
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.epoch != st.epoch {
		return nil, errSnapshot
	}
	s := newSelection(c, search.Plan{Scope: r.Scope, Filters: r.Filters, Limit: r.Limit}, nil)
	category := c.allowed([]string{r.Category})
	for i := len(sums.of) - 1; i >= 0; i-- {
		slot := sums.first + i
		if sums.of[i] == 0 || slot >= len(c.entries) {
			continue
		}
		e := &c.entries[slot]
		if !s.takes(e) || e.id == r.Without {
			continue
		}
		score := int(sums.of[i])
		if r.Category != "" && category[e.values[colCategory]] {
			score += r.CategoryWeight
		}
		s.top.offer(candidate{slot: slot, score: score, entry: e}, r.Limit)
	}
	var top []row
	for _, t := range s.top.sorted() {
		top = append(top, row{slot: t.slot, score: t.score, version: t.entry.version})
	}
	return top, nil
}

// tally sums weights up, by slot from first on.
type tally struct {
	first int
	of    []int32
}

func (t *tally) add(slots []int, weight int) {
	if n := len(slots); n > 0 && slots[n-1]-t.first >= len(t.of) {
		t.of = append(t.of, make([]int32, slots[n-1]-t.first+1-len(t.of))...)
	}
	for _, slot := range slots {
		t.of[slot-t.first] += int32(weight) //nolint:gosec // far below
	}
}
