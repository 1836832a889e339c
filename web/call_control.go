package web

import (
	"context"
	"net/http"
)

// DialNumber is whom to call, and from where.
type DialNumber struct {
	PartyNumber
	Seat string `json:"seat,omitempty" maxLength:"32" doc:"Mine when none is given"`
}

// DialledCall names the call.
type DialledCall struct {
	ID string `json:"id"`
}

type dialInput struct {
	Body DialNumber
}

func (s *Server) controlRoutes() {
	op := func(path, id, summary string) operation {
		return operation{method: http.MethodPost, path: "/api/v1/calls" + path, id: id, tag: "calls", who: operators, summary: summary}
	}
	handle(s, op("", "dial", "Call a number: my seat's phone rings first"), withCalls(s, s.dial))
	handle(s, operation{method: http.MethodPost, path: "/api/v1/tickets/{number}/dial", id: "dial-ticket", tag: "calls", who: handlers,
		summary: "Call the citizen of a ticket: my seat's phone rings first, the number is not shown"}, withCalls(s, s.dialTicket))
	handle(s, op("/{id}/hold", "hold", "The citizen hears music; agents their own"), withCalls(s, s.control(Calls.Hold)))
	handle(s, op("/{id}/resume", "resume", "End the hold; agents their own"), withCalls(s, s.control(Calls.Resume)))
	handle(s, op("/{id}/mute", "mute", "The seat hears and is not heard, nor recorded; agents their own"), withCalls(s, s.control(Calls.Mute)))
	handle(s, op("/{id}/unmute", "unmute", "The seat is heard again; agents their own"), withCalls(s, s.control(Calls.Unmute)))
	handle(s, op("/{id}/conference/{party}/hand-over", "hand-over", "Let an added party have the call in my place (attended transfer); agents their own"), withCalls(s, s.handOver))
}

func (s *Server) dial(ctx context.Context, in *dialInput) (*body[DialledCall], error) {
	me := identityOf(ctx).user
	def(&in.Body.Seat, me.Seat)
	id, err := s.deps.Calls.Dial(ctx, me.ID, in.Body.Seat, in.Body.Number)
	if err != nil {
		return nil, err
	}
	return answer(DialledCall{ID: id}), nil
}

// DialFrom says which seat rings first.
type DialFrom struct {
	Seat string `json:"seat,omitempty" maxLength:"32" doc:"Mine when none is given"`
}

type dialTicketInput struct {
	Ref
	Body DialFrom
}

// dialTicket calls the citizen and links the call to the ticket, so that it can
// prove a contact.
func (s *Server) dialTicket(ctx context.Context, in *dialTicketInput) (*body[DialledCall], error) {
	who, me := actorOf(ctx), identityOf(ctx).user
	def(&in.Body.Seat, me.Seat)
	if in.Body.Seat == "" {
		return nil, problem(http.StatusUnprocessableEntity, "invalid", "You have no seat. Name the one whose phone is to ring.")
	}
	number, err := s.deps.Tickets.NumberToCall(ctx, who, in.Number)
	if err != nil {
		return nil, err
	}
	id, err := s.deps.Calls.Dial(ctx, me.ID, in.Body.Seat, number)
	if err != nil {
		return nil, err
	}
	if err := s.deps.Tickets.LinkCall(ctx, who, in.Number, id); err != nil {
		return nil, err
	}
	return answer(DialledCall{ID: id}), nil
}

// control has something done to a call whose seat is the user's, or by the floor.
func (s *Server) control(do func(c Calls, ctx context.Context, callID, user string) error) func(context.Context, *CallRef) (*struct{}, error) {
	return func(ctx context.Context, in *CallRef) (*struct{}, error) {
		if _, err := s.ownCall(ctx, in.ID, floor); err != nil {
			return nil, err
		}
		return nil, do(s.deps.Calls, ctx, in.ID, identityOf(ctx).user.ID)
	}
}

func (s *Server) handOver(ctx context.Context, in *dropPartyInput) (*struct{}, error) {
	if _, err := s.ownCall(ctx, in.ID, floor); err != nil {
		return nil, err
	}
	return nil, s.deps.Calls.HandOver(ctx, in.ID, in.Party, identityOf(ctx).user.ID)
}
