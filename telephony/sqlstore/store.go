package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/uptrace/bun"

	"hotline/telephony"
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

// Options tune a Store; the zero Options works.
type Options struct {
	Numbers Numbers // keeps citizens' numbers; nil: they are kept here as they are
}

// Store keeps calls, events, missed calls and seats. It is a
// [telephony.Store].
type Store struct {
	db      DB
	numbers Numbers
}

var _ telephony.Store = (*Store)(nil)

// New brings the tables up to date and returns the store.
func New(ctx context.Context, db DB, opts Options) (*Store, error) {
	var dialect goose.Dialect
	switch db.Dialect() {
	case "sqlite":
		dialect = goose.DialectSQLite3
	case "postgres":
		dialect = goose.DialectPostgres
	default:
		return nil, fmt.Errorf("telephony/sqlstore: dialect %q: want sqlite or postgres", db.Dialect())
	}
	dir, err := fs.Sub(migrations, "migrations/"+db.Dialect())
	if err != nil {
		return nil, fmt.Errorf("telephony/sqlstore: migrations: %w", err)
	}
	p, err := goose.NewProvider(dialect, db.SQL(), dir,
		goose.WithTableName("telephony_migrations"), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, fmt.Errorf("telephony/sqlstore: migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return nil, fmt.Errorf("telephony/sqlstore: migrations: %w", err)
	}
	return &Store{db: db, numbers: opts.Numbers}, nil
}

// pageLimit bounds what one list may return.
func pageLimit(n, standard, most int) int {
	if n <= 0 {
		return standard
	}
	return min(n, most)
}

// countCap is where counting of totals stops.
const countCap = 10000

// total counts the rows of q up to countCap.
func total(ctx context.Context, db *bun.DB, q *bun.SelectQuery) (int, bool, error) {
	n := 0
	err := db.NewSelect().ColumnExpr("count(*)").
		TableExpr("(?) AS counted", q.ColumnExpr("1").Limit(countCap+1)).Scan(ctx, &n)
	if err != nil {
		return 0, false, err
	}
	return min(n, countCap), n > countCap, nil
}

func notFound(err error, format string, args ...any) error {
	what := fmt.Sprintf(format, args...)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%s: %w", what, telephony.ErrNotFound)
	}
	return fmt.Errorf("%s: %w", what, err)
}
