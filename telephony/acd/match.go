package acd

import (
	"slices"
	"time"
)

// elapse does what has come due by now.
func (m *Machine) elapse() {
	due := func(t time.Time) bool { return !t.IsZero() && !t.After(m.now) }
	for _, id := range m.ids {
		s := m.seats[id]
		switch {
		case s.state == StateWrapUp && due(s.until):
			m.rest(s, ReasonWrapUp)
		case s.state == StateSetAside && due(s.until):
			m.rest(s, ReasonReturned)
		}
	}
	for _, name := range m.names {
		q := m.queues[name]
		for _, c := range slices.Clone(q.callers) {
			if c.phase != waiting && due(c.giveUp) {
				s := c.seat
				m.withdraw(c, ReasonNoAnswer)
				m.setAside(s, q, ReasonNoAnswer)
			}
			if c.phase == waiting && due(c.expire) {
				delete(m.callers, c.id)
				q.remove(c)
				m.decide(Refuse{Call: c.id, Reason: ReasonMaxWait})
			}
		}
	}
}

// match offers waiting callers to ready seats, then announces positions to
// those who still wait and are due to hear it.
func (m *Machine) match() {
	for c, s := m.foremost(); c != nil; c, s = m.foremost() {
		c.phase, c.seat = offered, s
		c.attempt++
		c.giveUp = m.now.Add(2 * c.queue.cfg.RingTimeout)
		s.call = c.id
		m.setState(s, StateRinging, ReasonLongestIdle)
		m.decide(Offer{Call: c.id, Queue: c.queue.cfg.Name, Seat: s.id, User: s.user, Attempt: c.attempt, Reason: ReasonLongestIdle})
	}
	for _, name := range m.names {
		q := m.queues[name]
		for i, c := range q.callers {
			if c.phase == waiting && !c.announce.IsZero() && !c.announce.After(m.now) {
				c.announce = m.now.Add(q.cfg.AnnounceEvery)
				m.decide(Announce{Call: c.id, Ahead: i, Staffed: m.staffed(q)})
			}
		}
	}
}

// foremost is the caller who has waited longest of those for whom a seat is
// ready, whatever the queue, with that seat; nil when there is none.
func (m *Machine) foremost() (*caller, *seat) {
	var best *caller
	var to *seat
	for _, name := range m.names {
		q := m.queues[name]
		i := slices.IndexFunc(q.callers, func(c *caller) bool { return c.phase == waiting })
		if i < 0 || (best != nil && best.order < q.callers[i].order) {
			continue
		}
		if s := m.longestIdle(q); s != nil {
			best, to = q.callers[i], s
		}
	}
	return best, to
}

func (m *Machine) longestIdle(q *queue) *seat {
	var best *seat
	for _, s := range m.seats {
		if s.state == StateReady && q.serves(s.id) && (best == nil || s.idle < best.idle) {
			best = s
		}
	}
	return best
}

// staffed tells whether somebody is at work who will come to this queue.
func (m *Machine) staffed(q *queue) bool {
	for _, s := range m.seats {
		if s.state != StateOffline && s.state != StateBreak && q.serves(s.id) {
			return true
		}
	}
	return false
}

// Deadline is when the next Tick is due; false when nothing runs out.
func (m *Machine) Deadline() (time.Time, bool) {
	var next time.Time
	earlier := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	for _, s := range m.seats {
		if s.state == StateWrapUp || s.state == StateSetAside {
			earlier(s.until)
		}
	}
	for _, q := range m.queues {
		for _, c := range q.callers {
			if c.phase == waiting {
				earlier(c.expire)
				earlier(c.announce)
			} else {
				earlier(c.giveUp)
			}
		}
	}
	return next, !next.IsZero()
}

func (q *queue) serves(seat string) bool { return q.seats == nil || q.seats[seat] }

func (q *queue) remove(c *caller) {
	if i := slices.Index(q.callers, c); i >= 0 {
		q.callers = slices.Delete(q.callers, i, i+1)
	}
}
