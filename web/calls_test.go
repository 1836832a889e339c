package web_test

import (
	"bytes"
	"encoding/csv"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"hotline/web"
)

func TestCalls(t *testing.T) {
	w := newWorld(t, nil)
	agent, other, lead := w.as("agent1"), w.as("agent2"), w.as("lead1")
	var p web.Page[web.Call]
	lead.get("/api/v1/calls").want(http.StatusOK).json(&p)
	require.Len(t, p.Items, 2)
	require.Equal(t, "138****5678", p.Items[0].Caller)
	require.Equal(t, int64(3000), p.Items[0].WaitMS)
	require.Equal(t, "2026-11-22T14:00:00.123+08:00", p.Items[0].StartedAt.Format("2006-01-02T15:04:05.000Z07:00"))
	agent.get("/api/v1/calls").want(http.StatusOK).json(&p)
	require.Len(t, p.Items, 1, "agents see their own")
	agent.get("/api/v1/calls?user=u-agent2").problem(http.StatusForbidden, "forbidden")
	agent.get("/api/v1/calls?direction=sideways").problem(http.StatusUnprocessableEntity, "invalid")

	other.get("/api/v1/calls/c1").problem(http.StatusForbidden, "not_your_call")
	lead.get("/api/v1/calls/c1").want(http.StatusOK)
	agent.get("/api/v1/calls/c1").want(http.StatusOK)
	w.calls.offer("c1", "u-agent2")
	other.get("/api/v1/calls/c1").want(http.StatusOK)

	other.send("POST", "/api/v1/calls/c1/hangup", nil).problem(http.StatusForbidden, "not_your_call")
	agent.send("POST", "/api/v1/calls/c1/hangup", nil).want(http.StatusNoContent)
	agent.send("POST", "/api/v1/calls/c1/hangup", nil).want(http.StatusNoContent)
	require.Equal(t, []string{"c1 by u-agent1"}, w.calls.hungUp, "once")
	lead.send("POST", "/api/v1/calls/none/hangup", nil).problem(http.StatusNotFound, "not_found")

	agent.send("PUT", "/api/v1/agents/me/status", map[string]string{"status": "break", "reason": "午餐"}).want(http.StatusNoContent)
	agent.send("PUT", "/api/v1/agents/me/status", map[string]string{"status": "ready", "seat": "8009"}).want(http.StatusNoContent)
	require.Equal(t, []string{"u-agent1 8001 break 午餐", "u-agent1 8009 ready "}, w.calls.statuses)
	agent.send("PUT", "/api/v1/agents/me/status", map[string]string{"status": "asleep"}).problem(http.StatusUnprocessableEntity, "invalid")
	agent.send("PUT", "/api/v1/agents/me/status", map[string]string{"status": "ready", "seat": "9999"}).problem(http.StatusNotFound, "not_found")
	lead.send("PUT", "/api/v1/agents/me/status", map[string]string{"status": "ready"}).problem(http.StatusUnprocessableEntity, "invalid")

	var missed web.Page[web.MissedCall]
	agent.get("/api/v1/missed-calls").want(http.StatusOK).json(&missed)
	require.Equal(t, "137****2222", missed.Items[0].Caller)
	agent.send("POST", "/api/v1/missed-calls/c3/handled", nil).want(http.StatusNoContent)
	agent.send("POST", "/api/v1/missed-calls/c4/handled", nil).problem(http.StatusConflict, "not_open")
	var queues web.Page[web.Queue]
	agent.get("/api/v1/queues").want(http.StatusOK).json(&queues)
	require.Equal(t, 1, queues.Items[0].Waiting)
	var agents web.Page[web.Agent]
	agent.get("/api/v1/agents").want(http.StatusOK).json(&agents)
	require.Equal(t, "用户 agent1", agents.Items[0].UserName)
	var stats web.CallStatistics
	agent.get("/api/v1/stats/calls?from=2026-11-22T00:00:00%2B08:00&to=2026-11-23T00:00:00%2B08:00").want(http.StatusOK).json(&stats)
	require.InDelta(t, .5, stats.Total.ConnectRate, 1e-9)
	require.Equal(t, int64(3000), stats.Total.ASAMS)
	table := agent.get("/api/v1/stats/calls.csv?by=seat&within=30&from=2026-11-22T00:00:00%2B08:00&to=2026-11-23T00:00:00%2B08:00").want(http.StatusOK)
	require.Equal(t, "text/csv; charset=utf-8", table.Header.Get("Content-Type"))
	require.Contains(t, table.Header.Get("Content-Disposition"), "calls-by-seat-2026-11-22.csv")
	records, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(table.Body), "\ufeff"))).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"seat", "calls", "queued"}, records[0][:3])
	require.Equal(t, []string{"'=8001", "0", "2"}, records[1][:3])
	require.Equal(t, []string{"total", "3", "2"}, records[2][:3])
	require.Contains(t, records[0], "occupancy")
	require.Contains(t, records[0], "connect_rate")
	sheet := agent.get("/api/v1/stats/calls.xlsx?by=seat&within=30&from=2026-11-22T00:00:00%2B08:00&to=2026-11-23T00:00:00%2B08:00").want(http.StatusOK)
	require.Contains(t, sheet.Header.Get("Content-Disposition"), "calls-by-seat-2026-11-22.xlsx")
	book, err := excelize.OpenReader(bytes.NewReader(sheet.Body))
	require.NoError(t, err)
	cells, err := book.GetRows("calls")
	require.NoError(t, err)
	require.Len(t, cells, len(records))
	require.Equal(t, records[0], cells[0])
	require.Equal(t, records[2][:3], cells[2][:3])
	kind, err := book.GetCellType("calls", "B3")
	require.NoError(t, err)
	require.NotEqual(t, excelize.CellTypeSharedString, kind, "numbers can be added up")
	require.NoError(t, book.Close())
	agent.get("/api/v1/stats/calls.csv?by=moon").problem(http.StatusUnprocessableEntity, "invalid")
	agent.get("/api/v1/stats/calls?from=2026-11-22T00:00:00Z&to=2026-11-22T00:00:00Z").problem(http.StatusUnprocessableEntity, "invalid")
	require.NotContains(t, w.log.String(), "13812345678")
}

