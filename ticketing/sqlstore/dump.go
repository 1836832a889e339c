package sqlstore

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/uptrace/bun"
)

// A dump is the whole database as lines of JSON, the same for both dialects:
// what was dumped from one can be loaded into the other.

// Sum tells two tables apart: how many rows, and the sum of the rows' hashes,
// whatever their order.
type Sum struct {
	Rows int64  `json:"rows"`
	Sum  string `json:"sum"` // hex
}

// Snapshot is one moment of the database; end it with Close.
type Snapshot struct {
	tx      bun.Tx
	dialect string
}

// Snapshot takes the present moment; others go on writing.
func (s *Store) Snapshot(ctx context.Context) (*Snapshot, error) {
	tx, err := s.moment(ctx)
	if err != nil {
		return nil, err
	}
	return &Snapshot{tx: tx, dialect: s.db.dialect}, nil
}

// moment is a transaction that reads one moment of the database; roll it back.
func (s *Store) moment(ctx context.Context) (bun.Tx, error) {
	var options *sql.TxOptions
	if s.db.dialect == Postgres {
		options = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	}
	tx, err := s.db.read.BeginTx(ctx, options)
	if err != nil {
		return tx, err
	}
	// The moment is that of the first read.
	if _, err := s.head(ctx, tx, false); err != nil {
		return tx, errors.Join(err, tx.Rollback())
	}
	return tx, nil
}

// Close ends the snapshot.
func (p *Snapshot) Close() error { return p.tx.Rollback() }

// Versions are those of the tables' migrations.
func (p *Snapshot) Versions(ctx context.Context) (map[string]int64, error) {
	return versions(ctx, p.tx)
}

func versions(ctx context.Context, from bun.IDB) (map[string]int64, error) {
	found := map[string]int64{}
	for _, table := range []string{"ticketing_migrations", "telephony_migrations"} {
		var v int64
		if err := from.NewRaw("SELECT max(version_id) FROM ?", bun.Ident(table)).Scan(ctx, &v); err != nil {
			return nil, fmt.Errorf("%s: %w", table, err)
		}
		found[table] = v
	}
	return found, nil
}

// Tables are the names of all that hold data.
func (p *Snapshot) Tables(ctx context.Context) ([]string, error) {
	return tableNames(ctx, p.tx, p.dialect)
}

func tableNames(ctx context.Context, from bun.IDB, dialect string) ([]string, error) {
	q := "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
	if dialect == Postgres {
		q = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY table_name"
	}
	var names []string
	if err := from.NewRaw(q).Scan(ctx, &names); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(names, func(n string) bool { return strings.HasSuffix(n, "_migrations") }), nil
}

// Dump gives a table as lines: first the names of its columns, then each row.
func (p *Snapshot) Dump(ctx context.Context, table string, line func([]byte) error) (Sum, error) {
	rows, err := p.tx.QueryContext(ctx, "SELECT * FROM ?", bun.Ident(table))
	if err != nil {
		return Sum{}, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return Sum{}, err
	}
	head, err := json.Marshal(columns)
	if err != nil {
		return Sum{}, err
	}
	if err := line(head); err != nil {
		return Sum{}, err
	}
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	order := inOrderOf(columns)
	var total adder
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return Sum{}, err
		}
		raw, err := encodeRow(values)
		if err != nil {
			return Sum{}, fmt.Errorf("%s: %w", table, err)
		}
		if err := line(raw); err != nil {
			return Sum{}, err
		}
		if err := total.add(values, order); err != nil {
			return Sum{}, err
		}
	}
	return total.sum(), rows.Err()
}

// inOrderOf are the places of columns in the order of their names, which may
// differ between dialects.
func inOrderOf(columns []string) []int {
	order := make([]int, len(columns))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(columns[a], columns[b]) })
	return order
}

// adder sums the hashes of rows.
type adder struct {
	rows  int64
	total big.Int
}

func (a *adder) add(values []any, order []int) error {
	sorted := make([]any, len(values))
	for i, at := range order {
		sorted[i] = values[at]
	}
	raw, err := encodeRow(sorted)
	if err != nil {
		return err
	}
	hash := sha256.Sum256(raw)
	a.rows++
	a.total.Add(&a.total, new(big.Int).SetBytes(hash[:]))
	return nil
}

func (a *adder) sum() Sum { return Sum{Rows: a.rows, Sum: a.total.Text(16)} }

// bytesOf marks octets among the values of a row.
type bytesOf struct {
	B string `json:"b"` // base64
}

func encodeRow(values []any) ([]byte, error) {
	row := make([]any, len(values))
	for i, v := range values {
		switch v := v.(type) {
		case nil, int64, string:
			row[i] = v
		case float64:
			row[i] = map[string]float64{"f": v}
		case bool:
			row[i] = flag(v)
		case []byte:
			row[i] = bytesOf{base64.StdEncoding.EncodeToString(v)}
		default:
			return nil, fmt.Errorf("a value of the type %T cannot be dumped", v)
		}
	}
	return json.Marshal(row)
}

func decodeRow(raw []byte) ([]any, error) {
	var cells []json.RawMessage
	if err := json.Unmarshal(raw, &cells); err != nil {
		return nil, err
	}
	row := make([]any, len(cells))
	for i, cell := range cells {
		switch {
		case string(cell) == "null":
		case cell[0] == '"':
			var s string
			if err := json.Unmarshal(cell, &s); err != nil {
				return nil, err
			}
			row[i] = s
		case cell[0] == '{':
			var marked struct {
				B *string  `json:"b"`
				F *float64 `json:"f"`
			}
			if err := json.Unmarshal(cell, &marked); err != nil {
				return nil, err
			}
			if marked.F != nil {
				row[i] = *marked.F
				continue
			}
			if marked.B == nil {
				return nil, errors.New("a value is neither octets nor a number")
			}
			b, err := base64.StdEncoding.DecodeString(*marked.B)
			if err != nil {
				return nil, err
			}
			row[i] = b
		default:
			var n int64
			if err := json.Unmarshal(cell, &n); err != nil {
				return nil, err
			}
			row[i] = n
		}
	}
	return row, nil
}
