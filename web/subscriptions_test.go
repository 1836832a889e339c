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

// TestASubscribedSearchTellsOfWhatIsNew, once, and of nothing that its owner may not see.
func TestASubscribedSearchTellsOfWhatIsNew(t *testing.T) {
	ahead := time.Duration(0)
	w := newWorld(t, func(_ *web.Deps, o *web.Options) { o.Now = func() time.Time { return time.Now().Add(ahead) } })
	put := func(id, title, department string) {
		doc := search.Document{ID: id, Number: "20261122-" + id, Version: 1, Title: title, Body: title, Departments: []string{department}, CreatedAt: time.Now()}
		require.NoError(t, w.index.Put(t.Context(), doc))
		require.NoError(t, w.index.Refresh(t.Context()))
	}
	keep := func(c *client, query string) web.SavedSearch {
		var list web.SavedSearchList
		c.send("POST", "/api/v1/searches", map[string]string{"name": "路灯", "query": query}).want(http.StatusOK).json(&list)
		require.False(t, list.Items[0].Tells)
		c.send("PUT", "/api/v1/searches/"+list.Items[0].ID+"/subscription", nil).want(http.StatusOK).json(&list)
		require.True(t, list.Items[0].Tells)
		return list.Items[0]
	}
	put("t1", "路灯不亮", "CG")
	lead, clerk := w.as("lead1"), w.as("clerk-SW")
	mine, theirs := keep(lead, "q=路灯"), keep(clerk, "q=路灯")
	told := func() (subjects []string) {
		ahead += 2 * time.Minute
		before, err := w.store.LastLiveEvent(t.Context())
		require.NoError(t, err)
		require.NoError(t, w.server.TellSubscribers(t.Context()))
		events, err := w.store.LiveEvents(t.Context(), before, 100)
		require.NoError(t, err)
		for _, e := range events {
			if e.Type == ticketing.LiveSearchFound {
				subjects = append(subjects, e.Subject+" "+e.Audience)
			}
		}
		return subjects
	}
	require.Empty(t, told(), "what was there is not new")
	put("t2", "路灯又不亮", "CG")
	put("t3", "停水", "CG")
	require.Equal(t, []string{mine.ID + " user:u-lead1"}, told(), "not whose department has none of it")
	require.Empty(t, told(), "once")
	put("t4", "路灯坏了", "SW")
	require.ElementsMatch(t, []string{mine.ID + " user:u-lead1", theirs.ID + " user:u-clerk-SW"}, told())
	lead.send("DELETE", "/api/v1/searches/"+mine.ID+"/subscription", nil).want(http.StatusOK)
	lead.send("DELETE", "/api/v1/searches/none/subscription", nil).problem(http.StatusNotFound, "not_found")
	clerk.send("PUT", "/api/v1/searches/"+mine.ID+"/subscription", nil).problem(http.StatusNotFound, "not_found")
	put("t5", "路灯坏了", "CG")
	require.Empty(t, told())
}
