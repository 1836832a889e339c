package sqlstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"hotline/ticketing"
)

// EndedBefore reads what is due to lose its person; see ticketing.Store.
func (s *Store) EndedBefore(ctx context.Context, partition string, types []ticketing.AppealType, before time.Time, after string, limit int) ([]ticketing.Ticket, error) {
	if len(types) == 0 {
		return nil, nil
	}
	q := s.selectTickets(partition).Where("id > ?", after).Where("box IS NOT NULL").Where("type IN (?)", bun.List(types)).
		Where("state IN ('closed', 'archived', 'cancelled', 'merged', 'draft')").
		Where("COALESCE(NULLIF(closed_at, 0), updated_at) <= ?", before.UnixMilli())
	return s.readTickets(ctx, tableOf(partition), q.OrderExpr("id").Limit(int64(limit)))
}

// IdlePersons are those of whom nothing is kept but what is old; see ticketing.Store.
func (s *Store) IdlePersons(ctx context.Context, before time.Time, after string, limit int) ([]string, error) {
	var ids []string
	err := s.db.read.NewRaw("SELECT id FROM persons AS p WHERE id > ? AND erased_at = 0 AND used_at <= ? "+
		"AND NOT EXISTS (SELECT 1 FROM tickets WHERE person = p.id AND person <> '' AND box IS NOT NULL) "+
		"AND NOT EXISTS (SELECT 1 FROM sealed_tickets WHERE person = p.id AND person <> '' AND box IS NOT NULL) ORDER BY id LIMIT ?",
		after, before.UnixMilli(), limit).Scan(ctx, &ids)
	return ids, err
}
