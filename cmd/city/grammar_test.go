package city

import (
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/search/address"
	"hotline/ticketing"
)

func TestGrammarAndSampleAgree(t *testing.T) {
	grammar, err := parseGrammar(grammarText)
	require.NoError(t, err)
	leaves := 0
	for _, k := range Sample().Categories {
		if k.Parent != "" {
			leaves++
			require.NotNil(t, grammar[k.Code], k.Code)
		}
	}
	require.Len(t, grammar, leaves, "the grammar speaks of no other category")
}

func TestGrammarFaultsNameTheirLine(t *testing.T) {
	for text, want := range map[string]string{
		"T a":                                      "line 1: begin a block with @ first",
		"@ x | 1 | r":                              "line 1: a block begins with",
		"@ x | -1 | r | c":                         "line 1: weight",
		"@ x | 1 | q | c":                          "line 1: unknown kind",
		"@ x | 1 | r | z":                          "line 1: unknown tag",
		"@ x | 1 | r | sum":                        "line 1: one of the tags",
		"@ x | 1 | r | c\nP {z}":                   "line 2: unknown slot",
		"@ x | 1 | r | c\nX a":                     "line 2: unknown key",
		"@ x | 1 | r | c\n@ x | 1 | r | c":         "line 2: x is given twice",
		"@ x | 1 | r | c\nT a\nP b\nD c\nA d\nQ e": "x lacks one of",
	} {
		_, err := parseGrammar(text)
		require.ErrorContains(t, err, want, text)
	}
	l := plainLeaf(ticketing.Category{Code: "x", Name: "{怪}"})
	require.True(t, len(l.titles) > 0 && len(l.problems) > 0 && len(l.details) > 0 && len(l.asks) > 0 && len(l.questions) > 0 && len(l.replies) > 0)
}

func TestGazetteerLiesInTheSampleCity(t *testing.T) {
	parent := map[string]string{}
	for _, d := range Sample().Districts {
		parent[d.Code] = d.Parent
	}
	places := Gazetteer()
	require.Greater(t, len(places), 300)
	streets, kinds := map[string]int{}, map[string]int{}
	for _, p := range places {
		require.Equal(t, p.District, parent[p.Street], p.Name)
		streets[p.Street]++
		kinds[p.Kind]++
	}
	require.Len(t, streets, 28)
	require.Len(t, kinds, len(address.Kinds))
}
