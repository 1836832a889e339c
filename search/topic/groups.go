package topic

import (
	"math"
	"time"
)

// Report is what is grouped.
type Report struct {
	ID       string
	User     string // who reports; an empty one is somebody else each time
	Title    string
	Body     string
	Place    string // a known place; empty where none was understood
	Category string // empty where it is not known
	Time     time.Time
	Likes    int
	Bad      bool // the answer was rated badly
}

// Settings of grouping; see DefaultSettings. Nearness is the geometric mean of that in
// place and that in matter, each from 0 to 1.
type Settings struct {
	Join          float64 // nearness from which on a report joins a topic, or two topics are one
	Grown         int     // members from which on a topic is known well
	JoinGrown     float64 // and nearness from which on two such are one: the more reports, the more wordings
	Placeless     float64 // factor where neither names a place
	OnePlace      float64 // and where one alone does
	SameCategory  float64 // is added to nearness in matter where both have the same category
	OtherCategory float64 // and where they have different ones
}

// DefaultSettings are what the published figures are of.
func DefaultSettings() Settings {
	return Settings{Join: 0.4, Grown: 4, JoinGrown: 0.24, Placeless: 0.8, OnePlace: 0.5, SameCategory: 0.3, OtherCategory: -0.3}
}

// Topic is a group of reports.
type Topic struct {
	Number  int
	Members []Report

	place, matter sum
	known         map[string]int // known places
	categories    map[string]int
	into          *Topic // it was joined to another
	apart         map[*Topic]bool
	vectors       [][2]vector
}

// sum adds vectors up.
type sum struct {
	terms map[uint32]float64
	order []uint32 // in which they came: sums must not depend on a map's
	n     int      // vectors that say something
}

func (s *sum) add(v vector) {
	if len(v) == 0 {
		return
	}
	s.n++
	for _, x := range v {
		if _, known := s.terms[x.id]; !known {
			s.order = append(s.order, x.id)
		}
		s.terms[x.id] += float64(x.weight)
	}
}

func (s *sum) dot(o *sum) float64 {
	if len(o.order) < len(s.order) {
		s, o = o, s
	}
	total := 0.0
	for _, id := range s.order {
		total += s.terms[id] * o.terms[id]
	}
	return total
}

// Groups are the topics so far. It is not safe for concurrent use.
type Groups struct {
	words    *Words
	settings Settings
	topics   []*Topic
	holding  map[uint32][]*Topic // by term of their sums
}

// NewGroups makes topics with words that were learned before.
func NewGroups(words *Words, s Settings) *Groups {
	return &Groups{words: words, settings: s, holding: map[uint32][]*Topic{}}
}

// Topics are all that are not part of another, in order of number.
func (g *Groups) Topics() []*Topic {
	var all []*Topic
	for _, t := range g.topics {
		if t.into == nil {
			all = append(all, t)
		}
	}
	return all
}

// Of returns the topic of a number, or the one it was joined to; nil for one that never was.
func (g *Groups) Of(number int) *Topic {
	if number < 1 || number > len(g.topics) {
		return nil
	}
	t := g.topics[number-1]
	for t.into != nil {
		t = t.into
	}
	return t
}

func newTopic() *Topic {
	return &Topic{place: sum{terms: map[uint32]float64{}}, matter: sum{terms: map[uint32]float64{}}, known: map[string]int{}, categories: map[string]int{}}
}

// Add puts a report into the topic that it belongs to and returns that.
func (g *Groups) Add(r Report) *Topic {
	one := newTopic()
	place, matter := g.words.vectors(r.Title, r.Body)
	one.take(r, place, matter)
	best, nearness := g.nearest(one)
	if best == nil || nearness < g.enough(one, best) {
		one.Number = len(g.topics) + 1
		g.topics = append(g.topics, one)
		g.hold(one, place, matter)
		return one
	}
	best.take(r, place, matter)
	g.hold(best, place, matter)
	for {
		other, nearness := g.nearest(best)
		if other == nil || nearness < g.enough(best, other) {
			return best
		}
		best = g.Merge(best, other)
	}
}

// Restore makes a topic of reports that are known to be of one, whatever they say.
func (g *Groups) Restore(reports []Report) *Topic {
	t := newTopic()
	t.Number = len(g.topics) + 1
	g.topics = append(g.topics, t)
	for _, r := range reports {
		place, matter := g.words.vectors(r.Title, r.Body)
		t.take(r, place, matter)
		g.hold(t, place, matter)
	}
	return t
}

