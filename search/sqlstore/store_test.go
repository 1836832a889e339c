package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite"

	"hotline/search"
	"hotline/search/gather"
	"hotline/search/sqlstore"
	"hotline/search/storetest"
	"hotline/search/warning"
)

// handle is the least that a shared database handle has to be.
type handle struct {
	db      *bun.DB
	dialect string
	mu      sync.Mutex
}

func (h *handle) Write(ctx context.Context, fn func(ctx context.Context, tx bun.Tx) error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.db.RunInTx(ctx, nil, fn)
}
func (h *handle) Read() *bun.DB   { return h.db }
func (h *handle) SQL() *sql.DB    { return h.db.DB }
func (h *handle) Dialect() string { return h.dialect }

func openSQLite(t *testing.T) *handle {
	dsn := "file:" + filepath.Join(t.TempDir(), "t.db") + "?_pragma=journal_mode(wal)&_pragma=busy_timeout(5000)&_txlock=immediate"
	db, err := sql.Open("sqlite", dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return &handle{db: bun.NewDB(db, sqlitedialect.New()), dialect: "sqlite"}
}

// openPostgres makes a database of its own and drops it afterwards.
func openPostgres(t *testing.T, admin string) *handle {
	root, err := sql.Open("pgx", admin)
	require.NoError(t, err)
	name := fmt.Sprintf("search_%d_%d", os.Getpid(), nextDB())
	_, err = root.ExecContext(t.Context(), "CREATE DATABASE "+name)
	require.NoError(t, err)
	u, err := url.Parse(admin)
	require.NoError(t, err)
	u.Path = "/" + name
	db, err := sql.Open("pgx", u.String())
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, db.Close())
		_, err := root.ExecContext(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)")
		require.NoError(t, err)
		require.NoError(t, root.Close())
	})
	return &handle{db: bun.NewDB(db, pgdialect.New()), dialect: "postgres"}
}

var (
	dbMu    sync.Mutex
	dbCount int
)

func nextDB() int {
	dbMu.Lock()
	defer dbMu.Unlock()
	dbCount++
	return dbCount
}

// engines lists the handles to test; PostgreSQL when there is one.
func engines(t *testing.T) map[string]func(*testing.T) *handle {
	all := map[string]func(*testing.T) *handle{"sqlite": openSQLite}
	admin := os.Getenv("HOTLINE_TEST_POSTGRES")
	switch {
	case admin != "":
		all["postgres"] = func(t *testing.T) *handle { return openPostgres(t, admin) }
	case os.Getenv("CI") == "true":
		t.Fatal("HOTLINE_TEST_POSTGRES must name a PostgreSQL server when CI=true")
	default:
		t.Log("PostgreSQL is left out: HOTLINE_TEST_POSTGRES is not set")
	}
	return all
}

func TestStore(t *testing.T) {
	for name, open := range engines(t) {
		t.Run(name, func(t *testing.T) {
			store := func(t *testing.T) *sqlstore.Store {
				h := open(t)
				_, err := sqlstore.New(t.Context(), h)
				require.NoError(t, err)
				s, err := sqlstore.New(t.Context(), h) // twice: nothing is left to migrate
				require.NoError(t, err)
				return s
			}
			storetest.Run(t, func(t *testing.T) warning.Store { return store(t) })
			storetest.RunSaved(t, func(t *testing.T) search.SavedSearches { return store(t) })
			storetest.RunTopics(t, func(t *testing.T) gather.Store { return store(t) })
			storetest.RunLists(t, func(t *testing.T) search.Lists { return store(t) })
		})
	}
}

func TestUnknownDialect(t *testing.T) {
	_, err := sqlstore.New(t.Context(), &handle{dialect: "oracle"})
	require.ErrorContains(t, err, "want sqlite or postgres")
}
