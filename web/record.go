package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"hotline/ticketing"
	"hotline/ticketing/ledger"
)

// originOf is where a request comes from, for the ledger.
func originOf(r *request) *ticketing.Origin {
	return &ticketing.Origin{Address: r.addr.String(), Trace: r.trace, Class: ledger.Anonymous}
}

// onRecord puts on record what an operation did or was refused, unless the
// handler did so in the transaction of its change. An operation whose outcome
// cannot be recorded fails, although what it did may stand.
func (s *Server) onRecord(ctx context.Context, op *operation, outcome error) error {
	id, origin := identityOf(ctx), ticketing.OriginOf(ctx)
	if s.deps.Ledger == nil || origin == nil || id.user.ID == "" {
		return outcome
	}
	var p *Problem
	refused := errors.As(outcome, &p) && p.Status == http.StatusForbidden
	wrote := outcome == nil && !op.quiet && (op.export || !safeMethod(op.method)) && !origin.Recorded()
	if !refused && !wrote {
		return outcome
	}
	e := ledger.Entry{Actor: id.user.ID, Class: origin.Class, Action: "api." + op.id, Object: "operation:" + op.id, Result: ledger.Done}
	if op.export {
		e.Action = "export." + op.id
	}
	if refused {
		e.Result = ledger.Refused
	}
	if id.user.Partition == "" { // who reads the ledger is no member of the partition
		e.Data, _ = json.Marshal(map[string]string{"path": requestOf(ctx).path}) // of strings: cannot fail
	}
	if err := s.deps.Ledger.Record(ctx, e); err != nil {
		return s.toProblem(ctx, err)
	}
	return outcome
}

// identified notes in the request's origin who asks.
func identified(ctx context.Context, id identity) {
	if o := ticketing.OriginOf(ctx); o != nil {
		o.Actor, o.Class = id.user.ID, ticketing.ClassOf(id.user.Roles)
		if id.key != nil {
			o.Class = ledger.Key
		}
	}
}

// recordRefusal is onRecord for a request that no handler gets.
func (s *Server) recordRefusal(ctx context.Context, op *operation, id identity, p *Problem) *Problem {
	ctx = context.WithValue(ctx, identityKey{}, id)
	if err := s.onRecord(ctx, op, p); err != nil {
		return s.toProblem(ctx, err)
	}
	return p
}

// signedOn puts on record what became of a sign-in.
func (s *Server) signedOn(ctx context.Context, user ticketing.User, action string, result ledger.Result, reason string) error {
	if s.deps.Ledger == nil {
		return nil
	}
	e := ledger.Entry{Actor: user.ID, Class: ledger.Anonymous, Action: action, Object: "user:" + user.ID, Result: result, Reason: reason}
	if user.ID != "" {
		e.Class = ticketing.ClassOf(user.Roles)
	}
	return s.deps.Ledger.Record(ctx, e)
}

// pathOf is the request's path without its query.
func pathOf(hc huma.Context) string {
	u := hc.URL()
	return clip(u.Path, 200)
}
