package web

import (
	"context"
	"time"

	"hotline/ticketing"
)

// Ticket is a work order as the API shows it. The citizen is masked.
type Ticket struct {
	ID           string            `json:"id" doc:"From birth; drafts have it too"`
	Number       string            `json:"number" doc:"YYYYMMDD-NNNNNN; empty for a draft of a call"`
	Version      int64             `json:"version" doc:"Send it back with a change"`
	State        ticketing.State   `json:"state" enum:"draft,accepted,dispatched,in_progress,in_review,follow_up,closed,archived,suspended,merged,cancelled"`
	Channel      ticketing.Channel `json:"channel" enum:"phone,web,wechat,api"`
	Urgency      ticketing.Urgency `json:"urgency" enum:"normal,urgent,critical"`
	Confidential bool              `json:"confidential"`
	Line         string            `json:"line" doc:"Number that was called"`
	Digit        string            `json:"digit" doc:"What the caller pressed"`
	Appeal       Appeal            `json:"appeal"`
	Citizen      Citizen           `json:"citizen"`
	Department   string            `json:"department" doc:"Code of the lead department"`
	Assignments  []Assignment      `json:"assignments" nullable:"false"`
	Clocks       []Clock           `json:"clocks" nullable:"false"`
	Actions      []Action          `json:"actions" nullable:"false" doc:"What the user may do, and why not"`
	Calls        []string          `json:"calls" nullable:"false"`
	Operator     string            `json:"operator" doc:"User who answered or accepted"`
	Answer       string            `json:"answer"`
	Reopened     int               `json:"reopened"`
	AtDesk       bool              `json:"at_desk" doc:"The catalogue names nobody; a dispatcher decides"`
	Handler      string            `json:"handler" doc:"User of the department who handles it"`
	HandlerName  string            `json:"handler_name,omitempty"`
	Designated   bool              `json:"designated" doc:"The centre named the department for good"`
	ReviewBy     string            `json:"review_by" doc:"Department that approves the reply next; empty: the centre"`
	PublicAnswer string            `json:"public_answer"`
	Rating       int               `json:"rating" doc:"That counts: 5 very satisfied … 1 very dissatisfied; 0 when there is none"`
	Hops         int               `json:"hops" doc:"Departments that gave it back"`
	Tries        int               `json:"tries" doc:"Calls of the follow-up that were not answered"`
	NextTryAt    time.Time         `json:"next_try_at,omitzero"`
	Struck       []string          `json:"struck" nullable:"false" doc:"Items that an appeal took out of the assessment"`
	Records      []Record          `json:"records" nullable:"false" doc:"Requests, duties and facts, the oldest first"`
	Attachments  []Attachment      `json:"attachments" nullable:"false"`
	Hold         *Hold             `json:"hold,omitempty" doc:"Held as evidence: nothing of it is erased"`
	Lease        *Lease            `json:"lease,omitempty" doc:"Who is on it; in the answer to reading one ticket"`
	CreatedAt    time.Time         `json:"created_at"`
	UpdatedAt    time.Time         `json:"updated_at"`
	AcceptedAt   time.Time         `json:"accepted_at,omitzero"`
	ResolvedAt   time.Time         `json:"resolved_at,omitzero"`
	ClosedAt     time.Time         `json:"closed_at,omitzero"`
}

// Appeal is what the citizen wants.
type Appeal struct {
	Type        ticketing.AppealType `json:"type" doc:"inquiry, help, complaint, report, suggestion, praise; empty in a fresh draft"`
	Title       string               `json:"title"`
	Description string               `json:"description"`
	Category    string               `json:"category" doc:"Code of a leaf"`
	District    string               `json:"district" doc:"Code"`
	Address     string               `json:"address"`
	Location    *ticketing.Point     `json:"location,omitempty"`
}

// Hold keeps a ticket from being erased.
type Hold struct {
	Reason string    `json:"reason"`
	By     string    `json:"by"`
	ByName string    `json:"by_name,omitempty"`
	At     time.Time `json:"at"`
}

// Citizen is who asks, masked unless revealed.
type Citizen struct {
	Name      string `json:"name" example:"王**"`
	Phone     string `json:"phone" example:"138****5678"`
	Anonymous bool   `json:"anonymous"`
	Elderly   bool   `json:"elderly"`
	Disabled  bool   `json:"disabled"`
	Proxy     *Proxy `json:"proxy,omitempty" doc:"Who files on the citizen's behalf"`
	Erased    bool   `json:"erased,omitempty" doc:"Name and numbers were destroyed, for good"`
}

