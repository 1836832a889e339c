package telephony

import (
	"context"
	"time"
)

// Callers knows citizens by their number. It is asked while they listen: an answer that takes longer than half a second counts as none.
type Callers interface {
	// Facts are words that are true of a citizen, such as elder, disabled or ticket (one is being worked on). Flows branch on them.
	Facts(ctx context.Context, number string) ([]string, error)
	// Progress names the prompts that say how far a ticket is; none where the citizen has no ticket of that number.
	Progress(ctx context.Context, number, ticket string) ([]string, error)
}

// Words that the centre itself knows to be true of a caller.
const (
	callerKnown  = "known"  // the number was told
	callerRepeat = "repeat" // talked with a seat within repeatWithin
)

const (
	callersPatience = 500 * time.Millisecond
	repeatWithin    = 72 * time.Hour
)

// facts are what is true of the caller.
func (k *call) facts() map[string]bool {
	cdr, _ := k.snapshot()
	facts := map[string]bool{}
	number := known(cdr.Caller)
	if number == "" {
		return facts
	}
	facts[callerKnown] = true
	facts[callerRepeat] = k.lastAgent(repeatWithin) != ""
	if k.c.callers == nil {
		return facts
	}
	ctx, cancel := context.WithTimeout(k.ctx, callersPatience)
	defer cancel()
	words, err := k.c.callers.Facts(ctx, number)
	if err != nil {
		k.log.Warn("what is known of a caller cannot be read", "error", err)
	}
	for _, w := range words {
		facts[w] = true
	}
	return facts
}

// progress is what is said of the caller's ticket.
func (k *call) progress(ticket string) []string {
	cdr, _ := k.snapshot()
	number := known(cdr.Caller)
	if number == "" || k.c.callers == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(k.ctx, callersPatience)
	defer cancel()
	says, err := k.c.callers.Progress(ctx, number, ticket)
	if err != nil {
		k.log.Warn("the progress of a caller's ticket cannot be read", "error", err)
		return nil
	}
	return says
}
