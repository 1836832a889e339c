package sqlstore_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"hotline/ticketing/sqlstore"
)

func TestStartUpErrorsSayWhatToDo(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, []byte("not a database, but some text that is long enough to be looked at"), 0o600))
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	free := nobody.Addr().String()
	require.NoError(t, nobody.Close())
	for name, test := range map[string]struct{ address, says string }{
		"an unknown scheme":          {"mysql://localhost/hotline", "sqlite:///"},
		"no scheme":                  {"hotline.db", "sqlite:///"},
		"nonsense":                   {"postgres://user:secret@host:port:port/x", "postgres://"},
		"no file":                    {"sqlite:///", "names no file"},
		"no database":                {"postgres://user:secret@localhost", "names no database"},
		"a folder that is a file":    {"sqlite://" + file + "/sub/hotline.db", "--data"},
		"a folder nobody can write":  {"sqlite:///proc/hotline.db", "not writable"},
		"a folder":                   {"sqlite://" + dir, "is a folder"},
		"a file that is no database": {"sqlite://" + file, "SQLite file"},
		"a refused connection":       {"postgres://user:secret@" + free + "/hotline", "refuses the connection"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := sqlstore.Open(context.Background(), test.address, sqlstore.Options{})
			require.ErrorContains(t, err, test.says)
			require.NotContains(t, err.Error(), "secret")
		})
	}
}

func TestADatabaseOfANewerVersionIsLeftAlone(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		address := e.fresh(t)
		s := open(t, address)
		require.NoError(t, s.DB().Write(context.Background(), func(ctx context.Context, tx bun.Tx) error {
			_, err := tx.NewRaw("INSERT INTO ticketing_migrations (version_id, is_applied) VALUES (9000, ?)", true).Exec(ctx)
			return err
		}))
		require.NoError(t, s.Close())
		_, err := sqlstore.Open(context.Background(), address, sqlstore.Options{})
		require.ErrorContains(t, err, "newer hotline")
	})
}

// TestBothDialectsHaveTheSameTables compares tables, columns and what may be NULL.
func TestBothDialectsHaveTheSameTables(t *testing.T) {
	list := engines(t)
	if len(list) < 2 {
		return // said by engines
	}
	queries := map[string]string{
		"sqlite": "SELECT m.name || '.' || p.name || CASE WHEN p.\"notnull\" = 1 OR p.pk > 0 THEN ' not null' ELSE '' END FROM sqlite_master m, pragma_table_info(m.name) p " +
			"WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name <> 'ticketing_migrations'",
		"postgres": "SELECT table_name || '.' || column_name || CASE WHEN is_nullable = 'NO' THEN ' not null' ELSE '' END FROM information_schema.columns " +
			"WHERE table_schema = 'public' AND table_name <> 'ticketing_migrations'",
	}
	indexes := map[string]string{
		"sqlite":   "SELECT name FROM sqlite_master WHERE type = 'index' AND name NOT LIKE 'sqlite_%'",
		"postgres": "SELECT indexname FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT LIKE '%_pkey' AND indexname NOT LIKE '%_key' AND indexname NOT LIKE 'live_events_%'",
	}
	got := map[string][]string{}
	for _, e := range list {
		s := open(t, e.fresh(t))
		for _, q := range []string{queries[e.name], indexes[e.name]} {
			var names []string
			require.NoError(t, s.DB().Read().NewRaw(q).Scan(context.Background(), &names))
			got[e.name] = append(got[e.name], names...)
		}
		sort.Strings(got[e.name])
		require.NotEmpty(t, got[e.name])
	}
	require.Equal(t, strings.Join(got["sqlite"], "\n"), strings.Join(got["postgres"], "\n"))
}