// Proxy is who files on somebody's behalf, masked unless revealed.
type Proxy struct {
	Name     string `json:"name" maxLength:"200"`
	Phone    string `json:"phone" maxLength:"64"`
	Relation string `json:"relation" maxLength:"200" example:"子女"`
}

// Attachment is a file of a ticket.
type Attachment struct {
	ID     string    `json:"id"`
	Name   string    `json:"name"`
	Type   string    `json:"type" example:"image/jpeg" doc:"As its content says"`
	Size   int64     `json:"size" doc:"Bytes"`
	Hash   string    `json:"sha256"`
	By     string    `json:"by"`
	ByName string    `json:"by_name,omitempty"`
	At     time.Time `json:"at"`
}

// Assignment is one dispatch to one department.
type Assignment struct {
	Department   string    `json:"department"`
	Lead         bool      `json:"lead"`
	DispatchedAt time.Time `json:"dispatched_at"`
	DispatchedBy string    `json:"dispatched_by"`
	Reason       string    `json:"reason"`
	SignedAt     time.Time `json:"signed_at,omitzero"`
	SignedBy     string    `json:"signed_by,omitempty"`
	From         string    `json:"from,omitempty" doc:"Department that gave it on; the centre when left out"`
	Handler      string    `json:"handler,omitempty"`
	Level        int       `json:"level,omitempty" doc:"Of the department: 1 city, 2 district, 3 street"`
	EndedAt      time.Time `json:"ended_at,omitzero"`
}

// Clock is one time limit.
type Clock struct {
	Name        ticketing.ClockName `json:"name" example:"resolve"`
	State       string              `json:"state" enum:"green,yellow,red,overdue,paused,met,late" doc:"While it runs: green, yellow, red, overdue, paused; stopped: met or late"`
	Running     bool                `json:"running"`
	RemainingMS int64               `json:"remaining_ms" doc:"From the server's clock to due_at; below zero when overdue; 0 when stopped"`
	StartedAt   time.Time           `json:"started_at,omitzero"`
	YellowAt    time.Time           `json:"yellow_at,omitzero"`
	RedAt       time.Time           `json:"red_at,omitzero"`
	DueAt       time.Time           `json:"due_at,omitzero"`
	StoppedAt   time.Time           `json:"stopped_at,omitzero"`
	Department  string              `json:"department,omitempty" doc:"Whose clock it is, where there are several of one name"`
	PausedAt    time.Time           `json:"paused_at,omitzero" doc:"Suspended since"`
	Quiet       bool                `json:"quiet,omitempty" doc:"Merged: the main ticket warns"`
}

// ClockDerivation is a clock with the reasons for its due time.
type ClockDerivation struct {
	Clock
	Derivation []ticketing.Step `json:"derivation" nullable:"false" doc:"Why it is due then, line by line"`
}

// Action is something the user might do.
type Action struct {
	Name     ticketing.Action `json:"name" example:"accept"`
	Enabled  bool             `json:"enabled"`
	Reason   string           `json:"reason,omitempty" doc:"Why not, in Chinese"`
	ReasonEn string           `json:"reason_en,omitempty" doc:"Why not, in English"`
}

