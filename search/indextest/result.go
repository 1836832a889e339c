package indextest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hotline/search"
)

func testFilters(t *testing.T, d search.Driver) {
	docs := city(180)
	x := fill(t, d, docs...)
	m := model{docs}
	for name, f := range map[string]search.Filters{
		"none": {}, "type": {Types: []string{"inquiry"}}, "leaf": {Categories: []string{"F1-0"}}, "family": {Categories: []string{"F1", "F2"}},
		"district": {Districts: []string{"S1", "S4"}}, "department": {Departments: []string{"D3"}}, "parent": {Departments: []string{"P1"}},
		"state": {States: []string{"closed", "signed"}}, "channel": {Channels: []string{"web"}}, "unknown": {States: []string{"none"}},
		"from": {From: docs[40].CreatedAt}, "to": {To: docs[40].CreatedAt}, "between": {From: docs[3].CreatedAt.Add(time.Nanosecond), To: docs[9].CreatedAt.Add(time.Nanosecond)},
		"all": {Types: []string{"complaint"}, Categories: []string{"F0", "F2"}, Districts: []string{"S0", "S2"}, States: []string{"draft"}, From: docs[5].CreatedAt},
		"odd": {States: []string{"\n", "", "signed"}, Channels: []string{"phone", "\"", "a\nb"}},
	} {
		q := everything("")
		q.Filters = f
		want := m.ids(q, nil)
		res := find(t, x, q)
		require.Equal(t, want, ids(res), name)
		require.Equal(t, len(want), res.Total, name)
		q.Text = "漏水"
		require.Equal(t, m.ids(q, []clause{{text: "漏水"}}), ids(find(t, x, q)), name)
	}
}

func testFacets(t *testing.T, d search.Driver) {
	docs := city(180)
	docs[7].Channel = "" // a missing value is no bucket
	x := fill(t, d, docs...)
	m := model{docs}
	q := everything("路灯")
	q.Limit = 5
	q.Facets = []string{"type", "category", "district", "department", "state", "channel"}
	q.Filters.Districts = []string{"S0", "S1", "S2", "S3"}
	res := find(t, x, q)
	match := []clause{{text: "路灯"}}
	for facet, of := range map[string]func(search.Document) string{
		"type": func(d search.Document) string { return d.Type }, "category": func(d search.Document) string { return d.Category },
		"district": func(d search.Document) string { return d.District }, "department": func(d search.Document) string { return d.Department },
		"state": func(d search.Document) string { return d.State }, "channel": func(d search.Document) string { return d.Channel },
	} {
		require.Equal(t, m.facet(q, match, of), counts(res.Facets[facet]), facet)
		require.True(t, slices.IsSortedFunc(res.Facets[facet], func(a, b search.Bucket) int {
			if a.Count != b.Count {
				return b.Count - a.Count
			}
			return map[bool]int{true: -1, false: 1}[a.Key < b.Key]
		}), "%s: %v", facet, res.Facets[facet])
	}
	q.Cursor = res.NextCursor
	next := find(t, x, q)
	require.Equal(t, res.Facets, next.Facets, "facets count the whole result on each page")
	require.Equal(t, res.Total, next.Total)
	q = everything("没有这样的词")
	q.Facets = []string{"state"}
	require.Equal(t, map[string][]search.Bucket{"state": {}}, find(t, x, q).Facets)
	require.Nil(t, find(t, x, everything("路灯")).Facets)
}

func testHistogram(t *testing.T, d search.Driver) {
	docs := city(60)
	for i, at := range []string{"2026-11-22T15:59:59.999Z", "2026-11-22T16:00:00Z", "2024-02-29T23:59:59+08:00"} {
		created, err := time.Parse(time.RFC3339Nano, at)
		require.NoError(t, err)
		docs[i].CreatedAt = created
	}
	x := fill(t, d, docs...)
	q := everything("路灯")
	require.Nil(t, find(t, x, q).Histogram)
	q.Histogram = true
	res := find(t, x, q)
	require.Equal(t, model{docs}.facet(q, []clause{{text: "路灯"}}, dayOf), counts(res.Histogram))
	require.True(t, slices.IsSortedFunc(res.Histogram, func(a, b search.Bucket) int {
		return map[bool]int{true: -1, false: 1}[a.Key < b.Key]
	}))
	q.Text = ""
	all := counts(find(t, x, q).Histogram)
	require.Equal(t, 1, all["2026-11-22"])
	require.Equal(t, 1, all["2026-11-23"], "the day begins in Shanghai")
	require.Equal(t, 1, all["2024-02-29"])
}

