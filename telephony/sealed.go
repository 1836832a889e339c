package telephony

import (
	"errors"
	"fmt"
	"slices"

	"hotline/telephony/ivr"
)

// Sealed lists the sealed lines, such as 12388, each with the seats whose people alone may know of its calls.
// They are not to be changed.
func (c *Center) Sealed() map[string][]string { return c.sealed }

// sealed works out what Sealed gives.
func (c Config) sealed() map[string][]string {
	sealed := map[string][]string{}
	for _, l := range c.Lines {
		if q, _ := c.queue(l.Queue); q.Sealed {
			sealed[l.Number] = slices.Clone(q.Seats)
		}
	}
	return sealed
}

// within tells whether a seat may take part in the calls of a line; "" is no seat.
func (c *Center) within(line, seat string) bool {
	seats, sealed := c.sealed[line]
	return !sealed || seat == "" || slices.Contains(seats, seat)
}

// lineFor is the line that a seat's own call is for: a sealed one of the seat, or else the one that it goes over.
func (c *Center) lineFor(seat, line string) string {
	for sealed, seats := range c.sealed {
		if slices.Contains(seats, seat) {
			return sealed
		}
	}
	return line
}

// validSealed reports ways out of sealed queues.
func validSealed(queues []QueueConfig, lines []Line, flows []ivr.Flow) error {
	var errs []error
	sealed := map[string]bool{}
	for _, q := range queues {
		switch {
		case !q.Sealed:
			continue
		case len(q.Seats) == 0:
			errs = append(errs, fmt.Errorf("%w: queue %q is sealed: name the seats that alone serve it", ErrInvalid, q.Name))
		case q.Overflow.To != "":
			errs = append(errs, fmt.Errorf("%w: queue %q is sealed: its callers cannot overflow to queue %q", ErrInvalid, q.Name, q.Overflow.To))
		}
		sealed[q.Name] = true
	}
	for _, f := range flows {
		for _, l := range lines {
			if !slices.Contains(f.Lines, l.Number) {
				continue
			}
			for _, to := range f.Queues() {
				if to != l.Queue && (sealed[l.Queue] || sealed[to]) {
					errs = append(errs, fmt.Errorf("%w: flow %q leads callers of line %s to queue %q, which is on the other side of a seal", ErrInvalid, f.Name, l.Number, to))
				}
			}
		}
	}
	return errors.Join(errs...)
}
