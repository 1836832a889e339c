package telephony

import (
	"time"

	"hotline/telephony/acd"
)

// Algorithm is a digest algorithm of RFC 8760.
type Algorithm string

// The digest algorithms. MD5 is the default because widespread phones abort
// when a challenge names another one; SHA-256 is switched on per account.
const (
	MD5    Algorithm = "MD5"
	SHA256 Algorithm = "SHA-256"
)

// Seat is a place at which an operator sits: a SIP account. The password
// itself is never stored, only H(user:realm:password).
type Seat struct {
	ID        string    `json:"id"`   // SIP user, such as 8001
	User      string    `json:"user"` // usual user; who really sits there is told by SetStatus
	Algorithm Algorithm `json:"algorithm"`
	HA1       string    `json:"-"`          // hex, under Algorithm
	AutoReady bool      `json:"auto_ready"` // the usual user is ready when the phone registers and nobody has said otherwise
	Disabled  bool      `json:"disabled"`
}

// Presence is what a person says of himself, apart from what the phone does.
type Presence string

// What a person can say.
const (
	Ready   Presence = "ready"
	Break   Presence = "break"
	Offline Presence = "offline"
)

// Status is a person's status with its reason ("lunch", "training").
type Status struct {
	Presence Presence `json:"presence"`
	Reason   string   `json:"reason,omitempty"`
}

// AgentState is a seat as the board shows it.
type AgentState struct {
	Seat       string    `json:"seat"`
	User       string    `json:"user"`
	Presence   Presence  `json:"presence"`
	Reason     string    `json:"reason,omitempty"`
	Registered bool      `json:"registered"`
	State      acd.State `json:"state"`          // offline, ready, ringing, talking, wrap_up, break, set_aside
	Since      time.Time `json:"since"`          // of State
	Until      time.Time `json:"until,omitzero"` // end of wrap-up or of being set aside
	CallID     string    `json:"call_id,omitempty"`

	Lead   string        `json:"lead,omitempty"` // who set Presence in place of the user
	Skills Skills        `json:"skills,omitempty"`
	Calls  int           `json:"calls"`  // of queues, since the user sat down
	Talked time.Duration `json:"talked"` // in those calls
}

// QueueState is a queue as the board shows it.
type QueueState struct {
	Name    string        `json:"name"`
	Waiting int           `json:"waiting"`
	Oldest  time.Time     `json:"oldest,omitzero"` // when the longest waiting caller came
	Ready   int           `json:"ready"`           // seats that could take a call now
	Busy    int           `json:"busy"`            // ringing, talking, wrap-up
	Away    int           `json:"away"`            // break, set aside
	Callers []QueueCaller `json:"callers"`         // in order

	Handle        time.Duration `json:"handle"`         // mean time that a call takes a seat, wrap-up included
	EstimateError float64       `json:"estimate_error"` // median of |said − actual| ÷ actual of the newest estimates, over waits of 10 s and more
	Estimates     int           `json:"estimates"`      // that were measured
}

// QueueCaller is one who waits.
type QueueCaller struct {
	CallID   string    `json:"call_id"`
	Position int       `json:"position"` // from 1
	Since    time.Time `json:"since"`
	Seat     string    `json:"seat,omitempty"` // whose phone rings for this caller

	Callback bool          `json:"callback,omitempty"` // nobody is on the line: the seat will call
	Estimate time.Duration `json:"estimate,omitempty"` // of the wait that is left; 0: cannot be said
}

// LiveCall is a call that is going on.
type LiveCall struct {
	CDR
	State string `json:"state"` // see CallState…
}

// The states of a live call.
const (
	CallStarting = "starting"
	CallPrompt   = "prompt"
	CallQueued   = "queued"
	CallRinging  = "ringing"
	CallTalking  = "talking"
	CallHeld     = "held"
	CallEnding   = "ending"
)
