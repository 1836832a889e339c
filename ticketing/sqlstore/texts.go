package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/uptrace/bun"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// texts holds the statements of the hot paths, written once with ? for both
// dialects: prepared ahead on SQLite, where compiling costs more than running,
// and renumbered to $1 on PostgreSQL, whose driver prepares by itself.
type texts struct {
	db    *DB
	write map[string]*sql.Stmt
	read  map[string]*sql.Stmt
	bound map[string]string
}

// manyRows is how many rows one INSERT of the hot paths takes at most.
const manyRows = 4

func newTexts(ctx context.Context, db *DB) (*texts, error) {
	x := &texts{db: db, write: map[string]*sql.Stmt{}, read: map[string]*sql.Stmt{}, bound: map[string]string{}}
	for _, q := range writeTexts() {
		x.bound[q] = rebind(db.dialect, q)
		if db.dialect != SQLite {
			continue
		}
		stmt, err := db.sql.PrepareContext(ctx, q) //nolint:sqlclosecheck // lives as long as its connections
		if err != nil {
			return nil, fmt.Errorf("prepare %s: %w", headOf(q), err)
		}
		x.write[q] = stmt
	}
	for _, q := range readTexts() {
		x.bound[q] = rebind(db.dialect, q)
		stmt, err := db.read.DB.PrepareContext(ctx, x.bound[q]) //nolint:sqlclosecheck // lives as long as its connections
		if err != nil {
			return nil, fmt.Errorf("prepare %s: %w", headOf(q), err)
		}
		x.read[q] = stmt
	}
	return x, nil
}

func headOf(q string) string {
	if len(q) > 40 {
		return q[:40]
	}
	return q
}

// rebind turns ? into $1, $2 … for PostgreSQL. The texts have no ? of their own.
func rebind(dialect, q string) string {
	if dialect != Postgres {
		return q
	}
	var b strings.Builder
	n := 0
	for _, r := range q {
		if r == '?' {
			n++
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(n))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// exec runs a statement of writeTexts inside a write.
func (x *texts) exec(ctx context.Context, tx bun.Tx, q string, args ...any) (int64, error) {
	var result sql.Result
	var err error
	if stmt := x.write[q]; stmt != nil {
		result, err = tx.StmtContext(ctx, stmt).ExecContext(ctx, args...) //nolint:sqlclosecheck // the transaction closes it
	} else {
		bound, ok := x.bound[q]
		if !ok {
			bound = rebind(x.db.dialect, q)
		}
		result, err = tx.Tx.ExecContext(ctx, bound, args...)
	}
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// row reads one row by a statement of writeTexts inside a write.
func (x *texts) row(ctx context.Context, tx bun.Tx, q string) *sql.Row {
	return tx.StmtContext(ctx, x.write[q]).QueryRowContext(ctx) //nolint:sqlclosecheck // the transaction closes it
}

// table is the INSERT of one table.
type table struct {
	name    string
	columns int
	texts   [manyRows + 1]string
}

func newTable(name, columns, tail string) table {
	t := table{name: name, columns: strings.Count(columns, ",") + 1}
	row := "(?" + strings.Repeat(",?", t.columns-1) + ")"
	for n := 1; n <= manyRows; n++ {
		t.texts[n] = "INSERT INTO " + name + " (" + columns + ") VALUES " + row + strings.Repeat(","+row, n-1) + tail
	}
	return t
}

func (t table) text(n int) string { return t.texts[n] }

// unique tells whether an error is a unique constraint's, and of what: the
// answer holds the constraint or the columns.
func unique(err error) (what string, ok bool) {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.ConstraintName, pg.Code == "23505"
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) && (lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY) {
		return lite.Error(), true
	}
	return "", false
}
