package web_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/web"
)

// Agents see callbacks and have missed calls returned; to withdraw one is a lead's. Nobody reads a number.
func TestCallbacks(t *testing.T) {
	w := newWorld(t, nil)
	agent, lead := w.as("agent1"), w.as("lead1")
	var page web.Page[web.Callback]
	agent.get("/api/v1/callbacks?open=true").want(http.StatusOK).json(&page)
	require.Equal(t, "139****5678", page.Items[0].Number)
	var cb web.Callback
	agent.send("POST", "/api/v1/missed-calls/c3/callback", nil).want(http.StatusOK).json(&cb)
	require.Equal(t, "u-agent1", cb.By)
	agent.send("POST", "/api/v1/missed-calls/c4/callback", nil).problem(http.StatusConflict, "not_open")
	agent.send("DELETE", "/api/v1/callbacks/b1", nil).problem(http.StatusForbidden, "forbidden")
	lead.send("DELETE", "/api/v1/callbacks/b1", nil).want(http.StatusOK).json(&cb)
	require.Equal(t, telephony.CallbackWithdrawn, cb.State)
	require.Equal(t, "u-lead1", cb.EndedBy)
	lead.send("DELETE", "/api/v1/callbacks/none", nil).problem(http.StatusNotFound, "not_found")
}
