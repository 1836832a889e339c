package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/cmd/hotline/app"
	"hotline/cmd/hotline/engines"
	"hotline/cmd/hotline/testbed"
	"hotline/ticketing"
	"hotline/web"
)

// TestAnAlertReachesSupervisors: tickets that come in a burst raise an alert, which is told
// live and by notification, explains itself, and names the tickets.
func TestAnAlertReachesSupervisors(t *testing.T) {
	engineSets(t, func(t *testing.T, e engineSet) {
		node := startNode(t, e, app.Options{})
		report := func(svc *ticketing.Service) {
			agent := ticketing.Actor{UserID: "agent1", Roles: []ticketing.Role{ticketing.RoleAgent}}
			draft, err := svc.OpenDraft(t.Context(), agent, ticketing.DraftInput{
				Line: "12345", Citizen: ticketing.Citizen{Name: "金丝雀", Phone: "14200000001"},
				Appeal: ticketing.Appeal{Type: ticketing.Inquiry, Title: "路灯不亮", Description: "望江路路灯不亮", Category: "transport-streetlights", Address: "望江路12号3单元"},
			})
			require.NoError(t, err)
			_, err = svc.Act(t.Context(), agent, draft.ID, ticketing.Command{Action: ticketing.ActAnswer, Fields: []byte(`{"answer":"已答复"}`)})
			require.NoError(t, err)
		}
		now := time.Now()
		for day := 60; day > 0; day-- {
			at := now.AddDate(0, 0, -day)
			report(engines.ServiceAt(node.Engines.Store, func() time.Time { return at }))
		}
		last, err := node.Engines.Store.LastLiveEvent(t.Context())
		require.NoError(t, err)
		for range 25 {
			report(node.Engines.Tickets)
		}
		told := func() (ids []string) {
			for after := last; ; {
				events, err := node.Engines.Store.LiveEvents(t.Context(), after, 500)
				require.NoError(t, err)
				if len(events) == 0 {
					return ids
				}
				for _, e := range events {
					after = e.ID
					if e.Type == ticketing.LiveHotspotRaised && e.Audience == "role:"+string(ticketing.RoleSupervisor) {
						ids = append(ids, e.Subject)
					}
				}
			}
		}
		require.Eventually(t, func() bool { return len(told()) > 0 }, testbed.Patience, 100*time.Millisecond)
		t.Logf("told %.1f s after the last ticket of the burst", time.Since(now).Seconds())
		supervisor := signIn(t, node.URL(), "supervisor1")
		var one web.HotspotDetail
		supervisor.call(http.MethodGet, "/api/v1/hotspots/"+told()[0], nil, &one)
		require.Equal(t, "transport-streetlights", one.Category)
		require.GreaterOrEqual(t, one.Observed, 20)
		require.Greater(t, float64(one.Observed), 5*one.Expected)
		require.NotEmpty(t, one.Tickets)
		require.Equal(t, "望江路", one.Places[0].Name, "no number of a house")
		require.NotContains(t, one.Words, "金丝雀")
		var notes web.Page[web.Notification]
		supervisor.call(http.MethodGet, "/api/v1/notifications", nil, &notes)
		require.Equal(t, ticketing.LiveHotspotRaised, notes.Items[0].Kind)
		supervisor.call(http.MethodPost, "/api/v1/hotspots/"+one.ID+"/actions", map[string]any{"version": one.Version, "state": "verified"}, &one)
		require.Equal(t, "verified", one.State)
	})
}
