package web

import (
	"context"
	"errors"
	"net/http"

	"hotline/search/assist"
	"hotline/ticketing"
	"hotline/ticketing/ledger"
)

// Assistant is a language model; *assist.Model has it.
type Assistant interface {
	Name() string
	Summary(ctx context.Context, t assist.Matter) (string, error)
	Reply(ctx context.Context, t assist.Matter) (string, error)
	Category(ctx context.Context, t assist.Matter, choices []assist.Choice) (code string, err error)
}

// AssistInput is what a language model is asked.
type AssistInput struct {
	What string `json:"what" enum:"summary,reply,category"`
}

// AssistAnswer is what a language model suggests. Nothing of it is kept.
type AssistAnswer struct {
	Text     string `json:"text,omitempty" doc:"Summary, or draft of a reply"`
	Category string `json:"category,omitempty" doc:"Code; left out where the model names none"`
	Model    string `json:"model"`
}

type assistInput struct {
	Ref
	Body AssistInput
}

func (s *Server) assistRoutes() {
	handle(s, operation{method: http.MethodPost, path: "/api/v1/tickets/{number}/assist", id: "assist", tag: "tickets", who: handlers, quiet: true,
		summary:     "What a language model suggests of a ticket, where the city has one",
		description: "The ticket goes out without its citizen, and with numbers masked; that it did is on record. 404 assist_off where there is no model. A confidential ticket goes nowhere."}, s.assist)
}

func (s *Server) assist(ctx context.Context, in *assistInput) (*body[AssistAnswer], error) {
	model := s.deps.Assistant
	if model == nil {
		return nil, problem(http.StatusNotFound, "assist_off", "This installation has no language model; everything works without one.")
	}
	who := actorOf(ctx)
	t, err := s.deps.Tickets.Impersonal(ctx, who, in.Number)
	if err != nil {
		return nil, err
	}
	city, err := s.deps.Tickets.City(ctx)
	if err != nil {
		return nil, err
	}
	matter, choices := matterOf(t, city)
	if err := s.deps.Ledger.Record(ctx, ledger.Entry{Actor: who.UserID, Action: "ticket.assist", Object: "ticket:" + t.Number, Reason: in.Body.What}); err != nil {
		return nil, err
	}
	out := AssistAnswer{Model: model.Name()}
	switch in.Body.What {
	case "summary":
		out.Text, err = model.Summary(ctx, matter)
	case "reply":
		out.Text, err = model.Reply(ctx, matter)
	default:
		out.Category, err = model.Category(ctx, matter, choices)
	}
	if err != nil {
		return nil, err
	}
	return answer(out), nil
}

// matterOf is what a model is told of a ticket, and the categories that it may be of.
func matterOf(t ticketing.Ticket, city ticketing.City) (assist.Matter, []assist.Choice) {
	m := assist.Matter{Title: t.Appeal.Title, Text: t.Appeal.Description, Reply: t.Answer}
	parents := map[string]bool{}
	for _, k := range city.Categories {
		parents[k.Parent] = true
		if k.Code == t.Appeal.Category {
			m.Category = k.Name
		}
	}
	for _, a := range t.Assignments {
		if a.Reason != "" {
			m.Notes = append(m.Notes, a.Reason)
		}
	}
	var leaves []assist.Choice
	for _, k := range city.Categories {
		if !parents[k.Code] {
			leaves = append(leaves, assist.Choice{Code: k.Code, Name: k.Name})
		}
	}
	return m, leaves
}

// assistProblem maps the errors of package assist.
func assistProblem(err error) *Problem {
	switch {
	case errors.Is(err, assist.ErrBusy):
		return problem(http.StatusServiceUnavailable, "assist_busy", "Others are asking the language model. Try again shortly.").after(10).because(err)
	case errors.Is(err, assist.ErrUnavailable), errors.Is(err, assist.ErrNothing):
		return problem(http.StatusBadGateway, "assist_unavailable", "The language model gave no answer that can be used. Go on without it, or try again.").because(err)
	}
	return nil
}
