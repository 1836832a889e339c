package address

import (
	"cmp"
	"slices"
	"strings"
)

// The bounds of a reading.
const (
	maxText       = 1000 // characters of a text that are read
	maxCandidates = 48   // names that are looked at closely
	maxOthers     = 4
)

// Settings of a reading. Likeness is 1 for a name that is there as it is written, 0 for
// one of which nothing is there; gain is the weight of what is there less that of what is not.
const (
	leastLikeness = 0.58
	leastGain     = 0.9 // of a name that is not there as it is written
	missed        = 2   // what a character that differs takes from the gain of a name, in its weight
	sureLikeness  = 0.8
	sureMargin    = 0.25 // of gain, to the best place elsewhere
	namedStreet   = 0.6  // is added to the gain of a place in a street that is named
	namedDistrict = 0.4
	rightKind     = 0.3 // of an estate where the number of a house follows; elsewhere it is taken off
	numbered      = 4   // characters within which it follows
	otherDistrict = -1  // of a place elsewhere, where a district is named
)

// Reading is what a text says of where.
type Reading struct {
	District string // code; empty where nothing was found
	Street   string // code; may be empty
	Place    *Place // nil where only a district or a street is named
	From, To int    // bytes of the text that name the place
	Likeness float64
	Sure     bool     // whether it is worth proposing without a question
	Others   []*Place // what else it may be, the likeliest first
}

// found is one place with the best way it is called in a text.
type found struct {
	place    int32
	at       match
	likeness float64
	gain     float64
}

// Read says which place a text speaks of.
func (g *Gazetteer) Read(text string) Reading {
	chars := fold(text, maxText)
	named := g.named(text)
	all := g.find(chars)
	if len(named) > 0 {
		// A name may have an area's in it; what is only like one must not be part of an area's.
		whole := slices.DeleteFunc(all, func(f found) bool { return f.likeness < 1 })
		all = slices.DeleteFunc(g.find(apart(chars, named)), func(f found) bool {
			return slices.ContainsFunc(whole, func(w found) bool { return w.place == f.place })
		})
		all = append(all, whole...)
	}
	for i := range all {
		p := g.places[all[i].place]
		all[i].gain += g.spokenFor(p, named) + suits(p, chars[all[i].at.to:])
	}
	slices.SortFunc(all, func(a, b found) int {
		return cmp.Or(cmp.Compare(b.gain, a.gain), cmp.Compare(a.at.from, b.at.from), cmp.Compare(a.place, b.place))
	})
	if len(all) == 0 {
		return g.areaAlone(text, named)
	}
	best := all[0]
	p := &g.places[best.place]
	r := Reading{District: p.District, Street: p.Street, Place: p, Likeness: best.likeness, Sure: best.likeness >= sureLikeness}
	if best.at.to > best.at.from {
		r.From, r.To = chars[best.at.from].start, chars[best.at.to-1].end
	}
	for _, other := range all[1:] {
		if len(r.Others) < maxOthers {
			r.Others = append(r.Others, &g.places[other.place])
		}
		elsewhere := g.places[other.place].District != p.District || g.places[other.place].Name == p.Name
		if elsewhere && best.gain-other.gain < sureMargin {
			r.Sure = false
		}
	}
	return r
}

// ReadBoth says which place somebody speaks of who gave an address and told a matter:
// the address decides, as long as it is plain.
func (g *Gazetteer) ReadBoth(address, text string) Reading {
	r := g.Read(address)
	if r.Place != nil && r.Sure || text == "" {
		return r
	}
	if both := g.Read(address + "。" + text); both.Place != nil || r.Place == nil {
		return both
	}
	return r
}

// find looks every name up that shares sounds with the text.
func (g *Gazetteer) find(text []character) []found {
	var all []found
	byPlace := map[int32]int{}
	heard := map[sound]bool{}
	for _, c := range text {
		for _, s := range c.sounds {
			heard[s] = true
		}
	}
	for _, i := range g.candidates(text) {
		n := g.names[i]
		if n.heardOf(heard) < leastLikeness*n.weight {
			continue
		}
		at := align(n.chars, text)
		f := found{place: n.place, at: at, likeness: 1 - at.cost/n.weight, gain: n.weight - missed*at.cost}
		if f.likeness < leastLikeness || at.cost > 0 && n.weight-at.cost < leastGain {
			continue
		}
		if k, seen := byPlace[n.place]; seen {
			if f.gain > all[k].gain {
				all[k] = f
			}
			continue
		}
		byPlace[n.place] = len(all)
		all = append(all, f)
	}
	return all
}

