package ticketing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"hotline/ticketing/ledger"
)

// Options tune a Service; the zero Options works.
type Options struct {
	Now    func() time.Time // time.Now when nil
	Log    *slog.Logger     // silent when nil
	Limits Limits           // DefaultLimits when zero
	// CityRefresh is how old the reference data may be before the store is
	// asked for a newer version; 2 s when zero.
	CityRefresh time.Duration
	// Erased is told of each person before the key is destroyed, so that the same
	// can be done again to a backup from the time before.
	Erased func(person string) error
}

// Service moves tickets through their life. It holds no state of its own but a
// copy of the reference data; several may run on one store.
type Service struct {
	store   Store
	rules   RulesFunc
	now     func() time.Time
	log     *slog.Logger
	limits  Limits
	refresh time.Duration
	city    atomic.Pointer[snapshot]
	opened  lately
	refused lately
	loading sync.Mutex
	erased  func(person string) error
}

// snapshot is one version of the reference data with what it means.
type snapshot struct {
	index   cityIndex
	rules   Rules
	process Process
	checked time.Time
}

// NewService makes a service. rules builds clocks and routing from the city.
func NewService(store Store, rules RulesFunc, opts Options) *Service {
	s := &Service{store: store, rules: rules, now: opts.Now, log: opts.Log, limits: opts.Limits, refresh: opts.CityRefresh, erased: opts.Erased}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.limits == (Limits{}) {
		s.limits = DefaultLimits()
	}
	if s.refresh <= 0 {
		s.refresh = 2 * time.Second
	}
	return s
}

// clock is the moment of an action, as precise as it is stored.
func (s *Service) clock() time.Time { return s.now().UTC().Truncate(time.Millisecond) }

// attempts bounds how often a move without a version is tried against others' changes.
const attempts = 20

// OpenDraft opens a draft. With an ID that exists already it answers that draft
// and changes nothing, so a caller that is not sure may ask again.
func (s *Service) OpenDraft(ctx context.Context, a Actor, in DraftInput) (Ticket, error) {
	if !a.May(RightTicketOpen) {
		return Ticket{}, ErrForbidden
	}
	snap, err := s.snapshot(ctx)
	if err != nil {
		return Ticket{}, err
	}
	now := s.clock()
	t, err := s.draft(in, snap.index, now)
	if err != nil {
		return Ticket{}, err
	}
	if err := s.place(a, &t, snap.process); err != nil {
		return Ticket{}, err
	}
	receipt, err := s.receipt("user:"+a.UserID, in.Idempotency, t.ID, now, in, "open_draft")
	if err != nil {
		return Ticket{}, err
	}
	if t.Channel == ByPhone && !a.Has(RoleSystem) {
		t.Operator = a.UserID
	}
	c := Change{
		Ticket: &t, Receipt: receipt, NewCalls: t.Calls,
		Events: []Event{newEvent(t, EventCreated, a.UserID, now, EventData{Channel: t.Channel, CallID: in.CallID, To: Draft})},
		Live:   liveFor(LiveTicketCreated, t, now),
	}
	if in.ForUser != "" {
		c.Live = append(c.Live, offered(t, in.CallID, in.ForUser, now))
	}
	err = s.commit(ctx, c)
	switch {
	case errors.Is(err, ErrReplayed):
		id, err := s.replayed(ctx, receipt)
		if err != nil {
			return Ticket{}, err
		}
		return s.Ticket(ctx, a, id)
	case errors.Is(err, ErrExists) && in.ID != "":
		return s.Ticket(ctx, a, in.ID)
	case err != nil:
		return Ticket{}, fmt.Errorf("open draft: %w", err)
	}
	return a.view(t), nil
}

func (s *Service) draft(in DraftInput, city cityIndex, now time.Time) (Ticket, error) {
	t := Ticket{
		ID: in.ID, Version: 1, State: Draft, Channel: in.Channel, Line: in.Line, Digit: in.Digit,
		Confidential: in.Confidential, CreatedAt: now, UpdatedAt: now,
	}
	if t.ID == "" {
		t.ID = NewID(now)
	}
	if t.Channel == "" {
		t.Channel = ByPhone
	}
	if !t.Channel.Valid() {
		return t, invalid("channel", "is not one of phone, web, wechat, api", "渠道无效")
	}
	for _, f := range []struct{ field, value string }{{"id", t.ID}, {"line", in.Line}, {"digit", in.Digit}, {"call_id", in.CallID}} {
		if err := code(f.field, f.value, maxID); err != nil {
			return t, err
		}
	}
	if in.CallID != "" {
		t.Calls = []string{in.CallID}
	}
	var err error
	if t.Urgency, err = checkUrgency(in.Urgency); err != nil {
		return t, err
	}
	if t.Appeal, err = s.limits.checkAppeal(in.Appeal, city); err != nil {
		return t, err
	}
	t.Citizen, err = s.limits.checkCitizen(in.Citizen)
	return t, err
}

