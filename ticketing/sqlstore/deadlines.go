package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/uptrace/bun"

	"hotline/ticketing"
)

// FireDeadlines claims what is due, and writes what fire makes of it, in one
// transaction; see ticketing.Store. Several nodes may call it at once: on
// PostgreSQL each takes rows that no other holds.
func (s *Store) FireDeadlines(ctx context.Context, now time.Time, limit int, fire func([]ticketing.Due) []ticketing.Change) (int, error) {
	// Looked up outside first: four times a second there is nothing to do, and
	// that must not cost a write.
	next, ok, err := s.NextDeadline(ctx)
	if err != nil || !ok || next.After(now) {
		return 0, err
	}
	var fired int
	var changes []ticketing.Change
	err = s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		fired, changes = 0, nil
		due, err := s.claim(ctx, tx, now, limit)
		if err != nil || len(due) == 0 {
			return err
		}
		changes = fire(due)
		for _, c := range changes {
			p, err := s.plan(c)
			if err != nil {
				return err
			}
			if err := p.write(ctx, tx); err != nil {
				return err
			}
		}
		fired = len(due)
		return nil
	})
	if err != nil {
		return 0, err
	}
	s.hub.wake(topicsOf(changes...)...)
	return fired, nil
}

// claim marks up to limit rows as fired and reads their tickets.
func (s *Store) claim(ctx context.Context, tx bun.Tx, now time.Time, limit int) ([]ticketing.Due, error) {
	q := tx.NewSelect().Table("deadlines").Column("ticket_id", "clock", "run", "level", "due_at").
		Where("fired_at IS NULL AND due_at <= ?", now.UnixMilli()).OrderExpr("due_at").Limit(int64(limit))
	if s.db.dialect == Postgres {
		q = q.For("UPDATE SKIP LOCKED")
	}
	var due []ticketing.Due
	ids := map[string]struct{}{}
	rows, err := q.Rows(ctx)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var d ticketing.Deadline
		var run, when int64
		if err := rows.Scan(&d.TicketID, &d.Clock, &run, &d.Level, &when); err != nil {
			return nil, err
		}
		d.Run, d.DueAt = at(run), at(when)
		due = append(due, ticketing.Due{Deadline: d})
		ids[d.TicketID] = struct{}{}
	}
	if err := rows.Err(); err != nil || len(due) == 0 {
		return nil, err
	}
	if err := rows.Close(); err != nil {
		return nil, err
	}
	fired := s.now().UnixMilli()
	for _, d := range due {
		_, err := tx.NewRaw("UPDATE deadlines SET fired_at = ? WHERE ticket_id = ? AND clock = ? AND run = ? AND level = ?",
			fired, d.Deadline.TicketID, string(d.Deadline.Clock), ms(d.Deadline.Run), string(d.Deadline.Level)).Exec(ctx)
		if err != nil {
			return nil, err
		}
	}
	return due, s.attach(ctx, tx, due, ids)
}

// attach reads the tickets of what is due.
func (s *Store) attach(ctx context.Context, tx bun.Tx, due []ticketing.Due, ids map[string]struct{}) error {
	list := make([]string, 0, len(ids))
	for id := range ids {
		list = append(list, id)
	}
	tickets, err := readTickets(ctx, tx.NewSelect().Table("tickets").ColumnExpr(ticketColumns).Where("id IN (?)", bun.List(list)))
	if err != nil {
		return err
	}
	byID := map[string]ticketing.Ticket{}
	for _, t := range tickets {
		byID[t.ID] = t
	}
	for i := range due {
		due[i].Ticket = byID[due[i].Deadline.TicketID]
	}
	return nil
}

// NextDeadline is when the next unfired deadline comes.
func (s *Store) NextDeadline(ctx context.Context) (time.Time, bool, error) {
	var next sql.NullInt64
	err := s.db.read.QueryRowContext(ctx, "SELECT min(due_at) FROM deadlines WHERE fired_at IS NULL").Scan(&next)
	return at(next.Int64), next.Valid, err
}

// Deadlines lists a ticket's deadlines and when they fired, for those who check.
func (s *Store) Deadlines(ctx context.Context, ticketID string) ([]ticketing.FiredDeadline, error) {
	rows, err := s.db.read.NewSelect().Table("deadlines").Column("clock", "run", "level", "due_at", "fired_at").
		Where("ticket_id = ?", ticketID).OrderExpr("due_at, clock, level").Rows(ctx)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []ticketing.FiredDeadline
	for rows.Next() {
		d := ticketing.FiredDeadline{Deadline: ticketing.Deadline{TicketID: ticketID}}
		var run, due int64
		var fired sql.NullInt64
		if err := rows.Scan(&d.Clock, &run, &d.Level, &due, &fired); err != nil {
			return nil, err
		}
		d.Run, d.DueAt, d.FiredAt = at(run), at(due), at(fired.Int64)
		list = append(list, d)
	}
	return list, rows.Err()
}
