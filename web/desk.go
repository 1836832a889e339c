package web

import (
	"context"
	"net/http"
	"time"

	"hotline/ticketing"
)

// Lease tells who is on a ticket.
type Lease struct {
	User     string    `json:"user"`
	UserName string    `json:"user_name,omitempty"`
	Mine     bool      `json:"mine"`
	Until    time.Time `json:"until,omitzero"`
}

func (s *Server) leaseView(ctx context.Context, who ticketing.Actor, l ticketing.Lease) Lease {
	return Lease{User: l.UserID, UserName: s.names.of(ctx, l.UserID), Mine: l.UserID == who.UserID, Until: cst(l.Until)}
}

// FormDraft is what a user has typed and not sent.
type FormDraft struct {
	Key  string    `json:"key"`
	Seq  int64     `json:"seq"`
	Body raw       `json:"body"`
	At   time.Time `json:"at"`
}

// FormDraftInput is what a user has typed now.
type FormDraftInput struct {
	Seq  int64 `json:"seq" minimum:"1" doc:"Grows with every change; what comes late never replaces what is newer"`
	Body raw   `json:"body" doc:"The form's own JSON, 64 KiB at most"`
}

type formDraftKey struct {
	Key string `path:"key" minLength:"1" maxLength:"128" doc:"Such as call:… or ticket:…:resolve"`
}

type saveFormDraftInput struct {
	Key  string `path:"key" minLength:"1" maxLength:"128"`
	Body FormDraftInput
}

// Template is a text for an action's field.
type Template struct {
	ID         string           `json:"id"`
	Action     ticketing.Action `json:"action" example:"resolve"`
	Name       string           `json:"name"`
	Body       string           `json:"body"`
	Category   string           `json:"category"`
	Department string           `json:"department" doc:"Whose it is; empty: the centre's"`
	Version    int64            `json:"version"`
	By         string           `json:"by"`
	ByName     string           `json:"by_name,omitempty"`
	At         time.Time        `json:"at"`
}

// TemplateInput is a template as it is written.
type TemplateInput struct {
	Action     string `json:"action" minLength:"1" maxLength:"40"`
	Name       string `json:"name" minLength:"1" maxLength:"200"`
	Body       string `json:"body" minLength:"1" maxLength:"10000"`
	Category   string `json:"category,omitempty" maxLength:"64"`
	Department string `json:"department,omitempty" maxLength:"64"`
	Version    int64  `json:"version,omitempty" minimum:"0" doc:"The version you saw; left out for a new one"`
}

type templateRef struct {
	ID string `path:"id" minLength:"1" maxLength:"64"`
}

type newTemplateInput struct{ Body TemplateInput }

type templateInput struct {
	ID   string `path:"id" minLength:"1" maxLength:"64"`
	Body TemplateInput
}

func (s *Server) deskRoutes() {
	one := func(method, id, summary string) operation {
		return operation{method: method, path: "/api/v1/tickets/{number}/lease", id: id, tag: "tickets", who: handlers, summary: summary, quiet: true}
	}
	handle(s, one(http.MethodPut, "take-lease", "Tell others that I am on it, for two minutes; the answer says who is"), s.takeLease)
	handle(s, one(http.MethodDelete, "end-lease", "Leave it"), s.endLease)
	draft := func(method, path, id, summary string) operation {
		return operation{method: method, path: "/api/v1/drafts" + path, id: id, tag: "desk", who: handlers, summary: summary, quiet: true}
	}
	handle(s, draft(http.MethodGet, "", "form-drafts", "What I have typed and not sent, newest first"), s.listFormDrafts)
	handle(s, draft(http.MethodGet, "/{key}", "form-draft", "What I have typed into one form"), s.getFormDraft)
	handle(s, draft(http.MethodPut, "/{key}", "save-form-draft", "Keep what I have typed; the answer is what is kept"), s.saveFormDraft)
	handle(s, draft(http.MethodDelete, "/{key}", "drop-form-draft", "Forget what I have typed"), s.dropFormDraft)
	text := func(method, path, id, summary string, status int) operation {
		return operation{method: method, path: "/api/v1/templates" + path, id: id, tag: "desk", who: handlers, summary: summary, status: status}
	}
	handle(s, text(http.MethodGet, "", "templates", "Texts that I may use", 0), s.listTemplates)
	handle(s, text(http.MethodPost, "", "add-template", "Add a text: leads for the centre, heads for their department", http.StatusCreated), s.addTemplate)
	handle(s, text(http.MethodPut, "/{id}", "save-template", "Change a text", 0), s.saveTemplate)
	handle(s, text(http.MethodDelete, "/{id}", "drop-template", "Delete a text", 0), s.dropTemplate)
}

