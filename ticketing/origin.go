package ticketing

import (
	"context"
	"sync/atomic"

	"hotline/ticketing/ledger"
)

// Origin is where a request comes from, for the ledger. It travels with the
// context: everything that is written on behalf of a request names it.
type Origin struct {
	Address string
	Trace   string
	Actor   string       // id of the user or API key; empty while nobody is known
	Class   ledger.Class // empty while nobody is known

	recorded atomic.Bool
}

// Recorded tells whether something was put on record for the request.
func (o *Origin) Recorded() bool { return o.recorded.Load() }

type originKey struct{}

// WithOrigin is a context of a request from o.
func WithOrigin(ctx context.Context, o *Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// OriginOf is where a context's request comes from; nil inside the platform.
func OriginOf(ctx context.Context) *Origin {
	o, _ := ctx.Value(originKey{}).(*Origin)
	return o
}

// ClassOf is the capacity of a user with these roles.
func ClassOf(roles []Role) ledger.Class {
	for _, r := range roles {
		switch r {
		case RoleAdmin:
			return ledger.Admin
		case RoleSecAdmin:
			return ledger.SecAdmin
		case RoleAuditor:
			return ledger.Auditor
		case RoleSystem:
			return ledger.System
		case RoleCitizen:
			return ledger.Citizen
		}
	}
	return ledger.User
}

// Note says that something was put on record for the request; it works on nil.
func (o *Origin) Note() {
	if o != nil {
		o.recorded.Store(true)
	}
}
