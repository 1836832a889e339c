package ftsindex

import (
	"cmp"
	"container/heap"
	"math"
	"slices"
	"strings"
	"time"

	"hotline/search"
)

// selection works out which entries a plan takes, counts them and keeps the first rows.
type selection struct {
	cols   *columns
	plan   search.Plan
	scores []uint8 // by slot; nil when sorted by newest

	values [colCount][]bool // by number of a name; nil takes all
	cats   [][]bool         // each by number of a set
	depts  [][]bool
	scope  []bool
	only   map[string]bool // ids; nil takes all
	from   int64
	to     int64

	total  int
	counts []facetCount
	days   map[int32]int
	top    topRows
}

// facetCount counts the values of one column by number of a name.
type facetCount struct {
	name string
	col  int
	of   []int
}

// newSelection looks every value of the plan up once. The caller holds cols.mu.
func newSelection(c *columns, p search.Plan, scores []uint8) *selection {
	s := &selection{cols: c, plan: p, scores: scores, from: math.MinInt64, to: math.MaxInt64}
	f := p.Filters
	for col, wanted := range map[int][]string{colType: f.Types, colDistrict: f.Districts, colState: f.States, colChannel: f.Channels, colPlace: f.Places} {
		s.values[col] = c.allowed(wanted)
	}
	s.cats, s.depts = c.eachAllowed(f.Categories, f.MoreCategories), c.eachAllowed(f.Departments, f.MoreDepartments)
	if !p.Scope.All {
		if s.scope = c.allowedSets(p.Scope.Departments); s.scope == nil {
			s.scope = make([]bool, len(c.members)) // no department: nothing
		}
	}
	if p.Only != nil {
		s.only = make(map[string]bool, len(p.Only))
		for _, id := range p.Only {
			s.only[id] = true
		}
	}
	if !f.From.IsZero() {
		s.from = ceilMillis(f.From)
	}
	if !f.To.IsZero() {
		s.to = ceilMillis(f.To)
	}
	for _, facet := range p.Facets {
		s.counts = append(s.counts, facetCount{name: facet, col: colNames[facet], of: make([]int, len(c.names.names))})
	}
	if p.Histogram {
		s.days = map[int32]int{}
	}
	return s
}

// ceilMillis rounds up, as created_at in [from, to) asks when created_at is in whole milliseconds.
func ceilMillis(t time.Time) int64 {
	ms := t.UnixMilli()
	if t.After(time.UnixMilli(ms)) {
		ms++
	}
	return ms
}

// allowed returns which numbers of names are among the wanted; nil when nothing is asked.
func (c *columns) allowed(wanted []string) []bool {
	if len(wanted) == 0 {
		return nil
	}
	ok := make([]bool, len(c.names.names))
	for _, n := range c.names.numbersOf(wanted) {
		ok[n] = true
	}
	return ok
}

// allowedSets returns which numbers of sets hold one of the wanted names; nil when nothing is asked.
func (c *columns) allowedSets(wanted []string) []bool {
	names := c.allowed(wanted)
	if names == nil {
		return nil
	}
	ok := make([]bool, len(c.members))
	for set, members := range c.members {
		ok[set] = slices.ContainsFunc(members, func(n uint32) bool { return names[n] })
	}
	return ok
}

// eachAllowed are the sets that hold one of each of these lists of names.
func (c *columns) eachAllowed(first []string, more [][]string) [][]bool {
	var all [][]bool
	for _, wanted := range append([][]string{first}, more...) {
		if ok := c.allowedSets(wanted); ok != nil {
			all = append(all, ok)
		}
	}
	return all
}

