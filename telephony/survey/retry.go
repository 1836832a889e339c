package survey

import "time"

// Outcome is how a call to a contact ended.
type Outcome string

// The outcomes of a call.
const (
	Done        Outcome = "done"        // all that was to be asked was asked
	Partial     Outcome = "partial"     // the citizen hung up on the way
	Refused     Outcome = "refused"     // the citizen would not take part
	NotAgain    Outcome = "not_again"   // and is not to be called any more
	QuotaFull   Outcome = "quota_full"  // enough like this one were asked
	NoAnswer    Outcome = "no_answer"   // nobody picked up
	Busy        Outcome = "busy"        // the line was
	Unreachable Outcome = "unreachable" // no such number, or no way to it
	Abandoned   Outcome = "abandoned"   // the citizen picked up, and no operator was free
)

// Final tells that nothing more comes of a contact after this outcome.
func (o Outcome) Final() bool {
	switch o {
	case Done, Refused, NotAgain, QuotaFull:
		return true
	}
	return false
}

// Retry says who is called again. Zero values are the usual.
type Retry struct {
	Calls int           `json:"calls,omitempty"` // to one contact at most; 3
	After time.Duration `json:"after,omitempty"` // 1 h
	Busy  time.Duration `json:"busy,omitempty"`  // after a busy line; 10 min
}

// Usual values of Retry.
const (
	usualCalls = 3
	usualAfter = time.Hour
	usualBusy  = 10 * time.Minute
	// AfterAbandoned keeps a citizen who found nobody from being called again at once.
	AfterAbandoned = 24 * time.Hour
)

// Again tells when a contact is called next, after so many calls of which the last ended at a time; false: never.
func (r Retry) Again(calls int, last Outcome, at time.Time) (time.Time, bool) {
	most, after, busy := r.Calls, r.After, r.Busy
	if most <= 0 {
		most = usualCalls
	}
	if after <= 0 {
		after = usualAfter
	}
	if busy <= 0 {
		busy = usualBusy
	}
	switch {
	case last.Final() || calls >= most:
		return time.Time{}, false
	case last == Busy:
		return at.Add(busy), true
	case last == Abandoned:
		return at.Add(AfterAbandoned), true
	}
	return at.Add(after), true
}
