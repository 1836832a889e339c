package city

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"hotline/ticketing"
)

func TestSampleHasTheSizeOfACity(t *testing.T) {
	c := Sample()
	tops, streets, families, leaves := 0, 0, 0, 0
	for _, d := range c.Districts {
		if d.Parent == "" {
			tops++
		} else {
			streets++
		}
	}
	for _, k := range c.Categories {
		if k.Parent == "" {
			families++
		} else {
			leaves++
		}
	}
	require.Equal(t, []int{6, 28, 42, 12, 151}, []int{tops, streets, len(c.Departments), families, leaves})
}

func TestSampleCatalogueCoversAllButTheKnownGaps(t *testing.T) {
	c := Sample()
	find := newLookup(c)
	gaps := map[string]int{}
	for _, k := range c.Categories {
		if k.Parent == "" {
			continue
		}
		for _, d := range c.Districts {
			if find.department(k.Code, d.Code) == "" {
				gaps[k.Code]++
			}
		}
	}
	all := len(c.Districts)
	require.Equal(t, map[string]int{"urban-overhead-wires": all, "market-courier": all, "market-telecom": all,
		"police-drones": all, "gov-other": all,
		"env-odour":    6, // 望港区 and its five streets
		"urban-stalls": 5, // 稻溪区 and its four towns
	}, gaps)
}

func TestSampleDocumentRoundTrip(t *testing.T) {
	c := Sample()
	text, err := Format(c)
	require.NoError(t, err)
	back, err := Parse(text)
	require.NoError(t, err)
	require.Equal(t, c, back)
}

