package ticketing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Lease tells that somebody is on a ticket. It forbids nothing: others see it
// and leave the ticket alone.
type Lease struct {
	TicketID string
	UserID   string
	Until    time.Time
}

// leaseFor is how long a hold on a ticket lasts without being renewed.
const leaseFor = 2 * time.Minute

// LiveLease tells that a lease of a ticket began or ended.
const LiveLease = "ticket.lease"

// TakeLease takes or renews the actor's hold on a ticket. It answers who has
// it: somebody else when they were first.
func (s *Service) TakeLease(ctx context.Context, a Actor, ref string) (Lease, error) {
	t, err := s.load(ctx, a, ref)
	if err != nil {
		return Lease{}, err
	}
	now := s.clock()
	before, err := s.store.LeaseOf(ctx, t.ID, now)
	if err != nil {
		return Lease{}, fmt.Errorf("lease: %w", err)
	}
	l, err := s.store.Lease(ctx, Lease{TicketID: t.ID, UserID: a.UserID, Until: now.Add(leaseFor)}, now)
	if err != nil {
		return l, fmt.Errorf("lease: %w", err)
	}
	if before.UserID != l.UserID {
		return l, s.commit(ctx, Change{Live: liveFor(LiveLease, t, now)})
	}
	return l, nil
}

// EndLease gives the actor's hold back.
func (s *Service) EndLease(ctx context.Context, a Actor, ref string) error {
	t, err := s.load(ctx, a, ref)
	if err != nil {
		return err
	}
	if err := s.store.EndLease(ctx, t.ID, a.UserID); err != nil {
		return fmt.Errorf("lease: %w", err)
	}
	return s.commit(ctx, Change{Live: liveFor(LiveLease, t, s.clock())})
}

// LeaseOf says who is on a ticket; the zero Lease when nobody is.
func (s *Service) LeaseOf(ctx context.Context, a Actor, ref string) (Lease, error) {
	t, err := s.load(ctx, a, ref)
	if err != nil {
		return Lease{}, err
	}
	return s.store.LeaseOf(ctx, t.ID, s.clock())
}

// FormDraft is what a user has typed into a form and not sent, kept by call or
// ticket. Body is the form's own JSON.
type FormDraft struct {
	UserID string
	Key    string // such as "call:…" or "ticket:…:resolve"
	Seq    int64  // grows with every change; an older one never replaces a newer
	Body   json.RawMessage
	At     time.Time
}

// maxFormDraft bounds a draft, in bytes; maxFormDrafts how many are listed.
const (
	maxFormDraft  = 64 << 10
	maxFormDrafts = 100
)

// SaveFormDraft keeps what the actor has typed and answers what is kept: a
// newer one when this one came late.
func (s *Service) SaveFormDraft(ctx context.Context, a Actor, d FormDraft) (FormDraft, error) {
	if d.Key == "" {
		return d, required("key")
	}
	if err := code("key", d.Key, 2*maxID); err != nil {
		return d, err
	}
	if len(d.Body) > maxFormDraft {
		return d, tooLong("body", maxFormDraft)
	}
	if !json.Valid(d.Body) {
		return d, invalid("body", "is not JSON", "不是 JSON")
	}
	d.UserID, d.At = a.UserID, s.clock()
	if err := s.store.SaveFormDraft(ctx, d); err != nil {
		return d, fmt.Errorf("form draft: %w", err)
	}
	return s.FormDraft(ctx, a, d.Key)
}

// FormDraft reads what the actor has typed.
func (s *Service) FormDraft(ctx context.Context, a Actor, key string) (FormDraft, error) {
	d, err := s.store.FormDraft(ctx, a.UserID, key)
	if errors.Is(err, ErrAbsent) {
		return d, &Error{Code: CodeNotFound, Message: "nothing is kept under this key", Zh: "没有暂存内容"}
	}
	return d, err
}

// FormDrafts lists what the actor has typed and not sent, newest first.
func (s *Service) FormDrafts(ctx context.Context, a Actor) ([]FormDraft, error) {
	return s.store.FormDrafts(ctx, a.UserID, maxFormDrafts)
}

// DropFormDraft forgets what the actor has typed.
func (s *Service) DropFormDraft(ctx context.Context, a Actor, key string) error {
	return s.store.DropFormDraft(ctx, a.UserID, key)
}

// Template is a text that is put into an action's field and then changed by hand.
type Template struct {
	ID         string
	Action     Action // whose text it is
	Name       string
	Body       string
	Category   string // offered first for tickets of the category; empty: all
	Department string // whose it is; empty: the centre's, for all
	Version    int64
	By         string
	At         time.Time
}

