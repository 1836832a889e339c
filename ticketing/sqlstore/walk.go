package sqlstore

import (
	"context"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"hotline/ticketing"
)

// A list is read along one index whose first column the query narrows, in its
// order and no further than the page needs. Where the query allows several
// values of that column, each has a walk of its own, and the walks are joined:
// sorting all that match a family of categories would take as long as there are
// tickets.

// walk is one way along an index.
type walk struct {
	index string // for SQLite, which has no figures to choose by
	where string
	args  []any
}

// maxWalks bounds how many ways are joined; with more values of one column the
// next column is tried, and at last the time of creation.
const maxWalks = 64

// list is a query with the ways that it is read along.
type list struct {
	store *Store
	query ticketing.Query
	due   bool
	walks []walk
}

func (s *Store) listOf(f ticketing.Query) list {
	return list{store: s, query: f, due: f.Sort == ticketing.SortDue, walks: walksOf(f)}
}

// finished are the states that most tickets are in.
var finished = []ticketing.State{ticketing.Closed, ticketing.Archived, ticketing.Cancelled, ticketing.Merged}

// walksOf chooses the column that leaves the fewest tickets, as far as the
// query alone tells it.
func walksOf(f ticketing.Query) []walk {
	open := len(f.States) > 0 && !slices.ContainsFunc(f.States, func(s ticketing.State) bool { return slices.Contains(finished, s) })
	urgent := len(f.Urgencies) > 0 && !slices.Contains(f.Urgencies, ticketing.Normal)
	switch {
	case f.Partition != "" && f.Sort == ticketing.SortDue: // few: one index each will do
		return []walk{{index: "sealed_due", where: "due_at IS NOT NULL"}}
	case f.Partition != "":
		return []walk{{index: "sealed_created"}}
	case f.Sort == ticketing.SortDue, f.Overdue:
		return []walk{{index: "tickets_due", where: "due_at IS NOT NULL"}}
	case f.AtDesk:
		return along("tickets_state", "state", []ticketing.State{ticketing.Accepted})
	case open:
		return along("tickets_state", "state", f.States)
	case f.Handler != "":
		return []walk{{index: "tickets_handler", where: "handler <> ''"}}
	case fits(len(f.Categories)):
		return along("tickets_category", "category", f.Categories)
	case fits(len(f.Departments)):
		return along("tickets_department", "department", f.Departments)
	case f.ScopeOn && fits(len(f.Scope)):
		return append(along("tickets_department", "department", f.Scope), assisting(f.Scope))
	case urgent:
		return along("tickets_urgency", "urgency", f.Urgencies)
	case fits(len(f.Districts)):
		return along("tickets_district", "district", f.Districts)
	case f.Operator != "":
		return along("tickets_operator", "operator", []string{f.Operator})
	case f.Line != "":
		return along("tickets_line", "line", []string{f.Line})
	case fits(len(f.Types)):
		return along("tickets_type", "type", f.Types)
	case fits(len(f.Channels)):
		return along("tickets_channel", "channel", f.Channels)
	}
	return []walk{{index: "tickets_created"}}
}

func fits(n int) bool { return n > 0 && n <= maxWalks }

// along makes a walk for each value of a column.
func along[T ~string](index, column string, values []T) []walk {
	values = slices.Compact(slices.Sorted(slices.Values(values)))
	walks := make([]walk, len(values))
	for i, v := range values {
		walks[i] = walk{index: index, where: column + " = ?", args: []any{string(v)}}
		if index == "tickets_urgency" {
			walks[i].where += " AND urgency <> 'normal'"
		}
	}
	return walks
}

// assisting walks along the few tickets that departments see beside their own.
func assisting(scope []string) walk {
	return walk{
		where: "id IN (SELECT ticket_id FROM ticket_units WHERE department IN (?)) AND department NOT IN (?)",
		args:  []any{bun.List(scope), bun.List(scope)},
	}
}

// cursor is where a ticket stands in the order of a list.
type cursor struct {
	key int64
	id  string
}

// along selects from the tickets that one walk passes.
func (l list) along(w walk) *bun.SelectQuery {
	table := tableOf(l.query.Partition)
	if l.store.db.dialect == SQLite && w.index != "" && l.query.Partition != ticketing.AnySealed {
		table += " INDEXED BY " + w.index
	}
	q := where(l.store.db.read.NewSelect().TableExpr(table), l.query)
	if w.where != "" {
		q = q.Where(w.where, w.args...)
	}
	return q
}

// keys are the places of the first tickets after a cursor.
func (l list) keys(ctx context.Context, after cursor, limit int) ([]cursor, error) {
	column, order, beyond := "created_at", "created_at DESC, id DESC", "(created_at, id) < (?, ?)"
	if l.due {
		column, order, beyond = "due_at", "due_at, id", "(due_at, id) > (?, ?)"
	}
	parts, args := make([]string, len(l.walks)), make([]any, len(l.walks))
	for i, w := range l.walks {
		q := l.along(w).ColumnExpr(column + " AS place, id").OrderExpr(order).Limit(int64(limit))
		if after.id != "" {
			q = q.Where(beyond, after.key, after.id)
		}
		parts[i], args[i] = "SELECT place, id FROM (?) AS walk", q
	}
	together := strings.Join(parts, " UNION ALL ") + " ORDER BY " + strings.NewReplacer("created_at", "place", "due_at", "place").Replace(order) + " LIMIT ?"
	var places []int64
	var ids []string
	if err := l.store.db.read.NewRaw(together, append(args, limit)...).Scan(ctx, &places, &ids); err != nil {
		return nil, err
	}
	found := make([]cursor, len(ids))
	for i, id := range ids {
		found[i] = cursor{key: places[i], id: id}
	}
	return found, nil
}

// count counts all that match, and stops beyond ticketing.CountCap.
func (l list) count(ctx context.Context) (int, error) {
	total := 0
	for _, w := range l.walks {
		var n int
		inner := l.along(w).ColumnExpr("1").Limit(int64(ticketing.CountCap + 1 - total))
		if err := l.store.db.read.NewSelect().ColumnExpr("count(*)").TableExpr("(?) AS counted", inner).Scan(ctx, &n); err != nil {
			return 0, err
		}
		if total += n; total > ticketing.CountCap {
			break
		}
	}
	return total, nil
}