// heardOf is the weight of the characters whose sound is in a text: more than it is not like.
func (n name) heardOf(heard map[sound]bool) float64 {
	sum := 0.0
	for _, c := range n.chars {
		if slices.ContainsFunc(c.sounds, func(s sound) bool { return heard[s] }) {
			sum += c.weight
		}
	}
	return sum
}

// candidates are the names that share the most with a text.
func (g *Gazetteer) candidates(text []character) []int32 {
	shared := map[int32]float64{}
	seen := map[[2]sound]bool{}
	pairs(text, func(key [2]sound) {
		if seen[key] {
			return
		}
		seen[key] = true
		holders := g.index[key]
		if len(holders) > g.common {
			return
		}
		for _, n := range holders {
			shared[n] += 1 / float64(len(holders)+1)
		}
	})
	list := make([]int32, 0, len(shared))
	for n := range shared {
		list = append(list, n)
	}
	slices.SortFunc(list, func(a, b int32) int { return cmp.Or(cmp.Compare(shared[b], shared[a]), cmp.Compare(a, b)) })
	return list[:min(len(list), maxCandidates)]
}

// mention is an area that a text names.
type mention struct {
	area
	from, to int // bytes of the text
}

// named are the districts and streets whose whole names are in a text, in order.
func (g *Gazetteer) named(text string) []mention {
	var all []mention
	for _, a := range g.areas {
		if at := strings.Index(text, a.Name); at >= 0 && a.Name != "" {
			all = append(all, mention{a, at, at + len(a.Name)})
		}
	}
	slices.SortStableFunc(all, func(a, b mention) int { return cmp.Compare(a.from, b.from) })
	return all
}

// apart is a text without the names of areas in it: 南薰街道 is not 南薰大街.
func apart(text []character, named []mention) []character {
	out := slices.Clone(text)
	for i, c := range out {
		if slices.ContainsFunc(named, func(m mention) bool { return c.start >= m.from && c.end <= m.to }) {
			out[i] = character{start: c.start, end: c.end}
		}
	}
	return out
}

// suits is what follows a name says of its kind: only estates have 3号楼2单元.
func suits(p Place, after []character) float64 {
	for i, c := range after[:min(len(after), numbered)] {
		if c.r == '栋' || c.r == '幢' || c.r == '单' || c.r == '号' && i+1 < len(after) && after[i+1].r == '楼' {
			if p.Kind == "r" {
				return rightKind
			}
			return -rightKind
		}
	}
	return 0
}

// spokenFor is what the areas that are named add to a place.
func (g *Gazetteer) spokenFor(p Place, named []mention) float64 {
	best, any := 0.0, false
	for _, a := range named {
		switch {
		case a.Code == p.Street:
			best = max(best, namedStreet)
		case a.district == p.District:
			best = max(best, namedDistrict)
		default:
			any = true
		}
	}
	if best == 0 && any {
		return otherDistrict
	}
	return best
}

// areaAlone reads a text that names no place.
func (g *Gazetteer) areaAlone(text string, named []mention) Reading {
	if len(named) == 0 {
		for _, a := range g.areas {
			if at := strings.Index(text, a.short); a.short != "" && at >= 0 {
				named = append(named, mention{a, at, at + len(a.short)})
			}
		}
		slices.SortStableFunc(named, func(a, b mention) int { return cmp.Compare(a.from, b.from) })
	}
	for _, street := range []bool{true, false} {
		for _, a := range named {
			if (a.Parent != "") == street {
				r := Reading{District: a.district, Sure: len(named) == 1}
				if street {
					r.Street = a.Code
				}
				return r
			}
		}
	}
	return Reading{}
}
