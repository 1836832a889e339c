package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"hotline/search"
)

type listRow struct {
	bun.BaseModel `bun:"table:search_lists,alias:l"`

	Name      string `bun:"name,pk"`
	Version   int64  `bun:"version"`
	Body      string `bun:"body"`
	UpdatedAt int64  `bun:"updated_at"`
}

// List reads one.
func (s *Store) List(ctx context.Context, name string) (search.List, error) {
	row := listRow{}
	err := s.db.Read().NewSelect().Model(&row).Where("l.name = ?", name).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return search.List{}, fmt.Errorf("list %s: %w", name, search.ErrNoList)
	}
	if err != nil {
		return search.List{}, fmt.Errorf("list %s: %w", name, err)
	}
	return search.List{Name: row.Name, Version: row.Version, Body: row.Body, UpdatedAt: time.UnixMilli(row.UpdatedAt).UTC()}, nil
}

// ListVersion is 0 where there is none.
func (s *Store) ListVersion(ctx context.Context, name string) (int64, error) {
	var version int64
	err := s.db.Read().NewSelect().Model((*listRow)(nil)).Column("version").Where("l.name = ?", name).Scan(ctx, &version)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("list %s: %w", name, err)
	}
	return version, nil
}

// SaveList writes a list over its version before.
func (s *Store) SaveList(ctx context.Context, l search.List) error {
	row := &listRow{Name: l.Name, Version: l.Version, Body: l.Body, UpdatedAt: l.UpdatedAt.UnixMilli()}
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		won, err := replace(ctx, tx, row, l.Version)
		if err == nil && !won {
			err = search.ErrListChanged
		}
		if err != nil {
			return fmt.Errorf("save list %s: %w", l.Name, err)
		}
		return nil
	})
}

// replace writes a row of a version over the one before; won is false when that is not what is kept.
func replace(ctx context.Context, tx bun.Tx, row any, version int64) (won bool, err error) {
	var res sql.Result
	if version == 1 {
		res, err = tx.NewInsert().Model(row).On("CONFLICT DO NOTHING").Exec(ctx)
	} else {
		res, err = tx.NewUpdate().Model(row).WherePK().Where("version = ?", version-1).Exec(ctx)
	}
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}
