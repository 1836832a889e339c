package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/uptrace/bun"

	"hotline/telephony"
)

type callbackRow struct {
	bun.BaseModel `bun:"table:telephony_callbacks,alias:b"`

	ID        string `bun:"id,pk"`
	Line      string `bun:"line"`
	CreatedAt int64  `bun:"created_at"`
	EndedAt   int64  `bun:"ended_at"` // 0: it waits
	Doc       string `bun:"doc"`
}

func (r *callbackRow) callback() (cb telephony.Callback, err error) {
	if err = json.Unmarshal([]byte(r.Doc), &cb); err != nil {
		err = fmt.Errorf("callback %s: %w", r.ID, err)
	}
	return cb, err
}

// SaveCallback makes or changes a callback.
func (s *Store) SaveCallback(ctx context.Context, c telephony.Callback) error {
	doc, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("callback %s: %w", c.ID, err)
	}
	row := &callbackRow{ID: c.ID, Line: c.Line, CreatedAt: millis(c.CreatedAt), EndedAt: millis(c.EndedAt), Doc: string(doc)}
	err = s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewInsert().Model(row).On("CONFLICT (id) DO UPDATE").Set("ended_at = EXCLUDED.ended_at").Set("doc = EXCLUDED.doc").Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("save callback %s: %w", c.ID, err)
	}
	return nil
}

// Callback reads one callback.
func (s *Store) Callback(ctx context.Context, id string) (telephony.Callback, error) {
	row := callbackRow{}
	if err := s.db.Read().NewSelect().Model(&row).Where("b.id = ?", id).Scan(ctx); err != nil {
		return telephony.Callback{}, notFound(err, "callback %s", id)
	}
	return row.callback()
}

// Callbacks lists callbacks, newest first.
func (s *Store) Callbacks(ctx context.Context, f telephony.CallbackFilter) (telephony.CallbackPage, error) {
	page := telephony.CallbackPage{Items: []telephony.Callback{}}
	filter := func(q *bun.SelectQuery) *bun.SelectQuery {
		without(q, "b.line", f.NotLines)
		if f.Open {
			q.Where("b.ended_at = 0")
		}
		return q
	}
	var err error
	if page.Total, page.TotalCapped, err = total(ctx, s.db.Read(), filter(s.db.Read().NewSelect().TableExpr("telephony_callbacks AS b"))); err != nil {
		return page, fmt.Errorf("count callbacks: %w", err)
	}
	limit := pageLimit(f.Limit, 50, 200)
	var rows []callbackRow
	q := filter(s.db.Read().NewSelect().Model(&rows)).OrderExpr("b.created_at DESC, b.id DESC").Limit(int64(limit) + 1)
	if err := after(q, "b.created_at", "b.id", f.Cursor); err != nil {
		return page, err
	}
	if err := q.Scan(ctx); err != nil {
		return page, fmt.Errorf("list callbacks: %w", err)
	}
	if len(rows) > limit {
		rows = rows[:limit]
		page.NextCursor = cursor(rows[limit-1].CreatedAt, rows[limit-1].ID)
	}
	for i := range rows {
		cb, err := rows[i].callback()
		if err != nil {
			return page, err
		}
		page.Items = append(page.Items, cb)
	}
	return page, nil
}
