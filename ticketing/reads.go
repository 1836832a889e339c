package ticketing

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Ticket reads one by id or number, the person masked.
func (s *Service) Ticket(ctx context.Context, a Actor, ref string) (Ticket, error) {
	t, err := s.load(ctx, a, ref)
	if err != nil {
		return Ticket{}, err
	}
	return a.view(t), nil
}

// Open is Ticket for somebody who reads it: that the actor opened it goes on
// record, once in ten minutes.
func (s *Service) Open(ctx context.Context, a Actor, ref string) (Ticket, error) {
	t, err := s.load(ctx, a, ref)
	if err != nil {
		return Ticket{}, err
	}
	now := s.clock()
	if s.opened.has(a.UserID, t.ID, now, openedAgain) {
		return a.view(t), nil
	}
	read := s.look(a, t, "ticket", "")
	if err := s.commit(ctx, Change{Read: &read}); err != nil {
		return Ticket{}, fmt.Errorf("record read: %w", err)
	}
	s.opened.note(a.UserID, t.ID, now)
	return a.view(t), nil
}

// Tickets lists what the actor may see, the person masked.
func (s *Service) Tickets(ctx context.Context, a Actor, f Filter) (Page, error) {
	page, err := s.list(ctx, a, f)
	for i, t := range page.Items {
		page.Items[i] = a.view(t)
	}
	return page, err
}

// list is Tickets with the person as stored.
func (s *Service) list(ctx context.Context, a Actor, f Filter) (Page, error) {
	switch {
	case f.Limit == 0:
		f.Limit = 50
	case f.Limit < 1 || f.Limit > 200:
		return Page{}, outOfRange("limit", 1, 200)
	}
	switch f.Sort {
	case "":
		f.Sort = SortNewest
	case SortNewest, SortDue:
	default:
		return Page{}, invalid("sort", "is not one of newest, due", "排序方式无效")
	}
	f, err := s.spread(ctx, f)
	if err != nil {
		return Page{}, err
	}
	page, err := s.store.Tickets(ctx, s.query(a, f))
	if err != nil {
		return Page{}, fmt.Errorf("tickets: %w", err)
	}
	return page, nil
}

// spread has a filter name all below the nodes of trees that it names.
func (s *Service) spread(ctx context.Context, f Filter) (Filter, error) {
	const most = 200 // values of one field; a list is asked for by people
	if max(len(f.States), len(f.Types), len(f.Categories), len(f.Districts), len(f.Departments), len(f.Channels), len(f.Urgencies)) > most {
		return f, &Error{Code: CodeInvalid, Field: "filter", Limit: most, Message: "has too many values", Zh: "筛选条件过多"}
	}
	snap, err := s.snapshot(ctx)
	if err != nil {
		return f, err
	}
	f.Categories = snap.index.spread("c:", f.Categories)
	f.Districts = snap.index.spread("d:", f.Districts)
	f.Departments = snap.index.spread("u:", f.Departments)
	return f, nil
}

func (s *Service) query(a Actor, f Filter) Query {
	q := Query{Filter: f, Partition: a.Partition, Now: s.clock(), Bounds: a.bounds()}
	if !a.Staff() {
		q.ScopeOn, q.Scope = true, a.scope()
	}
	return q
}

// Timeline reads a ticket's history, oldest first.
func (s *Service) Timeline(ctx context.Context, a Actor, ref string) ([]Event, error) {
	t, err := s.load(ctx, a, ref)
	if err != nil {
		return nil, err
	}
	events, err := s.store.Events(ctx, t.ID)
	if err != nil {
		return nil, fmt.Errorf("timeline: %w", err)
	}
	return a.history(t, events), nil
}

// Clocks reads a ticket's clocks with the derivation of each: why it is due then.
func (s *Service) Clocks(ctx context.Context, a Actor, ref string) ([]Clock, error) {
	t, err := s.load(ctx, a, ref)
	if err != nil {
		return nil, err
	}
	events, err := s.store.Events(ctx, t.ID)
	if err != nil {
		return nil, fmt.Errorf("clocks: %w", err)
	}
	snap, err := s.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	explained := map[int64][]Clock{snap.index.version: snap.rules.Clocks.Explain(t, events)}
	for i, c := range t.Clocks {
		t.Clocks[i].Steps, err = s.stepsOf(ctx, t, c, events, explained, snap)
		if err != nil {
			return nil, err
		}
	}
	return t.Clocks, nil
}

