package web

import (
	"context"
	"fmt"
	"slices"

	"hotline/telephony"
	"hotline/ticketing"
)

// sealedFrom lists the lines whose calls are not there for the user. Who is in
// a sealed partition has the calls of its line and no others.
func (s *Server) sealedFrom(ctx context.Context) []string {
	var lines []string
	user := identityOf(ctx).user
	if user.Partition != "" {
		for _, l := range s.deps.Calls.Lines() {
			if l.Number != user.Partition {
				lines = append(lines, l.Number)
			}
		}
		return lines
	}
	if len(user.Lines) > 0 {
		for _, l := range s.deps.Calls.Lines() {
			if !slices.Contains(user.Lines, l.Number) {
				lines = append(lines, l.Number)
			}
		}
	}
	sealed := s.deps.Calls.Sealed()
	for line, seats := range sealed {
		if !slices.Contains(seats, user.Seat) {
			lines = append(lines, line)
		}
	}
	for _, line := range s.sealedLines(ctx) {
		if _, known := sealed[line]; !known {
			lines = append(lines, line)
		}
	}
	return lines
}

// sealedLines are those whose tickets the city keeps sealed; the usual ones while
// the city cannot be read.
func (s *Server) sealedLines(ctx context.Context) []string {
	v, err := s.city.get(ctx)
	if err != nil {
		return ticketing.DefaultProcess().Sealed
	}
	return ticketing.ProcessOf(v.city).Sealed
}

// hiddenSeats are those that serve sealed lines which are not there for the user.
func (s *Server) hiddenSeats(ctx context.Context) map[string]bool {
	hidden := map[string]bool{}
	for line, seats := range s.deps.Calls.Sealed() {
		for _, seat := range seats {
			hidden[seat] = hidden[seat] || s.there(ctx, line) != nil
		}
	}
	return hidden
}

// there tells whether something of a line's calls is there for the user.
func (s *Server) there(ctx context.Context, line string) error {
	if p := identityOf(ctx).user.Partition; p != "" && line != p || slices.Contains(s.sealedFrom(ctx), line) {
		return fmt.Errorf("of a sealed line: %w", telephony.ErrNotFound)
	}
	return nil
}

// callOf reads a call that is there for the user.
func (s *Server) callOf(ctx context.Context, id string) (telephony.CDR, error) {
	c, err := s.deps.Calls.Call(ctx, id)
	if err == nil {
		err = s.there(ctx, c.Line)
	}
	if err != nil {
		return telephony.CDR{}, err
	}
	return c, nil
}
