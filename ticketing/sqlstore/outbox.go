package sqlstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"hotline/ticketing"
)

func (s *Store) outbox(ctx context.Context, q *bun.SelectQuery) ([]ticketing.OutboxItem, error) {
	rows, err := q.Table("outbox").Column("id", "topic", "key", "gen", "created_at").Rows(ctx)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []ticketing.OutboxItem
	for rows.Next() {
		var o ticketing.OutboxItem
		var when int64
		if err := rows.Scan(&o.ID, &o.Topic, &o.Key, &o.Gen, &when); err != nil {
			return nil, err
		}
		o.CreatedAt = at(when)
		list = append(list, o)
	}
	return list, rows.Err()
}

// PendingOutbox lists the oldest rows of a topic that are neither queued nor
// done. It never goes by the last id seen: rows of slow transactions come late.
func (s *Store) PendingOutbox(ctx context.Context, topic string, limit int) ([]ticketing.OutboxItem, error) {
	return s.outbox(ctx, s.db.read.NewSelect().Where("topic = ? AND enqueued_at IS NULL AND done_at IS NULL", topic).OrderExpr("id").Limit(int64(limit)))
}

// StaleOutbox lists the rows that were queued before a moment and are not done.
func (s *Store) StaleOutbox(ctx context.Context, topic string, enqueuedBefore time.Time, limit int) ([]ticketing.OutboxItem, error) {
	return s.outbox(ctx, s.db.read.NewSelect().
		Where("topic = ? AND enqueued_at IS NOT NULL AND done_at IS NULL AND enqueued_at < ?", topic, enqueuedBefore.UnixMilli()).
		OrderExpr("enqueued_at, id").Limit(int64(limit)))
}

// MarkEnqueued notes that rows were queued; a row that was reopened meanwhile stays as it is.
func (s *Store) MarkEnqueued(ctx context.Context, items []ticketing.OutboxItem, when time.Time) error {
	return s.eachGen(ctx, items, "UPDATE outbox SET enqueued_at = ? WHERE gen = ? AND done_at IS NULL AND id IN (?)", when.UnixMilli())
}

// ReopenOutbox raises the generation of rows that are not done, so that they
// are queued again under a new name.
func (s *Store) ReopenOutbox(ctx context.Context, items []ticketing.OutboxItem) error {
	err := s.eachGen(ctx, items, "UPDATE outbox SET gen = gen + ?, enqueued_at = NULL WHERE gen = ? AND done_at IS NULL AND id IN (?)", 1)
	if err == nil && len(items) > 0 {
		s.hub.wake(items[0].Topic)
	}
	return err
}

// eachGen runs an update once for the rows of each generation.
func (s *Store) eachGen(ctx context.Context, items []ticketing.OutboxItem, q string, first int64) error {
	const batch = 500
	if len(items) == 0 {
		return nil
	}
	byGen := map[int][]int64{}
	for _, o := range items {
		byGen[o.Gen] = append(byGen[o.Gen], o.ID)
	}
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		for gen, ids := range byGen {
			for len(ids) > 0 {
				n := min(batch, len(ids))
				if _, err := tx.NewRaw(q, first, gen, bun.List(ids[:n])).Exec(ctx); err != nil {
					return err
				}
				ids = ids[n:]
			}
		}
		return nil
	})
}

// FinishOutbox marks a row done whose effect lies outside the database. A row
// that is done already stays so.
func (s *Store) FinishOutbox(ctx context.Context, item ticketing.OutboxItem) error {
	return s.FinishOutboxItems(ctx, []ticketing.OutboxItem{item})
}

// FinishOutboxItems is FinishOutbox for many, in one transaction.
func (s *Store) FinishOutboxItems(ctx context.Context, items []ticketing.OutboxItem) error {
	if len(items) == 0 {
		return nil
	}
	when := s.now().UnixMilli()
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		for _, o := range items {
			if _, err := s.texts.exec(ctx, tx, finishOutbox, when, o.ID, o.Topic, o.Key); err != nil {
				return err
			}
		}
		return nil
	})
}

// OutboxBacklog counts the rows that are not done, per topic.
func (s *Store) OutboxBacklog(ctx context.Context) (map[string]int, error) {
	backlog := map[string]int{}
	err := s.owed(ctx, "count(*)", func(topic string, n int64) { backlog[topic] += int(n) })
	return backlog, err
}

// OldestOwed is since when the oldest row of each topic is owed that is not done.
func (s *Store) OldestOwed(ctx context.Context) (map[string]time.Time, error) {
	oldest := map[string]time.Time{}
	err := s.owed(ctx, "min(created_at)", func(topic string, ms int64) {
		at := time.UnixMilli(ms).UTC()
		if known, ok := oldest[topic]; !ok || at.Before(known) {
			oldest[topic] = at
		}
	})
	return oldest, err
}

// owed reads a number of the rows that are not done: of each topic at most twice, of those
// that are queued and of those that are not, so that each is answered from its partial index.
func (s *Store) owed(ctx context.Context, number string, take func(topic string, n int64)) error {
	rows, err := s.db.read.QueryContext(ctx, "SELECT topic, "+number+" FROM outbox WHERE enqueued_at IS NULL AND done_at IS NULL GROUP BY topic "+
		"UNION ALL SELECT topic, "+number+" FROM outbox WHERE enqueued_at IS NOT NULL AND done_at IS NULL GROUP BY topic")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var topic string
		var n int64
		if err := rows.Scan(&topic, &n); err != nil {
			return err
		}
		take(topic, n)
	}
	return rows.Err()
}

// PruneOutbox deletes rows that were done before a moment. The newest row
// stays, so that SQLite gives no id out twice.
func (s *Store) PruneOutbox(ctx context.Context, before time.Time) error {
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewRaw("DELETE FROM outbox WHERE done_at IS NOT NULL AND done_at < ? AND id < (SELECT max(id) FROM outbox)", before.UnixMilli()).Exec(ctx)
		return err
	})
}
