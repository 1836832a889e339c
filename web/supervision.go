package web

import (
	"context"
	"net/http"

	"hotline/telephony"
	"hotline/ticketing"
)

// Supervision is how a supervisor takes part in a call.
type Supervision struct {
	Mode string `json:"mode" enum:"monitor,whisper,barge" doc:"monitor hears both sides, whisper is heard by the seat alone, barge talks with both"`
}

// NewSupervision is a supervisor's wish to take part.
type NewSupervision struct {
	Supervision
	Seat string `json:"seat,omitempty" maxLength:"20" doc:"Whose phone rings; where I sit, or my usual seat, when left out"`
}

type superviseInput struct {
	CallRef
	Body NewSupervision
}

// SupervisionRef addresses a supervisor in a call.
type SupervisionRef struct {
	CallRef
	Party string `path:"party" minLength:"1" maxLength:"20"`
}

type setSupervisionInput struct {
	SupervisionRef
	Body Supervision
}

type transferInput struct {
	CallRef
	Body PartyNumber
}

// supervisors may take part in everybody's calls.
var supervisors = holding(ticketing.RightCallSupervise)

func (s *Server) supervisionRoutes() {
	op := func(method, path, id, summary string, who access) operation {
		return operation{method: method, path: "/api/v1/calls/{id}" + path, id: id, tag: "calls", who: who, summary: summary}
	}
	handle(s, op(http.MethodPost, "/supervision", "supervise", "Take part in a running call: my seat's phone rings", supervisors), withCalls(s, s.supervise))
	handle(s, op(http.MethodPut, "/supervision/{party}", "set-supervision", "Change how I take part", supervisors), withCalls(s, s.setSupervision))
	handle(s, op(http.MethodDelete, "/supervision/{party}", "end-supervision", "Take part no more; the two talk on", supervisors), withCalls(s, s.endSupervision))
	handle(s, op(http.MethodPost, "/supervision/{party}/take-over", "take-over", "Have the citizen to myself; the seat is let go", supervisors), withCalls(s, s.takeOver))
	handle(s, op(http.MethodPost, "/rating", "ask-rating", "Leave the citizen to the question how the call was; my part ends; agents their own", operators), withCalls(s, s.askRating))
	handle(s, op(http.MethodPost, "/transfer", "transfer", "Send the other party on to a seat or number; I talk on until that answers (blind transfer); agents their own", operators), withCalls(s, s.transfer))
}

func (s *Server) supervise(ctx context.Context, in *superviseInput) (*body[AddedParty], error) {
	if _, err := s.callOf(ctx, in.ID); err != nil {
		return nil, err
	}
	me := identityOf(ctx).user
	seat := in.Body.Seat
	def(&seat, me.Seat)
	id, err := s.deps.Calls.Supervise(ctx, in.ID, me.ID, seat, telephony.Supervision(in.Body.Mode))
	if err != nil {
		return nil, err
	}
	return answer(AddedParty{ID: id}), nil
}

func (s *Server) setSupervision(ctx context.Context, in *setSupervisionInput) (*struct{}, error) {
	if _, err := s.callOf(ctx, in.ID); err != nil {
		return nil, err
	}
	return nil, s.deps.Calls.SetSupervision(ctx, in.ID, in.Party, identityOf(ctx).user.ID, telephony.Supervision(in.Body.Mode))
}

func (s *Server) endSupervision(ctx context.Context, in *SupervisionRef) (*struct{}, error) {
	if _, err := s.callOf(ctx, in.ID); err != nil {
		return nil, err
	}
	return nil, s.deps.Calls.EndSupervision(ctx, in.ID, in.Party, identityOf(ctx).user.ID)
}

func (s *Server) takeOver(ctx context.Context, in *SupervisionRef) (*struct{}, error) {
	if _, err := s.callOf(ctx, in.ID); err != nil {
		return nil, err
	}
	return nil, s.deps.Calls.TakeOver(ctx, in.ID, in.Party)
}

func (s *Server) transfer(ctx context.Context, in *transferInput) (*struct{}, error) {
	if _, err := s.ownCall(ctx, in.ID, floor); err != nil {
		return nil, err
	}
	return nil, s.deps.Calls.Transfer(ctx, in.ID, in.Body.Number, identityOf(ctx).user.ID)
}

func (s *Server) askRating(ctx context.Context, in *CallRef) (*struct{}, error) {
	if _, err := s.ownCall(ctx, in.ID, floor); err != nil {
		return nil, err
	}
	return nil, s.deps.Calls.AskRating(ctx, in.ID, identityOf(ctx).user.ID)
}
