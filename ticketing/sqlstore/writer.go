package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/uptrace/bun"

	"hotline/ticketing/ledger"
)

// groupSize is how many callers share one commit at most.
const groupSize = 64

// ErrClosed is the answer of a store that was closed.
var ErrClosed = errors.New("sqlstore: closed")

// errEnded is the answer of a group in which a function ended its goroutine.
var errEnded = errors.New("sqlstore: a writing function ended its goroutine")

// DB is one database: a way to write and a way to read. Other stores of the
// binary share it, so that SQLite has one writer for all.
type DB struct {
	dialect string
	sql     *sql.DB
	write   *bun.DB
	read    *bun.DB
	log     *slog.Logger

	savepoint, release, undo *sql.Stmt // SQLite

	// last takes what the callers of a group left for its end (SQLite), in one go
	// before the commit they share; it may be nil.
	last  func(ctx context.Context, tx bun.Tx, entries []ledger.Entry) error
	owing []ledger.Entry // of the group that is being written

	refusing atomic.Pointer[error] // why the last write was refused, when the database takes none

	queue   chan *writing
	stop    chan struct{}
	done    chan struct{}
	closing sync.Once
}

// writing is one caller of Write on SQLite. Its function runs on the writer's
// goroutine: handing the transaction over and back would cost two switches of
// goroutines for every write.
type writing struct {
	ctx   context.Context
	fn    func(context.Context, bun.Tx) error
	final chan struct{} // closed by the writer when err is set
	err   error
	state writingState
	mu    sync.Mutex
}

type writingState int

const (
	waiting writingState = iota
	taken
	gone // the caller left while waiting
)

// Read is the pool of readers; it refuses to write.
func (db *DB) Read() *bun.DB { return db.read }

// SQL is the writing handle, for migrations at the start of the program.
func (db *DB) SQL() *sql.DB { return db.sql }

// Dialect is "sqlite" or "postgres".
func (db *DB) Dialect() string { return db.dialect }

func (db *DB) start(ctx context.Context) error {
	if db.dialect != SQLite {
		return nil
	}
	for text, into := range map[string]**sql.Stmt{"SAVEPOINT w": &db.savepoint, "RELEASE w": &db.release, "ROLLBACK TO w": &db.undo} {
		stmt, err := db.sql.PrepareContext(ctx, text) //nolint:sqlclosecheck // lives as long as its connection
		if err != nil {
			return fmt.Errorf("prepare: %w", err)
		}
		*into = stmt
	}
	db.queue = make(chan *writing, groupSize)
	db.stop = make(chan struct{})
	db.done = make(chan struct{})
	go db.serve()
	return nil
}

func (db *DB) close() error {
	db.closing.Do(func() {
		if db.queue != nil {
			close(db.stop)
			<-db.done
		}
	})
	return errors.Join(db.read.Close(), db.write.Close())
}

// Write runs fn in a transaction and returns after the commit. fn must use the
// context and the transaction that it gets, do nothing else that waits, and be
// done when it returns; it may run on another goroutine. Its error, panic
// included, undoes its own writes and nobody else's.
//
// A caller whose context ends while it waits for its turn leaves with the
// context's error and nothing written; once fn has begun, Write stays for the
// outcome.
//
// A database that takes no writes (disk full or broken, read-only, away) gives
// ticketing.ErrUnavailable; nothing is written then.
func (db *DB) Write(ctx context.Context, fn func(ctx context.Context, tx bun.Tx) error) error {
	if db.dialect == Postgres {
		return db.judge(db.writePostgres(ctx, fn))
	}
	return db.judge(db.writeSQLite(ctx, fn))
}

func (db *DB) writeSQLite(ctx context.Context, fn func(context.Context, bun.Tx) error) error {
	w := &writing{ctx: ctx, fn: fn, final: make(chan struct{})}
	select {
	case db.queue <- w:
	case <-ctx.Done():
		return ctx.Err()
	case <-db.stop:
		return ErrClosed
	}
	select {
	case <-w.final:
		return w.err
	case <-ctx.Done():
		if w.leave() {
			return ctx.Err()
		}
	case <-db.done: // closed: the writer may have passed us by
		if w.leave() {
			return ErrClosed
		}
	}
	<-w.final
	return w.err
}

func (w *writing) leave() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.state == waiting {
		w.state = gone
		return true
	}
	return false
}

