package web

import (
	"context"
	"sync"
	"time"
)

const (
	nameLife = time.Minute
	maxNames = 10_000
)

// names says how users are called.
type names struct {
	source Users
	now    func() time.Time

	mu   sync.Mutex
	byID map[string]name
}

type name struct {
	text string
	at   time.Time
}

// of is a user's name; empty for the platform, for citizens and for users that
// are gone.
func (n *names) of(ctx context.Context, id string) string {
	if id == "" || id == "system" || id == "citizen" {
		return ""
	}
	now := n.now()
	n.mu.Lock()
	known, ok := n.byID[id]
	n.mu.Unlock()
	if ok && now.Sub(known.at) < nameLife {
		return known.text
	}
	u, err := n.source.User(ctx, id)
	if err != nil && !absent(err) {
		return "" // a name is worth no refusal
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.byID) >= maxNames {
		clear(n.byID)
	}
	n.byID[id] = name{text: u.Name, at: now}
	return u.Name
}

// recently remembers what happened a short while ago, so that it is recorded once.
type recently struct {
	mu sync.Mutex
	at map[string]time.Time
}

const recentLife = 10 * time.Minute

func (r *recently) has(key string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, ok := r.at[key]
	return ok && now.Sub(at) < recentLife
}

func (r *recently) add(key string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.at) >= maxNames {
		clear(r.at) // recorded once more at worst
	}
	r.at[key] = now
}
