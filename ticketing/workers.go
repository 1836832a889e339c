package ticketing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// RouteTicket carries out one row of the route topic: it dispatches the ticket
// or puts it on the dispatch desk, and settles the row, in one transaction. Run
// twice it has one effect.
func (s *Service) RouteTicket(ctx context.Context, item OutboxItem) error {
	id, hopText, ok := strings.Cut(item.Key, ":")
	hop, err := strconv.Atoi(hopText)
	if !ok || err != nil || item.Topic != TopicRoute {
		return fmt.Errorf("route: row %d is not of the route topic or has a wrong key", item.ID)
	}
	snap, err := s.snapshot(ctx)
	if err != nil {
		return err
	}
	for range attempts {
		err := s.route(ctx, id, hop, snap, &item)
		switch {
		case err == nil, errors.Is(err, ErrFinished):
			return nil
		case errors.Is(err, ErrStale):
			continue
		default:
			return fmt.Errorf("route: %w", err)
		}
	}
	return ErrConflict
}

func (s *Service) route(ctx context.Context, id string, hop int, snap *snapshot, item *OutboxItem) error {
	t, err := s.store.Ticket(ctx, id)
	if err != nil {
		return err
	}
	if t.State != Accepted || len(t.Assignments) != hop || t.AtDesk {
		// A person was faster: nothing is owed any more.
		return s.commit(ctx, Change{Finish: item})
	}
	d := snap.rules.Router.Route(t)
	if !d.Desk {
		fields, err := json.Marshal(ActionFields{Department: d.Department, Reason: d.Reason})
		if err != nil {
			return err
		}
		_, err = s.act(ctx, SystemActor(), t, Command{Action: ActDispatch, Fields: fields}, snap, nil, item)
		return err
	}
	now := s.clock()
	next := t.clone()
	next.Version++
	next.UpdatedAt, next.AtDesk = now, true
	c := s.change(t, next, newEvent(next, EventToDesk, SystemActor().UserID, now, EventData{Reason: d.Reason}), now)
	c.Finish = item
	notify(&c, next, "to_desk", "", now, "role:"+string(RoleDispatcher))
	return s.commit(ctx, c)
}

// FireDeadlines tells of the clocks that have reached a level: an event, live
// events and notifications each, written in the transaction that marks the
// deadline fired, so each fires once. It works on limit clocks at most and
// returns how many levels fired.
func (s *Service) FireDeadlines(ctx context.Context, now time.Time, limit int) (int, error) {
	snap, err := s.snapshot(ctx)
	if err != nil {
		return 0, err
	}
	fired, err := s.store.FireDeadlines(ctx, now.UTC().Truncate(time.Millisecond), limit, func(due []Due) []Change {
		changes := make([]Change, len(due))
		for i, d := range due {
			changes[i] = s.recorded(ctx, fire(d, snap, s.clock()))
		}
		return changes
	})
	if err != nil {
		return fired, fmt.Errorf("fire deadlines: %w", err)
	}
	return fired, nil
}

func fire(d Due, snap *snapshot, now time.Time) Change {
	t := d.Ticket
	kind := "deadline." + string(d.Deadline.Level)
	c := Change{Events: []Event{newEvent(t, EventDeadline, SystemActor().UserID, now, EventData{
		Clock: d.Deadline.Clock, Department: d.Deadline.Department, Level: d.Deadline.Level, DueAt: d.Deadline.DueAt,
	})}}
	for _, live := range liveFor(kind, t, now) {
		live.Data = json.RawMessage(`{"clock":"` + string(d.Deadline.Clock) + `"}`)
		c.Live = append(c.Live, live)
	}
	if d.Deadline.Clock == ClockSuspension && d.Deadline.Level == Overdue {
		c.Outbox = append(c.Outbox, OutboxItem{Topic: TopicLife, Key: lifeKey(lifeResume, t.ID, "", d.Deadline.Run.UnixMilli()), CreatedAt: now})
	}
	notify(&c, t, kind, d.Deadline.Clock, now, warned(t, d.Deadline, snap)...)
	return c
}

// warned is whom a warning concerns: those who can still act, and from red on
// those who watch over them; a city may name others. Nobody is named twice.
func warned(t Ticket, d Deadline, snap *snapshot) []string {
	own := t.Department
	if d.Department != "" {
		own = d.Department
	}
	for _, e := range snap.process.Escalation {
		if e.Clock == d.Clock && e.Level == d.Level {
			return spelt(e.Audiences, t, own, snap.index)
		}
	}
	var list []string
	switch {
	case d.Clock == ClockAccept:
		list = []string{role(RoleLead)}
	case d.Clock == ClockDispatch:
		list = []string{role(RoleDispatcher)}
	case d.Clock == ClockFollowUp:
		list = []string{role(RoleFollowUp)}
	case own != "":
		list = []string{unit(own)}
	default: // it was given back and waits at the dispatch desk
		list = []string{role(RoleDispatcher)}
	}
	if d.Level != Yellow && d.Clock != ClockSuspension {
		list = append(list, role(RoleSupervisor))
	}
	if d.Clock == ClockSupervise && d.Level == Overdue {
		for _, r := range t.Records {
			if r.Kind == RecordSupervision && r.State == RecordOpen {
				list = append(list, r.Escalation...)
			}
		}
	}
	return once(list)
}

// spelt turns the words of a city's escalation into audiences.
func spelt(words []string, t Ticket, own string, city cityIndex) []string {
	var list []string
	for _, word := range words {
		switch word {
		case "handler":
			if t.Handler != "" {
				list = append(list, "user:"+t.Handler)
			} else if own != "" {
				list = append(list, unit(own))
			}
		case "department":
			if own != "" {
				list = append(list, unit(own))
			}
		case "superior":
			if above := city.departments[own].Parent; above != "" {
				list = append(list, unit(above))
			}
		default:
			list = append(list, word)
		}
	}
	return once(list)
}

func once(list []string) []string {
	var seen []string
	for _, a := range list {
		if !slices.Contains(seen, a) {
			seen = append(seen, a)
		}
	}
	return seen
}

// NextDeadline is when the next unfired deadline comes.
func (s *Service) NextDeadline(ctx context.Context) (time.Time, bool, error) {
	return s.store.NextDeadline(ctx)
}
