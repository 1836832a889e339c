package city

import (
	"time"

	"hotline/ticketing"
)

// Rating is the citizen's verdict, from 1 (非常不满意) to 5 (非常满意).
// Zero: none was given.
type Rating int

// The five levels of 好差评.
const (
	Unrated          Rating = 0
	VeryDissatisfied Rating = 1
	Dissatisfied     Rating = 2
	Acceptable       Rating = 3
	Satisfied        Rating = 4
	VerySatisfied    Rating = 5
)

// Call is one telephone call as the centre would have recorded it. A zero
// time means that the call never got there.
type Call struct {
	ID         string
	Line       string // the number called
	Digit      string // the key pressed in the IVR; empty: none
	Seat       string // the seat that answered
	Operator   string // the user at that seat
	StartedAt  time.Time
	QueuedAt   time.Time
	OfferedAt  time.Time
	AnsweredAt time.Time
	EndedAt    time.Time
	HungUpBy   string // "citizen", "seat"
}

// Case is one appeal from its arrival to its end. Times after the
// generator's Options.AsOf are zero and State is the state at that moment.
type Case struct {
	Seq    int    // 0, 1, 2 … in order of arrival
	ID     string // of the ticket; UUIDv7 of the arrival's millisecond
	Number string // YYYYMMDD-NNNNNN

	Channel      ticketing.Channel
	State        ticketing.State
	Urgency      ticketing.Urgency
	Confidential bool
	Line         string
	Digit        string
	Appeal       ticketing.Appeal
	Citizen      ticketing.Citizen
	Caller       int    // who of the city's callers, by how often they call: 0 calls most
	Place        string // the gazetteer's name; empty when the city has no places
	Street       string // the place's street (街道); Appeal.District is the district above it

	Call   *Call  // the call that made the ticket; nil for online channels
	Missed []Call // calls of the same citizen just before it that nobody answered

	Operator   string // user who accepted or answered
	Direct     bool   // answered by the operator from the knowledge base
	Department string // by the catalogue, or the desk's choice; empty for a direct answer
	Desk       bool   // the catalogue had no entry: the dispatch desk decided
	Answer     string // the direct answer or the department's reply
	Contacted  bool   // the citizen says the department called
	Solved     bool   // the citizen says it is solved
	Rating     Rating
	Reopened   int    // how often it went back to the department
	FollowUp   string // what the citizen said on the follow-up call
	Outbreak   string // label of the planted outbreak that it belongs to; empty: none

	ArrivedAt    time.Time // the call's beginning, or the online filing
	AcceptedAt   time.Time
	DispatchedAt time.Time
	SignedAt     time.Time
	ContactedAt  time.Time
	ResolvedAt   time.Time // the last time, if it was reopened
	ReviewedAt   time.Time
	FollowedAt   time.Time
	ClosedAt     time.Time

	core [2]int // where in the description the matter itself stands
	ask  [2]int // and where what is asked for stands
}

// Outbreak is a planted burst of one category at one place: the truth that
// a search for hotspots is measured against.
type Outbreak struct {
	ID       string // such as "outbreak-01"
	Category string
	District string // code
	Place    string // a name of the gazetteer
	From, To time.Time
	Cases    int // how many it brings; with Options.Count unset, how many are planned
}
