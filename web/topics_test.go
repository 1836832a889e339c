package web_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/search/gather"
	"hotline/search/warning"
	"hotline/ticketing"
	"hotline/web"
)

// gathered is what topics see of the tickets of a world.
type gathered struct{ *world }

func (g gathered) After(ctx context.Context, number string, limit int) ([]gather.Report, error) {
	list, err := g.store.NumberedAfter(ctx, number, limit)
	return reportsOf(list), err
}

func (g gathered) Reports(ctx context.Context, ids []string) ([]gather.Report, error) {
	list, err := g.store.TicketsByID(ctx, ids)
	return reportsOf(list), err
}

func reportsOf(list []ticketing.Ticket) (out []gather.Report) {
	for _, t := range list {
		out = append(out, gather.Report{ID: t.ID, Number: t.Number, Person: t.Person, Title: t.Appeal.Title, Text: t.Appeal.Description, Category: t.Appeal.Category, District: t.Appeal.District, At: t.CreatedAt, Accepted: t.AcceptedAt})
	}
	return out
}

func (w *world) gatherer() *gather.Gatherer {
	return gather.New(gathered{w}, w.index, w.alerts, gather.Settings{NewID: ticketing.NewID})
}

// topic keeps a topic of some tickets.
func (w *world) topic(id, district string, tickets ...ticketing.Ticket) {
	w.t.Helper()
	now := time.Now().UTC().Truncate(time.Millisecond)
	c := gather.Change{Topics: []gather.Topic{{
		ID: id, Version: 1, Name: "望江路路灯不亮", Words: []string{"路灯"}, District: district, Category: "A1", Members: max(2, len(tickets)), People: 2, Heat: 3, First: now, Last: now, CreatedAt: now, UpdatedAt: now,
	}}}
	for i, t := range tickets {
		c.Moves = append(c.Moves, gather.Move{Fresh: true, Member: gather.Member{Ticket: t.ID, Number: fmt.Sprint(t.Number, i), Topic: id, At: now, GatheredAt: now}})
	}
	require.NoError(w.t, w.alerts.Gather(w.t.Context(), c))
}

