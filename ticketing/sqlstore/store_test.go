package sqlstore_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"hotline/ticketing/keyring"
	"hotline/ticketing/sqlstore"
	"hotline/ticketing/storetest"
)

// engine makes the address of an empty database.
type engine struct {
	name  string
	fresh func(t testing.TB) string
}

// engines are the embedded one always and PostgreSQL when it is there; in CI it must be.
func engines(t testing.TB) []engine {
	list := []engine{{"sqlite", func(t testing.TB) string {
		return "sqlite://" + filepath.Join(t.TempDir(), "hotline.db")
	}}}
	admin := os.Getenv("HOTLINE_TEST_POSTGRES")
	if admin == "" {
		require.Empty(t, os.Getenv("CI"), "HOTLINE_TEST_POSTGRES must name a PostgreSQL to test on")
		t.Log("PostgreSQL is left out: HOTLINE_TEST_POSTGRES is not set")
		return list
	}
	return append(list, engine{"postgres", func(t testing.TB) string { return postgres(t, admin) }})
}

// postgres makes a database that goes with the test.
func postgres(t testing.TB, admin string) string {
	t.Helper()
	var b [6]byte
	_, _ = rand.Read(b[:])
	name := "ticketing_" + hex.EncodeToString(b[:])
	db, err := sql.Open("pgx", admin)
	require.NoError(t, err)
	_, err = db.Exec("CREATE DATABASE " + name)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := db.Exec("DROP DATABASE " + name + " WITH (FORCE)")
		require.NoError(t, err)
		require.NoError(t, db.Close())
	})
	u, err := url.Parse(admin)
	require.NoError(t, err)
	u.Path = "/" + name
	return u.String()
}

// keys are those of every store of the tests, as the nodes of one database share them.
var keys = must(keyring.Random())

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func open(t testing.TB, address string) *sqlstore.Store {
	t.Helper()
	opts := sqlstore.Options{Keys: keys}
	if strings.HasPrefix(address, "postgres") {
		opts.Readers, opts.Writers = 3, 3 // many tests share one server
	}
	s, err := sqlstore.Open(context.Background(), address, opts)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() }) // a test may have closed it
	return s
}

func TestStore(t *testing.T) {
	for _, e := range engines(t) {
		t.Run(e.name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) storetest.Opener {
				address := e.fresh(t)
				return func(t *testing.T) storetest.Store { return open(t, address) }
			}, fill)
		})
	}
}

// fill puts drafts in by many rows a statement.
func fill(t *testing.T, s storetest.Store, n int) {
	const many = 500
	db := s.(*sqlstore.Store).DB()
	require.NoError(t, db.Write(t.Context(), func(ctx context.Context, tx bun.Tx) error {
		for first := 0; first < n; first += many {
			var rows []string
			for i := first; i < min(first+many, n); i++ {
				rows = append(rows, fmt.Sprintf("('fill-%06d', 1, 'draft', 'api', 'normal', 0, '', '', '', '', '', '', '', '', '', '', '', '', '', 0, 0, 1, 1, 0, 0, 0, '{}')", i))
			}
			_, err := tx.ExecContext(ctx, "INSERT INTO tickets (id, version, state, channel, urgency, confidential, line, digit, type, title, description, category, "+
				"district, address, name, phone, department, operator, answer, reopened, at_desk, created_at, updated_at, accepted_at, resolved_at, closed_at, doc) VALUES "+
				strings.Join(rows, ", "))
			if err != nil {
				return err
			}
		}
		return nil
	}))
}
