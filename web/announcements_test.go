package web_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/web"
)

// A lead switches what a line announces; agents see it.
func TestAnnouncements(t *testing.T) {
	w := newWorld(t, nil)
	agent, lead := w.as("agent1"), w.as("lead1")
	at := "/api/v1/lines/12345/announcement"
	say := map[string]any{"say": []string{"emergency"}, "ends": true}
	agent.send("PUT", at, say).problem(http.StatusForbidden, "forbidden")
	lead.send("PUT", at, map[string]any{"say": []string{}}).problem(http.StatusUnprocessableEntity, "invalid")
	lead.send("PUT", at, map[string]any{"say": []string{"none"}}).problem(http.StatusUnprocessableEntity, "invalid")
	var a web.Announcement
	lead.send("PUT", at, say).want(http.StatusOK).json(&a)
	require.Equal(t, "u-lead1", a.By)
	require.True(t, a.InForce)
	var page web.Page[web.Announcement]
	agent.get("/api/v1/announcements").want(http.StatusOK).json(&page)
	require.Equal(t, []string{"emergency"}, page.Items[0].Say)
	lead.send("DELETE", at, nil).want(http.StatusNoContent)
	lead.send("DELETE", at, nil).problem(http.StatusNotFound, "not_found")
}
