package search

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestAnalyse(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "",
		"路灯不亮":                     "路灯不亮",
		"路灯，不 亮":                   "路灯|不|亮",
		"ＡＢＣ　１２３":                  "abc 123",
		"3号楼A座":                    "3 号楼 a 座",
		"Café CAFE\u0301 Straße":   "cafe cafe straße",
		"①㎡½":                      "1m21 2",
		"葛\U000E0100城":             "葛城",
		"豈(\uF900)":                "豈|豈",
		"a\u200Bb":                 "ab",
		"路📞灯":                      "路|灯",
		"の한𠮷々":                     "ĳ306e ĳd55c ĳ20bb7 ĳ3005",
		"ĳ306e":                    "ij306e",
		"\xff路\xff":                "路",
		"2026-11-22 10:00":         "2026 11 22 10 00",
		strings.Repeat("x", 70):    strings.Repeat("x", 64) + " " + strings.Repeat("x", 6),
		"user@example.com, *^\"(:": "user example com",
	} {
		require.Equal(t, want, Normal(Analyse(text), "|"), "%q", text)
	}
}

func TestAnalyseKeepsPlaces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		end := 0
		for _, a := range Analyse(text) {
			require.NotEmpty(t, a.Text)
			require.LessOrEqual(t, a.Start, a.End)
			require.GreaterOrEqual(t, a.End, end, "in order")
			require.True(t, utf8.ValidString(text[a.Start:a.End]))
			end = a.End
		}
	})
}

// TestPhraseIsSubstring ties the meaning of a clause to strings.Contains, which shares no code with it.
func TestPhraseIsSubstring(t *testing.T) {
	han := rapid.StringOfN(rapid.SampledFrom([]rune("路灯不亮，。 ")), 0, 40, -1)
	rapid.Check(t, func(t *rapid.T) {
		text := Analyse(han.Draw(t, "text"))
		phrase := Analyse(rapid.StringOfN(rapid.SampledFrom([]rune("路灯不亮，")), 1, 4, -1).Draw(t, "phrase"))
		if len(phrase) == 0 {
			return
		}
		require.Equal(t, strings.Contains(Normal(text, "|"), Normal(phrase, "|")), Clause(phrase).In(text))
	})
}

func TestTerms(t *testing.T) {
	q := func(text string, touch bool) term { return term{text: text, quoted: true, touch: touch} }
	for text, want := range map[string][]term{
		"路灯  不亮":           {{text: "路灯"}, {text: "不亮"}},
		"\"路灯 不亮\" 望京":     {q("路灯 不亮", false), {text: "望京"}},
		"“路灯 不亮”望京":        {q("路灯 不亮", false), {text: "望京", touch: true}},
		"望京\"路灯 不亮":        {{text: "望京"}, q("路灯 不亮", true)},
		"-施工 -\"a b\" －夜间": {{text: "施工", minus: true}, {text: "a b", minus: true, quoted: true}, {text: "夜间", minus: true}},
		"a-b - --c":        {{text: "a-b"}, {text: "", minus: true}, {text: "-c", minus: true}},
		"\"\" \"":          {q("", false), q("", false)},
	} {
		require.Equal(t, want, terms(text), "%q", text)
	}
}

func TestAnyTextIsAnsweredOrRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(0, 300, -1).Draw(t, "text")
		p, err := plan(Query{Text: text})
		if err != nil {
			require.ErrorIs(t, err, ErrBadQuery)
			require.NotEmpty(t, err.Error())
			return
		}
		for _, c := range append(slices.Concat(p.Must...), p.MustNot...) {
			require.NotEmpty(t, c)
		}
		require.LessOrEqual(t, len(p.Must)+len(p.MustNot), MaxClauses)
	})
}

func TestHighlightLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune("路灯不亮，a1Ａé📞の "))).Draw(t, "text")
		a, err := parse(rapid.StringOfN(rapid.SampledFrom([]rune("路灯a1 ")), 1, 8, -1).Draw(t, "query"), nil, time.Time{})
		if err != nil {
			return
		}
		must := slices.Concat(a.must...)
		var whole strings.Builder
		for _, s := range highlight(text, must) {
			require.NotEmpty(t, s.Text)
			whole.WriteString(s.Text)
		}
		require.Equal(t, text, whole.String())
		var cut strings.Builder
		for _, s := range fragment(text, must) {
			cut.WriteString(s.Text)
		}
		inner := strings.Trim(cut.String(), "…")
		require.Contains(t, text, inner)
		require.LessOrEqual(t, utf8.RuneCountInString(inner), maxFragment)
	})
}

func TestCursor(t *testing.T) {
	at := time.UnixMilli(1_790_000_000_123)
	p, err := plan(Query{Text: "路灯", Filters: Filters{States: []string{"b", "a"}}})
	require.NoError(t, err)
	s, err := encodeCursor(Position{Score: 2, CreatedAt: at, ID: "id\"'\n"}, p)
	require.NoError(t, err)
	same, err := plan(Query{Text: " 路灯 ", Filters: Filters{States: []string{"a", "b"}}, Limit: 7, Cursor: s})
	require.NoError(t, err, "limit and the order of values do not matter")
	require.Equal(t, &Position{Score: 2, CreatedAt: at, ID: "id\"'\n"}, same.After)
	for _, bad := range []string{"x", "!", s + "AA", strings.Repeat("A", maxCursor+1), "bnVsbA"} {
		_, err := plan(Query{Text: "路灯", Filters: Filters{States: []string{"b", "a"}}, Cursor: bad})
		require.ErrorIs(t, err, ErrBadQuery, bad)
	}
}

func TestDigestSeesEachField(t *testing.T) {
	base := Document{ID: "a", Version: 1, Categories: []string{"x", "y"}, Departments: []string{"z"}, CreatedAt: time.UnixMilli(5)}
	seen := map[int64]string{base.Digest(): "base"}
	for name, change := range map[string]func(*Document){
		"number": func(d *Document) { d.Number = "1" }, "version": func(d *Document) { d.Version = 2 }, "title": func(d *Document) { d.Title = "t" },
		"body": func(d *Document) { d.Body = "t" }, "type": func(d *Document) { d.Type = "t" }, "category": func(d *Document) { d.Category = "t" },
		"categories": func(d *Document) { d.Categories = []string{"xy"} }, "moved": func(d *Document) { d.Categories, d.Departments = []string{"x"}, []string{"y", "z"} },
		"district": func(d *Document) { d.District = "t" }, "department": func(d *Document) { d.Department = "t" }, "state": func(d *Document) { d.State = "t" },
		"channel": func(d *Document) { d.Channel = "t" }, "urgency": func(d *Document) { d.Urgency = "t" }, "created": func(d *Document) { d.CreatedAt = time.UnixMilli(6) },
		"place": func(d *Document) { d.Place = "t" }, "location": func(d *Document) { d.Location = &Point{} }, "elsewhere": func(d *Document) { d.Location = &Point{Lat: 1} },
		"due": func(d *Document) { d.DueAt = time.UnixMilli(6) },
	} {
		d := base
		change(&d)
		require.NotContains(t, seen, d.Digest(), name)
		seen[d.Digest()] = name
	}
}