// stepsOf derives a clock by the reference data in force, or, where it was
// frozen under another version, by that version.
func (s *Service) stepsOf(ctx context.Context, t Ticket, c Clock, events []Event, explained map[int64][]Clock, snap *snapshot) ([]Step, error) {
	for _, version := range []int64{snap.index.version, c.City} {
		if _, known := explained[version]; !known {
			old, err := s.store.CityAt(ctx, version)
			if errors.Is(err, ErrAbsent) {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("clocks: %w", err)
			}
			rules, err := s.rules(old.City)
			if err != nil {
				return nil, fmt.Errorf("clocks: city version %d: %w", version, err)
			}
			explained[version] = rules.Clocks.Explain(t, events)
		}
		for _, e := range explained[version] {
			if e.Key() != c.Key() || !same(e, c) {
				continue
			}
			if version == snap.index.version {
				return e.Steps, nil
			}
			return append([]Step{{
				Zh: fmt.Sprintf("按基础数据第 %d 版计算;此后的变更不影响本时限", version),
				En: fmt.Sprintf("derived by version %d of the reference data; later changes do not move this limit", version),
			}}, e.Steps...), nil
		}
	}
	return []Step{{
		Zh: "按当时的时限政策和工作日历计算；政策或日历此后已变更，本时限不受影响",
		En: "derived by the policy and calendar of its time; they changed since, and this limit did not",
	}}, nil
}

// Actions offers the actor the actions of a ticket; see the function Actions.
func (s *Service) Actions(a Actor, t Ticket) []ActionState {
	process := DefaultProcess()
	if snap := s.city.Load(); snap != nil {
		process = snap.process
	}
	return Actions(Case{Actor: a, Ticket: t, Now: s.clock(), Process: process})
}

// Earlier lists the same caller's other tickets that the actor may see, newest
// first, 20 at most. A caller without a number has none.
func (s *Service) Earlier(ctx context.Context, a Actor, ref string) ([]Ticket, error) {
	const most = 20
	t, err := s.load(ctx, a, ref)
	if err != nil {
		return nil, err
	}
	if t.Citizen.Phone == "" || t.Confidential && !a.Staff() {
		return nil, nil
	}
	all, err := s.store.ByPhone(ctx, t.Partition, t.Citizen.Phone, 4*most)
	if err != nil {
		return nil, fmt.Errorf("earlier: %w", err)
	}
	var list []Ticket
	for _, other := range all {
		// To a department, that a confidential ticket has the same caller
		// would name the person.
		if other.ID == t.ID || !a.Sees(other) || other.Confidential && !a.Staff() {
			continue
		}
		if list = append(list, a.view(other)); len(list) == most {
			break
		}
	}
	return list, nil
}

// OfNumber lists the tickets of a telephone number that the actor may see, newest first,
// 50 at most, without whom they are of. It is for those who work in the centre.
func (s *Service) OfNumber(ctx context.Context, a Actor, phone string) ([]Ticket, error) {
	const most = 50
	if !a.Staff() {
		return nil, ErrForbidden
	}
	phone, err := NormalizePhone(phone)
	if err != nil {
		return nil, err
	}
	list := []Ticket{}
	if phone == "" {
		return list, nil
	}
	all, err := s.store.ByPhone(ctx, a.Partition, phone, 2*most)
	if err != nil {
		return nil, fmt.Errorf("tickets of a number: %w", err)
	}
	for _, t := range all {
		if a.Sees(t) && len(list) < most {
			list = append(list, a.view(t))
		}
	}
	return list, nil
}

const (
	// TailDigits are the last digits of a number, which masked ones show: more of them
	// would tell the others one by one.
	TailDigits = 4
	// TailTickets bounds how many tickets they find.
	TailTickets = 2_000
)

