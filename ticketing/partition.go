package ticketing

import (
	"context"
	"slices"
	"strings"
)

// sealedAudience is an audience within a sealed partition: "staff" of 12388 is
// not the staff of the others.
func sealedAudience(partition, audience string) string {
	if partition == "" || strings.HasSuffix(audience, "@"+partition) {
		return audience
	}
	return audience + "@" + partition
}

// Sealed tells whether an audience is one of a sealed partition.
func Sealed(audience string) bool { return strings.Contains(audience, "@") }

// seal keeps what a change tells of its ticket inside the ticket's partition.
func (c *Change) seal() {
	if c.Ticket == nil || c.Ticket.Partition == "" {
		return
	}
	for i := range c.Live {
		c.Live[i].Audience = sealedAudience(c.Ticket.Partition, c.Live[i].Audience)
	}
	for i := range c.Notifications {
		c.Notifications[i].Audience = sealedAudience(c.Ticket.Partition, c.Notifications[i].Audience)
	}
}

// partitionOf is the sealed partition of a line; empty for none. The partition
// has the line's number as its name.
func (p Process) partitionOf(line string) string {
	if line != "" && slices.Contains(p.Sealed, line) {
		return line
	}
	return ""
}

// Within is a department of a sealed partition as the index of the sealed
// partitions names it; the empty department is the whole partition.
func Within(partition, department string) string { return partition + "/" + department }

// Audience is an audience of what happens on a line: within the line's sealed
// partition where it has one.
func (s *Service) Audience(ctx context.Context, line, audience string) (string, error) {
	snap, err := s.snapshot(ctx)
	if err != nil {
		return "", err
	}
	return sealedAudience(snap.process.partitionOf(line), audience), nil
}
