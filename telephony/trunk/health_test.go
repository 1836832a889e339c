package trunk

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// A gateway goes down by so many failures in a row and comes back by so many
// successes in a row, whatever happens in between.
func TestHealthHasHysteresis(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := Thresholds{Fails: rapid.IntRange(1, 4).Draw(t, "fails"), Successes: rapid.IntRange(1, 4).Draw(t, "successes")}
		h := NewHealth(limits)
		at := time.Unix(0, 0)
		fails, oks, down := 0, 0, false
		for range rapid.IntRange(0, 60).Draw(t, "reports") {
			was := h.State(at)
			at = at.Add(time.Second)
			ok := rapid.Bool().Draw(t, "ok")
			changed := h.Report(at, ok)
			if ok {
				fails, oks = 0, oks+1
			} else {
				fails, oks = fails+1, 0
			}
			if !down && fails >= limits.Fails {
				down = true
			} else if down && oks >= limits.Successes {
				down = false
			}
			want := Up
			switch {
			case down:
				want = Down
			case fails > 0:
				want = Suspect
			}
			if h.State(at) != want || changed != (was != want) || changed && !h.Since().Equal(at) {
				t.Fatalf("%s since %v, changed %v; want %s", h.State(at), h.Since(), changed, want)
			}
		}
	})
}

func TestHealthForgetsAndAvoids(t *testing.T) {
	at := time.Unix(100, 0)
	h := NewHealth(Thresholds{Fails: 1, Forget: time.Minute})
	require.Zero(t, h.Rank(at))
	require.True(t, h.Report(at, false))
	require.Equal(t, Down, h.State(at))
	require.Equal(t, 3, h.Rank(at))
	require.Equal(t, Unknown, h.State(at.Add(time.Minute)))
	require.Zero(t, h.Rank(at.Add(time.Minute)))
	require.True(t, h.Report(at.Add(2*time.Minute), true), "one success is enough for one that is forgotten")
	at = at.Add(2 * time.Minute)
	h.Avoid(at.Add(30 * time.Second))
	require.Equal(t, 2, h.Rank(at))
	require.Equal(t, at.Add(30*time.Second), h.Avoided(at))
	require.Zero(t, h.Rank(at.Add(30*time.Second)))
	require.Zero(t, h.Avoided(at.Add(30*time.Second)))
}

func TestOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Candidate {
			return Candidate{
				Rank: rapid.IntRange(0, 3).Draw(t, "rank"), Priority: rapid.IntRange(-2, 2).Draw(t, "priority"),
				Weight: rapid.IntRange(-1, 100000).Draw(t, "weight"),
			}
		}), 0, 12).Draw(t, "candidates")
		order := Order(all, func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "random") })
		seen := slices.Sorted(slices.Values(order))
		for i := range all {
			if i >= len(seen) || seen[i] != i {
				t.Fatalf("%v is no order of %d", order, len(all))
			}
		}
		for i := 1; i < len(order); i++ {
			a, b := all[order[i-1]], all[order[i]]
			if a.Rank > b.Rank || a.Rank == b.Rank && a.Priority > b.Priority {
				t.Fatalf("%+v before %+v", a, b)
			}
		}
	})
}

func TestWeightsShare(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	all := []Candidate{{Priority: 1, Weight: 3}, {Priority: 1, Weight: 1}, {Priority: 2, Weight: 100}}
	first := map[int]int{}
	for range 4000 {
		first[Order(all, r.IntN)[0]]++
	}
	require.InDelta(t, 3000, first[0], 150)
	require.InDelta(t, 1000, first[1], 150)
}
