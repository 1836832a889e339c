package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/uptrace/bun"

	"hotline/ticketing"
)

// City reads the newest version of the reference data; ErrAbsent before the first.
func (s *Store) City(ctx context.Context) (ticketing.CityVersion, error) {
	return s.cityBy(ctx, "ORDER BY version DESC LIMIT 1")
}

// CityAt reads one version; ErrAbsent when there is none.
func (s *Store) CityAt(ctx context.Context, version int64) (ticketing.CityVersion, error) {
	return s.cityBy(ctx, "WHERE version = ?", version)
}

func (s *Store) cityBy(ctx context.Context, which string, args ...any) (ticketing.CityVersion, error) {
	var v ticketing.CityVersion
	var doc string
	var when int64
	err := s.db.read.QueryRowContext(ctx, "SELECT version, doc, hash, at, by_user FROM cities "+which, args...).
		Scan(&v.Version, &doc, &v.Hash, &when, &v.By)
	if errors.Is(err, sql.ErrNoRows) {
		return v, ticketing.ErrAbsent
	}
	if err != nil {
		return v, err
	}
	v.At = at(when)
	if err := json.Unmarshal([]byte(doc), &v.City); err != nil {
		return v, fmt.Errorf("city version %d: %w", v.Version, err)
	}
	return v, nil
}

// CityVersions lists the versions without their data, the newest first.
func (s *Store) CityVersions(ctx context.Context, limit int) ([]ticketing.CityVersion, error) {
	rows, err := s.db.read.QueryContext(ctx, "SELECT version, hash, at, by_user FROM cities ORDER BY version DESC LIMIT ?", limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []ticketing.CityVersion
	for rows.Next() {
		var v ticketing.CityVersion
		var when int64
		if err := rows.Scan(&v.Version, &v.Hash, &when, &v.By); err != nil {
			return nil, err
		}
		v.At = at(when)
		list = append(list, v)
	}
	return list, rows.Err()
}

// CityVersion is the newest version; 0 before the first.
func (s *Store) CityVersion(ctx context.Context) (int64, error) {
	var version sql.NullInt64
	err := s.db.read.QueryRowContext(ctx, "SELECT max(version) FROM cities").Scan(&version)
	return version.Int64, err
}

// SaveCity adds the next version; ErrStale when prev is not the newest any more.
func (s *Store) SaveCity(ctx context.Context, v ticketing.CityVersion, prev int64, beside ticketing.Change) error {
	if v.Version != prev+1 {
		return ticketing.ErrStale
	}
	doc, err := json.Marshal(v.City)
	if err != nil {
		return fmt.Errorf("city: %w", err)
	}
	p, err := s.plan(ctx, beside, fresh{})
	if err != nil {
		return err
	}
	err = s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewRaw("INSERT INTO cities (version, doc, hash, at, by_user) VALUES (?, ?, ?, ?, ?)", v.Version, string(doc), v.Hash, ms(v.At), v.By).Exec(ctx)
		if _, taken := unique(err); taken {
			return ticketing.ErrStale
		}
		if err != nil {
			return err
		}
		return p.write(ctx, tx)
	})
	if err == nil {
		s.hub.wake(topicsOf(beside)...)
	}
	return err
}
