package esindex

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"github.com/elastic/go-elasticsearch/v8/esutil"

	"hotline/search"
)

// Search answers a plan with one request.
func (x *Index) Search(ctx context.Context, p search.Plan) (search.Found, error) {
	if err := x.ensure(ctx); err != nil {
		return search.Found{}, err
	}
	a, err := x.query(ctx, request(p))
	if err != nil {
		return search.Found{}, err
	}
	if a.TimedOut {
		return search.Found{}, fmt.Errorf("%w: the cluster took too long", search.ErrUnavailable)
	}
	return a.found(p), nil
}

func (x *Index) query(ctx context.Context, body object) (a answer, err error) {
	err = x.ask(ctx, body, &a)
	return a, err
}

// ask sends a search whose answer is whole or none.
func (x *Index) ask(ctx context.Context, body object, out any) error {
	req := esapi.SearchRequest{Index: []string{x.prefix}, Body: esutil.NewJSONReader(body), AllowPartialSearchResults: new(false)}
	return x.gone(x.call(ctx, req, out))
}

// request spells a plan in the query language of Elasticsearch. Values are only ever JSON strings of their own.
func request(p search.Plan) object {
	must, not, should := []object{}, []object{}, []object{}
	for _, c := range p.Must {
		must = append(must, one(c, anywhere))
	}
	for _, c := range p.Titles {
		must = append(must, one(c, titled))
	}
	for _, c := range p.MustNot {
		not = append(not, anywhere(c))
	}
	must = append(must, filters(p)...)
	order := []object{{"created_at": "desc"}, {"id": "desc"}}
	if p.Sort == search.ByRelevance {
		for _, c := range p.Must {
			should = append(should, object{"constant_score": object{"boost": 1, "filter": one(c, titled)}})
		}
		order = slices.Insert(order, 0, object{"_score": "desc"})
	}
	body := object{
		"size":             p.Limit,
		"track_total_hits": p.TotalCap + 1,
		"_source":          rowSource,
		"query":            object{"bool": object{"filter": must, "must_not": not, "should": should}},
		"sort":             order,
		"track_scores":     false,
	}
	if a := p.After; a != nil {
		after := []any{a.CreatedAt.UnixMilli(), a.ID}
		if p.Sort == search.ByRelevance {
			after = slices.Insert(after, 0, any(a.Score))
		}
		body["search_after"] = after
	}
	if aggs := aggregations(p); len(aggs) > 0 {
		body["aggs"] = aggs
	}
	return body
}

// rowSource is what a row is made of.
var rowSource = []string{"id", "number", "version", "title", "body", "created_at", "category", "district", "state", "place", "location"}

func (d document) row() search.Row {
	r := search.Row{
		ID: d.ID, Number: d.Number, Version: d.Version, CreatedAt: time.UnixMilli(d.CreatedAt).UTC(), Title: d.Title, Body: d.Body,
		Category: d.Category, District: d.District, State: d.State, Place: d.Place,
	}
	if d.Location != nil {
		r.Location = &search.Point{Lon: d.Location.Lon, Lat: d.Location.Lat}
	}
	return r
}

// spell chooses the field that matches a clause exactly: bigrams for one run of Han
// characters, single characters and words for everything else.
func spell(c search.Clause) (field, text string) {
	text = search.Normal(c, gap)
	for i, a := range c {
		if len(c) < 2 || !a.Han || i > 0 && !a.Joined {
			return ".char", text
		}
	}
	return "", text
}

func anywhere(c search.Clause) object {
	field, text := spell(c)
	return object{"match_phrase": object{"text" + field: text}}
}

func titled(c search.Clause) object {
	field, text := spell(c)
	return object{"match_phrase": object{"title_text" + field: text}}
}

// one finds what has one of some clauses.
func one(clauses search.Alternatives, where func(search.Clause) object) object {
	if len(clauses) == 1 {
		return where(clauses[0])
	}
	any := make([]object, len(clauses))
	for i, c := range clauses {
		any[i] = where(c)
	}
	return object{"bool": object{"should": any, "minimum_should_match": 1}}
}

func filters(p search.Plan) []object {
	var all []object
	add := func(field string, values []string) {
		if len(values) > 0 {
			all = append(all, object{"terms": object{field: values}})
		}
	}
	f := p.Filters
	add("type", f.Types)
	add("categories", f.Categories)
	add("district", f.Districts)
	add("departments", f.Departments)
	for _, values := range f.MoreCategories {
		add("categories", values)
	}
	for _, values := range f.MoreDepartments {
		add("departments", values)
	}
	add("state", f.States)
	add("channel", f.Channels)
	add("place", f.Places)
	add("id", p.Only)
	all = append(all, geography(f)...)
	switch {
	case p.Scope.All:
	case len(p.Scope.Departments) == 0:
		all = append(all, object{"match_none": object{}})
	default:
		add("departments", p.Scope.Departments)
	}
	between := object{}
	if !f.From.IsZero() {
		between["gte"] = ceilMillis(f.From)
	}
	if !f.To.IsZero() {
		between["lt"] = ceilMillis(f.To)
	}
	if len(between) > 0 {
		all = append(all, object{"range": object{"created_at": between}})
	}
	return all
}

