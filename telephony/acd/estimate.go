package acd

import (
	"math"
	"slices"
	"time"
)

// mean is the mean of the newest measurements.
type mean struct {
	list []time.Duration
	next int
	sum  time.Duration
}

// remembered is how many measurements a mean is of.
const remembered = 200

func (a *mean) add(d time.Duration) {
	if len(a.list) < remembered {
		a.list = append(a.list, d)
		a.sum += d
		return
	}
	a.sum += d - a.list[a.next]
	a.list[a.next] = d
	a.next = (a.next + 1) % remembered
}

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
	handle := q.handle.of(q.handleStandIn())
	ring := q.answer.of(min(q.cfg.RingTimeout, handle) / 2)
	return ahead, time.Duration(turns*float64(handle)/float64(working)) + ring
}

func (q *queue) handleStandIn() time.Duration {
	if q.cfg.Handle > 0 {
		return q.cfg.Handle
	}
	return DefaultHandle
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
	both := 0
	for id := range of.seats {
		if with.seats[id] {
			both++
		}
	}
	return float64(both) / float64(len(of.seats))
}

// errors are what estimates were wrong by, as a share of the actual wait.
type errors struct {
	list  []float64
	next  int
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
	e, q := math.Abs(float64(c.said-actual))/float64(actual), &c.queue.errors
	q.count++
	if len(q.list) < remembered {
		q.list = append(q.list, e)
		return
	}
	q.list[q.next] = e
	q.next = (q.next + 1) % remembered
}

// median is the median error of the newest estimates; 0 when there are none.
func (e *errors) median() float64 {
	if len(e.list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(e.list))
	return sorted[len(sorted)/2]
}
