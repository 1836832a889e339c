package warning

import (
	"context"
	"math"
	"time"
)

// Grown is a topic that got tickets.
type Grown struct {
	Topic   string // id
	Series  Series // the leaf and the district that most of its tickets have
	Words   []string
	Place   string
	Days    []int    // tickets of each of the days before, the oldest first, none before the topic began
	Today   int      // people of the last 24 hours: who reports again does not count again
	Tickets []string // of the last 24 hours, the newest first
	First   time.Time
	Watched int     // topics that are watched in all
	Usual   int     // that a day of some topic brings often enough: only more is warned of
	Chart   []Point // of those days
}

// FewestOfTopic is how many tickets of a day are warned of at least.
const FewestOfTopic = 5

// What a topic that is new is expected to bring: half a ticket in four weeks.
const (
	priorTickets = 0.5
	priorDays    = 28.0
)

// Topic warns of a topic of which more came in a day than it, or a new one, is used to.
// The count of a day is negative binomial: the posterior of a Poisson rate under a
// gamma prior.
func (k Keeper) Topic(ctx context.Context, g Grown, budget float64, now time.Time) error {
	least := max(FewestOfTopic, g.Usual+1)
	if g.Today < least {
		return nil
	}
	level := budget / float64(max(g.Watched, 1))
	before := 0
	for _, n := range g.Days {
		before += n
	}
	shape, days := priorTickets+float64(before), priorDays+float64(len(g.Days))
	chance := reaches(g.Today, shape, days)
	if chance > level {
		return nil
	}
	page, err := k.Store.Alerts(ctx, Filter{Topic: g.Topic, Limit: 10})
	if err != nil {
		return err
	}
	open, past := current(page.Items, OfTopic, now, k.Again)
	if open != nil && (open.State == False || open.Observed >= g.Today) {
		return nil
	}
	upper := least
	for reaches(upper, shape, days) > level {
		upper++
	}
	found := Alert{
		Kind: OfTopic, Series: g.Series, Topic: g.Topic, From: now.Add(-24 * time.Hour), Until: now, UpdatedAt: now, Expected: shape / days,
		Observed: g.Today, Upper: float64(upper), Days: 1, Score: -math.Log10(math.Max(chance, 1e-300)), Level: level, FirstSeen: g.First,
		Tickets: g.Tickets[:min(len(g.Tickets), MostMembers)], Members: len(g.Tickets), Words: g.Words, Past: past, Chart: g.Chart,
	}
	if g.Place != "" {
		found.Places = []Count{{g.Place, len(g.Tickets)}}
	}
	return k.keep(ctx, found, open, now)
}

// reaches is how probable n or more in a day are, of a negative binomial of a shape, when
// there were so many days.
func reaches(n int, shape, days float64) float64 {
	p := days / (days + 1)
	one := math.Pow(p, shape) // of none
	below := 0.0
	for i := range n {
		below += one
		one *= (shape + float64(i)) / float64(i+1) * (1 - p)
	}
	if below < 1-1e-9 {
		return 1 - below
	}
	tail := 0.0 // summed from its beginning, where 1 - below has no digits left
	for i := n; one > tail*1e-12 && i < n+10_000; i++ {
		tail += one
		one *= (shape + float64(i)) / float64(i+1) * (1 - p)
	}
	return tail
}
