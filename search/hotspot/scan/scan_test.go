package scan_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hotline/search/hotspot/scan"
)

const days = 56

// city has places on a grid, 600 m apart, some busier, and days that differ.
func city(seed uint64) []scan.Place {
	random := rand.New(rand.NewPCG(seed, 1))
	var places []scan.Place
	for i := range 100 {
		p := scan.Place{Key: fmt.Sprint("p", i), East: float64(i%10) * 600, North: float64(i/10) * 600, Counts: make([]int, days)}
		for d := range p.Counts {
			p.Counts[d] = poisson(random, 0.05*float64(1+i%4)*(1+0.5*float64(d%7/5)))
		}
		places = append(places, p)
	}
	return places
}

func poisson(r *rand.Rand, mean float64) int {
	n, left := 0, math.Exp(-mean)
	for p := r.Float64(); p > left; p *= r.Float64() {
		n++
	}
	return n
}

func TestAnOutbreakOfAPlaceIsFound(t *testing.T) {
	found := 0
	for seed := range uint64(20) {
		places := city(seed)
		for _, i := range []int{44, 45, 54} {
			places[i].Counts[days-1] += 3
			places[i].Counts[days-2] += 2
		}
		c, any := scan.Find(places, scan.Settings{Shuffles: 199})
		require.True(t, any)
		require.GreaterOrEqual(t, float64(c.Observed), c.Expected)
		if c.Chance <= 0.01 && (slices.Contains(c.Places, "p44") || slices.Contains(c.Places, "p45") || slices.Contains(c.Places, "p54")) {
			found++
			require.LessOrEqual(t, c.Metres, 2000.0)
			require.LessOrEqual(t, c.Days, 3)
		}
	}
	t.Logf("%d of 20", found)
	require.GreaterOrEqual(t, found, 18, "of 20")
}

// TestWithoutAnOutbreakItIsQuiet: one city in twenty has a chance of 0.05.
func TestWithoutAnOutbreakItIsQuiet(t *testing.T) {
	const cities = 200
	low := 0
	for seed := range uint64(cities) {
		if c, any := scan.Find(city(1000+seed), scan.Settings{Shuffles: 99, Seed: seed}); any && c.Chance <= 0.05 {
			low++
		}
	}
	require.LessOrEqual(t, low, 21, "ten are expected; more than 21 come once in two thousand times")
	require.Positive(t, low)
}

// TestADayThatIsBusyEverywhereIsNoOutbreak of a place.
func TestADayThatIsBusyEverywhereIsNoOutbreak(t *testing.T) {
	low := 0
	for seed := range uint64(20) {
		places := city(seed)
		random := rand.New(rand.NewPCG(seed, 3))
		for i := range places {
			places[i].Counts[days-1] += poisson(random, 0.4*float64(1+i%4))
		}
		if c, any := scan.Find(places, scan.Settings{Shuffles: 199}); any && c.Chance <= 0.01 {
			low++
		}
	}
	require.LessOrEqual(t, low, 2)
}

// TestFewOrNone: whatever the counts, nothing is found where nothing is, and what is found has the places and days that it says.
func TestFewOrNone(t *testing.T) {
	_, any := scan.Find(nil, scan.Settings{})
	require.False(t, any)
	rapid.Check(t, func(rt *rapid.T) {
		var places []scan.Place
		for i := range rapid.IntRange(0, 6).Draw(rt, "places") {
			places = append(places, scan.Place{
				Key: fmt.Sprint(i), East: rapid.Float64Range(0, 3000).Draw(rt, "east"), North: rapid.Float64Range(0, 3000).Draw(rt, "north"),
				Counts: rapid.SliceOfN(rapid.IntRange(0, 6), 0, 5).Draw(rt, "counts"),
			})
		}
		c, any := scan.Find(places, scan.Settings{Shuffles: 19})
		if !any {
			return
		}
		observed := 0
		for _, p := range places {
			if slices.Contains(c.Places, p.Key) {
				for _, n := range p.Counts[max(0, len(p.Counts)-c.Days):] {
					observed += n
				}
			}
		}
		require.Equal(rt, observed, c.Observed)
		require.Greater(rt, float64(c.Observed), c.Expected)
		require.True(rt, c.Chance > 0 && c.Chance <= 1)
		again, _ := scan.Find(places, scan.Settings{Shuffles: 19})
		require.Equal(rt, c, again)
	})
}