func testPaging(t *testing.T, d search.Driver) {
	docs := city(95)
	x := fill(t, d, docs...)
	m := model{docs}
	for _, sort := range []search.Sort{"", search.ByNewest, search.ByRelevance} {
		for _, limit := range []int{1, 7, 95, 96, 200} {
			q := everything("")
			q.Sort, q.Limit = sort, limit
			require.Equal(t, m.ids(q, nil), pages(t, x, q), "%q %d", sort, limit)
			q.Text = "噪音"
			require.Equal(t, m.ids(q, []clause{{text: "噪音"}}), pages(t, x, q), "%q %d", sort, limit)
		}
	}
	q := everything("噪音")
	q.Limit = 2
	cursor := find(t, x, q).NextCursor
	for name, other := range map[string]search.Query{
		"text": {Text: "路灯", Cursor: cursor}, "sort": {Text: "噪音", Sort: search.ByRelevance, Cursor: cursor}, "cut": {Text: "噪音", Cursor: cursor[:len(cursor)-3]},
		"filter": {Text: "噪音", Filters: search.Filters{States: []string{"closed"}}, Cursor: cursor},
	} {
		other.Scope.All = true
		_, err := x.Search(t.Context(), other)
		require.ErrorIs(t, err, search.ErrBadQuery, name)
	}
	res, err := x.Search(t.Context(), search.Query{Scope: search.Scope{All: true}})
	require.NoError(t, err)
	require.Len(t, res.Hits, 20, "the limit when none is given")
}

func testPagingUnderInserts(t *testing.T, d search.Driver) {
	docs := city(40)
	x := fill(t, d, docs...)
	for _, sort := range []search.Sort{search.ByNewest, search.ByRelevance} {
		q := everything("请处理")
		q.Limit, q.Sort = 10, sort
		want := model{docs}.ids(q, []clause{{text: "请处理"}})
		first := find(t, x, q)
		for i := range 15 {
			late := docs[i]
			late.ID, late.CreatedAt = fmt.Sprintf("late-%s-%d", sort, i), birth.Add(time.Duration(i+1000)*time.Hour)
			require.NoError(t, x.Put(t.Context(), late))
		}
		require.NoError(t, x.Refresh(t.Context()))
		q.Cursor = first.NextCursor
		require.Equal(t, want, append(ids(first), pages(t, x, q)...), "%s: late arrivals neither repeat nor hide a row", sort)
		for i := range 15 {
			require.NoError(t, x.Delete(t.Context(), fmt.Sprintf("late-%s-%d", sort, i)))
		}
		require.NoError(t, x.Refresh(t.Context()))
	}
}

func testTies(t *testing.T, d search.Driver) {
	docs := city(50)
	for i := range docs {
		docs[i].CreatedAt = birth.Add(time.Duration(i%3) * time.Microsecond) // the same millisecond
	}
	x := fill(t, d, docs...)
	q := everything("")
	q.Limit = 7
	for i := range docs {
		docs[i].CreatedAt = birth
	}
	require.Equal(t, model{docs}.ids(q, nil), pages(t, x, q))
}

func testRelevance(t *testing.T, d search.Driver) {
	docs := []search.Document{text("body", "甲", "路灯 施工"), text("one", "路灯", "施工"), text("both", "施工与路灯", "乙"), text("newer", "丙", "施工，路灯")}
	docs[3].CreatedAt = birth.Add(time.Hour)
	x := fill(t, d, docs...)
	q := everything("路灯 施工")
	q.Sort = search.ByRelevance
	res := find(t, x, q)
	require.Equal(t, []string{"both", "one", "newer", "body"}, ids(res))
	require.InDelta(t, 2, res.Hits[0].Score, 1e-9)
	q.Sort = search.ByNewest
	require.Equal(t, "newer", find(t, x, q).Hits[0].ID)
}

