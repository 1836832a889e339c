package web

import (
	"context"
	"net/http"
	"time"

	"hotline/ticketing"
)

// ReasonInput says why.
type ReasonInput struct {
	Reason string `json:"reason" minLength:"1" maxLength:"1000" doc:"On record"`
}

type reasonInput struct {
	Ref
	Body ReasonInput
}

type releaseInput struct {
	Ref
	Reason string `query:"reason" minLength:"1" maxLength:"1000" doc:"On record"`
}

// ErasureOrder is an erasure that was ordered.
type ErasureOrder struct {
	Tickets int `json:"tickets" doc:"How many tickets name the person"`
}

func (s *Server) privacyRoutes() {
	one := func(method, path, id, summary, right string, status int) operation {
		return operation{method: method, path: "/api/v1/tickets/{number}" + path, id: id, tag: "tickets", who: holding(right), summary: summary, status: status}
	}
	handle(s, one(http.MethodPost, "/erase-person", "erase-person",
		"Erase the citizen from all of the citizen's tickets, calls and recordings, for good; refused while one is open or held", ticketing.RightPersonErase, http.StatusAccepted), s.erasePerson)
	handle(s, one(http.MethodPut, "/hold", "hold-ticket", "Hold the ticket as evidence: nothing of it is erased", ticketing.RightTicketHold, 0), s.holdTicket)
	handle(s, operation{method: http.MethodGet, path: "/api/v1/retention", id: "retention", tag: "people", who: holding(ticketing.RightRetention),
		summary: "For how long what is kept, and the reports of what was taken out"}, s.retention)
	handle(s, one(http.MethodDelete, "/hold", "release-ticket", "End the hold", ticketing.RightTicketHold, 0), s.releaseTicket)
}

func (s *Server) erasePerson(ctx context.Context, in *reasonInput) (*body[ErasureOrder], error) {
	found, err := s.deps.Tickets.ErasePerson(ctx, actorOf(ctx), in.Number, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	return answer(ErasureOrder{Tickets: found.Tickets}), nil
}

func (s *Server) holdTicket(ctx context.Context, in *reasonInput) (*body[Ticket], error) {
	if err := s.deps.Tickets.HoldTicket(ctx, actorOf(ctx), in.Number, in.Body.Reason); err != nil {
		return nil, err
	}
	return s.getTicket(ctx, &in.Ref)
}

func (s *Server) releaseTicket(ctx context.Context, in *releaseInput) (*body[Ticket], error) {
	if err := s.deps.Tickets.ReleaseTicket(ctx, actorOf(ctx), in.Number, in.Reason); err != nil {
		return nil, err
	}
	return s.getTicket(ctx, &in.Ref)
}

// RetentionRule says for how long data of a class are kept.
type RetentionRule struct {
	Class string   `json:"class" enum:"person,recording,call"`
	Types []string `json:"types" nullable:"false" doc:"Of tickets; none: those that no other rule names"`
	Days  int      `json:"days" doc:"After the ticket's end, after the call"`
}

// RetentionRow is what one rule came to.
type RetentionRow struct {
	RetentionRule
	Before time.Time `json:"before" doc:"What ended before was due"`
	Done   int       `json:"done"`
	Held   int       `json:"held" doc:"Kept as evidence"`
	Left   bool      `json:"left" doc:"More was due than one run does"`
}

// RetentionReport is the outcome of a run.
type RetentionReport struct {
	At   time.Time      `json:"at"`
	Rows []RetentionRow `json:"rows" nullable:"false"`
	Kept []string       `json:"kept" nullable:"false" doc:"Classes without a rule"`
}

// RetentionState is what the city keeps for how long, and what was taken out.
type RetentionState struct {
	Rules   []RetentionRule   `json:"rules" nullable:"false"`
	Reports []RetentionReport `json:"reports" nullable:"false" doc:"The newest first, 30 at most"`
}

func ruleView(r ticketing.Retention) RetentionRule {
	return RetentionRule{Class: string(r.Class), Types: convert(r.Types, func(t ticketing.AppealType) string { return string(t) }), Days: r.Days}
}

func (s *Server) retention(ctx context.Context, _ *struct{}) (*body[RetentionState], error) {
	rules, reports, err := s.deps.Tickets.Retention(ctx, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	return answer(RetentionState{Rules: convert(rules, ruleView), Reports: convert(reports, func(r ticketing.RetentionReport) RetentionReport {
		return RetentionReport{
			At: cst(r.At), Kept: convert(r.Kept, func(c ticketing.RetentionClass) string { return string(c) }),
			Rows: convert(r.Rows, func(row ticketing.RetentionRow) RetentionRow {
				return RetentionRow{RetentionRule: ruleView(row.Retention), Before: cst(row.Before), Done: row.Done, Held: row.Held, Left: row.Left}
			}),
		}
	})}), nil
}