func TestAnyCityRoundTrip(t *testing.T) {
	text := rapid.StringMatching(`[a-zA-Z0-9一-龥:#&*!|>'"%@{}\[\], -]{1,20}`).Filter(func(s string) bool { return strings.TrimSpace(s) == s })
	names := rapid.OneOf(text, rapid.SampledFrom([]string{"null", "yes", "~", "2024-01-01", "1e3", "08:30", "0x1F", "- a", "真", "on"}))
	rapid.Check(t, func(t *rapid.T) {
		c := ticketing.City{Name: names.Draw(t, "city"), Catalogue: ticketing.Catalogue{Version: rapid.IntRange(1, 99).Draw(t, "version")}}
		codes := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z0-9][a-z0-9_.-]{0,8}`), 1, 12, rapid.ID[string]).Draw(t, "codes")
		for i, code := range codes {
			parent := ""
			if i > 0 && rapid.Bool().Draw(t, "child") {
				parent = codes[rapid.IntRange(0, i-1).Draw(t, "parent")]
			}
			c.Districts = append(c.Districts, ticketing.District{Code: code, Name: names.Draw(t, "name"), Parent: parent})
			c.Departments = append(c.Departments, ticketing.Department{Code: code, Name: names.Draw(t, "name"), Parent: parent, District: code})
			c.Categories = append(c.Categories, ticketing.Category{Code: code, Name: names.Draw(t, "name")})
			c.Catalogue.Entries = append(c.Catalogue.Entries, ticketing.CatalogueEntry{Category: code, District: codes[0], Department: code})
		}
		c.Policy, c.Calendar = defaultPolicy(), defaultCalendar()
		if rapid.Bool().Draw(t, "more") {
			at := time.Date(2026, 3, 2, 1, 30, 0, 0, time.UTC)
			c.Catalogue.Lines = []ticketing.LineEntry{{Line: "12388", Department: codes[0]}}
			c.Catalogue.Rulings = []ticketing.Ruling{{ID: "20260302-000001", Category: codes[0], Department: codes[0], Reason: names.Draw(t, "reason"), By: "u", At: at}}
			c.Catalogue.Rules = []ticketing.RouteRule{{Name: names.Draw(t, "rule"), Words: []string{names.Draw(t, "word")}, Department: codes[0]}}
			c.Process = &ticketing.Process{
				Review: []string{"head"}, HopLimit: rapid.IntRange(1, 9).Draw(t, "hops"),
				Escalation: []ticketing.Escalation{{Clock: ticketing.ClockResolve, Level: ticketing.Red, Audiences: []string{"superior", "role:lead"}}},
			}
		}
		out, err := Format(c)
		require.NoError(t, err)
		back, err := Parse(out)
		require.NoError(t, err, string(out))
		require.Equal(t, c, back)
	})
}

func TestJSONSurvivesYAML(t *testing.T) {
	values := rapid.OneOf(rapid.Map(rapid.String(), func(s string) any { return s }), rapid.Map(rapid.Int64(), func(n int64) any { return n }),
		rapid.Map(rapid.Float64Range(-1e9, 1e9), func(f float64) any { return f }),
		rapid.SampledFrom([]any{"null", "yes", "~", "2024-01-01", "1e3", "08:30", "0x1F", "- a", "on", "", "\n", " a ", "<<", true, nil}))
	rapid.Check(t, func(t *rapid.T) {
		doc := map[string]any{}
		for _, k := range rapid.SliceOfNDistinct(rapid.String(), 0, 5, rapid.ID[string]).Draw(t, "keys") {
			doc[k] = []any{values.Draw(t, "a"), map[string]any{"c": values.Draw(t, "b"), "d": []any{}, "e": map[string]any{}}}
		}
		raw, err := json.Marshal(doc)
		require.NoError(t, err)
		n, err := fromJSON(raw)
		require.NoError(t, err)
		text, err := yaml.Marshal(n)
		require.NoError(t, err)
		var back yaml.Node
		require.NoError(t, yaml.Unmarshal(text, &back))
		p := &parser{}
		got := p.raw(back.Content[0], "document", nil)
		require.Empty(t, p.problems)
		require.JSONEq(t, string(raw), string(got), string(text))
	})
}

const small = `name: 小城
districts:
  - {code: east, name: 东区}
departments:
  - {code: urban, name: 城管局}
categories:
  - {code: noise, name: 噪声}
  - {code: noise-night, name: 夜间噪声, parent: noise}
catalogue:
  version: 1
  entries:
    - {category: noise-night, department: urban}
`

func TestParseNamesTheLineAndWhatToDo(t *testing.T) {
	_, err := Parse([]byte(small))
	require.NoError(t, err)
	for name, tc := range map[string]struct{ from, to, want string }{
		"unknown field":       {"name: 东区}", "name: 东区, colour: red}", `line 3: unknown field "colour" in a district; known are code, name, parent`},
		"unknown top field":   {"name: 小城", "title: 小城", `line 1: unknown field "title" in the city`},
		"field twice":         {"{code: east,", "{code: east, code: west,", `line 3: field "code" is given twice`},
		"duplicate code":      {"{code: noise, name: 噪声}", "{code: noise-night, name: 噪声}", `line 8: category "noise-night" is already defined in line 7`},
		"unknown parent":      {"parent: noise}", "parent: nois}", `line 8: parent "nois" of category "noise-night" is not defined`},
		"own ancestor":        {"{code: noise, name: 噪声}", "{code: noise, name: 噪声, parent: noise-night}", `line 7: category "noise" is its own ancestor`},
		"missing department":  {"department: urban}", "department: urbane}", `line 12: department "urbane" is not defined`},
		"missing category":    {"{category: noise-night,", "{category: smell,", `line 12: category "smell" is not defined`},
		"not a leaf":          {"{category: noise-night,", "{category: noise,", `line 12: category "noise" has sub-categories; name a leaf`},
		"missing district":    {"department: urban}", "district: west, department: urban}", `line 12: district "west" is not defined`},
		"bad code":            {"{code: east,", "{code: 东,", `line 3: code "东" of district must be`},
		"lacking name":        {"{code: east, name: 东区}", "{code: east}", "line 3: a district lacks name; add it"},
		"bad version":         {"version: 1", "version: next", `line 10: version "next" of the catalogue must be a whole number`},
		"not a list":          {"  - {code: east, name: 东区}", "  code: east", "line 3: districts must be a list"},
		"alias":               {"  - {code: east, name: 东区}", "  - &a {code: east, name: 东区}\n  - *a", "line 4: aliases (*a) are not read"},
		"second document":     {"catalogue:", "---\ncatalogue:", "a second document begins here"},
		"not YAML":            {"name: 小城", "name: [小城", "not a YAML document"},
		"policy not a map":    {"catalogue:", "policy: 3\ncatalogue:", "line 9: the policy must be a mapping"},
		"policy unknown":      {"catalogue:", "policy: {colour: red}\ncatalogue:", "line 9: policy:"},
		"entry twice":         {"    - {category: noise-night, department: urban}", "    - {category: noise-night, department: urban}\n    - {category: noise-night, department: urban}", "line 13: category \"noise-night\" in district \"\" is already in the catalogue in line 12"},
		"department district": {"name: 城管局}", "name: 城管局, district: west}", `line 5: district "west" of department "urban" is not defined`},
	} {
		t.Run(name, func(t *testing.T) {
			doc := strings.Replace(small, tc.from, tc.to, 1)
			require.NotEqual(t, small, doc)
			_, err := Parse([]byte(doc))
			require.ErrorContains(t, err, tc.want)
			var p *Problem
			require.True(t, errors.As(err, &p))
		})
	}
}

func TestParseRefusesTheEmptyTheHugeAndTheEndless(t *testing.T) {
	for _, doc := range []string{"", "[]", "null", "a", strings.Repeat("#", MaxDocument+1), strings.Repeat("[", 20000)} {
		_, err := Parse([]byte(doc))
		require.Error(t, err)
	}
	var b strings.Builder
	b.WriteString(small)
	for range 100 {
		b.WriteString("    - {category: x, department: y}\n")
	}
	_, err := Parse([]byte(b.String()))
	require.ErrorContains(t, err, "more")
	require.Less(t, len(err.Error()), 4000)
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte("a: &b [*b]"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		c, err := Parse(doc)
		if err != nil {
			return
		}
		text, err := Format(c)
		require.NoError(t, err)
		_, err = Parse(text)
		require.NoError(t, err)
	})
}
