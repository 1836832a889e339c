package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"time"

	"hotline/cmd/city"
	"hotline/cmd/hotline/drill"
	"hotline/cmd/hotline/engines"
	"hotline/ticketing"
	"hotline/ticketing/sla"
)

// perTicket is how many events a ticket of a metropolis has on average.
const perTicket = 10

// benchMetropolis measures the desk of a city with years behind it: a million
// tickets with ten million events, on the embedded database.
func benchMetropolis(ctx context.Context, r *run) error {
	s, err := r.setup(ctx, "metropolis")
	if err != nil {
		return err
	}
	return metropolis(ctx, r, s, "sqlite")
}

// benchMetropolisPostgres is benchMetropolis on the PostgreSQL that is named.
func benchMetropolisPostgres(ctx context.Context, r *run) (err error) {
	admin := os.Getenv("HOTLINE_TEST_POSTGRES")
	if admin == "" {
		r.say("metropolis-postgres is left out: HOTLINE_TEST_POSTGRES is not set")
		return nil
	}
	s, err := r.setup(ctx, "metropolis-postgres")
	if err != nil {
		return err
	}
	u, err := url.Parse(admin)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("hotline_bench_%d", os.Getpid())
	psql := func(command string) error {
		out, err := exec.CommandContext(context.WithoutCancel(ctx), "psql", admin, "-v", "ON_ERROR_STOP=1", "-c", command).CombinedOutput() //nolint:gosec // the name is ours
		if err != nil {
			return fmt.Errorf("psql: %w: %s", err, out)
		}
		return nil
	}
	if err := psql("CREATE DATABASE " + name); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, psql("DROP DATABASE "+name+" WITH (FORCE)")) }()
	u.Path = "/" + name
	s.Store = u.String()
	return metropolis(ctx, r, s, "postgres")
}

// metropolis fills a database and measures on it.
func metropolis(ctx context.Context, r *run, s drill.Setup, engine string) error {
	if err := s.Prepare(ctx, city.Sample(), 0); err != nil {
		return err
	}
	const warm, counted = 500, 5_000
	ids, err := fillMetropolis(ctx, r, s, history{engine: engine, tickets: r.tickets, events: true, ready: 2 * (warm + counted)})
	if err != nil {
		return err
	}
	if err := deskOfMetropolis(ctx, r, s, engine); err != nil {
		return err
	}
	if err := acceptsOfMetropolis(ctx, r, s, "metropolis_accept_"+engine, ids[:warm+counted], warm); err != nil || engine == "sqlite" {
		return err
	}
	// Where the database is a server, so is the node that routes and indexes.
	s.Roles = "sip,web"
	return acceptsOfMetropolis(ctx, r, s, "metropolis_accept_apart_"+engine, ids[warm+counted:], warm)
}

// acceptsOfMetropolis measures a node that accepts tickets, workers at work
// beside it where its roles have them.
func acceptsOfMetropolis(ctx context.Context, r *run, s drill.Setup, name string, ids []string, warm int) error {
	server, err := s.Start(ctx)
	if err != nil {
		return err
	}
	rate, err := acceptOver(ctx, server.URL(), ids, warm)
	if err := errors.Join(err, server.Stop()); err != nil {
		return err
	}
	r.add(Figure{
		Name: name, Value: rate, Unit: "tickets/s", Goal: 1000, HigherIsBetter: true,
		Baseline: 12.5, BaselineName: "Request Tracker 5 on such a machine, as measured before",
	})
	return nil
}

func acceptOver(ctx context.Context, base string, ids []string, warm int) (float64, error) {
	c := newClient(base)
	if err := c.signIn(ctx, "agent1"); err != nil {
		return 0, err
	}
	const clients = 64
	if err := each(clients, warm, c.accepting(ctx, ids[:warm])); err != nil {
		return 0, err
	}
	began := time.Now()
	err := each(clients, len(ids)-warm, c.accepting(ctx, ids[warm:]))
	return float64(len(ids)-warm) / time.Since(began).Seconds(), err
}

// history is what a metropolis is filled with.
type history struct {
	engine  string
	tickets int
	events  bool // with all that happened to them; else they are as they are now
	ready   int  // drafts that can be accepted
}

