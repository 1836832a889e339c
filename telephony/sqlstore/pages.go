package sqlstore

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
)

// list is what is listed page by page, newest first.
type list[R any] struct {
	what, table string // the table with the alias that the columns have
	at, id      string // columns of its order
	key         func(*R) (at int64, id string)
}

// paged is one page of a list.
type paged[R any] struct {
	rows   []R
	next   string // cursor of the page after
	total  int
	capped bool
}

// page reads the rows that a filter lets through, from a cursor on.
func (l list[R]) page(ctx context.Context, db *bun.DB, filter func(*bun.SelectQuery) *bun.SelectQuery, limit int, from string) (p paged[R], err error) {
	if p.total, p.capped, err = total(ctx, db, filter(db.NewSelect().TableExpr(l.table))); err != nil {
		return p, fmt.Errorf("count %s: %w", l.what, err)
	}
	limit = pageLimit(limit, 50, 200)
	q := filter(db.NewSelect().Model(&p.rows)).OrderExpr("? DESC, ? DESC", bun.Safe(l.at), bun.Safe(l.id)).Limit(int64(limit) + 1)
	if err := after(q, l.at, l.id, from); err != nil {
		return p, err
	}
	if err := q.Scan(ctx); err != nil {
		return p, fmt.Errorf("list %s: %w", l.what, err)
	}
	if len(p.rows) > limit {
		p.rows = p.rows[:limit]
		p.next = cursor(l.key(&p.rows[limit-1]))
	}
	return p, nil
}
