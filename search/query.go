package search

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The bounds of a query.
const (
	MaxText     = 256 // runes of Query.Text
	MaxClauses  = 16  // words and phrases in it
	MaxLimit    = 200
	MaxValues   = 500  // of one filter
	MaxScope    = 2000 // departments of a Scope
	MaxTotal    = 10_000
	maxFacet    = 1000 // buckets
	maxFragment = 120  // runes of a highlighted body

	defaultLimit = 20
)

var facetNames = []string{"type", "category", "district", "department", "state", "channel"}

// asked is a text of the query language, understood.
type asked struct {
	must       []Alternatives
	not        []Clause
	titles     []Alternatives
	filters    Filters
	understood []Understood
}

// parse reads the query language: words and "phrases" joined by "and", ways of one word
// joined by "|"; a minus before one excludes it. With a vocabulary it reads fields,
// 状态:已办结, and days, 上周, too. Everything else in the text only separates words, so no
// text is an error except one that is too long, holds nothing to look for, or names a
// value that its field has not.
func parse(text string, v *Vocabulary, now time.Time) (asked, error) {
	var a asked
	if !utf8.ValidString(text) {
		return a, refuse("text", "the text is not valid UTF-8")
	}
	if utf8.RuneCountInString(text) > MaxText {
		return a, refuse("text", "use at most %d characters", MaxText)
	}
	if strings.TrimSpace(text) == "" {
		return a, nil
	}
	for _, t := range withTails(joined(terms(text))) {
		if v != nil && !t.quoted {
			done, err := a.field(t, v, now)
			if err != nil {
				return a, err
			}
			if done {
				continue
			}
		}
		a.words(t, v)
	}
	if len(a.must)+len(a.not)+len(a.titles)+len(a.understood) == 0 {
		return a, refuse("text", "use at least one letter, digit or character")
	}
	if len(a.must)+len(a.not)+len(a.titles) > MaxClauses {
		return a, refuse("text", "use at most %d words", MaxClauses)
	}
	return a, nil
}

type term struct {
	text   string
	minus  bool
	quoted bool
	touch  bool // nothing separates it from the one before
}

// terms cuts the text at spaces outside quotation marks. A mark that is not closed reaches to the end.
func terms(text string) []term {
	var all []term
	var cur strings.Builder
	var minus, quoted, begun, marked, touch bool
	end := func() {
		if begun {
			all = append(all, term{cur.String(), minus, marked, touch})
		}
		cur.Reset()
		touch = begun
		minus, begun, marked = false, false, false
	}
	for _, r := range text {
		switch {
		case isQuote(r):
			if quoted || cur.Len() > 0 {
				end()
			}
			quoted = !quoted
			begun, marked = begun || quoted, marked || quoted
		case quoted:
			cur.WriteRune(r)
		case unicode.IsSpace(r):
			end()
			touch = false
		case !begun && (r == '-' || r == '－'):
			minus, begun = true, true
		default:
			begun = true
			cur.WriteRune(r)
		}
	}
	end()
	return all
}

func isQuote(r rune) bool { return strings.ContainsRune("\"“”„‟＂「」『』", r) }

// plan checks a query and turns it into what drivers take.
func plan(q Query) (Plan, error) {
	if q.Now.IsZero() {
		q.Now = time.Now()
	}
	a, err := parse(q.Text, q.Vocabulary, q.Now)
	if err != nil {
		return Plan{}, err
	}
	p := Plan{
		Must: a.must, MustNot: a.not, Titles: a.titles, Scope: q.Scope, Filters: q.Filters.and(a.filters), Understood: a.understood, Sort: q.Sort, Limit: q.Limit,
		Facets: slices.Clone(q.Facets), Histogram: q.Histogram, TotalCap: MaxTotal, FacetSize: maxFacet,
	}
	if p.Sort == "" {
		p.Sort = ByNewest
	}
	if p.Sort != ByNewest && p.Sort != ByRelevance {
		return Plan{}, refuse("sort", "use newest or relevance")
	}
	if p.Limit == 0 {
		p.Limit = defaultLimit
	}
	if p.Limit < 1 || p.Limit > MaxLimit {
		return Plan{}, refuse("limit", "use 1 to %d", MaxLimit)
	}
	slices.Sort(p.Facets)
	p.Facets = slices.Compact(p.Facets)
	for _, f := range p.Facets {
		if !slices.Contains(facetNames, f) {
			return Plan{}, refuse("facets", "use some of %s", strings.Join(facetNames, ", "))
		}
	}
	if err := checkFilters(p.Filters); err != nil {
		return Plan{}, err
	}
	if len(p.Scope.Departments) > MaxScope {
		return Plan{}, refuse("scope", "use at most %d departments", MaxScope)
	}
	if q.Cursor != "" {
		if p.After, err = decodeCursor(q.Cursor, p); err != nil {
			return Plan{}, err
		}
	}
	return p, nil
}

// plan is what drivers take for a query.
func (x *Index) plan(ctx context.Context, q Query) (Plan, error) {
	p, err := plan(q)
	if err == nil {
		err = p.named(ctx, q.OfTail)
	}
	return p, err
}

// planWhole is a plan for what counts or reads all that a query finds: how its rows are
// shown is not looked at.
func (x *Index) planWhole(ctx context.Context, q Query) (Plan, error) {
	q.Sort, q.Limit, q.Cursor, q.Facets, q.Histogram = ByNewest, 1, "", nil, false
	return x.plan(ctx, q)
}

func checkFilters(f Filters) error {
	for name, values := range map[string][]string{
		"types": f.Types, "categories": f.Categories, "districts": f.Districts,
		"departments": f.Departments, "states": f.States, "channels": f.Channels, "places": f.Places,
	} {
		if len(values) > MaxValues {
			return refuse(name, "use at most %d values", MaxValues)
		}
	}
	if !f.From.IsZero() && !f.To.IsZero() && f.To.Before(f.From) {
		return refuse("to", "the end must not lie before the beginning")
	}
	return checkGeo(f)
}
