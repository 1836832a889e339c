package ftsindex

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

var errSchema = errors.New("the search index is of another version")

// state is the one row that says which tables answer (active 0 or 1), which are being built (-1: none)
// and by whom, and how far writing has come. epoch rises when the tables are swapped.
type state struct {
	active, building int
	builder          string
	seq, epoch       int64
	ready            bool
}

func prepare(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	var version int
	if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if version == schema {
		return nil
	}
	var tables int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
		return err
	}
	if version != 0 || tables != 0 {
		return fmt.Errorf("%w: %d", errSchema, version)
	}
	for _, stmt := range []string{
		fmt.Sprintf("PRAGMA user_version = %d", schema),
		`CREATE TABLE state (
			id INTEGER PRIMARY KEY CHECK (id = 1), active INTEGER NOT NULL, building INTEGER NOT NULL,
			builder TEXT NOT NULL, seq INTEGER NOT NULL, epoch INTEGER NOT NULL, ready INTEGER NOT NULL)`,
		"INSERT INTO state VALUES (1, 0, -1, '', 0, 0, 0)",
	} {
		if _, err := tx.ExecContext(ctx, stmt); err != nil {
			return err
		}
	}
	if err := createTables(ctx, tx, 0); err != nil {
		return err
	}
	return tx.Commit()
}

// createTables makes one of the two sets of tables anew. The ascii tokenizer only splits at
// spaces here, because grams writes nothing else that is ASCII and no letter or digit. cat_set and dept_set are lists, joined by a line feed.
func createTables(ctx context.Context, tx *sql.Tx, set int) error {
	if err := dropTables(ctx, tx, set); err != nil {
		return err
	}
	for _, stmt := range []string{
		`CREATE TABLE docs_# (
			slot INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, version INTEGER NOT NULL, live INTEGER NOT NULL, seq INTEGER NOT NULL,
			digest INTEGER NOT NULL, number TEXT NOT NULL, created_at INTEGER NOT NULL, type TEXT NOT NULL, category TEXT NOT NULL,
			district TEXT NOT NULL, department TEXT NOT NULL, state TEXT NOT NULL, channel TEXT NOT NULL,
			cat_set TEXT NOT NULL, dept_set TEXT NOT NULL, title TEXT NOT NULL, body TEXT NOT NULL,
			place TEXT NOT NULL, lon REAL, lat REAL)`,
		"CREATE INDEX docs_#_seq ON docs_# (seq)",
		"CREATE INDEX docs_#_place ON docs_# (place) WHERE place <> ''",
		`CREATE VIRTUAL TABLE fts_# USING fts5(title, body, number, content='', contentless_delete=1, tokenize='ascii')`,
		// Fewer, larger segments: a batch is held in memory whole before it is written.
		"INSERT INTO fts_# (fts_#, rank) VALUES ('hashsize', 16777216)",
		"INSERT INTO fts_# (fts_#, rank) VALUES ('automerge', 8)",
	} {
		if _, err := tx.ExecContext(ctx, on(stmt, set)); err != nil {
			return err
		}
	}
	return nil
}

func dropTables(ctx context.Context, tx *sql.Tx, set int) error {
	for _, stmt := range []string{"DROP TABLE IF EXISTS fts_#", "DROP TABLE IF EXISTS docs_#"} {
		if _, err := tx.ExecContext(ctx, on(stmt, set)); err != nil {
			return err
		}
	}
	return nil
}

// on puts the number of a set of tables into a statement.
func on(stmt string, set int) string {
	return strings.ReplaceAll(stmt, "#", string(rune('0'+set)))
}

type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func readState(ctx context.Context, q querier) (state, error) {
	var st state
	err := q.QueryRowContext(ctx, "SELECT active, building, builder, seq, epoch, ready FROM state").
		Scan(&st.active, &st.building, &st.builder, &st.seq, &st.epoch, &st.ready)
	return st, err
}

// writing runs fn in a transaction with a new seq.
func (x *Index) writeTx(ctx context.Context, fn func(tx *sql.Tx, st state) error) error {
	x.life.RLock()
	defer x.life.RUnlock()
	x.writing.Lock()
	defer x.writing.Unlock()
	tx, err := x.db.write.BeginTx(ctx, nil)
	if err != nil {
		return x.failed(err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(ctx, "UPDATE state SET seq = seq + 1"); err != nil {
		return x.failed(err)
	}
	st, err := readState(ctx, tx)
	if err != nil {
		return x.failed(err)
	}
	if err := fn(tx, st); err != nil {
		return x.failed(err)
	}
	return x.failed(tx.Commit())
}

// reading runs fn in one snapshot. The caller holds life.
func (x *Index) reading(ctx context.Context, fn func(tx *sql.Tx, st state) error) error {
	tx, err := x.db.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return x.failed(err)
	}
	defer func() { _ = tx.Rollback() }()
	st, err := readState(ctx, tx)
	if err != nil {
		return x.failed(err)
	}
	return x.failed(fn(tx, st))
}