func (s *selection) takes(e *entry) bool {
	if e.id == "" || e.created < s.from || e.created >= s.to {
		return false
	}
	if s.scope != nil && !s.scope[e.depts] {
		return false
	}
	if s.only != nil && !s.only[e.id] {
		return false
	}
	for _, ok := range s.cats {
		if !ok[e.cats] {
			return false
		}
	}
	for _, ok := range s.depts {
		if !ok[e.depts] {
			return false
		}
	}
	for col, ok := range s.values {
		if ok != nil && !ok[e.values[col]] {
			return false
		}
	}
	if near := s.plan.Filters.Near; near != nil && (e.at == nil || !near.Holds(*e.at)) {
		return false
	}
	within := s.plan.Filters.Within
	return len(within) == 0 || e.at != nil && within.Holds(*e.at)
}

// consider counts the entry of a slot if the plan takes it.
func (s *selection) consider(slot int) {
	e := &s.cols.entries[slot]
	if !s.takes(e) {
		return
	}
	s.total++
	for i := range s.counts {
		f := &s.counts[i]
		f.of[e.values[f.col]]++
	}
	if s.days != nil {
		s.days[e.dayShift]++
	}
	c := candidate{slot: slot, entry: e}
	if s.scores != nil {
		c.score = int(s.scores[slot])
	}
	if a := s.plan.After; a != nil && c.compare(a.Score, a.CreatedAt.UnixMilli(), a.ID) <= 0 {
		return
	}
	s.top.offer(c, s.plan.Limit)
}

// found turns the counts into an answer without rows.
func (s *selection) found() search.Found {
	f := search.Found{Total: min(s.total, s.plan.TotalCap), TotalCapped: s.total > s.plan.TotalCap}
	if len(s.counts) > 0 {
		f.Facets = make(map[string][]search.Bucket, len(s.counts))
	}
	for _, facet := range s.counts {
		buckets := []search.Bucket{}
		for n, count := range facet.of {
			if name := s.cols.names.names[n]; count > 0 && name != "" {
				buckets = append(buckets, search.Bucket{Key: name, Count: count})
			}
		}
		slices.SortFunc(buckets, func(a, b search.Bucket) int {
			return cmp.Or(b.Count-a.Count, strings.Compare(a.Key, b.Key))
		})
		f.Facets[facet.name] = buckets[:min(len(buckets), s.plan.FacetSize)]
	}
	if s.days != nil {
		f.Histogram = make([]search.Bucket, 0, len(s.days))
		for d, count := range s.days {
			f.Histogram = append(f.Histogram, search.Bucket{Key: time.Unix(int64(d)*dayMillis/1000, 0).UTC().Format(time.DateOnly), Count: count})
		}
		slices.SortFunc(f.Histogram, func(a, b search.Bucket) int { return strings.Compare(a.Key, b.Key) })
	}
	return f
}

type candidate struct {
	slot  int
	score int
	entry *entry
}

// compare is positive when the candidate comes after the position in a result.
func (c candidate) compare(score int, created int64, id string) int {
	return cmp.Or(cmp.Compare(score, c.score), cmp.Compare(created, c.entry.created), strings.Compare(id, c.entry.id))
}

// topRows is a heap whose root is the last of the rows kept.
type topRows []candidate

func (t topRows) Len() int { return len(t) }
func (t topRows) Less(i, j int) bool {
	return t[i].compare(t[j].score, t[j].entry.created, t[j].entry.id) > 0
}
func (t topRows) Swap(i, j int) { t[i], t[j] = t[j], t[i] }

// Push adds at the end, for container/heap.
func (t *topRows) Push(c any) { *t = append(*t, c.(candidate)) }

// Pop takes from the end, for container/heap.
func (t *topRows) Pop() any {
	last := len(*t) - 1
	c := (*t)[last]
	*t = (*t)[:last]
	return c
}

func (t *topRows) offer(c candidate, limit int) {
	if len(*t) < limit {
		heap.Push(t, c)
		return
	}
	if last := (*t)[0]; c.compare(last.score, last.entry.created, last.entry.id) < 0 {
		(*t)[0] = c
		heap.Fix(t, 0)
	}
}

// sorted returns the rows kept, the first first.
func (t topRows) sorted() []candidate {
	slices.SortFunc(t, func(a, b candidate) int { return a.compare(b.score, b.entry.created, b.entry.id) })
	return t
}
