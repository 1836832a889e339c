package web_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/web"
)

// An agent has the own call in hand, and nobody else's; a lead has all.
func TestAnAgentHasTheOwnCallInHand(t *testing.T) {
	w := newWorld(t, nil)
	agent, other, lead := w.as("agent1"), w.as("agent2"), w.as("lead1")
	for _, what := range []string{"hold", "resume", "mute", "unmute", "conference/1/hand-over"} {
		at := "/api/v1/calls/c1/" + what
		other.send("POST", at, nil).problem(http.StatusForbidden, "not_your_call")
		agent.send("POST", at, nil).want(http.StatusNoContent)
		lead.send("POST", at, nil).want(http.StatusNoContent)
	}
	agent.send("POST", "/api/v1/calls/c1/conference/2/hand-over", nil).problem(http.StatusNotFound, "not_found")
	agent.send("POST", "/api/v1/calls/none/mute", nil).problem(http.StatusNotFound, "not_found")
	require.Equal(t, []string{
		"hold c1 by u-agent1", "hold c1 by u-lead1", "resume c1 by u-agent1", "resume c1 by u-lead1", "mute c1 by u-agent1", "mute c1 by u-lead1",
		"unmute c1 by u-agent1", "unmute c1 by u-lead1", "hand over c1/1 by u-agent1", "hand over c1/1 by u-lead1",
	}, w.calls.told)
}

func TestClickToDial(t *testing.T) {
	w := newWorld(t, nil)
	agent := w.as("agent1")
	agent.send("POST", "/api/v1/calls", map[string]string{"number": "12 34"}).problem(http.StatusUnprocessableEntity, "invalid")
	agent.send("POST", "/api/v1/calls", map[string]string{"number": "8009"}).problem(http.StatusConflict, "not_open")
	var c web.DialledCall
	agent.send("POST", "/api/v1/calls", map[string]string{"number": "13912345678"}).want(http.StatusOK).json(&c)
	agent.send("POST", "/api/v1/calls", map[string]string{"number": "13912345678", "seat": "8007"}).want(http.StatusOK).json(&c)
	require.Equal(t, "c9", c.ID)
	require.Equal(t, []string{"dial 13912345678 from 8001 c1 by u-agent1", "dial 13912345678 from 8007 c1 by u-agent1"}, w.calls.told)
}
