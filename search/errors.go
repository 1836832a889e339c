package search

import (
	"errors"
	"fmt"
)

// The errors that callers tell apart with errors.Is.
var (
	// ErrBadQuery: the query itself must change; the error is a *[QueryError] that says how.
	ErrBadQuery = errors.New("bad query")
	// ErrUnavailable: the engine did not answer in time or at all; the same query may work later.
	ErrUnavailable = errors.New("search is unavailable")
	// ErrNeedsRebuild: the index is new, damaged or of another version; call [Index.Rebuild].
	ErrNeedsRebuild = errors.New("the index needs rebuilding")
	// ErrSuperseded: another rebuild began and took this one's place.
	ErrSuperseded = errors.New("another rebuild took over")
)

// QueryError refuses a query. Field names the part of the query, Reason says what to do.
type QueryError struct {
	Field  string
	Reason string
}

// Error gives the field and the reason, and nothing of what was typed.
func (e *QueryError) Error() string { return fmt.Sprintf("%v: %s: %s", ErrBadQuery, e.Field, e.Reason) }

// Is makes every QueryError an [ErrBadQuery].
func (e *QueryError) Is(target error) bool { return target == ErrBadQuery }

func refuse(field, format string, args ...any) error {
	return &QueryError{Field: field, Reason: fmt.Sprintf(format, args...)}
}