func (s *Server) takeLease(ctx context.Context, in *Ref) (*body[Lease], error) {
	who := actorOf(ctx)
	l, err := s.deps.Tickets.TakeLease(ctx, who, in.Number)
	if err != nil {
		return nil, err
	}
	return answer(s.leaseView(ctx, who, l)), nil
}

func (s *Server) endLease(ctx context.Context, in *Ref) (*struct{}, error) {
	return nil, s.deps.Tickets.EndLease(ctx, actorOf(ctx), in.Number)
}

func draftView(d ticketing.FormDraft) FormDraft {
	return FormDraft{Key: d.Key, Seq: d.Seq, Body: d.Body, At: cst(d.At)}
}

func (s *Server) listFormDrafts(ctx context.Context, _ *struct{}) (*body[Page[FormDraft]], error) {
	drafts, err := s.deps.Tickets.FormDrafts(ctx, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	return page(convert(drafts, draftView)), nil
}

func (s *Server) getFormDraft(ctx context.Context, in *formDraftKey) (*body[FormDraft], error) {
	d, err := s.deps.Tickets.FormDraft(ctx, actorOf(ctx), in.Key)
	if err != nil {
		return nil, err
	}
	return answer(draftView(d)), nil
}

func (s *Server) saveFormDraft(ctx context.Context, in *saveFormDraftInput) (*body[FormDraft], error) {
	d, err := s.deps.Tickets.SaveFormDraft(ctx, actorOf(ctx), ticketing.FormDraft{Key: in.Key, Seq: in.Body.Seq, Body: in.Body.Body})
	if err != nil {
		return nil, err
	}
	return answer(draftView(d)), nil
}

func (s *Server) dropFormDraft(ctx context.Context, in *formDraftKey) (*struct{}, error) {
	return nil, s.deps.Tickets.DropFormDraft(ctx, actorOf(ctx), in.Key)
}

func (s *Server) templateView(ctx context.Context, t ticketing.Template) Template {
	return Template{
		ID: t.ID, Action: t.Action, Name: t.Name, Body: t.Body, Category: t.Category, Department: t.Department, Version: t.Version,
		By: t.By, ByName: s.names.of(ctx, t.By), At: cst(t.At),
	}
}

func (s *Server) listTemplates(ctx context.Context, _ *struct{}) (*body[Page[Template]], error) {
	all, err := s.deps.Tickets.Templates(ctx, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	return page(convert(all, func(t ticketing.Template) Template { return s.templateView(ctx, t) })), nil
}

func (in TemplateInput) domain(id string) ticketing.Template {
	return ticketing.Template{
		ID: id, Action: ticketing.Action(in.Action), Name: in.Name, Body: in.Body, Category: in.Category, Department: in.Department, Version: in.Version,
	}
}

func (s *Server) addTemplate(ctx context.Context, in *newTemplateInput) (*body[Template], error) {
	t, err := s.deps.Tickets.SaveTemplate(ctx, actorOf(ctx), in.Body.domain(""))
	if err != nil {
		return nil, err
	}
	return answer(s.templateView(ctx, t)), nil
}

func (s *Server) saveTemplate(ctx context.Context, in *templateInput) (*body[Template], error) {
	t, err := s.deps.Tickets.SaveTemplate(ctx, actorOf(ctx), in.Body.domain(in.ID))
	if err != nil {
		return nil, err
	}
	return answer(s.templateView(ctx, t)), nil
}

func (s *Server) dropTemplate(ctx context.Context, in *templateRef) (*struct{}, error) {
	return nil, s.deps.Tickets.DropTemplate(ctx, actorOf(ctx), in.ID)
}
