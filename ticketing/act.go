package ticketing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// act does one try of an action.
func (s *Service) act(ctx context.Context, a Actor, t Ticket, cmd Command, snap *snapshot, receipt *Receipt, finish *OutboxItem) (Ticket, error) {
	c, next, err := s.prepare(ctx, a, t, cmd, snap, false)
	if err != nil {
		return Ticket{}, err
	}
	c.Receipt, c.Finish = receipt, finish
	if err := s.commit(ctx, c); err != nil {
		if errors.Is(err, ErrStale) || errors.Is(err, ErrNumberTaken) || errors.Is(err, ErrReplayed) || errors.Is(err, ErrFinished) {
			return Ticket{}, err
		}
		return Ticket{}, fmt.Errorf("%s: %w", cmd.Action, err)
	}
	return next, nil
}

// prepare works an action out and writes nothing.
func (s *Service) prepare(ctx context.Context, a Actor, t Ticket, cmd Command, snap *snapshot, dry bool) (Change, Ticket, error) {
	at := s.clock()
	row, refused := find(Case{Actor: a, Ticket: t, Now: at, Process: snap.process}, cmd.Action)
	if refused != nil {
		return Change{}, Ticket{}, refused
	}
	m := move{row: row, actor: a, at: at, city: snap.index, process: snap.process, limits: s.limits, fields: cmd.Fields}
	if err := s.equip(ctx, &m, t, dry); err != nil {
		return Change{}, Ticket{}, err
	}
	out, err := m.apply(t)
	if err != nil {
		return Change{}, Ticket{}, err
	}
	history, err := s.history(ctx, t)
	if err != nil {
		return Change{}, Ticket{}, err
	}
	next := out.next
	next.Clocks = freeze(t.Clocks, snap.rules.Clocks.Clocks(next, append(history, out.event)))
	c := s.change(t, next, out.event, at)
	c.Edited = cmd.Action == ActEdit
	s.follow(&c, t, next, out.event, at)
	for _, other := range out.also {
		c.With = append(c.With, s.beside(other, snap, at))
	}
	return c, next, nil
}

// equip reads what a move needs beside the ticket. A dry run gives out no numbers.
func (s *Service) equip(ctx context.Context, m *move, t Ticket, dry bool) error {
	var f struct {
		Ticket     string            `json:"ticket"`
		Department string            `json:"department"`
		Record     string            `json:"record"`
		Parts      []json.RawMessage `json:"parts"`
	}
	_ = json.Unmarshal(m.fields, &f) // read strictly when the move is applied
	numbers := 0
	switch m.row.Action {
	case ActAccept, ActAnswer, ActRefer:
		if t.Number == "" {
			numbers = 1
		}
	case ActSplit:
		numbers = min(len(f.Parts), maxParts)
	case ActMerge, ActLink:
		if f.Ticket == "" {
			return required("ticket")
		}
		other, err := s.load(ctx, m.actor, f.Ticket)
		if errors.Is(err, ErrNotFound) {
			return invalid("ticket", "is not one that you can see; check the number", "没有这张工单，请核对编号")
		}
		m.other = &other
		if err != nil {
			return err
		}
	case ActUnmerge, ActAnswerMerged, ActUnlink:
		return s.equipKnown(ctx, m, t, f.Record)
	case ActDispatch, ActDesignate, ActDispatchDown, ActRule:
		return s.equipHandler(ctx, m, t.Partition, f.Department)
	}
	for range numbers {
		if dry {
			m.numbers, m.ids = append(m.numbers, ""), append(m.ids, NewID(m.at))
			continue
		}
		number, err := s.store.NextNumber(ctx, numberDay(m.at))
		if err != nil {
			return fmt.Errorf("next number: %w", err)
		}
		m.numbers, m.ids = append(m.numbers, number), append(m.ids, NewID(m.at))
	}
	return nil
}

// equipKnown reads the other ticket of a merge or link that exists.
func (s *Service) equipKnown(ctx context.Context, m *move, t Ticket, record string) error {
	id := t.MergedInto
	if m.row.Action == ActUnlink {
		id = ""
		if r := t.record(func(r Record) bool {
			return r.Kind == RecordLink && r.State == RecordOpen && (record == "" || r.ID == record)
		}); r != nil {
			id = r.Other
		}
	}
	if id == "" {
		return nil
	}
	other, err := s.store.Ticket(ctx, id)
	if errors.Is(err, ErrAbsent) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("ticket: %w", err)
	}
	m.other = &other
	return nil
}

