package ticketing

import (
	"context"
	"fmt"
	"slices"
)

// notice is a message that a move owes to people.
type notice struct {
	kind      string
	audiences []string
}

func unit(department string) string { return "department:" + department }

func role(r Role) string { return "role:" + string(r) }

// decider is whom a request waits for.
func decider(r Record) string {
	if r.Decider != "" {
		return unit(r.Decider)
	}
	return role(RoleDispatcher)
}

// notices tells whom a move concerns, beside those who see the page change.
func notices(before, next Ticket, event Event) []notice {
	d := event.Decode()
	about := next.record(func(r Record) bool { return r.ID == d.Record })
	var list []notice
	tell := func(kind string, audiences ...string) {
		audiences = slices.DeleteFunc(audiences, func(a string) bool { return a == unit("") })
		if len(audiences) > 0 {
			list = append(list, notice{kind, audiences})
		}
	}
	switch event.Type {
	case EventDispatched, EventDispatchedDown, EventRuled:
		tell("dispatched", unit(next.Department))
		if event.Type == EventRuled && before.Department != next.Department {
			tell("ruled", unit(before.Department))
		}
	case EventDispatchUndone:
		tell("dispatch_undone", unit(before.Department))
	case EventReturnRequested, EventExtensionRequested, EventSuspensionRequested, EventCoHandlingRequested, EventWithdrawalRequested:
		if about != nil {
			tell(event.Type, decider(*about))
		}
	case EventReturned:
		tell("returned", unit(d.Department), role(RoleDispatcher))
	case EventReturnedUp, EventReturnRefused, EventExtended, EventExtensionRefused, EventSuspended, EventSuspensionRefused, EventCoHandlingRefused:
		tell(event.Type, unit(d.Department))
	case EventCoHandled:
		tell("co_handled", unit(d.Department), unit(next.Department))
	case EventShareAnswered:
		tell("share_answered", unit(next.Department))
	case EventShareEnded:
		tell("share_ended", unit(d.Department))
	case EventUrged:
		tell("urged", unit(next.Department))
	case EventSupervised:
		tell("supervised", unit(next.Department))
	case EventDisputeOpened:
		for _, party := range d.Departments {
			tell("dispute_opened", unit(party))
		}
	case EventCaseStated, EventAppealed:
		tell(event.Type, role(RoleSupervisor))
	case EventMerged, EventSplitOff, EventResumed:
		tell(event.Type, unit(next.Department))
	case EventReviewRejected, EventReopened:
		tell(event.Type, unit(next.Department))
	case EventReviewEndorsed:
		if next.ReviewBy != "" {
			tell("review", unit(next.ReviewBy))
		} else {
			tell("review", role(RoleQC))
		}
	case EventAppealUpheld, EventAppealDismissed:
		if about != nil {
			tell(event.Type, unit(about.Department))
		}
	case EventEdited:
		if about != nil && about.Kind == RecordRelabelling {
			tell("relabelled", role(RoleSupervisor))
		}
	case EventNoted:
		tell("noted", unit(next.Department))
	}
	if d.Rectify {
		tell("rectify", unit(next.Department))
	}
	return list
}

// Tell writes a message that is not about a ticket: a row in the audiences' lists, live
// events of its kind, and rows of the outbox for the ways that leave the database. The
// message has the subject's id in place of a ticket's.
func (s *Service) Tell(ctx context.Context, kind, subject string, audiences ...string) error {
	now := s.clock()
	c := Change{}
	notify(&c, Ticket{ID: subject}, kind, "", now, audiences...)
	for _, audience := range audiences {
		c.Live = append(c.Live, LiveEvent{Type: kind, Subject: subject, Audience: audience, At: now})
	}
	if err := s.commit(ctx, c); err != nil {
		return fmt.Errorf("tell of %s: %w", kind, err)
	}
	return nil
}
