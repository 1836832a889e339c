package search

import (
	"context"
	"errors"
	"time"
)

// The lists that a city edits.
const (
	ListGazetteer  = "gazetteer"  // its places, as CSV; see package address
	ListDictionary = "dictionary" // its words; see [ParseDictionary]
)

// MaxList bounds a list, in bytes.
const MaxList = 8 << 20

// The errors of lists.
var (
	// ErrNoList: the city has given none yet.
	ErrNoList = errors.New("there is no such list")
	// ErrListChanged: somebody else wrote it meanwhile.
	ErrListChanged = errors.New("the list was changed meanwhile")
)

// List is a document that the city edits as a whole.
type List struct {
	Name      string
	Version   int64 // 1, 2, 3 …
	Body      string
	UpdatedAt time.Time
}

// Lists keeps them; search/sqlstore does.
type Lists interface {
	// List reads one; ErrNoList where the city has given none.
	List(ctx context.Context, name string) (List, error)
	// ListVersion is 0 where there is none.
	ListVersion(ctx context.Context, name string) (int64, error)
	// SaveList writes a list over the version before; ErrListChanged when that is not what is kept.
	SaveList(ctx context.Context, l List) error
}
