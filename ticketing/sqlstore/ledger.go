package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"hotline/ticketing"
	"hotline/ticketing/ledger"
)

// topicLedger wakes who chains entries; other nodes need not hear of it.
const topicLedger = "ledger"

const (
	// chainedAtOnce bounds how many entries get their place in one transaction.
	chainedAtOnce = 500
	// chainPause gathers entries, so that many get their place together.
	chainPause = 150 * time.Millisecond
	// chainLook is how often entries that nobody told of are looked for: those of
	// a process that died.
	chainLook = 5 * time.Second

	ledgerColumns = "at, actor, class, address, trace, action, object, result, reason, data, salt, content, key, hash"
)

func ledgerValues(e ledger.Entry) []any {
	return []any{
		ms(e.At), e.Actor, string(e.Class), e.Address, e.Trace, e.Action, e.Object, string(e.Result), e.Reason, string(e.Data), e.Salt, e.Content, e.Key, e.Hash,
	}
}

func scanEntry(row scanner) (ledger.Entry, error) {
	var e ledger.Entry
	var when int64
	var data string
	err := row.Scan(&e.Seq, &when, &e.Actor, &e.Class, &e.Address, &e.Trace, &e.Action, &e.Object, &e.Result, &e.Reason, &data, &e.Salt, &e.Content, &e.Key, &e.Hash)
	e.At = at(when)
	if data != "" {
		e.Data = json.RawMessage(data)
	}
	return e, err
}

// keepChain chains entries until the store is closed.
func (s *Store) keepChain() {
	defer close(s.chained)
	wake, cancel := s.Subscribe(topicLedger)
	defer cancel()
	look := time.NewTicker(chainLook)
	defer look.Stop()
	for {
		select {
		case <-s.closing:
			return
		case <-wake:
		case <-look.C:
		}
		select {
		case <-s.closing:
			return
		case <-time.After(chainPause):
		}
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		if err := s.Chain(ctx); err != nil {
			s.log.Error("entries of the ledger could not be chained; they wait and are tried again", "error", err)
		}
		cancel()
	}
}

const (
	selectHead = "SELECT seq, hash FROM ledger_head WHERE id = 1"
	moveHead   = "UPDATE ledger_head SET seq = ?, hash = ? WHERE id = 1"
)

// chainNow appends entries inside a transaction of SQLite's one writer.
func (s *Store) chainNow(ctx context.Context, tx bun.Tx, entries []ledger.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	var head ledger.Head
	if err := s.texts.row(ctx, tx, selectHead).Scan(&head.Seq, &head.Hash); err != nil {
		return fmt.Errorf("the ledger's head: %w", err)
	}
	return s.place(ctx, tx, head, entries)
}

// place puts entries behind the head, and moves it.
func (s *Store) place(ctx context.Context, tx bun.Tx, head ledger.Head, entries []ledger.Entry) error {
	head, err := ledger.Append(s.keys, head, entries)
	if err != nil {
		return err
	}
	together := manyEntries
	if s.db.dialect == SQLite {
		together = manyRows // as many as there are prepared statements for
	}
	for some := range slices.Chunk(entries, together) {
		var values []any
		for _, e := range some {
			values = append(append(values, e.Seq), ledgerValues(e)...)
		}
		if _, err := s.texts.exec(ctx, tx, insertChained(len(some)), values...); err != nil {
			return fmt.Errorf("ledger: %w", err)
		}
	}
	_, err = s.texts.exec(ctx, tx, moveHead, head.Seq, head.Hash)
	return err
}

// Chain gives the entries that were committed before the call their place.
func (s *Store) Chain(ctx context.Context) error {
	for {
		var waiting bool
		if err := s.db.read.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM ledger_waiting)").Scan(&waiting); err != nil || !waiting {
			return err
		}
		n := 0
		err := s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
			var err error
			n, err = s.chain(ctx, tx)
			return err
		})
		if err != nil || n < chainedAtOnce {
			return err
		}
	}
}

// chain moves waiting entries behind the head. The head's row is the lock of
// all nodes.
func (s *Store) chain(ctx context.Context, tx bun.Tx) (int, error) {
	head, err := s.head(ctx, tx, s.db.dialect == Postgres)
	if err != nil {
		return 0, err
	}
	ids, entries, err := s.waiting(ctx, tx)
	if err != nil || len(entries) == 0 {
		return 0, err
	}
	count := len(entries)
	for i := range entries[:count] {
		if ledger.Intact(s.keys, entries[i]) {
			continue
		}
		// It is kept as it was found; what says so follows it.
		told, err := ledger.Prepare(s.keys, ledger.Entry{
			At: s.now(), Actor: "system", Class: ledger.System, Action: ledger.ActionAltered, Object: entries[i].Object, Result: ledger.Failed,
		})
		if err != nil {
			return 0, err
		}
		entries = append(entries, told)
	}
	if err := s.place(ctx, tx, head, entries); err != nil {
		return 0, err
	}
	_, err = tx.NewRaw("DELETE FROM ledger_waiting WHERE id IN (?)", bun.List(ids)).Exec(ctx)
	return count, err
}

// manyEntries is how many entries one statement inserts at most.
const manyEntries = 50