// place puts a draft into its partition. People open drafts within their own
// alone; who is in a sealed one opens them on its line.
func (s *Service) place(a Actor, t *Ticket, p Process) error {
	if a.Partition != "" && t.Line == "" {
		t.Line = a.Partition
	}
	t.Partition = p.partitionOf(t.Line)
	if !a.Has(RoleSystem) && t.Partition != a.Partition {
		return invalid("line", "is one of another partition; open the ticket there", "该线路属于其他分区")
	}
	return nil
}

func offered(t Ticket, callID, userID string, now time.Time) LiveEvent {
	data, _ := json.Marshal(struct {
		Ticket string `json:"ticket"`
		Call   string `json:"call"`
	}{t.ID, callID})
	return LiveEvent{Type: LiveCallOffered, Subject: t.ID, Version: t.Version, Audience: sealedAudience(t.Partition, "user:"+userID), Data: data, At: now}
}

// OfferDraft tells the next seat's user of a call whose draft exists already.
func (s *Service) OfferDraft(ctx context.Context, a Actor, ref, callID, userID string) error {
	t, err := s.load(ctx, a, ref)
	if err != nil {
		return err
	}
	if err := s.commit(ctx, Change{Live: []LiveEvent{offered(t, callID, userID, s.clock())}}); err != nil {
		return fmt.Errorf("offer draft: %w", err)
	}
	return nil
}

// LinkCall adds a call to a ticket; a call that is linked already stays as it is.
func (s *Service) LinkCall(ctx context.Context, a Actor, ref, callID string) error {
	if err := code("call_id", callID, maxID); err != nil {
		return err
	}
	if callID == "" {
		return required("call_id")
	}
	return s.amend(ctx, a, ref, func(next *Ticket, c *Change) (string, EventData, error) {
		if slices.Contains(next.Calls, callID) {
			return "", EventData{}, nil
		}
		if len(next.Calls) >= maxCalls {
			return "", EventData{}, invalid("call_id", "the ticket has "+strconv.Itoa(maxCalls)+" calls already", "该工单关联的通话过多")
		}
		next.Calls = append(next.Calls, callID)
		c.NewCalls = []string{callID}
		return EventCallLinked, EventData{CallID: callID}, nil
	})
}

// AnswerDraft notes who answered the call of a draft: the draft becomes that
// user's. A ticket that is no draft any more stays as it is.
func (s *Service) AnswerDraft(ctx context.Context, a Actor, ref, callID, userID string) error {
	return s.amend(ctx, a, ref, func(next *Ticket, _ *Change) (string, EventData, error) {
		if next.State != Draft || next.Operator == userID {
			return "", EventData{}, nil
		}
		next.Operator = userID
		return EventCallAnswered, EventData{CallID: callID, Operator: userID}, nil
	})
}

// amend changes a ticket beside its states, on the newest version. edit names
// the event, or none when there is nothing to change.
func (s *Service) amend(ctx context.Context, a Actor, ref string, edit func(next *Ticket, c *Change) (string, EventData, error)) error {
	for range attempts {
		t, err := s.load(ctx, a, ref)
		if err != nil {
			return err
		}
		now := s.clock()
		next := t.clone()
		next.Version++
		next.UpdatedAt = now
		var extra Change
		event, data, err := edit(&next, &extra)
		if err != nil || event == "" {
			return err
		}
		c := s.change(t, next, newEvent(next, event, a.UserID, now, data), now)
		c.NewCalls = extra.NewCalls
		if err = s.commit(ctx, c); err == nil {
			return nil
		}
		if !errors.Is(err, ErrStale) {
			return fmt.Errorf("%s: %w", event, err)
		}
	}
	return ErrConflict
}

// Edit changes a ticket that the centre still holds.
func (s *Service) Edit(ctx context.Context, a Actor, ref string, version int64, p Patch) (Ticket, error) {
	raw, err := json.Marshal(p)
	if err != nil {
		return Ticket{}, fmt.Errorf("edit: %w", err)
	}
	return s.Act(ctx, a, ref, Command{Action: ActEdit, Version: version, Fields: raw})
}

// Act does an action. A command with a version fails with *ConflictError when
// the ticket moved on; one without is tried again on the newest.
func (s *Service) Act(ctx context.Context, a Actor, ref string, cmd Command) (Ticket, error) {
	next, replayed, err := s.perform(ctx, a, "user:"+a.UserID, cmd, func() (Ticket, error) { return s.load(ctx, a, ref) })
	if err != nil {
		return Ticket{}, err
	}
	if replayed != "" {
		return s.Ticket(ctx, a, replayed)
	}
	return a.view(next), nil
}

