package telephony

import (
	"context"
	"fmt"
	"time"

	"hotline/telephony/acd"
)

// SetStatus tells what a person at a seat says of himself. An empty seat is
// the one where the user sits or usually sits. A user sits at one seat at a
// time; a seat in a call cannot be taken over.
func (c *Center) SetStatus(_ context.Context, user, seat string, s Status) error {
	if seat == "" {
		seat = c.board.seatOf(user)
	}
	if v, ok := c.floor.seat(seat); ok && v.Call != "" && v.User != user {
		return fmt.Errorf("seat %s is in a call of another user: %w", seat, ErrConflict)
	}
	return c.setStatus(user, seat, s, "")
}

// ForceStatus is what a lead says in place of the person at a seat, such as
// one who left without a word. A call that is going on goes on.
func (c *Center) ForceStatus(_ context.Context, lead, seat string, s Status) error {
	user := c.board.userOf(seat)
	if user == "" && c.board.has(seat) {
		return fmt.Errorf("nobody sits at seat %s: %w", seat, ErrConflict)
	}
	return c.setStatus(user, seat, s, lead)
}

func (c *Center) setStatus(user, seat string, s Status, lead string) error {
	presence, ok := map[Presence]acd.Presence{Ready: acd.Ready, Break: acd.Break, Offline: acd.Offline}[s.Presence]
	if !ok || len(s.Reason) > 200 {
		return fmt.Errorf("status %q: want ready, break or offline: %w", s.Presence, ErrInvalid)
	}
	if !c.board.has(seat) {
		return fmt.Errorf("seat %q of user: %w", seat, ErrNotFound)
	}
	if user == "" {
		return fmt.Errorf("%w: say whose status this is", ErrInvalid)
	}
	c.journal.event(newEvent(c.now(), "", seat, user, EvPresence, EventData{Presence: s.Presence, Reason: s.Reason, Lead: lead}))
	c.floor.apply(func(at time.Time) acd.Event {
		return acd.SetPresence{At: at, Seat: seat, User: user, Presence: presence, Reason: s.Reason, By: lead}
	})
	c.board.touch(seat)
	return nil
}
