package web

import (
	"context"
	"net/http"
	"time"

	"hotline/telephony"
)

// Callback is a citizen who is to be called back in the place that the citizen had in a queue.
type Callback struct {
	ID        string                  `json:"id"`
	Number    string                  `json:"number" doc:"Masked"`
	CallID    string                  `json:"call_id" doc:"The call that it is for"`
	Line      string                  `json:"line"`
	Queue     string                  `json:"queue"`
	Since     time.Time               `json:"since" doc:"When the citizen began to wait"`
	By        string                  `json:"by" doc:"User who had it called back; citizen, who asked for it; queue, which returns its missed calls"`
	CreatedAt time.Time               `json:"created_at"`
	NotUntil  time.Time               `json:"not_until,omitzero" doc:"The next try is not before"`
	Calls     []string                `json:"calls" nullable:"false" doc:"The tries"`
	State     telephony.CallbackState `json:"state" doc:"waiting, reached, failed, withdrawn, called_again"`
	EndedAt   time.Time               `json:"ended_at,omitzero"`
	EndedBy   string                  `json:"ended_by,omitempty" doc:"User who talked with the citizen, or withdrew it"`
}

type callbacksInput struct {
	Open   bool   `query:"open" doc:"Only those that wait"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor string `query:"cursor" maxLength:"500"`
}

// CallbackRef addresses one callback.
type CallbackRef struct {
	ID string `path:"id" minLength:"1" maxLength:"64"`
}

func (s *Server) callbackRoutes() {
	op := func(method, path, id, summary string, who access) operation {
		return operation{method: method, path: "/api/v1" + path, id: id, tag: "calls", who: who, summary: summary}
	}
	handle(s, op(http.MethodGet, "/callbacks", "callbacks", "Citizens who are to be called back, newest first", centre), withCalls(s, s.listCallbacks))
	handle(s, op(http.MethodPost, "/missed-calls/{id}/callback", "return-missed-call", "Have a missed call called back in the place that its caller had", centre), withCalls(s, s.returnMissed))
	handle(s, op(http.MethodDelete, "/callbacks/{id}", "withdraw-callback", "End a callback before its citizen was reached", floor), withCalls(s, s.withdrawCallback))
}

func (s *Server) listCallbacks(ctx context.Context, in *callbacksInput) (*body[Page[Callback]], error) {
	p, err := s.deps.Calls.Callbacks(ctx, telephony.CallbackFilter{Open: in.Open, NotLines: s.sealedFrom(ctx), Limit: in.Limit, Cursor: in.Cursor})
	if err != nil {
		return nil, err
	}
	return answer(Page[Callback]{Items: convert(p.Items, callbackView), NextCursor: p.NextCursor, Total: p.Total, TotalCapped: p.TotalCapped}), nil
}

func (s *Server) returnMissed(ctx context.Context, in *CallRef) (*body[Callback], error) {
	if _, err := s.callOf(ctx, in.ID); err != nil {
		return nil, err
	}
	return callbackOr(s.deps.Calls.ReturnMissed(ctx, in.ID, identityOf(ctx).user.ID))
}

func (s *Server) withdrawCallback(ctx context.Context, in *CallbackRef) (*body[Callback], error) {
	cb, err := s.deps.Calls.Callback(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if err := s.there(ctx, cb.Line); err != nil {
		return nil, err
	}
	return callbackOr(s.deps.Calls.WithdrawCallback(ctx, in.ID, identityOf(ctx).user.ID))
}

func callbackOr(c telephony.Callback, err error) (*body[Callback], error) {
	if err != nil {
		return nil, err
	}
	return answer(callbackView(c)), nil
}

func callbackView(c telephony.Callback) Callback {
	return Callback{
		ID: c.ID, Number: maskPhone(c.Number), CallID: c.CallID, Line: c.Line, Queue: c.Queue, Since: cst(c.Since), By: c.By,
		CreatedAt: cst(c.CreatedAt), NotUntil: cst(c.NotUntil), Calls: append([]string{}, c.Calls...), State: c.State, EndedAt: cst(c.EndedAt), EndedBy: c.EndedBy,
	}
}
