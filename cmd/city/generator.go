package city

import (
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"hotline/search/address"
	"hotline/ticketing"
	"hotline/ticketing/sla"
)

// MaxCount is the largest Options.Count.
const MaxCount = 1_000_000

// Options say which history to make up. The zero Options gives the 90 days up
// to 1 July 2025 with about 300 cases a day.
type Options struct {
	From, To  time.Time  // half-open, cut to whole hours; zero From: 90 days before To
	Count     int        // exactly so many cases, at most MaxCount; 0: PerDay decides
	PerDay    float64    // cases on an ordinary working day; 0: 300
	AsOf      time.Time  // what has not happened by then is left out; zero: To
	Callers   int        // how many different citizens; 0: a third of the cases
	Outbreaks []Outbreak // planted bursts; nil: about one a fortnight; empty: none
	Places    []Place    // nil: Gazetteer()
}

// Generator makes up a city's history.
type Generator struct {
	seed      uint64
	opts      Options
	leaves    []*leaf
	index     map[string]int // of leaves by code
	clock     *clockwork
	lookup    *lookup
	names     map[string]string // of districts and departments, by "d:" or "u:" and code
	fallback  map[string]string // the desk's choice by district; "" for any
	districts []string          // top level, for a city without places
	places    map[byte][]*Place // by kind
	all       []*Place
	placed    map[string]*Place
	scale     float64 // cases by unit of clockwork weight
	weight    float64 // of all hours
	base      int     // cases outside outbreaks; with Count set
	outbreaks []Outbreak
	bursts    [][]int64 // arrival times of each outbreak, sorted, epoch milliseconds
}

// New checks the options and lays out the history: its hours, its callers and
// its outbreaks.
func New(seed int64, c ticketing.City, opts Options) (*Generator, error) {
	g := &Generator{seed: mix64(uint64(seed)), opts: opts, lookup: newLookup(c)}
	if err := g.period(); err != nil {
		return nil, err
	}
	calendar := sla.DefaultCalendar()
	if len(c.Calendar) > 0 {
		var err error
		if calendar, err = sla.ParseCalendar(c.Calendar); err != nil {
			return nil, fmt.Errorf("city history: %w", err)
		}
	}
	if err := g.categories(c); err != nil {
		return nil, err
	}
	g.geography(c)
	g.clock = newClockwork(calendar, g.leaves)
	g.measure()
	if err := g.plant(); err != nil {
		return nil, err
	}
	if g.opts.Callers == 0 {
		g.opts.Callers = max(50, g.expected()/3)
	}
	return g, nil
}

func (g *Generator) period() error {
	o := &g.opts
	if o.To.IsZero() {
		o.To = time.Date(2025, 7, 1, 0, 0, 0, 0, sla.Zone)
		if !o.From.IsZero() {
			o.To = o.From.AddDate(0, 0, 90)
		}
	}
	if o.From.IsZero() {
		o.From = o.To.AddDate(0, 0, -90)
	}
	o.From, o.To = o.From.In(sla.Zone).Truncate(time.Hour), o.To.In(sla.Zone).Truncate(time.Hour)
	if o.AsOf.IsZero() {
		o.AsOf = o.To
	}
	switch {
	case !o.From.Before(o.To):
		return fmt.Errorf("city history: From %s must be at least an hour before To %s", o.From, o.To)
	case o.To.Sub(o.From) > 20*366*24*time.Hour:
		return fmt.Errorf("city history: From %s to To %s is more than 20 years", o.From, o.To)
	case o.Count < 0 || o.Count > MaxCount:
		return fmt.Errorf("city history: Count %d must be from 0 to %d", o.Count, MaxCount)
	case o.PerDay < 0 || math.IsNaN(o.PerDay) || o.PerDay > 1e6:
		return fmt.Errorf("city history: PerDay %v must be from 0 to 1000000", o.PerDay)
	case o.Callers < 0 || o.Callers > phoneModulus:
		return fmt.Errorf("city history: Callers %d must be from 0 to %d", o.Callers, phoneModulus)
	}
	return nil
}

// categories pairs the leaves of the city's tree with their grammars.
func (g *Generator) categories(c ticketing.City) error {
	grammar, err := parseGrammar(grammarText)
	if err != nil {
		return err
	}
	inner := map[string]bool{}
	for _, k := range c.Categories {
		inner[k.Parent] = true
	}
	g.index = map[string]int{}
	for _, k := range c.Categories {
		if inner[k.Code] {
			continue
		}
		l := grammar[k.Code]
		if l == nil {
			l = plainLeaf(k)
		}
		g.index[k.Code] = len(g.leaves)
		g.leaves = append(g.leaves, l)
	}
	if len(g.leaves) == 0 {
		return fmt.Errorf("city history: the city has no categories")
	}
	return nil
}

