package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/search"
	"hotline/ticketing"
	"hotline/web"
)

func TestTicketFromDraftToFollowUp(t *testing.T) {
	w := newWorld(t, nil)
	agent, clerk, other, head, lead := w.as("agent1"), w.as("clerk-CG"), w.as("clerk-SW"), w.as("head-CG"), w.as("lead1")
	r := agent.send("POST", "/api/v1/tickets", draftBody).want(http.StatusCreated)
	draft := agent.ticket(r)
	require.Equal(t, "/api/v1/tickets/"+draft.ID, r.Header.Get("Location"))
	require.Equal(t, ticketing.Draft, draft.State)
	require.Empty(t, draft.Number)
	require.Equal(t, "王**", draft.Citizen.Name)
	require.Equal(t, "138****5678", draft.Citizen.Phone)
	require.True(t, strings.HasSuffix(string(mustField(t, r.Body, "created_at")), `+08:00"`), "times are in the city's zone")
	enabled := map[ticketing.Action]bool{}
	for _, a := range draft.Actions {
		enabled[a.Name] = a.Enabled
		require.Equal(t, a.Enabled, a.Reason == "", a.Name)
	}
	require.True(t, enabled["accept"])

	edited := agent.ticket(agent.send("PATCH", "/api/v1/tickets/"+draft.ID, map[string]any{"version": draft.Version, "appeal": map[string]any{"address": "兴隆街14号"}}).want(http.StatusOK))
	require.Equal(t, "兴隆街14号", edited.Appeal.Address)
	require.Equal(t, draft.Appeal.Description, edited.Appeal.Description)

	// Somebody else acted on an older version.
	p := agent.send("POST", "/api/v1/tickets/"+draft.ID+"/actions", map[string]any{"action": "accept", "version": draft.Version}).problem(http.StatusConflict, "conflict")
	require.NotNil(t, p.Current)
	require.Equal(t, edited.Version, p.Current.Version)
	require.Equal(t, "138****5678", p.Current.Citizen.Phone)
	agent.send("PATCH", "/api/v1/tickets/"+draft.ID, map[string]any{"version": draft.Version, "urgency": "urgent"}).problem(http.StatusConflict, "conflict")

	accepted := agent.ticket(agent.send("POST", "/api/v1/tickets/"+draft.ID+"/actions", map[string]any{"action": "accept", "version": edited.Version}).want(http.StatusOK))
	require.Regexp(t, `^\d{8}-\d{6}$`, accepted.Number)
	require.NotEmpty(t, accepted.Clocks)
	require.True(t, accepted.Clocks[0].Running)
	require.Positive(t, accepted.Clocks[0].RemainingMS)

	clerk.get("/api/v1/tickets/"+accepted.Number).problem(http.StatusNotFound, "not_found")
	items, err := w.store.PendingOutbox(context.Background(), ticketing.TopicRoute, 10)
	require.NoError(t, err)
	require.Len(t, items, 1)
	require.NoError(t, w.service.RouteTicket(context.Background(), items[0]))
	other.get("/api/v1/tickets/"+accepted.Number).problem(http.StatusNotFound, "not_found")
	dispatched := clerk.ticket(clerk.get("/api/v1/tickets/" + accepted.Number).want(http.StatusOK))
	require.Equal(t, "CG", dispatched.Department)
	require.Len(t, dispatched.Assignments, 1)

	act := func(c *client, body map[string]any) reply {
		return c.send("POST", "/api/v1/tickets/"+accepted.Number+"/actions", body)
	}
	act(agent, map[string]any{"action": "sign"}).problem(http.StatusForbidden, "forbidden")
	act(clerk, map[string]any{"action": "resolve", "answer": "x"}).problem(http.StatusConflict, "not_open")
	act(clerk, map[string]any{"action": "sign"}).want(http.StatusOK)
	act(clerk, map[string]any{"action": "resolve"}).problem(http.StatusUnprocessableEntity, "invalid")
	act(clerk, map[string]any{"action": "resolve", "answer": "已修复", "colour": "red"}).problem(http.StatusUnprocessableEntity, "invalid")
	act(clerk, map[string]any{"action": "no_such_action"}).problem(http.StatusUnprocessableEntity, "invalid")
	act(clerk, map[string]any{"action": "resolve", "answer": "已修复"}).want(http.StatusOK)
	endorsed := head.ticket(act(head, map[string]any{"action": "approve_review"}).want(http.StatusOK))
	require.Equal(t, ticketing.InReview, endorsed.State, "the centre approves it too")
	done := lead.ticket(act(lead, map[string]any{"action": "approve_review"}).want(http.StatusOK))
	require.Equal(t, ticketing.FollowUp, done.State)

	var events web.Page[web.TimelineEvent]
	agent.get("/api/v1/tickets/" + accepted.Number + "/events").want(http.StatusOK).json(&events)
	var types []string
	for _, e := range events.Items {
		types = append(types, e.Type)
	}
	require.Equal(t, []string{"created", "edited", "accepted", "dispatched", "signed", "resolved", "review_endorsed", "review_approved"}, types)
	require.Equal(t, "用户 agent1", events.Items[0].ActorName)
	var clocks web.Page[web.ClockDerivation]
	agent.get("/api/v1/tickets/" + accepted.Number + "/clocks").want(http.StatusOK).json(&clocks)
	require.NotEmpty(t, clocks.Items)
	for _, c := range clocks.Items {
		require.NotEmpty(t, c.Derivation, c.Name)
	}
	var notes web.Page[web.Notification]
	clerk.get("/api/v1/notifications").want(http.StatusOK).json(&notes)
	require.Equal(t, "dispatched", notes.Items[len(notes.Items)-1].Kind)
	var figures web.TicketFigures
	agent.get("/api/v1/stats/tickets").want(http.StatusOK).json(&figures)
	require.Equal(t, 1, figures.Dispatched)
}

