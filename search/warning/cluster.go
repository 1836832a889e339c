package warning

import (
	"context"
	"math"
	"slices"
	"time"
)

// Cluster is places near one another about which more came of late than their past and the
// days account for.
type Cluster struct {
	Category string
	Days     int // the last ones
	From     time.Time
	Observed int
	Expected float64
	Chance   float64 // of one as striking anywhere
	Level    float64 // from which on it is warned of
	Members  []Member
}

// Cluster warns of places, or continues the alert that has the same tickets.
func (k Keeper) Cluster(ctx context.Context, c Cluster, now time.Time) error {
	if c.Chance > c.Level || len(c.Members) == 0 {
		return nil
	}
	page, err := k.Store.Alerts(ctx, Filter{Series: &Series{Category: c.Category}, Limit: 20})
	if err != nil {
		return err
	}
	found := Alert{
		Kind: OfPlace, Series: Series{Category: c.Category}, From: c.From, Until: now, UpdatedAt: now, Expected: c.Expected, Observed: c.Observed, Upper: float64(c.Observed),
		Days: c.Days, Score: -math.Log10(c.Chance), Level: c.Level, Members: c.Observed, Places: placesOf(c.Members), Words: telling(c.Members, nil), FirstSeen: now,
	}
	for _, m := range c.Members {
		found.Tickets = append(found.Tickets, m.ID)
		found.FirstSeen = earlier(found.FirstSeen, m.At)
	}
	others := slices.DeleteFunc(page.Items, func(a Alert) bool { return a.Kind != OfPlace || shared(a.Tickets, found.Tickets) < sameShare })
	open, past := current(others, OfPlace, now, k.Again)
	if open != nil && (open.State == False || open.Observed >= c.Observed) {
		return nil
	}
	found.Past = past
	return k.keep(ctx, found, open, now)
}