func (s *Server) ticketView(ctx context.Context, who ticketing.Actor, t ticketing.Ticket) Ticket {
	v := Ticket{
		ID: t.ID, Number: t.Number, Version: t.Version, State: t.State, Channel: t.Channel, Urgency: t.Urgency,
		Confidential: t.Confidential, Line: t.Line, Digit: t.Digit,
		Appeal: Appeal{
			Type: t.Appeal.Type, Title: t.Appeal.Title, Description: t.Appeal.Description, Category: t.Appeal.Category,
			District: t.Appeal.District, Address: t.Appeal.Address, Location: t.Appeal.Location,
		},
		Citizen:    citizenView(t.Citizen),
		Department: t.Department, Calls: append([]string{}, t.Calls...), Operator: t.Operator, Answer: t.Answer,
		Reopened: t.Reopened, AtDesk: t.AtDesk, CreatedAt: cst(t.CreatedAt), UpdatedAt: cst(t.UpdatedAt),
		AcceptedAt: cst(t.AcceptedAt), ResolvedAt: cst(t.ResolvedAt), ClosedAt: cst(t.ClosedAt),
		Handler: t.Handler, HandlerName: s.names.of(ctx, t.Handler), Designated: t.Designated, ReviewBy: t.ReviewBy, PublicAnswer: t.PublicAnswer,
		Rating: t.Rating, Hops: t.Hops(), Tries: t.Tries, NextTryAt: cst(t.NextTryAt), Struck: append([]string{}, t.Struck...),
		Records:     convert(t.Records, func(r ticketing.Record) Record { return s.recordView(ctx, r) }),
		Attachments: convert(t.Attachments, func(a ticketing.Attachment) Attachment { return s.attachmentView(ctx, a) }),
	}
	if h := t.Hold; h != nil {
		v.Hold = &Hold{Reason: h.Reason, By: h.By, ByName: s.names.of(ctx, h.By), At: cst(h.At)}
	}
	now := s.opts.Now()
	v.Assignments = convert(t.Assignments, func(a ticketing.Assignment) Assignment {
		return Assignment{
			Department: a.Department, Lead: a.Lead, DispatchedAt: cst(a.DispatchedAt), DispatchedBy: a.DispatchedBy,
			Reason: a.Reason, SignedAt: cst(a.SignedAt), SignedBy: a.SignedBy, From: a.From, Handler: a.Handler, Level: a.Level, EndedAt: cst(a.EndedAt),
		}
	})
	v.Clocks = convert(t.Clocks, func(c ticketing.Clock) Clock { return clockView(c, now) })
	v.Actions = convert(s.deps.Tickets.Actions(who, t), actionView)
	return v
}

func actionView(a ticketing.ActionState) Action {
	return Action{Name: a.Name, Enabled: a.Enabled, Reason: a.ReasonZh, ReasonEn: a.ReasonEn}
}

func citizenView(c ticketing.Citizen) Citizen {
	v := Citizen{Name: c.Name, Phone: c.Phone, Anonymous: c.Anonymous, Elderly: c.Elderly, Disabled: c.Disabled, Erased: c.Erased}
	if p := c.Proxy; p != nil {
		v.Proxy = &Proxy{Name: p.Name, Phone: p.Phone, Relation: p.Relation}
	}
	return v
}

func clockView(c ticketing.Clock, now time.Time) Clock {
	v := Clock{
		Name: c.Name, Running: c.Running(), StartedAt: cst(c.StartedAt), YellowAt: cst(c.YellowAt), RedAt: cst(c.RedAt),
		DueAt: cst(c.DueAt), StoppedAt: cst(c.StoppedAt), State: clockState(c, now),
		Department: c.Department, PausedAt: cst(c.PausedAt), Quiet: c.Quiet,
	}
	if v.Running && !c.DueAt.IsZero() {
		v.RemainingMS = c.DueAt.Sub(now).Milliseconds()
	}
	return v
}

// clockState is the word for how far a clock has run.
func clockState(c ticketing.Clock, now time.Time) string {
	reached := func(at time.Time) bool { return !at.IsZero() && !now.Before(at) }
	switch {
	case !c.StoppedAt.IsZero() && !c.DueAt.IsZero() && c.StoppedAt.After(c.DueAt):
		return "late"
	case !c.StoppedAt.IsZero():
		return "met"
	case !c.PausedAt.IsZero():
		return "paused"
	case reached(c.DueAt):
		return "overdue"
	case reached(c.RedAt):
		return "red"
	case reached(c.YellowAt):
		return "yellow"
	}
	return "green"
}

// TimelineEvent is one line of a ticket's history.
type TimelineEvent struct {
	ID        int64     `json:"id"`
	Version   int64     `json:"version" doc:"The ticket's after the event"`
	Type      string    `json:"type" example:"dispatched"`
	At        time.Time `json:"at"`
	Actor     string    `json:"actor" doc:"User id, system or citizen"`
	ActorName string    `json:"actor_name,omitempty"`
	Data      raw       `json:"data,omitempty"`
}

// Read is one look at a citizen's data.
type Read struct {
	ID       int64     `json:"id"`
	User     string    `json:"user"`
	UserName string    `json:"user_name,omitempty"`
	What     string    `json:"what" example:"person"`
	Reason   string    `json:"reason"`
	CallID   string    `json:"call_id,omitempty"`
	At       time.Time `json:"at"`
}

// Notification is a message about a ticket.
type Notification struct {
	ID        string              `json:"id"`
	TicketID  string              `json:"ticket_id"`
	Number    string              `json:"number"`
	Kind      string              `json:"kind" example:"deadline.red"`
	Clock     ticketing.ClockName `json:"clock,omitempty"`
	CreatedAt time.Time           `json:"created_at"`
}
