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
	Number    string `bun:"number"`
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
	row := &callbackRow{ID: c.ID, Line: c.Line, CreatedAt: millis(c.CreatedAt), EndedAt: millis(c.EndedAt), Number: c.Number, Doc: string(doc)}
	if err := s.hide(ctx, row.texts()...); err != nil {
		return err
	}
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
	if err := s.show(ctx, row.texts()...); err != nil {
		return telephony.Callback{}, err
	}
	return row.callback()
}

// Callbacks lists callbacks, newest first.
func (s *Store) Callbacks(ctx context.Context, f telephony.CallbackFilter) (telephony.CallbackPage, error) {
	numbers, err := s.kept(ctx, f.Number)
	if err != nil {
		return telephony.CallbackPage{}, err
	}
	filter := func(q *bun.SelectQuery) *bun.SelectQuery {
		without(q, "b.line", f.NotLines)
		if f.Open {
			q.Where("b.ended_at = 0")
		}
		if f.Number != "" {
			q.Where("b.number IN ?", bun.Tuple(numbers))
		}
		return q
	}
	p, err := callbacks.page(ctx, s.db.Read(), filter, f.Limit, f.Cursor)
	page := telephony.CallbackPage{Items: []telephony.Callback{}, NextCursor: p.next, Total: p.total, TotalCapped: p.capped}
	if err != nil {
		return page, err
	}
	if err := s.show(ctx, textsOf(len(p.rows), func(i int) []*string { return p.rows[i].texts() })...); err != nil {
		return page, err
	}
	for i := range p.rows {
		cb, err := p.rows[i].callback()
		if err != nil {
			return page, err
		}
		page.Items = append(page.Items, cb)
	}
	return page, nil
}

var callbacks = list[callbackRow]{"callbacks", "telephony_callbacks AS b", "b.created_at", "b.id", func(r *callbackRow) (int64, string) { return r.CreatedAt, r.ID }}
