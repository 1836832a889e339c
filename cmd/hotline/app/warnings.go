package app

import (
	"context"
	"time"

	"hotline/cmd/hotline/engines"
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
	watch := warning.NewWatch(engines.Counts{Store: a.Engines.Store, Tickets: a.Engines.Tickets}, a.alertKeeper(), warning.Settings{
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
