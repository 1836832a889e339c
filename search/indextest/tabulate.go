package indextest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hotline/search"
)

// value is what a document counts under on an axis.
func value(a search.Axis, d search.Document) string {
	switch a.Name {
	case "type":
		return d.Type
	case "category":
		return d.Category
	case "district":
		return d.District
	case "department":
		return d.Department
	case "state":
		return d.State
	case "channel":
		return d.Channel
	case search.ByPlace:
		return d.Place
	case search.ByTile:
		if d.Location == nil {
			return ""
		}
		return a.Tile(*d.Location)
	}
	return a.Key(d.CreatedAt)
}

// pairs is the meaning of a table's counts.
func (m model) pairs(q search.Query, clauses []clause, rows, columns search.Axis) (pairs map[search.Pair]int, total int) {
	pairs = map[search.Pair]int{}
	for _, d := range m.docs {
		if visible(d, q.Scope) && passes(d, q.Filters) && matches(d, clauses) {
			pairs[search.Pair{Row: value(rows, d), Column: value(columns, d)}]++
			total++
		}
	}
	return pairs, total
}

// agrees holds a table against the model.
func agrees(t require.TestingT, m model, q search.TableQuery, clauses []clause, got search.Table) {
	pairs, total := m.pairs(q.Query, clauses, q.Rows, q.Columns)
	require.Equal(t, total, got.Total, "%+v", q)
	rows, without := map[string]int{}, 0
	for p, n := range pairs {
		if p.Row == "" {
			without += n
		} else {
			rows[p.Row] += n
		}
	}
	require.Equal(t, without, got.Without)
	require.Len(t, got.Rows, len(rows)-got.MoreRow)
	for i, r := range got.Rows {
		require.Equal(t, rows[r.Key], r.Count, "row %s of %+v", r.Key, q)
		for k, c := range got.Columns {
			require.Equal(t, pairs[search.Pair{Row: r.Key, Column: c.Key}], got.Cells[i][k], "%s and %s of %+v", r.Key, c.Key, q)
		}
	}
}

func testTables(t *testing.T, d search.Driver) {
	docs := city(180)
	x := fill(t, d, docs...)
	m := model{docs}
	for _, rows := range []search.Axis{{Name: "category"}, {Name: search.ByPlace}, {Name: search.ByTile, Zoom: 14}, {Name: search.ByDay}, {Name: search.ByHour}} {
		for _, columns := range []search.Axis{{}, {Name: "department"}, {Name: search.ByWeek}, {Name: search.ByWeekday}, {Name: search.ByMonth}} {
			q := search.TableQuery{Query: everything(""), Rows: rows, Columns: columns, Shown: 200}
			got, err := x.Tabulate(t.Context(), q)
			require.NoError(t, err)
			require.NotEmpty(t, got.Rows)
			agrees(t, m, q, nil, got)
			for i := range got.Rows[1:] {
				if rows.OfTime() {
					require.Less(t, got.Rows[i].Key, got.Rows[i+1].Key)
				} else {
					require.GreaterOrEqual(t, got.Rows[i].Count, got.Rows[i+1].Count)
				}
			}
		}
	}
	few, err := x.Tabulate(t.Context(), search.TableQuery{Query: everything(""), Rows: search.Axis{Name: "category"}, Columns: search.Axis{Name: "state"}, Shown: 1})
	require.NoError(t, err)
	require.Len(t, few.Rows, 1)
	require.Len(t, few.Columns, 1)
	require.NotZero(t, few.MoreRow)
	all, err := x.Tabulate(t.Context(), search.TableQuery{Query: everything(""), Rows: search.Axis{Name: "category"}, RowGroup: func(string) string { return "all" }})
	require.NoError(t, err)
	require.Equal(t, []search.Bucket{{Key: "all", Count: 180 - all.Without}}, all.Rows)
	nothing, err := x.Tabulate(t.Context(), search.TableQuery{Query: search.Query{}, Rows: search.Axis{Name: "category"}})
	require.NoError(t, err)
	require.Zero(t, nothing.Total, "who may see nothing counts nothing")
	for name, q := range map[string]search.TableQuery{
		"axis": {Rows: search.Axis{Name: "citizen"}}, "none": {}, "column": {Rows: search.Axis{Name: "state"}, Columns: search.Axis{Name: "x"}},
		"zoom": {Rows: search.Axis{Name: search.ByTile, Zoom: 21}}, "no zoom": {Rows: search.Axis{Name: search.ByTile}}, "shown": {Rows: search.Axis{Name: "state"}, Shown: search.MaxShown + 1},
	} {
		_, err := x.Tabulate(t.Context(), q)
		require.ErrorIs(t, err, search.ErrBadQuery, name)
	}
}

