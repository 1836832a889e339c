package web_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
)

// The calls of a sealed line are there for the people of its seats, and for nobody else, not even to count.
func TestSealedCalls(t *testing.T) {
	w := newWorld(t, nil)
	agent, other, lead := w.as("agent1"), w.as("agent2"), w.as("lead1")
	w.calls.sealed = map[string][]string{"12388": {"8001"}}
	cdr := w.calls.calls["c1"]
	cdr.Line = "12388"
	w.calls.calls["c1"] = cdr
	agent.get("/api/v1/calls/c1").want(http.StatusOK)
	agent.send("POST", "/api/v1/calls/c1/mute", nil).want(http.StatusNoContent)
	number := map[string]string{"number": "8002"}
	for _, who := range []*client{other, lead} {
		who.get("/api/v1/calls/c1").problem(http.StatusNotFound, "not_found")
		who.send("POST", "/api/v1/calls/c1/hold", nil).problem(http.StatusNotFound, "not_found")
		who.send("POST", "/api/v1/calls/c1/transfer", number).problem(http.StatusNotFound, "not_found")
		who.send("POST", "/api/v1/calls/c1/hangup", nil).problem(http.StatusNotFound, "not_found")
		who.send("POST", "/api/v1/missed-calls/c1/callback", nil).problem(http.StatusNotFound, "not_found")
		who.send("POST", "/api/v1/missed-calls/c1/handled", nil).problem(http.StatusNotFound, "not_found")
	}
	lead.get("/api/v1/calls/c1/recording?reason=quality").problem(http.StatusNotFound, "not_found")
	lead.send("POST", "/api/v1/calls/c1/supervision", map[string]string{"mode": "monitor"}).problem(http.StatusNotFound, "not_found")
	lead.send("POST", "/api/v1/calls/c1/supervision/1/take-over", nil).problem(http.StatusNotFound, "not_found")
	lead.send("DELETE", "/api/v1/callbacks/b2", nil).problem(http.StatusNotFound, "not_found")

	agent.send("POST", "/api/v1/calls/c1/harassment", map[string]string{"reason": "abuse"}).want(http.StatusOK)
	lead.send("PUT", "/api/v1/blocks/b1", map[string]int{"days": 3}).problem(http.StatusNotFound, "not_found")
	lead.send("POST", "/api/v1/blocks/b1/lift", map[string]string{"reason": "x"}).problem(http.StatusNotFound, "not_found")

	w.calls.filters = nil
	lead.get("/api/v1/calls").want(http.StatusOK)
	lead.get("/api/v1/missed-calls").want(http.StatusOK)
	lead.get("/api/v1/stats/calls").want(http.StatusOK)
	agent.get("/api/v1/calls").want(http.StatusOK)
	notLines := func(f any) []string {
		switch f := f.(type) {
		case telephony.CallFilter:
			return f.NotLines
		case telephony.MissedFilter:
			return f.NotLines
		case telephony.StatsOptions:
			return f.NotLines
		}
		return nil
	}
	sealed := []string{"12388"}
	require.Len(t, w.calls.filters, 4)
	require.Equal(t, [][]string{sealed, sealed, sealed, nil},
		[][]string{notLines(w.calls.filters[0]), notLines(w.calls.filters[1]), notLines(w.calls.filters[2]), notLines(w.calls.filters[3])})
}
