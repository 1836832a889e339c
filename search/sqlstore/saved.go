package sqlstore

import (
	"context"
	"encoding/json"
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
	ToldAt    int64  `bun:"told_at"`
	Seen      string `bun:"seen"`
}

func (r *savedRow) saved() (search.Saved, error) {
	v := search.Saved{ID: r.ID, Owner: r.Owner, Name: r.Name, Query: r.Query, UpdatedAt: time.UnixMilli(r.UpdatedAt).UTC()}
	if r.ToldAt != 0 {
		v.ToldAt = time.UnixMilli(r.ToldAt).UTC()
	}
	if err := json.Unmarshal([]byte(r.Seen), &v.Seen); err != nil {
		return v, fmt.Errorf("saved search %s: %w", r.ID, err)
	}
	if len(v.Seen) == 0 {
		v.Seen = nil
	}
	return v, nil
}

func savedOf(rows []savedRow) ([]search.Saved, error) {
	out := make([]search.Saved, len(rows))
	for i := range rows {
		var err error
		if out[i], err = rows[i].saved(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Searches lists a person's, by name.
func (s *Store) Searches(ctx context.Context, owner string) ([]search.Saved, error) {
	var rows []savedRow
	if err := s.db.Read().NewSelect().Model(&rows).Where("v.owner = ?", owner).OrderExpr("v.name, v.id").Scan(ctx); err != nil {
		return nil, fmt.Errorf("saved searches: %w", err)
	}
	return savedOf(rows)
}

// Subscribe has a person's search tell of new tickets, or no more.
func (s *Store) Subscribe(ctx context.Context, owner, id string, at time.Time) (found bool, err error) {
	told := int64(0)
	if !at.IsZero() {
		told = at.UnixMilli()
	}
	return s.change(ctx, func(tx bun.Tx) *bun.UpdateQuery {
		return tx.NewUpdate().Model((*savedRow)(nil)).Set("told_at = ?", told).Set("seen = '[]'").Where("owner = ? AND id = ?", owner, id)
	})
}

// Subscribed lists searches that tell, those looked at the longest ago first.
func (s *Store) Subscribed(ctx context.Context, before time.Time, limit int) ([]search.Saved, error) {
	var rows []savedRow
	err := s.db.Read().NewSelect().Model(&rows).Where("v.told_at <> 0 AND v.told_at < ?", before.UnixMilli()).OrderExpr("v.told_at, v.id").Limit(int64(limit)).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("subscribed searches: %w", err)
	}
	return savedOf(rows)
}

// Told notes that a search was looked at.
func (s *Store) Told(ctx context.Context, v search.Saved, at time.Time, seen []string) (won bool, err error) {
	ids, err := json.Marshal(append([]string{}, seen...))
	if err != nil {
		return false, fmt.Errorf("saved search %s: %w", v.ID, err)
	}
	return s.change(ctx, func(tx bun.Tx) *bun.UpdateQuery {
		return tx.NewUpdate().Model((*savedRow)(nil)).Set("told_at = ?", at.UnixMilli()).Set("seen = ?", string(ids)).Where("id = ? AND told_at = ?", v.ID, v.ToldAt.UnixMilli())
	})
}

// change updates a saved search and tells whether there was one.
func (s *Store) change(ctx context.Context, update func(tx bun.Tx) *bun.UpdateQuery) (changed bool, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		res, err := update(tx).Exec(ctx)
		if err != nil {
			return fmt.Errorf("change a saved search: %w", err)
		}
		n, err := res.RowsAffected()
		changed = n > 0
		return err
	})
	return changed, err
}

// SaveSearch keeps one, in place of one of the same name.
func (s *Store) SaveSearch(ctx context.Context, v search.Saved) error {
	row := &savedRow{ID: v.ID, Owner: v.Owner, Name: v.Name, Query: v.Query, UpdatedAt: v.UpdatedAt.UnixMilli(), Seen: "[]"}
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
