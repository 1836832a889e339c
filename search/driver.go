package search

import (
	"context"
	"encoding/binary"
	"hash/fnv"
	"math"
	"time"
)

// Driver is one engine. It never sees raw query text, only a checked [Plan].
// Errors that mean "not reachable" wrap [ErrUnavailable].
type Driver interface {
	// Put writes documents; one with a lower version than what is stored, or than
	// the deletion that removed it, is left out without an error.
	Put(ctx context.Context, docs []Document) error
	// Delete removes documents whose stored version is not higher than the deletion's.
	Delete(ctx context.Context, deletions []Deletion) error
	// Search answers a plan. Put and Delete show at the latest after Refresh.
	Search(ctx context.Context, plan Plan) (Found, error)
	// Rank answers a ranking: the rows with the highest sums of weights, of those where
	// there is any, by falling sum (Score), CreatedAt and ID.
	Rank(ctx context.Context, ranking Ranking) ([]Row, error)
	// Tabulate counts the documents that a plan takes by the values of two axes, the second
	// of which may have no name; Limit, After, Facets and Histogram are not looked at. Counts
	// are exact; TooManyPairs where there are more than MaxPairs.
	Tabulate(ctx context.Context, plan Plan, rows, columns Axis) (map[Pair]int, error)
	// Stamps lists what is stored in order of ID (by bytes), from after an ID on, at most limit.
	Stamps(ctx context.Context, after string, limit int) ([]Stamp, error)
	// Lookup returns the stamps of those of the IDs that are stored, in any order.
	Lookup(ctx context.Context, ids []string) ([]Stamp, error)
	// Refresh makes all that was written visible to Search and Stamps.
	Refresh(ctx context.Context) error
	// Rebuild lets fill put every document into a fresh copy beside the one that
	// answers queries, then swaps the two. On an error the old one stays.
	Rebuild(ctx context.Context, fill func(put func([]Document) error) error) error
	// Ready is nil when queries can be answered in full; ErrNeedsRebuild or ErrUnavailable otherwise.
	Ready(ctx context.Context) error
	Close() error
}

// Deletion removes one document, unless the index holds a higher version.
type Deletion struct {
	ID      string
	Version int64
}

// Stamp tells what the index holds of a document without its content.
type Stamp struct {
	ID      string
	Version int64
	Digest  int64 // of Document.Digest
}

// Plan is a checked query.
type Plan struct {
	Must      []Alternatives // one of each must occur in number, title or body
	MustNot   []Clause       // none may occur
	Titles    []Alternatives // one of each must occur in the title
	Scope     Scope
	Filters   Filters
	Only      []string // ids, of which alone some are taken; nil: all
	Sort      Sort
	Limit     int
	After     *Position // nil on the first page
	Facets    []string
	Histogram bool
	TotalCap  int // Total counts no further
	FacetSize int // buckets per facet at most

	Understood []Understood // of the text
}

// Alternatives are ways to say one thing.
type Alternatives []Clause

// Clause is a run of atoms that must follow one another in one field.
type Clause []Atom

// Position is a row's place in a result: rows come by falling Score, CreatedAt and
// ID. Score stays 0 when sorted by newest.
type Position struct {
	Score     int
	CreatedAt time.Time // whole milliseconds
	ID        string
}

// Row is one row that an engine found. Its score is the number of Must clauses of which one
// way occurs in the title, or the sum of weights of a [Ranking].
type Row struct {
	ID        string
	Number    string
	Version   int64
	Score     int
	CreatedAt time.Time
	Title     string
	Body      string
	Category  string
	District  string
	State     string
	Place     string
	Location  *Point
}

// Found is what an engine answers. Facets and Histogram count the whole result,
// not the page; facets by falling count, then by key; days in order, empty ones left out.
type Found struct {
	Rows        []Row
	Total       int // at most Plan.TotalCap
	TotalCapped bool
	Facets      map[string][]Bucket
	Histogram   []Bucket
}

// DayZone is the zone in which the histogram's days begin; Shanghai has kept UTC+8 since 1992.
const DayZone = "Asia/Shanghai"

// Millis is the resolution in which indexes keep times; the zero time is 0.
func Millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// Digest sums up the whole content, so that a document whose content changed
// under the same version (a department moved in the tree) is found stale.
func (d Document) Digest() int64 {
	h := fnv.New64a()
	var n [8]byte
	text := func(s string) {
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		_, _ = h.Write(n[:])
		_, _ = h.Write([]byte(s))
	}
	number := func(v int64) {
		binary.BigEndian.PutUint64(n[:], uint64(v))
		_, _ = h.Write(n[:])
	}
	list := func(all []string) {
		number(int64(len(all)))
		for _, s := range all {
			text(s)
		}
	}
	for _, s := range []string{d.ID, d.Number, d.Title, d.Body, d.Type, d.Category, d.District, d.Department, d.State, d.Channel, d.Urgency, d.Place} {
		text(s)
	}
	list(d.Categories)
	list(d.Departments)
	number(d.Version)
	number(Millis(d.CreatedAt))
	number(Millis(d.DueAt))
	if d.Location != nil {
		number(int64(math.Float64bits(d.Location.Lon))) //nolint:gosec // bits, whatever they mean
		number(int64(math.Float64bits(d.Location.Lat))) //nolint:gosec // the same
	}
	return int64(h.Sum64())
}
