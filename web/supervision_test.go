package web_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/web"
)

func TestALeadTakesPartInACall(t *testing.T) {
	w := newWorld(t, nil)
	agent, lead := w.as("agent1"), w.as("lead1")
	mode := func(m string) map[string]string { return map[string]string{"mode": m, "seat": "8003"} }
	agent.send("POST", "/api/v1/calls/c1/supervision", mode("monitor")).problem(http.StatusForbidden, "forbidden")
	lead.send("POST", "/api/v1/calls/none/supervision", mode("monitor")).problem(http.StatusNotFound, "not_found")
	lead.send("POST", "/api/v1/calls/c1/supervision", mode("shout")).problem(http.StatusUnprocessableEntity, "invalid")
	var added web.AddedParty
	lead.send("POST", "/api/v1/calls/c1/supervision", mode("monitor")).want(http.StatusOK).json(&added)
	require.Equal(t, "1", added.ID)
	at := "/api/v1/calls/c1/supervision/1"
	agent.send("PUT", at, map[string]string{"mode": "barge"}).problem(http.StatusForbidden, "forbidden")
	lead.send("PUT", at, map[string]string{"mode": "whisper"}).want(http.StatusNoContent)
	agent.send("POST", at+"/take-over", nil).problem(http.StatusForbidden, "forbidden")
	lead.send("POST", at+"/take-over", nil).want(http.StatusNoContent)
	agent.send("DELETE", at, nil).problem(http.StatusForbidden, "forbidden")
	lead.send("DELETE", at, nil).want(http.StatusNoContent)
	require.Equal(t, []string{"monitor c1 by u-lead1 at 8003", "whisper c1/1 by u-lead1", "take over c1/1 by ", "end c1/1 by u-lead1"}, w.calls.told)
}

func TestAnAgentTransfersTheOwnCall(t *testing.T) {
	w := newWorld(t, nil)
	agent, other := w.as("agent1"), w.as("agent2")
	to := func(number string) map[string]string { return map[string]string{"number": number} }
	other.send("POST", "/api/v1/calls/c1/transfer", to("8002")).problem(http.StatusForbidden, "not_your_call")
	agent.send("POST", "/api/v1/calls/c1/transfer", to("12 34")).problem(http.StatusUnprocessableEntity, "invalid")
	agent.send("POST", "/api/v1/calls/c1/transfer", to("8009")).problem(http.StatusConflict, "not_open")
	agent.send("POST", "/api/v1/calls/c1/transfer", to("8002")).want(http.StatusNoContent)
	other.send("POST", "/api/v1/calls/c1/rating", nil).problem(http.StatusForbidden, "not_your_call")
	agent.send("POST", "/api/v1/calls/c1/rating", nil).want(http.StatusNoContent)
	require.Equal(t, []string{"transfer c1 to 8002 by u-agent1", "rating of c1 asked by u-agent1"}, w.calls.told)
}

// What became of a call stands in its record, and no number outside but masked.
func TestTransfersAndHoldsOfACall(t *testing.T) {
	w := newWorld(t, nil)
	lead := w.as("lead1")
	at := time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)
	cdr := w.calls.calls["c1"]
	cdr.Holds = []telephony.Span{{From: at, To: at.Add(time.Minute)}}
	cdr.Transfers = []telephony.Transfer{
		{At: at, Seat: "8001", User: "u-agent1", Kind: telephony.TransferBlind, To: "13900001111", Outcome: telephony.OutcomeRejected, Code: 486},
		{At: at, Seat: "8003", User: "u-lead1", Kind: telephony.TransferTaken, To: "8003", Outcome: telephony.OutcomeAnswered},
	}
	cdr.Losses = []telephony.Loss{{From: at, To: at.Add(time.Second), Seat: "8001", User: "u-agent1", Cause: telephony.CauseMedia, Back: true}}
	cdr.TalkEndedAt, cdr.Rating = cdr.BridgedAt.Add(90*time.Second), 5
	w.calls.calls["c1"] = cdr
	var c web.Call
	lead.get("/api/v1/calls/c1").want(http.StatusOK).json(&c)
	require.Equal(t, []string{"139****1111", "8003"}, []string{c.Transfers[0].To, c.Transfers[1].To})
	require.Equal(t, 486, c.Transfers[0].Code)
	require.Len(t, c.Holds, 1)
	require.Equal(t, cdr.Losses, c.Losses)
	require.Equal(t, int64(90_000), c.TalkMS, "the rating that goes on is no talk")
	require.Equal(t, 5, c.Rating)
}
