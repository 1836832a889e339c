package ticketing

import (
	"slices"
	"time"
)

// freeze keeps a stopped clock as it is: a later change of policy, calendar or
// appeal never moves it.
func freeze(before, derived []Clock) []Clock {
	for i, c := range derived {
		for _, at := range []*time.Time{&c.StartedAt, &c.YellowAt, &c.RedAt, &c.DueAt, &c.StoppedAt, &c.PausedAt} {
			*at = at.UTC() // as they will be read from the store
		}
		derived[i] = c
		for _, old := range before {
			if old.Key() == c.Key() && !old.StoppedAt.IsZero() && old.StoppedAt.Equal(c.StoppedAt) && old.StartedAt.Equal(c.StartedAt) {
				derived[i] = old
			}
		}
	}
	return derived
}

// deadlines compares the clocks before and after: a clock that moved, stopped
// or started loses its unfired deadlines and gets those it has now.
func deadlines(before, next Ticket) (drop []string, put []Deadline) {
	old := map[string]Clock{}
	for _, c := range before.Clocks {
		old[c.Key()] = c
	}
	for _, c := range next.Clocks {
		was, had := old[c.Key()]
		delete(old, c.Key())
		if had && same(was, c) {
			continue
		}
		if had {
			drop = append(drop, c.Key())
		}
		if !c.Running() || c.Quiet {
			continue
		}
		for _, d := range []Deadline{{Level: Yellow, DueAt: c.YellowAt}, {Level: Red, DueAt: c.RedAt}, {Level: Overdue, DueAt: c.DueAt}} {
			if !d.DueAt.IsZero() {
				d.TicketID, d.Clock, d.Department, d.Run = next.ID, c.Name, c.Department, c.StartedAt
				put = append(put, d)
			}
		}
	}
	for key := range old {
		drop = append(drop, key)
	}
	slices.Sort(drop)
	return drop, put
}

func same(a, b Clock) bool {
	return a.StartedAt.Equal(b.StartedAt) && a.StoppedAt.Equal(b.StoppedAt) && a.DueAt.Equal(b.DueAt) &&
		a.YellowAt.Equal(b.YellowAt) && a.RedAt.Equal(b.RedAt) && a.PausedAt.Equal(b.PausedAt) && a.Quiet == b.Quiet
}
