package sqlstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/uptrace/bun"
)

// ErrNotEmpty says that a database has data already: it is restored into an empty one.
var ErrNotEmpty = errors.New("the database has data already; restore into an empty one")

// maxParameters bounds the values of one INSERT.
const maxParameters = 2000

// Loader fills an empty database from the lines of a dump.
type Loader struct {
	store *Store
	tx    bun.Tx
	known []string

	table   string
	columns []string
	rows    []any
	waiting int
	sum     adder
	sums    map[string]Sum
}

// Load runs fill in one transaction: the database is filled whole, or not at
// all. want are the versions of the dump's tables.
func (s *Store) Load(ctx context.Context, want map[string]int64, fill func(ctx context.Context, l *Loader) error) error {
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		have, err := versions(ctx, tx)
		if err != nil {
			return err
		}
		for table, v := range want {
			if have[table] != v {
				return fmt.Errorf("the backup was made by another version of the program (%s %d, here %d): restore with that one, then start the new one", table, v, have[table])
			}
		}
		if err := empty(ctx, tx); err != nil {
			return err
		}
		known, err := tableNames(ctx, tx, s.db.dialect)
		if err != nil {
			return err
		}
		if err := fill(ctx, &Loader{store: s, tx: tx, known: known, sums: map[string]Sum{}}); err != nil {
			return err
		}
		return s.renumber(ctx, tx)
	})
}

func empty(ctx context.Context, tx bun.Tx) error {
	for _, table := range []string{"users", openTable, sealedTable, "ledger", "ledger_waiting", "cities"} {
		var n int
		if err := tx.NewRaw("SELECT count(*) FROM (SELECT 1 FROM ? LIMIT 1) AS found", bun.Ident(table)).Scan(ctx, &n); err != nil {
			return err
		}
		if n > 0 {
			return ErrNotEmpty
		}
	}
	_, err := tx.ExecContext(ctx, "DELETE FROM ledger_head") // the first, which every new database has
	return err
}

// Line takes the next line of a table; tables come one after the other.
func (l *Loader) Line(ctx context.Context, table string, raw []byte) error {
	if table != l.table {
		if err := l.end(ctx); err != nil {
			return err
		}
		if !slices.Contains(l.known, table) {
			return fmt.Errorf("the backup has a table %q that this program does not know", table)
		}
		l.table, l.columns = table, nil
		if err := json.Unmarshal(raw, &l.columns); err != nil || len(l.columns) == 0 {
			return fmt.Errorf("table %s: the names of its columns cannot be read", table)
		}
		return nil
	}
	row, err := decodeRow(raw)
	if err != nil || len(row) != len(l.columns) {
		return fmt.Errorf("table %s: a row cannot be read: %w", table, errors.Join(err))
	}
	if err := l.sum.add(row, inOrderOf(l.columns)); err != nil {
		return err
	}
	l.rows, l.waiting = append(l.rows, row...), l.waiting+1
	if len(l.rows)+len(l.columns) > maxParameters {
		return l.flush(ctx)
	}
	return nil
}

// Sums ends the last table and tells what came of each.
func (l *Loader) Sums(ctx context.Context) (map[string]Sum, error) {
	err := l.end(ctx)
	return l.sums, err
}

func (l *Loader) end(ctx context.Context) error {
	if l.table == "" {
		return nil
	}
	if err := l.flush(ctx); err != nil {
		return err
	}
	l.sums[l.table] = l.sum.sum()
	l.table, l.sum = "", adder{}
	return nil
}

func (l *Loader) flush(ctx context.Context) error {
	if l.waiting == 0 {
		return nil
	}
	names := make([]string, len(l.columns))
	for i, c := range l.columns {
		names[i] = `"` + strings.ReplaceAll(c, `"`, `""`) + `"`
	}
	row := "(?" + strings.Repeat(",?", len(names)-1) + ")"
	own := ""
	if l.store.db.dialect == Postgres {
		own = " OVERRIDING SYSTEM VALUE"
	}
	q := "INSERT INTO " + l.table + " (" + strings.Join(names, ", ") + ")" + own + " VALUES " + row + strings.Repeat(","+row, l.waiting-1)
	if _, err := l.tx.Tx.ExecContext(ctx, rebind(l.store.db.dialect, q), l.rows...); err != nil {
		return fmt.Errorf("table %s: %w", l.table, err)
	}
	l.rows, l.waiting = l.rows[:0], 0
	return nil
}

// renumber lets PostgreSQL go on after the highest numbers that were loaded.
func (s *Store) renumber(ctx context.Context, tx bun.Tx) error {
	if s.db.dialect != Postgres {
		return nil
	}
	var tables, columns []string
	if err := tx.NewRaw("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema() AND is_identity = 'YES' "+
		"AND table_name NOT LIKE '%_migrations'").Scan(ctx, &tables, &columns); err != nil {
		return err
	}
	for i, table := range tables {
		_, err := tx.NewRaw("SELECT setval(pg_get_serial_sequence(?, ?), COALESCE((SELECT max(?) FROM ?), 0) + 1, false)",
			table, columns[i], bun.Ident(columns[i]), bun.Ident(table)).Exec(ctx)
		if err != nil {
			return fmt.Errorf("numbers of %s: %w", table, err)
		}
	}
	return nil
}
