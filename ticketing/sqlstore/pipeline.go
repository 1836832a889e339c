package sqlstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"hotline/ticketing"
)

// pipeline takes the steps of a plan on PostgreSQL in one round trip: sent
// together before one Sync they are one transaction (PostgreSQL manual,
// "Pipelining" of the extended query protocol). A step that must change a row
// divides by the number of rows that it changed, so that the server itself ends
// the whole when there is none.
func (s *Store) pipeline(ctx context.Context, steps []statement) error {
	conn, err := s.db.sql.Conn(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = conn.Close() }() // gives it back; what it did is known by then
	return conn.Raw(func(driver any) error {
		batch := &pgx.Batch{}
		for _, st := range steps {
			text := s.texts.bound[st.text]
			if st.must != nil {
				text = "WITH done AS (" + text + " RETURNING 1) SELECT 1 / (SELECT count(*) FROM done)"
			}
			batch.Queue(text, st.args...)
		}
		results := driver.(*stdlib.Conn).Conn().SendBatch(ctx, batch)
		var refused error
		for _, st := range steps {
			if _, err := results.Exec(); err != nil {
				refused = s.refusedStep(st, err)
				break
			}
		}
		err := results.Close()
		if refused != nil {
			return refused
		}
		if err != nil {
			return fmt.Errorf("commit: %w", err)
		}
		return nil
	})
}

func (s *Store) refusedStep(st statement, err error) error {
	const divisionByZero, deadlock = "22012", "40P01"
	var pg *pgconn.PgError
	switch {
	case !errors.As(err, &pg):
	case st.must != nil && pg.Code == divisionByZero:
		return st.must
	case pg.Code == deadlock: // two moves touched each other's tickets: read again
		return ticketing.ErrStale
	}
	return s.refusal(st.table, err)
}