// geography sorts the places that lie in the city by kind.
func (g *Generator) geography(c ticketing.City) {
	g.names, g.fallback = map[string]string{}, map[string]string{}
	for _, d := range c.Districts {
		g.names["d:"+d.Code] = d.Name
		if d.Parent == "" {
			g.districts = append(g.districts, d.Code)
		}
	}
	for _, d := range c.Departments {
		g.names["u:"+d.Code] = d.Name
		if g.fallback[d.District] == "" {
			g.fallback[d.District] = d.Code
		}
	}
	if g.opts.Places == nil {
		g.opts.Places = Gazetteer()
	}
	g.places, g.placed = map[byte][]*Place{}, map[string]*Place{}
	for i := range g.opts.Places {
		p := &g.opts.Places[i]
		if g.names["d:"+p.District] == "" || p.Kind == "" {
			continue
		}
		g.places[p.Kind[0]] = append(g.places[p.Kind[0]], p)
		g.all = append(g.all, p)
		g.placed[p.Name] = p
	}
	// Some places have more trouble than others, by the seed.
	r := rand.New(rand.NewPCG(g.seed, 3))
	for _, kind := range []byte(address.Kinds) {
		list := g.places[kind]
		r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
}

// measure finds how many cases a unit of weight stands for.
func (g *Generator) measure() {
	for h := g.opts.From; h.Before(g.opts.To); h = h.Add(time.Hour) {
		g.weight += g.clock.weight(h)
	}
	ordinary := 0.0
	for h := range 24 { // a Thursday in spring
		ordinary += g.clock.weight(time.Date(2025, 4, 17, h, 0, 0, 0, sla.Zone))
	}
	perDay := g.opts.PerDay
	if perDay == 0 {
		perDay = 300
	}
	g.scale = perDay / ordinary
}

// expected is the number of cases, the planted ones included.
func (g *Generator) expected() int {
	if g.opts.Count > 0 {
		return g.opts.Count
	}
	return int(g.scale*g.weight) + g.planted()
}

// Outbreaks are the planted bursts, in order of their beginning.
func (g *Generator) Outbreaks() []Outbreak { return slices.Clone(g.outbreaks) }

// arrival is one case before it is made up.
type arrival struct {
	ms    int64
	burst int // index of the outbreak; -1: none
}

// All yields the cases in order of arrival. It may be called any number of
// times, also at once from several goroutines, and yields the same each time.
func (g *Generator) All() iter.Seq[Case] {
	return func(yield func(Case) bool) {
		m := newMaker(g)
		pcg := rand.NewPCG(0, 0)
		r := rand.New(pcg)
		left, leftWeight := g.base, g.weight
		next := make([]int, len(g.bursts))
		numbers := map[int]int{}
		var due []arrival
		seq := 0
		for i, h := 0, g.opts.From; h.Before(g.opts.To); i, h = i+1, h.Add(time.Hour) {
			pcg.Seed(g.seed, mix64(uint64(i)))
			w := g.clock.weight(h)
			var n int
			if g.opts.Count == 0 {
				n = poisson(r, g.scale*w)
			} else {
				n = g.share(r, left, w, leftWeight, h)
				left, leftWeight = left-n, leftWeight-w
			}
			due = g.due(due[:0], h, n, next, r)
			for _, a := range due {
				pcg.Seed(g.seed^0xca5e, mix64(uint64(seq)))
				c := m.make(r, seq, a)
				c.Number = number(numbers, c.AcceptedAt)
				if !yield(c) {
					return
				}
				seq++
			}
			if h.Hour() == 12 {
				forget(numbers, h)
			}
		}
	}
}

// share draws how many of the cases that are left fall into this hour, so that
// all of them fall into some hour.
func (g *Generator) share(r *rand.Rand, left int, w, leftWeight float64, h time.Time) int {
	if !h.Add(time.Hour).Before(g.opts.To) {
		return left
	}
	return min(left, poisson(r, float64(left)*w/leftWeight))
}

// due are the arrivals of one hour in order.
func (g *Generator) due(due []arrival, h time.Time, n int, next []int, r *rand.Rand) []arrival {
	from := h.UnixMilli()
	for range n {
		due = append(due, arrival{ms: from + r.Int64N(3_600_000), burst: -1})
	}
	for b, times := range g.bursts {
		for next[b] < len(times) && times[next[b]] < from+3_600_000 {
			due = append(due, arrival{ms: times[next[b]], burst: b})
			next[b]++
		}
	}
	slices.SortStableFunc(due, func(a, b arrival) int { return int(a.ms - b.ms) })
	return due
}

// number counts the tickets of a day: YYYYMMDD-NNNNNN.
func number(counts map[int]int, at time.Time) string {
	y, mon, d := at.In(sla.Zone).Date()
	day := y*10000 + int(mon)*100 + d
	counts[day]++
	b := make([]byte, 0, 15)
	b = strconv.AppendInt(b, int64(day), 10)
	b = append(b, '-')
	n := strconv.Itoa(counts[day])
	for range 6 - len(n) {
		b = append(b, '0')
	}
	return string(append(b, n...))
}

// forget drops the counters of days that no ticket can fall into any more.
func forget(counts map[int]int, now time.Time) {
	y, mon, d := now.AddDate(0, 0, -2).Date()
	for day := range counts {
		if day < y*10000+int(mon)*100+d {
			delete(counts, day)
		}
	}
}

// poisson draws from the Poisson distribution, from the normal one where the
// mean is large.
func poisson(r *rand.Rand, mean float64) int {
	if mean <= 0 {
		return 0
	}
	if mean > 60 {
		return max(0, int(math.Round(mean+math.Sqrt(mean)*r.NormFloat64())))
	}
	n := 0
	for p := r.Float64(); p > math.Exp(-mean); p *= r.Float64() {
		n++
	}
	return n
}