func mustField(t *testing.T, body []byte, name string) json.RawMessage {
	t.Helper()
	m := map[string]json.RawMessage{}
	require.NoError(t, json.Unmarshal(body, &m))
	return m[name]
}

func TestRevealIsRecordedAndNeedsAReason(t *testing.T) {
	w := newWorld(t, nil)
	agent, lead := w.as("agent1"), w.as("lead1")
	tk := agent.accepted()
	path := "/api/v1/tickets/" + tk.Number
	agent.send("POST", path+"/reveal", map[string]any{}).problem(http.StatusUnprocessableEntity, "invalid")
	r := agent.send("POST", path+"/reveal", map[string]any{"reason": "回拨"}).want(http.StatusOK)
	var person web.Person
	r.json(&person)
	require.Equal(t, "13812345678", person.Phone)
	require.Equal(t, "王建国", person.Name)
	require.Equal(t, "no-store", r.Header.Get("Cache-Control"))
	agent.send("POST", path+"/reveal", map[string]any{"call_id": "c1"}).problem(http.StatusUnprocessableEntity, "invalid") // somebody else's matter
	require.NoError(t, w.service.LinkCall(t.Context(), ticketing.SystemActor(), tk.ID, "c1"))
	agent.send("POST", path+"/reveal", map[string]any{"call_id": "c1"}).want(http.StatusOK) // running, hers, and about this
	agent.send("POST", path+"/reveal", map[string]any{"call_id": "c2"}).problem(http.StatusForbidden, "not_your_call")
	w.as("agent2").send("POST", path+"/reveal", map[string]any{"call_id": "c1"}).problem(http.StatusForbidden, "not_your_call")

	agent.get(path+"/reads").problem(http.StatusForbidden, "forbidden")
	var reads web.Page[web.Read]
	lead.get(path + "/reads").want(http.StatusOK).json(&reads)
	require.Len(t, reads.Items, 2)
	require.Equal(t, "u-agent1", reads.Items[0].User)
	require.Equal(t, "回拨", reads.Items[0].Reason)
	require.Equal(t, "c1", reads.Items[1].CallID)
	w.as("auditor").get(path + "/reads").want(http.StatusOK).json(&reads)
	require.Len(t, reads.Items, 2)
	w.as("auditor").get(path).problem(http.StatusForbidden, "forbidden")
	w.as("clerk-CG").get(path+"/reads").problem(http.StatusForbidden, "forbidden")
	require.NotContains(t, w.log.String(), "13812345678")
	require.NotContains(t, w.log.String(), "王建国")
}

