package ftsindex

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"hotline/search"
)

// attempts bounds how often a search takes a new snapshot because what it found changed under it.
const attempts = 4

// Search answers a plan from one snapshot.
func (x *Index) Search(ctx context.Context, p search.Plan) (search.Found, error) {
	x.life.RLock()
	defer x.life.RUnlock()
	if !p.Scope.All && len(p.Scope.Departments) == 0 {
		return newSelection(newColumns(), p, nil).found(), nil
	}
	var found search.Found
	err := x.fromSnapshot(ctx, func(tx *sql.Tx, st state) (err error) {
		found, err = x.searchIn(ctx, tx, st, p)
		return err
	})
	return found, err
}

// fromSnapshot runs fn in one snapshot, and again in a new one where what it found changed
// under it. The caller holds life.
func (x *Index) fromSnapshot(ctx context.Context, fn func(tx *sql.Tx, st state) error) error {
	for attempt := 1; ; attempt++ {
		err := x.reading(ctx, fn)
		switch {
		case !errors.Is(err, errSnapshot):
			return err
		case attempt == attempts:
			return fmt.Errorf("%w: %w", search.ErrUnavailable, err)
		}
	}
}

func (x *Index) searchIn(ctx context.Context, tx *sql.Tx, st state, p search.Plan) (search.Found, error) {
	slots, inverse, err := x.matching(ctx, tx, st, p)
	if err != nil {
		return search.Found{}, err
	}
	scores, err := scoresOf(ctx, tx, st.active, p)
	if err != nil {
		return search.Found{}, err
	}
	found, top, err := x.choose(p, st, slots, inverse, scores)
	if err != nil {
		return search.Found{}, err
	}
	found.Rows, err = rowsOf(ctx, tx, st.active, top)
	return found, err
}

// matching are the slots whose text a plan asks for, or with inverse those that are to be
// left out. The columns are up to date with the snapshot then.
func (x *Index) matching(ctx context.Context, tx *sql.Tx, st state, p search.Plan) (slots []int, inverse bool, err error) {
	if err := x.db.cols.catchUp(ctx, tx, st); err != nil {
		return nil, false, err
	}
	expr, negated := expression(p)
	if expr == "" {
		return nil, true, nil
	}
	slots, err = match(ctx, tx, st.active, expr)
	return slots, negated, err
}

// row is what choose keeps of a candidate after the columns are unlocked.
type row struct {
	slot, score int
	version     int64
}

// choose filters, counts and orders. With inverse, slots are those to leave out.
func (x *Index) choose(p search.Plan, st state, slots []int, inverse bool, scores []uint8) (search.Found, []row, error) {
	c := x.db.cols
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.epoch != st.epoch {
		return search.Found{}, nil, errSnapshot
	}
	if scores != nil && len(scores) < len(c.entries) {
		scores = append(scores, make([]uint8, len(c.entries)-len(scores))...)
	}
	s := newSelection(c, p, scores)
	// From the end: the rows kept are then seldom displaced.
	each(slots, len(c.entries), inverse, s.consider)
	var top []row
	for _, t := range s.top.sorted() {
		top = append(top, row{slot: t.slot, score: t.score, version: t.entry.version})
	}
	return s.found(), top, nil
}

// match returns the slots that the expression finds, in rising order.
func match(ctx context.Context, tx *sql.Tx, set int, expr string) ([]int, error) {
	return slotsOf(ctx, tx, on("SELECT coalesce(group_concat(rowid), '') FROM fts_# WHERE fts_# MATCH ?", set), expr)
}

// slotsOf reads a query's one value, numbers joined by commas: one row with all of
// them costs a quarter of what a row each would.
func slotsOf(ctx context.Context, tx *sql.Tx, query string, args ...any) ([]int, error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var joined sql.RawBytes
	if !rows.Next() {
		return nil, rows.Err()
	}
	if err := rows.Scan(&joined); err != nil {
		return nil, err
	}
	slots := make([]int, 0, len(joined)/5)
	slot := 0
	for _, b := range joined {
		if b == ',' {
			slots = append(slots, slot)
			slot = 0
			continue
		}
		slot = slot*10 + int(b-'0')
	}
	if len(joined) > 0 {
		slots = append(slots, slot)
	}
	return slots, rows.Err()
}

// scoresOf counts, per slot, the clauses that occur in the title; nil when sorted by newest.
func scoresOf(ctx context.Context, tx *sql.Tx, set int, p search.Plan) ([]uint8, error) {
	if p.Sort != search.ByRelevance {
		return nil, nil
	}
	scores := []uint8{}
	for _, c := range p.Must {
		slots, err := match(ctx, tx, set, "{title} : "+one(c))
		if err != nil {
			return nil, err
		}
		if n := len(slots); n > 0 && slots[n-1] >= len(scores) {
			scores = append(scores, make([]uint8, slots[n-1]+1-len(scores))...)
		}
		for _, slot := range slots {
			scores[slot]++
		}
	}
	return scores, nil
}

// rowsOf reads the content. A row of another version than the one that was checked
// against the scope is not given out.
func rowsOf(ctx context.Context, tx *sql.Tx, set int, top []row) ([]search.Row, error) {
	if len(top) == 0 {
		return nil, nil
	}
	args := make([]any, len(top))
	for i, t := range top {
		args[i] = t.slot
	}
	marks := strings.TrimSuffix(strings.Repeat("?,", len(top)), ",")
	rows, err := tx.QueryContext(ctx, on("SELECT slot, id, number, version, created_at, title, body, category, district, state, place, lon, lat FROM docs_# WHERE slot IN (", set)+marks+")", args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	read := make(map[int]search.Row, len(top))
	for rows.Next() {
		var slot int
		var created int64
		var lon, lat sql.NullFloat64
		var r search.Row
		if err := rows.Scan(&slot, &r.ID, &r.Number, &r.Version, &created, &r.Title, &r.Body, &r.Category, &r.District, &r.State, &r.Place, &lon, &lat); err != nil {
			return nil, err
		}
		if lon.Valid && lat.Valid {
			r.Location = &search.Point{Lon: lon.Float64, Lat: lat.Float64}
		}
		r.CreatedAt = time.UnixMilli(created).UTC()
		read[slot] = r
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	out := make([]search.Row, len(top))
	for i, t := range top {
		r, ok := read[t.slot]
		if !ok || r.Version != t.version {
			return nil, errSnapshot
		}
		r.Score = t.score
		out[i] = r
	}
	return out, nil
}