// perform does an action on the ticket that read gives; scope is whose keys of
// idempotency count. It answers the id alone when the same request was done before.
func (s *Service) perform(ctx context.Context, a Actor, scope string, cmd Command, read func() (Ticket, error)) (next Ticket, replayed string, err error) {
	if err := checkKey(cmd.Idempotency); err != nil {
		return Ticket{}, "", err
	}
	snap, err := s.snapshot(ctx)
	if err != nil {
		return Ticket{}, "", err
	}
	var receipt *Receipt
	for range attempts {
		t, err := read()
		if err != nil {
			return Ticket{}, "", err
		}
		if cmd.Idempotency != "" {
			receipt, err = s.receipt(scope, cmd.Idempotency, t.ID, s.clock(), cmd.Fields, string(cmd.Action), t.ID)
			if err != nil {
				return Ticket{}, "", err
			}
			// Looked up first: a replay must not be told that its own first
			// run changed the version.
			if id, err := s.replayed(ctx, receipt); err == nil {
				return Ticket{}, id, nil
			} else if !errors.Is(err, ErrAbsent) {
				return Ticket{}, "", err
			}
		}
		if cmd.Version != 0 && cmd.Version != t.Version {
			return Ticket{}, "", &ConflictError{Current: a.view(t)}
		}
		next, err := s.act(ctx, a, t, cmd, snap, receipt, nil)
		switch {
		case err == nil:
			return next, "", nil
		case errors.Is(err, ErrStale), errors.Is(err, ErrNumberTaken), errors.Is(err, ErrReplayed):
			continue // read again: the next round tells a conflict, a replay or a new number
		default:
			return Ticket{}, "", err
		}
	}
	return Ticket{}, "", ErrConflict
}

// notify adds a message to an audience: a row in their list, a live event and
// a row of the outbox for the ways that leave the database.
func notify(c *Change, t Ticket, kind string, clock ClockName, now time.Time, audiences ...string) {
	for _, audience := range audiences {
		audience = sealedAudience(t.Partition, audience)
		n := Notification{ID: NewID(now), TicketID: t.ID, Number: t.Number, Kind: kind, Clock: clock, Audience: audience, CreatedAt: now}
		c.Notifications = append(c.Notifications, n)
		c.Outbox = append(c.Outbox, OutboxItem{Topic: TopicNotify, Key: n.ID, CreatedAt: now})
		c.Live = append(c.Live, LiveEvent{Type: LiveNotified, Subject: t.ID, Version: t.Version, Audience: audience, At: now})
	}
}

// receipt describes a request that may be sent again; nil without a key.
func (s *Service) receipt(scope, key, ticketID string, now time.Time, body any, parts ...string) (*Receipt, error) {
	if err := checkKey(key); err != nil || key == "" {
		return nil, err
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, invalid("fields", "is not JSON", "不是 JSON")
	}
	return &Receipt{Scope: scope, Key: hashHex(key), Hash: hashHex(append(parts, string(raw))...), TicketID: ticketID, At: now}, nil
}

// replayed finds the ticket of an earlier request with the same key; ErrAbsent
// when there was none.
func (s *Service) replayed(ctx context.Context, r *Receipt) (string, error) {
	old, err := s.store.Receipt(ctx, r.Scope, r.Key)
	if err != nil {
		return "", err
	}
	if old.Hash != r.Hash {
		return "", ErrIdempotencyMismatch
	}
	return old.TicketID, nil
}

// refuse puts it on record that an actor asked for a ticket that is not there
// for them, once in a while.
func (s *Service) refuse(ctx context.Context, a Actor, t Ticket) error {
	now := s.clock()
	if s.refused.has(a.UserID, t.ID, now, refusedAgain) {
		return ErrNotFound
	}
	entry := s.entry(ctx, a.UserID, RecordedRefusal, "ticket:"+t.ID, "")
	entry.Result = ledger.Refused
	if err := s.commit(ctx, Change{Ledger: []ledger.Entry{entry}}); err != nil {
		return fmt.Errorf("record refusal: %w", err)
	}
	s.refused.note(a.UserID, t.ID, now)
	return ErrNotFound
}

// load reads a ticket that the actor may see, unmasked.
func (s *Service) load(ctx context.Context, a Actor, ref string) (Ticket, error) {
	if ref == "" || len(ref) > maxID {
		return Ticket{}, ErrNotFound
	}
	t, err := s.store.Ticket(ctx, ref)
	if errors.Is(err, ErrAbsent) {
		return Ticket{}, ErrNotFound
	}
	if err != nil {
		return Ticket{}, fmt.Errorf("ticket: %w", err)
	}
	if !a.Sees(t) {
		return Ticket{}, s.refuse(ctx, a, t)
	}
	return t, nil
}
