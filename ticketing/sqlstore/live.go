package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"hotline/ticketing"
)

// PublishLive adds a live event that is not about a change of a ticket.
func (s *Store) PublishLive(ctx context.Context, l ticketing.LiveEvent) error {
	if l.At.IsZero() {
		l.At = s.now()
	}
	return s.Commit(ctx, ticketing.Change{Live: []ticketing.LiveEvent{l}})
}

// order is the column that tells the order of commits. SQLite has one writer:
// ids do. PostgreSQL hands out ids before the commit, so a reader that
// remembers the last id would miss those who commit late; there the order is
// settled after the commit, by sequence.
func (s *Store) order() string {
	if s.db.dialect == Postgres {
		return "seq"
	}
	return "id"
}

// LiveEvents lists the events after one, in the order of their commits.
func (s *Store) LiveEvents(ctx context.Context, after int64, limit int) ([]ticketing.LiveEvent, error) {
	if err := s.sequence(ctx); err != nil {
		return nil, err
	}
	column := bun.Ident(s.order())
	rows, err := s.db.read.NewSelect().Table("live_events").ColumnExpr("?", column).
		Column("type", "subject", "version", "audience", "data", "at").
		Where("? > ?", column, after).OrderExpr("?", column).Limit(int64(limit)).Rows(ctx)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []ticketing.LiveEvent
	for rows.Next() {
		var l ticketing.LiveEvent
		var when int64
		var data string
		if err := rows.Scan(&l.ID, &l.Type, &l.Subject, &l.Version, &l.Audience, &data, &when); err != nil {
			return nil, err
		}
		l.Data, l.At = json.RawMessage(data), at(when)
		list = append(list, l)
	}
	return list, rows.Err()
}

// LastLiveEvent is the newest event's id; 0 when there has been none.
func (s *Store) LastLiveEvent(ctx context.Context) (int64, error) {
	if err := s.sequence(ctx); err != nil {
		return 0, err
	}
	var last sql.NullInt64
	err := s.db.read.NewSelect().Table("live_events").ColumnExpr("max(?)", bun.Ident(s.order())).Scan(ctx, &last)
	return last.Int64, err
}

// sequence numbers the committed events that have no number yet. The row of
// the counter is the lock, held until the numbers are committed.
func (s *Store) sequence(ctx context.Context) error {
	if s.db.dialect != Postgres {
		return nil
	}
	var one int
	err := s.db.read.QueryRowContext(ctx, "SELECT 1 FROM live_events WHERE seq IS NULL LIMIT 1").Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		var base int64
		err := tx.NewRaw("INSERT INTO counters (name, value) VALUES ('live', 0) ON CONFLICT (name) DO UPDATE SET value = counters.value RETURNING value").
			Scan(ctx, &base)
		if err != nil {
			return err
		}
		// A new statement sees what committed while this one waited for the lock.
		result, err := tx.NewRaw("UPDATE live_events SET seq = ? + n.place FROM "+
			"(SELECT id, row_number() OVER (ORDER BY id) AS place FROM live_events WHERE seq IS NULL) AS n WHERE live_events.id = n.id", base).Exec(ctx)
		if err != nil {
			return err
		}
		count, err := result.RowsAffected()
		if err != nil {
			return err
		}
		_, err = tx.NewRaw("UPDATE counters SET value = value + ? WHERE name = 'live'", count).Exec(ctx)
		return err
	})
}

// PruneLiveEvents deletes the events before a moment. The newest stays, so that
// SQLite gives no id out twice and readers keep their place.
func (s *Store) PruneLiveEvents(ctx context.Context, before time.Time) error {
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewRaw("DELETE FROM live_events WHERE at < ? AND id < (SELECT max(id) FROM live_events)", before.UnixMilli()).Exec(ctx)
		return err
	})
}

// PruneReceipts deletes the memory of requests before a moment; sent again
// after that they count as new.
func (s *Store) PruneReceipts(ctx context.Context, before time.Time) error {
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewRaw("DELETE FROM receipts WHERE at < ?", before.UnixMilli()).Exec(ctx)
		return err
	})
}
