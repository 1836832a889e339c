package warning

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Errors of alerts.
var (
	ErrNotFound = errors.New("alert not found")
	ErrConflict = errors.New("the alert has changed meanwhile")
)

// RefusedError says why a step is not possible, and what is.
type RefusedError struct{ Reason string }

// Error gives the reason.
func (e *RefusedError) Error() string { return e.Reason }

// Kind says over what time an alert counts.
type Kind string

// The kinds.
const (
	Daily   Kind = "daily" // a day, with the two before it
	Surge   Kind = "surge" // an hour
	OfTopic Kind = "topic" // a day of one topic
	OfPlace Kind = "place" // places near one another, over days
)

// State of an alert.
type State string

// The states: an alert begins as new and ends as closed or false.
const (
	New      State = "new"
	Verified State = "verified"
	Handled  State = "handled"
	Closed   State = "closed"
	False    State = "false"
)

// Over tells whether an alert has ended.
func (s State) Over() bool { return s == Closed || s == False }

// Next are the states that may follow.
func (s State) Next() []State { return slices.Clone(next[s]) }

// next are the states that may follow.
var next = map[State][]State{
	New: {Verified, False}, Verified: {Handled, Closed, False}, Handled: {Closed, Verified},
}

// Series is what is counted: a category, or a family of categories, in a district.
type Series struct {
	District string `json:"district,omitempty"` // empty: the whole city
	Category string `json:"category"`
}

// Count is a value and how many reports have it.
type Count struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

// Step is one entry of an alert's history.
type Step struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"` // user id
	From State     `json:"from,omitempty"`
	To   State     `json:"to,omitempty"`
	Note string    `json:"note,omitempty"`
}

// Alert is a warning and what became of it.
type Alert struct {
	ID        string    `json:"id"`
	Version   int64     `json:"version"`
	Kind      Kind      `json:"kind"`
	Series    Series    `json:"series"`
	Topic     string    `json:"topic,omitempty"` // id; of one of that kind alone
	Below     string    `json:"below,omitempty"` // id of the alert that has the same tickets; nobody was told of this one
	State     State     `json:"state"`
	Owner     string    `json:"owner,omitempty"` // user id
	OpenedAt  time.Time `json:"opened_at"`
	UpdatedAt time.Time `json:"updated_at"` // the last time that it was improbable
	From      time.Time `json:"from"`       // of the time that is counted
	Until     time.Time `json:"until"`
	Expected  float64   `json:"expected"`
	Observed  int       `json:"observed"`
	Upper     float64   `json:"upper"` // the least count of that time that is warned of
	Days      int       `json:"days"`  // whose evidence was taken together; 0 for an hour
	Score     float64   `json:"score"` // -log10 of how probable it was
	Level     float64   `json:"level"` // probability from which on it is warned of
	FirstSeen time.Time `json:"first_seen"`
	Tickets   []string  `json:"tickets,omitempty"` // ids, newest first, at most MostMembers
	Members   int       `json:"members"`
	Words     []string  `json:"words,omitempty"`
	Places    []Count   `json:"places,omitempty"`
	Past      []string  `json:"past,omitempty"`  // earlier alerts of the series, newest first
	Chart     []Point   `json:"chart,omitempty"` // the last four weeks
	Steps     []Step    `json:"steps,omitempty"`
	Untold    bool      `json:"untold,omitempty"` // people are still to be told of it
}

// Point is a day of a chart.
type Point struct {
	Day      string  `json:"day"`
	Count    int     `json:"count"`
	Expected float64 `json:"expected"`
}

// MostMembers bounds the tickets that an alert names.
const MostMembers = 200

// Filter narrows a list of alerts.
type Filter struct {
	States    []State
	Districts []string  // nil: all; alerts of the whole city are in no district
	Series    *Series   // those of its counts, none of a topic
	Topic     string    // one of that topic
	Below     string    // those below an alert
	Top       bool      // those that are below none
	Since     time.Time // updated at or after
	Limit     int       // 1..200; 50 when zero
	Cursor    string    // from the page before
}

// Page is a part of a list, the newest first.
type Page struct {
	Items []Alert
	Total int
	Next  string // cursor; empty at the end
}

// Store keeps alerts.
type Store interface {
	// SaveAlert writes an alert over its version before; 1 is new. ErrConflict when
	// another was faster.
	SaveAlert(ctx context.Context, a Alert) error
	Alert(ctx context.Context, id string) (Alert, error)
	Alerts(ctx context.Context, f Filter) (Page, error)
}

// Command is a step that somebody asks for.
type Command struct {
	Version int64
	State   State  // empty: stays
	Owner   string // empty: stays
	Note    string
}

const longestNote = 1000

// Do makes a step in an alert's life.
func (a Alert) Do(c Command, by string, now time.Time) (Alert, error) {
	c.Note = strings.TrimSpace(c.Note)
	switch {
	case c.Version != a.Version:
		return a, fmt.Errorf("%w: it has version %d", ErrConflict, a.Version)
	case utf8.RuneCountInString(c.Note) > longestNote:
		return a, &RefusedError{fmt.Sprintf("a note has at most %d characters", longestNote)}
	case c.State != "" && c.State != a.State && !slices.Contains(next[a.State], c.State):
		return a, &RefusedError{fmt.Sprintf("an alert that is %s cannot become %s", a.State, c.State)}
	case (c.State == False || c.State == Closed) && c.Note == "":
		return a, &RefusedError{"say in a note what it was"}
	case c.State == "" && c.Owner == "" && c.Note == "":
		return a, &RefusedError{"give a state, an owner or a note"}
	}
	step := Step{At: now, By: by, Note: c.Note}
	if c.State != "" && c.State != a.State {
		step.From, step.To = a.State, c.State
		a.State = c.State
	}
	if c.Owner != "" {
		a.Owner = c.Owner
	}
	if a.Owner == "" && c.State != "" {
		a.Owner = by // who acts on it has it in hand
	}
	a.Version++
	a.Steps = append(slices.Clone(a.Steps), step)
	return a, nil
}
