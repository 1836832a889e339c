package web_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/search"
	"hotline/ticketing"
	"hotline/web"
)

// TestBoundToADistrictAndALine: whom the security administrator binds sees that
// district and that line alone, in lists, by search and among calls.
func TestBoundToADistrictAndALine(t *testing.T) {
	w := newWorld(t, nil)
	w.user("lead2", "", ticketing.RoleLead)
	agent, security := w.as("agent1"), w.as("secadmin")
	here := agent.accepted()
	elsewhere := agent.ticket(agent.send("POST", "/api/v1/tickets", map[string]any{
		"line": "12345", "appeal": map[string]any{"type": "complaint", "title": "路灯不亮", "description": "别处", "category": "A1"}, "citizen": map[string]any{"phone": "13800001111"},
	}).want(http.StatusCreated))
	var docs []search.Document
	for _, v := range []web.Ticket{here, elsewhere} {
		areas := ticketing.Areas(nil, v.Line)
		if v.ID == here.ID {
			areas = ticketing.Areas([]string{"TN"}, v.Line)
		}
		docs = append(docs, search.Document{ID: v.ID, Number: v.Number, Version: v.Version, Title: "路灯不亮", Departments: areas, District: v.Appeal.District, CreatedAt: time.Now()})
	}
	require.NoError(t, w.index.Put(t.Context(), docs...))
	require.NoError(t, w.index.Refresh(t.Context()))

	grant := func(more map[string]any) reply {
		body := map[string]any{"version": 1, "roles": []string{"lead"}, "reason": "分区值守"}
		var a web.Account
		security.get("/api/v1/users/u-lead2").want(http.StatusOK).json(&a)
		body["version"] = a.Version
		for name, v := range more {
			body[name] = v
		}
		return security.send("PUT", "/api/v1/users/u-lead2/roles", body)
	}
	grant(map[string]any{"district": "nowhere"}).problem(http.StatusUnprocessableEntity, "invalid")
	grant(map[string]any{"district": "TN", "partition": "12388"}).problem(http.StatusUnprocessableEntity, "invalid")
	var bound web.Account
	grant(map[string]any{"district": "TN", "lines": []string{"12345"}}).want(http.StatusOK).json(&bound)
	require.Equal(t, "TN", bound.District)
	require.Equal(t, []string{"12345"}, bound.Lines)

	lead := w.as("lead2")
	var list page[web.Ticket]
	lead.get("/api/v1/tickets").want(http.StatusOK).json(&list)
	require.Equal(t, 1, list.Total)
	require.Equal(t, here.ID, list.Items[0].ID)
	lead.get("/api/v1/tickets/"+elsewhere.ID).problem(http.StatusNotFound, "not_found")
	var found struct {
		Total int `json:"total"`
	}
	lead.get("/api/v1/search?q=%E8%B7%AF%E7%81%AF").want(http.StatusOK).json(&found)
	require.Equal(t, 1, found.Total)
	w.as("lead1").get("/api/v1/search?q=%E8%B7%AF%E7%81%AF").want(http.StatusOK).json(&found)
	require.Equal(t, 2, found.Total)
	lead.get("/api/v1/calls/c1").want(http.StatusOK)

	grant(map[string]any{"lines": []string{"12315"}}).want(http.StatusOK)
	lead.get("/api/v1/tickets").problem(http.StatusUnauthorized, "unauthenticated")
	lead = w.as("lead2")
	lead.get("/api/v1/tickets").want(http.StatusOK).json(&list)
	require.Zero(t, list.Total)
	lead.get("/api/v1/calls/c1").problem(http.StatusNotFound, "not_found")
}
