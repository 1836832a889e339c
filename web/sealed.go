package web

import (
	"context"
	"fmt"
	"slices"

	"hotline/telephony"
)

// sealedFrom lists the lines whose calls are not there for the user.
func (s *Server) sealedFrom(ctx context.Context) []string {
	var lines []string
	seat := identityOf(ctx).user.Seat
	for line, seats := range s.deps.Calls.Sealed() {
		if !slices.Contains(seats, seat) {
			lines = append(lines, line)
		}
	}
	return lines
}

// there tells whether something of a line's calls is there for the user.
func (s *Server) there(ctx context.Context, line string) error {
	if slices.Contains(s.sealedFrom(ctx), line) {
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
