package web_test

import (
	"context"
	"net/http"
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