// OfTail names the tickets of those whose numbers end in four digits, newest first,
// TailTickets at most; which of them the actor sees is not looked at. It is for those who
// work in the centre.
func (s *Service) OfTail(ctx context.Context, a Actor, digits string) ([]string, error) {
	if !a.Staff() {
		return nil, ErrForbidden
	}
	if len(digits) != TailDigits || strings.Trim(digits, "0123456789") != "" {
		return nil, invalid("phone", "give the last four digits of a number", "请填写电话号码的后四位")
	}
	ids, err := s.store.OfTail(ctx, a.Partition, digits, TailTickets)
	if err != nil {
		return nil, fmt.Errorf("tickets of a number's last digits: %w", err)
	}
	return ids, nil
}

// OfCaller lists the tickets of a citizen's number, newest first, 20 at most, without confidential ones: what is told to a caller of whom only
// the number is known. It is for the platform alone.
func (s *Service) OfCaller(ctx context.Context, a Actor, phone string) ([]Ticket, error) {
	if !a.Has(RoleSystem) {
		return nil, ErrForbidden
	}
	phone, err := NormalizePhone(phone)
	if err != nil || phone == "" {
		return nil, err
	}
	const most = 20
	all, err := s.store.ByPhone(ctx, "", phone, most)
	if err != nil {
		return nil, fmt.Errorf("tickets of a caller: %w", err)
	}
	list := []Ticket{}
	for _, t := range all {
		if !t.Confidential {
			list = append(list, a.view(t))
		}
	}
	return list, nil
}

// ByCall lists the tickets that a call is linked to.
func (s *Service) ByCall(ctx context.Context, a Actor, callID string) ([]Ticket, error) {
	all, err := s.store.ByCall(ctx, callID)
	if err != nil {
		return nil, fmt.Errorf("by call: %w", err)
	}
	var list []Ticket
	for _, t := range all {
		if a.Sees(t) && (!t.Confidential || a.Staff()) {
			list = append(list, a.view(t))
		}
	}
	return list, nil
}

// Reveal shows the citizen unmasked and records who looked and why. Departments
// never see the person of a confidential ticket.
func (s *Service) Reveal(ctx context.Context, a Actor, ref, reason string) (Citizen, error) {
	t, err := s.load(ctx, a, ref)
	if err != nil {
		return Citizen{}, err
	}
	if !a.May(RightPersonReveal) {
		return Citizen{}, ErrForbidden
	}
	if t.Citizen.Erased {
		return Citizen{}, ErrErased
	}
	if err := s.record(ctx, a, t, "person", reason); err != nil {
		return Citizen{}, err
	}
	return t.Citizen, nil
}

// RecordRead records another look at a citizen's data, such as listening to a
// recording; what names it. The look may go on only when it returns nil.
func (s *Service) RecordRead(ctx context.Context, a Actor, ref, what, reason string) error {
	t, err := s.load(ctx, a, ref)
	if err != nil {
		return err
	}
	if err := code("what", what, maxCode); err != nil {
		return err
	}
	return s.record(ctx, a, t, what, reason)
}

func (s *Service) record(ctx context.Context, a Actor, t Ticket, what, reason string) error {
	if t.Confidential && !a.Staff() {
		return &Error{Code: CodeForbidden, Message: "the citizen asked for confidentiality; the centre alone knows the person", Zh: "诉求人要求保密，承办单位不能查看个人信息"}
	}
	reason, err := text("reason", reason, s.limits.Reason)
	if err != nil {
		return err
	}
	if reason == "" && a.CallID == "" {
		return required("reason")
	}
	read := s.look(a, t, what, reason)
	if err := s.commit(ctx, Change{Read: &read}); err != nil {
		return fmt.Errorf("record read: %w", err)
	}
	return nil
}

// look is a Read of the actor, now.
func (s *Service) look(a Actor, t Ticket, what, reason string) Read {
	own := a.Name != "" && a.Name == t.Citizen.Name || a.Phone != "" && a.Phone == t.Citizen.Phone
	return Read{TicketID: t.ID, UserID: a.UserID, What: what, Reason: reason, CallID: a.CallID, At: s.clock(), Department: a.Department, Own: own}
}

