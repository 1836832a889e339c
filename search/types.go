package search

import (
	"context"
	"time"
)

// Document is what the index keeps of a ticket. It holds no citizen's name and no phone.
type Document struct {
	ID          string
	Number      string
	Version     int64
	Title       string
	Body        string // description, address, answer
	Type        string
	Category    string   // leaf code
	Categories  []string // leaf and its ancestors, for filters on a family
	District    string
	Department  string
	Departments []string // lead and assisting, and their ancestors
	State       string
	Channel     string
	Urgency     string
	Place       string // the place of the gazetteer that it speaks of; empty where none was understood
	Location    *Point // nil where it is not known
	CreatedAt   time.Time
	DueAt       time.Time // of the resolve clock; zero when it does not run
}

// Scope bounds what a query may see. The zero Scope sees nothing.
type Scope struct {
	All         bool
	Departments []string // any of Document.Departments
}

// Filters narrow a query; values of one field are alternatives, fields are joined by "and".
type Filters struct {
	Types       []string
	Categories  []string // leaf or ancestor
	Districts   []string
	Departments []string // lead, assisting or an ancestor of them
	States      []string
	Channels    []string
	Places      []string

	// Of each of these one must be among a document's, besides Categories and Departments.
	MoreCategories  [][]string
	MoreDepartments [][]string

	Tails    []string  // last digits of telephone numbers; who has them is asked of Query.OfTail
	Near     *Circle   // only what lies in it
	Within   Polygon   // only what lies in it
	From, To time.Time // CreatedAt in [From, To)
}

// Sort orders hits.
type Sort string

// The orders of a result.
const (
	ByNewest    Sort = "newest"
	ByRelevance Sort = "relevance"
)

// Query is one search.
type Query struct {
	Text      string // in the query language
	Scope     Scope
	Filters   Filters
	Sort      Sort     // ByNewest when empty
	Limit     int      // 1..200; 20 when zero
	Cursor    string   // from Result.NextCursor
	Facets    []string // of "type", "category", "district", "department", "state", "channel"
	Histogram bool     // hits per day in Asia/Shanghai

	Vocabulary *Vocabulary // nil: words and phrases alone are understood
	Now        time.Time   // what 今天 means; the present when zero

	// OfTail names the documents of those whose telephone numbers end in some digits; nil
	// refuses to look.
	OfTail func(ctx context.Context, digits string) ([]string, error)
}

// Segment is a piece of highlighted text.
type Segment struct {
	Text string `json:"text"`
	Hit  bool   `json:"hit,omitempty"`
}

// Hit is one ticket found.
type Hit struct {
	ID        string
	Number    string
	Version   int64
	Score     float64
	CreatedAt time.Time
	Title     []Segment
	Body      []Segment // a fragment around the first match
}

// Bucket is one value of a facet, or one day of the histogram ("2026-11-22").
type Bucket struct {
	Key   string `json:"key"`
	Count int    `json:"count"`
}

// Result is a page of hits.
type Result struct {
	Hits        []Hit
	Total       int
	TotalCapped bool // counting stopped at 10,000
	Facets      map[string][]Bucket
	Histogram   []Bucket
	NextCursor  string // empty on the last page
	Understood  []Understood
}

// Source reads the truth that the index copies.
type Source interface {
	// Documents calls yield with every ticket that belongs in the index, in order of ID,
	// in batches, from after an ID on. It stops at the first error.
	Documents(ctx context.Context, after string, yield func([]Document) error) error
	// Document reads one afresh; found is false when it does not belong in the index.
	Document(ctx context.Context, id string) (doc Document, found bool, err error)
}
