package web

import (
	"context"
	"net/http"
	"time"

	"hotline/telephony"
)

// NoCall is a number that no campaign calls.
type NoCall struct {
	Number string    `json:"number" doc:"Masked"`
	By     string    `json:"by" doc:"User; citizen, who asked for it"`
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
}

// NoCallOrder puts a number on the list.
type NoCallOrder struct {
	Number string `json:"number" minLength:"3" maxLength:"40"`
	Reason string `json:"reason,omitempty" maxLength:"500"`
}

// NoCallLift takes a number off the list.
type NoCallLift struct {
	Number string `json:"number" minLength:"3" maxLength:"40"`
}

type noCallsInput struct {
	Limit int `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

func (s *Server) noCallRoutes(op func(method, path, id, summary string, who access) operation) {
	handle(s, op(http.MethodGet, "/no-calls", "no-calls", "Numbers that no campaign calls", centre), withCalls(s, s.listNoCalls))
	handle(s, op(http.MethodPost, "/no-calls", "forbid-calls", "Keep campaigns from calling a number", operators), withCalls(s, s.forbidCalls))
	handle(s, op(http.MethodPost, "/no-calls/lift", "allow-calls", "Let campaigns call a number again", floor), withCalls(s, s.allowCalls))
}

func (s *Server) listNoCalls(ctx context.Context, in *noCallsInput) (*body[[]NoCall], error) {
	all, err := s.deps.Calls.NoCalls(ctx, "", in.Limit)
	if err != nil {
		return nil, err
	}
	return answer(convert(all, noCallView)), nil
}

func (s *Server) forbidCalls(ctx context.Context, in *struct{ Body NoCallOrder }) (*body[NoCall], error) {
	n, err := s.deps.Calls.ForbidCalls(ctx, in.Body.Number, in.Body.Reason, identityOf(ctx).user.ID)
	if err != nil {
		return nil, err
	}
	return answer(noCallView(n)), nil
}

func (s *Server) allowCalls(ctx context.Context, in *struct{ Body NoCallLift }) (*struct{}, error) {
	return nil, s.deps.Calls.AllowCalls(ctx, in.Body.Number)
}

func noCallView(n telephony.NoCall) NoCall {
	return NoCall{Number: maskPhone(n.Number), By: n.By, Reason: n.Reason, At: cst(n.At)}
}