// ceilMillis rounds up, as created_at in [from, to) asks when created_at is in whole milliseconds.
func ceilMillis(t time.Time) int64 {
	ms := t.UnixMilli()
	if t.After(time.UnixMilli(ms)) {
		ms++
	}
	return ms
}

const histogram = "histogram"

func aggregations(p search.Plan) object {
	aggs := object{}
	for _, facet := range p.Facets {
		aggs[facet] = object{"terms": object{
			"field": facet, "size": p.FacetSize, "shard_size": 10 * p.FacetSize,
			"order": []object{{"_count": "desc"}, {"_key": "asc"}},
		}}
	}
	if p.Histogram {
		aggs[histogram] = object{"date_histogram": object{
			"field": "created_at", "calendar_interval": "day", "time_zone": search.DayZone, "format": "yyyy-MM-dd", "min_doc_count": 1,
		}}
	}
	return aggs
}

type bucket struct {
	Key   any    `json:"key"`
	Text  string `json:"key_as_string"`
	Count int    `json:"doc_count"`
}

type answer struct {
	TimedOut bool `json:"timed_out"`
	Hits     struct {
		Total struct {
			Value int `json:"value"`
		} `json:"total"`
		Hits []struct {
			Score  *float64 `json:"_score"`
			Source document `json:"_source"`
			Sort   []any    `json:"sort"`
		} `json:"hits"`
	} `json:"hits"`
	Aggregations map[string]struct {
		Buckets []bucket `json:"buckets"`
	} `json:"aggregations"`
}

func (a answer) found(p search.Plan) search.Found {
	f := search.Found{Total: min(a.Hits.Total.Value, p.TotalCap), TotalCapped: a.Hits.Total.Value > p.TotalCap}
	for _, h := range a.Hits.Hits {
		r := h.Source.row()
		if h.Score != nil && p.Sort == search.ByRelevance {
			r.Score = int(*h.Score)
		}
		f.Rows = append(f.Rows, r)
	}
	if len(p.Facets) > 0 {
		f.Facets = make(map[string][]search.Bucket, len(p.Facets))
	}
	for _, facet := range p.Facets {
		buckets := []search.Bucket{}
		for _, b := range a.Aggregations[facet].Buckets {
			if key, ok := b.Key.(string); ok && key != "" {
				buckets = append(buckets, search.Bucket{Key: key, Count: b.Count})
			}
		}
		f.Facets[facet] = buckets
	}
	if p.Histogram {
		f.Histogram = []search.Bucket{}
		for _, b := range a.Aggregations[histogram].Buckets {
			f.Histogram = append(f.Histogram, search.Bucket{Key: b.Text, Count: b.Count})
		}
	}
	return f
}

// Stamps lists what is stored in order of ID, as of the last refresh.
func (x *Index) Stamps(ctx context.Context, after string, limit int) ([]search.Stamp, error) {
	if err := x.ensure(ctx); err != nil {
		return nil, err
	}
	body := object{"size": limit, "track_total_hits": false, "_source": []string{"id", "version", "digest"}, "sort": []object{{"id": "asc"}}}
	if after != "" {
		body["search_after"] = []string{after}
	}
	a, err := x.query(ctx, body)
	if err != nil {
		return nil, err
	}
	stamps := make([]search.Stamp, len(a.Hits.Hits))
	for i, h := range a.Hits.Hits {
		stamps[i] = search.Stamp{ID: h.Source.ID, Version: h.Source.Version, Digest: h.Source.Digest}
	}
	return stamps, nil
}

// Lookup reads what is stored of the IDs now, refreshed or not.
func (x *Index) Lookup(ctx context.Context, ids []string) ([]search.Stamp, error) {
	if err := x.ensure(ctx); err != nil || len(ids) == 0 {
		return nil, err
	}
	var a struct {
		Docs []struct {
			Found  bool     `json:"found"`
			Source document `json:"_source"`
		} `json:"docs"`
	}
	req := esapi.MgetRequest{Index: x.prefix, Body: esutil.NewJSONReader(object{"ids": ids}), SourceIncludes: []string{"id", "version", "digest"}}
	if err := x.call(ctx, req, &a); err != nil {
		return nil, x.gone(err)
	}
	var stamps []search.Stamp
	for _, d := range a.Docs {
		if d.Found {
			stamps = append(stamps, search.Stamp{ID: d.Source.ID, Version: d.Source.Version, Digest: d.Source.Digest})
		}
	}
	return stamps, nil
}

// Refresh makes all that was written visible.
func (x *Index) Refresh(ctx context.Context) error {
	if err := x.ensure(ctx); err != nil {
		return err
	}
	return x.gone(x.call(ctx, esapi.IndicesRefreshRequest{Index: []string{x.prefix}}, nil))
}
