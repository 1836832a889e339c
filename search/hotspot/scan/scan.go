package scan

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// Place is where reports came from, and how many on each day, the oldest first.
type Place struct {
	Key    string
	East   float64 // metres from wherever
	North  float64
	Counts []int
}

// Settings of a scan; the zero value works.
type Settings struct {
	Radius   float64 // metres of the largest circle; 2,000 when zero
	Days     int     // of the longest time, the last ones; 3 when zero
	Shuffles int     // 999 when zero
	Fewest   int     // reports of a circle and time that are told of; 4 when zero
	Seed     uint64
}

func (s Settings) withDefaults() Settings {
	s.Radius = cmp.Or(s.Radius, 2000)
	s.Days = cmp.Or(s.Days, 3)
	s.Shuffles = cmp.Or(s.Shuffles, 999)
	s.Fewest = cmp.Or(s.Fewest, 4)
	return s
}

// Cluster is a circle and a time of which more came than expected.
type Cluster struct {
	Places   []string // keys, the middle first
	Metres   float64  // from the middle to the farthest
	Days     int      // the last ones
	Observed int
	Expected float64
	Score    float64 // logarithm of the likelihood ratio
	Chance   float64 // of one as striking anywhere, without an outbreak
}

// enough is how many shuffles as striking say that a cluster is nothing.
const enough = 50

// Find is the most striking cluster; false where no circle has more than expected.
func Find(places []Place, s Settings) (Cluster, bool) {
	s = s.withDefaults()
	g := newGround(places, s)
	best, found := g.best(g.counts())
	if !found {
		return Cluster{}, false
	}
	random := rand.New(rand.NewPCG(s.Seed, 2005)) //nolint:gosec // the same answer each time
	days := g.days()
	striking, done := 0, 0
	for done < s.Shuffles && striking < enough {
		random.Shuffle(len(days), func(i, j int) { days[i], days[j] = days[j], days[i] })
		if other, any := g.best(g.shuffled(days)); any && other.Score >= best.Score {
			striking++
		}
		done++
	}
	best.Chance = float64(striking+1) / float64(done+1)
	return best, true
}

// ground is what does not change when days are shuffled.
type ground struct {
	Settings
	places []Place
	near   [][]neighbour // by place, the nearest first, itself among them
	totals []int         // by place
	all    int
	ofDay  []int // reports of each of the last days, over all places; the newest first
}

type neighbour struct {
	place  int
	metres float64
}

func newGround(places []Place, s Settings) *ground {
	g := &ground{Settings: s, places: places, near: make([][]neighbour, len(places)), totals: make([]int, len(places)), ofDay: make([]int, s.Days)}
	for i, p := range places {
		for _, n := range p.Counts {
			g.totals[i] += n
		}
		g.all += g.totals[i]
	}
	for i, p := range places {
		for d := range min(s.Days, len(p.Counts)) {
			g.ofDay[d] += p.Counts[len(p.Counts)-1-d]
		}
		for k, q := range places {
			if metres := math.Hypot(p.East-q.East, p.North-q.North); metres <= s.Radius {
				g.near[i] = append(g.near[i], neighbour{k, metres})
			}
		}
		slices.SortFunc(g.near[i], func(a, b neighbour) int { return cmp.Or(cmp.Compare(a.metres, b.metres), a.place-b.place) })
	}
	return g
}

// counts are the reports of each place on each of the last days, the newest first.
func (g *ground) counts() [][]int {
	late := make([][]int, len(g.places))
	for i, p := range g.places {
		late[i] = make([]int, g.Days)
		for d := range min(g.Days, len(p.Counts)) {
			late[i][d] = p.Counts[len(p.Counts)-1-d]
		}
	}
	return late
}

// days are those of all reports, counted back from the last.
func (g *ground) days() []int {
	var days []int
	for _, p := range g.places {
		for d, n := range p.Counts {
			for range n {
				days = append(days, len(p.Counts)-1-d)
			}
		}
	}
	return days
}

// shuffled are counts of places that keep how many reports they have, with other days.
func (g *ground) shuffled(days []int) [][]int {
	late := make([][]int, len(g.places))
	next := 0
	for i := range g.places {
		late[i] = make([]int, g.Days)
		for range g.totals[i] {
			if d := days[next]; d < g.Days {
				late[i][d]++
			}
			next++
		}
	}
	return late
}

// best is the most striking cluster of counts.
func (g *ground) best(late [][]int) (best Cluster, found bool) {
	for centre := range g.places {
		if g.totals[centre] == 0 {
			continue
		}
		inside, of := 0, make([]int, g.Days)
		for k, n := range g.near[centre] {
			inside += g.totals[n.place]
			if 2*inside > g.all {
				break // it is the rest that stands out then
			}
			for d := range of {
				of[d] += late[n.place][d]
			}
			if k+1 < len(g.near[centre]) && g.near[centre][k+1].metres == n.metres {
				continue // a circle has all at its edge
			}
			observed, window := 0, 0
			for d := range of {
				observed += of[d]
				window += g.ofDay[d]
				expected := float64(inside) * float64(window) / float64(g.all)
				if observed < g.Fewest || float64(observed) <= expected {
					continue
				}
				if score := ratio(float64(observed), expected, float64(g.all)); score > best.Score {
					best, found = Cluster{Metres: n.metres, Days: d + 1, Observed: observed, Expected: expected, Score: score}, true
					best.Places = g.keys(g.near[centre][:k+1])
				}
			}
		}
	}
	return best, found
}

func (g *ground) keys(of []neighbour) []string {
	keys := make([]string, len(of))
	for i, n := range of {
		keys[i] = g.places[n.place].Key
	}
	return keys
}

// ratio is the logarithm of the likelihood ratio of a cluster.
func ratio(observed, expected, all float64) float64 {
	score := observed * math.Log(observed/expected)
	if rest := all - observed; rest > 0 {
		score += rest * math.Log(rest/(all-expected))
	}
	return score
}
