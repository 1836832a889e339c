package ticketing

import "context"

// HoldTicket keeps a ticket and all that belongs to it from being erased, by the
// citizen's wish or after its time: it is needed as evidence.
func (s *Service) HoldTicket(ctx context.Context, a Actor, ref, reason string) error {
	return s.hold(ctx, a, ref, reason, EventHeld, func(next *Ticket, reason string) error {
		if next.Hold != nil {
			return &Error{Code: CodeNotOpen, Message: "the ticket is held already", Zh: "工单已在证据保全中"}
		}
		next.Hold = &Hold{Reason: reason, By: a.UserID, At: next.UpdatedAt}
		return nil
	})
}

// ReleaseTicket ends a hold.
func (s *Service) ReleaseTicket(ctx context.Context, a Actor, ref, reason string) error {
	return s.hold(ctx, a, ref, reason, EventReleased, func(next *Ticket, _ string) error {
		if next.Hold == nil {
			return &Error{Code: CodeNotOpen, Message: "the ticket is not held", Zh: "工单未在证据保全中"}
		}
		next.Hold = nil
		return nil
	})
}

func (s *Service) hold(ctx context.Context, a Actor, ref, reason, event string, do func(next *Ticket, reason string) error) error {
	if !a.May(RightTicketHold) {
		return ErrForbidden
	}
	reason, err := s.why(reason)
	if err != nil {
		return err
	}
	return s.amend(ctx, a, ref, func(next *Ticket, _ *Change) (string, EventData, error) {
		return event, EventData{Reason: reason}, do(next, reason)
	})
}

// why checks the reason that somebody gives for what is out of the ordinary.
func (s *Service) why(reason string) (string, error) {
	reason, err := text("reason", reason, s.limits.Reason)
	if err == nil && reason == "" {
		err = required("reason")
	}
	return reason, err
}