func TestListFiltersAndCursor(t *testing.T) {
	w := newWorld(t, nil)
	agent := w.as("agent1")
	for range 5 {
		agent.accepted()
	}
	agent.send("POST", "/api/v1/tickets", draftBody).want(http.StatusCreated)
	var all []string
	cursor := ""
	for range 10 {
		var p web.Page[web.Ticket]
		agent.get("/api/v1/tickets?limit=2&state=accepted&cursor=" + cursor).want(http.StatusOK).json(&p)
		require.Equal(t, 5, p.Total)
		for _, tk := range p.Items {
			all = append(all, tk.ID)
		}
		if cursor = p.NextCursor; cursor == "" {
			break
		}
	}
	require.Len(t, all, 5)
	for query, want := range map[string]int{
		"": 6, "state=draft": 1, "state=draft,accepted": 6, "state=draft&state=accepted": 6, "category=A": 6, "category=B": 0, "district=TN": 6,
		"type=praise": 0, "mine=true": 6, "overdue=true": 0, "from=2020-01-01T00:00:00Z&to=2021-01-01T00:00:00Z": 0, "line=12345": 6, "sort=due": 5,
	} {
		var p web.Page[web.Ticket]
		agent.get("/api/v1/tickets?" + query).want(http.StatusOK).json(&p)
		require.Len(t, p.Items, want, query)
	}
	for _, bad := range []string{"limit=0", "limit=201", "limit=x", "sort=random", "from=yesterday", "overdue=perhaps", "cursor=" + strings.Repeat("x", 501), "cursor=broken"} {
		r := agent.get("/api/v1/tickets?" + bad)
		r.problem(http.StatusUnprocessableEntity, "invalid")
	}
	var earlier web.Page[web.Ticket]
	agent.get("/api/v1/tickets/" + all[0] + "/earlier").want(http.StatusOK).json(&earlier)
	require.Len(t, earlier.Items, 5)
}

func TestIdempotentActionsAndDrafts(t *testing.T) {
	w := newWorld(t, nil)
	agent := w.as("agent1")
	first := agent.ticket(agent.send("POST", "/api/v1/tickets", draftBody, "Idempotency-Key", "k-1").want(http.StatusCreated))
	again := agent.ticket(agent.send("POST", "/api/v1/tickets", draftBody, "Idempotency-Key", "k-1").want(http.StatusCreated))
	require.Equal(t, first.ID, again.ID)
	agent.send("POST", "/api/v1/tickets", map[string]any{"line": "12315"}, "Idempotency-Key", "k-1").problem(http.StatusUnprocessableEntity, "idempotency_mismatch")
	accept := map[string]any{"action": "accept", "version": first.Version}
	a := agent.ticket(agent.send("POST", "/api/v1/tickets/"+first.ID+"/actions", accept, "Idempotency-Key", "k-2").want(http.StatusOK))
	b := agent.ticket(agent.send("POST", "/api/v1/tickets/"+first.ID+"/actions", accept, "Idempotency-Key", "k-2").want(http.StatusOK))
	require.Equal(t, a.Number, b.Number)
	require.Equal(t, a.Version, b.Version)
	agent.send("POST", "/api/v1/tickets", draftBody, "Idempotency-Key", strings.Repeat("k", 300)).problem(http.StatusUnprocessableEntity, "invalid")
}

