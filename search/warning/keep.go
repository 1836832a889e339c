package warning

import (
	"context"
	"errors"
	"time"
)

// Keeper opens and continues alerts; one that has the same tickets as another that is
// open is put below that, and nobody is told of it.
type Keeper struct {
	Store  Store
	Again  time.Duration // silence after which there is a new alert
	NewID  func(time.Time) string
	Raised func(context.Context, Alert) error // is told of each new alert, once it is kept, until it takes it
}

// The alerts that a new one is compared with.
const (
	mostOpen   = 200
	sameShare  = 0.6 // of the tickets of the smaller of two alerts, from which on they are of one thing
	openWithin = 72 * time.Hour
)

// keep opens an alert, or continues the one that is open.
func (k Keeper) keep(ctx context.Context, found Alert, open *Alert, now time.Time) error {
	if open == nil {
		return k.open(ctx, found, now)
	}
	found.ID, found.Version, found.State, found.OpenedAt, found.Owner, found.Steps = open.ID, open.Version+1, open.State, open.OpenedAt, open.Owner, open.Steps
	found.Below, found.Untold = open.Below, open.Untold
	found.FirstSeen, found.Score = earlier(open.FirstSeen, found.FirstSeen), max(open.Score, found.Score)
	err := k.Store.SaveAlert(ctx, found)
	if errors.Is(err, ErrConflict) {
		return nil // somebody acts on it at this moment: the next look tells
	}
	return err
}

func (k Keeper) open(ctx context.Context, found Alert, now time.Time) error {
	found.ID, found.Version, found.State, found.OpenedAt = k.NewID(now), 1, New, now
	found.Steps = []Step{{At: now, To: New}}
	above, err := k.above(ctx, found, now)
	if err != nil {
		return err
	}
	found.Below, found.Untold = above, above == ""
	if err := k.Store.SaveAlert(ctx, found); err != nil || !found.Untold {
		return err
	}
	return k.tell(ctx, found)
}

// tell tells of an alert. What comes between that and its being noted has it told again.
func (k Keeper) tell(ctx context.Context, a Alert) error {
	if err := k.Raised(ctx, a); err != nil {
		return err
	}
	a.Untold = false
	a.Version++
	err := k.Store.SaveAlert(ctx, a)
	if errors.Is(err, ErrConflict) {
		return nil // somebody acts on it already
	}
	return err
}

// TellUntold tells of the alerts of which telling failed, or was interrupted. One that
// cannot be told of keeps no other waiting.
func (k Keeper) TellUntold(ctx context.Context, now time.Time) error {
	page, err := k.Store.Alerts(ctx, Filter{States: []State{New}, Since: now.Add(-openWithin), Top: true, Limit: mostOpen})
	if err != nil {
		return err
	}
	var errs []error
	for _, a := range page.Items {
		if a.Untold {
			errs = append(errs, k.tell(ctx, a))
		}
	}
	return errors.Join(errs...)
}

// above is the open alert that has most of the tickets that one has; "" where there is none.
func (k Keeper) above(ctx context.Context, found Alert, now time.Time) (string, error) {
	page, err := k.Store.Alerts(ctx, Filter{States: []State{New, Verified, Handled}, Since: now.Add(-openWithin), Top: true, Limit: mostOpen})
	if err != nil {
		return "", err
	}
	best, most := "", sameShare
	for _, a := range page.Items {
		if share := shared(a.Tickets, found.Tickets); share >= most {
			best, most = a.ID, share
		}
	}
	return best, nil
}

// shared is which part of the smaller of two lists of tickets is in both.
func shared(a, b []string) float64 {
	have := map[string]bool{}
	for _, id := range a {
		have[id] = true
	}
	both := 0
	for _, id := range b {
		if have[id] {
			both++
		}
	}
	return float64(both) / float64(max(1, min(len(a), len(b))))
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// current is the alert of a series that goes on, and the ids of the others.
func current(alerts []Alert, kind Kind, now time.Time, again time.Duration) (open *Alert, past []string) {
	for i, a := range alerts {
		if open == nil && a.Kind == kind && a.State != Closed && now.Sub(a.UpdatedAt) < again {
			open = &alerts[i]
			continue
		}
		past = append(past, a.ID)
	}
	return open, past
}
