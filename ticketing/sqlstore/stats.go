package sqlstore

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"hotline/ticketing"
)

// Stats counts the tickets created in [From, To).
func (s *Store) Stats(ctx context.Context, f ticketing.Query) (ticketing.TicketStats, error) {
	out := ticketing.TicketStats{OverdueFired: map[ticketing.ClockName]int{}}
	base := func() *bun.SelectQuery { return where(s.db.read.NewSelect().Table(tableOf(f.Partition)), f) }
	count := "count(CASE WHEN %s THEN 1 END)"
	err := base().ColumnExpr("count(*)").
		ColumnExpr(fmt.Sprintf(count, "accepted_at <> 0")).
		ColumnExpr(fmt.Sprintf(count, "accepted_at <> 0 AND department = '' AND state = 'closed'")).
		ColumnExpr(fmt.Sprintf(count, "department <> ''")).
		ColumnExpr(fmt.Sprintf(count, "resolved_at <> 0")).
		ColumnExpr(fmt.Sprintf(count, "state IN ('closed', 'archived')")).
		ColumnExpr(fmt.Sprintf(count, "state = 'cancelled'")).
		Scan(ctx, &out.Created, &out.Accepted, &out.Direct, &out.Dispatched, &out.Resolved, &out.Closed, &out.Cancelled)
	if err != nil {
		return out, err
	}
	for _, g := range []struct {
		expr string
		into *map[string]int
	}{
		{"state", &out.ByState}, {"type", &out.ByType}, {"category", &out.ByCategory}, {"district", &out.ByDistrict},
		{"department", &out.ByDepartment}, {"channel", &out.ByChannel},
	} {
		if *g.into, err = s.groups(ctx, base(), g.expr); err != nil {
			return out, err
		}
	}
	if out.ByDay, err = s.days(ctx, base()); err != nil {
		return out, err
	}
	fired, err := s.groups(ctx, s.db.read.NewSelect().Table("deadlines").Where("overdue_fired IS NOT NULL").
		Where("ticket_id IN (?)", base().Column("id")), "clock")
	if err != nil {
		return out, err
	}
	for clock, n := range fired {
		out.OverdueFired[ticketing.ClockName(clock)] = n
	}
	late := ticketing.Query{Scope: f.Scope, ScopeOn: f.ScopeOn, Partition: f.Partition, Bounds: f.Bounds, Now: f.Now}
	late.Overdue = true
	return out, where(s.db.read.NewSelect().Table(tableOf(f.Partition)).ColumnExpr("count(*)"), late).Scan(ctx, &out.OverdueNow)
}

// People counts the people behind tickets.
func (s *Store) People(ctx context.Context, f ticketing.Query) (ticketing.PeopleFigures, error) {
	out := ticketing.PeopleFigures{Sizes: map[int]int{}}
	each := where(s.db.read.NewSelect().Table(tableOf(f.Partition)), f).Column("person").ColumnExpr("count(*) AS n").GroupExpr("person")
	rows, err := s.db.read.NewSelect().TableExpr("(?) AS each_person", each).ColumnExpr("person = '' AS unknown").Column("n").ColumnExpr("count(*)").GroupExpr("1, 2").Rows(ctx)
	if err != nil {
		return out, err
	}
	defer rows.Close()
	for rows.Next() {
		var unknown bool
		var n, people int
		if err := rows.Scan(&unknown, &n, &people); err != nil {
			return out, err
		}
		out.Tickets += n * people
		if unknown {
			out.Unknown += n
			continue
		}
		out.People += people
		out.Sizes[n] += people
	}
	return out, rows.Err()
}

// groups counts by a column; rows without a value are left out.
func (s *Store) groups(ctx context.Context, q *bun.SelectQuery, column string) (map[string]int, error) {
	counts := map[string]int{}
	rows, err := q.ColumnExpr("?", bun.Ident(column)).ColumnExpr("count(*)").Where("? <> ''", bun.Ident(column)).
		GroupExpr("?", bun.Ident(column)).Rows(ctx)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		var n int
		if err := rows.Scan(&key, &n); err != nil {
			return nil, err
		}
		counts[key] = n
	}
	return counts, rows.Err()
}

// days counts by day in the hotline's zone.
func (s *Store) days(ctx context.Context, q *bun.SelectQuery) (map[string]int, error) {
	const dayMS = int64(24 * time.Hour / time.Millisecond)
	_, offset := time.Time{}.In(ticketing.Shanghai()).Zone()
	rows, err := q.ColumnExpr("(created_at + ?) / ? AS day", int64(offset)*1000, dayMS).ColumnExpr("count(*)").GroupExpr("1").Rows(ctx)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	counts := map[string]int{}
	for rows.Next() {
		var day int64
		var n int
		if err := rows.Scan(&day, &n); err != nil {
			return nil, err
		}
		counts[time.UnixMilli(day*dayMS).UTC().Format(time.DateOnly)] = n
	}
	return counts, rows.Err()
}

// Tallies counts tickets by time, district and category.
func (s *Store) Tallies(ctx context.Context, from, to time.Time, unit time.Duration) ([]ticketing.Tally, error) {
	_, offset := time.Time{}.In(ticketing.Shanghai()).Zone()
	shift, step := int64(offset)*1000, unit.Milliseconds()
	rows, err := s.db.read.NewSelect().Table(tableOf("")).
		ColumnExpr("(created_at + ?) / ? AS part", shift, step).Column("district", "category").ColumnExpr("count(*)").
		Where("created_at >= ? AND created_at < ?", from.UnixMilli(), to.UnixMilli()).Where("number IS NOT NULL AND state <> ?", string(ticketing.Cancelled)).
		GroupExpr("1, 2, 3").OrderExpr("1, 2, 3").Rows(ctx)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []ticketing.Tally
	for rows.Next() {
		var part int64
		var t ticketing.Tally
		if err := rows.Scan(&part, &t.District, &t.Category, &t.Count); err != nil {
			return nil, err
		}
		t.At = time.UnixMilli(part*step - shift).In(ticketing.Shanghai())
		list = append(list, t)
	}
	return list, rows.Err()
}
