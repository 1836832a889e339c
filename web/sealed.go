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

// callOf reads a call that is there for the user.
func (s *Server) callOf(ctx context.Context, id string) (telephony.CDR, error) {
	c, err := s.deps.Calls.Call(ctx, id)
	if err == nil && slices.Contains(s.sealedFrom(ctx), c.Line) {
		return telephony.CDR{}, fmt.Errorf("call %s: %w", id, telephony.ErrNotFound)
	}
	return c, err
}
