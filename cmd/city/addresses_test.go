package city

import (
	"bufio"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type gold struct{ text, district, place string }

func readGold(t testing.TB) []gold {
	t.Helper()
	f, err := os.Open("testdata/addresses.tsv")
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	var all []gold
	for s := bufio.NewScanner(f); s.Scan(); {
		text, rest, _ := strings.Cut(s.Text(), "\t")
		district, place, _ := strings.Cut(rest, "\t")
		all = append(all, gold{text, district, place})
	}
	return all
}

// TestAddressesOfCallers: what callers say of the sample city's places, written by hand
// with the characters that they and operators get wrong.
func TestAddressesOfCallers(t *testing.T) {
	g := Addresses(Sample(), Gazetteer())
	var districts, places, named int
	all := readGold(t)
	for _, want := range all {
		r := g.Read(want.text)
		place := ""
		if r.Place != nil {
			place = r.Place.Name
		}
		if r.District == want.district {
			districts++
		} else {
			t.Logf("district of %q: %q, not %q (%s, %.2f)", want.text, r.District, want.district, place, r.Likeness)
		}
		if want.place != "" {
			named++
			if place == want.place {
				places++
			} else {
				t.Logf("place of %q: %q, not %q (%.2f)", want.text, place, want.place, r.Likeness)
			}
		}
	}
	require.GreaterOrEqual(t, len(all), 200)
	t.Logf("district %d of %d, place %d of %d", districts, len(all), places, named)
	require.GreaterOrEqual(t, float64(districts)/float64(len(all)), 0.98)
	require.GreaterOrEqual(t, float64(places)/float64(named), 0.90)
}
