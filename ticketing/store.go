package ticketing

import (
	"context"
	"time"

	"hotline/ticketing/ledger"
)

// Change is everything one move writes, in one transaction. It is plain data,
// computed before the transaction opens, so that the writer only writes.
type Change struct {
	Ticket      *Ticket // nil when only the other rows are written
	PrevVersion int64   // version the change was made from; 0 inserts
	Edited      bool    // appeal, citizen, urgency or confidentiality changed too
	Numbered    bool    // the ticket gets its number
	Moved       bool    // the department in charge, or who handles it there, changed
	Operated    bool    // the operator changed
	QueryCode   *QueryCode
	Events      []Event
	Outbox      []OutboxItem // Topic, Key and CreatedAt count; a key that exists stays as it is
	// DropDeadlines lists the clocks whose unfired deadlines go before Deadlines are put.
	DropDeadlines []string   // keys of clocks
	Deadlines     []Deadline // the levels of one clock together, in the order in which they come
	Live          []LiveEvent
	Notifications []Notification
	NewCalls      []string // calls linked by this change
	Receipt       *Receipt
	Finish        *OutboxItem // outbox row that this change settles
	Read          *Read
	Records       []Record       // those that are new or changed; the ticket has them too
	Units         []string       // departments that see the ticket beside the one in charge; those that saw it stay
	StopPersons   []string       // whose keys seal nothing new from now on
	Ledger        []ledger.Entry // who did this, from where
	With          []Change       // changes of other tickets, in the same transaction
}

// Receipt remembers the outcome of a request that may be sent again.
type Receipt struct {
	Scope    string
	Key      string // hex SHA-256 of the key that the client chose
	Hash     string // hex SHA-256 of the request
	TicketID string
	Sealed   []byte // secret part of the answer, sealed under the client's key
	At       time.Time
}

// QueryCode is the stored form of a citizen's query code.
type QueryCode struct {
	TicketID string
	Salt     []byte
	Hash     []byte
}

// Read is one look at a citizen's data: who, when, why.
type Read struct {
	ID       int64
	TicketID string
	UserID   string
	What     string // "person", "recording"
	Reason   string
	CallID   string
	At       time.Time

	Department string // of who looked; in the ledger alone
	Own        bool   // the citizen has the name or number of who looked; in the ledger alone
}

// Notification is a message to people about a ticket; it carries no personal data.
type Notification struct {
	ID        string
	TicketID  string // of an alert for "hotspot.raised", of a topic for "topic.grew", of a saved search for "search.found"
	Number    string
	Kind      string // such as "dispatched", "to_desk", "urged", "deadline.yellow"
	Clock     ClockName
	Audience  string // as LiveEvent.Audience
	CreatedAt time.Time
}

// Tally is a number of tickets of one category in one district, of one unit of time.
type Tally struct {
	At       time.Time // its beginning
	District string
	Category string
	Count    int
}

// Sort orders a list of tickets.
type Sort string

// The orders of a list.
const (
	SortNewest Sort = "newest" // created last first; the default
	SortDue    Sort = "due"    // the earliest running limit first; tickets without one are left out
)

// Filter narrows a list; values of one field are alternatives, fields are joined by "and".
type Filter struct {
	States      []State
	Types       []AppealType
	Categories  []string // a node stands for itself and all below it
	Districts   []string // likewise
	Departments []string // likewise
	Channels    []Channel
	Urgencies   []Urgency
	Line        string
	Operator    string // user id
	Handler     string // user id, of the department
	Overdue     bool   // a running clock is past its limit
	AtDesk      bool   // waiting at the dispatch desk
	From, To    time.Time
	Sort        Sort
	Limit       int    // 1..200; 50 when zero
	Cursor      string // from Page.NextCursor
}

// Page is a piece of a list.
type Page struct {
	Items       []Ticket
	NextCursor  string // empty on the last page
	Total       int
	TotalCapped bool // counting stopped at CountCap
}

// CountCap is where counting the rows of a list stops.
const CountCap = 10_000

// Query is a Filter as a Store gets it: trees spread out, the actor's scope put in.
type Query struct {
	Filter
	// Scope bounds the departments whose tickets may be seen; nil means all,
	// empty means none.
	Scope   []string
	ScopeOn bool
	// Partition is the sealed partition that is read, AnySealed for all of them;
	// empty reads the tickets of none.
	Partition string
	Bounds    Bounds
	Now       time.Time
}

