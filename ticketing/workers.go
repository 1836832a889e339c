package ticketing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
		return s.store.Commit(ctx, Change{Finish: item})
	}
	d := snap.rules.Router.Route(t)
	if !d.Desk {
		fields, err := json.Marshal(DispatchFields{Department: d.Department, Reason: d.Reason})
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
	return s.store.Commit(ctx, c)
}

// FireDeadlines tells of the clocks that have reached a level: an event, live
// events and notifications each, written in the transaction that marks the
// deadline fired, so each fires once. It works on limit clocks at most and
// returns how many levels fired.
func (s *Service) FireDeadlines(ctx context.Context, now time.Time, limit int) (int, error) {
	fired, err := s.store.FireDeadlines(ctx, now.UTC().Truncate(time.Millisecond), limit, func(due []Due) []Change {
		changes := make([]Change, len(due))
		for i, d := range due {
			changes[i] = fire(d, s.clock())
		}
		return changes
	})
	if err != nil {
		return fired, fmt.Errorf("fire deadlines: %w", err)
	}
	return fired, nil
}

func fire(d Due, now time.Time) Change {
	t := d.Ticket
	kind := "deadline." + string(d.Deadline.Level)
	c := Change{Events: []Event{newEvent(t, EventDeadline, SystemActor().UserID, now, EventData{
		Clock: d.Deadline.Clock, Level: d.Deadline.Level, DueAt: d.Deadline.DueAt,
	})}}
	for _, live := range liveFor(kind, t, now) {
		live.Data = json.RawMessage(`{"clock":"` + string(d.Deadline.Clock) + `"}`)
		c.Live = append(c.Live, live)
	}
	notify(&c, t, kind, d.Deadline.Clock, now, warned(t, d.Deadline)...)
	return c
}

// warned is whom a warning concerns: those who can still act, and from red on
// those who watch over them.
func warned(t Ticket, d Deadline) []string {
	var list []string
	switch {
	case d.Clock == ClockDispatch:
		list = []string{"role:" + string(RoleDispatcher)}
	case d.Clock == ClockFollowUp:
		list = []string{"role:" + string(RoleFollowUp)}
	case t.Department != "":
		list = []string{"department:" + t.Department}
	}
	if d.Level != Yellow {
		list = append(list, "role:"+string(RoleSupervisor))
	}
	return list
}

// NextDeadline is when the next unfired deadline comes.
func (s *Service) NextDeadline(ctx context.Context) (time.Time, bool, error) {
	return s.store.NextDeadline(ctx)
}
