package esindex

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"hotline/search"
)

// tablePage is how many pairs one request brings.
const tablePage = 10_000

// Tabulate counts by two axes, page by page: a composite aggregation is exact, whatever the
// shards. Each page goes through all tickets of the plan, so where hours or days make many
// values, the time is cut into spans that have a page or two each.
func (x *Index) Tabulate(ctx context.Context, p search.Plan, rows, columns search.Axis) (map[search.Pair]int, error) {
	if err := x.ensure(ctx); err != nil {
		return nil, err
	}
	spans, err := x.spansOf(ctx, p, min(spanOf(rows), spanOf(columns)))
	if err != nil {
		return nil, err
	}
	pairs := map[search.Pair]int{}
	for _, span := range spans {
		p.Filters.From, p.Filters.To = span.from, span.to
		if err := x.tabulate(ctx, p, rows, columns, pairs); err != nil {
			return nil, err
		}
	}
	return pairs, nil
}

// span is a part of the time that a plan takes.
type span struct{ from, to time.Time }

// The spans by how fine an axis is: three hundred values of time in each.
const (
	spanOfHours = 14 * 24 * time.Hour
	spanOfDays  = 300 * 24 * time.Hour
	whole       = time.Duration(math.MaxInt64)
)

func spanOf(a search.Axis) time.Duration {
	switch a.Name {
	case search.ByHour:
		return spanOfHours
	case search.ByDay, search.ByWeekday:
		return spanOfDays
	}
	return whole
}

// spansOf cuts the time of a plan; where it has no beginning or end, the tickets have.
func (x *Index) spansOf(ctx context.Context, p search.Plan, each time.Duration) ([]span, error) {
	if each == whole {
		return []span{{p.Filters.From, p.Filters.To}}, nil
	}
	body := counting(p, object{"first": object{"min": object{"field": "created_at"}}, "last": object{"max": object{"field": "created_at"}}})
	var a struct {
		Aggregations struct {
			First, Last struct {
				Value *float64 `json:"value"`
			}
		} `json:"aggregations"`
	}
	if err := x.ask(ctx, body, &a); err != nil {
		return nil, err
	}
	if a.Aggregations.First.Value == nil || a.Aggregations.Last.Value == nil {
		return nil, nil
	}
	var spans []span
	end := time.UnixMilli(int64(*a.Aggregations.Last.Value) + 1)
	for from := time.UnixMilli(int64(*a.Aggregations.First.Value)); from.Before(end); from = from.Add(each) {
		to := from.Add(each)
		if to.After(end) {
			to = end
		}
		spans = append(spans, span{from, to})
	}
	return spans, nil
}

// counting asks for aggregations over what a plan takes, and no rows.
func counting(p search.Plan, aggregations object) object {
	p.Limit, p.TotalCap, p.After, p.Facets, p.Histogram = 0, 0, nil, nil, false
	body := request(p)
	body["track_total_hits"], body["aggs"] = false, aggregations
	delete(body, "sort")
	return body
}

// tabulate adds the pairs of a plan.
func (x *Index) tabulate(ctx context.Context, p search.Plan, rows, columns search.Axis, pairs map[search.Pair]int) error {
	sources := []object{{"row": source(rows)}}
	if columns.Name != "" {
		sources = append(sources, object{"column": source(columns)})
	}
	composite := object{"size": tablePage, "sources": sources}
	body := counting(p, object{"pairs": object{"composite": composite}})
	for {
		page, err := x.pairsOf(ctx, body)
		if err != nil {
			return err
		}
		for _, b := range page.Buckets {
			pairs[search.Pair{Row: key(rows, b.Key["row"]), Column: key(columns, b.Key["column"])}] += b.Count
		}
		if len(pairs) > search.MaxPairs {
			return search.TooManyPairs()
		}
		if page.After == nil || len(page.Buckets) < tablePage {
			return nil
		}
		composite["after"] = page.After
	}
}

// compositePage is a part of what a composite aggregation counts.
type compositePage struct {
	After   json.RawMessage `json:"after_key"`
	Buckets []struct {
		Key   map[string]any `json:"key"`
		Count int            `json:"doc_count"`
	} `json:"buckets"`
}

func (x *Index) pairsOf(ctx context.Context, body object) (compositePage, error) {
	var a struct {
		TimedOut     bool `json:"timed_out"`
		Aggregations struct {
			Pairs compositePage `json:"pairs"`
		} `json:"aggregations"`
	}
	if err := x.ask(ctx, body, &a); err != nil {
		return compositePage{}, err
	}
	if a.TimedOut {
		return compositePage{}, fmt.Errorf("%w: the cluster took too long", search.ErrUnavailable)
	}
	return a.Aggregations.Pairs, nil
}

// source is what a composite aggregation reads an axis from.
func source(a search.Axis) object {
	var interval string
	switch a.Name {
	case search.ByDay, search.ByWeek, search.ByMonth:
		interval = a.Name
	case search.ByWeekday:
		interval = "day"
	case search.ByHour:
		interval = "hour"
	case search.ByTile:
		return object{"geotile_grid": object{"field": "location", "precision": a.Zoom, "missing_bucket": true}}
	default:
		return object{"terms": object{"field": a.Name, "missing_bucket": true}}
	}
	return object{"date_histogram": object{"field": "created_at", "calendar_interval": interval, "time_zone": search.DayZone}}
}

// key is the value that a bucket stands for.
func key(a search.Axis, value any) string {
	switch v := value.(type) {
	case string:
		return v
	case float64:
		return a.Key(time.UnixMilli(int64(v)))
	}
	return ""
}