func TestTopicsOverHTTP(t *testing.T) {
	w, supervisor := supervised(t)
	agent, lead := w.as("agent1"), w.as("lead1")
	var tickets []ticketing.Ticket
	for range 3 {
		v := agent.closed("13812345678")
		stored, err := w.store.Ticket(t.Context(), v.ID)
		require.NoError(t, err)
		tickets = append(tickets, stored)
	}
	w.topic("t1", "TN", tickets...)
	w.topic("t2", "")
	var all web.Page[web.Topic]
	lead.get("/api/v1/topics").want(http.StatusOK).json(&all)
	require.Equal(t, 2, all.Total)
	agent.get("/api/v1/topics").problem(http.StatusForbidden, "forbidden")
	lead.get("/api/v1/topics?district=TN&q=%E8%B7%AF%E7%81%AF").want(http.StatusOK).json(&all)
	require.Len(t, all.Items, 1)
	require.Equal(t, 3, all.Items[0].Week)
	lead.get("/api/v1/topics?ticket=" + tickets[0].Number).want(http.StatusOK).json(&all)
	require.Len(t, all.Items, 1)
	require.Equal(t, "t1", all.Items[0].ID)
	lead.get("/api/v1/topics?ticket=none").problem(http.StatusNotFound, "not_found")
	lead.get("/api/v1/topics?cursor=x").problem(http.StatusUnprocessableEntity, "bad_step")

	now := time.Now().UTC().Truncate(time.Millisecond)
	require.NoError(t, w.alerts.SaveAlert(t.Context(), warning.Alert{ID: "h1", Version: 1, Kind: warning.OfTopic, Topic: "t1", State: warning.New, OpenedAt: now, UpdatedAt: now}))
	var one web.TopicDetail
	lead.get("/api/v1/topics/t1").want(http.StatusOK).json(&one)
	require.Len(t, one.Tickets, 3)
	require.NotContains(t, one.Tickets[0].Citizen.Phone, "2345")
	require.Len(t, one.Days, 1)
	require.Equal(t, 3, one.Days[0].Count)
	require.Len(t, one.Hotspots, 1)
	require.Equal(t, "t1", one.Hotspots[0].Topic)
	require.False(t, one.Followed)
	lead.get("/api/v1/topics/none").problem(http.StatusNotFound, "not_found")

	lead.send("PUT", "/api/v1/topics/t1/follow", nil).want(http.StatusOK).json(&one)
	require.True(t, one.Followed)
	lead.get("/api/v1/topics?followed=true").want(http.StatusOK).json(&all)
	require.Len(t, all.Items, 1)
	lead.send("DELETE", "/api/v1/topics/t1/follow", nil).want(http.StatusOK).json(&one)
	require.False(t, one.Followed)

	name := map[string]any{"version": 1, "name": "望江路整条路灯"}
	lead.send("POST", "/api/v1/topics/t1/name", name).problem(http.StatusForbidden, "forbidden")
	supervisor.send("POST", "/api/v1/topics/t1/name", name).want(http.StatusOK).json(&one)
	require.Equal(t, "望江路整条路灯", one.Name)
	require.Equal(t, "用户 supervisor1", one.Steps[0].ByName)
	supervisor.send("POST", "/api/v1/topics/t1/name", name).problem(http.StatusConflict, "conflict")
	var other web.TopicDetail
	supervisor.send("POST", "/api/v1/topics/t1/split", map[string]any{"version": 2, "tickets": []string{tickets[2].ID}}).want(http.StatusOK).json(&other)
	require.Equal(t, 1, other.Members)
	require.Equal(t, tickets[2].ID, other.Tickets[0].ID)
	supervisor.send("POST", "/api/v1/topics/t1/split", map[string]any{"version": 3, "tickets": []string{tickets[2].ID}}).problem(http.StatusUnprocessableEntity, "bad_step")
	supervisor.send("POST", "/api/v1/topics/t1/join", map[string]any{"version": 3, "other": "t1"}).problem(http.StatusUnprocessableEntity, "bad_step")
	supervisor.send("POST", "/api/v1/topics/t1/join", map[string]any{"version": 3, "other": other.ID}).want(http.StatusOK).json(&one)
	require.Equal(t, 3, one.Members)
	require.Equal(t, "望江路整条路灯", one.Name)
	supervisor.get("/api/v1/topics/" + other.ID).want(http.StatusOK).json(&other)
	require.Equal(t, "t1", other.Into)
}

// TestOwnDistrictsTopics: who has a district of the own sees the topics of it alone, and changes no other.
func TestOwnDistrictsTopics(t *testing.T) {
	w, _ := supervised(t)
	w.topic("t1", "TN")
	w.topic("t2", "")
	w.user("lead2", "", ticketing.RoleLead)
	security := w.as("secadmin")
	var a web.Account
	security.get("/api/v1/users/u-lead2").want(http.StatusOK).json(&a)
	security.send("PUT", "/api/v1/users/u-lead2/roles", map[string]any{"version": a.Version, "roles": []string{"lead", "supervisor"}, "district": "TN", "reason": "分区值守"}).want(http.StatusOK)
	own := w.as("lead2")
	var all web.Page[web.Topic]
	own.get("/api/v1/topics").want(http.StatusOK).json(&all)
	require.Len(t, all.Items, 1)
	require.Equal(t, "t1", all.Items[0].ID)
	own.get("/api/v1/topics/t2").problem(http.StatusNotFound, "not_found")
	own.send("POST", "/api/v1/topics/t1/join", map[string]any{"version": 1, "other": "t2"}).problem(http.StatusNotFound, "not_found")
	own.send("PUT", "/api/v1/topics/t2/follow", nil).problem(http.StatusNotFound, "not_found")
}
