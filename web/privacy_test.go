package web_test

import (
	"bytes"
	"encoding/csv"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"hotline/ticketing"
	"hotline/web"
)

// supervised is a world with somebody who may erase, hold and export.
func supervised(t *testing.T) (*world, *client) {
	t.Helper()
	w := newWorld(t, nil)
	w.user("supervisor1", "", ticketing.RoleSupervisor)
	return w, w.as("supervisor1")
}

// closed files a ticket and answers it directly.
func (c *client) closed(phone string) web.Ticket {
	c.w.t.Helper()
	draft := map[string]any{
		"line": "12345", "citizen": map[string]any{"name": "王建国", "phone": phone},
		"appeal": map[string]any{"type": "complaint", "title": "=cmd|路灯", "description": "我是王建国," + phone + ",路灯不亮", "category": "A1", "district": "TN"},
	}
	t := c.ticket(c.send("POST", "/api/v1/tickets", draft).want(http.StatusCreated))
	return c.ticket(c.send("POST", "/api/v1/tickets/"+t.ID+"/actions", map[string]any{"action": "answer_directly", "answer": "已答复"}).want(http.StatusOK))
}

func TestHoldEraseOverHTTP(t *testing.T) {
	w, supervisor := supervised(t)
	agent, security := w.as("agent1"), w.as("secadmin")
	one := agent.closed("13812345678")
	at := "/api/v1/tickets/" + one.ID
	reason := map[string]any{"reason": "行政诉讼取证"}
	agent.send("PUT", at+"/hold", reason).problem(http.StatusForbidden, "forbidden")
	agent.send("POST", at+"/erase-person", reason).problem(http.StatusForbidden, "forbidden")
	supervisor.send("PUT", at+"/hold", map[string]any{"reason": ""}).problem(http.StatusUnprocessableEntity, "invalid")
	held := supervisor.ticket(supervisor.send("PUT", at+"/hold", reason).want(http.StatusOK))
	require.Equal(t, "行政诉讼取证", held.Hold.Reason)
	require.Equal(t, "用户 supervisor1", held.Hold.ByName)
	supervisor.send("PUT", at+"/hold", reason).problem(http.StatusConflict, "not_open")
	supervisor.send("POST", at+"/erase-person", map[string]any{"reason": "本人申请"}).problem(http.StatusConflict, "not_open")
	supervisor.send("DELETE", at+"/hold", nil).problem(http.StatusUnprocessableEntity, "invalid")
	require.Nil(t, supervisor.ticket(supervisor.send("DELETE", at+"/hold?reason=over", nil).want(http.StatusOK)).Hold)
	var order web.ErasureOrder
	supervisor.send("POST", at+"/erase-person", map[string]any{"reason": "本人申请"}).want(http.StatusAccepted).json(&order)
	require.Equal(t, 1, order.Tickets)
	items, err := w.store.PendingOutbox(t.Context(), ticketing.TopicLife, 10)
	require.NoError(t, err)
	for _, item := range items {
		require.NoError(t, w.service.LiveOn(t.Context(), item))
	}
	gone := agent.ticket(agent.get(at).want(http.StatusOK))
	require.Equal(t, web.Citizen{Erased: true}, gone.Citizen)
	require.NotContains(t, gone.Appeal.Description, "王建国")
	agent.send("POST", at+"/reveal", map[string]any{"reason": "再看"}).problem(http.StatusGone, "erased")
	entries := security.entries("action=person.erasure_ordered")
	require.Len(t, entries, 1)
	require.Equal(t, "本人申请", entries[0].Reason)
	require.NotContains(t, w.log.String(), "13812345678")
}

