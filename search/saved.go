package search

import (
	"context"
	"errors"
	"time"
)

// The bounds of saved searches.
const (
	MaxSaved     = 50 // of one person
	MaxSavedName = 60 // runes
)

// ErrManySaved refuses one more than MaxSaved of a person.
var ErrManySaved = errors.New("there are too many saved searches")

// Saved is a search that somebody keeps under a name.
type Saved struct {
	ID        string
	Owner     string // user
	Name      string // unique among the owner's
	Query     string // as the URL of the search has it
	UpdatedAt time.Time
	ToldAt    time.Time // when it was last looked at for new tickets; zero: it tells nothing
	Seen      []string  // ids that it found of late, and need not be told again
}

// SavedSearches keeps them; search/sqlstore does.
type SavedSearches interface {
	// Searches lists a person's, by name.
	Searches(ctx context.Context, owner string) ([]Saved, error)
	// SaveSearch keeps one, in place of one of the same name; ErrManySaved when there are too many.
	SaveSearch(ctx context.Context, s Saved) error
	// DropSearch forgets one of a person's; dropped is false when there was none.
	DropSearch(ctx context.Context, owner, id string) (dropped bool, err error)
	// Subscribe has a person's search tell of new tickets from a moment on, or no more
	// (the zero time); found is false when there is none.
	Subscribe(ctx context.Context, owner, id string, at time.Time) (found bool, err error)
	// Subscribed lists searches of all people that tell and were last looked at before a moment, the longest ago first.
	Subscribed(ctx context.Context, before time.Time, limit int) ([]Saved, error)
	// Told notes that a search was looked at, unless somebody else did meanwhile (false).
	Told(ctx context.Context, s Saved, at time.Time, seen []string) (won bool, err error)
}
