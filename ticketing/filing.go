package ticketing

import (
	"context"
	"errors"
	"fmt"
)

// scopePublic is the scope of the keys that citizens' clients choose.
const scopePublic = "public"

// File takes an appeal that a citizen files online and gives it a number at once.
func (s *Service) File(ctx context.Context, in Filing) (Filed, error) {
	snap, err := s.snapshot(ctx)
	if err != nil {
		return Filed{}, err
	}
	if in.Channel == "" {
		in.Channel = ByWeb
	}
	now := s.clock()
	t, err := s.draft(DraftInput{Channel: in.Channel, Appeal: in.Appeal, Citizen: in.Citizen, Confidential: in.Confidential}, snap.index, now)
	if err != nil {
		return Filed{}, err
	}
	if err := complete(&t); err != nil {
		return Filed{}, err
	}
	receipt, err := s.receipt(scopePublic, in.Idempotency, t.ID, now, in, "file")
	if err != nil {
		return Filed{}, err
	}
	if receipt != nil {
		if filed, err := s.refiled(ctx, receipt, in.Idempotency); err == nil || !errors.Is(err, ErrAbsent) {
			return filed, err
		}
	}
	for range attempts {
		filed, err := s.file(ctx, t, snap, in.Idempotency, receipt)
		switch {
		case err == nil:
			return filed, nil
		case errors.Is(err, ErrReplayed):
			return s.refiled(ctx, receipt, in.Idempotency)
		case !errors.Is(err, ErrNumberTaken):
			return Filed{}, fmt.Errorf("file: %w", err)
		}
	}
	return Filed{}, ErrConflict
}

// complete asks of a citizen what the centre cannot do without.
func complete(t *Ticket) error {
	if t.Appeal.Type == "" {
		return required("appeal.type")
	}
	if t.Appeal.Description == "" {
		return required("appeal.description")
	}
	if t.Citizen.Phone == "" && !t.Citizen.Anonymous {
		return required("citizen.phone")
	}
	if t.Appeal.Title == "" {
		t.Appeal.Title = headline(t.Appeal.Description)
	}
	return nil
}

// headline is the beginning of a text, on one line.
func headline(text string) string {
	const most = 30
	runes := make([]rune, 0, most)
	for _, r := range text {
		if r == '\n' || r == '\r' || len(runes) == most {
			break
		}
		runes = append(runes, r)
	}
	return string(runes)
}

func (s *Service) file(ctx context.Context, t Ticket, snap *snapshot, key string, receipt *Receipt) (Filed, error) {
	number, err := s.store.NextNumber(ctx, numberDay(t.CreatedAt))
	if err != nil {
		return Filed{}, fmt.Errorf("next number: %w", err)
	}
	t.Number = number
	secret := newQueryCode()
	stored := hashQueryCode(t.ID, secret)
	if receipt != nil {
		if receipt.Sealed, err = seal(key, secret); err != nil {
			return Filed{}, err
		}
	}
	event := newEvent(t, EventFiled, "citizen", t.CreatedAt, EventData{
		Channel: t.Channel, Number: number, To: Draft,
		Facts: &Facts{Type: t.Appeal.Type, Category: snap.index.path(t.Appeal.Category), Urgency: t.Urgency, Line: t.Line, City: snap.index.version},
	})
	t.Clocks = freeze(nil, snap.rules.Clocks.Clocks(t, []Event{event}))
	c := s.change(Ticket{}, t, event, t.CreatedAt)
	c.Live = liveFor(LiveTicketCreated, t, t.CreatedAt)
	c.QueryCode, c.Receipt = &stored, receipt
	if err := s.commit(ctx, c); err != nil {
		return Filed{}, err
	}
	return Filed{Ticket: SystemActor().view(t), QueryCode: secret}, nil
}

// refiled answers a filing that was done before; ErrAbsent when it was not.
func (s *Service) refiled(ctx context.Context, r *Receipt, key string) (Filed, error) {
	id, err := s.replayed(ctx, r)
	if err != nil {
		return Filed{}, err
	}
	old, err := s.store.Receipt(ctx, r.Scope, r.Key)
	if err != nil {
		return Filed{}, err
	}
	secret, err := unseal(key, old.Sealed)
	if err != nil {
		return Filed{}, err
	}
	t, err := s.load(ctx, SystemActor(), id)
	if err != nil {
		return Filed{}, err
	}
	return Filed{Ticket: SystemActor().view(t), QueryCode: secret, Replayed: true}, nil
}