// Templates lists the texts that the actor may use.
func (s *Service) Templates(ctx context.Context, a Actor) ([]Template, error) {
	return s.store.Templates(ctx, a.Department)
}

// mayKeep tells whether the actor looks after a department's templates: the
// centre's leads and administrators after the centre's, heads after their own.
func (a Actor) mayKeep(department string) bool {
	if department == "" {
		return a.Department == "" && a.hasAny([]Role{RoleLead, RoleAdmin, RoleQC})
	}
	return a.Department == department && a.Has(RoleHead)
}

// SaveTemplate adds a text, or replaces the version that the actor saw.
func (s *Service) SaveTemplate(ctx context.Context, a Actor, t Template) (Template, error) {
	if !a.mayKeep(t.Department) {
		return t, ErrForbidden
	}
	var err error
	if t.Name, err = text("name", t.Name, s.limits.Title); err != nil {
		return t, err
	}
	if t.Body, err = text("body", t.Body, s.limits.Answer); err != nil {
		return t, err
	}
	switch {
	case t.Name == "":
		return t, required("name")
	case t.Body == "":
		return t, required("body")
	case FieldsOf(t.Action) == nil:
		return t, invalid("action", "is not an action that takes a text", "该操作没有文本")
	}
	if err := code("category", t.Category, maxCode); err != nil {
		return t, err
	}
	t.By, t.At = a.UserID, s.clock()
	if t.ID == "" {
		t.ID, t.Version = NewID(t.At), 0
	} else if err := s.keeps(ctx, a, t.ID); err != nil {
		return t, err
	}
	t.Version++
	if err := s.store.SaveTemplate(ctx, t); err != nil {
		if errors.Is(err, ErrStale) {
			return t, &Error{Code: CodeConflict, Message: "somebody else changed the template; read it again", Zh: "模板已被他人修改，请刷新后重试"}
		}
		return t, fmt.Errorf("template: %w", err)
	}
	return t, nil
}

// keeps checks that the actor looks after a template that exists.
func (s *Service) keeps(ctx context.Context, a Actor, id string) error {
	old, err := s.store.Template(ctx, id)
	if errors.Is(err, ErrAbsent) {
		return &Error{Code: CodeNotFound, Message: "no such template", Zh: "没有这个模板"}
	}
	if err != nil {
		return fmt.Errorf("template: %w", err)
	}
	if !a.mayKeep(old.Department) {
		return ErrForbidden
	}
	return nil
}

// DropTemplate deletes a text.
func (s *Service) DropTemplate(ctx context.Context, a Actor, id string) error {
	if err := s.keeps(ctx, a, id); err != nil {
		return err
	}
	return s.store.DropTemplate(ctx, id)
}

// Records lists records of the tickets that the actor sees, the oldest first.
func (s *Service) Records(ctx context.Context, a Actor, f RecordFilter) (RecordPage, error) {
	switch {
	case f.Limit == 0:
		f.Limit = 50
	case f.Limit < 1 || f.Limit > 200:
		return RecordPage{}, outOfRange("limit", 1, 200)
	}
	q := RecordQuery{RecordFilter: f, Partition: a.Partition, Bounds: a.bounds()}
	if !a.Staff() {
		q.ScopeOn, q.Scope = true, a.scope()
	}
	page, err := s.store.Records(ctx, q)
	if err != nil {
		return page, fmt.Errorf("records: %w", err)
	}
	for i, item := range page.Items {
		shown := a.view(item.Ticket)
		page.Items[i].Ticket = shown
		for _, r := range shown.Records {
			if r.ID == item.Record.ID {
				page.Items[i].Record = r
			}
		}
	}
	return page, nil
}

// Try says what an action would do, and writes nothing: the ticket as it would
// become, or the error that it would meet.
func (s *Service) Try(ctx context.Context, a Actor, ref string, cmd Command) (Ticket, error) {
	snap, err := s.snapshot(ctx)
	if err != nil {
		return Ticket{}, err
	}
	t, err := s.load(ctx, a, ref)
	if err != nil {
		return Ticket{}, err
	}
	if cmd.Version != 0 && cmd.Version != t.Version {
		return Ticket{}, &ConflictError{Current: a.view(t)}
	}
	_, next, err := s.prepare(ctx, a, t, cmd, snap, true)
	if err != nil {
		return Ticket{}, err
	}
	return a.view(next), nil
}
