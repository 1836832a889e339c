package web_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/web"
)

func TestALeadSetsAStatus(t *testing.T) {
	w := newWorld(t, nil)
	agent, lead := w.as("agent1"), w.as("lead1")
	away := map[string]string{"status": "break", "reason": "离席未示忙"}
	agent.send("PUT", "/api/v1/agents/8002/status", away).problem(http.StatusForbidden, "forbidden")
	lead.send("PUT", "/api/v1/agents/8002/status", away).want(http.StatusNoContent)
	require.Equal(t, []string{"by u-lead1 8002 break 离席未示忙"}, w.calls.statuses)
	lead.send("PUT", "/api/v1/agents/9999/status", away).problem(http.StatusNotFound, "not_found")
	lead.send("PUT", "/api/v1/agents/8002/status", map[string]string{"status": "asleep"}).problem(http.StatusUnprocessableEntity, "invalid")
}

func TestALeadSaysWhatPeopleCanDo(t *testing.T) {
	w := newWorld(t, nil)
	agent, lead := w.as("agent1"), w.as("lead1")
	able := map[string]any{"skills": telephony.Skills{"方言": 2}}
	agent.send("PUT", "/api/v1/users/u-agent1/skills", able).problem(http.StatusForbidden, "forbidden")
	lead.send("PUT", "/api/v1/users/nobody/skills", able).problem(http.StatusNotFound, "not_found")
	lead.send("PUT", "/api/v1/users/u-agent1/skills", map[string]any{"skills": telephony.Skills{"a b": 2}}).problem(http.StatusUnprocessableEntity, "invalid")
	lead.send("PUT", "/api/v1/users/u-agent1/skills", able).want(http.StatusNoContent)
	var p web.Page[web.PersonSkills]
	agent.get("/api/v1/skills").want(http.StatusOK).json(&p)
	require.Equal(t, []web.PersonSkills{{User: "u-agent1", UserName: "用户 agent1", Skills: telephony.Skills{"方言": 2}}}, p.Items)
}
