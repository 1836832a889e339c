package web_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/web"
)

// A lead plans; agents see who should sit, and who does.
func TestRoster(t *testing.T) {
	w := newWorld(t, nil)
	agent, lead := w.as("agent1"), w.as("lead1")
	at := "/api/v1/roster?from=2026-11-22T00:00:00%2B08:00&to=2026-11-23T00:00:00%2B08:00"
	from := time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)
	plan := web.RosterPlan{Shifts: []web.Shift{{User: "u-agent1", From: from, To: from.Add(8 * time.Hour), Note: "早班"}}}
	agent.send("PUT", at, plan).problem(http.StatusForbidden, "forbidden")
	lead.send("PUT", at, web.RosterPlan{Shifts: []web.Shift{{User: "u-agent1", From: from, To: from}}}).problem(http.StatusUnprocessableEntity, "invalid")
	lead.send("PUT", "/api/v1/roster", plan).problem(http.StatusUnprocessableEntity, "invalid")
	var r web.Roster
	lead.send("PUT", at, plan).want(http.StatusOK).json(&r)
	agent.get(at).want(http.StatusOK).json(&r)
	require.Len(t, r.Shifts, 1)
	require.Equal(t, "用户 agent1", r.Shifts[0].UserName)
	require.Equal(t, int64(60_000), r.Shifts[0].LateMS)
	require.True(t, r.Shifts[0].From.Equal(from))
	require.Equal(t, "u-agent2", r.Unplanned[0].User)
}
