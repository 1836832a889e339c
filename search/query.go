package search

import (
	"slices"
	"strings"
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

// parse reads the query language: words and "phrases" joined by "and"; a minus
// before one excludes it. Everything else in the text only separates words, so
// no text is an error except one that is too long or holds nothing to look for.
func parse(text string) (must, not []Clause, err error) {
	if !utf8.ValidString(text) {
		return nil, nil, refuse("text", "the text is not valid UTF-8")
	}
	if utf8.RuneCountInString(text) > MaxText {
		return nil, nil, refuse("text", "use at most %d characters", MaxText)
	}
	if strings.TrimSpace(text) == "" {
		return nil, nil, nil
	}
	for _, t := range terms(text) {
		clause := Clause(Analyse(t.text))
		switch {
		case len(clause) == 0:
			continue
		case t.minus:
			not = append(not, clause)
		default:
			must = append(must, clause)
		}
	}
	if len(must)+len(not) == 0 {
		return nil, nil, refuse("text", "use at least one letter, digit or character")
	}
	if len(must)+len(not) > MaxClauses {
		return nil, nil, refuse("text", "use at most %d words", MaxClauses)
	}
	return must, not, nil
}

type term struct {
	text  string
	minus bool
}

// terms cuts the text at spaces outside quotation marks. A mark that is not closed reaches to the end.
func terms(text string) []term {
	var all []term
	var cur strings.Builder
	var minus, quoted, begun bool
	end := func() {
		if begun {
			all = append(all, term{cur.String(), minus})
		}
		cur.Reset()
		minus, begun = false, false
	}
	for _, r := range text {
		switch {
		case isQuote(r):
			if quoted || cur.Len() > 0 {
				end()
			}
			quoted = !quoted
			begun = begun || quoted
		case quoted:
			cur.WriteRune(r)
		case unicode.IsSpace(r):
			end()
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
	must, not, err := parse(q.Text)
	if err != nil {
		return Plan{}, err
	}
	p := Plan{
		Must: must, MustNot: not, Scope: q.Scope, Filters: q.Filters, Sort: q.Sort, Limit: q.Limit,
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
