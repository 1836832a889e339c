package acd

import (
	"math"
	"slices"
	"time"
)

// remembered is how many measurements count.
const remembered = 200

// newest is the newest measurements.
type newest[T any] struct {
	list []T
	next int // that is forgotten next, once there are enough
}

// add remembers a measurement and returns the one that it makes forget, or the zero value.
func (n *newest[T]) add(x T) T {
	if len(n.list) < remembered {
		n.list = append(n.list, x)
		var none T
		return none
	}
	old := n.list[n.next]
	n.list[n.next] = x
	n.next = (n.next + 1) % remembered
	return old
}

// mean is the mean of the newest measurements.
type mean struct {
	newest[time.Duration]
	sum time.Duration
}

func (a *mean) add(d time.Duration) { a.sum += d - a.newest.add(d) }

// of is the mean, or a stand-in until something has been measured.
func (a *mean) of(none time.Duration) time.Duration {
	if len(a.list) == 0 {
		return none
	}
	return a.sum / time.Duration(len(a.list))
}

// estimate is how many callers are ahead of one in its queue, and how long it
// will wait yet until a seat has answered; 0 when nobody is at work.
//
// Each of the n callers before it, those of other queues by the share of seats
// that they take from this one, and it itself need a seat that becomes free.
// Seats become free at the rate of seats at work ÷ mean time that a call takes
// one; then the phone rings for as long as phones did.
func (m *Machine) estimate(c *caller) (int, time.Duration) {
	q := c.queue
	ahead, _ := slices.BinarySearchFunc(q.callers, c, rank)
	working := q.working()
	if working == 0 {
		return ahead, 0
	}
	before := 0
	for _, o := range q.callers[:ahead] {
		if len(o.offers) == 0 {
			before++
		}
	}
	turns := float64(before+1) + m.rivals(c)
	handle := q.handle.of(q.cfg.Handle)
	ring := q.answer.of(min(q.cfg.RingTimeout, handle) / 2)
	return ahead, time.Duration(turns*float64(handle)/float64(working)) + ring
}

// working is how many seats take calls of this queue, sooner or later.
func (q *queue) working() int {
	return q.states[StateReady] + q.states[StateRinging] + q.states[StateTalking] + q.states[StateWrapUp]
}

// rivals is how many seats of the caller's queue go to better ranked callers of other queues.
func (m *Machine) rivals(c *caller) float64 {
	var n float64
	for _, name := range m.names {
		o := m.queues[name]
		if o == c.queue || len(o.callers) == 0 {
			continue
		}
		before, _ := slices.BinarySearchFunc(o.callers, c, rank)
		n += float64(before) * m.overlap(o, c.queue)
	}
	return n
}

// overlap is the share of a queue's seats that serve another one too.
func (m *Machine) overlap(of, with *queue) float64 {
	switch {
	case with.seats == nil:
		return 1
	case of.seats == nil:
		return float64(len(with.seats)) / float64(max(len(m.seats), len(with.seats)))
	}
	return float64(of.shared[with]) / float64(len(of.seats))
}

// sharedSeats counts the seats of a queue that serve others too. Only queues whose seats are named are counted.
func sharedSeats(q *queue, queues map[string]*queue) map[*queue]int {
	shared := map[*queue]int{}
	for _, o := range queues {
		for id := range q.seats {
			if o.seats[id] {
				shared[o]++
			}
		}
	}
	return shared
}

// errors are what estimates were wrong by, as a share of the actual wait.
type errors struct {
	newest[float64]
	count int
}

// worthwhile is the shortest wait whose estimate is measured.
const worthwhile = 10 * time.Second

// waited measures the estimate of a caller whose wait is over.
func (m *Machine) waited(c *caller) {
	actual := m.now.Sub(c.saidAt)
	if c.saidAt.IsZero() || actual < worthwhile {
		return
	}
	e := &c.queue.errors
	e.count++
	e.add(math.Abs(float64(c.said-actual)) / float64(actual))
}

// median is the median error of the newest estimates; 0 when there are none.
func (e *errors) median() float64 {
	if len(e.list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(e.list))
	return sorted[len(sorted)/2]
}
