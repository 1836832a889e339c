package search

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// The bounds of a question for what is similar.
const (
	MaxSimilar  = 20
	maxAlike    = 600 // runes of the text that are compared: what it is about comes first
	nearestRows = 80  // rows that are looked at closely
	askedTerms  = 12
	fewestTerms = 3
	mostRead    = 0.06 // share of all documents
)

// How much a place and a category count beside words of weight 0 to 10·mostWeight: what is at
// the same place in the same category comes before what is told in the same words elsewhere.
const (
	placeWorth    = 900
	categoryWorth = 300
)

// SimilarQuery asks for tickets on the same matter as a text that may still be written.
type SimilarQuery struct {
	Title    string
	Text     string
	Place    string // key in the gazetteer; empty where it is not known
	Location *Point
	Category string // leaf; empty where it is not known
	Without  string // ID of the ticket itself
	Since    time.Time
	Now      time.Time
	Scope    Scope
	Limit    int // 1..20; 5 when zero
}

// Similar is a ticket on what may be the same matter.
type Similar struct {
	ID        string
	Number    string
	Version   int64
	CreatedAt time.Time
	Score     float64  // 0 to 1
	Words     []string // that both have and that tell the most
	SamePlace bool
	Metres    float64 // between the two places; negative where one is not known
}

// sameMatter is the score from which on two tickets are likely to be on one matter.
const sameMatter = 0.5

// Likely reports whether it is likely the same matter.
func (s Similar) Likely() bool { return s.Score >= sameMatter }

// Similar finds the tickets that are the most likely to be on the same matter, the likeliest first.
func (x *Index) Similar(ctx context.Context, q SimilarQuery) ([]Similar, error) {
	if q.Limit == 0 {
		q.Limit = 5
	}
	if q.Limit < 1 || q.Limit > MaxSimilar {
		return nil, refuse("limit", "use 1 to %d", MaxSimilar)
	}
	if !utf8.ValidString(q.Title) || !utf8.ValidString(q.Text) {
		return nil, refuse("text", "the text is not valid UTF-8")
	}
	ctx, cancel := x.bounded(ctx)
	defer cancel()
	rare, err := x.rarity(ctx)
	if err != nil {
		return nil, err
	}
	asked := rare.profile(q.Title + "\n" + q.Text)
	r := Ranking{
		Terms: rare.terms(asked), Place: q.Place, PlaceWeight: placeWorth, Category: q.Category, CategoryWeight: categoryWorth,
		Without: q.Without, Scope: q.Scope, Filters: Filters{From: q.Since}, Limit: nearestRows,
	}
	if len(r.Terms) == 0 && r.Place == "" {
		return nil, nil
	}
	rows, err := x.driver.Rank(ctx, r)
	if err != nil {
		return nil, unanswered(ctx, err)
	}
	all := make([]Similar, len(rows))
	for i, row := range rows {
		all[i] = rare.compare(q, asked, row)
	}
	slices.SortStableFunc(all, func(a, b Similar) int { return cmp.Compare(b.Score, a.Score) })
	return all[:min(len(all), q.Limit)], nil
}

// profile is what a text says: its pieces with their weights.
type profile struct {
	order   []string // as they come
	clauses map[string]Clause
	weights map[string]float64
	total   float64
}

func (r *rarity) profile(text string) profile {
	p := profile{clauses: map[string]Clause{}, weights: map[string]float64{}}
	for _, c := range pieces(firstRunes(text, maxAlike)) {
		s := c.spelled()
		if _, seen := p.weights[s]; seen {
			continue
		}
		w := r.weight(s)
		p.order, p.clauses[s], p.weights[s] = append(p.order, s), c, w
		p.total += w
	}
	return p
}