// fillMetropolis writes the history, 200 tickets in a transaction, and opens
// drafts that can be accepted.
func fillMetropolis(ctx context.Context, r *run, s drill.Setup, h history) (ids []string, err error) {
	e, err := s.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	to := time.Now().Truncate(time.Hour)
	g, err := city.New(12345, city.Sample(), city.Options{From: to.AddDate(-2, 0, 0), To: to, Count: h.tickets})
	if err != nil {
		return nil, err
	}
	keeper := sla.NewKeeper(sla.DefaultPolicy(), sla.DefaultCalendar())
	began := time.Now()
	events := 0
	batches := make(chan ticketing.Change, 4)
	failed := make(chan error, 1)
	writers := 4
	if h.engine == "sqlite" { // which has one writer; no two make the same citizen then
		writers = 1
	}
	go func() {
		err := each(writers, writers, func(int) error {
			for b := range batches {
				if err := e.Store.Commit(ctx, b); err != nil {
					return err
				}
			}
			return nil
		})
		for range batches { // what is left after a failure
		}
		failed <- err
	}()
	var batch ticketing.Change
	for c := range g.All() {
		change := written(c, keeper, time.Now())
		if !h.events {
			change.Events, change.Deadlines, change.NewCalls = nil, nil, nil
		}
		events += len(change.Events)
		batch.With = append(batch.With, change)
		if len(batch.With) == 200 {
			batches <- batch
			batch = ticketing.Change{}
		}
	}
	batches <- batch
	close(batches)
	if err := <-failed; err != nil {
		return nil, fmt.Errorf("fill: %w", err)
	}
	if e.Store.Shared() { // years of autovacuum have seen what was filled in minutes
		if _, err := e.Store.DB().SQL().ExecContext(ctx, "VACUUM ANALYZE"); err != nil {
			return nil, fmt.Errorf("vacuum: %w", err)
		}
	}
	r.say("metropolis on %s: %d tickets, %d events, filled in %.0f s", h.engine, h.tickets, events, time.Since(began).Seconds())
	return drafts(ctx, e, h.ready)
}

// written is a case as its whole life would have written it.
func written(c city.Case, keeper *sla.Keeper, now time.Time) ticketing.Change {
	t := ticketing.Ticket{
		ID: c.ID, Number: c.Number, State: c.State, Channel: c.Channel, Urgency: c.Urgency, Confidential: c.Confidential, Line: c.Line, Digit: c.Digit,
		Appeal: c.Appeal, Citizen: c.Citizen, Department: c.Department, Operator: c.Operator, Answer: c.Answer, Reopened: c.Reopened, Rating: int(c.Rating),
		CreatedAt: c.ArrivedAt, AcceptedAt: c.AcceptedAt, ResolvedAt: c.ReviewedAt, ClosedAt: c.ClosedAt, UpdatedAt: c.ArrivedAt,
	}
	if c.State == ticketing.Draft || c.State == ticketing.Accepted {
		t.Department = ""
	}
	if c.Call != nil {
		t.Calls = []string{c.Call.ID}
	}
	facts := &ticketing.Facts{Type: c.Appeal.Type, Category: []string{c.Appeal.Category}, Urgency: c.Urgency, Line: c.Line, City: 1}
	var events []ticketing.Event
	add := func(at time.Time, kind, actor string, d ticketing.EventData) {
		if at.IsZero() {
			return
		}
		t.Version++
		t.UpdatedAt = at
		raw, _ := json.Marshal(d) // texts, times and flags alone
		events = append(events, ticketing.Event{TicketID: t.ID, Version: t.Version, Type: kind, At: at, Actor: actor, Data: raw})
	}
	add(c.ArrivedAt, ticketing.EventCreated, "system", ticketing.EventData{Channel: c.Channel, To: ticketing.Draft})
	if c.Call != nil {
		add(c.Call.AnsweredAt, ticketing.EventCallAnswered, "system", ticketing.EventData{CallID: c.Call.ID, Operator: c.Operator})
	}
	if c.Direct {
		add(c.AcceptedAt, ticketing.EventAnswered, c.Operator, ticketing.EventData{Answer: c.Answer, Facts: facts, Number: c.Number})
	} else {
		worked(c, facts, add)
	}
	for len(events) <= perTicket && c.State.Final() {
		add(t.UpdatedAt, ticketing.EventNoted, c.Operator, ticketing.EventData{Note: "市民来电补充情况"})
	}
	t.Clocks = keeper.Clocks(t, events)
	change := ticketing.Change{Ticket: &t, Events: events, NewCalls: t.Calls}
	for _, clock := range t.Clocks {
		for _, d := range []ticketing.Deadline{{Level: ticketing.Yellow, DueAt: clock.YellowAt}, {Level: ticketing.Red, DueAt: clock.RedAt}, {Level: ticketing.Overdue, DueAt: clock.DueAt}} {
			if clock.Running() && d.DueAt.After(now) {
				d.TicketID, d.Clock, d.Run = t.ID, clock.Name, clock.StartedAt
				change.Deadlines = append(change.Deadlines, d)
			}
		}
	}
	return change
}