// ofCitizen reads the ticket that a number and its query code open. An unknown
// number and a wrong code get the same answer, ErrWrongQueryCode.
func (s *Service) ofCitizen(ctx context.Context, number, secret string) (Ticket, error) {
	if len(number) > maxID || len(secret) > maxID {
		return Ticket{}, ErrWrongQueryCode
	}
	stored, err := s.store.QueryCode(ctx, number)
	if err != nil && !errors.Is(err, ErrAbsent) {
		return Ticket{}, fmt.Errorf("query code: %w", err)
	}
	if !stored.matches(secret) {
		return Ticket{}, ErrWrongQueryCode
	}
	return s.load(ctx, SystemActor(), stored.TicketID)
}

// CitizenActor is the citizen of a ticket, online.
func CitizenActor() Actor { return Actor{UserID: "citizen", Roles: []Role{RoleCitizen}} }

// CitizenAct does what a citizen may do to the own appeal: urge, add a note,
// withdraw, rate, have it reopened. It answers the progress after it.
func (s *Service) CitizenAct(ctx context.Context, number, secret string, cmd Command) (Progress, error) {
	cmd.Version = 0 // citizens see no version
	_, _, err := s.perform(ctx, CitizenActor(), "citizen:"+number, cmd, func() (Ticket, error) { return s.ofCitizen(ctx, number, secret) })
	if err != nil {
		return Progress{}, err
	}
	return s.Progress(ctx, number, secret)
}

// Progress shows a citizen the own appeal, and what may be done about it.
func (s *Service) Progress(ctx context.Context, number, secret string) (Progress, error) {
	t, err := s.ofCitizen(ctx, number, secret)
	if err != nil {
		return Progress{}, err
	}
	events, err := s.store.Events(ctx, t.ID)
	if err != nil {
		return Progress{}, fmt.Errorf("events: %w", err)
	}
	snap, err := s.snapshot(ctx)
	if err != nil {
		return Progress{}, err
	}
	p := Progress{
		Number: t.Number, State: t.State, Title: t.Appeal.Title, CreatedAt: t.CreatedAt,
		Department: snap.index.departments[t.Department].Name, Steps: steps(events, snap.index), Rating: t.Rating,
		Actions: Actions(Case{Actor: CitizenActor(), Ticket: t, Now: s.clock(), Process: snap.process}),
	}
	if !t.ResolvedAt.IsZero() { // a reply under review is not an answer yet
		p.Answer = t.Answer
	}
	for _, c := range t.Clocks {
		if c.Name == ClockResolve && c.Running() {
			p.DueAt = c.DueAt
		}
	}
	return p, nil
}

// steps tells the events that concern the citizen.
func steps(events []Event, city cityIndex) []ProgressStep {
	var list []ProgressStep
	for _, e := range events {
		zh, en := step(e, city)
		if zh != "" {
			list = append(list, ProgressStep{At: e.At, Zh: zh, En: en})
		}
	}
	return list
}

func step(e Event, city cityIndex) (zh, en string) {
	switch e.Type {
	case EventFiled:
		return "已收到您的诉求", "received"
	case EventCreated:
		return "已登记您的诉求", "registered"
	case EventAccepted:
		return "已受理", "accepted"
	case EventAnswered:
		return "已答复", "answered"
	case EventDispatched:
		name := city.departments[e.Decode().Department].Name
		if name == "" {
			return "已转承办单位办理", "passed to the department in charge"
		}
		return "已转" + name + "办理", "passed to " + name
	case EventSigned:
		return "承办单位已签收，正在办理", "the department is working on it"
	case EventContacted:
		return "承办单位已与您联系", "the department contacted you"
	case EventReviewApproved:
		return "已办结，等待回访", "resolved; we will call you back"
	case EventFollowedUp:
		return "回访完成", "follow-up done"
	case EventReferred:
		return "已告知办理途径", "told where to go"
	case EventDispatchedDown:
		return "已转" + city.departments[e.Decode().Department].Name + "办理", "passed on to " + city.departments[e.Decode().Department].Name
	case EventReturned:
		return "重新确定承办单位", "the department in charge is being decided anew"
	case EventExtended:
		return fmt.Sprintf("办理期限延长 %d 个工作日", e.Decode().Days), fmt.Sprintf("the limit was extended by %d working days", e.Decode().Days)
	case EventSuspended:
		return "因客观条件暂缓办理", "suspended for a reason that was approved"
	case EventResumed:
		return "恢复办理", "work goes on"
	case EventUrged:
		return "已催办", "the department was urged"
	case EventMerged:
		return "与同一事项的其他诉求一并办理", "handled together with others about the same matter"
	case EventMergedAnswered:
		return "已办结，等待回访", "resolved; we will call you back"
	case EventReopened:
		return "已退回承办单位重新办理", "sent back to the department"
	case EventRated:
		return "已评价", "rated"
	case EventRectified:
		return "承办单位已整改", "the department put it right"
	case EventCancelled:
		return "已撤销", "cancelled"
	}
	return "", ""
}
