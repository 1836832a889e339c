package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"hotline/ticketing"
)

// FireDeadlines claims what is due on up to limit clocks, and writes what fire makes of it, in one
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
			p, err := s.plan(ctx, c, fresh{})
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

// deadlineRow is one clock's levels: when each comes and when it fired.
type deadlineRow struct {
	ticketID string
	clock    string // its key
	run      int64
	at       [levelCount]sql.NullInt64
	fired    [levelCount]sql.NullInt64
}

const (
	deadlineColumns = "ticket_id, clock, run, yellow_at, red_at, overdue_at, yellow_fired, red_fired, overdue_fired"
	levelCount      = 3
)

func (r deadlineRow) deadline(i int, level ticketing.Level) ticketing.Deadline {
	name, department, _ := strings.Cut(r.clock, "@")
	return ticketing.Deadline{
		TicketID: r.ticketID, Clock: ticketing.ClockName(name), Department: department, Level: level, Run: at(r.run), DueAt: at(r.at[i].Int64),
	}
}

// levels are in the order in which a clock reaches them.
func levels() [levelCount]ticketing.Level {
	return [levelCount]ticketing.Level{ticketing.Yellow, ticketing.Red, ticketing.Overdue}
}

// deadlineRows joins the levels of each run of a clock.
func deadlineRows(list []ticketing.Deadline) [][]any {
	var rows [][]any
	for _, d := range list {
		n := len(rows)
		key := ticketing.Clock{Name: d.Clock, Department: d.Department}.Key()
		if n == 0 || rows[n-1][1] != key || rows[n-1][2] != ms(d.Run) {
			rows = append(rows, []any{d.TicketID, key, ms(d.Run), nil, nil, nil, nil})
			n++
		}
		row := rows[n-1]
		for i, level := range levels() {
			if level == d.Level {
				row[3+i] = ms(d.DueAt)
			}
		}
		if next, ok := row[6].(int64); !ok || ms(d.DueAt) < next {
			row[6] = ms(d.DueAt)
		}
	}
	return rows
}

// putDeadlines lets a level that has not fired move and one that has fired stay.
func putDeadlines() string {
	var moved, open []string
	for _, level := range levels() {
		now := fmt.Sprintf("COALESCE(excluded.%[1]s_at, deadlines.%[1]s_at)", level)
		moved = append(moved, fmt.Sprintf("%[1]s_at = CASE WHEN deadlines.%[1]s_fired IS NULL THEN %[2]s ELSE deadlines.%[1]s_at END", level, now))
		open = append(open, fmt.Sprintf("CASE WHEN deadlines.%s_fired IS NULL THEN %s END", level, now))
	}
	return " ON CONFLICT (ticket_id, clock, run) DO UPDATE SET " + strings.Join(moved, ", ") + ", next_at = COALESCE(" + strings.Join(open, ", ") + ")"
}

// dropDeadlines takes the levels of a clock back that have not fired.
const dropDeadlines = "UPDATE deadlines SET next_at = NULL, " +
	"yellow_at = CASE WHEN yellow_fired IS NULL THEN NULL ELSE yellow_at END, " +
	"red_at = CASE WHEN red_fired IS NULL THEN NULL ELSE red_at END, " +
	"overdue_at = CASE WHEN overdue_fired IS NULL THEN NULL ELSE overdue_at END " +
	"WHERE ticket_id = ? AND clock = ? AND next_at IS NOT NULL"

func readDeadlines(ctx context.Context, q *bun.SelectQuery) ([]deadlineRow, error) {
	rows, err := q.Table("deadlines").ColumnExpr(deadlineColumns).Rows(ctx)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []deadlineRow
	for rows.Next() {
		var r deadlineRow
		if err := rows.Scan(&r.ticketID, &r.clock, &r.run, &r.at[0], &r.at[1], &r.at[2], &r.fired[0], &r.fired[1], &r.fired[2]); err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

// claim marks what is due on up to limit clocks as fired and reads their tickets.
func (s *Store) claim(ctx context.Context, tx bun.Tx, now time.Time, limit int) ([]ticketing.Due, error) {
	q := tx.NewSelect().Where("next_at <= ?", now.UnixMilli()).OrderExpr("next_at").Limit(int64(limit))
	if s.db.dialect == Postgres {
		q = q.For("UPDATE SKIP LOCKED")
	}
	rows, err := readDeadlines(ctx, q)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	fired := sql.NullInt64{Int64: s.now().UnixMilli(), Valid: true}
	var due []ticketing.Due
	ids := map[string]struct{}{}
	for _, r := range rows {
		var next sql.NullInt64
		for i, level := range levels() {
			switch {
			case !r.at[i].Valid || r.fired[i].Valid:
			case r.at[i].Int64 <= now.UnixMilli():
				r.fired[i] = fired
				due = append(due, ticketing.Due{Deadline: r.deadline(i, level)})
			case !next.Valid || r.at[i].Int64 < next.Int64:
				next = r.at[i]
			}
		}
		ids[r.ticketID] = struct{}{}
		_, err := tx.NewRaw("UPDATE deadlines SET yellow_fired = ?, red_fired = ?, overdue_fired = ?, next_at = ? WHERE ticket_id = ? AND clock = ? AND run = ?",
			r.fired[0], r.fired[1], r.fired[2], next, r.ticketID, r.clock, r.run).Exec(ctx)
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
	byID := map[string]ticketing.Ticket{}
	for _, table := range []string{openTable, sealedTable} {
		tickets, err := s.readTickets(ctx, table, tx.NewSelect().Table(table).ColumnExpr(columnsOf(table)).Where("id IN (?)", bun.List(list)))
		if err != nil {
			return err
		}
		for _, t := range tickets {
			byID[t.ID] = t
		}
		if len(byID) == len(list) {
			break
		}
	}
	for i := range due {
		due[i].Ticket = byID[due[i].Deadline.TicketID]
	}
	return nil
}

// NextDeadline is when the next unfired deadline comes.
func (s *Store) NextDeadline(ctx context.Context) (time.Time, bool, error) {
	var next sql.NullInt64
	err := s.db.read.QueryRowContext(ctx, "SELECT min(next_at) FROM deadlines WHERE next_at IS NOT NULL").Scan(&next)
	return at(next.Int64), next.Valid, err
}

// Deadlines lists a ticket's deadlines and when they fired, for those who check.
func (s *Store) Deadlines(ctx context.Context, ticketID string) ([]ticketing.FiredDeadline, error) {
	rows, err := readDeadlines(ctx, s.db.read.NewSelect().Where("ticket_id = ?", ticketID).OrderExpr("run, clock"))
	if err != nil {
		return nil, err
	}
	var list []ticketing.FiredDeadline
	for _, r := range rows {
		for i, level := range levels() {
			if r.at[i].Valid {
				list = append(list, ticketing.FiredDeadline{
					Deadline: r.deadline(i, level), FiredAt: at(r.fired[i].Int64),
				})
			}
		}
	}
	return list, nil
}