func TestExportIsMaskedMarkedAndOnRecord(t *testing.T) {
	w, supervisor := supervised(t)
	agent, security := w.as("agent1"), w.as("secadmin")
	one := agent.closed("13812345678")
	agent.closed("13900001111")
	const at = "/api/v1/tickets/export"
	agent.send("POST", at, map[string]any{"purpose": "统计"}).problem(http.StatusForbidden, "forbidden")
	supervisor.send("POST", at, map[string]any{}).problem(http.StatusUnprocessableEntity, "invalid")
	supervisor.send("POST", at, map[string]any{"purpose": "月度通报", "from": "yesterday"}).problem(http.StatusUnprocessableEntity, "invalid")

	r := supervisor.send("POST", at, map[string]any{"purpose": "月度通报", "format": "csv", "description": true}).want(http.StatusOK)
	require.Contains(t, r.Header.Get("Content-Disposition"), ".csv")
	reader := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(r.Body, []byte("\ufeff"))))
	reader.FieldsPerRecord = -1 // the first row has one cell
	rows, err := reader.ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 4)
	require.Contains(t, rows[0][0], "月度通报")
	entries := security.entries("action=export.tickets")
	require.Len(t, entries, 1)
	require.Equal(t, "月度通报", entries[0].Reason)
	require.Contains(t, string(entries[0].Data), `"rows":2`)
	id := strings.TrimPrefix(entries[0].Object, "export:")
	for _, row := range rows[2:] {
		mark := row[len(row)-1]
		require.Contains(t, mark, "supervisor1")
		require.Contains(t, mark, id, "the row names the entry of the ledger")
		require.Equal(t, "王**", row[9])
		require.Equal(t, "'=cmd|路灯", row[3], "no formula")
	}
	require.Contains(t, string(r.Body), one.Number)
	for _, word := range []string{"王建国", "13812345678", "13900001111"} {
		require.NotContains(t, string(r.Body), word)
	}

	r = supervisor.send("POST", at, map[string]any{"purpose": "月度通报", "state": []string{"closed"}, "type": []string{"praise"}}).want(http.StatusOK)
	book, err := excelize.OpenReader(bytes.NewReader(r.Body))
	require.NoError(t, err)
	cells, err := book.GetRows("tickets")
	require.NoError(t, err)
	require.Len(t, cells, 2, "the filter counts")
	pages, err := book.GetHeaderFooter("tickets")
	require.NoError(t, err)
	require.Contains(t, pages.OddHeader, "supervisor1")

	// A department takes out its own.
	head := w.as("head-CG")
	r = head.send("POST", at, map[string]any{"purpose": "本单位台账", "format": "csv"}).want(http.StatusOK)
	require.NotContains(t, string(r.Body), one.Number)
	for range 8 {
		supervisor.send("POST", at, map[string]any{"purpose": "一次又一次"}).want(http.StatusOK)
	}
	supervisor.send("POST", at, map[string]any{"purpose": "太多"}).problem(http.StatusConflict, "not_open")
	require.Len(t, security.entries("action=export.tickets"), 11)
}

func TestRetentionIsTold(t *testing.T) {
	w, supervisor := supervised(t)
	var state web.RetentionState
	supervisor.get("/api/v1/retention").want(http.StatusOK).json(&state)
	require.Empty(t, state.Rules)
	c := testCity()
	c.Process = &ticketing.Process{Retention: []ticketing.Retention{{Class: ticketing.RetainPerson, Types: []ticketing.AppealType{ticketing.Praise}, Days: 365}}}
	require.NoError(t, w.service.ImportCity(t.Context(), ticketing.SystemActor(), c))
	_, err := w.service.Retain(t.Context(), nil, 10, false)
	require.NoError(t, err)
	w.as("auditor").get("/api/v1/retention").want(http.StatusOK).json(&state)
	require.Equal(t, []web.RetentionRule{{Class: "person", Types: []string{"praise"}, Days: 365}}, state.Rules)
	require.Len(t, state.Reports, 1)
	require.Equal(t, []string{"recording", "call"}, state.Reports[0].Kept)
	w.as("agent1").get("/api/v1/retention").problem(http.StatusForbidden, "forbidden")
}
