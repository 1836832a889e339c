package indextest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/search"
)

// testAsk asks in the whole query language; each query's meaning is said in the model's terms.
func testAsk(t *testing.T, d search.Driver) {
	docs := city(180)
	docs[9].Title, docs[10].Body = "街灯损坏", "望江花园的照明灯，请处理"
	x := fill(t, d, docs...)
	dictionary, err := search.ParseDictionary("路灯,街灯,照明灯\n燥音=>噪音")
	require.NoError(t, err)
	v := search.NewVocabulary([]search.Named{
		{Field: search.FieldState, Code: "closed", Names: []string{"已办结"}}, {Field: search.FieldState, Code: "draft", Names: []string{"草稿"}},
		{Field: search.FieldDepartment, Code: "P1", Names: []string{"水务局"}}, {Field: search.FieldCategory, Code: "F1", Names: []string{"环境"}},
		{Field: search.FieldDistrict, Code: "S2", Names: []string{"东山区"}}, {Field: search.FieldPlace, Code: "p3", Names: []string{"望江花园"}},
	}, dictionary)
	lamps := func(d search.Document) bool { return says(d, "路灯", "街灯", "照明灯") }
	now := birth.AddDate(0, 0, 6)
	for text, want := range map[string]func(search.Document) bool{
		"路灯": lamps, "-街灯": func(d search.Document) bool { return !lamps(d) }, `"街灯"`: func(d search.Document) bool { return says(d, "街灯") },
		"燥音": func(d search.Document) bool { return says(d, "噪音") }, "街灯|漏水 处理": func(d search.Document) bool { return (lamps(d) || says(d, "漏水")) && says(d, "处理") },
		"wjhy": func(d search.Document) bool { return says(d, "望江花园") }, "标题:路灯": func(d search.Document) bool { return holds(d.Title, "路灯") || holds(d.Title, "街灯") },
		"标题:路灯 -漏水 状态:办结": func(d search.Document) bool {
			return holds(d.Title, "路灯") && !says(d, "漏水") && d.State == "closed"
		},
		"-状态:办结 漏水": func(d search.Document) bool { return d.State == "draft" && says(d, "漏水") },
		"单位:swj 分类:环境 路灯": func(d search.Document) bool {
			return overlap(d.Departments, []string{"P1"}) && overlap(d.Categories, []string{"F1"}) && lamps(d)
		},
		"地点:望江 区划:东山":    func(d search.Document) bool { return d.Place == "p3" && d.District == "S2" },
		"昨天":             func(d search.Document) bool { return dayOf(d) == now.AddDate(0, 0, -1).Format(time.DateOnly) },
		"2026-03-04 漏水":  func(d search.Document) bool { return dayOf(d) == "2026-03-04" && says(d, "漏水") },
		"20260302000007": func(d search.Document) bool { return d.Number == "20260302-000007" },
		"状态:办结 状态:草稿":    func(search.Document) bool { return false },
		"单位:水务局 状态:closed 路": func(d search.Document) bool {
			return overlap(d.Departments, []string{"P1"}) && d.State == "closed" && says(d, "路")
		},
	} {
		for _, sort := range []search.Sort{search.ByNewest, search.ByRelevance} {
			q := everything(text)
			q.Vocabulary, q.Now, q.Sort = v, now, sort
			expected := map[string]bool{}
			for _, one := range docs {
				if want(one) {
					expected[one.ID] = true
				}
			}
			got := map[string]bool{}
			res := find(t, x, q)
			for _, id := range ids(res) {
				got[id] = true
			}
			require.Equal(t, expected, got, text)
			require.Equal(t, len(expected), res.Total, text)
		}
	}
	q := everything("街灯")
	q.Vocabulary, q.Sort = v, search.ByRelevance
	res := find(t, x, q)
	require.InDelta(t, 1, res.Hits[0].Score, 1e-9, "one way in the title counts once")
	require.Equal(t, []search.Understood{{Text: "街灯", Words: []string{"街灯", "路灯", "照明灯"}}}, res.Understood)
	q.Filters.Departments = []string{"D1"}
	q.Text = "单位:水务局"
	both := find(t, x, q).Hits
	require.NotEmpty(t, both)
	for _, h := range both {
		for _, one := range docs {
			if one.ID == h.ID {
				require.Subset(t, one.Departments, []string{"D1", "P1"}, "a field in the box narrows what a filter lets through")
			}
		}
	}
}

// says tells whether one of some words is in a document.
func says(d search.Document, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return holds(d.Title, w) || holds(d.Body, w) || holds(d.Number, w) })
}

// testLastDigits asks for what whoever has a number ending so is named in.
func testLastDigits(t *testing.T, d search.Driver) {
	docs := city(180)
	x := fill(t, d, docs...)
	q := everything("尾号0007 漏水|路灯")
	q.Vocabulary, q.Facets = search.NewVocabulary(nil, nil), []string{"state"}
	_, err := x.Search(t.Context(), q)
	require.ErrorIs(t, err, search.ErrBadQuery, "who may not ask whose number it is")
	q.OfTail = func(_ context.Context, digits string) ([]string, error) {
		return map[string][]string{"0007": {docs[1].ID, docs[2].ID, docs[3].ID, docs[4].ID, "gone"}, "0008": {docs[3].ID}}[digits], nil
	}
	for text, of := range map[string][]search.Document{"尾号0007": docs[1:5], "尾号0007 电话:0008": docs[3:4], "尾号0009": nil} {
		q.Text = text + " 漏水|路灯"
		var expected []string
		for _, one := range of {
			if says(one, "路灯", "漏水") {
				expected = append(expected, one.ID)
			}
		}
		res := find(t, x, q)
		require.ElementsMatch(t, expected, ids(res), text)
		counted := 0
		for _, b := range res.Facets["state"] {
			counted += b.Count
		}
		require.Equal(t, len(expected), counted, text)
	}
}
