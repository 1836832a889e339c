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
}

// SavedSearches keeps them; search/sqlstore does.
type SavedSearches interface {
	// Searches lists a person's, by name.
	Searches(ctx context.Context, owner string) ([]Saved, error)
	// SaveSearch keeps one, in place of one of the same name; ErrManySaved when there are too many.
	SaveSearch(ctx context.Context, s Saved) error
	// DropSearch forgets one of a person's; dropped is false when there was none.
	DropSearch(ctx context.Context, owner, id string) (dropped bool, err error)
}
