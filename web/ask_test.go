package web_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/search"
	"hotline/web"
)

func TestTheQueryBoxUnderstandsTheCitysWords(t *testing.T) {
	dictionary, err := search.ParseDictionary("路灯,街灯")
	require.NoError(t, err)
	v := search.NewVocabulary([]search.Named{{Field: search.FieldState, Code: "closed", Names: []string{"已办结"}}, {Field: search.FieldDepartment, Code: "CG", Names: []string{"城管局"}}}, dictionary)
	w := newWorld(t, func(d *web.Deps, _ *web.Options) { d.Vocabulary = func() *search.Vocabulary { return v } })
	doc := func(id, state, dept, title string, at time.Time) search.Document {
		return search.Document{ID: id, Number: "20261122-" + id, Version: 1, Title: title, State: state, Department: dept, Departments: []string{dept}, CreatedAt: at,
			Location: &search.Point{Lon: 121.5, Lat: 31.2}}
	}
	now := time.Now()
	require.NoError(t, w.index.Put(t.Context(), doc("000001", "closed", "CG", "街灯坏了", now), doc("000002", "dispatched", "SW", "路灯坏了", now.AddDate(0, 0, -40))))
	require.NoError(t, w.index.Refresh(t.Context()))
	agent := w.as("agent1")
	ask := func(query string) (ids []string, understood []web.UnderstoodPart) {
		var r web.SearchResult
		agent.get("/api/v1/search?q=" + url.QueryEscape(query)).want(http.StatusOK).json(&r)
		for _, h := range r.Items {
			ids = append(ids, h.ID)
		}
		return ids, r.Understood
	}
	ids, understood := ask("路灯")
	require.Equal(t, []string{"000001", "000002"}, ids)
	require.Equal(t, []web.UnderstoodPart{{Text: "路灯", Values: []string{}, Words: []string{"路灯", "街灯"}}}, understood)
	ids, understood = ask("路灯 状态:办结 最近三天 单位:cgj")
	require.Equal(t, []string{"000001"}, ids)
	require.Len(t, understood, 4)
	require.Equal(t, "date", understood[2].Field)
	require.False(t, understood[2].From.IsZero())
	ids, _ = ask("20261122000002")
	require.Equal(t, []string{"000002"}, ids)
	p := agent.get("/api/v1/search?q="+url.QueryEscape("状态:没有的")).problem(http.StatusUnprocessableEntity, "bad_query")
	require.Contains(t, p.Detail, "quotation marks")

	var r web.SearchResult
	agent.get("/api/v1/search?q=" + url.QueryEscape("城管")).want(http.StatusOK).json(&r)
	require.Equal(t, []web.UnderstoodPart{{Text: "城管", Field: "department", Values: []string{"CG"}, Words: []string{}}}, r.Called)
	agent.get("/api/v1/search?near=121.5,31.201,200").want(http.StatusOK).json(&r)
	require.Equal(t, 2, r.Total)
	agent.get("/api/v1/search?near=121.5,31.21,200").want(http.StatusOK).json(&r)
	require.Zero(t, r.Total)
	agent.get("/api/v1/search?within=121.4,31.1;121.6,31.1;121.5,31.4").want(http.StatusOK).json(&r)
	require.Equal(t, 2, r.Total)
	for _, bad := range []string{"near=1,2", "near=a,b,c", "near=NaN,1,1", "near=1,2,1e9", "within=1,2", "within=1,2;3,4;x", "within=0,0;1,1;1,0;0,1"} {
		agent.get("/api/v1/search?"+bad).problem(http.StatusUnprocessableEntity, "bad_query")
	}
	require.NotContains(t, w.log.String(), "路灯")
}
