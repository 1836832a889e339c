package indextest

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hotline/search"
)

func testWhere(t *testing.T, d search.Driver) {
	docs := city(180)
	x := fill(t, d, docs...)
	m := model{docs}
	centre := search.Point{Lon: 121.0401, Lat: 31.0302}
	for name, f := range map[string]search.Filters{
		"place": {Places: []string{"p3", "p4"}}, "no place": {Places: []string{"nowhere"}},
		"near": {Near: &search.Circle{Centre: centre, Metres: 1_500}}, "very near": {Near: &search.Circle{Centre: centre, Metres: 100}},
		"far":      {Near: &search.Circle{Centre: search.Point{Lon: -60, Lat: 2}, Metres: search.MaxRadius}},
		"triangle": {Within: search.Polygon{{Lon: 121.005, Lat: 31.004}, {Lon: 121.077, Lat: 31.011}, {Lon: 121.033, Lat: 31.055}}},
		"hollow":   {Within: search.Polygon{{Lon: 120.99, Lat: 30.99}, {Lon: 121.2, Lat: 30.991}, {Lon: 121.201, Lat: 31.1}, {Lon: 121.045, Lat: 31.003}, {Lon: 120.991, Lat: 31.1}}},
		"all":      {Places: []string{"p1", "p2", "p7"}, Near: &search.Circle{Centre: centre, Metres: 4_000}, States: []string{"closed", "signed"}},
	} {
		q := everything("")
		q.Filters = f
		require.Equal(t, m.ids(q, nil), ids(find(t, x, q)), name)
		q.Text = "路灯"
		require.Equal(t, m.ids(q, []clause{{text: "路灯"}}), ids(find(t, x, q)), name)
	}
	for name, f := range map[string]search.Filters{
		"radius": {Near: &search.Circle{Centre: centre}}, "large": {Near: &search.Circle{Centre: centre, Metres: search.MaxRadius + 1}},
		"off the earth": {Near: &search.Circle{Centre: search.Point{Lat: 91}, Metres: 1}}, "two corners": {Within: search.Polygon{{}, {Lon: 1}}},
		"crossed": {Within: search.Polygon{{}, {Lon: 1, Lat: 1}, {Lon: 1}, {Lat: 1}}}, "twice": {Within: search.Polygon{{}, {Lon: 1}, {}}},
		"round": {Within: search.Polygon{{Lon: -100}, {Lon: 100}, {Lat: 10}}}, "many": {Within: make(search.Polygon, search.MaxCorners+1)},
	} {
		_, err := x.Search(t.Context(), search.Query{Filters: f, Scope: search.Scope{All: true}})
		require.ErrorIs(t, err, search.ErrBadQuery, name)
	}
	docs[7].Location, docs[7].Place, docs[7].Version = nil, "", 9
	require.NoError(t, x.Put(t.Context(), docs[7]))
	require.NoError(t, x.Delete(t.Context(), docs[8].ID))
	require.NoError(t, x.Refresh(t.Context()))
	m.docs = slices.Delete(docs, 8, 9)
	q := everything("")
	q.Filters.Near = &search.Circle{Centre: centre, Metres: 20_000}
	require.Equal(t, m.ids(q, nil), ids(find(t, x, q)), "what moved and what went")
}

// rank is the meaning of a ranking.
func (m model) rank(r search.Ranking) (rows []string, scores []int) {
	type ranked struct {
		search.Document
		score int
	}
	var all []ranked
	for _, d := range m.docs {
		if !visible(d, r.Scope) || !passes(d, r.Filters) || d.ID == r.Without {
			continue
		}
		score := 0
		for _, t := range r.Terms {
			if t.Clause.In(search.Analyse(d.Title)) || t.Clause.In(search.Analyse(d.Body)) || t.Clause.In(search.Analyse(d.Number)) {
				score += t.Weight
			}
		}
		if r.Place != "" && d.Place == r.Place {
			score += r.PlaceWeight
		}
		if score == 0 {
			continue
		}
		if r.Category != "" && d.Category == r.Category {
			score += r.CategoryWeight
		}
		all = append(all, ranked{d, score})
	}
	slices.SortFunc(all, func(a, b ranked) int {
		return cmp.Or(b.score-a.score, b.CreatedAt.Compare(a.CreatedAt), strings.Compare(b.ID, a.ID))
	})
	for _, one := range all[:min(len(all), r.Limit)] {
		rows, scores = append(rows, one.ID), append(scores, one.score)
	}
	return rows, scores
}

