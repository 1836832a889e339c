package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"hotline/ticketing"
)

// Ref addresses one ticket.
type Ref struct {
	Number string `path:"number" minLength:"1" maxLength:"64" doc:"Number or id"`
}

// Key lets a client send a request again.
type Key struct {
	Idempotency string `header:"Idempotency-Key" maxLength:"200" doc:"A repeat under the same key has the effect once"`
}

type listInput struct {
	State      []string  `query:"state,explode" maxItems:"20" doc:"Repeated or separated by commas"`
	Type       []string  `query:"type,explode" maxItems:"20"`
	Category   []string  `query:"category,explode" maxItems:"100" doc:"Leaf or family"`
	District   []string  `query:"district,explode" maxItems:"100"`
	Department []string  `query:"department,explode" maxItems:"100"`
	Channel    []string  `query:"channel,explode" maxItems:"20"`
	Urgency    []string  `query:"urgency,explode" maxItems:"20"`
	Line       string    `query:"line" maxLength:"20"`
	Mine       bool      `query:"mine" doc:"Only those that I answered or accepted; of a department: those that I handle"`
	Overdue    bool      `query:"overdue" doc:"Only those with a limit that has passed"`
	AtDesk     bool      `query:"at_desk" doc:"Only those that wait at the dispatch desk"`
	From       time.Time `query:"from" doc:"Created at or after"`
	To         time.Time `query:"to" doc:"Created before"`
	Sort       string    `query:"sort" enum:"newest,due" default:"newest"`
	Limit      int       `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor     string    `query:"cursor" maxLength:"500"`
}

// AppealInput is what a citizen wants, as it comes in.
type AppealInput struct {
	Type        string           `json:"type,omitempty" enum:"inquiry,help,complaint,report,suggestion,praise"`
	Title       string           `json:"title,omitempty" maxLength:"1000"`
	Description string           `json:"description,omitempty" maxLength:"40000"`
	Category    string           `json:"category,omitempty" maxLength:"64"`
	District    string           `json:"district,omitempty" maxLength:"64"`
	Address     string           `json:"address,omitempty" maxLength:"1000"`
	Location    *ticketing.Point `json:"location,omitempty"`
}

// CitizenInput is who asks, as it comes in.
type CitizenInput struct {
	Name      string `json:"name,omitempty" maxLength:"200"`
	Phone     string `json:"phone,omitempty" maxLength:"64"`
	Anonymous bool   `json:"anonymous,omitempty"`
	Elderly   bool   `json:"elderly,omitempty"`
	Disabled  bool   `json:"disabled,omitempty"`
	Proxy     *Proxy `json:"proxy,omitempty" doc:"Who files on the citizen's behalf"`
}

// DraftInput is a draft as an operator opens it.
type DraftInput struct {
	Channel      string       `json:"channel,omitempty" enum:"phone,web,wechat,api" doc:"phone when left out"`
	Line         string       `json:"line,omitempty" maxLength:"20"`
	CallID       string       `json:"call_id,omitempty" maxLength:"64"`
	Appeal       AppealInput  `json:"appeal,omitempty"`
	Citizen      CitizenInput `json:"citizen,omitempty"`
	Confidential bool         `json:"confidential,omitempty"`
	Urgency      string       `json:"urgency,omitempty" enum:"normal,urgent,critical"`
}

type createInput struct {
	Key
	Body DraftInput
}

type createOutput struct {
	Location string `header:"Location"`
	Body     Ticket
}

// TicketPatch changes what it names and leaves the rest.
type TicketPatch struct {
	Version      int64         `json:"version" minimum:"1" doc:"The version you saw"`
	Appeal       *AppealPatch  `json:"appeal,omitempty"`
	Citizen      *CitizenPatch `json:"citizen,omitempty"`
	Confidential *bool         `json:"confidential,omitempty"`
	Urgency      *string       `json:"urgency,omitempty" enum:"normal,urgent,critical"`
	Reason       string        `json:"reason,omitempty" maxLength:"1000" doc:"Needed when a complaint, report or call for help becomes a lighter type"`
}

// AppealPatch changes what it names of an appeal.
type AppealPatch struct {
	Type        *string          `json:"type,omitempty" enum:"inquiry,help,complaint,report,suggestion,praise"`
	Title       *string          `json:"title,omitempty" maxLength:"1000"`
	Description *string          `json:"description,omitempty" maxLength:"40000"`
	Category    *string          `json:"category,omitempty" maxLength:"64"`
	District    *string          `json:"district,omitempty" maxLength:"64"`
	Address     *string          `json:"address,omitempty" maxLength:"1000"`
	Location    *ticketing.Point `json:"location,omitempty"`
}

// CitizenPatch changes what it names of a citizen.
type CitizenPatch struct {
	Name      *string `json:"name,omitempty" maxLength:"200"`
	Phone     *string `json:"phone,omitempty" maxLength:"64"`
	Anonymous *bool   `json:"anonymous,omitempty"`
	Elderly   *bool   `json:"elderly,omitempty"`
	Disabled  *bool   `json:"disabled,omitempty"`
	Proxy     *Proxy  `json:"proxy,omitempty" doc:"Empty fields take it off"`
}

type patchInput struct {
	Ref
	Body TicketPatch
}

// ActionInput is an action with its own fields; the table of actions says which
// take which.
type ActionInput struct {
	_       struct{} `additionalProperties:"true"`
	Action  string   `json:"action" minLength:"1" maxLength:"40" example:"dispatch" doc:"GET /api/v1/actions lists them with their fields"`
	Version int64    `json:"version,omitempty" minimum:"0" doc:"The version you saw; 0 acts on the newest"`
}

type actInput struct {
	Ref
	Key
	Body    ActionInput
	RawBody []byte
}

// RevealInput says why somebody wants to see the citizen.
type RevealInput struct {
	Reason string `json:"reason,omitempty" maxLength:"500" doc:"Why; needed unless the running call is one of the ticket"`
	CallID string `json:"call_id,omitempty" maxLength:"64" doc:"Your running call"`
}

type revealInput struct {
	Ref
	Body RevealInput
}

func (s *Server) ticketRoutes() {
	one := func(method, path, id, summary string, who access) operation {
		op := operation{method: method, path: "/api/v1/tickets/{number}" + path, id: id, tag: "tickets", who: who, summary: summary}
		if slices.Contains([]string{"ticket", "ticket-events", "ticket-clocks"}, id) {
			op.scope = ticketing.ScopeRead
		}
		return op
	}
	handle(s, operation{method: http.MethodGet, path: "/api/v1/tickets", id: "tickets", tag: "tickets", who: handlers, scope: ticketing.ScopeRead,
		summary: "List tickets"}, s.listTickets)
	handle(s, operation{method: http.MethodPost, path: "/api/v1/tickets", id: "create-ticket", tag: "tickets", who: intake,
		status: http.StatusCreated, summary: "Open a draft"}, s.createTicket)
	handle(s, one(http.MethodGet, "", "ticket", "Read a ticket", handlers), s.getTicket)
	handle(s, one(http.MethodPatch, "", "edit-ticket", "Change a ticket that the centre still holds; 409 has the current one", handlers), s.editTicket)
	handle(s, one(http.MethodPost, "/actions", "act", "Do an action; 409 has the current ticket", handlers), s.act)
	handle(s, one(http.MethodGet, "/events", "ticket-events", "History", handlers), s.timeline)
	handle(s, one(http.MethodGet, "/clocks", "ticket-clocks", "Time limits with their derivation", handlers), s.clocks)
	handle(s, one(http.MethodGet, "/reads", "ticket-reads", "Who saw the citizen's data", watchers), s.reads)
	handle(s, one(http.MethodGet, "/earlier", "ticket-earlier", "The caller's earlier tickets, newest first", handlers), s.earlier)
	handle(s, one(http.MethodPost, "/reveal", "reveal", "Show the citizen unmasked; the look is recorded", handlers), s.reveal)
	handle(s, operation{method: http.MethodGet, path: "/api/v1/notifications", id: "notifications", tag: "tickets", who: handlers,
		summary: "Messages for me, newest first"}, s.notifications)
	handle(s, operation{method: http.MethodGet, path: "/api/v1/stats/tickets", id: "stats-tickets", tag: "figures", who: holding(ticketing.RightFigures), scope: ticketing.ScopeFigure,
		summary: "Figures of tickets created in a period; today when none is given"}, s.ticketStats)
}

func (s *Server) listTickets(ctx context.Context, in *listInput) (*body[Page[Ticket]], error) {
	who := actorOf(ctx)
	f := ticketing.Filter{
		States: list[ticketing.State](in.State), Types: list[ticketing.AppealType](in.Type), Categories: list[string](in.Category),
		Districts: list[string](in.District), Departments: list[string](in.Department), Channels: list[ticketing.Channel](in.Channel),
		Urgencies: list[ticketing.Urgency](in.Urgency), Line: in.Line, Overdue: in.Overdue, AtDesk: in.AtDesk,
		From: in.From, To: in.To, Sort: ticketing.Sort(in.Sort), Limit: in.Limit, Cursor: in.Cursor,
	}
	if in.Mine {
		f.Operator = who.UserID
		if who.Department != "" {
			f.Operator, f.Handler = "", who.UserID
		}
	}
	p, err := s.deps.Tickets.Tickets(ctx, who, f)
	if err != nil {
		return nil, err
	}
	return answer(Page[Ticket]{
		Items:      convert(p.Items, func(t ticketing.Ticket) Ticket { return s.ticketView(ctx, who, t) }),
		NextCursor: p.NextCursor, Total: p.Total, TotalCapped: p.TotalCapped,
	}), nil
}

// list splits values at commas and drops empty ones.
func list[T ~string](in []string) []T {
	var out []T
	for _, v := range in {
		for _, part := range strings.Split(v, ",") {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, T(part))
			}
		}
	}
	return out
}

func (a AppealInput) domain() ticketing.Appeal {
	return ticketing.Appeal{
		Type: ticketing.AppealType(a.Type), Title: a.Title, Description: a.Description, Category: a.Category,
		District: a.District, Address: a.Address, Location: a.Location,
	}
}

func (c CitizenInput) domain() ticketing.Citizen {
	return ticketing.Citizen{Name: c.Name, Phone: c.Phone, Anonymous: c.Anonymous, Elderly: c.Elderly, Disabled: c.Disabled, Proxy: c.Proxy.domain()}
}

func (p *Proxy) domain() *ticketing.Proxy {
	if p == nil || *p == (Proxy{}) {
		return nil
	}
	return &ticketing.Proxy{Name: p.Name, Phone: p.Phone, Relation: p.Relation}
}

func (s *Server) createTicket(ctx context.Context, in *createInput) (*createOutput, error) {
	who := actorOf(ctx)
	b := in.Body
	def(&b.Channel, string(ticketing.ByPhone))
	t, err := s.deps.Tickets.OpenDraft(ctx, who, ticketing.DraftInput{
		Channel: ticketing.Channel(b.Channel), Line: b.Line, CallID: b.CallID, Appeal: b.Appeal.domain(),
		Citizen: b.Citizen.domain(), Confidential: b.Confidential, Urgency: ticketing.Urgency(b.Urgency), Idempotency: in.Idempotency,
	})
	if err != nil {
		return nil, err
	}
	return &createOutput{Location: "/api/v1/tickets/" + t.ID, Body: s.ticketView(ctx, who, t)}, nil
}

func (s *Server) getTicket(ctx context.Context, in *Ref) (*body[Ticket], error) {
	who := actorOf(ctx)
	t, err := s.deps.Tickets.Open(ctx, who, in.Number)
	if err != nil {
		return nil, err
	}
	v := s.ticketView(ctx, who, t)
	l, err := s.deps.Tickets.LeaseOf(ctx, who, t.ID)
	if err != nil {
		return nil, err
	}
	if l.UserID != "" {
		lease := s.leaseView(ctx, who, l)
		v.Lease = &lease
	}
	return answer(v), nil
}

func (s *Server) editTicket(ctx context.Context, in *patchInput) (*body[Ticket], error) {
	who := actorOf(ctx)
	p := ticketing.Patch{Confidential: in.Body.Confidential, Urgency: (*ticketing.Urgency)(in.Body.Urgency), Reason: in.Body.Reason}
	if a := in.Body.Appeal; a != nil {
		p.Type, p.Title, p.Description = (*ticketing.AppealType)(a.Type), a.Title, a.Description
		p.Category, p.District, p.Address, p.Location = a.Category, a.District, a.Address, a.Location
	}
	if c := in.Body.Citizen; c != nil {
		p.Name, p.Phone, p.Anonymous, p.Elderly, p.Disabled = c.Name, c.Phone, c.Anonymous, c.Elderly, c.Disabled
		if c.Proxy != nil {
			p.Proxy = &ticketing.Proxy{Name: c.Proxy.Name, Phone: c.Proxy.Phone, Relation: c.Proxy.Relation}
		}
	}
	t, err := s.deps.Tickets.Edit(ctx, who, in.Number, in.Body.Version, p)
	if err != nil {
		return nil, err
	}
	return answer(s.ticketView(ctx, who, t)), nil
}

func (s *Server) act(ctx context.Context, in *actInput) (*body[Ticket], error) {
	who := actorOf(ctx)
	own, err := ownFields(in.RawBody, "action", "version")
	if err != nil {
		return nil, err
	}
	t, err := s.deps.Tickets.Act(ctx, who, in.Number, ticketing.Command{
		Action: ticketing.Action(in.Body.Action), Version: in.Body.Version, Fields: own, Idempotency: in.Idempotency,
	})
	if err != nil {
		return nil, err
	}
	s.metrics.action(t.State)
	return answer(s.ticketView(ctx, who, t)), nil
}

// ownFields is a body without the fields that every action has.
func ownFields(raw []byte, common ...string) (json.RawMessage, error) {
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, byStatus(http.StatusBadRequest)
	}
	for _, name := range common {
		delete(fields, name)
	}
	return json.Marshal(fields)
}

func (s *Server) timeline(ctx context.Context, in *Ref) (*body[Page[TimelineEvent]], error) {
	events, err := s.deps.Tickets.Timeline(ctx, actorOf(ctx), in.Number)
	if err != nil {
		return nil, err
	}
	return page(convert(events, func(e ticketing.Event) TimelineEvent {
		return TimelineEvent{ID: e.ID, Version: e.Version, Type: e.Type, At: cst(e.At), Actor: e.Actor, ActorName: s.names.of(ctx, e.Actor), Data: e.Data}
	})), nil
}

func (s *Server) clocks(ctx context.Context, in *Ref) (*body[Page[ClockDerivation]], error) {
	clocks, err := s.deps.Tickets.Clocks(ctx, actorOf(ctx), in.Number)
	if err != nil {
		return nil, err
	}
	now := s.opts.Now()
	return page(convert(clocks, func(c ticketing.Clock) ClockDerivation {
		return ClockDerivation{Clock: clockView(c, now), Derivation: append([]ticketing.Step{}, c.Steps...)}
	})), nil
}

func (s *Server) reads(ctx context.Context, in *Ref) (*body[Page[Read]], error) {
	reads, err := s.deps.Tickets.Reads(ctx, actorOf(ctx), in.Number)
	if err != nil {
		return nil, err
	}
	return page(convert(reads, func(r ticketing.Read) Read {
		return Read{ID: r.ID, User: r.UserID, What: r.What, UserName: s.names.of(ctx, r.UserID), Reason: r.Reason, CallID: r.CallID, At: cst(r.At)}
	})), nil
}

func (s *Server) earlier(ctx context.Context, in *Ref) (*body[Page[Ticket]], error) {
	who := actorOf(ctx)
	tickets, err := s.deps.Tickets.Earlier(ctx, who, in.Number)
	if err != nil {
		return nil, err
	}
	return page(convert(tickets, func(t ticketing.Ticket) Ticket { return s.ticketView(ctx, who, t) })), nil
}

// Person is the citizen unmasked.
type Person struct {
	Citizen
	HideAfterMS int64 `json:"hide_after_ms" doc:"Take it off the screen after so long"`
}

func (s *Server) reveal(ctx context.Context, in *revealInput) (*body[Person], error) {
	who := actorOf(ctx)
	if in.Body.CallID != "" {
		// A running call is a reason only for the person who is on it.
		if s.deps.Calls == nil {
			return nil, errNoCalls()
		}
		if !plainText([]byte(in.Body.CallID)) {
			return nil, byStatus(http.StatusNotFound)
		}
		c, err := s.callOf(ctx, in.Body.CallID)
		if err != nil {
			return nil, err
		}
		if c.User != who.UserID || !c.EndedAt.IsZero() {
			return nil, problem(http.StatusForbidden, "not_your_call", "This is not a running call of yours. Give a reason instead.")
		}
		t, err := s.deps.Tickets.Ticket(ctx, who, in.Number)
		if err != nil {
			return nil, err
		}
		if slices.Contains(t.Calls, c.ID) { // a call is no reason to look at somebody else
			who.CallID = c.ID
		}
	}
	c, err := s.deps.Tickets.Reveal(ctx, who, in.Number, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	return answer(Person{Citizen: citizenView(c), HideAfterMS: 60_000}), nil
}

func (s *Server) notifications(ctx context.Context, _ *struct{}) (*body[Page[Notification]], error) {
	all, err := s.deps.Tickets.Notifications(ctx, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	return page(convert(all, func(n ticketing.Notification) Notification {
		return Notification{ID: n.ID, TicketID: n.TicketID, Number: n.Number, Kind: n.Kind, Clock: n.Clock, CreatedAt: cst(n.CreatedAt)}
	})), nil
}

// ticketProblem maps the errors of package ticketing.
func (s *Server) ticketProblem(ctx context.Context) func(error) *Problem {
	return func(err error) *Problem {
		var conflict *ticketing.ConflictError
		if errors.As(err, &conflict) {
			p := problem(http.StatusConflict, "conflict", "Somebody else changed the ticket meanwhile. Compare with current, then send the change again with its version.").because(err)
			if conflict.Current.ID != "" {
				v := s.ticketView(ctx, actorOf(ctx), conflict.Current)
				p.Current = &v
			}
			return p
		}
		var e *ticketing.Error
		if !errors.As(err, &e) {
			return nil
		}
		status := map[ticketing.Code]int{
			ticketing.CodeInvalid: http.StatusUnprocessableEntity, ticketing.CodeNotFound: http.StatusNotFound,
			ticketing.CodeConflict: http.StatusConflict, ticketing.CodeForbidden: http.StatusForbidden,
			ticketing.CodeNotOpen: http.StatusConflict, ticketing.CodeIdempotencyMismatch: http.StatusUnprocessableEntity,
			ticketing.CodeErased: http.StatusGone, ticketing.CodeUnavailable: http.StatusServiceUnavailable,
		}[e.Code]
		if status == 0 {
			return nil
		}
		p := problem(status, string(e.Code), sentence(e.Message)).because(err)
		p.DetailZh = e.Zh
		if e.Code == ticketing.CodeUnavailable {
			p = p.after(60)
		}
		if e.Field != "" {
			p.Detail, p.DetailZh = byStatus(http.StatusUnprocessableEntity).Detail, ""
			p.Errors = []FieldError{{Location: "body." + e.Field, Message: e.Message, MessageZh: e.Zh}}
		}
		return p
	}
}

func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}
