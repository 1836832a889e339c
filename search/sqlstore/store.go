package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/uptrace/bun"

	"hotline/search"
	"hotline/search/gather"
	"hotline/search/warning"
)

//go:embed migrations
var migrations embed.FS

// DB is the shared database handle. Write runs fn in a transaction (on SQLite
// a savepoint of the one group-committing writer).
type DB interface {
	Write(ctx context.Context, fn func(ctx context.Context, tx bun.Tx) error) error
	Read() *bun.DB
	SQL() *sql.DB // that may write: migrations run on it
	Dialect() string
}

// Store is a [warning.Store] and a [gather.Store], and keeps the city's lists and people's saved searches.
type Store struct{ db DB }

var (
	_ warning.Store = (*Store)(nil)
	_ gather.Store  = (*Store)(nil)
	_ search.Lists  = (*Store)(nil)

	_ search.SavedSearches = (*Store)(nil)
)

// New brings the tables up to date and returns the store.
func New(ctx context.Context, db DB) (*Store, error) {
	dialects := map[string]goose.Dialect{"sqlite": goose.DialectSQLite3, "postgres": goose.DialectPostgres}
	dialect, known := dialects[db.Dialect()]
	if !known {
		return nil, fmt.Errorf("search/sqlstore: dialect %q: want sqlite or postgres", db.Dialect())
	}
	dir, err := fs.Sub(migrations, "migrations/"+db.Dialect())
	if err != nil {
		return nil, fmt.Errorf("search/sqlstore: migrations: %w", err)
	}
	p, err := goose.NewProvider(dialect, db.SQL(), dir, goose.WithTableName("search_migrations"), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, fmt.Errorf("search/sqlstore: migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return nil, fmt.Errorf("search/sqlstore: migrations: %w", err)
	}
	return &Store{db: db}, nil
}
