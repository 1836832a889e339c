package trunk

import (
	"math"
	"time"
)

// State is how a gateway is.
type State string

// The states of a gateway.
const (
	Unknown State = "unknown" // nothing heard yet
	Up      State = "up"
	Suspect State = "suspect" // failed, not often enough to be down: tried after the others
	Down    State = "down"
)

// Thresholds say when a gateway changes its state. The zero value means 2 and 2.
type Thresholds struct {
	Fails     int           // in a row that make a gateway down
	Successes int           // in a row that bring it back
	Forget    time.Duration // without any word for so long it counts as unknown; 0 never
}

func (t Thresholds) withDefaults() Thresholds {
	if t.Fails <= 0 {
		t.Fails = 2
	}
	if t.Successes <= 0 {
		t.Successes = 2
	}
	return t
}

// Health is what is known of one gateway. The zero value is not usable.
type Health struct {
	limits Thresholds
	state  State
	since  time.Time // of the state
	heard  time.Time // of the last report
	run    int       // failures in a row, or while down successes
	avoid  time.Time // asked to be left alone until then
}

// NewHealth is the health of a gateway that nothing was heard of.
func NewHealth(t Thresholds) Health { return Health{limits: t.withDefaults(), state: Unknown} }

// Report takes the outcome of a ping or of a call; it says whether the state
// changed by it.
func (h *Health) Report(at time.Time, ok bool) bool {
	was := h.State(at)
	if was != h.state { // forgotten
		h.state, h.run = was, 0
	}
	h.heard = at
	next := h.state
	switch {
	case h.state == Down && !ok:
		h.run = 0
	case h.state == Down:
		if h.run++; h.run >= h.limits.Successes {
			next, h.run = Up, 0
		}
	case ok:
		next, h.run = Up, 0
	default:
		next = Suspect
		if h.run++; h.run >= h.limits.Fails {
			next, h.run = Down, 0
		}
	}
	if next == was {
		return false
	}
	h.state, h.since = next, at
	return true
}

// State is the state at a time.
func (h *Health) State(at time.Time) State {
	if h.limits.Forget > 0 && h.state != Unknown && at.Sub(h.heard) >= h.limits.Forget {
		return Unknown
	}
	return h.state
}

// Since is when the state began; zero while it is unknown.
func (h *Health) Since() time.Time { return h.since }

// Avoid takes a gateway's wish to be left alone (503 with Retry-After, RFC
// 3261 section 21.5.4). A later wish replaces an earlier one.
func (h *Health) Avoid(until time.Time) { h.avoid = until }

// Avoided is until when the gateway wishes to be left alone; zero when it does not.
func (h *Health) Avoided(at time.Time) time.Time {
	if h.avoid.After(at) {
		return h.avoid
	}
	return time.Time{}
}

// Rank orders gateways by their health: the lowest is tried first. Those that
// are down are tried last: when all seem to be, one may be wrong.
func (h *Health) Rank(at time.Time) int {
	rank := map[State]int{Unknown: 0, Up: 0, Suspect: 1, Down: 3}[h.State(at)]
	if rank < 2 && h.avoid.After(at) {
		return 2
	}
	return rank
}

// Candidate is a gateway that may be tried.
type Candidate struct {
	Rank     int // by health
	Priority int // lower first
	Weight   int // share among equals; less than 1 counts as 1
}

// Order says in which order to try candidates, as their indexes: by rank, by
// priority, and among equals at random by weight (RFC 2782). random gives a
// number from 0 up to below n.
func Order(all []Candidate, random func(n int) int) []int {
	left := make([]int, len(all))
	for i := range left {
		left[i] = i
	}
	order := make([]int, 0, len(all))
	for len(left) > 0 {
		i := pick(all, left, random)
		order = append(order, left[i])
		left = append(left[:i], left[i+1:]...)
	}
	return order
}

// pick chooses one of those left, as an index into left.
func pick(all []Candidate, left []int, random func(n int) int) int {
	best := Candidate{Rank: math.MaxInt}
	total := 0
	for _, i := range left {
		c := all[i]
		switch {
		case c.Rank < best.Rank, c.Rank == best.Rank && c.Priority < best.Priority:
			best, total = c, weight(c)
		case c.Rank == best.Rank && c.Priority == best.Priority:
			total += weight(c)
		}
	}
	at := random(total)
	last := 0
	for n, i := range left {
		if c := all[i]; c.Rank == best.Rank && c.Priority == best.Priority {
			last = n
			if at -= weight(c); at < 0 {
				break
			}
		}
	}
	return last
}

// maxWeight keeps sums small; DNS SRV has 16 bits for it.
const maxWeight = 65535

func weight(c Candidate) int { return min(max(c.Weight, 1), maxWeight) }
