package sqlstore_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"hotline/ticketing"
	"hotline/ticketing/sqlstore"
)

// full makes the database refuse writes for want of room, until it is undone.
func full(t *testing.T, db *sqlstore.DB) (undo func()) {
	t.Helper()
	ctx := t.Context()
	var pages, limit int
	require.NoError(t, db.SQL().QueryRowContext(ctx, "PRAGMA page_count").Scan(&pages))
	require.NoError(t, db.SQL().QueryRowContext(ctx, "PRAGMA max_page_count").Scan(&limit))
	set := func(n int) {
		_, err := db.SQL().ExecContext(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", n))
		require.NoError(t, err)
	}
	set(pages)
	return func() { set(limit) }
}

// A full disk is told as what it is, with nothing written, and ends when there
// is room again, also when nobody but Ready asks.
func TestAFullDatabaseIsUnavailable(t *testing.T) {
	db, _ := jottings(t, engines(t)[0])
	ctx := t.Context()
	undo := full(t, db)
	grow := func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.ExecContext(ctx, "CREATE TABLE growth AS SELECT zeroblob(100000) AS b")
		return err
	}
	err := db.Write(ctx, grow)
	require.ErrorIs(t, err, ticketing.ErrUnavailable)
	require.Equal(t, ticketing.CodeUnavailable, ticketing.CodeOf(err))
	require.Error(t, db.Writable(ctx))
	undo()
	require.NoError(t, db.Writable(ctx))
	require.NoError(t, db.Write(ctx, grow))
}

// What PostgreSQL says of a full disk, a stopping server and a standby is told
// apart from a statement's own fault.
func TestUnavailablePostgres(t *testing.T) {
	for _, e := range engines(t) {
		if e.name == sqlstore.SQLite {
			continue
		}
		db, _ := jottings(t, e)
		raise := func(code string) error {
			return db.Write(t.Context(), func(ctx context.Context, tx bun.Tx) error {
				_, err := tx.ExecContext(ctx, fmt.Sprintf("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '%s'; END $$", code))
				return err
			})
		}
		for _, code := range []string{"53100", "57P01", "58030", "25006"} {
			require.ErrorIs(t, raise(code), ticketing.ErrUnavailable, code)
			require.NoError(t, db.Writable(t.Context()), "the server is well")
		}
		for _, code := range []string{"23505", "42601", "22001"} {
			err := raise(code)
			require.Error(t, err)
			require.NotErrorIs(t, err, ticketing.ErrUnavailable, code)
		}
	}
}
