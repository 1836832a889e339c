package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/cmd/hotline/app"
	"hotline/cmd/hotline/testbed"
	"hotline/search/warning"
	"hotline/ticketing"
	"hotline/web"
)

// TestReportsBecomeATopic: what several people say of one place is one topic within moments,
// who follows it is told of more, and of much on one day supervisors are.
func TestReportsBecomeATopic(t *testing.T) {
	engineSets(t, func(t *testing.T, e engineSet) {
		node := startNode(t, e, app.Options{})
		agent := ticketing.Actor{UserID: "agent1", Roles: []ticketing.Role{ticketing.RoleAgent}}
		report := func(title, text, phone string) string {
			draft, err := node.Engines.Tickets.OpenDraft(t.Context(), agent, ticketing.DraftInput{
				Line: "12345", Citizen: ticketing.Citizen{Name: "金丝雀", Phone: phone},
				Appeal: ticketing.Appeal{Type: ticketing.Complaint, Title: title, Description: text, Category: "transport-streetlights", Address: "望江路12号3单元"},
			})
			require.NoError(t, err)
			_, err = node.Engines.Tickets.Act(t.Context(), agent, draft.ID, ticketing.Command{Action: ticketing.ActAccept})
			require.NoError(t, err)
			return draft.ID
		}
		supervisor := signIn(t, node.URL(), "supervisor1")
		topics := func(query string) (page web.Page[web.Topic]) {
			supervisor.call(http.MethodGet, "/api/v1/topics"+query, nil, &page)
			return page
		}
		first := report("望江路路灯不亮", "望江路路灯全都不亮，晚上很黑", "14200000001")
		report("望江路路灯坏了", "望江路的路灯坏了好几天，都不亮", "14200000002")
		began := time.Now()
		require.Eventually(t, func() bool { return topics("").Total == 1 }, testbed.Patience, 100*time.Millisecond)
		t.Logf("a topic %.1f s after its second ticket", time.Since(began).Seconds())
		one := topics("").Items[0]
		require.Equal(t, one.ID, topics("?ticket=" + first).Items[0].ID)
		require.Equal(t, 2, one.People)
		raw, err := json.Marshal(one)
		require.NoError(t, err)
		require.NotContains(t, string(raw), "金丝雀")

		var detail web.TopicDetail
		supervisor.call(http.MethodPut, "/api/v1/topics/"+one.ID+"/follow", nil, &detail)
		last, err := node.Engines.Store.LastLiveEvent(t.Context())
		require.NoError(t, err)
		for i := range 8 {
			report("望江路路灯不亮", "望江路路灯全都不亮，晚上很黑", fmt.Sprintf("1420000001%d", i/2*2))
		}
		require.Eventually(t, func() bool {
			events, err := node.Engines.Store.LiveEvents(t.Context(), last, 500)
			require.NoError(t, err)
			grew, raised := false, false
			for _, e := range events {
				grew = grew || e.Type == ticketing.LiveTopicGrew && e.Subject == one.ID && e.Audience == "user:"+supervisor.user
				raised = raised || e.Type == ticketing.LiveHotspotRaised
			}
			return grew && raised
		}, testbed.Patience, 100*time.Millisecond)
		supervisor.call(http.MethodGet, "/api/v1/topics/"+one.ID, nil, &detail)
		require.Equal(t, 10, detail.Members)
		require.Equal(t, 6, detail.People, "four of them report twice")
		require.NotEmpty(t, detail.Hotspots)
		require.Equal(t, string(warning.OfTopic), detail.Hotspots[0].Kind)
		require.LessOrEqual(t, detail.Hotspots[0].Observed, 6, "people are counted")
	})
}
