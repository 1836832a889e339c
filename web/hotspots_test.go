package web_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/search/warning"
	"hotline/ticketing"
	"hotline/web"
)

// raised is an alert of the store, with a ticket.
func (w *world) raised(id, district string, tickets ...string) {
	w.t.Helper()
	now := time.Now().UTC().Truncate(time.Millisecond)
	require.NoError(w.t, w.alerts.SaveAlert(w.t.Context(), warning.Alert{
		ID: id, Version: 1, Kind: warning.Daily, State: warning.New, Series: warning.Series{District: district, Category: "A1"}, OpenedAt: now, UpdatedAt: now, From: now, Until: now,
		Expected: 2, Observed: 12, Upper: 8, Days: 1, Score: 5, Level: 0.001, FirstSeen: now, Tickets: tickets, Members: len(tickets), Words: []string{"路灯"}, Past: []string{"gone"},
		Steps: []warning.Step{{At: now, To: warning.New}},
	}))
}

func TestLifeOfAHotspotOverHTTP(t *testing.T) {
	w, supervisor := supervised(t)
	agent, lead := w.as("agent1"), w.as("lead1")
	one := agent.closed("13812345678")
	w.raised("h1", "TN", one.ID, "not-there")
	w.raised("h2", "")
	var all web.Page[web.Hotspot]
	lead.get("/api/v1/hotspots").want(http.StatusOK).json(&all)
	require.Equal(t, 2, all.Total)
	agent.get("/api/v1/hotspots").problem(http.StatusForbidden, "forbidden")
	supervisor.get("/api/v1/hotspots?state=verified").want(http.StatusOK).json(&all)
	require.Empty(t, all.Items)
	supervisor.get("/api/v1/hotspots?district=TN").want(http.StatusOK).json(&all)
	require.Len(t, all.Items, 1)

	var h web.HotspotDetail
	lead.get("/api/v1/hotspots/h1").want(http.StatusOK).json(&h)
	require.Empty(t, h.Next, "a lead only looks")
	supervisor.get("/api/v1/hotspots/h1").want(http.StatusOK).json(&h)
	require.Equal(t, []string{"verified", "false"}, h.Next)
	require.Len(t, h.Tickets, 1)
	require.Equal(t, one.ID, h.Tickets[0].ID)
	require.NotContains(t, h.Tickets[0].Citizen.Phone, "2345")
	require.Greater(t, h.Rates.Detection, 0.5)
	supervisor.get("/api/v1/hotspots/none").problem(http.StatusNotFound, "not_found")

	act := func(c *client, body map[string]any) reply { return c.send("POST", "/api/v1/hotspots/h1/actions", body) }
	act(lead, map[string]any{"version": 1, "state": "verified"}).problem(http.StatusForbidden, "forbidden")
	act(supervisor, map[string]any{"version": 1, "state": "handled"}).problem(http.StatusUnprocessableEntity, "bad_step")
	act(supervisor, map[string]any{"version": 1, "state": "false"}).problem(http.StatusUnprocessableEntity, "bad_step")
	act(supervisor, map[string]any{"version": 1, "state": "verified"}).want(http.StatusOK).json(&h)
	require.Equal(t, "verified", h.State)
	require.Equal(t, "用户 supervisor1", h.OwnerName)
	act(supervisor, map[string]any{"version": 1, "state": "closed", "note": "修好"}).problem(http.StatusConflict, "conflict")
	act(supervisor, map[string]any{"version": 2, "state": "closed", "note": "修好"}).want(http.StatusOK).json(&h)
	require.Empty(t, h.Next)
	require.Equal(t, "修好", h.Steps[2].Note)
	require.Equal(t, "用户 supervisor1", h.Steps[2].ByName)
}

// TestOwnDistrictsHotspots: who has a district of the own sees those of it alone.
func TestOwnDistrictsHotspots(t *testing.T) {
	w, _ := supervised(t)
	w.raised("h1", "TN")
	w.raised("h2", "")
	w.user("lead2", "", ticketing.RoleLead)
	security := w.as("secadmin")
	var a web.Account
	security.get("/api/v1/users/u-lead2").want(http.StatusOK).json(&a)
	security.send("PUT", "/api/v1/users/u-lead2/roles", map[string]any{"version": a.Version, "roles": []string{"lead"}, "district": "TN", "reason": "分区值守"}).want(http.StatusOK)
	own := w.as("lead2")
	var all web.Page[web.Hotspot]
	own.get("/api/v1/hotspots").want(http.StatusOK).json(&all)
	require.Len(t, all.Items, 1)
	require.Equal(t, "h1", all.Items[0].ID)
	own.get("/api/v1/hotspots/h2").problem(http.StatusNotFound, "not_found")
	own.get("/api/v1/hotspots?district=XX").want(http.StatusOK).json(&all)
	require.Empty(t, all.Items)
}