// terms are the pieces that tell the most, as a ranking takes them: as many as an engine
// has to read no more than mostRead of its documents for.
func (r *rarity) terms(p profile) []Term {
	telling := slices.Clone(p.order)
	slices.SortStableFunc(telling, func(a, b string) int { return cmp.Compare(p.weights[b], p.weights[a]) })
	var terms []Term
	read := 0.0
	for _, s := range telling[:min(len(telling), askedTerms)] {
		w := int(math.Round(10 * p.weights[s]))
		read += float64(r.of[s]) / float64(max(r.docs, fewDocs))
		if w == 0 || read > mostRead && len(terms) >= fewestTerms {
			break
		}
		terms = append(terms, Term{Clause: p.clauses[s], Weight: w})
	}
	return terms
}

// How likeness in words, place, category and time make one score: each to a power, multiplied.
const (
	wordsPower    = 0.5
	placePower    = 0.6
	unknownPlace  = 0.4
	fewMetres     = 500.0 // between two places over which likeness falls to 1/e
	sameCategory  = 0.25  // of what two texts lack in words of one another
	otherCategory = 0.5
	oldest        = 0.8 // of a ticket long ago
	timeHalves    = 15 * 24 * time.Hour
	mostShared    = 6 // words that are told
)

func (r *rarity) compare(q SimilarQuery, asked profile, row Row) Similar {
	s := Similar{ID: row.ID, Number: row.Number, Version: row.Version, CreatedAt: row.CreatedAt, Metres: -1}
	have := r.profile(row.Title + "\n" + row.Body)
	shared := 0.0
	for _, piece := range asked.order {
		if w, both := have.weights[piece]; both {
			shared += w
		}
	}
	s.Words = asked.sharedWith(have)
	ofAsked, ofHave := shared/math.Max(asked.total, 1), shared/math.Max(have.total, 1)
	alike := math.Max(ofAsked, (ofAsked+ofHave)/2)

	place := unknownPlace
	s.SamePlace = q.Place != "" && q.Place == row.Place
	if q.Location != nil && row.Location != nil {
		s.Metres = Metres(*q.Location, *row.Location)
		place = math.Exp(-s.Metres / fewMetres)
	} else if q.Place != "" && row.Place != "" {
		place = 0
	}
	if s.SamePlace {
		place = 1
	}
	known := q.Category != "" && row.Category != ""
	if known && q.Category == row.Category {
		alike += sameCategory * (1 - alike)
	}
	s.Score = math.Pow(alike, wordsPower) * math.Pow(place, placePower)
	if known && q.Category != row.Category {
		s.Score *= otherCategory
	}
	if age := q.Now.Sub(row.CreatedAt); age > 0 && !q.Now.IsZero() {
		s.Score *= oldest + (1-oldest)*math.Exp2(-float64(age)/float64(timeHalves))
	}
	return s
}

// sharedWith are the longest runs of characters that both have, those that tell the most first.
func (p profile) sharedWith(have profile) []string {
	type run struct {
		text   string
		weight float64
	}
	var runs []run
	open := false // the piece before is in both
	for _, piece := range p.order {
		w, both := have.weights[piece]
		switch last := len(runs) - 1; {
		case both && open && follows(runs[last].text, piece):
			_, size := utf8.DecodeRuneInString(piece)
			runs[last].text += piece[size:]
			runs[last].weight += w
		case both:
			runs = append(runs, run{piece, w})
		}
		open = both
	}
	slices.SortStableFunc(runs, func(a, b run) int { return cmp.Compare(b.weight, a.weight) })
	var words []string
	for _, r := range runs[:min(len(runs), mostShared)] {
		words = append(words, r.text)
	}
	return words
}

// follows reports whether a pair of characters goes on where a run ends.
func follows(run, piece string) bool {
	last, _ := utf8.DecodeLastRuneInString(run)
	first, size := utf8.DecodeRuneInString(piece)
	return last == first && size < len(piece) && first >= utf8.RuneSelf
}

// firstRunes is a text's beginning.
func firstRunes(text string, n int) string {
	for i := range text {
		if n == 0 {
			return strings.Clone(text[:i])
		}
		n--
	}
	return text
}
