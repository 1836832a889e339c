package web

import (
	"context"
	"encoding/hex"
	"net/http"
	"strconv"
	"time"

	"hotline/ticketing"
	"hotline/ticketing/ledger"
)

// LedgerEntry is one line of the record of who did and saw what.
type LedgerEntry struct {
	Seq       int64     `json:"seq" doc:"Place in the chain"`
	At        time.Time `json:"at"`
	Actor     string    `json:"actor"`
	ActorName string    `json:"actor_name,omitempty"`
	Class     string    `json:"class" doc:"user, admin, secadmin, auditor, system, citizen, key or anonymous"`
	Address   string    `json:"address,omitempty"`
	Trace     string    `json:"trace_id,omitempty"`
	Action    string    `json:"action"`
	Object    string    `json:"object"`
	Result    string    `json:"result" enum:"done,refused,failed"`
	Reason    string    `json:"reason,omitempty"`
	Data      raw       `json:"data,omitempty"`
	Erased    bool      `json:"erased" doc:"Its words were taken out with the data of a citizen"`
	Hash      string    `json:"hash" doc:"Hex"`
}

// Suspicion is reading that somebody should explain.
type Suspicion struct {
	Kind     string    `json:"kind" enum:"many,own,after_hours,refused"`
	User     string    `json:"user"`
	UserName string    `json:"user_name,omitempty"`
	Day      string    `json:"day"`
	Count    int       `json:"count"`
	Usual    int       `json:"usual,omitempty" doc:"Of the kind many: the median of all users' days"`
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
	Objects  []string  `json:"objects" nullable:"false" doc:"What was read; 20 at most"`
}

type ledgerInput struct {
	Class  []string  `query:"class,explode" maxItems:"8"`
	Action []string  `query:"action,explode" maxItems:"20"`
	Actor  string    `query:"actor" maxLength:"64"`
	Object string    `query:"object" maxLength:"100" doc:"Such as ticket:ID, user:ID or call:ID"`
	Result string    `query:"result" enum:"done,refused,failed"`
	From   time.Time `query:"from"`
	To     time.Time `query:"to"`
	Limit  int       `query:"limit" minimum:"1" maximum:"500" default:"50"`
	Cursor string    `query:"cursor" maxLength:"20" pattern:"^[0-9]*$"`
}

type unusualInput struct {
	From time.Time `query:"from" doc:"Seven days ago when not given"`
	To   time.Time `query:"to" doc:"Now when not given"`
}

func (s *Server) ledgerRoutes() {
	handle(s, operation{
		method: http.MethodGet, path: "/api/v1/ledger", id: "ledger", tag: "ledger", who: holding(ticketing.RightLedgerRead),
		summary:     "Who did and saw what, newest first",
		description: "The security administrator reads the entries of users, systems, citizens and the auditor; the auditor those of the system and the security administrator.",
	}, s.ledger)
	handle(s, operation{
		method: http.MethodGet, path: "/api/v1/ledger/unusual", id: "unusual-reading", tag: "ledger", who: holding(ticketing.RightLedgerWatch),
		summary: "Reading that somebody should explain: many looks on a day, at the own name or number, outside hours, many refusals",
	}, s.unusual)
}

func (s *Server) ledger(ctx context.Context, in *ledgerInput) (*body[Page[LedgerEntry]], error) {
	f := ticketing.LedgerFilter{
		Classes: list[ledger.Class](in.Class), Actions: list[string](in.Action), Actor: in.Actor, Object: in.Object, Result: ledger.Result(in.Result),
		From: in.From, To: in.To, Limit: in.Limit,
	}
	if in.Cursor != "" {
		before, err := strconv.ParseInt(in.Cursor, 10, 64)
		if err != nil {
			return nil, invalidField("query.cursor", "is not one of this list")
		}
		f.Before = before
	}
	entries, err := s.deps.Ledger.Ledger(ctx, actorOf(ctx), f)
	if err != nil {
		return nil, err
	}
	p := Page[LedgerEntry]{Items: convert(entries, func(e ledger.Entry) LedgerEntry { return s.ledgerView(ctx, e) }), Total: len(entries), TotalCapped: len(entries) == f.Limit}
	if len(entries) == f.Limit {
		p.NextCursor = strconv.FormatInt(entries[len(entries)-1].Seq, 10)
	}
	return answer(p), nil
}

func (s *Server) ledgerView(ctx context.Context, e ledger.Entry) LedgerEntry {
	return LedgerEntry{
		Seq: e.Seq, At: cst(e.At), Actor: e.Actor, ActorName: s.names.of(ctx, e.Actor), Class: string(e.Class), Address: e.Address, Trace: e.Trace,
		Action: e.Action, Object: e.Object, Result: string(e.Result), Reason: e.Reason, Data: e.Data, Erased: e.Erased(), Hash: hex.EncodeToString(e.Hash),
	}
}

func (s *Server) unusual(ctx context.Context, in *unusualInput) (*body[Page[Suspicion]], error) {
	now := s.opts.Now()
	if in.To.IsZero() {
		in.To = now
	}
	if in.From.IsZero() {
		in.From = in.To.AddDate(0, 0, -7)
	}
	found, err := s.deps.Ledger.Unusual(ctx, actorOf(ctx), in.From, in.To, ticketing.WatchSettings{Working: s.opts.Working})
	if err != nil {
		return nil, err
	}
	return page(convert(found, func(f ticketing.Suspicion) Suspicion {
		return Suspicion{
			Kind: f.Kind, User: f.UserID, UserName: s.names.of(ctx, f.UserID), Day: f.Day, Count: f.Count, Usual: f.Usual,
			First: cst(f.First), Last: cst(f.Last), Objects: append([]string{}, f.Objects...),
		}
	})), nil
}