func insertChained(n int) string {
	row := "(?" + strings.Repeat(",?", 14) + ")"
	return "INSERT INTO ledger (seq, " + ledgerColumns + ") VALUES " + row + strings.Repeat(","+row, n-1)
}

func (s *Store) waiting(ctx context.Context, tx bun.Tx) (ids []int64, entries []ledger.Entry, err error) {
	rows, err := tx.QueryContext(ctx, fmt.Sprintf("SELECT id, %s FROM ledger_waiting ORDER BY id LIMIT %d", ledgerColumns, chainedAtOnce))
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		e, err := scanEntry(rows)
		if err != nil {
			return nil, nil, err
		}
		ids, entries = append(ids, e.Seq), append(entries, e)
		entries[len(entries)-1].Seq = 0
	}
	return ids, entries, rows.Err()
}

func (s *Store) head(ctx context.Context, from bun.IDB, lock bool) (ledger.Head, error) {
	var h ledger.Head
	q := selectHead
	if lock {
		q += " FOR UPDATE"
	}
	err := from.NewRaw(q).Scan(ctx, &h.Seq, &h.Hash)
	if errors.Is(err, sql.ErrNoRows) {
		return h, errors.New("the ledger has no head: somebody deleted it")
	}
	return h, err
}

// LedgerHead chains what waits and tells where the chain ends.
func (s *Store) LedgerHead(ctx context.Context) (ledger.Head, error) {
	if err := s.Chain(ctx); err != nil {
		return ledger.Head{}, err
	}
	return s.head(ctx, s.db.read, false)
}

// VerifyLedger reads the whole ledger and tells what is not as it was written.
func (s *Store) VerifyLedger(ctx context.Context, anchors []ledger.Anchor) (ledger.Report, error) {
	if err := s.Chain(ctx); err != nil {
		return ledger.Report{}, err
	}
	tx, err := s.moment(ctx) // one for the head and the entries: others go on writing
	if err != nil {
		return ledger.Report{}, err
	}
	defer func() { _ = tx.Rollback() }() // it only read
	head, err := s.head(ctx, tx, false)
	if err != nil {
		return ledger.Report{}, err
	}
	check := ledger.NewVerifier(s.keys, anchors)
	rows, err := tx.QueryContext(ctx, "SELECT seq, "+ledgerColumns+" FROM ledger ORDER BY seq")
	if err != nil {
		return ledger.Report{}, err
	}
	defer rows.Close()
	for rows.Next() {
		e, err := scanEntry(rows)
		if err != nil {
			return ledger.Report{}, err
		}
		check.Next(e)
	}
	if err := rows.Err(); err != nil {
		return ledger.Report{}, err
	}
	return check.Close(head), nil
}

// Ledger lists entries, the newest first.
func (s *Store) Ledger(ctx context.Context, f ticketing.LedgerFilter) ([]ledger.Entry, error) {
	if err := s.Chain(ctx); err != nil {
		return nil, err
	}
	where, args := []string{"1 = 1"}, []any{}
	among := func(column string, values []string) {
		if len(values) > 0 {
			where, args = append(where, column+" IN (?)"), append(args, bun.List(values))
		}
	}
	equal := func(column, op string, value any, asked bool) {
		if asked {
			where, args = append(where, column+" "+op+" ?"), append(args, value)
		}
	}
	classes := make([]string, len(f.Classes))
	for i, c := range f.Classes {
		classes[i] = string(c)
	}
	among("class", classes)
	among("action", f.Actions)
	equal("actor", "=", f.Actor, f.Actor != "")
	equal("object", "=", f.Object, f.Object != "")
	equal("result", "=", string(f.Result), f.Result != "")
	equal("at", ">=", ms(f.From), !f.From.IsZero())
	equal("at", "<", ms(f.To), !f.To.IsZero())
	equal("seq", "<", f.Before, f.Before > 0)
	q := "SELECT seq, " + ledgerColumns + " FROM ledger WHERE " + strings.Join(where, " AND ") + " ORDER BY seq DESC LIMIT ?"
	return s.entries(ctx, q, append(args, f.Limit)...)
}

// entries reads the entries that a query selects.
func (s *Store) entries(ctx context.Context, query string, args ...any) ([]ledger.Entry, error) {
	rows, err := s.db.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []ledger.Entry
	for rows.Next() {
		e, err := scanEntry(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, rows.Err()
}

// KeysFit tells whether the store's keys are those that the ledger was made
// with: with others it would go on and could never be verified.
func (s *Store) KeysFit(ctx context.Context) error {
	var name string
	err := s.db.read.QueryRowContext(ctx, "SELECT key FROM ledger ORDER BY seq DESC LIMIT 1").Scan(&name)
	if errors.Is(err, sql.ErrNoRows) {
		err = s.db.read.QueryRowContext(ctx, "SELECT key FROM ledger_waiting ORDER BY id DESC LIMIT 1").Scan(&name)
	}
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return err
	}
	if _, known := s.keys.Ledger(name); !known {
		return fmt.Errorf("the database was used with the key of fingerprint %s, which is not in the key file: give the file of the other nodes, or the one from the backup", name)
	}
	return nil
}