// RecordFilter narrows a list of records; values of one field are alternatives.
type RecordFilter struct {
	Kinds      []RecordKind
	States     []RecordState
	Department string
	Limit      int // 1..200; 50 when zero
	Cursor     string
}

// RecordQuery is a RecordFilter as a Store gets it.
type RecordQuery struct {
	RecordFilter
	Scope     []string
	ScopeOn   bool
	Partition string // as of Query
	Bounds    Bounds
}

// AnySealed stands for all sealed partitions; only the platform itself asks so.
const AnySealed = "*"

// RecordItem is a record with its ticket.
type RecordItem struct {
	Record Record
	Ticket Ticket
}

// RecordPage is a piece of a list of records.
type RecordPage struct {
	Items      []RecordItem
	NextCursor string
}

// Due is a deadline that has come, with its ticket.
type Due struct {
	Deadline Deadline
	Ticket   Ticket
}

// FiredDeadline is a deadline with the moment it fired; zero while it has not.
type FiredDeadline struct {
	Deadline
	FiredAt time.Time
}

// CityVersion is one stored version of the reference data.
type CityVersion struct {
	Version int64
	City    City
	Hash    string
	At      time.Time
	By      string
}

// TicketStats are figures of the tickets created in [From, To).
type TicketStats struct {
	From, To     time.Time
	Created      int
	Accepted     int
	Direct       int // answered directly
	Dispatched   int
	Resolved     int // replied and approved, or closed
	Closed       int
	Cancelled    int
	OverdueNow   int // running clocks past their limit, whenever created
	OverdueFired map[ClockName]int
	ByState      map[string]int
	ByType       map[string]int
	ByCategory   map[string]int
	ByDistrict   map[string]int
	ByDepartment map[string]int
	ByChannel    map[string]int
	ByDay        map[string]int // day in Asia/Shanghai, 2026-11-22
}

// PeopleFigures say how many people are behind tickets.
type PeopleFigures struct {
	Tickets int
	Unknown int         // tickets of nobody who is known
	People  int         // who are known
	Sizes   map[int]int // people by their number of tickets
}

// LedgerFilter narrows a list of entries; values of one field are alternatives.
type LedgerFilter struct {
	Classes  []ledger.Class
	Actions  []string
	Actor    string
	Object   string
	Result   ledger.Result
	From, To time.Time
	Before   int64 // place in the chain; the list goes on below it
	Limit    int
}

