package sqlstore

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"hotline/search"
)

type savedRow struct {
	bun.BaseModel `bun:"table:search_saved,alias:v"`

	ID        string `bun:"id,pk"`
	Owner     string `bun:"owner"`
	Name      string `bun:"name"`
	Query     string `bun:"query"`
	UpdatedAt int64  `bun:"updated_at"`
}

// Searches lists a person's, by name.
func (s *Store) Searches(ctx context.Context, owner string) ([]search.Saved, error) {
	var rows []savedRow
	if err := s.db.Read().NewSelect().Model(&rows).Where("v.owner = ?", owner).OrderExpr("v.name, v.id").Scan(ctx); err != nil {
		return nil, fmt.Errorf("saved searches: %w", err)
	}
	out := make([]search.Saved, len(rows))
	for i, r := range rows {
		out[i] = search.Saved{ID: r.ID, Owner: r.Owner, Name: r.Name, Query: r.Query, UpdatedAt: time.UnixMilli(r.UpdatedAt).UTC()}
	}
	return out, nil
}

// SaveSearch keeps one, in place of one of the same name.
func (s *Store) SaveSearch(ctx context.Context, v search.Saved) error {
	row := &savedRow{ID: v.ID, Owner: v.Owner, Name: v.Name, Query: v.Query, UpdatedAt: v.UpdatedAt.UnixMilli()}
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		others, err := tx.NewSelect().Model((*savedRow)(nil)).Where("v.owner = ? AND v.name <> ?", v.Owner, v.Name).Count(ctx)
		if err == nil && others >= search.MaxSaved {
			err = search.ErrManySaved
		}
		if err == nil {
			_, err = tx.NewInsert().Model(row).On("CONFLICT (owner, name) DO UPDATE").Set("query = EXCLUDED.query").Set("updated_at = EXCLUDED.updated_at").Exec(ctx)
		}
		if err != nil {
			return fmt.Errorf("save search: %w", err)
		}
		return nil
	})
}

// DropSearch forgets one of a person's.
func (s *Store) DropSearch(ctx context.Context, owner, id string) (dropped bool, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		res, err := tx.NewDelete().Model((*savedRow)(nil)).Where("owner = ? AND id = ?", owner, id).Exec(ctx)
		if err != nil {
			return fmt.Errorf("drop search: %w", err)
		}
		n, err := res.RowsAffected()
		dropped = n > 0
		return err
	})
	return dropped, err
}
