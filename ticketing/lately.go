package ticketing

import (
	"sync"
	"time"
)

const (
	// openedAgain is after how long opening a ticket goes on record again: a page
	// reads its ticket anew with every change.
	openedAgain = 10 * time.Minute
	// refusedAgain is the same for a refusal: who asks again and again must not
	// fill the record.
	refusedAgain = time.Minute
	maxLately    = 50_000
)

// lately remembers what somebody did to a ticket a short while ago; the zero
// value is ready.
type lately struct {
	mu sync.Mutex
	at map[[2]string]time.Time
}

func (l *lately) has(user, ticket string, now time.Time, within time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, ok := l.at[[2]string{user, ticket}]
	return ok && now.Sub(at) < within
}

func (l *lately) note(user, ticket string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.at == nil || len(l.at) >= maxLately {
		l.at = map[[2]string]time.Time{}
	}
	l.at[[2]string{user, ticket}] = now
}
