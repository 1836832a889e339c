package notify

import (
	"context"
	"time"
)

// Message is one notification on its way out.
type Message struct {
	ID       string    `json:"id"`   // stable over all tries
	Kind     string    `json:"kind"` // such as "dispatched" or "deadline.red"
	TicketID string    `json:"ticket_id"`
	Number   string    `json:"number,omitempty"`
	Clock    string    `json:"clock,omitempty"`
	Audience string    `json:"audience"` // "user:<id>", "department:<code>", "role:<role>" or "staff"
	At       time.Time `json:"at"`
}

// Sender hands messages to one receiver. Send tries once, within ctx, and may
// be called from several goroutines.
type Sender interface {
	Name() string // for logs; free of secrets
	Send(ctx context.Context, m Message) error
}
