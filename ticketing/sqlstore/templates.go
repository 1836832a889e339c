package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/uptrace/bun"

	"hotline/ticketing"
)

const templateColumns = "id, action, name, body, category, department, version, by_user, at"

func scanTemplate(row scanner) (ticketing.Template, error) {
	var t ticketing.Template
	var when int64
	err := row.Scan(&t.ID, &t.Action, &t.Name, &t.Body, &t.Category, &t.Department, &t.Version, &t.By, &when)
	t.At = at(when)
	return t, err
}

// Templates lists the centre's templates and those of a department, by name.
func (s *Store) Templates(ctx context.Context, department string) ([]ticketing.Template, error) {
	rows, err := s.db.read.QueryContext(ctx, "SELECT "+templateColumns+" FROM templates WHERE department = '' OR department = ? ORDER BY action, name, id", department)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []ticketing.Template
	for rows.Next() {
		t, err := scanTemplate(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return list, rows.Err()
}

// Template reads one; ErrAbsent when there is none.
func (s *Store) Template(ctx context.Context, id string) (ticketing.Template, error) {
	t, err := scanTemplate(s.db.read.QueryRowContext(ctx, "SELECT "+templateColumns+" FROM templates WHERE id = ?", id))
	if errors.Is(err, sql.ErrNoRows) {
		return t, ticketing.ErrAbsent
	}
	return t, err
}

// SaveTemplate adds a template or replaces the version before; see ticketing.Store.
func (s *Store) SaveTemplate(ctx context.Context, t ticketing.Template) error {
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		if t.Version == 1 {
			_, err := tx.NewRaw("INSERT INTO templates ("+templateColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
				t.ID, string(t.Action), t.Name, t.Body, t.Category, t.Department, t.Version, t.By, ms(t.At)).Exec(ctx)
			return err
		}
		r, err := tx.NewRaw("UPDATE templates SET action = ?, name = ?, body = ?, category = ?, department = ?, version = ?, by_user = ?, at = ? "+
			"WHERE id = ? AND version = ?",
			string(t.Action), t.Name, t.Body, t.Category, t.Department, t.Version, t.By, ms(t.At), t.ID, t.Version-1).Exec(ctx)
		if err != nil {
			return err
		}
		n, err := r.RowsAffected()
		if err != nil {
			return fmt.Errorf("templates: %w", err)
		}
		if n == 0 {
			return ticketing.ErrStale
		}
		return nil
	})
}

// DropTemplate deletes a template.
func (s *Store) DropTemplate(ctx context.Context, id string) error {
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewRaw("DELETE FROM templates WHERE id = ?", id).Exec(ctx)
		return err
	})
}
