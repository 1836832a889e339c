package telephony

import (
	"context"
	"time"
)

// EventLog puts the events of the queues of several nodes into one order, the
// same for all of them, and keeps what a node that joins begins with. It knows
// nothing of what the events mean.
type EventLog interface {
	// Follow sets a replica to the newest state and then gives it every event
	// after that, in order, until ctx ends. After a loss on the other side it
	// does so anew.
	Follow(ctx context.Context, r Replica)
	// Append puts events at the end, in their order. After an error it cannot be
	// said whether they are there.
	Append(ctx context.Context, events [][]byte) error
}

// Replica is what is made of the events on one node. Follow calls it from one
// goroutine.
type Replica interface {
	// Begin sets the replica to a state that a replica gave as Snapshot before.
	Begin(snapshot []byte) error
	// Apply takes the next event and the time at which it was put into the
	// order, by one clock for all nodes.
	Apply(at time.Time, event []byte)
	Snapshot() ([]byte, error)
}
