package web_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/web"
)

func TestSearchesAreKept(t *testing.T) {
	w := newWorld(t, nil)
	agent, other := w.as("agent1"), w.as("agent2")
	var list web.SavedSearchList
	keep := func(name, query string) reply {
		return agent.send("POST", "/api/v1/searches", map[string]string{"name": name, "query": query})
	}
	keep("我的路灯", "state=closed&q=%E8%B7%AF%E7%81%AF").want(http.StatusOK).json(&list)
	require.Len(t, list.Items, 1)
	require.Equal(t, "q=%E8%B7%AF%E7%81%AF&state=closed", list.Items[0].Query)
	keep(" 我的路灯 ", "q=x").want(http.StatusOK).json(&list)
	require.Len(t, list.Items, 1, "the same name: the same search")
	require.Equal(t, "q=x", list.Items[0].Query)
	for _, bad := range [][2]string{{" ", "q=x"}, {"a", "q=%zz"}, {"a", "cursor=x"}, {"a", "token=1"}} {
		keep(bad[0], bad[1]).problem(http.StatusUnprocessableEntity, "invalid")
	}
	at := "/api/v1/searches/" + list.Items[0].ID
	other.get("/api/v1/searches").want(http.StatusOK).json(&list)
	require.Empty(t, list.Items)
	other.send("DELETE", at, nil).problem(http.StatusNotFound, "not_found")
	agent.send("DELETE", at, nil).want(http.StatusOK).json(&list)
	require.Empty(t, list.Items)
}
