package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/uptrace/bun"
)

// clearTable is a table whose rows may hold numbers from before there were pseudonyms.
type clearTable struct {
	name, id string
	columns  []string
}

func clearTables() []clearTable {
	return []clearTable{
		{"telephony_calls", "id", []string{"caller", "doc"}}, {"telephony_missed", "call_id", []string{"caller"}},
		{"telephony_callbacks", "id", []string{"number", "doc"}}, {"telephony_contacts", "id", []string{"number", "doc"}},
		{"telephony_blocks", "id", []string{"caller"}},
	}
}

// HideClear puts pseudonyms in the place of numbers that were written before
// there were any. It walks each table once, up to limit rows in a call, and tells
// how many rows it looked at; 0 when all were.
func (s *Store) HideClear(ctx context.Context, limit int) (int, error) {
	if s.numbers == nil {
		return 0, nil
	}
	for _, t := range clearTables() {
		var after string
		var done int64
		err := s.db.Read().NewRaw("SELECT after_id, done FROM telephony_clear WHERE name = ?", t.name).Scan(ctx, &after, &done)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return 0, err
		}
		if done != 0 {
			continue
		}
		n, err := s.hideSome(ctx, t, after, limit)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", t.name, err)
		}
		if n > 0 {
			return n, nil
		}
	}
	return 0, nil
}

// clearRow is a row with the texts of its columns.
type clearRow struct {
	id    string
	texts []string
	were  []string
}

func (r *clearRow) each() []*string {
	list := make([]*string, len(r.texts))
	for i := range r.texts {
		list[i] = &r.texts[i]
	}
	return list
}

// hideSome does the next rows of a table, and notes how far it came.
func (s *Store) hideSome(ctx context.Context, t clearTable, after string, limit int) (int, error) {
	rows, err := s.rowsAfter(ctx, t, after, limit)
	if err != nil {
		return 0, err
	}
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i], after = r.id, r.id
	}
	var events []eventRow
	if t.name == "telephony_calls" && len(ids) > 0 {
		if err := s.db.Read().NewSelect().Model(&events).Where("e.call_id IN ?", bun.Tuple(ids)).Scan(ctx); err != nil {
			return 0, err
		}
	}
	texts := textsOf(len(rows), func(i int) []*string { return rows[i].each() })
	texts = append(texts, textsOf(len(events), func(i int) []*string { return events[i].texts() })...)
	if err := s.hide(ctx, texts...); err != nil {
		return 0, err
	}
	return len(rows), s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		for _, e := range events {
			if _, err := tx.NewUpdate().TableExpr("telephony_events").Set("data = ?", e.Data).Where("id = ?", e.ID).Exec(ctx); err != nil {
				return err
			}
		}
		for _, r := range rows {
			q := tx.NewUpdate().Table(t.name).Where("? = ?", bun.Ident(t.id), r.id)
			for c, column := range t.columns {
				q.Set("? = ?", bun.Ident(column), r.texts[c]).Where("? = ?", bun.Ident(column), r.were[c]) // changed since, it is hidden
			}
			if _, err := q.Exec(ctx); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO telephony_clear (name, after_id, done) VALUES (?, ?, ?) "+
			"ON CONFLICT (name) DO UPDATE SET after_id = excluded.after_id, done = excluded.done", t.name, after, flag(len(rows) < limit))
		return err
	})
}

func (s *Store) rowsAfter(ctx context.Context, t clearTable, after string, limit int) ([]clearRow, error) {
	q := s.db.Read().NewSelect().Table(t.name).Column(t.id).Column(t.columns...).Where("? > ?", bun.Ident(t.id), after).OrderExpr("?", bun.Ident(t.id)).Limit(int64(limit))
	found, err := q.Rows(ctx)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	var rows []clearRow
	for found.Next() {
		r := clearRow{texts: make([]string, len(t.columns))}
		into := []any{&r.id}
		for i := range r.texts {
			into = append(into, &r.texts[i])
		}
		if err := found.Scan(into...); err != nil {
			return nil, err
		}
		r.were = slices.Clone(r.texts)
		rows = append(rows, r)
	}
	return rows, found.Err()
}
