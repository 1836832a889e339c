package esindex

import (
	"context"
	"fmt"

	"hotline/search"
)

// Rank answers a ranking with one request. Weights are whole numbers below what a
// score holds exactly, so sums are those of any engine.
func (x *Index) Rank(ctx context.Context, r search.Ranking) ([]search.Row, error) {
	if err := x.ensure(ctx); err != nil {
		return nil, err
	}
	any, more := []object{}, []object{}
	worth := func(weight int, filter object) object {
		return object{"constant_score": object{"boost": weight, "filter": filter}}
	}
	for _, t := range r.Terms {
		any = append(any, worth(t.Weight, anywhere(t.Clause)))
	}
	if r.Place != "" && r.PlaceWeight > 0 {
		any = append(any, worth(r.PlaceWeight, object{"term": object{"place": r.Place}}))
	}
	if r.Category != "" && r.CategoryWeight > 0 {
		more = append(more, worth(r.CategoryWeight, object{"term": object{"category": r.Category}}))
	}
	if len(any) == 0 {
		return nil, nil
	}
	not := []object{}
	if r.Without != "" {
		not = append(not, object{"term": object{"id": r.Without}})
	}
	a, err := x.query(ctx, object{
		"size": r.Limit, "track_total_hits": false, "_source": rowSource,
		"query": object{"bool": object{
			"must":   object{"bool": object{"should": any, "minimum_should_match": 1}},
			"should": more, "must_not": not, "filter": filters(search.Plan{Scope: r.Scope, Filters: r.Filters}),
		}},
		"sort": []object{{"_score": "desc"}, {"created_at": "desc"}, {"id": "desc"}},
	})
	if err != nil {
		return nil, err
	}
	if a.TimedOut {
		return nil, fmt.Errorf("%w: the cluster took too long", search.ErrUnavailable)
	}
	rows := make([]search.Row, len(a.Hits.Hits))
	for i, h := range a.Hits.Hits {
		rows[i] = h.Source.row()
		if h.Score != nil {
			rows[i].Score = int(*h.Score)
		}
	}
	return rows, nil
}
