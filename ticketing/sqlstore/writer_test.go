package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"hotline/ticketing/sqlstore"
)

// jottings is a store with a table of its own to write into.
func jottings(t *testing.T, e engine) (*sqlstore.DB, func() []int) {
	s := open(t, e.fresh(t))
	db := s.DB()
	ctx := context.Background()
	require.NoError(t, db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.ExecContext(ctx, "CREATE TABLE jottings (n BIGINT PRIMARY KEY)")
		return err
	}))
	return db, func() []int {
		var list []int
		require.NoError(t, db.Read().NewSelect().Table("jottings").Column("n").OrderExpr("n").Scan(ctx, &list))
		return list
	}
}

func put(n int) func(context.Context, bun.Tx) error {
	return func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewRaw("INSERT INTO jottings (n) VALUES (?)", n).Exec(ctx)
		return err
	}
}

func eachEngine(t *testing.T, test func(t *testing.T, e engine)) {
	for _, e := range engines(t) {
		t.Run(e.name, func(t *testing.T) { test(t, e) })
	}
}

var errRefused = errors.New("refused")

// blocked occupies a SQLite writer until release is called, so that callers
// queue up behind it and share the next commit.
func blocked(t *testing.T, db *sqlstore.DB) (release func() error) {
	t.Helper()
	entered, leave, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- db.Write(context.Background(), func(context.Context, bun.Tx) error {
			close(entered)
			<-leave
			return nil
		})
	}()
	<-entered
	return func() error {
		close(leave)
		return <-done
	}
}

func TestAFailingCallerRollsBackAlone(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		db, read := jottings(t, e)
		release := blocked(t, db)
		const callers = 100
		errs := make([]error, callers)
		var all sync.WaitGroup
		for i := range callers {
			all.Go(func() {
				errs[i] = db.Write(context.Background(), func(ctx context.Context, tx bun.Tx) error {
					if err := put(i)(ctx, tx); err != nil {
						return err
					}
					switch i % 5 {
					case 1:
						return errRefused
					case 2:
						return put(i)(ctx, tx) // a second time: the constraint refuses it
					case 3:
						panic("out of order")
					}
					return nil
				})
			})
		}
		require.NoError(t, release())
		all.Wait()
		var want []int
		for i, err := range errs {
			switch i % 5 {
			case 1:
				require.ErrorIs(t, err, errRefused)
			case 2:
				require.Error(t, err)
			case 3:
				require.ErrorContains(t, err, "panic")
			default:
				require.NoError(t, err)
				want = append(want, i)
			}
		}
		require.Equal(t, want, read())
	})
}

func TestAGoroutineThatEndsInAWriteHoldsNobodyUp(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		db, read := jottings(t, e)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = db.Write(context.Background(), func(ctx context.Context, tx bun.Tx) error {
				if err := put(1)(ctx, tx); err != nil {
					return err
				}
				runtime.Goexit()
				return nil
			})
		}()
		<-ended
		require.NoError(t, db.Write(context.Background(), put(2)))
		require.Equal(t, []int{2}, read())
	})
}

func TestACallerThatLeavesWritesNothing(t *testing.T) {
	db, read := jottings(t, engines(t)[0])
	release := blocked(t, db)
	ctx, cancel := context.WithCancel(context.Background())
	left := make(chan error, 1)
	go func() { left <- db.Write(ctx, put(1)) }()
	cancel()
	require.ErrorIs(t, <-left, context.Canceled, "at once, although the writer is busy")
	stays := make(chan error, 1)
	go func() { stays <- db.Write(context.Background(), put(2)) }()
	require.NoError(t, release())
	require.NoError(t, <-stays)
	require.Equal(t, []int{2}, read())
}

func TestACallerThatHasBegunLearnsTheOutcome(t *testing.T) {
	db, read := jottings(t, engines(t)[0])
	ctx, cancel := context.WithCancel(context.Background())
	err := db.Write(ctx, func(inner context.Context, tx bun.Tx) error {
		cancel()
		require.NoError(t, inner.Err())
		return put(1)(inner, tx)
	})
	require.NoError(t, err, "written, whatever the caller's context says")
	require.Equal(t, []int{1}, read())
}

// An interrupted statement makes SQLite drop the whole transaction; whoever was
// in it must be told.
func TestAnInterruptedStatementIsToldToAll(t *testing.T) {
	db, read := jottings(t, engines(t)[0])
	release := blocked(t, db)
	const callers = 20
	var all sync.WaitGroup
	var acknowledged atomic.Int64
	for i := range callers {
		all.Go(func() {
			// Against the rules: the caller's own context, ended in the middle.
			own, cancel := context.WithCancel(context.Background())
			err := db.Write(context.Background(), func(ctx context.Context, tx bun.Tx) error {
				if err := put(i)(ctx, tx); err != nil {
					return err
				}
				if i%4 == 0 {
					go cancel()
					_, err := tx.ExecContext(own, "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x < 3000000) INSERT INTO jottings SELECT 1000 + max(x) FROM c")
					return err
				}
				return nil
			})
			cancel()
			if err == nil {
				acknowledged.Add(1)
			}
		})
	}
	_ = release() // its group may be lost with the others
	all.Wait()
	got := 0
	for _, n := range read() {
		if n < 1000 {
			got++
		}
	}
	require.EqualValues(t, acknowledged.Load(), got, "what was acknowledged is there, and nothing else")
	require.NoError(t, db.Write(context.Background(), put(500)), "and the writer lives on")
}

func TestReadersCannotWrite(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		db, _ := jottings(t, e)
		_, err := db.Read().ExecContext(context.Background(), "INSERT INTO jottings (n) VALUES (1)")
		require.Error(t, err)
	})
}

func TestAClosedStoreRefuses(t *testing.T) {
	s := open(t, engines(t)[0].fresh(t))
	require.NoError(t, s.Close())
	err := s.DB().Write(context.Background(), func(context.Context, bun.Tx) error { return nil })
	require.ErrorIs(t, err, sqlstore.ErrClosed)
}

// TestWritersSeeWhatWasAcknowledged: readers find what a writer was told is there.
func TestWritersSeeWhatWasAcknowledged(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		db, _ := jottings(t, e)
		var all sync.WaitGroup
		for w := range 8 {
			all.Go(func() {
				for i := range 10 {
					n := w*1000 + i
					if err := db.Write(context.Background(), put(n)); err != nil {
						t.Error(err)
						return
					}
					var found int
					if err := db.Read().NewSelect().Table("jottings").Column("n").Where("n = ?", n).Scan(context.Background(), &found); err != nil {
						t.Error(fmt.Errorf("%d is not there after its commit: %w", n, err))
					}
				}
			})
		}
		all.Wait()
	})
}