// worked is the way through a department.
func worked(c city.Case, facts *ticketing.Facts, add func(time.Time, string, string, ticketing.EventData)) {
	clerk, head := "clerk-"+c.Department, "head-"+c.Department
	add(c.AcceptedAt, ticketing.EventAccepted, c.Operator, ticketing.EventData{Facts: facts, Number: c.Number})
	add(c.DispatchedAt, ticketing.EventDispatched, "system", ticketing.EventData{Department: c.Department, DepartmentLevel: 1, Facts: facts, Reason: "派单目录"})
	add(c.SignedAt, ticketing.EventSigned, clerk, ticketing.EventData{Handler: clerk})
	add(c.ContactedAt, ticketing.EventContacted, clerk, ticketing.EventData{Note: "已电话联系"})
	add(c.ResolvedAt, ticketing.EventResolved, clerk, ticketing.EventData{Answer: c.Answer})
	add(c.ReviewedAt, ticketing.EventReviewEndorsed, head, ticketing.EventData{})
	add(c.ReviewedAt, ticketing.EventReviewApproved, "qc1", ticketing.EventData{Answer: c.Answer})
	if c.State.Final() {
		add(c.FollowedAt, ticketing.EventFollowedUp, "follow1", ticketing.EventData{Contacted: &c.Contacted, Solved: &c.Solved, Rating: int(c.Rating), Note: c.FollowUp})
	}
}

// deskOfMetropolis measures what people at desks ask for, one after the other.
func deskOfMetropolis(ctx context.Context, r *run, s drill.Setup, engine string) (err error) {
	e, err := s.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same questions in every run
	var seen []string
	lists, err := timed(400, func(i int) error {
		who, f := asked(random, i)
		page, err := e.Tickets.Tickets(ctx, who, f)
		for _, t := range page.Items {
			seen = append(seen, t.ID)
		}
		return err
	})
	if err != nil {
		return err
	}
	one, err := timed(1000, func(int) error { return opened(ctx, e, seen[random.IntN(len(seen))]) })
	if err != nil {
		return err
	}
	scans, err := timed(1000, func(int) error {
		_, err := e.Tickets.FireDeadlines(ctx, time.Now(), 100)
		return err
	})
	if err != nil {
		return err
	}
	single := percentile(one, .5)
	for _, f := range []struct {
		name  string
		value time.Duration
		goal  float64
	}{{"metropolis_list_p99_", percentile(lists, .99), 50}, {"metropolis_ticket_p99_", percentile(one, .99), 20}, {"metropolis_deadlines_p99_", percentile(scans, .99), 5}} {
		r.add(Figure{
			Name: f.name + engine, Value: millis(f.value), Unit: "ms", Goal: f.goal, Baseline: millis(single), BaselineName: "one ticket with its timeline, median",
		})
	}
	return nil
}

func opened(ctx context.Context, e *engines.Engines, id string) error {
	if _, err := e.Tickets.Ticket(ctx, agent(), id); err != nil {
		return err
	}
	_, err := e.Tickets.Timeline(ctx, agent(), id)
	return err
}

// asked is a list that somebody may want, each kind in turn.
func asked(random *rand.Rand, i int) (ticketing.Actor, ticketing.Filter) {
	sample := city.Sample()
	department := sample.Departments[random.IntN(len(sample.Departments))].Code
	district := sample.Districts[random.IntN(len(sample.Districts))].Code
	category := sample.Categories[random.IntN(len(sample.Categories))].Code
	clerk := ticketing.Actor{UserID: "clerk-" + department, Roles: []ticketing.Role{ticketing.RoleClerk}, Department: department, Departments: []string{department}}
	from := time.Now().Add(-time.Duration(random.IntN(300*24)) * time.Hour)
	switch i % 10 {
	case 0:
		return agent(), ticketing.Filter{}
	case 1:
		return agent(), ticketing.Filter{States: []ticketing.State{ticketing.InProgress}, Sort: ticketing.SortDue}
	case 2:
		return agent(), ticketing.Filter{Departments: []string{department}, Categories: []string{category}}
	case 3:
		return agent(), ticketing.Filter{Districts: []string{district}, Types: []ticketing.AppealType{ticketing.Complaint}}
	case 4:
		return agent(), ticketing.Filter{Overdue: true, Sort: ticketing.SortDue}
	case 5:
		return clerk, ticketing.Filter{}
	case 6:
		return clerk, ticketing.Filter{States: []ticketing.State{ticketing.Dispatched, ticketing.InProgress}, Sort: ticketing.SortDue}
	case 7:
		return agent(), ticketing.Filter{From: from, To: from.Add(7 * 24 * time.Hour), Categories: []string{category}}
	case 8:
		return agent(), ticketing.Filter{Urgencies: []ticketing.Urgency{ticketing.Critical}, Districts: []string{district}}
	}
	return agent(), ticketing.Filter{Operator: "agent1", Channels: []ticketing.Channel{ticketing.ByPhone}}
}

// timed does something a number of times and keeps how long each took.
func timed(n int, do func(i int) error) ([]time.Duration, error) {
	list := make([]time.Duration, n)
	for i := range n {
		began := time.Now()
		if err := do(i); err != nil {
			return nil, err
		}
		list[i] = time.Since(began)
	}
	return list, nil
}
