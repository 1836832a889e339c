package acd

import "time"

// Strategy says which of the able seats is offered a caller.
type Strategy string

// The strategies.
const (
	LongestIdle Strategy = "longest_idle" // the default
	FewestCalls Strategy = "fewest_calls" // since its person came; then longest idle
	LeastTalk   Strategy = "least_talk"   // time in calls since its person came; then longest idle
	RoundRobin  Strategy = "round_robin"  // the next one in the order of their ids
	RingAll     Strategy = "ring_all"     // all of them at once
)

// Strategies lists all strategies.
func Strategies() []Strategy {
	return []Strategy{LongestIdle, FewestCalls, LeastTalk, RoundRobin, RingAll}
}

// NoAgent says what becomes of callers when nobody is at work in their queue.
type NoAgent string

// What becomes of callers whom nobody serves.
const (
	NoAgentWait     NoAgent = "wait"     // they wait on; the default
	NoAgentLeave    NoAgent = "leave"    // they are sent away with ReasonNoAgent
	NoAgentOverflow NoAgent = "overflow" // they go where the overflow leads, or wait where it leads nowhere
)

// Queue configures one queue. A duration of zero switches its feature off.
type Queue struct {
	Name     string        `json:"name"`
	Seats    []string      `json:"seats,omitempty"` // that serve it; empty: all
	Strategy Strategy      `json:"strategy,omitempty"`
	Rules    Rules         `json:"rules,omitempty"`     // what a seat's person must be able to do, over waiting time
	Priority int           `json:"priority,omitempty"`  // of its callers, in levels of Headstart
	Step     time.Duration `json:"headstart,omitempty"` // that a level of priority counts for; 0 is DefaultHeadstart
	// Reserve is how many ready seats of this queue are kept back from the callers of other queues.
	Reserve int `json:"reserve,omitempty"`

	MaxLength    int           `json:"max_length,omitempty"` // callers, those that are offered included; 0: no bound
	MaxWait      time.Duration `json:"max_wait,omitempty"`
	Overflow     Overflow      `json:"overflow,omitzero"`
	NoAgent      NoAgent       `json:"no_agent,omitempty"`
	NoAgentAfter time.Duration `json:"no_agent_after,omitempty"` // how long nobody must be at work; 0: at once

	// PreferFor is how long a caller waits for the person it prefers while that one is in a call or in wrap-up; then any able seat
	// takes it. 0: the preferred person has the caller only when ready.
	PreferFor     time.Duration `json:"prefer_for,omitempty"`
	WrapUp        time.Duration `json:"wrap_up,omitempty"`
	SetAside      time.Duration `json:"set_aside,omitempty"`
	AnnounceEvery time.Duration `json:"announce_every,omitempty"`
	RingTimeout   time.Duration `json:"ring_timeout,omitempty"` // from Ringing, or from Offer when it never rings: twice this
	// Handle is how long a seat is taken by a call, ringing and wrap-up included, until calls have been measured.
	Handle time.Duration `json:"handle,omitempty"`
}

// DefaultHeadstart is the waiting time that a level of priority counts for.
const DefaultHeadstart = time.Minute

// DefaultHandle is what a call is taken for until calls have been measured.
const DefaultHandle = 3 * time.Minute

// Overflow is where callers go whom their queue cannot serve. A caller enters
// each queue at most once, so overflows cannot go round.
type Overflow struct {
	To      string        `json:"to,omitempty"`      // a queue
	Number  string        `json:"number,omitempty"`  // or a number outside, such as the district's hotline: see Divert
	After   time.Duration `json:"after,omitempty"`   // of waiting, and again after as long where To is full; 0: not by waiting
	Full    bool          `json:"full,omitempty"`    // when MaxLength is reached
	MaxWait bool          `json:"maxwait,omitempty"` // in place of being sent away by MaxWait
}

func (o Overflow) leads() bool { return o.To != "" || o.Number != "" }