func TestPauseRecording(t *testing.T) {
	w := newWorld(t, nil)
	agent, other, lead := w.as("agent1"), w.as("agent2"), w.as("lead1")
	pause, resume := "/api/v1/calls/c1/recording/pause", "/api/v1/calls/c1/recording/resume"
	other.send("POST", pause, nil).problem(http.StatusForbidden, "not_your_call")
	w.as("clerk-CG").send("POST", pause, nil).problem(http.StatusForbidden, "forbidden")
	lead.send("POST", "/api/v1/calls/c2/recording/pause", nil).problem(http.StatusConflict, "not_open")
	agent.send("POST", pause, nil).want(http.StatusNoContent)
	other.send("POST", resume, nil).problem(http.StatusForbidden, "not_your_call")
	lead.send("POST", resume, nil).want(http.StatusNoContent)
	var c web.Call
	agent.get("/api/v1/calls/c1").want(http.StatusOK).json(&c)
	require.Len(t, c.Pauses, 1)
	require.Equal(t, [2]string{"u-agent1", "u-lead1"}, [2]string{c.Pauses[0].By, c.Pauses[0].ResumedBy})
}

func TestThreeWayCall(t *testing.T) {
	w := newWorld(t, nil)
	agent, other, lead := w.as("agent1"), w.as("agent2"), w.as("lead1")
	number := map[string]string{"number": "02512345678"}
	other.send("POST", "/api/v1/calls/c1/conference", number).problem(http.StatusForbidden, "not_your_call")
	w.as("clerk-CG").send("POST", "/api/v1/calls/c1/conference", number).problem(http.StatusForbidden, "forbidden")
	agent.send("POST", "/api/v1/calls/c1/conference", map[string]string{"number": "sip:x"}).problem(http.StatusUnprocessableEntity, "invalid")
	lead.send("POST", "/api/v1/calls/c2/conference", number).problem(http.StatusConflict, "not_open")
	var added web.AddedParty
	agent.send("POST", "/api/v1/calls/c1/conference", number).want(http.StatusOK).json(&added)
	require.Equal(t, "1", added.ID)
	other.send("DELETE", "/api/v1/calls/c1/conference/1", nil).problem(http.StatusForbidden, "not_your_call")
	lead.send("DELETE", "/api/v1/calls/c1/conference/2", nil).problem(http.StatusNotFound, "not_found")
	lead.send("DELETE", "/api/v1/calls/c1/conference/1", nil).want(http.StatusNoContent)
	var c web.Call
	agent.get("/api/v1/calls/c1").want(http.StatusOK).json(&c)
	require.Len(t, c.Parties, 1)
	require.Equal(t, "025****5678", c.Parties[0].Number)
	require.Equal(t, "u-agent1", c.Parties[0].User)
	require.Equal(t, "u-lead1", c.Parties[0].DroppedBy)
	require.NotContains(t, w.log.String(), "02512345678")
}

