package esindex

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"hotline/search"
)

// tablePage is how many pairs one request brings.
const tablePage = 10_000

// Tabulate counts by two axes, page by page: a composite aggregation is exact, whatever the shards.
func (x *Index) Tabulate(ctx context.Context, p search.Plan, rows, columns search.Axis) (map[search.Pair]int, error) {
	if err := x.ensure(ctx); err != nil {
		return nil, err
	}
	sources := []object{{"row": source(rows)}}
	if columns.Name != "" {
		sources = append(sources, object{"column": source(columns)})
	}
	composite := object{"size": tablePage, "sources": sources}
	p.Limit, p.TotalCap, p.After, p.Facets, p.Histogram = 0, 0, nil, nil, false
	body := request(p)
	body["track_total_hits"] = false
	delete(body, "sort")
	body["aggs"] = object{"pairs": object{"composite": composite}}
	pairs := map[search.Pair]int{}
	for {
		page, err := x.pairsOf(ctx, body)
		if err != nil {
			return nil, err
		}
		for _, b := range page.Buckets {
			pairs[search.Pair{Row: key(rows, b.Key["row"]), Column: key(columns, b.Key["column"])}] += b.Count
		}
		if len(pairs) > search.MaxPairs {
			return nil, search.TooManyPairs()
		}
		if page.After == nil || len(page.Buckets) < tablePage {
			return pairs, nil
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
