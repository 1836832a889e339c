package telephony

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// Errors of the store and the centre.
var (
	ErrNotFound = errors.New("telephony: not found")
	ErrInvalid  = errors.New("telephony: invalid")
	ErrConflict = errors.New("telephony: state does not allow it")
	ErrStopping = errors.New("telephony: centre is stopping")
)

// Event is one line of the append-only call-event log. Seat events that
// belong to no call have an empty CallID.
type Event struct {
	ID     int64           `json:"id"` // given by the store; grows
	At     time.Time       `json:"at"` // to the millisecond
	CallID string          `json:"call_id,omitempty"`
	Seat   string          `json:"seat,omitempty"`
	User   string          `json:"user,omitempty"`
	Type   string          `json:"type"` // see the Ev… constants
	Data   json.RawMessage `json:"data,omitempty"`
}

// CallFilter selects calls, newest first.
type CallFilter struct {
	From, To  time.Time // by StartedAt, half-open; zero is open
	Caller    string    // exact number
	Line      string
	NotLines  []string // calls of these are left out
	Queue     string
	Seat      string
	User      string
	Direction Direction
	Missed    *bool
	Limit     int    // 1…200; 0 is 50
	Cursor    string // from CallPage.NextCursor
}

// CallPage is one page of calls. Total stops counting at 10,000.
type CallPage struct {
	Items       []CDR
	NextCursor  string
	Total       int
	TotalCapped bool
}

// MissedFilter selects missed calls, newest first.
type MissedFilter struct {
	From, To time.Time // by EndedAt, half-open; zero is open
	Line     string
	NotLines []string // calls of these are left out
	Open     bool     // only those not yet called back
	Limit    int      // 1…200; 0 is 50
	Cursor   string
}

// MissedPage is one page of missed calls. Total stops counting at 10,000.
type MissedPage struct {
	Items       []MissedCall
	NextCursor  string
	Total       int
	TotalCapped bool
}

// EventFilter selects events in the order of the log.
type EventFilter struct {
	CallID   string    // events of one call
	From, To time.Time // events of the calls that started in here, half-open
	States   bool      // only changes of seats' states (EvState); From and To are then of the events themselves
	After    int64     // id to go on from
	Limit    int       // 1…10,000; 0 is 1,000
}

// CallRecord is what is saved of a call: its record and, when it was missed, that too.
type CallRecord struct {
	CDR    CDR
	Missed *MissedCall
}

// Store keeps calls, their events, missed calls and seats. Its errors wrap
// ErrNotFound where a row is asked for that is not there.
type Store interface {
	// AppendEvents writes events in order. They get growing ids.
	AppendEvents(ctx context.Context, events []Event) error
	Events(ctx context.Context, f EventFilter) ([]Event, error)

	// WriteLog does AppendEvents and, for records of different calls, SaveCall, all in one transaction.
	WriteLog(ctx context.Context, events []Event, records []CallRecord) error
	// SaveCall inserts or replaces the record of a call, with its missed-call
	// record when missed is not nil, in one transaction.
	SaveCall(ctx context.Context, c CDR, missed *MissedCall) error
	Call(ctx context.Context, id string) (CDR, error)
	Calls(ctx context.Context, f CallFilter) (CallPage, error)
	// OpenCalls are the calls of a node, and those of none, without an end,
	// oldest first: after a crash.
	OpenCalls(ctx context.Context, node string, limit int) ([]CDR, error)

	Missed(ctx context.Context, f MissedFilter) (MissedPage, error)
	// HandleMissed marks a missed call as called back; ErrConflict when it was.
	HandleMissed(ctx context.Context, callID, user string, at time.Time) error

	SaveSeat(ctx context.Context, s Seat) error
	Seat(ctx context.Context, id string) (Seat, error)
	Seats(ctx context.Context) ([]Seat, error)
	DeleteSeat(ctx context.Context, id string) error

	// SaveCallback makes or changes a callback.
	SaveCallback(ctx context.Context, c Callback) error
	Callback(ctx context.Context, id string) (Callback, error)
	Callbacks(ctx context.Context, f CallbackFilter) (CallbackPage, error)

	// ReplaceShifts replaces those that begin in [from, to), in one transaction.
	ReplaceShifts(ctx context.Context, from, to time.Time, shifts []Shift) error
	// Shifts are those that lie in [from, to) or reach into it, by begin and person.
	Shifts(ctx context.Context, from, to time.Time) ([]Shift, error)

	// SaveAnnouncement makes or replaces that of a line.
	SaveAnnouncement(ctx context.Context, a Announcement) error
	DeleteAnnouncement(ctx context.Context, line string) error
	// Announcements are those of all lines, by line.
	Announcements(ctx context.Context) ([]Announcement, error)

	SaveBlock(ctx context.Context, b Block) error
	Block(ctx context.Context, id string) (Block, error)
	Blocks(ctx context.Context, f BlockFilter) (BlockPage, error)

	// SaveSkills replaces what a person is able to do; nothing is no skill.
	SaveSkills(ctx context.Context, user string, s Skills) error
	// Skills are those of all people who have any, by user.
	Skills(ctx context.Context) (map[string]Skills, error)

	// SaveCampaign makes or changes a campaign.
	SaveCampaign(ctx context.Context, c Campaign) error
	// Campaign reads one. Errors: ErrNotFound.
	Campaign(ctx context.Context, id string) (Campaign, error)
	// Campaigns lists campaigns, newest first; of a state, or all when it is empty.
	Campaigns(ctx context.Context, state CampaignState) ([]Campaign, error)
	// AddContacts puts contacts on a campaign's list, in one transaction. A number that is on it stays as it is; it tells how many were added.
	AddContacts(ctx context.Context, all []Contact) (int, error)
	// SaveContact changes a contact.
	SaveContact(ctx context.Context, c Contact) error
	// Contact reads one. Errors: ErrNotFound.
	Contact(ctx context.Context, id string) (Contact, error)
	// Contacts lists contacts in the order of the list.
	Contacts(ctx context.Context, f ContactFilter) ([]Contact, error)
	// TakeContacts gives contacts that wait and are due at a time to a holder, each to one alone: those first that are due first.
	TakeContacts(ctx context.Context, campaign, holder string, at time.Time, limit int) ([]Contact, error)
	// ReleaseContacts lets those of a holder wait again, and tells how many.
	ReleaseContacts(ctx context.Context, holder string) (int, error)
	// CountContacts counts a campaign's contacts by state and outcome.
	CountContacts(ctx context.Context, campaign string) ([]ContactCount, error)
	// ForbidCalls puts a number on the list of those that no campaign calls; AllowCalls takes it off, ErrNotFound where it is not.
	ForbidCalls(ctx context.Context, n NoCall) error
	AllowCalls(ctx context.Context, number string) error
	// NoCalls lists such numbers, in their order, after one.
	NoCalls(ctx context.Context, after string, limit int) ([]NoCall, error)
	// Forbidden tells which of some numbers are on that list.
	Forbidden(ctx context.Context, numbers []string) (map[string]bool, error)
}