func TestRecordingByRangesAndOnRecord(t *testing.T) {
	w := newWorld(t, nil)
	agent, qc, lead := w.as("agent1"), w.as("qc1"), w.as("lead1")
	body := map[string]any{"line": "12345", "call_id": "c1", "appeal": map[string]any{"title": "x"}}
	tk := agent.ticket(agent.send("POST", "/api/v1/tickets", body).want(http.StatusCreated))

	w.as("agent2").get("/api/v1/calls/c1/recording").problem(http.StatusForbidden, "not_your_call")
	w.as("dispatcher1").get("/api/v1/calls/c1/recording").problem(http.StatusForbidden, "forbidden")
	w.as("clerk-CG").get("/api/v1/calls/c1/recording").problem(http.StatusForbidden, "forbidden")
	qc.send("GET", "/api/v1/calls/c1/recording", nil, "Range", "bytes=999999999-").problem(http.StatusRequestedRangeNotSatisfiable, "bad_range")
	var reads web.Page[web.Read]
	lead.get("/api/v1/tickets/" + tk.ID + "/reads").want(http.StatusOK).json(&reads)
	require.Empty(t, reads.Items, "nobody heard anything yet")

	r := qc.get("/api/v1/calls/c1/recording").want(http.StatusOK)
	require.Equal(t, "audio/wav", r.Header.Get("Content-Type"))
	require.Equal(t, "bytes", r.Header.Get("Accept-Ranges"))
	require.Equal(t, w.calls.sound, r.Body)
	r = qc.send("GET", "/api/v1/calls/c1/recording", nil, "Range", "bytes=4-11").want(http.StatusPartialContent)
	require.Equal(t, "bytes 4-11/40000", r.Header.Get("Content-Range"))
	require.Equal(t, w.calls.sound[4:12], r.Body)
	agent.send("GET", "/api/v1/calls/c1/recording?reason=check", nil, "Range", "bytes=1-").want(http.StatusPartialContent)

	lead.get("/api/v1/tickets/" + tk.ID + "/reads").want(http.StatusOK).json(&reads)
	require.Len(t, reads.Items, 2, "one entry a listener, however many pieces; none can be got round by skipping a byte")
	require.Equal(t, "recording", reads.Items[0].What)
	require.Equal(t, "u-qc1", reads.Items[0].User)
	require.Equal(t, "check", reads.Items[1].Reason)
}

func TestNodeWithoutTelephonyOrSearch(t *testing.T) {
	w := newWorld(t, func(d *web.Deps, _ *web.Options) { d.Calls, d.Index = nil, nil })
	agent := w.as("agent1")
	for _, path := range []string{"/calls", "/calls/c1", "/calls/c1/recording", "/queues", "/agents", "/lines", "/missed-calls", "/stats/calls"} {
		agent.get("/api/v1"+path).problem(http.StatusServiceUnavailable, "telephony_off")
	}
	agent.get("/api/v1/search").problem(http.StatusServiceUnavailable, "search_off")
	agent.get("/api/v1/tickets").want(http.StatusOK)
}
