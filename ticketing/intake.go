package ticketing

import "time"

// DraftInput opens a draft: a call is offered to a seat, or an operator starts one by hand.
type DraftInput struct {
	ID           string // chosen by the caller, or empty
	Channel      Channel
	Line         string
	Digit        string
	CallID       string
	Appeal       Appeal
	Citizen      Citizen
	Confidential bool
	Urgency      Urgency
	ForUser      string // user who gets the live event call.offered
	Idempotency  string
}

// Filing is an appeal that a citizen files online.
type Filing struct {
	Channel      Channel
	Appeal       Appeal
	Citizen      Citizen
	Confidential bool
	Idempotency  string
}

// Filed answers a Filing. The query code is shown once; only its hash is kept.
type Filed struct {
	Ticket    Ticket
	QueryCode string
	Replayed  bool // the same request had been filed before; number and code are the same
}

// Progress is what a citizen sees of the own appeal.
type Progress struct {
	Number     string
	State      State
	Title      string
	Department string // name
	Steps      []ProgressStep
	Answer     string
	CreatedAt  time.Time
	DueAt      time.Time // of the reply; zero when not known or given
	Rating     int       // that counts; 0 when there is none
	Actions    []ActionState
}

// ProgressStep is one line of the way an appeal went.
type ProgressStep struct {
	At time.Time
	Zh string
	En string
}
