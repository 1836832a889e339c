package web_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/web"
)

func TestHarassmentIsMarkedAndDecidedOn(t *testing.T) {
	w := newWorld(t, nil)
	agent, other, lead := w.as("agent1"), w.as("agent2"), w.as("lead1")
	why := map[string]string{"reason": "反复辱骂"}
	other.send("POST", "/api/v1/calls/c1/harassment", why).problem(http.StatusForbidden, "not_your_call")
	agent.send("POST", "/api/v1/calls/c1/harassment", map[string]string{"reason": ""}).problem(http.StatusUnprocessableEntity, "invalid")
	var b web.Block
	agent.send("POST", "/api/v1/calls/c1/harassment", why).want(http.StatusOK).json(&b)
	require.Equal(t, "u-agent1", b.ProposedBy)
	require.False(t, b.InForce)
	require.Contains(t, b.Caller, "****")
	agent.get("/api/v1/blocks").problem(http.StatusForbidden, "forbidden")
	agent.send("PUT", "/api/v1/blocks/b1", map[string]int{"days": 30}).problem(http.StatusForbidden, "forbidden")
	lead.send("PUT", "/api/v1/blocks/b1", map[string]int{"days": 0}).problem(http.StatusUnprocessableEntity, "invalid")
	lead.send("PUT", "/api/v1/blocks/b9", map[string]int{"days": 30}).problem(http.StatusNotFound, "not_found")
	lead.send("PUT", "/api/v1/blocks/b1", map[string]int{"days": 30}).want(http.StatusOK).json(&b)
	require.Equal(t, "u-lead1", b.ConfirmedBy)
	var page web.Page[web.Block]
	lead.get("/api/v1/blocks?open=true").want(http.StatusOK).json(&page)
	require.Equal(t, "反复辱骂", page.Items[0].Reason)
	agent.send("POST", "/api/v1/blocks/b1/lift", why).problem(http.StatusForbidden, "forbidden")
	lead.send("POST", "/api/v1/blocks/b1/lift", map[string]string{"reason": "号码已易主"}).want(http.StatusOK).json(&b)
	require.Equal(t, "号码已易主", b.LiftReason)
	lead.send("POST", "/api/v1/blocks/b1/lift", why).problem(http.StatusConflict, "not_open")
	require.NotContains(t, w.log.String(), "13812345678")
}
