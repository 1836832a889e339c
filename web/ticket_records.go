package web

import (
	"context"
	"net/http"
	"time"

	"hotline/ticketing"
)

// Record is a request, a duty or a fact beside a ticket's state.
type Record struct {
	ID          string                `json:"id" example:"return-1"`
	Kind        ticketing.RecordKind  `json:"kind" enum:"return,extension,suspension,co_handling,urge,supervision,dispute,merge,split,link,reopening,withdrawal,rating,rectification,appeal,relabelling"`
	State       ticketing.RecordState `json:"state" enum:"requested,approved,refused,withdrawn,open,done,ended"`
	Department  string                `json:"department,omitempty" doc:"Who asked, or who must act"`
	Departments []string              `json:"departments,omitempty" doc:"Parties of a dispute"`
	Proposed    string                `json:"proposed,omitempty"`
	Decider     string                `json:"decider,omitempty" doc:"Department that decides; the centre when left out"`
	By          string                `json:"by"`
	ByName      string                `json:"by_name,omitempty"`
	At          time.Time             `json:"at"`
	Reason      string                `json:"reason,omitempty"`
	Basis       string                `json:"basis,omitempty"`
	Days        int                   `json:"days,omitempty" doc:"Working days"`
	Until       time.Time             `json:"until,omitzero"`
	Escalation  []string              `json:"escalation,omitempty"`
	SignedAt    time.Time             `json:"signed_at,omitzero"`
	Answer      string                `json:"answer,omitempty"`
	Statements  []Statement           `json:"statements,omitempty"`
	Other       string                `json:"other,omitempty" doc:"Number of another ticket"`
	Relation    string                `json:"relation,omitempty"`
	Channel     string                `json:"channel,omitempty"`
	Rating      int                   `json:"rating,omitempty"`
	Item        string                `json:"item,omitempty"`
	FromType    string                `json:"from_type,omitempty"`
	ToType      string                `json:"to_type,omitempty"`
	DecidedBy   string                `json:"decided_by,omitempty"`
	DecidedName string                `json:"decided_name,omitempty"`
	DecidedAt   time.Time             `json:"decided_at,omitzero"`
	Decision    string                `json:"decision,omitempty"`
}

// Statement is what one party says in a dispute.
type Statement struct {
	Department string    `json:"department"`
	Text       string    `json:"text"`
	By         string    `json:"by"`
	At         time.Time `json:"at"`
}

func (s *Server) recordView(ctx context.Context, r ticketing.Record) Record {
	return Record{
		ID: r.ID, Kind: r.Kind, State: r.State, Department: r.Department, Departments: r.Departments, Proposed: r.Proposed, Decider: r.Decider,
		By: r.By, ByName: s.names.of(ctx, r.By), At: cst(r.At), Reason: r.Reason, Basis: r.Basis, Days: r.Days, Until: cst(r.Until),
		Escalation: r.Escalation, SignedAt: cst(r.SignedAt), Answer: r.Answer, Other: r.OtherNumber, Relation: r.Relation,
		Channel: string(r.Channel), Rating: r.Rating, Item: r.Item, FromType: string(r.From), ToType: string(r.To),
		DecidedBy: r.DecidedBy, DecidedName: s.names.of(ctx, r.DecidedBy), DecidedAt: cst(r.DecidedAt), Decision: r.Decision,
		Statements: convert(r.Statements, func(st ticketing.Statement) Statement {
			return Statement{Department: st.Department, Text: st.Text, By: st.By, At: cst(st.At)}
		}),
	}
}

// RecordItem is a record with its ticket.
type RecordItem struct {
	Record Record `json:"record"`
	Ticket Ticket `json:"ticket"`
}

type recordsInput struct {
	Kind       []string `query:"kind,explode" maxItems:"20" doc:"Repeated or separated by commas"`
	State      []string `query:"state,explode" maxItems:"10" doc:"requested and open wait for somebody"`
	Department string   `query:"department" maxLength:"64" doc:"Who asked, must act or decides"`
	Limit      int      `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor     string   `query:"cursor" maxLength:"500"`
}

func (s *Server) recordRoutes() {
	handle(s, operation{
		method: http.MethodGet, path: "/api/v1/records", id: "records", tag: "tickets", who: handlers,
		summary: "Requests, duties and facts beside tickets, the oldest first", description: "Returns, extensions, supervisions and so on, over all tickets that the user sees.",
	}, s.listRecords)
	handle(s, operation{
		method: http.MethodGet, path: "/api/v1/actions", id: "actions", tag: "tickets", who: handlers,
		summary: "Every action with the fields that it takes",
	}, s.listActions)
}

func (s *Server) listRecords(ctx context.Context, in *recordsInput) (*body[Page[RecordItem]], error) {
	who := actorOf(ctx)
	p, err := s.deps.Tickets.Records(ctx, who, ticketing.RecordFilter{
		Kinds: list[ticketing.RecordKind](in.Kind), States: list[ticketing.RecordState](in.State), Department: in.Department, Limit: in.Limit, Cursor: in.Cursor,
	})
	if err != nil {
		return nil, err
	}
	items := convert(p.Items, func(i ticketing.RecordItem) RecordItem {
		return RecordItem{Record: s.recordView(ctx, i.Record), Ticket: s.ticketView(ctx, who, i.Ticket)}
	})
	return answer(Page[RecordItem]{Items: items, NextCursor: p.NextCursor, Total: len(items), TotalCapped: p.NextCursor != ""}), nil
}

// ActionSpec is an action with what it takes.
type ActionSpec struct {
	Name   ticketing.Action `json:"name" example:"request_return"`
	Title  string           `json:"title" example:"申请退单"`
	Fields []FieldSpec      `json:"fields" nullable:"false"`
}

// FieldSpec is one field of an action.
type FieldSpec struct {
	Name     string              `json:"name"`
	Kind     ticketing.FieldKind `json:"kind" enum:"text,department,departments,user,users,ticket,call,record,days,moment,flag,rating,choice,parts"`
	Required bool                `json:"required"`
	Options  []string            `json:"options,omitempty"`
	Label    string              `json:"label"`
	LabelEn  string              `json:"label_en"`
}

func (s *Server) listActions(context.Context, *struct{}) (*body[Page[ActionSpec]], error) {
	return page(convert(ticketing.ActionNames(), func(a ticketing.Action) ActionSpec {
		return ActionSpec{Name: a, Title: a.Zh(), Fields: convert(ticketing.FieldsOf(a), func(f ticketing.Field) FieldSpec {
			return FieldSpec{Name: f.Name, Kind: f.Kind, Required: f.Required, Options: f.Options, Label: f.Zh, LabelEn: f.En}
		})}
	})), nil
}
