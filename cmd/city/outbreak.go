package city

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"hotline/ticketing/sla"
)

// plant lays out the outbreaks and the arrival times of their cases.
func (g *Generator) plant() error {
	r := rand.New(rand.NewPCG(g.seed, 4))
	if g.opts.Outbreaks == nil {
		g.outbreaks = g.plan(r)
	} else {
		g.outbreaks = slices.Clone(g.opts.Outbreaks)
	}
	for i := range g.outbreaks {
		o := &g.outbreaks[i]
		if o.ID == "" {
			o.ID = fmt.Sprintf("outbreak-%02d", i+1)
		}
		p := g.placed[o.Place]
		switch _, known := g.index[o.Category]; {
		case !known:
			return fmt.Errorf("city history: %s: category %q is not a leaf of the city", o.ID, o.Category)
		case p == nil:
			return fmt.Errorf("city history: %s: place %q is not in the gazetteer", o.ID, o.Place)
		case !o.From.Before(o.To) || o.From.Before(g.opts.From) || o.To.After(g.opts.To):
			return fmt.Errorf("city history: %s: it must lie within the history and end after it begins", o.ID)
		case o.Cases < 1 || o.Cases > MaxCount:
			return fmt.Errorf("city history: %s: Cases %d must be from 1 to %d", o.ID, o.Cases, MaxCount)
		}
		o.District = p.District
		o.From, o.To = o.From.In(sla.Zone), o.To.In(sla.Zone)
		g.bursts = append(g.bursts, g.burst(r, *o))
	}
	g.base = g.opts.Count - g.planted()
	if g.opts.Count > 0 && g.base < 0 {
		return fmt.Errorf("city history: the outbreaks bring %d cases, more than Count %d", g.planted(), g.opts.Count)
	}
	return nil
}

func (g *Generator) planted() int {
	n := 0
	for _, o := range g.outbreaks {
		n += o.Cases
	}
	return n
}

// plan chooses about one outbreak a fortnight, each in its category's season.
func (g *Generator) plan(r *rand.Rand) []Outbreak {
	hours := int(g.opts.To.Sub(g.opts.From) / time.Hour)
	if hours < 72 || len(g.all) == 0 {
		return nil
	}
	total := g.scale * g.weight
	if g.opts.Count > 0 {
		total = float64(g.opts.Count)
	}
	perDay := total / float64(hours) * 24
	n := min(max(1, hours/(14*24)), 200)
	var out []Outbreak
	for i := range n {
		// One in each stretch, so that they do not pile up.
		days := 2 + r.IntN(3)
		stretch := hours / n
		from := g.opts.From.Add(time.Duration(i*stretch+r.IntN(max(1, stretch-days*24))) * time.Hour)
		to := from.Add(time.Duration(days) * 24 * time.Hour)
		if to.After(g.opts.To) {
			to = g.opts.To
		}
		noon := time.Date(from.Year(), from.Month(), from.Day(), 12, 0, 0, 0, sla.Zone)
		l := g.leaves[g.clock.table(noon, true).pick(r.Float64())]
		for tries := 0; tries < 50 && !l.breaksOut(); tries++ {
			l = g.leaves[g.clock.table(noon, true).pick(r.Float64())]
		}
		places := g.places[l.kinds[r.IntN(len(l.kinds))]]
		if len(places) == 0 {
			places = g.all
		}
		size := min(max(8, int(perDay*(0.04+0.05*r.Float64()))*days), int(total/float64(4*n)))
		if size < 1 {
			continue
		}
		out = append(out, Outbreak{Category: l.code, Place: pick(r, places).Name, From: from, To: to, Cases: size})
	}
	return out
}

// burst draws the arrivals of an outbreak: a steep rise, a slow fall, hardly
// anything in the small hours.
func (g *Generator) burst(r *rand.Rand, o Outbreak) []int64 {
	from, length := o.From.UnixMilli(), o.To.Sub(o.From).Milliseconds()
	out := make([]int64, 0, o.Cases)
	for tries := 0; len(out) < o.Cases; tries++ {
		x := r.Float64()
		at := from + int64(x*float64(length))
		height := math.Min(1, x/0.15) * math.Exp(-1.8*math.Max(0, x-0.15))
		height *= restHours[time.UnixMilli(at).In(sla.Zone).Hour()] / 68
		if r.Float64() < height || tries > 50*o.Cases {
			out = append(out, at)
		}
	}
	slices.Sort(out)
	return out
}

// kindOf is a kind of place that suits the category and that the city has.
func (g *Generator) kindOf(r *rand.Rand, l *leaf) []*Place {
	k := l.kinds[r.IntN(len(l.kinds))]
	if list := g.places[k]; len(list) > 0 {
		return list
	}
	for i := range len(l.kinds) {
		if list := g.places[l.kinds[i]]; len(list) > 0 {
			return list
		}
	}
	return g.all
}

// breaksOut tells whether many people at one place may have the same trouble
// at once.
func (l *leaf) breaksOut() bool {
	return l.mix != 'q' && l.weight >= 3 && !slices.Contains(l.tags, "office")
}

// bothers tells whether people call about it from home.
func (l *leaf) bothers() bool { return strings.Contains(l.kinds, "r") }
