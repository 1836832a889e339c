package web_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/search"
	"hotline/search/address"
	"hotline/web"
)

func TestTheSameMatterIsFoundWhileItIsWritten(t *testing.T) {
	w := newWorld(t, func(d *web.Deps, _ *web.Options) { d.Places = placesOf(t, gazetteer) })
	ctx := context.Background()
	agent := w.as("agent1")
	tk := agent.accepted()
	street := address.Place{Name: "兴隆街", District: "D1"}
	doc := func(id, dept, title, body string) search.Document {
		return search.Document{ID: id, Number: "20261122-" + id, Version: 1, Title: title, Body: body, Category: "A1", Departments: []string{dept}, CreatedAt: tk.CreatedAt,
			Place: street.Key(), Location: &search.Point{Lon: 121.5, Lat: 31.2}}
	}
	require.NoError(t, w.index.Put(ctx, doc(tk.ID, "CG", "路灯不亮", "兴隆街12号路灯三天不亮"), doc("gone", "SW", "路灯不亮", "兴隆街12号路灯三天不亮")))
	require.NoError(t, w.index.Refresh(ctx))
	ask := func(c *client, body map[string]any) web.SimilarList {
		var list web.SimilarList
		c.send("POST", "/api/v1/similar", body).want(http.StatusOK).json(&list)
		return list
	}
	list := ask(agent, map[string]any{"title": "兴隆街路灯坏了", "description": "兴隆街的路灯不亮，已经三天"})
	require.Len(t, list.Items, 1, "one whose ticket is not there any more is left out")
	one := list.Items[0]
	require.Equal(t, tk.Number, one.Ticket.Number)
	require.True(t, one.SamePlace)
	require.Zero(t, *one.Metres)
	require.True(t, one.Likely)
	require.Contains(t, one.Words, "路灯")
	require.Less(t, ask(agent, map[string]any{"title": "路灯坏了", "address": "兴隆花园"}).Items[0].Score, one.Score, "farther away")
	require.Empty(t, ask(agent, map[string]any{"title": "公积金提取", "description": "怎么办理"}).Items)
	require.Empty(t, ask(agent, map[string]any{}).Items)
	require.Empty(t, ask(agent, map[string]any{"title": "兴隆街路灯坏了", "without": tk.ID}).Items)
	require.Empty(t, ask(w.as("clerk-CG"), map[string]any{"title": "兴隆街路灯坏了"}).Items, "it is not theirs yet, whatever the index says")
	w.as("dispatcher1").send("POST", "/api/v1/tickets/"+tk.Number+"/actions", map[string]any{"action": "dispatch", "department": "CG", "reason": "路灯"}).want(http.StatusOK)
	require.Len(t, ask(w.as("clerk-CG"), map[string]any{"title": "兴隆街路灯坏了"}).Items, 1)
	require.Empty(t, ask(w.as("clerk-SW"), map[string]any{"title": "兴隆街路灯坏了"}).Items, "another department's are not its own")
	other := agent.accepted()
	like := func(c *client, number string) (list web.SimilarList) {
		c.get("/api/v1/tickets/" + number + "/similar").want(http.StatusOK).json(&list)
		return list
	}
	require.Equal(t, tk.Number, like(agent, other.Number).Items[0].Ticket.Number, "more like this")
	require.Empty(t, like(agent, tk.Number).Items, "it is not like itself")
	w.as("clerk-CG").get("/api/v1/tickets/"+other.Number+"/similar").problem(http.StatusNotFound, "not_found")
	agent.send("POST", "/api/v1/similar", map[string]any{"title": "x", "limit": 21}).problem(http.StatusUnprocessableEntity, "invalid")
	require.NotContains(t, w.log.String(), "路灯")

	off := newWorld(t, func(d *web.Deps, _ *web.Options) { d.Index = nil })
	off.as("agent1").send("POST", "/api/v1/similar", map[string]any{"title": "路灯"}).problem(http.StatusServiceUnavailable, "search_off")
}
