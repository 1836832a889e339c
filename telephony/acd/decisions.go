package acd

import "time"

// Decision is what has to be done now.
type Decision interface{ call() string }

// The decisions.
type (
	// Offer the call to the seat.
	Offer struct {
		Call, Queue string
		Seat, User  string
		Attempt     int    // from 1, over the caller's life
		Reason      string // why this seat: a strategy, or ReasonPreferred
		Callback    bool   // nobody is on the line: the caller is called when the seat has answered
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
		Call     string
		Ahead    int
		Staffed  bool          // somebody is at work in the queue
		Estimate time.Duration // of the wait that is left; 0: cannot be said
	}
	// Moved tells that a caller is in another queue now, with the place it had.
	Moved struct {
		Call     string
		From, To string
		Reason   string // ReasonOverflow, ReasonQueueFull, ReasonMaxWait, ReasonNoAgent
	}
	// Divert sends the caller to a number outside; it has left the queue.
	Divert struct {
		Call, Number string
		Reason       string // as in Moved
	}
	// Refuse the caller: it cannot be served, and has left the queue.
	Refuse struct {
		Call   string
		Reason string // ReasonQueueFull, ReasonMaxWait, ReasonNoAgent, ReasonNoQueue
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
func (d Moved) call() string       { return d.Call }
func (d Divert) call() string      { return d.Call }
func (d Refuse) call() string      { return d.Call }
func (d SeatChanged) call() string { return "" }

// CallOf returns the call that a decision is about, or "".
func CallOf(d Decision) string { return d.call() }

// Reasons of decisions and changes, beside the strategies.
const (
	ReasonLongestIdle = string(LongestIdle)
	ReasonPreferred   = "preferred" // the caller talked to this person before
	ReasonNoAnswer    = "no_answer"
	ReasonElsewhere   = "answered_elsewhere"
	ReasonLeft        = "caller_left"
	ReasonLate        = "too_late"
	ReasonNotReady    = "seat_not_ready"
	ReasonUnreachable = "unreachable"
	ReasonQueueFull   = "queue_full"
	ReasonMaxWait     = "max_wait"
	ReasonOverflow    = "overflow"
	ReasonNoAgent     = "no_agent"
	ReasonNoQueue     = "no_such_queue"
	ReasonAnswered    = "answered"
	ReasonEnded       = "call_ended"
	ReasonWrapUp      = "wrap_up_over"
	ReasonReturned    = "set_aside_over"
	ReasonPresence    = "presence"
	ReasonForced      = "forced" // by a lead
	ReasonDevice      = "device"
	ReasonSeized      = "own_call"
)
