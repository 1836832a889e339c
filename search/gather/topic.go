package gather

import (
	"context"
	"errors"
	"slices"
	"time"

	"hotline/search"
)

// Errors of topics.
var (
	ErrNotFound = errors.New("topic not found")
	ErrConflict = errors.New("the topic has changed meanwhile")
)

// RefusedError says why a step is not possible, and what is.
type RefusedError struct{ Reason string }

// Error gives the reason.
func (e *RefusedError) Error() string { return e.Reason }

// Topic is what several people report of one place.
type Topic struct {
	ID        string        `json:"id"`
	Version   int64         `json:"version"`
	Name      string        `json:"name"`
	NamedBy   string        `json:"named_by,omitempty"` // user id; empty: by its tickets
	Words     []string      `json:"words,omitempty"`    // that most of its tickets have, and few others
	Category  string        `json:"category,omitempty"` // leaf that most of its tickets have; so are the next three
	District  string        `json:"district,omitempty"`
	Place     string        `json:"place,omitempty"` // key in the gazetteer
	PlaceName string        `json:"place_name,omitempty"`
	Location  *search.Point `json:"location,omitempty"`
	First     time.Time     `json:"first"` // ticket
	Last      time.Time     `json:"last"`
	Members   int           `json:"members"`
	People    int           `json:"people"`
	Bad       int           `json:"bad"`       // answers that were rated badly
	Heat      float64       `json:"heat"`      // at the moment of the last ticket; see HeatAt
	PerMonth  float64       `json:"per_month"` // people
	Apart     []string      `json:"apart,omitempty"`
	Into      string        `json:"into,omitempty"` // id of the topic that it was joined to
	CreatedAt time.Time     `json:"created_at"`
	UpdatedAt time.Time     `json:"updated_at"`
	Steps     []Step        `json:"steps,omitempty"`
}

// Step is what somebody did to a topic.
type Step struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"` // user id
	What Deed      `json:"what"`
	With string    `json:"with,omitempty"` // id of the other topic, or the name before
}

// Deed is what people do to topics.
type Deed string

// The deeds.
const (
	Named  Deed = "named"
	Joined Deed = "joined" // another was joined to it
	Split  Deed = "split"  // tickets were taken out, to another
	Begun  Deed = "begun"  // it began with tickets of another
)

// clone copies what may be changed.
func (t Topic) clone() Topic {
	t.Apart, t.Steps = slices.Clone(t.Apart), slices.Clone(t.Steps)
	return t
}

// Member is a ticket that was gathered.
type Member struct {
	Ticket     string // id
	Number     string
	Topic      string    // empty: it is alone
	At         time.Time // when the ticket was created
	GatheredAt time.Time
}

// Sort orders a list of topics.
type Sort string

// The orders.
const (
	Hottest Sort = "heat"
	Newest  Sort = "newest" // by the last ticket
	Largest Sort = "members"
)

// Filter narrows a list of topics. Those that were joined to others are in no list.
type Filter struct {
	Districts  []string // nil: all
	Categories []string // nil: all
	FollowedBy string   // user id
	Name       string   // a part of the name
	Since      time.Time
	Least      int // tickets; 2 when zero
	Sort       Sort
	Limit      int // 1..200; 50 when zero
	Cursor     string
}

// Page is a part of a list.
type Page struct {
	Items []Topic
	Total int
	Next  string // cursor; empty at the end
}

// Move is a ticket that is gathered, or goes from one topic to another.
type Move struct {
	Member
	Was   string // the topic that it leaves; empty: it was alone
	Fresh bool   // it was not gathered before: its topic grows, and people are to be told
}

// Change is what one step writes, all of it or nothing.
type Change struct {
	Moves  []Move
	Topics []Topic           // over their versions before; 1 is new
	Joined map[string]string // all members and followers of a topic go to another
}

// Grown is a topic that got tickets of which nobody was told yet.
type Grown struct {
	Topic string
	Mark  int64 // another one each time that it grows
}

// Day is how many tickets of a topic were created on a day.
type Day struct {
	Topic string
	Day   string // 2026-05-04, in Shanghai
	Count int
}

// Store keeps topics.
type Store interface {
	// Gather writes a change; ErrConflict when a topic or a ticket is not any more what it was
	// when the change was made.
	Gather(ctx context.Context, c Change) error
	Topic(ctx context.Context, id string) (Topic, error)
	Topics(ctx context.Context, f Filter) (Page, error)
	// Memberships are those of some tickets, in no order; what was not gathered yet is missing.
	Memberships(ctx context.Context, tickets []string) ([]Member, error)
	// Members are the newest tickets of a topic, the newest first, and how many there are.
	Members(ctx context.Context, topic string, limit int) ([]Member, int, error)
	// Days counts the tickets of some topics created in [from, to), by day.
	Days(ctx context.Context, topics []string, from, to time.Time) ([]Day, error)
	// Busiest are the n days of single topics with the most tickets, of those created in [from, to).
	Busiest(ctx context.Context, from, to time.Time, n int) ([]Day, error)
	// LastNumber is the highest number that was gathered before a moment; empty where there is none.
	LastNumber(ctx context.Context, before time.Time) (string, error)
	// Grown are topics that grew and were not told of since, those that wait longest first.
	Grown(ctx context.Context, limit int) ([]Grown, error)
	// ToldGrown ends that, unless the topic grew again.
	ToldGrown(ctx context.Context, g Grown) error
	// Follow lets a user follow a topic, or not any more.
	Follow(ctx context.Context, topic, user string, on bool) error
	Followers(ctx context.Context, topic string) ([]string, error)
}
