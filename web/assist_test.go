package web_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/search/assist"
	"hotline/ticketing/ledger"
	"hotline/web"
)

// helper suggests what it was told, or fails.
type helper struct {
	told    assist.Matter
	choices []assist.Choice
	err     error
}

func (h *helper) Name() string { return "small" }

func (h *helper) Summary(_ context.Context, t assist.Matter) (string, error) {
	h.told = t
	return "概括", h.err
}

func (h *helper) Reply(_ context.Context, t assist.Matter) (string, error) {
	h.told = t
	return "答复", h.err
}

func (h *helper) Category(_ context.Context, _ assist.Matter, choices []assist.Choice) (string, error) {
	h.choices = choices
	return choices[0].Code, h.err
}

func TestALanguageModelSuggests(t *testing.T) {
	h := &helper{}
	w := newWorld(t, func(d *web.Deps, _ *web.Options) { d.Assistant = h })
	agent := w.as("agent1")
	one := agent.closed("13812345678")
	ask := func(c *client, what string) reply {
		return c.send("POST", "/api/v1/tickets/"+one.Number+"/assist", map[string]string{"what": what})
	}
	var got web.AssistAnswer
	ask(agent, "summary").want(http.StatusOK).json(&got)
	require.Equal(t, web.AssistAnswer{Text: "概括", Model: "small"}, got)
	require.NotContains(t, h.told.Title+h.told.Text+h.told.Reply, "王建国", "the citizen's own name goes nowhere")
	require.NotContains(t, h.told.Text, "13812345678")
	ask(agent, "reply").want(http.StatusOK).json(&got)
	require.Equal(t, "答复", got.Text)
	got = web.AssistAnswer{}
	ask(agent, "category").want(http.StatusOK).json(&got)
	require.Equal(t, "A1", got.Category)
	require.Equal(t, []assist.Choice{{Code: "A1", Name: "路灯"}, {Code: "B1", Name: "停水"}}, h.choices, "leaves alone")
	ask(agent, "poem").want(http.StatusUnprocessableEntity)
	ask(w.as("clerk-SW"), "summary").problem(http.StatusNotFound, "not_found")

	entries := w.as("secadmin").entries("action=ticket.assist")
	require.Len(t, entries, 3, "that it went out is on record")
	require.Equal(t, string(ledger.Done), entries[0].Result)
	for err, status := range map[error]int{assist.ErrUnavailable: http.StatusBadGateway, assist.ErrNothing: http.StatusBadGateway, assist.ErrBusy: http.StatusServiceUnavailable} {
		h.err = err
		ask(agent, "summary").want(status)
	}

	none := newWorld(t, nil)
	tk := none.as("agent1").accepted()
	none.as("agent1").send("POST", "/api/v1/tickets/"+tk.Number+"/assist", map[string]string{"what": "summary"}).problem(http.StatusNotFound, "assist_off")
}

// TestAConfidentialTicketGoesNowhere: not to a language model either.
func TestAConfidentialTicketGoesNowhere(t *testing.T) {
	h := &helper{}
	w := newWorld(t, func(d *web.Deps, _ *web.Options) { d.Assistant = h })
	agent := w.as("agent1")
	draft := agent.ticket(agent.send("POST", "/api/v1/tickets", map[string]any{"line": "12345", "confidential": true, "citizen": map[string]any{"name": "王建国", "phone": "13812345678"},
		"appeal": map[string]any{"type": "complaint", "title": "举报", "description": "举报"}}).want(http.StatusCreated))
	agent.send("POST", "/api/v1/tickets/"+draft.ID+"/assist", map[string]string{"what": "summary"}).problem(http.StatusForbidden, "forbidden")
	require.Empty(t, h.told.Title)
}
