package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"hotline/cmd/city"
	"hotline/cmd/hotline/drill"
	"hotline/cmd/hotline/engines"
	"hotline/search/warning"
	"hotline/ticketing"
	"hotline/ticketing/sla"
)

// benchWarning fills a database with the tickets of a metropolis, as they are after two years.
func benchWarning(ctx context.Context, r *run) error {
	s, err := r.setup(ctx, "warning")
	if err != nil {
		return err
	}
	if err := s.Prepare(ctx, city.Sample(), 0); err != nil {
		return err
	}
	written := min(r.tickets, writtenEach)
	times := r.tickets / written
	if _, err := fillMetropolis(ctx, r, s, history{engine: "sqlite", tickets: written, ready: 1}); err != nil {
		return err
	}
	if err := copyTickets(ctx, s, times-1); err != nil {
		return err
	}
	r.say("early warning: %d tickets, of which %d were written and the others are copies at other hours", times*written, written)
	return watch(ctx, r, s)
}

// writtenEach is how many tickets are written one by one: what is looked at are counts.
const writtenEach = 200_000

// copyTickets puts copies of all tickets beside them, some hours earlier each time, without
// what is sealed for each.
func copyTickets(ctx context.Context, s drill.Setup, times int) (err error) {
	e, err := s.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	db := e.Store.DB().SQL()
	var columns string
	if err := db.QueryRowContext(ctx, "SELECT group_concat('\"' || name || '\"') FROM pragma_table_info('tickets')").Scan(&columns); err != nil {
		return err
	}
	for i := range times {
		values := strings.NewReplacer(
			`"id"`, fmt.Sprintf("id || '-%d'", i), `"number"`, fmt.Sprintf("CASE number WHEN '' THEN '' ELSE substr(number, 1, 9) || '%d' || substr(number, 10) END", i+1),
			`"created_at"`, fmt.Sprintf("created_at - %d", (i+1)*7*3_600_000), `"box"`, "NULL",
		).Replace(columns)
		query := "INSERT INTO tickets (" + columns + ") SELECT " + values + " FROM tickets WHERE instr(substr(id, 37), '-') = 0" //nolint:gosec // of the table's own columns
		if _, err := db.ExecContext(ctx, query); err != nil {
			return fmt.Errorf("copy tickets: %w", err)
		}
	}
	return nil
}

// watch measures the looks of the early warning over all tickets, each of which
// has to be done before the next, and what the last digits of a telephone number find.
func watch(ctx context.Context, r *run, s drill.Setup) (err error) {
	e, err := s.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	raised := 0
	keeper := warning.Keeper{Store: e.Alerts, Again: 72 * time.Hour, NewID: ticketing.NewID, Raised: func(context.Context, warning.Alert) error {
		raised++
		return nil
	}}
	watched := warning.NewWatch(engines.Counts{Store: e.Store, Tickets: e.Tickets}, keeper, warning.Settings{Zone: ticketing.Shanghai(), Workday: sla.DefaultCalendar().Workday})
	began := time.Now()
	if err := watched.Look(ctx, began); err != nil {
		return err
	}
	first := time.Since(began)
	looks, err := timed(40, func(int) error { return watched.Look(ctx, time.Now()) })
	if err != nil {
		return err
	}
	r.say("early warning: %d series, %d alerts, %.1f s for the first look of a day", watched.Watched(), raised, first.Seconds())
	random := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // the same digits in every run
	found := 0
	tails, err := timed(400, func(int) error {
		ids, err := e.Tickets.OfTail(ctx, agent(), fmt.Sprintf("%04d", random.IntN(10_000)))
		found += len(ids)
		return err
	})
	if err != nil {
		return err
	}
	r.say("last digits of a number: %.0f tickets each", float64(found)/400)
	r.add(Figure{
		Name: "warning_look_p99", Value: millis(percentile(looks, .99)), Unit: "ms", Goal: 1000,
		Baseline: millis(first), BaselineName: "the first look of a day, which learns two years",
	})
	r.add(Figure{
		Name: "warning_last_digits_p99", Value: millis(percentile(tails, .99)), Unit: "ms", Goal: 50,
		Baseline: millis(percentile(tails, .5)), BaselineName: "the median",
	})
	return nil
}