func testScope(t *testing.T, d search.Driver) {
	docs := city(120)
	x := fill(t, d, docs...)
	m := model{docs}
	for name, scope := range map[string]search.Scope{
		"nothing": {}, "one": {Departments: []string{"D2"}}, "two": {Departments: []string{"D2", "D5"}}, "parent": {Departments: []string{"P0"}},
		"unknown": {Departments: []string{"X"}}, "all": {All: true}, "empty name": {Departments: []string{""}},
	} {
		q := everything("")
		q.Scope, q.Facets, q.Histogram = scope, []string{"department", "state"}, true
		for _, text := range []string{"", "漏水", "-漏水"} {
			q.Text = text
			var match []clause
			if text != "" {
				match = []clause{{text: "漏水", not: text[0] == '-'}}
			}
			want := m.ids(q, match)
			res := find(t, x, q)
			require.Equal(t, want, ids(res), "%s %q", name, text)
			require.Equal(t, len(want), res.Total)
			require.Equal(t, m.facet(q, match, func(d search.Document) string { return d.Department }), counts(res.Facets["department"]))
			require.Equal(t, m.facet(q, match, dayOf), counts(res.Histogram))
		}
	}
	q := everything("")
	q.Limit = 3
	q.Scope = search.Scope{All: true}
	q.Cursor = find(t, x, q).NextCursor
	q.Scope = search.Scope{}
	require.Zero(t, find(t, x, q).Total, "a cursor opens no scope")
	q.Scope = search.Scope{Departments: make([]string, search.MaxScope+1)}
	_, err := x.Search(t.Context(), q)
	require.ErrorIs(t, err, search.ErrBadQuery)
}

func testCapped(t *testing.T, d search.Driver) {
	docs := city(40)
	fill(t, d, docs...)
	plan := search.Plan{Scope: search.Scope{All: true}, Sort: search.ByNewest, Limit: 3, TotalCap: 40, FacetSize: 2, Facets: []string{"district"}}
	res, err := d.Search(t.Context(), plan)
	require.NoError(t, err)
	require.Equal(t, 40, res.Total)
	require.False(t, res.TotalCapped)
	require.Len(t, res.Facets["district"], 2)
	plan.TotalCap = 39
	res, err = d.Search(t.Context(), plan)
	require.NoError(t, err)
	require.Equal(t, 39, res.Total)
	require.True(t, res.TotalCapped)
	require.Equal(t, 7, res.Facets["district"][0].Count, "facets count on")
}

func testCancelled(t *testing.T, d search.Driver) {
	x := fill(t, d, city(10)...)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := x.Search(ctx, everything("路灯"))
	require.ErrorIs(t, err, context.Canceled)
	require.Error(t, x.Put(ctx, city(3)...))
	require.Len(t, find(t, x, everything("")).Hits, 10, "the engine lives on")
}

func testRandomQueries(t *testing.T, d search.Driver) {
	docs := city(160)
	x := fill(t, d, docs...)
	m := model{docs}
	some := func(t *rapid.T, label string, values ...string) []string {
		return rapid.SliceOfN(rapid.SampledFrom(values), 0, 2).Draw(t, label)
	}
	rapid.Check(t, func(rt *rapid.T) {
		q := search.Query{
			Scope: search.Scope{All: rapid.Bool().Draw(rt, "all"), Departments: some(rt, "scope", "D1", "D2", "P0", "P2")},
			Filters: search.Filters{
				Types: some(rt, "types", "complaint", "inquiry"), Categories: some(rt, "categories", "F0", "F1", "F2-1"), Districts: some(rt, "districts", "S0", "S1", "S2", "S3"),
				Departments: some(rt, "departments", "D0", "D4", "P1"), States: some(rt, "states", "draft", "closed"), Channels: some(rt, "channels", "phone", "web"),
			},
			Sort:   rapid.SampledFrom([]search.Sort{search.ByNewest, search.ByRelevance}).Draw(rt, "sort"),
			Limit:  rapid.IntRange(1, 60).Draw(rt, "limit"),
			Facets: []string{"category"}, Histogram: true,
		}
		var match []clause
		for _, word := range rapid.SliceOfN(rapid.SampledFrom([]string{"路灯", "水", "噪音", "收费", "第1", "号楼", "处理。", "物业乱"}), 0, 3).Draw(rt, "words") {
			not := rapid.IntRange(0, 3).Draw(rt, "not") == 0
			match = append(match, clause{text: word, not: not})
			q.Text += map[bool]string{true: " -", false: " "}[not] + word
		}
		want := m.ids(q, match)
		res, err := x.Search(t.Context(), q)
		require.NoError(rt, err)
		require.Equal(rt, want[:min(len(want), q.Limit)], ids(res))
		require.Equal(rt, len(want), res.Total)
		require.Equal(rt, len(want) > q.Limit, res.NextCursor != "")
		require.Equal(rt, m.facet(q, match, func(d search.Document) string { return d.Category }), counts(res.Facets["category"]))
		require.Equal(rt, m.facet(q, match, dayOf), counts(res.Histogram))
	})
}
