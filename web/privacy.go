package web

import (
	"context"
	"net/http"

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
