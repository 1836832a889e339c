package app

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"hotline/jobs"
	"hotline/search"
	"hotline/search/address"
	"hotline/search/hotspot/scan"
	"hotline/search/warning"
	"hotline/ticketing"
)

// How places are scanned.
const (
	scanEvery   = 30 * time.Minute
	scanTimeout = 10 * time.Minute
	scanPast    = 56    // days
	scanLevel   = 0.002 // chance of a family's most striking cluster from which on it is warned of
	scanFewest  = 20    // reports of a family with a place, below which nothing can stand out
	scanTickets = 200   // of a cluster that are named
)

// scanPlaces is the periodic look for places of which more comes, by one node at a time.
func (a *App) scanPlaces() jobs.Schedule {
	return jobs.Schedule{Name: "scan-places", Every: scanEvery, Timeout: scanTimeout, Run: func(ctx context.Context) error {
		return a.scanAll(ctx, time.Now())
	}}
}

func (a *App) scanAll(ctx context.Context, now time.Time) error {
	city, err := a.Engines.Tickets.City(ctx)
	if err != nil {
		return fmt.Errorf("scan places: %w", err)
	}
	families := map[string]bool{}
	for _, family := range city.Families() {
		families[family] = true
	}
	for _, k := range city.Categories { // in the city's order
		if !families[k.Code] {
			continue
		}
		if err := a.scanFamily(ctx, k.Code, now); err != nil {
			return fmt.Errorf("scan places: %s: %w", k.Code, err)
		}
	}
	return nil
}

// counted are the states of tickets that count.
var counted = []string{
	string(ticketing.Accepted), string(ticketing.Dispatched), string(ticketing.InProgress), string(ticketing.InReview), string(ticketing.FollowUp), string(ticketing.Closed), string(ticketing.Archived), string(ticketing.Suspended), string(ticketing.Merged),
}

func (a *App) scanFamily(ctx context.Context, family string, now time.Time) error {
	today := midnight(now)
	q := search.Query{Now: now, Scope: search.Scope{All: true}, Filters: search.Filters{Categories: []string{family}, States: counted, From: today.AddDate(0, 0, 1-scanPast)}}
	table, err := a.Engines.Index.Tabulate(ctx, search.TableQuery{Query: q, Rows: search.Axis{Name: search.ByPlace}, Columns: search.Axis{Name: search.ByDay}, Shown: search.MaxShown})
	if err != nil {
		return err
	}
	places, total := placesOf(table, a.Engines.Lists.Places(), today)
	if total < scanFewest {
		return nil
	}
	c, found := scan.Find(places, scan.Settings{Seed: uint64(today.Unix())}) //nolint:gosec // no secret
	if !found || c.Chance > scanLevel {
		return nil
	}
	q.Filters.Places, q.Filters.From, q.Limit = c.Places, today.AddDate(0, 0, 1-c.Days), scanTickets
	cluster := warning.Cluster{Category: family, Days: c.Days, From: q.Filters.From, Observed: c.Observed, Expected: c.Expected, Chance: c.Chance, Level: scanLevel}
	if err := a.explainCluster(ctx, q, &cluster); err != nil {
		return err
	}
	return a.alertKeeper().Cluster(ctx, cluster, now)
}

// placesOf are the places of a table where the gazetteer knows them, with a count for each
// day, and how many reports they have.
func placesOf(t search.Table, known *address.Gazetteer, today time.Time) (places []scan.Place, total int) {
	day := map[string]int{}
	for d := range scanPast {
		day[today.AddDate(0, 0, d+1-scanPast).Format(time.DateOnly)] = d
	}
	const metresPerDegree = 111_320
	var origin *address.Place
	for i, row := range t.Rows {
		p, ok := known.Place(row.Key)
		if !ok {
			continue
		}
		if origin == nil {
			origin = &p
		}
		one := scan.Place{
			Key: row.Key, East: (p.Lon - origin.Lon) * metresPerDegree * math.Cos(origin.Lat*math.Pi/180), North: (p.Lat - origin.Lat) * metresPerDegree,
			Counts: make([]int, scanPast),
		}
		for k, column := range t.Columns {
			if d, ok := day[column.Key]; ok {
				one.Counts[d] += t.Cells[i][k]
				total += t.Cells[i][k]
			}
		}
		places = append(places, one)
	}
	return places, total
}

// explainCluster adds the tickets of a cluster.
func (a *App) explainCluster(ctx context.Context, q search.Query, c *warning.Cluster) error {
	res, err := a.Engines.Index.Search(ctx, q)
	if err != nil {
		return err
	}
	ids := make([]string, len(res.Hits))
	for i, h := range res.Hits {
		ids[i] = h.ID
	}
	list, err := reports{a.Engines}.Reports(ctx, ids)
	if err != nil {
		return err
	}
	for _, r := range list {
		c.Members = append(c.Members, warning.Member{ID: r.ID, At: r.At, Title: r.Title, Text: r.Text, Place: r.PlaceName})
	}
	slices.SortFunc(c.Members, func(x, y warning.Member) int { return cmp.Or(y.At.Compare(x.At), cmp.Compare(y.ID, x.ID)) })
	return nil
}