func term(text string, weight int) search.Term {
	return search.Term{Clause: search.Clause(search.Analyse(text)), Weight: weight}
}

func sameRanking(t require.TestingT, m model, r search.Ranking, rows []search.Row) {
	var got []string
	var scores []int
	for _, row := range rows {
		got, scores = append(got, row.ID), append(scores, row.Score)
	}
	want, sums := m.rank(r)
	require.Equal(t, want, got)
	require.Equal(t, sums, scores)
}

func testRank(t *testing.T, d search.Driver) {
	docs := city(180)
	fill(t, d, docs...)
	r := search.Ranking{
		Terms: []search.Term{term("路灯", 3), term("噪音", 5), term("漏水", 2), term("楼", 1)}, Place: "p4", PlaceWeight: 4, Category: "F1-1", CategoryWeight: 6,
		Scope: search.Scope{All: true}, Limit: 25,
	}
	rows, err := d.Rank(t.Context(), r)
	require.NoError(t, err)
	sameRanking(t, model{docs}, r, rows)
	first := slices.IndexFunc(docs, func(one search.Document) bool { return one.ID == rows[0].ID })
	want := docs[first]
	require.Equal(t, search.Row{
		ID: want.ID, Number: want.Number, Version: want.Version, Score: rows[0].Score, CreatedAt: want.CreatedAt, Title: want.Title, Body: want.Body,
		Category: want.Category, District: want.District, State: want.State, Place: want.Place, Location: want.Location,
	}, rows[0], "a row has all of it")
	r.Without = rows[0].ID
	again, err := d.Rank(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, rows[1].ID, again[0].ID)
	for name, r := range map[string]search.Ranking{
		"nothing": {Scope: search.Scope{All: true}, Limit: 5}, "category alone": {Category: "F1-1", CategoryWeight: 1, Scope: search.Scope{All: true}, Limit: 5},
		"no scope": {Terms: []search.Term{term("楼", 1)}, Limit: 5}, "no such place": {Place: "x", PlaceWeight: 1, Scope: search.Scope{All: true}, Limit: 5},
	} {
		rows, err := d.Rank(t.Context(), r)
		require.NoError(t, err, name)
		require.Empty(t, rows, name)
	}
}

func testRandomRankings(t *testing.T, d search.Driver) {
	docs := city(160)
	fill(t, d, docs...)
	words := []string{"路灯", "水", "噪音", "收费", "第1", "号楼", "处理", "物业乱", "没有的"}
	rapid.Check(t, func(rt *rapid.T) {
		r := search.Ranking{
			Place: rapid.SampledFrom([]string{"", "p1", "p5"}).Draw(rt, "place"), PlaceWeight: rapid.IntRange(0, 900).Draw(rt, "worth"),
			Category: rapid.SampledFrom([]string{"", "F0-1", "F2-2"}).Draw(rt, "category"), CategoryWeight: rapid.IntRange(0, 900).Draw(rt, "more"),
			Scope: search.Scope{All: rapid.Bool().Draw(rt, "all"), Departments: []string{"D1", "P2"}}, Limit: rapid.IntRange(1, 60).Draw(rt, "limit"),
			Without: rapid.SampledFrom([]string{"", docs[3].ID}).Draw(rt, "without"),
		}
		for _, word := range rapid.SliceOfNDistinct(rapid.SampledFrom(words), 0, 5, rapid.ID).Draw(rt, "words") {
			r.Terms = append(r.Terms, term(word, rapid.IntRange(1, 900).Draw(rt, "weight")))
		}
		if rapid.Bool().Draw(rt, "lately") {
			r.Filters.From = birth.Add(time.Duration(rapid.IntRange(0, 200).Draw(rt, "hours")) * time.Hour)
		}
		if rapid.Bool().Draw(rt, "states") {
			r.Filters.States = []string{"closed", "draft"}
		}
		rows, err := d.Rank(t.Context(), r)
		require.NoError(rt, err)
		sameRanking(rt, model{docs}, r, rows)
	})
}
