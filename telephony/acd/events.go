package acd

import "time"

// Presence is what the person says.
type Presence string

// The presences of a person.
const (
	Offline Presence = "offline"
	Ready   Presence = "ready"
	Break   Presence = "break"
)

// Event is what happens. Times must not go back; one that does is taken as
// the newest time seen.
type Event interface {
	at() time.Time
	on(at time.Time) Event
	kind() string // in a record
}

// The events.
type (
	// SetPresence is what a person at a seat says, or what a lead says for it: By. A user
	// sits at one seat at a time: the seat that the user had before goes offline.
	SetPresence struct {
		At       time.Time `json:"at"`
		Seat     string    `json:"seat"`
		User     string    `json:"user"`
		Presence Presence  `json:"presence"`
		Reason   string    `json:"reason,omitempty"`
		By       string    `json:"by,omitempty"` // a lead; empty: the person
	}
	// SetDevice tells that the seat's phone is registered or gone.
	SetDevice struct {
		At         time.Time `json:"at"`
		Seat       string    `json:"seat"`
		Registered bool      `json:"registered"`
	}
	// SetSkills tells what a person is able to do, at which level. It replaces what was
	// known, and lasts whatever seat the person takes.
	SetSkills struct {
		At     time.Time      `json:"at"`
		User   string         `json:"user"`
		Skills map[string]int `json:"skills"`
	}
	// Arrive puts a caller into a queue.
	Arrive struct {
		At       time.Time `json:"at"`
		Call     string    `json:"call"`
		Queue    string    `json:"queue"`
		Since    time.Time `json:"since,omitzero"`     // the place that it keeps; zero: At
		Priority int       `json:"priority,omitempty"` // levels, beside the queue's
		Needs    Needs     `json:"needs,omitempty"`    // skills, beside what the queue's rules ask for
		Prefer   string    `json:"prefer,omitempty"`   // user
		Callback bool      `json:"callback,omitempty"` // nobody is on the line: not announced to, never sent away for waiting
		NotUntil time.Time `json:"not_until,omitzero"` // no offer before this
	}
	// Park lets a waiting caller hang up and keep the place: it becomes a callback.
	Park struct {
		At   time.Time `json:"at"`
		Call string    `json:"call"`
	}
	// Leave takes a call out wherever it is: the caller hung up, or the
	// conversation ended. It may come at any moment, and twice.
	Leave struct {
		At   time.Time `json:"at"`
		Call string    `json:"call"`
	}
	// Ringing tells that the offered seat's phone rings.
	Ringing struct {
		At   time.Time `json:"at"`
		Call string    `json:"call"`
		Seat string    `json:"seat"`
	}
	// Answered tells that the offered seat answered. If the offer is no
	// longer standing the decision is a Withdraw for that seat. Attempt is
	// that of the offer, 0 for the standing one: word of an offer that was
	// followed by another to the same seat changes nothing.
	Answered struct {
		At      time.Time `json:"at"`
		Call    string    `json:"call"`
		Seat    string    `json:"seat"`
		Attempt int       `json:"attempt,omitempty"`
	}
	// Failed tells that the offer came to nothing: refused, unreachable.
	Failed struct {
		At      time.Time `json:"at"`
		Call    string    `json:"call"`
		Seat    string    `json:"seat"`
		Attempt int       `json:"attempt,omitempty"` // as in Answered
		Reason  string    `json:"reason,omitempty"`
	}
	// Seize takes a seat that starts a call of its own.
	Seize struct {
		At   time.Time `json:"at"`
		Call string    `json:"call"`
		Seat string    `json:"seat"`
	}
	// EndWrapUp makes a seat available before its wrap-up is over.
	EndWrapUp struct {
		At   time.Time `json:"at"`
		Seat string    `json:"seat"`
	}
	// Tick tells that time has passed.
	Tick struct {
		At time.Time `json:"at"`
	}
)

func (e SetPresence) at() time.Time { return e.At }
func (e SetDevice) at() time.Time   { return e.At }
func (e SetSkills) at() time.Time   { return e.At }
func (e Arrive) at() time.Time      { return e.At }
func (e Park) at() time.Time        { return e.At }
func (e Leave) at() time.Time       { return e.At }
func (e Ringing) at() time.Time     { return e.At }
func (e Answered) at() time.Time    { return e.At }
func (e Failed) at() time.Time      { return e.At }
func (e Seize) at() time.Time       { return e.At }
func (e EndWrapUp) at() time.Time   { return e.At }
func (e Tick) at() time.Time        { return e.At }

func (SetPresence) kind() string { return "set_presence" }
func (SetDevice) kind() string   { return "set_device" }
func (SetSkills) kind() string   { return "set_skills" }
func (Arrive) kind() string      { return "arrive" }
func (Park) kind() string        { return "park" }
func (Leave) kind() string       { return "leave" }
func (Ringing) kind() string     { return "ringing" }
func (Answered) kind() string    { return "answered" }
func (Failed) kind() string      { return "failed" }
func (Seize) kind() string       { return "seize" }
func (EndWrapUp) kind() string   { return "end_wrap_up" }
func (Tick) kind() string        { return "tick" }

func (e SetPresence) on(at time.Time) Event { e.At = at; return e }
func (e SetDevice) on(at time.Time) Event   { e.At = at; return e }
func (e SetSkills) on(at time.Time) Event   { e.At = at; return e }
func (e Arrive) on(at time.Time) Event      { e.At = at; return e }
func (e Park) on(at time.Time) Event        { e.At = at; return e }
func (e Leave) on(at time.Time) Event       { e.At = at; return e }
func (e Ringing) on(at time.Time) Event     { e.At = at; return e }
func (e Answered) on(at time.Time) Event    { e.At = at; return e }
func (e Failed) on(at time.Time) Event      { e.At = at; return e }
func (e Seize) on(at time.Time) Event       { e.At = at; return e }
func (e EndWrapUp) on(at time.Time) Event   { e.At = at; return e }
func (e Tick) on(at time.Time) Event        { e.At = at; return e }