// Store keeps tickets and all that belongs to them. Every method is safe for
// use by many goroutines.
type Store interface {
	// Commit writes a change in one transaction, all or nothing. It answers
	// ErrStale, ErrReplayed, ErrFinished, ErrNumberTaken or ErrExists.
	Commit(ctx context.Context, c Change) error
	// NextNumber gives out the day's next ticket number, ascending and never twice.
	// day is YYYYMMDD.
	NextNumber(ctx context.Context, day string) (string, error)

	// Ticket reads one by id or number; ErrAbsent when there is none.
	Ticket(ctx context.Context, ref string) (Ticket, error)
	Events(ctx context.Context, ticketID string) ([]Event, error)
	Tickets(ctx context.Context, q Query) (Page, error)
	// Scan reads the tickets of a partition (as of Query) in order of id after a given id.
	Scan(ctx context.Context, partition, after string, limit int) ([]Ticket, error)
	// NumberedAfter reads the tickets outside of sealed partitions whose number follows
	// one, in order of number.
	NumberedAfter(ctx context.Context, number string, limit int) ([]Ticket, error)
	// ByPhone reads a caller's tickets in a partition, newest first.
	ByPhone(ctx context.Context, partition, phone string, limit int) ([]Ticket, error)
	// OfTail names the tickets in a partition of those whose numbers end in
	// TailDigits digits, newest first.
	OfTail(ctx context.Context, partition, digits string, limit int) ([]string, error)
	ByCall(ctx context.Context, callID string) ([]Ticket, error)
	QueryCode(ctx context.Context, number string) (QueryCode, error)
	Receipt(ctx context.Context, scope, key string) (Receipt, error)
	Reads(ctx context.Context, ticketID string) ([]Read, error)
	Notification(ctx context.Context, id string) (Notification, error)
	Notifications(ctx context.Context, audiences []string, limit int) ([]Notification, error)
	Stats(ctx context.Context, q Query) (TicketStats, error)
	// People counts the people behind the tickets of a query.
	People(ctx context.Context, q Query) (PeopleFigures, error)
	// Tallies counts the numbered tickets outside of sealed partitions that were created
	// in [from, to), by unit of time, district and category, in order of time. Units are
	// whole minutes, divide a day and begin with it in Shanghai. Cancelled ones do not count.
	Tallies(ctx context.Context, from, to time.Time, unit time.Duration) ([]Tally, error)
	// Records lists records of tickets, those that are due first.
	Records(ctx context.Context, q RecordQuery) (RecordPage, error)
	// LeastLoaded is the user among the department's clerks of a partition with the
	// fewest open tickets; ErrAbsent when it has none.
	LeastLoaded(ctx context.Context, partition, department string) (string, error)
	// ClosedBefore lists closed tickets of a partition, the longest closed first.
	ClosedBefore(ctx context.Context, partition string, at time.Time, after string, limit int) ([]Ticket, error)

	// Lease takes or renews a hold on a ticket and says who has it: somebody else,
	// while theirs has not run out.
	Lease(ctx context.Context, l Lease, now time.Time) (Lease, error)
	// LeaseOf says who is on a ticket; the zero Lease when nobody is.
	LeaseOf(ctx context.Context, ticketID string, now time.Time) (Lease, error)
	EndLease(ctx context.Context, ticketID, userID string) error
	// SaveFormDraft keeps what has a higher Seq than what is kept.
	SaveFormDraft(ctx context.Context, d FormDraft) error
	FormDraft(ctx context.Context, userID, key string) (FormDraft, error)
	FormDrafts(ctx context.Context, userID string, limit int) ([]FormDraft, error)
	DropFormDraft(ctx context.Context, userID, key string) error
	// Templates lists the centre's templates and those of a department.
	Templates(ctx context.Context, department string) ([]Template, error)
	Template(ctx context.Context, id string) (Template, error)
	// SaveTemplate adds one (version 1) or replaces the version before (ErrStale).
	SaveTemplate(ctx context.Context, t Template) error
	DropTemplate(ctx context.Context, id string) error

	// FireDeadlines claims what is due at or before now and has not fired, on up
	// to limit clocks, and writes the changes that fire makes of them, in one transaction.
	FireDeadlines(ctx context.Context, now time.Time, limit int, fire func([]Due) []Change) (int, error)
	NextDeadline(ctx context.Context) (time.Time, bool, error)

	// City reads the newest version; ErrAbsent before the first import.
	City(ctx context.Context) (CityVersion, error)
	CityVersion(ctx context.Context) (int64, error)
	// CityAt reads one version; ErrAbsent when there is none.
	CityAt(ctx context.Context, version int64) (CityVersion, error)
	// CityVersions lists the versions without their data, the newest first.
	CityVersions(ctx context.Context, limit int) ([]CityVersion, error)
	// SaveCity adds the next version; prev guards against two imports at once (ErrStale).
	// beside is written in the same transaction.
	SaveCity(ctx context.Context, v CityVersion, prev int64, beside Change) error

	// PersonOf is who has a number in a partition; ErrAbsent when nobody has.
	PersonOf(ctx context.Context, partition, number string) (string, error)
	// OfPerson reads the tickets that are sealed for a person, in order of id after a given one.
	OfPerson(ctx context.Context, person, after string, limit int) ([]Ticket, error)
	// EndedBefore reads tickets of some types that ended before a moment, or drafts
	// left alone since, and still have their person, in order of id after a given one.
	EndedBefore(ctx context.Context, partition string, types []AppealType, before time.Time, after string, limit int) ([]Ticket, error)
	// IdlePersons are those who have no ticket and of whom nothing was kept since a
	// moment, in order of id after a given one.
	IdlePersons(ctx context.Context, before time.Time, after string, limit int) ([]string, error)
	// WithKeys are those of some persons whose keys are there.
	WithKeys(ctx context.Context, persons []string) ([]string, error)
	// DestroyPerson destroys a person's key; beside is written in the same transaction.
	DestroyPerson(ctx context.Context, person string, beside Change) error
	// RewriteEvents puts other data into events of a ticket.
	RewriteEvents(ctx context.Context, t Ticket, events []Event) error
	// EraseWords takes the words that match out of the ledger's entries on an object
	// and out of the looks at a ticket; an entry says so.
	EraseWords(ctx context.Context, object, ticketID string, match func(words string) bool) error

	// Ledger lists entries, the newest first.
	Ledger(ctx context.Context, f LedgerFilter) ([]ledger.Entry, error)
}