// equipHandler finds the department's clerk with the least open load.
func (s *Service) equipHandler(ctx context.Context, m *move, partition, department string) error {
	if m.process.ManualAssignments || department == "" || len(department) > maxCode {
		return nil
	}
	user, err := s.store.LeastLoaded(ctx, partition, department)
	if errors.Is(err, ErrAbsent) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("least loaded: %w", err)
	}
	m.handler = user
	return nil
}

// history reads the events that clocks may depend on.
func (s *Service) history(ctx context.Context, t Ticket) ([]Event, error) {
	if t.State == Draft && len(t.Clocks) == 0 {
		return nil, nil
	}
	events, err := s.store.Events(ctx, t.ID)
	if err != nil {
		return nil, fmt.Errorf("events: %w", err)
	}
	return events, nil
}

// change is what every move of a ticket writes.
func (s *Service) change(before, next Ticket, event Event, now time.Time) Change {
	c := Change{
		Ticket: &next, PrevVersion: before.Version, Events: []Event{event}, Live: liveFor(LiveTicketChanged, next, now),
		Numbered: before.Number != next.Number, Moved: before.Department != next.Department || before.Handler != next.Handler,
		Operated: before.Operator != next.Operator, Records: changedRecords(before, next),
	}
	units := next.Units()
	if len(units) > len(before.Units()) {
		c.Units = units
	}
	if before.Department != "" && before.Department != next.Department { // it has to go from their lists
		c.Live = append(c.Live, LiveEvent{Type: LiveTicketChanged, Subject: next.ID, Version: next.Version, Audience: unit(before.Department), At: now})
	}
	for _, d := range units {
		if d != next.Department {
			c.Live = append(c.Live, LiveEvent{Type: LiveTicketChanged, Subject: next.ID, Version: next.Version, Audience: unit(d), At: now})
		}
	}
	c.DropDeadlines, c.Deadlines = deadlines(before, next)
	if next.Number != "" {
		topic := TopicIndex
		if next.Partition != "" {
			topic = TopicSealed
		}
		c.Outbox = append(c.Outbox, OutboxItem{Topic: topic, Key: next.ID + ":" + strconv.FormatInt(next.Version, 10), CreatedAt: now})
	}
	return c
}

// follow adds what the platform owes after a move: routing, replies to merged
// tickets, messages.
func (s *Service) follow(c *Change, before, next Ticket, event Event, now time.Time) {
	if next.State == Accepted && before.State != Accepted && !next.AtDesk {
		c.Outbox = append(c.Outbox, OutboxItem{Topic: TopicRoute, Key: routeKey(next), CreatedAt: now})
	}
	for _, r := range c.Records {
		if r.Kind == RecordMerge && r.Relation == relationInto && (r.State == RecordDone || r.State == RecordEnded) && event.Type != EventParted {
			c.Outbox = append(c.Outbox, OutboxItem{Topic: TopicLife, Key: lifeKey(lifeMerged, r.Other, next.ID, next.Version), CreatedAt: now})
		}
	}
	if event.Type == EventRuled && event.Decode().Amend {
		c.Outbox = append(c.Outbox, OutboxItem{Topic: TopicLife, Key: lifeKey(lifeRuling, next.ID, "", next.Version), CreatedAt: now})
	}
	for _, n := range notices(before, next, event) {
		notify(c, next, n.kind, "", now, n.audiences...)
	}
}

// beside is the change of another ticket that a move touches.
func (s *Service) beside(other turn, snap *snapshot, now time.Time) Change {
	next := other.next
	if other.before.Version == 0 {
		next.Clocks = freeze(nil, snap.rules.Clocks.Clocks(next, []Event{other.event}))
	}
	c := s.change(other.before, next, other.event, now)
	if other.before.Version == 0 {
		c.Numbered = false // inserted with its number
		c.Live = liveFor(LiveTicketCreated, next, now)
	}
	s.follow(&c, other.before, next, other.event, now)
	return c
}

// routeKey names the routing of a ticket's next hop.
func routeKey(t Ticket) string { return t.ID + ":" + strconv.Itoa(len(t.Assignments)) }
