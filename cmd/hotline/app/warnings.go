package app

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"

	"hotline/jobs"
	"hotline/search/warning"
	"hotline/ticketing"
)

// lookEvery is the time between two looks at the counts: a supervisor is told within a
// minute of the ticket that raised an alert.
const (
	lookEvery   = 15 * time.Second
	lookTimeout = 5 * time.Minute // the first look of a day learns from years
)

// earlyWarning is the periodic look at the counts, by one node at a time.
func (a *App) earlyWarning() jobs.Schedule {
	days := newWorkdays(a.Engines.Tickets, a.log, time.Now)
	watch := warning.NewWatch(counts{a.Engines.Store, a.Engines.Tickets}, a.alertKeeper(), warning.Settings{
		Log: a.log, Zone: ticketing.Shanghai(), Workday: days.Workday,
	})
	return jobs.Schedule{Name: "early-warning", Every: lookEvery, Timeout: lookTimeout, Run: func(ctx context.Context) error {
		return watch.Look(ctx, time.Now())
	}}
}

// quietFor is the silence after which there is a new alert.
const quietFor = 72 * time.Hour

// alertKeeper tells supervisors and analysts of new alerts.
func (a *App) alertKeeper() warning.Keeper {
	return warning.Keeper{Store: a.Engines.Alerts, Again: quietFor, NewID: ticketing.NewID, Raised: func(ctx context.Context, found warning.Alert) error {
		return a.Engines.Tickets.Tell(ctx, ticketing.LiveHotspotRaised, found.ID, "role:"+string(ticketing.RoleSupervisor), "role:"+string(ticketing.RoleAnalyst))
	}}
}

// counts is what the early warning sees of the tickets.
type counts struct {
	store   ticketing.Store
	tickets *ticketing.Service
}

// Tallies implements warning.Source.
func (c counts) Tallies(ctx context.Context, from, to time.Time, unit time.Duration) ([]warning.Tally, error) {
	list, err := c.store.Tallies(ctx, from, to, unit)
	if err != nil {
		return nil, err
	}
	out := make([]warning.Tally, len(list))
	for i, t := range list {
		out[i] = warning.Tally(t)
	}
	return out, nil
}

// Members implements warning.Source. No person's name is in what it gives: texts are
// those that an index may keep.
func (c counts) Members(ctx context.Context, s warning.Series, categories []string, from, to time.Time, limit int) ([]warning.Member, int, error) {
	f := ticketing.Filter{Categories: categories, From: from, To: to, Sort: ticketing.SortNewest, Limit: limit}
	if s.District != "" {
		f.Districts = []string{s.District}
	}
	page, err := c.store.Tickets(ctx, ticketing.Query{Filter: f})
	if err != nil {
		return nil, 0, fmt.Errorf("tickets of a series: %w", err)
	}
	var members []warning.Member
	for _, t := range page.Items {
		if t.Number == "" || t.State == ticketing.Cancelled {
			page.Total--
			continue
		}
		t = t.Nameless()
		members = append(members, warning.Member{ID: t.ID, At: t.CreatedAt, Title: t.Appeal.Title, Text: t.Appeal.Description, Place: placeOf(t.Appeal.Address)})
	}
	return members, page.Total, nil
}

// placeOf is an address without the number of a house and what follows.
func placeOf(address string) string {
	if i := strings.IndexFunc(address, unicode.IsDigit); i >= 0 {
		address = address[:i]
	}
	return strings.TrimSpace(address)
}

// Families implements warning.Source: the topmost ancestor of each leaf.
func (c counts) Families(ctx context.Context) (map[string]string, error) {
	city, err := c.tickets.City(ctx)
	if err != nil {
		return nil, err
	}
	return city.Families(), nil
}
