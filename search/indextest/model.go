package indextest

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"hotline/search"
)

// model answers queries by looking at each document; it is the meaning of a query.
type model struct {
	docs []search.Document
}

// clause is one word or phrase of a query that the model is asked.
type clause struct {
	text string
	not  bool
}

func (m model) ids(q search.Query, clauses []clause) []string {
	type ranked struct {
		search.Document
		score int
	}
	var all []ranked
	for _, d := range m.docs {
		if !visible(d, q.Scope) || !passes(d, q.Filters) || !matches(d, clauses) {
			continue
		}
		r := ranked{Document: d}
		for _, c := range clauses {
			if !c.not && q.Sort == search.ByRelevance && holds(d.Title, c.text) {
				r.score++
			}
		}
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b ranked) int {
		return cmp.Or(b.score-a.score, b.CreatedAt.Compare(a.CreatedAt), strings.Compare(b.ID, a.ID))
	})
	ids := make([]string, len(all))
	for i, r := range all {
		ids[i] = r.ID
	}
	return ids
}

func (m model) facet(q search.Query, clauses []clause, of func(search.Document) string) map[string]int {
	counts := map[string]int{}
	for _, d := range m.docs {
		if key := of(d); key != "" && visible(d, q.Scope) && passes(d, q.Filters) && matches(d, clauses) {
			counts[key]++
		}
	}
	return counts
}

func matches(d search.Document, clauses []clause) bool {
	for _, c := range clauses {
		if (holds(d.Title, c.text) || holds(d.Body, c.text) || holds(d.Number, c.text)) == c.not {
			return false
		}
	}
	return true
}

func holds(text, part string) bool {
	return search.Clause(search.Analyse(part)).In(search.Analyse(text))
}

func visible(d search.Document, s search.Scope) bool {
	return s.All || overlap(d.Departments, s.Departments)
}

func passes(d search.Document, f search.Filters) bool {
	one := func(v string, wanted []string) bool { return len(wanted) == 0 || slices.Contains(wanted, v) }
	return one(d.Type, f.Types) && one(d.District, f.Districts) && one(d.State, f.States) && one(d.Channel, f.Channels) &&
		(len(f.Places) == 0 || slices.Contains(f.Places, d.Place)) && (f.Near == nil || d.Location != nil && f.Near.Holds(*d.Location)) &&
		(len(f.Within) == 0 || d.Location != nil && f.Within.Holds(*d.Location)) &&
		(len(f.Categories) == 0 || overlap(d.Categories, f.Categories)) &&
		(len(f.Departments) == 0 || overlap(d.Departments, f.Departments)) &&
		(f.From.IsZero() || !d.CreatedAt.Before(f.From)) && (f.To.IsZero() || d.CreatedAt.Before(f.To))
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

func dayOf(d search.Document) string {
	return d.CreatedAt.In(time.FixedZone(search.DayZone, 8*60*60)).Format(time.DateOnly)
}
