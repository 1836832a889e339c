package web

import (
	"context"
	"net/http"
	"time"

	"hotline/telephony"
)

// CallParty is a party that was added to a call of two (三方通话).
type CallParty struct {
	ID        string    `json:"id" doc:"Within the call"`
	Number    string    `json:"number" doc:"Masked, unless it is a seat"`
	Seat      string    `json:"seat,omitempty"`
	User      string    `json:"user" doc:"Who asked for it"`
	CalledAt  time.Time `json:"called_at"`
	RingingAt time.Time `json:"ringing_at,omitzero"`
	JoinedAt  time.Time `json:"joined_at,omitzero" doc:"Talked with the others from then on"`
	LeftAt    time.Time `json:"left_at,omitzero"`
	DroppedBy string    `json:"dropped_by,omitempty" doc:"User who took it out"`
	Cause     string    `json:"cause,omitempty"`
	Code      int       `json:"code,omitempty" doc:"SIP status, where one was the reason"`

	Supervision string `json:"supervision,omitempty" doc:"How a supervisor takes part, or did last: monitor, whisper, barge"`
}

// PartyNumber is who is to be added to a call.
type PartyNumber struct {
	Number string `json:"number" minLength:"2" maxLength:"32" pattern:"^[+0-9*#]+$" doc:"A seat, or a number as it is dialled"`
}

// AddedParty names the party.
type AddedParty struct {
	ID string `json:"id" doc:"Within the call; the call's record tells how it goes on"`
}

type addPartyInput struct {
	CallRef
	Body PartyNumber
}

type dropPartyInput struct {
	CallRef
	Party string `path:"party" minLength:"1" maxLength:"20"`
}

func (s *Server) conferenceRoutes() {
	handle(s, operation{
		method: http.MethodPost, path: "/api/v1/calls/{id}/conference", id: "add-party", tag: "calls", who: operators,
		summary: "Call a third party and let it talk with both sides of a running call; agents in their own",
	}, withCalls(s, s.addParty))
	handle(s, operation{
		method: http.MethodDelete, path: "/api/v1/calls/{id}/conference/{party}", id: "drop-party", tag: "calls", who: operators,
		summary: "Hang up a party that was added to a call; agents in their own",
	}, withCalls(s, s.dropParty))
}

func (s *Server) addParty(ctx context.Context, in *addPartyInput) (*body[AddedParty], error) {
	if _, err := s.ownCall(ctx, in.ID, floor); err != nil {
		return nil, err
	}
	id, err := s.deps.Calls.AddParty(ctx, in.ID, in.Body.Number, identityOf(ctx).user.ID)
	if err != nil {
		return nil, err
	}
	return answer(AddedParty{ID: id}), nil
}

func (s *Server) dropParty(ctx context.Context, in *dropPartyInput) (*struct{}, error) {
	if _, err := s.ownCall(ctx, in.ID, floor); err != nil {
		return nil, err
	}
	return nil, s.deps.Calls.DropParty(ctx, in.ID, in.Party, identityOf(ctx).user.ID)
}

func partyView(p telephony.Added) CallParty {
	v := CallParty{
		ID: p.ID, Number: p.Number, Seat: p.Seat, User: p.User, CalledAt: cst(p.CalledAt), RingingAt: cst(p.RingingAt),
		JoinedAt: cst(p.JoinedAt), LeftAt: cst(p.LeftAt), DroppedBy: p.DroppedBy, Cause: p.Cause, Code: p.Code, Supervision: string(p.Supervision),
	}
	if p.Seat == "" {
		v.Number = maskPhone(p.Number)
	}
	return v
}
