package web_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/search"
	"hotline/ticketing"
	"hotline/web"
)

// counted are documents of two departments, in two districts, within a week and a year before.
func (w *world) counted() {
	w.t.Helper()
	now := time.Now()
	var docs []search.Document
	add := func(n int, category, family, district, department string, age time.Duration) {
		for range n {
			docs = append(docs, search.Document{
				ID: ticketing.NewID(now), Version: 1, Title: "路灯不亮", Body: "路灯", Type: "complaint", Category: category, Categories: []string{category, family},
				District: district, Department: department, Departments: []string{department}, State: "dispatched", Channel: "phone", CreatedAt: now.Add(-age),
				Location: &search.Point{Lon: 120.1, Lat: 30.2},
			})
		}
	}
	add(5, "A1", "A", "TN", "CG", time.Hour)
	add(3, "B1", "B", "TN", "SW", time.Hour)
	add(2, "A1", "A", "", "CG", 8*24*time.Hour)
	require.NoError(w.t, w.index.Put(w.t.Context(), docs...))
	require.NoError(w.t, w.index.Refresh(w.t.Context()))
}

func TestAnalysisOverHTTP(t *testing.T) {
	w, supervisor := supervised(t)
	w.counted()
	week := "from=" + time.Now().AddDate(0, 0, -7).UTC().Format(time.RFC3339) + "&to=" + time.Now().Add(time.Minute).UTC().Format(time.RFC3339)
	table := func(c *client, query string) (out web.AnalysisTable) {
		c.get("/api/v1/analysis/table?" + query).want(http.StatusOK).json(&out)
		return out
	}
	got := table(supervisor, "rows=department&columns=category")
	require.Equal(t, []web.AnalysisValue{{Key: "CG", Count: 7}, {Key: "SW", Count: 3}}, got.Rows)
	require.Equal(t, [][]int{{7, 0}, {0, 3}}, got.Cells)
	require.Equal(t, 10, got.Total)
	require.True(t, got.Query.Everything)
	got = table(supervisor, "rows=family&columns=district")
	require.Equal(t, []web.AnalysisValue{{Key: "A", Count: 7}, {Key: "B", Count: 3}}, got.Rows)
	require.Equal(t, [][]int{{5}, {3}}, got.Cells)
	got = table(supervisor, "rows=district")
	require.Equal(t, 2, got.Without)
	got = table(supervisor, "rows=category&compare=previous&"+week)
	require.Equal(t, []web.AnalysisValue{{Key: "A1", Count: 5, Before: 2}, {Key: "B1", Count: 3}}, got.Rows)
	require.Equal(t, 2, got.BeforeTotal)
	require.NotNil(t, got.Before)
	got = table(supervisor, "rows=category&compare=year&"+week)
	require.Zero(t, got.BeforeTotal)
	got = table(supervisor, "rows=category&shown=1&district=TN")
	require.Len(t, got.Rows, 1)
	require.Equal(t, 1, got.MoreRows)
	require.Equal(t, []string{"TN"}, got.Query.Filters.Districts)
	supervisor.get("/api/v1/analysis/table?rows=category&compare=year").problem(http.StatusUnprocessableEntity, "invalid")
	supervisor.get("/api/v1/analysis/table?rows=day&compare=year&"+week).problem(http.StatusUnprocessableEntity, "invalid")
	supervisor.get("/api/v1/analysis/table?rows=citizen").want(http.StatusUnprocessableEntity)
	supervisor.get("/api/v1/analysis/table").want(http.StatusUnprocessableEntity)

	clerk := w.as("clerk-CG")
	require.Equal(t, 7, table(clerk, "rows=department").Total, "a department counts its own")
	require.Equal(t, []string{"CG"}, table(clerk, "rows=department").Query.Departments)
	w.as("auditor").get("/api/v1/analysis/table?rows=category").problem(http.StatusForbidden, "forbidden")

	var heat web.AnalysisHeat
	supervisor.get("/api/v1/analysis/heat?zoom=12").want(http.StatusOK).json(&heat)
	require.Len(t, heat.Tiles, 1)
	require.Equal(t, 10, heat.Tiles[0].Count)
	require.InDelta(t, 120.1, heat.Tiles[0].Lon, 0.1)
	require.InDelta(t, 30.2, heat.Tiles[0].Lat, 0.1)
	supervisor.get("/api/v1/analysis/heat?zoom=21").want(http.StatusUnprocessableEntity)
	var words web.AnalysisWords
	supervisor.get("/api/v1/analysis/words").want(http.StatusOK).json(&words)
	require.Equal(t, 10, words.Titles)
	require.Equal(t, web.AnalysisWord{Word: "路灯不亮", Count: 10}, words.Words[0])
}

func TestPeopleBehindTicketsOverHTTP(t *testing.T) {
	w, supervisor := supervised(t)
	agent := w.as("agent1")
	for _, phone := range []string{"13812345678", "13812345678", "13912345678"} {
		agent.closed(phone)
	}
	var people web.AnalysisPeople
	supervisor.get("/api/v1/analysis/people").want(http.StatusOK).json(&people)
	require.Equal(t, web.AnalysisPeople{Tickets: 3, People: 2, Repeat: 1, RepeatTickets: 2, Sizes: []web.AnalysisGroup{{Tickets: 1, People: 1}, {Tickets: 2, People: 1}}}, people)
	w.as("clerk-SW").get("/api/v1/analysis/people").want(http.StatusOK).json(&people)
	require.Zero(t, people.Tickets)
}
