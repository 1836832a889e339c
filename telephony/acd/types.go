package acd

import "time"

// State is what a seat is doing, as the board shows it.
type State string

// The states of a seat.
const (
	StateOffline  State = "offline"   // nobody there, or no phone
	StateReady    State = "ready"     // can be given a call
	StateRinging  State = "ringing"   // a call is offered to it
	StateTalking  State = "talking"   // in a call
	StateWrapUp   State = "wrap_up"   // finishing the last call
	StateBreak    State = "break"     // the person is away
	StateSetAside State = "set_aside" // did not answer; left out for a while
)

// Presence is what the person says.
type Presence string

// The presences of a person.
const (
	Offline Presence = "offline"
	Ready   Presence = "ready"
	Break   Presence = "break"
)

// Queue configures one queue. A duration of zero switches its feature off.
type Queue struct {
	Name          string
	Seats         []string // that serve it; empty: all
	MaxLength     int      // callers, ringing ones included; 0: no bound
	MaxWait       time.Duration
	WrapUp        time.Duration
	SetAside      time.Duration
	AnnounceEvery time.Duration
	RingTimeout   time.Duration // from Ringing, or from Offer when it never rings: twice this
}

// Event is what happens. Times must not go back; one that does is taken as
// the newest time seen.
type Event interface{ at() time.Time }

// The events.
type (
	// SetPresence is what a person at a seat says. A user sits at one seat at a time: the
	// seat that the user had before goes offline.
	SetPresence struct {
		At       time.Time
		Seat     string
		User     string
		Presence Presence
		Reason   string
	}
	// SetDevice tells that the seat's phone is registered or gone.
	SetDevice struct {
		At         time.Time
		Seat       string
		Registered bool
	}
	// Arrive puts a caller at the end of a queue.
	Arrive struct {
		At    time.Time
		Call  string
		Queue string
	}
	// Leave takes a call out wherever it is: the caller hung up, or the
	// conversation ended. It may come at any moment, and twice.
	Leave struct {
		At   time.Time
		Call string
	}
	// Ringing tells that the offered seat's phone rings.
	Ringing struct {
		At         time.Time
		Call, Seat string
	}
	// Answered tells that the offered seat answered. If the offer is no
	// longer standing the decision is a Withdraw for that seat. Attempt is
	// that of the offer, 0 for the standing one: word of an offer that was
	// followed by another to the same seat changes nothing.
	Answered struct {
		At         time.Time
		Call, Seat string
		Attempt    int
	}
	// Failed tells that the offer came to nothing: refused, unreachable.
	Failed struct {
		At         time.Time
		Call, Seat string
		Attempt    int // as in Answered
		Reason     string
	}
	// Seize takes a seat that starts a call of its own.
	Seize struct {
		At         time.Time
		Call, Seat string
	}
	// EndWrapUp makes a seat available before its wrap-up is over.
	EndWrapUp struct {
		At   time.Time
		Seat string
	}
	// Tick tells that time has passed.
	Tick struct{ At time.Time }
)

func (e SetPresence) at() time.Time { return e.At }
func (e SetDevice) at() time.Time   { return e.At }
func (e Arrive) at() time.Time      { return e.At }
func (e Leave) at() time.Time       { return e.At }
func (e Ringing) at() time.Time     { return e.At }
func (e Answered) at() time.Time    { return e.At }
func (e Failed) at() time.Time      { return e.At }
func (e Seize) at() time.Time       { return e.At }
func (e EndWrapUp) at() time.Time   { return e.At }
func (e Tick) at() time.Time        { return e.At }

// Decision is what has to be done now.
type Decision interface{ call() string }

// The decisions.
type (
	// Offer the call to the seat.
	Offer struct {
		Call, Queue string
		Seat, User  string
		Attempt     int    // from 1
		Reason      string // why this seat
	}
	// Withdraw the offer, or hang up the seat's leg if it just answered.
	Withdraw struct {
		Call, Seat string
		Reason     string
	}
	// Connect the caller with the seat that answered.
	Connect struct {
		Call, Seat, User string
	}
	// Announce the position to the caller: Ahead callers are before this one.
	Announce struct {
		Call    string
		Ahead   int
		Staffed bool // somebody is at work in the queue
	}
	// Refuse the caller: the queue is full, or the wait took too long.
	Refuse struct {
		Call   string
		Reason string // ReasonQueueFull, ReasonMaxWait, ReasonNoQueue
	}
	// SeatChanged tells the board.
	SeatChanged struct {
		Seat   string
		State  State
		Reason string
	}
)

func (d Offer) call() string       { return d.Call }
func (d Withdraw) call() string    { return d.Call }
func (d Connect) call() string     { return d.Call }
func (d Announce) call() string    { return d.Call }
func (d Refuse) call() string      { return d.Call }
func (d SeatChanged) call() string { return "" }

// CallOf returns the call that a decision is about, or "".
func CallOf(d Decision) string { return d.call() }

// Reasons of decisions and changes.
const (
	ReasonLongestIdle = "longest_idle"
	ReasonNoAnswer    = "no_answer"
	ReasonLeft        = "caller_left"
	ReasonLate        = "too_late"
	ReasonNotReady    = "seat_not_ready"
	ReasonUnreachable = "unreachable"
	ReasonQueueFull   = "queue_full"
	ReasonMaxWait     = "max_wait"
	ReasonNoQueue     = "no_such_queue"
	ReasonAnswered    = "answered"
	ReasonEnded       = "call_ended"
	ReasonWrapUp      = "wrap_up_over"
	ReasonReturned    = "set_aside_over"
	ReasonPresence    = "presence"
	ReasonDevice      = "device"
	ReasonSeized      = "own_call"
)

// SeatView is a seat as it stands.
type SeatView struct {
	Seat       string
	User       string
	Presence   Presence
	Reason     string // of the presence
	Registered bool
	State      State
	Since      time.Time // of State
	Until      time.Time // end of wrap-up or of being set aside
	Call       string
}

// CallerView is a caller as it stands.
type CallerView struct {
	Call     string
	Queue    string
	Position int // from 1; 0 when talking
	Since    time.Time
	Seat     string // offered to or talking with
	Talking  bool
}

// QueueView is a queue as it stands.
type QueueView struct {
	Name    string
	Callers []CallerView // waiting and ringing, in order
	Ready   int
	Busy    int
	Away    int
}
