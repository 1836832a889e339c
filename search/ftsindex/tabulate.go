package ftsindex

import (
	"context"
	"database/sql"
	"time"

	"hotline/search"
)

// Tabulate counts by two axes in one snapshot.
func (x *Index) Tabulate(ctx context.Context, p search.Plan, rows, columns search.Axis) (map[search.Pair]int, error) {
	x.life.RLock()
	defer x.life.RUnlock()
	if !p.Scope.All && len(p.Scope.Departments) == 0 {
		return nil, nil
	}
	var pairs map[search.Pair]int
	err := x.fromSnapshot(ctx, func(tx *sql.Tx, st state) error {
		slots, inverse, err := x.matching(ctx, tx, st, p)
		if err == nil {
			pairs, err = x.tabulate(p, st, slots, inverse, rows, columns)
		}
		return err
	})
	return pairs, err
}

// axis gives each entry the number of its value.
type axis struct {
	search.Axis
	col     int // of the values; negative: of time, place on the map, or none
	keys    []string
	numbers map[string]uint32
	of      map[any]uint32 // by what the value hangs on, so that each is spelled once
}

func newAxis(a search.Axis, names []string) *axis {
	x := &axis{Axis: a, col: -1}
	if col, ok := colNames[a.Name]; ok {
		x.col, x.keys = col, names
	} else if a.Name == search.ByPlace {
		x.col, x.keys = colPlace, names
	} else {
		x.numbers, x.of = map[string]uint32{}, map[any]uint32{}
	}
	return x
}

func (a *axis) value(e *entry) uint32 {
	if a.col >= 0 {
		return e.values[a.col]
	}
	var by any
	switch {
	case a.OfTime():
		by = (e.created + zoneMillis) / (60 * 60 * 1000) // no value changes within an hour
	case a.Name == search.ByTile && e.at != nil:
		by = *e.at
	}
	n, known := a.of[by]
	if !known {
		n = a.number(a.spell(e))
		a.of[by] = n
	}
	return n
}

func (a *axis) spell(e *entry) string {
	switch {
	case a.OfTime():
		return a.Key(time.UnixMilli(e.created))
	case a.Name == search.ByTile && e.at != nil:
		return a.Tile(*e.at)
	}
	return ""
}

func (a *axis) number(key string) uint32 {
	n, known := a.numbers[key]
	if !known {
		n = uint32(len(a.keys)) //nolint:gosec // far fewer
		a.keys, a.numbers[key] = append(a.keys, key), n
	}
	return n
}

// tabulate counts. With inverse, slots are those to leave out.
func (x *Index) tabulate(p search.Plan, st state, slots []int, inverse bool, rows, columns search.Axis) (map[search.Pair]int, error) {
	c := x.db.cols
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.epoch != st.epoch {
		return nil, errSnapshot
	}
	s := newSelection(c, p, nil)
	row, column := newAxis(rows, c.names.names), newAxis(columns, c.names.names)
	counts := map[[2]uint32]int{}
	each(slots, len(c.entries), inverse, func(slot int) {
		if e := &c.entries[slot]; s.takes(e) {
			counts[[2]uint32{row.value(e), column.value(e)}]++
		}
	})
	if len(counts) > search.MaxPairs {
		return nil, search.TooManyPairs()
	}
	pairs := make(map[search.Pair]int, len(counts))
	for k, n := range counts {
		pairs[search.Pair{Row: row.keys[k[0]], Column: column.keys[k[1]]}] += n
	}
	return pairs, nil
}

// each goes through slots, or with inverse through those that are not among them, from
// the end: high slots are mostly new documents.
func each(slots []int, all int, inverse bool, do func(slot int)) {
	if !inverse {
		for i := len(slots) - 1; i >= 0; i-- {
			if slots[i] < all {
				do(slots[i])
			}
		}
		return
	}
	next := len(slots) - 1
	for slot := all - 1; slot >= 0; slot-- {
		for next >= 0 && slots[next] > slot {
			next--
		}
		if next < 0 || slots[next] != slot {
			do(slot)
		}
	}
}