func TestSearchWithinScope(t *testing.T) {
	w := newWorld(t, nil)
	ctx := context.Background()
	agent := w.as("agent1")
	tk := agent.accepted()
	doc := func(id, number, dept, title string) search.Document {
		return search.Document{ID: id, Number: number, Version: 1, Title: title, Body: "兴隆街12号路灯三天不亮", Type: "complaint", Category: "A1", Categories: []string{"A1", "A"},
			District: "TN", Department: dept, Departments: []string{dept}, State: "dispatched", Channel: "phone", Urgency: "normal", CreatedAt: tk.CreatedAt}
	}
	require.NoError(t, w.index.Put(ctx, doc(tk.ID, tk.Number, "CG", "路灯不亮"), doc("gone", "20261122-999999", "SW", "路灯太亮")))
	require.NoError(t, w.index.Refresh(ctx))
	var r web.SearchResult
	agent.get("/api/v1/search?q=%E8%B7%AF%E7%81%AF&facets=department,category&histogram=true").want(http.StatusOK).json(&r)
	require.Equal(t, 2, r.Total)
	require.Len(t, r.Facets["department"], 2)
	require.NotEmpty(t, r.Histogram)
	hit := false
	for _, s := range r.Items[0].Title {
		hit = hit || s.Hit
	}
	require.True(t, hit, "the match is highlighted")
	w.as("clerk-CG").get("/api/v1/search?q=%E8%B7%AF%E7%81%AF&facets=department").want(http.StatusOK).json(&r)
	require.Equal(t, 1, r.Total)
	require.Len(t, r.Facets["department"], 1, "other departments are in no count")
	require.Equal(t, tk.ID, r.Items[0].ID)
	agent.get("/api/v1/search?q=%E8%B7%AF%E7%81%AF&tickets=true").want(http.StatusOK).json(&r)
	require.Len(t, r.Items, 1, "a hit whose ticket is not there any more is left out")
	require.Equal(t, tk.Number, r.Items[0].Ticket.Number)
	agent.get("/api/v1/search?q="+strings.Repeat("a%20", 150)).problem(http.StatusUnprocessableEntity, "invalid")
	agent.get("/api/v1/search?facets=colour").problem(http.StatusUnprocessableEntity, "bad_query")
	agent.get("/api/v1/search?cursor=broken").problem(http.StatusUnprocessableEntity, "bad_query")
	require.NotContains(t, w.log.String(), "路灯", "what people search for stays out of the log")
	require.NotContains(t, w.log.String(), "%E8%B7%AF")
}

// Without fiber's Immutable, strings kept past the request are overwritten by
// the next one on the same connection.
func TestKeptStringsStayAsTheyWere(t *testing.T) {
	w := newWorld(t, nil)
	agent := w.as("agent1")
	type made struct{ id, text string }
	var all []made
	for i := range 60 {
		text := fmt.Sprintf("诉求%02d %s", i, strings.Repeat(string(rune('a'+i%26)), 40))
		body := map[string]any{"line": "12345", "appeal": map[string]any{"type": "help", "title": text, "description": text, "address": text}}
		tk := agent.ticket(agent.send("POST", "/api/v1/tickets", body, "Idempotency-Key", fmt.Sprintf("key-%02d", i)).want(http.StatusCreated))
		all = append(all, made{tk.ID, text})
	}
	for i, m := range all {
		got := agent.ticket(agent.get("/api/v1/tickets/" + m.id).want(http.StatusOK))
		require.Equal(t, m.text, got.Appeal.Title)
		require.Equal(t, m.text, got.Appeal.Description)
		again := agent.ticket(agent.send("POST", "/api/v1/tickets", map[string]any{"line": "12345", "appeal": map[string]any{"type": "help", "title": m.text, "description": m.text, "address": m.text}},
			"Idempotency-Key", fmt.Sprintf("key-%02d", i)).want(http.StatusCreated))
		require.Equal(t, m.id, again.ID)
	}
}