// claim tells whether the caller still waits.
func (w *writing) claim() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.state == gone || w.ctx.Err() != nil && w.state == waiting {
		return false
	}
	w.state = taken
	return true
}

// guard turns a panic into an error.
func guard(log *slog.Logger, fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			log.Error("panic in a write", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = fmt.Errorf("sqlstore: panic in a write: %v", p)
		}
	}()
	return fn()
}

func (db *DB) writePostgres(ctx context.Context, fn func(context.Context, bun.Tx) error) error {
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	done := false
	defer func() { // a Goexit in fn comes here without an error
		if !done {
			_ = tx.Rollback()
		}
	}()
	err = guard(db.log, func() error { return fn(ctx, tx) })
	if err != nil {
		return err
	}
	done = true
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// serve is SQLite's one writer. A function that ends its goroutine (Goexit)
// ends this one; another takes over.
func (db *DB) serve() {
	closed := false
	defer func() {
		if !closed {
			go db.serve()
			return
		}
		close(db.done)
	}()
	for {
		select {
		case w := <-db.queue:
			db.group(w)
		case <-db.stop:
			for { // those who are queued already are served
				select {
				case w := <-db.queue:
					db.group(w)
				default:
					closed = true
					return
				}
			}
		}
	}
}

// group writes for one caller and for all who queue up meanwhile, and commits once.
func (db *DB) group(first *writing) {
	tx, err := db.begin()
	if err != nil {
		if first.claim() {
			answer([]*writing{first}, err)
		}
		return
	}
	var served []*writing
	settled := false
	db.owing = nil
	defer func() {
		if !settled { // a function ended the goroutine
			_ = tx.Rollback()
			answer(served, errEnded)
		}
	}()
	for w, n := first, 1; w != nil; n++ {
		var lost error
		if w.claim() {
			served = append(served, w)
			lost = db.serveOne(tx, w)
		}
		if lost != nil {
			settled = true
			// SQLite gave the transaction up (disk full, I/O error): nothing in it will be.
			_ = tx.Rollback()
			answer(served, fmt.Errorf("sqlstore: the transaction was given up by the database: %w", lost))
			return
		}
		w = nil
		if n < groupSize {
			select {
			case w = <-db.queue:
			default:
			}
		}
	}
	settled = true
	if err = db.settle(tx); err == nil {
		if err = tx.Commit(); err != nil {
			err = fmt.Errorf("commit: %w", err)
		}
	}
	if err != nil {
		_ = tx.Rollback()
	}
	answer(served, err)
}

// settle writes what the group's callers left for its end.
func (db *DB) settle(tx bun.Tx) error {
	entries := db.owing
	db.owing = nil
	if len(entries) == 0 {
		return nil
	}
	return guard(db.log, func() error { return db.last(context.Background(), tx, entries) })
}

// answer tells everybody of a group, those who failed too: a failure may come
// from what another of the group had written, and whoever hears of it must find
// that committed.
func answer(served []*writing, err error) {
	for _, w := range served {
		if w.err == nil {
			w.err = err
		}
		close(w.final)
	}
}

// begin waits for another process to finish its write, up to busy_timeout.
func (db *DB) begin() (bun.Tx, error) {
	tx, err := db.write.BeginTx(context.Background(), nil)
	if err != nil {
		return tx, fmt.Errorf("begin: %w", err)
	}
	return tx, nil
}

// serveOne lets one caller write inside a savepoint. Its error tells why the
// transaction as a whole is gone.
func (db *DB) serveOne(tx bun.Tx, w *writing) error {
	if err := db.do(tx, db.savepoint); err != nil {
		return err
	}
	owed := len(db.owing)
	started := time.Now()
	// Without cancellation: SQLite rolls the whole transaction back, everybody's
	// part of it, when a statement is interrupted.
	w.err = guard(db.log, func() error { return w.fn(context.WithoutCancel(w.ctx), tx) })
	if took := time.Since(started); took > time.Second {
		db.log.Warn("a write held the writer for long", "took_ms", took.Milliseconds())
	}
	if w.err != nil {
		db.owing = db.owing[:owed]
		if err := db.do(tx, db.undo); err != nil {
			return err
		}
	}
	return db.do(tx, db.release)
}

func (db *DB) do(tx bun.Tx, stmt *sql.Stmt) error {
	ctx := context.Background()
	_, err := tx.StmtContext(ctx, stmt).ExecContext(ctx) //nolint:sqlclosecheck // the transaction closes it
	return err
}
