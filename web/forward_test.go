package web_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/web"
)

// What is done to a call that another node has is done there, judged by the same sessions and rules; an answer to anything else comes from here.
func TestForwardToTheNodeThatHasTheCall(t *testing.T) {
	there := newWorld(t, nil)
	here := newWorld(t, func(d *web.Deps, _ *web.Options) { d.Users = there.store })
	here.calls.elsewhere = map[string]string{"c1": there.base, "cb1": there.base}
	there.calls.elsewhere = map[string]string{"c1": here.base} // both believe the other has it
	agent, other, nobody := here.as("agent1"), here.as("agent2"), here.nobody()
	agent.send("POST", "/api/v1/calls/c1/hold", nil).want(http.StatusNoContent)
	require.Equal(t, []string{"hold c1 by u-agent1"}, there.calls.told)
	require.Empty(t, here.calls.told)
	other.send("POST", "/api/v1/calls/c1/hold", nil).problem(http.StatusForbidden, "not_your_call")
	nobody.send("POST", "/api/v1/calls/c1/hold", nil).problem(http.StatusUnauthorized, "unauthenticated")
	agent.get("/api/v1/calls/c1").want(http.StatusOK)
	agent.send("POST", "/api/v1/calls/c2/hold", nil).problem(http.StatusForbidden, "not_your_call")
	require.Len(t, there.calls.told, 1)

	here.calls.elsewhere["c1"] = "http://127.0.0.1:1"
	agent.send("POST", "/api/v1/calls/c1/hold", nil).problem(http.StatusBadGateway, "node_unreachable")
	here.calls.elsewhere["c1"] = "::"
	agent.send("POST", "/api/v1/calls/c1/hold", nil).problem(http.StatusInternalServerError, "internal")
}