// Reads lists who looked at the citizen's data, oldest first, for those who watch over it.
func (s *Service) Reads(ctx context.Context, a Actor, ref string) ([]Read, error) {
	if !a.May(RightTicketReads) {
		return nil, ErrForbidden
	}
	t, err := s.load(ctx, SystemActor(), ref)
	if err == nil && a.Partition != t.Partition && !a.Has(RoleSystem) {
		err = ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	reads, err := s.store.Reads(ctx, t.ID)
	if err != nil {
		return nil, fmt.Errorf("reads: %w", err)
	}
	return reads, nil
}

// Notification reads one by id, for those who carry it out of the database.
func (s *Service) Notification(ctx context.Context, id string) (Notification, error) {
	n, err := s.store.Notification(ctx, id)
	if errors.Is(err, ErrAbsent) {
		return n, &Error{Code: CodeNotFound, Message: "no such notification", Zh: "没有这条通知"}
	}
	return n, err
}

// Notifications lists the actor's newest messages, 100 at most.
func (s *Service) Notifications(ctx context.Context, a Actor) ([]Notification, error) {
	list, err := s.store.Notifications(ctx, a.audiences(), 100)
	if err != nil {
		return nil, fmt.Errorf("notifications: %w", err)
	}
	return list, nil
}

// Stats counts the tickets created in [from, to) that the actor may see.
func (s *Service) Stats(ctx context.Context, a Actor, from, to time.Time) (TicketStats, error) {
	if !from.Before(to) {
		return TicketStats{}, invalid("to", "is not after from", "结束时间应晚于开始时间")
	}
	stats, err := s.store.Stats(ctx, s.query(a, Filter{From: from, To: to}))
	if err != nil {
		return TicketStats{}, fmt.Errorf("stats: %w", err)
	}
	stats.From, stats.To = from, to
	return stats, nil
}

// People counts the people behind the tickets of a filter, as far as the actor sees tickets.
func (s *Service) People(ctx context.Context, a Actor, f Filter) (PeopleFigures, error) {
	f, err := s.spread(ctx, f)
	if err != nil {
		return PeopleFigures{}, err
	}
	figures, err := s.store.People(ctx, s.query(a, f))
	if err != nil {
		return PeopleFigures{}, fmt.Errorf("people: %w", err)
	}
	return figures, nil
}

// Impersonal reads a ticket as it may be given to a service outside: without the citizen,
// whose own name and number are taken out of its texts. A confidential or sealed one is
// given to nobody.
func (s *Service) Impersonal(ctx context.Context, a Actor, ref string) (Ticket, error) {
	t, err := s.load(ctx, a, ref)
	if err != nil {
		return Ticket{}, err
	}
	if t.Confidential || t.Partition != "" {
		return Ticket{}, &Error{Code: CodeForbidden, Message: "a confidential ticket is given to no service outside", Zh: "保密工单不提供给外部服务"}
	}
	return t.Nameless(), nil
}

// Nameless is WithoutPerson with the citizen's own name and number taken out of the texts,
// confidential or not: for what learns from texts, or gives them away.
func (t Ticket) Nameless() Ticket {
	t.Confidential = true
	return t.WithoutPerson()
}

// WithoutPerson is the ticket as an index or an export may keep it: without
// the citizen, and with the citizen's own name and number taken out of its texts
// when it is confidential.
func (t Ticket) WithoutPerson() Ticket {
	t = t.clone()
	if t.Confidential {
		t.hidePerson()
	}
	t.Citizen = Citizen{}
	return t
}

// NumberToCall is the citizen's number, for a call that the platform sets up: the
// actor hears the citizen and sees no number. The look is recorded as a call.
func (s *Service) NumberToCall(ctx context.Context, a Actor, ref string) (string, error) {
	t, err := s.load(ctx, a, ref)
	if err != nil {
		return "", err
	}
	if t.Citizen.Phone == "" {
		return "", invalid("citizen.phone", "is not known; the citizen left no number", "诉求人未留电话")
	}
	read := s.look(a, t, "dial", "拨打诉求人")
	if err := s.commit(ctx, Change{Read: &read}); err != nil {
		return "", fmt.Errorf("record read: %w", err)
	}
	return t.Citizen.Phone, nil
}