// KeepApart never lets two topics become one by themselves; Merge still joins them.
func (g *Groups) KeepApart(a, b *Topic) {
	a.apartFrom(b)
	b.apartFrom(a)
}

func (t *Topic) apartFrom(o *Topic) {
	if t.apart == nil {
		t.apart = map[*Topic]bool{}
	}
	t.apart[o] = true
}

// enough is how near two topics must be to be one.
func (g *Groups) enough(a, b *Topic) float64 {
	if min(len(a.Members), len(b.Members)) >= g.settings.Grown {
		return g.settings.JoinGrown
	}
	return g.settings.Join
}

func (t *Topic) take(r Report, place, matter vector) {
	t.Members, t.vectors = append(t.Members, r), append(t.vectors, [2]vector{place, matter})
	t.place.add(place)
	t.matter.add(matter)
	if r.Place != "" {
		t.known[r.Place]++
	}
	if r.Category != "" {
		t.categories[r.Category]++
	}
}

// hold lets a topic be found by its terms.
func (g *Groups) hold(t *Topic, vectors ...vector) {
	for _, v := range vectors {
		for _, x := range v {
			list := g.holding[x.id]
			if len(list) == 0 || list[len(list)-1] != t {
				g.holding[x.id] = append(list, t)
			}
		}
	}
}

// Merge joins two topics; the older one's number stays.
func (g *Groups) Merge(a, b *Topic) *Topic {
	if b.Number < a.Number {
		a, b = b, a
	}
	for i, r := range b.Members {
		a.take(r, b.vectors[i][0], b.vectors[i][1])
		g.hold(a, b.vectors[i][:]...)
	}
	b.into = a
	for o := range b.apart {
		if o != a {
			g.KeepApart(a, o)
		}
	}
	return a
}

// commonTerm is in so many topics that it tells none from another.
const commonTerm = 400

// nearest finds the topic that is nearest to another, or to one that is not among them yet.
func (g *Groups) nearest(t *Topic) (*Topic, float64) {
	var best *Topic
	most := 0.0
	seen := map[*Topic]bool{t: true}
	for _, s := range []*sum{&t.place, &t.matter} {
		for _, id := range s.order {
			for _, o := range g.holders(id) {
				if seen[o] || t.apart[o] {
					continue
				}
				seen[o] = true
				near := g.nearness(t, o)
				if near > most || near == most && best != nil && o.Number < best.Number {
					best, most = o, near
				}
			}
		}
	}
	return best, most
}

// holders are the topics that have a term, none where too many have it; those that were joined are forgotten.
func (g *Groups) holders(id uint32) []*Topic {
	list := g.holding[id]
	kept := list[:0]
	for _, t := range list {
		if t.into == nil {
			kept = append(kept, t)
		}
	}
	g.holding[id] = kept
	if len(kept) > commonTerm {
		return nil
	}
	return kept
}

// nearness of two topics is the geometric mean of how near they are in place and in matter.
func (g *Groups) nearness(a, b *Topic) float64 {
	na, nb := float64(len(a.Members)), float64(len(b.Members))
	matter := a.matter.dot(&b.matter)/(na*nb) + alike(a.categories, b.categories, g.settings.SameCategory, g.settings.OtherCategory)
	if matter <= 0 {
		return 0
	}
	pa, pb := a.place.n > 0 || len(a.known) > 0, b.place.n > 0 || len(b.known) > 0
	switch {
	case !pa && !pb:
		return matter * g.settings.Placeless
	case !pa || !pb:
		return matter * g.settings.OnePlace
	}
	place := alike(a.known, b.known, 1, 0)
	if len(a.known) == 0 || len(b.known) == 0 {
		place = a.place.dot(&b.place) / float64(max(a.place.n*b.place.n, 1))
	}
	return math.Sqrt(place * matter)
}

// alike is the mean over all pairs of what a pair is worth that is the same, and one
// that is not; 0 where there is no pair.
func alike(a, b map[string]int, same, other float64) float64 {
	equal, pairs := 0, 0
	for x, n := range a {
		for y, m := range b {
			pairs += n * m
			if x == y {
				equal += n * m
			}
		}
	}
	return (float64(equal)*same + float64(pairs-equal)*other) / float64(max(pairs, 1))
}
