package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/uptrace/bun"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"hotline/ticketing"
)

// judge remembers whether the database takes writes, and marks an error that
// only the administrator can end with ticketing.ErrUnavailable.
func (db *DB) judge(err error) error {
	switch {
	case err == nil:
		db.refusing.Store(nil)
	case unavailable(err):
		db.refusing.Store(&err)
		return fmt.Errorf("%w: %w", ticketing.ErrUnavailable, err)
	}
	return err
}

// unavailable tells a full disk, a broken one, a database that was made
// read-only and one that is away from faults of a statement.
func unavailable(err error) bool {
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		switch lite.Code() & 0xff { // the primary code of an extended one
		case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_BUSY:
			return true
		}
		return false
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		// Connection, resources, operator intervention, system error; and a
		// server that became a standby (PostgreSQL manual, appendix A).
		for _, class := range []string{"08", "53", "57P", "58", "25006"} {
			if strings.HasPrefix(pg.Code, class) {
				return true
			}
		}
		return false
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) && !errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone)
}

// Writable tells why the database takes no writes. It tries only after one was
// refused: a node that is asked nothing more would never learn that the disk
// has room again.
func (db *DB) Writable(ctx context.Context) error {
	if db.refusing.Load() == nil {
		return nil
	}
	return db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		for _, text := range probes[db.dialect] {
			if _, err := tx.ExecContext(ctx, text); err != nil {
				return err
			}
		}
		return nil
	})
}

// probes write something and leave nothing.
var probes = map[string][]string{
	SQLite:   {"CREATE TABLE probe (n INTEGER)", "DROP TABLE probe"},
	Postgres: {"SELECT pg_current_xact_id()"}, // its commit is written to the log
}
