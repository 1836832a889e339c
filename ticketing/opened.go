package ticketing

import (
	"sync"
	"time"
)

const (
	// openedAgain is after how long opening a ticket goes on record again: a page
	// reads its ticket anew with every change.
	openedAgain = 10 * time.Minute
	maxOpened   = 50_000
)

// opened remembers who opened which ticket lately; the zero value is ready.
type opened struct {
	mu sync.Mutex
	at map[[2]string]time.Time
}

func (o *opened) lately(user, ticket string, now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	at, ok := o.at[[2]string{user, ticket}]
	return ok && now.Sub(at) < openedAgain
}

func (o *opened) note(user, ticket string, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.at == nil || len(o.at) >= maxOpened {
		o.at = map[[2]string]time.Time{}
	}
	o.at[[2]string{user, ticket}] = now
}
