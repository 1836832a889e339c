package address

import (
	"math"
	"strings"
	"unicode/utf8"

	"hotline/search/pinyin"
)

// Gazetteer finds places. It is safe for concurrent use.
type Gazetteer struct {
	places []Place
	keys   map[string]int32
	areas  []area
	names  []name
	index  map[[2]sound][]int32 // by two sounds that follow one another, or with one between: names
	common int                  // a pair in more names tells nothing

	initials map[byte][]int32 // names by how the first character's readings begin
}

// name is one way to call a place.
type name struct {
	place  int32
	called string
	chars  []character
	weight float64 // of all characters
}

// area is a district or street with the ways to call it.
type area struct {
	Area
	district string
	short    string // without what it ends in; empty where that is too short to tell
}

// leastWeight is that of a character that nearly every name has.
const leastWeight = 0.12

// New makes a gazetteer of the city's districts and streets and of its places. A place
// whose district or street is unknown stays: its codes are answered as they are.
func New(areas []Area, places []Place) *Gazetteer {
	g := &Gazetteer{places: places, keys: make(map[string]int32, len(places)), index: map[[2]sound][]int32{}, common: max(300, len(places)/20), initials: map[byte][]int32{}}
	g.takeAreas(areas)
	for i, p := range places {
		g.keys[p.Key()] = int32(i) //nolint:gosec // MaxPlaces
		for _, called := range callings(p) {
			g.names = append(g.names, name{place: int32(i), called: called, chars: fold(called, 2*MaxName)}) //nolint:gosec // MaxPlaces
		}
	}
	g.weigh()
	for i, n := range g.names {
		g.takeInitials(int32(i), n.called) //nolint:gosec // few names a place
		seen := map[[2]sound]bool{}
		pairs(n.chars, func(key [2]sound) {
			if !seen[key] {
				seen[key] = true
				g.index[key] = append(g.index[key], int32(i)) //nolint:gosec // few names a place
			}
		})
	}
	return g
}

// Places are those that the gazetteer was made of.
func (g *Gazetteer) Places() []Place { return g.places }

// Place is the one of a key.
func (g *Gazetteer) Place(key string) (Place, bool) {
	i, ok := g.keys[key]
	if !ok {
		return Place{}, false
	}
	return g.places[i], true
}

func (g *Gazetteer) takeInitials(i int32, called string) {
	first, _ := utf8.DecodeRuneInString(called)
	seen := map[byte]bool{}
	for _, reading := range pinyin.Of(first) {
		if !seen[reading[0]] {
			seen[reading[0]] = true
			g.initials[reading[0]] = append(g.initials[reading[0]], i)
		}
	}
}

// areaEndings are what districts and streets end in, longest first.
var areaEndings = []string{"街道", "新区", "地区", "区", "县", "镇", "乡", "市"}

func (g *Gazetteer) takeAreas(areas []Area) {
	parents := map[string]string{}
	for _, a := range areas {
		parents[a.Code] = a.Parent
	}
	for _, a := range areas {
		district := a.Code
		for steps := 0; parents[district] != "" && steps < len(areas); steps++ {
			district = parents[district]
		}
		out := area{Area: a, district: district}
		for _, ending := range areaEndings {
			if short, ok := strings.CutSuffix(a.Name, ending); ok {
				if len([]rune(short)) >= 2 {
					out.short = short
				}
				break
			}
		}
		g.areas = append(g.areas, out)
	}
}

// callings are a place's names as people say them; the roads of a crossing come in either order.
func callings(p Place) []string {
	all := append([]string{p.Name}, p.Aliases...)
	if city, rest, ok := strings.Cut(p.Name, "市"); ok && utf8.RuneCountInString(city) <= 4 && utf8.RuneCountInString(rest) >= 4 {
		all = append(all, rest) // nobody names the city
	}
	for _, ending := range []string{"交叉口", "路口"} {
		roads, ok := strings.CutSuffix(p.Name, ending)
		if !ok {
			continue
		}
		for _, and := range []string{"与", "和", "－", "-", "、"} {
			if a, b, ok := strings.Cut(roads, and); ok && a != "" && b != "" {
				return append(all, b+a+ending)
			}
		}
	}
	return all
}

// weigh gives each character of a name the weight that its rarity among places has.
func (g *Gazetteer) weigh() {
	in := map[rune]int{}
	last := map[rune]int32{}
	for _, n := range g.names {
		for _, c := range n.chars {
			if before, seen := last[c.r]; !seen || before != n.place {
				last[c.r] = n.place
				in[c.r]++
			}
		}
	}
	all := math.Log1p(float64(len(g.places)))
	for i := range g.names {
		n := &g.names[i]
		for k := range n.chars {
			c := &n.chars[k]
			c.weight = max(leastWeight, math.Log1p(float64(len(g.places))/float64(in[c.r]))/max(all, 1))
			if c.r == 0 {
				c.weight = 0
			}
			n.weight += c.weight
		}
	}
}

// pairs calls with each two sounds that follow one another or with one between.
func pairs(chars []character, yield func(key [2]sound)) {
	for i, a := range chars {
		if a.r == 0 {
			continue
		}
		for step := 1; step <= 2 && i+step < len(chars); step++ {
			b := chars[i+step]
			if b.r == 0 {
				continue
			}
			for _, x := range a.sounds {
				for _, y := range b.sounds {
					yield([2]sound{x, y})
				}
			}
		}
	}
}
