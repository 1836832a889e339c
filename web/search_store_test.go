package web_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/search"
	"hotline/web"
)

// gone is an index whose engine does not answer.
type gone struct{}

func (gone) Search(context.Context, search.Query) (search.Result, error) {
	return search.Result{}, search.ErrUnavailable
}

func (gone) Tabulate(context.Context, search.TableQuery) (search.Table, error) {
	return search.Table{}, search.ErrUnavailable
}

func (gone) Words(context.Context, search.WordQuery) ([]search.Word, int, error) {
	return nil, 0, search.ErrUnavailable
}

func (gone) Similar(context.Context, search.SimilarQuery) ([]search.Similar, error) {
	return nil, search.ErrNeedsRebuild
}

func TestNumbersAreFoundWithoutTheIndex(t *testing.T) {
	w := newWorld(t, func(d *web.Deps, _ *web.Options) { d.Index = gone{} })
	agent := w.as("agent1")
	tk := agent.accepted()
	for _, q := range []string{tk.Number, tk.Number[:8] + tk.Number[9:], "%20" + tk.Number} {
		var r web.SearchResult
		agent.get("/api/v1/search?q=" + q).want(http.StatusOK).json(&r)
		require.True(t, r.Degraded)
		require.Equal(t, 1, r.Total)
		require.Equal(t, tk.Number, r.Items[0].Ticket.Number)
	}
	var r web.SearchResult
	agent.get("/api/v1/search?q=20200101-000001").want(http.StatusOK).json(&r)
	require.Empty(t, r.Items)
	w.as("clerk-CG").get("/api/v1/search?q=" + tk.Number).want(http.StatusOK).json(&r)
	require.Empty(t, r.Items, "what they may not see")
	p := agent.get("/api/v1/search?q=%E8%B7%AF%E7%81%AF").problem(http.StatusServiceUnavailable, "search_unavailable")
	require.Contains(t, p.Detail, "by their number")
	agent.send("POST", "/api/v1/similar", map[string]any{"title": "路灯不亮"}).problem(http.StatusServiceUnavailable, "search_unavailable")
}

func TestTicketsOfLastDigits(t *testing.T) {
	words := func(d *web.Deps, _ *web.Options) {
		d.Vocabulary = func() *search.Vocabulary { return search.NewVocabulary(nil, nil) }
	}
	for name, index := range map[string]func(d *web.Deps, _ *web.Options){
		"the index": words, "the store": func(d *web.Deps, o *web.Options) {
			words(d, o)
			d.Index = gone{}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, index)
			agent := w.as("agent1")
			tk := agent.accepted()
			require.NoError(t, w.index.Put(t.Context(),
				search.Document{ID: tk.ID, Number: tk.Number, Version: 1, Title: "路灯不亮", Departments: []string{"CG"}, CreatedAt: tk.CreatedAt},
				search.Document{ID: "other", Number: "20261122-999999", Version: 1, Title: "路灯不亮", CreatedAt: tk.CreatedAt}))
			require.NoError(t, w.index.Refresh(t.Context()))
			for _, q := range []string{"尾号5678", "尾号：5678", "后四位 ５６７８", "phone:5678"} {
				var r web.SearchResult
				agent.get("/api/v1/search?tickets=true&q=" + url.QueryEscape(q)).want(http.StatusOK).json(&r)
				require.Equal(t, 1, r.Total, q)
				require.Equal(t, tk.Number, r.Items[0].Ticket.Number, q)
			}
			var r web.SearchResult
			agent.get("/api/v1/search?q=" + url.QueryEscape("尾号0000")).want(http.StatusOK).json(&r)
			require.Empty(t, r.Items)
			for _, q := range []string{"尾号567", "尾号13812345678", "-尾号5678"} {
				require.GreaterOrEqual(t, agent.get("/api/v1/search?q="+url.QueryEscape(q)).Status, 400, q)
			}
			require.NotContains(t, w.log.String(), "5678")
		})
	}
	w := newWorld(t, words)
	w.as("agent1").accepted()
	p := w.as("clerk-CG").get("/api/v1/search?q="+url.QueryEscape("尾号5678")).problem(http.StatusUnprocessableEntity, "bad_query")
	require.Contains(t, p.Detail, "centre")
}

func TestTicketsOfAPhone(t *testing.T) {
	w := newWorld(t, func(d *web.Deps, _ *web.Options) { d.Index = nil })
	agent := w.as("agent1")
	tk := agent.accepted()
	var list web.TicketsOfNumber
	ask := func(phone string) reply {
		return agent.send("POST", "/api/v1/search/phone", map[string]string{"phone": phone})
	}
	ask("+86 138-1234-5678").want(http.StatusOK).json(&list)
	require.Len(t, list.Items, 1)
	require.Equal(t, tk.Number, list.Items[0].Number)
	require.NotContains(t, list.Items[0].Citizen.Phone, "1234")
	ask("13900000000").want(http.StatusOK).json(&list)
	require.Empty(t, list.Items)
	ask("路灯").problem(http.StatusUnprocessableEntity, "invalid")
	w.as("clerk-CG").send("POST", "/api/v1/search/phone", map[string]string{"phone": "13812345678"}).problem(http.StatusForbidden, "forbidden")
	require.NotContains(t, w.log.String(), "1234")
}
