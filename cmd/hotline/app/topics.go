package app

import (
	"context"
	"fmt"
	"time"

	"hotline/cmd/hotline/engines"
	"hotline/jobs"
	"hotline/search"
	"hotline/search/gather"
	"hotline/search/warning"
	"hotline/ticketing"
)

// How topics are gathered and watched.
const (
	gatherEvery   = 15 * time.Second
	gatherTimeout = 5 * time.Minute
	topicPast     = 28   // days that a topic's day is compared with
	topicAlerts   = 1.0  // a day that are borne, in the mean, by what the last four weeks brought
	topicChance   = 0.25 // false alerts a day that are borne, were every topic's days independent
	topicsWatched = 200  // at least: how improbable a day has to be does not hang on few
	topicTickets  = 200  // of the last day that are looked at
)

// newGatherer makes the topics of the tickets in the index.
func (a *App) newGatherer() *gather.Gatherer {
	e := a.Engines
	return gather.New(reports{e}, e.Index, e.Alerts, gather.Settings{NewID: ticketing.NewID, Grew: a.topicGrew})
}

// gatherTopics is the periodic look at new tickets, by one node at a time.
func (a *App) gatherTopics() jobs.Schedule {
	return jobs.Schedule{Name: "gather-topics", Every: gatherEvery, Timeout: gatherTimeout, Run: func(ctx context.Context) error {
		return a.gatherer.Look(ctx, time.Now())
	}}
}

// topicGrew warns where more came than is usual, and tells who follows a topic. What may
// fail and be done again comes first.
func (a *App) topicGrew(ctx context.Context, t gather.Topic) error {
	if err := a.warnOfTopic(ctx, t, time.Now()); err != nil {
		return err
	}
	followers, err := a.Engines.Alerts.Followers(ctx, t.ID)
	if err != nil {
		return err
	}
	if len(followers) == 0 {
		return nil
	}
	audiences := make([]string, len(followers))
	for i, user := range followers {
		audiences[i] = "user:" + user
	}
	return a.Engines.Tickets.Tell(ctx, ticketing.LiveTopicGrew, t.ID, audiences...)
}

func (a *App) warnOfTopic(ctx context.Context, t gather.Topic, now time.Time) error {
	store := a.Engines.Alerts
	grown := warning.Grown{
		Topic: t.ID, Series: warning.Series{District: t.District, Category: t.Category}, Words: t.Words, Place: t.PlaceName,
		Days: make([]int, topicPast), First: t.First,
	}
	members, _, err := store.Members(ctx, t.ID, topicTickets)
	if err != nil {
		return err
	}
	for _, m := range members {
		if m.At.After(now.Add(-24 * time.Hour)) {
			grown.Tickets = append(grown.Tickets, m.Ticket)
		}
	}
	if len(grown.Tickets) < warning.FewestOfTopic {
		return nil
	}
	if grown.Today, err = a.peopleOf(ctx, grown.Tickets); err != nil {
		return err
	}
	today := midnight(now)
	from := today.AddDate(0, 0, -topicPast)
	busy, err := store.Busiest(ctx, from, today, int(topicAlerts*topicPast)+1)
	if err != nil {
		return err
	}
	if len(busy) > int(topicAlerts*topicPast) {
		grown.Usual = busy[len(busy)-1].Count
	}
	active, err := store.Topics(ctx, gather.Filter{Since: from, Least: 1, Limit: 1})
	if err != nil {
		return err
	}
	grown.Watched = max(active.Total, topicsWatched)
	days, err := store.Days(ctx, []string{t.ID}, from, now)
	if err != nil {
		return err
	}
	counts := map[string]int{}
	for _, d := range days {
		counts[d.Day] = d.Count
	}
	for i := range grown.Days {
		day := from.AddDate(0, 0, i).Format(time.DateOnly)
		grown.Days[i] = counts[day]
		grown.Chart = append(grown.Chart, warning.Point{Day: day, Count: counts[day]})
	}
	day := today.Format(time.DateOnly)
	grown.Chart = append(grown.Chart, warning.Point{Day: day, Count: counts[day]})
	return a.alertKeeper().Topic(ctx, grown, topicChance, now)
}

// peopleOf is how many people filed some tickets; one that nobody is known of is somebody's.
func (a *App) peopleOf(ctx context.Context, tickets []string) (int, error) {
	list, err := reports{a.Engines}.Reports(ctx, tickets)
	if err != nil {
		return 0, err
	}
	people, unknown := map[string]bool{}, 0
	for _, r := range list {
		if r.Person == "" {
			unknown++
		}
		people[r.Person] = true
	}
	delete(people, "")
	return len(people) + unknown, nil
}

func midnight(t time.Time) time.Time {
	y, m, d := t.In(ticketing.Shanghai()).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, ticketing.Shanghai())
}

// reports is what the topics see of the tickets.
type reports struct{ e *engines.Engines }

// After implements gather.Source.
func (r reports) After(ctx context.Context, number string, limit int) ([]gather.Report, error) {
	list, err := r.e.Store.NumberedAfter(ctx, number, limit)
	if err != nil {
		return nil, fmt.Errorf("tickets by number: %w", err)
	}
	return r.of(list), nil
}

// Reports implements gather.Source.
func (r reports) Reports(ctx context.Context, ids []string) ([]gather.Report, error) {
	list, err := r.e.Store.TicketsByID(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("tickets of topics: %w", err)
	}
	return r.of(list), nil
}

// of leaves out sealed tickets and everybody's name.
func (r reports) of(list []ticketing.Ticket) []gather.Report {
	places := r.e.Lists.Places()
	out := make([]gather.Report, 0, len(list))
	for _, t := range list {
		if t.Partition != "" {
			continue
		}
		person := t.Person
		t = t.Nameless()
		one := gather.Report{
			ID: t.ID, Number: t.Number, Person: person, Title: t.Appeal.Title, Text: t.Appeal.Description, Category: t.Appeal.Category, District: t.Appeal.District,
			At: t.CreatedAt, Accepted: t.AcceptedAt, Bad: t.Rating == 1 || t.Rating == 2, Cancelled: t.State == ticketing.Cancelled || t.Number == "",
		}
		if p := places.ReadBoth(t.Appeal.Address, t.Appeal.Title+"。"+t.Appeal.Description).Place; p != nil {
			one.Place, one.PlaceName, one.Location = p.Key(), p.Name, &search.Point{Lon: p.Lon, Lat: p.Lat}
		}
		out = append(out, one)
	}
	return out
}
