package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/uptrace/bun"

	"hotline/search/warning"
)

type alertRow struct {
	bun.BaseModel `bun:"table:search_alerts,alias:a"`

	ID        string `bun:"id,pk"`
	Version   int64  `bun:"version"`
	State     string `bun:"state"`
	District  string `bun:"district"`
	Category  string `bun:"category"`
	UpdatedAt int64  `bun:"updated_at"`
	Topic     string `bun:"topic"`
	Below     string `bun:"below"`
	Doc       string `bun:"doc"`
}

func (r *alertRow) alert() (a warning.Alert, err error) {
	if err = json.Unmarshal([]byte(r.Doc), &a); err != nil {
		err = fmt.Errorf("alert %s: %w", r.ID, err)
	}
	return a, err
}

// SaveAlert writes an alert over its version before.
func (s *Store) SaveAlert(ctx context.Context, a warning.Alert) error {
	doc, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("alert %s: %w", a.ID, err)
	}
	row := &alertRow{
		ID: a.ID, Version: a.Version, State: string(a.State), District: a.Series.District, Category: a.Series.Category,
		UpdatedAt: a.UpdatedAt.UnixMilli(), Topic: a.Topic, Below: a.Below, Doc: string(doc),
	}
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		won, err := replace(ctx, tx, row, a.Version)
		if err == nil && !won {
			err = warning.ErrConflict
		}
		if err != nil {
			return fmt.Errorf("save alert %s: %w", a.ID, err)
		}
		return nil
	})
}

// Alert reads one.
func (s *Store) Alert(ctx context.Context, id string) (warning.Alert, error) {
	row := alertRow{}
	err := s.db.Read().NewSelect().Model(&row).Where("a.id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		err = warning.ErrNotFound
	}
	if err != nil {
		return warning.Alert{}, fmt.Errorf("alert %s: %w", id, err)
	}
	return row.alert()
}

// Bounds of a list.
const (
	usualAlerts = 50
	mostAlerts  = 200
)

// Alerts lists alerts, the last updated first.
func (s *Store) Alerts(ctx context.Context, f warning.Filter) (warning.Page, error) {
	limit := f.Limit
	if limit <= 0 {
		limit = usualAlerts
	}
	limit = min(limit, mostAlerts)
	var page warning.Page
	total, err := narrowed(s.db.Read().NewSelect().Model((*alertRow)(nil)), f).Count(ctx)
	if err != nil {
		return page, fmt.Errorf("count alerts: %w", err)
	}
	page.Total = int(total)
	var rows []alertRow
	q := narrowed(s.db.Read().NewSelect().Model(&rows), f).OrderExpr("a.updated_at DESC, a.id DESC").Limit(int64(limit) + 1)
	if f.Cursor != "" {
		at, id, ok := strings.Cut(f.Cursor, "~")
		ms, err := strconv.ParseInt(at, 10, 64)
		if !ok || err != nil {
			return page, &warning.RefusedError{Reason: "the cursor is not one of this list"}
		}
		q.Where("(a.updated_at < ? OR a.updated_at = ? AND a.id < ?)", ms, ms, id)
	}
	if err := q.Scan(ctx); err != nil {
		return page, fmt.Errorf("list alerts: %w", err)
	}
	if len(rows) > limit {
		rows = rows[:limit]
		last := rows[limit-1]
		page.Next = strconv.FormatInt(last.UpdatedAt, 10) + "~" + last.ID
	}
	page.Items = make([]warning.Alert, len(rows))
	for i := range rows {
		if page.Items[i], err = rows[i].alert(); err != nil {
			return page, err
		}
	}
	return page, nil
}

// among narrows to some values of a column: nil is all, an empty list none.
func among(q *bun.SelectQuery, column string, values []string) *bun.SelectQuery {
	switch {
	case values == nil:
		return q
	case len(values) == 0:
		return q.Where("1 = 0")
	}
	return q.Where("? IN (?)", bun.Ident(column), bun.List(values))
}

func narrowed(q *bun.SelectQuery, f warning.Filter) *bun.SelectQuery {
	if len(f.States) > 0 {
		q = q.Where("a.state IN (?)", bun.List(f.States))
	}
	q = among(q, "a.district", f.Districts)
	if f.Series != nil {
		q = q.Where("a.category = ? AND a.district = ? AND a.topic = ''", f.Series.Category, f.Series.District)
	}
	if f.Topic != "" {
		q = q.Where("a.topic = ?", f.Topic)
	}
	if f.Below != "" {
		q = q.Where("a.below = ?", f.Below)
	}
	if f.Top {
		q = q.Where("a.below = ''")
	}
	if !f.Since.IsZero() {
		q = q.Where("a.updated_at >= ?", f.Since.UnixMilli())
	}
	return q
}