// testWords: what many of the titles say and few others is told, and what may not be seen is not.
func testWords(t *testing.T, d search.Driver) {
	var docs []search.Document
	for i := range 40 {
		doc := text(fmt.Sprintf("w%02d", i), "反映望江路路灯不亮", "正文")
		doc.Type, doc.Departments = "complaint", []string{"lights"}
		if i%4 == 0 {
			doc.Title, doc.Type, doc.Departments = "反映GB12345噪音扰民", "inquiry", []string{"noise"}
		}
		docs = append(docs, doc)
	}
	x := fill(t, d, docs...)
	words := func(q search.Query) map[string]int {
		list, titles, err := x.Words(t.Context(), search.WordQuery{Query: q})
		require.NoError(t, err)
		counts := map[string]int{"": titles}
		for _, w := range list {
			counts[w.Text] = w.Count
		}
		return counts
	}
	all := words(everything(""))
	require.Equal(t, 40, all[""])
	require.Equal(t, 10, all["gb12345"])
	narrow := everything("")
	narrow.Filters.Types = []string{"inquiry"}
	require.Equal(t, 10, words(narrow)[""])
	scoped := everything("")
	scoped.Scope = search.Scope{Departments: []string{"noise"}}
	for word := range words(scoped) {
		require.NotContains(t, word, "路灯")
	}
	var cut []search.Document
	for i, beside := range []string{"望江路%s夜间鸣笛", "青石村%s扬尘大", "金桥边%s超速", "柳荫巷%s遗撒", "东湖口%s闯灯"} {
		cut = append(cut, text(fmt.Sprint("c", i), fmt.Sprintf(beside, "渣土车"), "正文"))
	}
	require.NoError(t, x.Put(t.Context(), cut...))
	require.NoError(t, x.Refresh(t.Context()))
	narrow = everything("渣土车")
	require.Equal(t, map[string]int{"": 5, "渣土车": 5}, words(narrow), "a word ends where different characters stand beside it")
	_, _, err := x.Words(t.Context(), search.WordQuery{Query: everything(""), Most: search.MostWords + 1})
	require.ErrorIs(t, err, search.ErrBadQuery)
}

func testRandomTables(t *testing.T, d search.Driver) {
	docs := city(150)
	x := fill(t, d, docs...)
	m := model{docs}
	names := []string{"type", "category", "district", "department", "state", "channel", search.ByPlace, search.ByDay, search.ByWeek, search.ByMonth, search.ByHour, search.ByWeekday, search.ByTile}
	rapid.Check(t, func(rt *rapid.T) {
		axis := func(label string) search.Axis {
			return search.Axis{Name: rapid.SampledFrom(names).Draw(rt, label), Zoom: rapid.IntRange(8, 18).Draw(rt, label+" zoom")}
		}
		q := search.TableQuery{Query: everything(""), Rows: axis("rows"), Columns: axis("columns"), Shown: rapid.IntRange(1, 200).Draw(rt, "shown")}
		var clauses []clause
		switch rapid.IntRange(0, 3).Draw(rt, "text") {
		case 1:
			q.Text, clauses = "路灯", []clause{{text: "路灯"}}
		case 2:
			q.Text, clauses = "-路灯", []clause{{text: "路灯", not: true}}
		}
		if rapid.Bool().Draw(rt, "narrow") {
			q.Filters.From = docs[0].CreatedAt.Add(time.Duration(rapid.IntRange(-100, 100).Draw(rt, "hours")) * time.Hour)
		}
		if rapid.Bool().Draw(rt, "scoped") {
			q.Scope = search.Scope{Departments: []string{docs[rapid.IntRange(0, len(docs)-1).Draw(rt, "of")].Department}}
		}
		got, err := x.Tabulate(t.Context(), q)
		require.NoError(rt, err)
		agrees(rt, m, q, clauses, got)
	})
}
