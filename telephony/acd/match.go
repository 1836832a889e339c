package acd

import (
	"cmp"
	"slices"
	"time"
)

// freshen has a seat matched that has become ready, or able to do something else.
func (m *Machine) freshen(s *seat) {
	if !s.fresh {
		s.fresh = true
		m.freshSeats = append(m.freshSeats, s)
	}
	if !m.reserves {
		return
	}
	for _, q := range s.queues { // one more ready seat may free another from a reserve
		if q.cfg.Reserve == 0 {
			continue
		}
		for _, o := range q.ready {
			if !o.fresh {
				o.fresh = true
				m.freshSeats = append(m.freshSeats, o)
			}
		}
	}
}

// freshenCaller has a caller matched who has come, or come back, or needs less now.
func (m *Machine) freshenCaller(c *caller) {
	if !c.fresh {
		c.fresh = true
		m.freshCallers = append(m.freshCallers, c)
	}
}

// match offers callers to seats, the best ranked first, until no pair is left.
// Only pairs with somebody fresh in them can be possible.
func (m *Machine) match() {
	for {
		c := m.foremost()
		if c == nil {
			break
		}
		m.offer(c)
	}
	for _, s := range m.freshSeats {
		s.fresh = false
	}
	for _, c := range m.freshCallers {
		c.fresh = false
	}
	m.freshSeats, m.freshCallers = m.freshSeats[:0], m.freshCallers[:0]
}

// foremost is the best ranked caller for whom a seat is ready; nil: none.
func (m *Machine) foremost() *caller {
	var best *caller
	for _, c := range m.freshCallers {
		if m.callers[c.id] == c && c.waiting() && (best == nil || rank(c, best) < 0) && m.anySeat(c) {
			best = c
		}
	}
	for _, s := range m.freshSeats {
		if s.state != StateReady {
			continue
		}
		for _, q := range s.queues {
			if c := m.first(q, s, best); c != nil {
				best = c
			}
		}
	}
	return best
}

// first is the best ranked caller of a queue that a seat is able to take, if it ranks before another one.
func (m *Machine) first(q *queue, s *seat, before *caller) *caller {
	for _, c := range q.callers {
		if before != nil && rank(c, before) >= 0 {
			return nil
		}
		if c.waiting() && m.able(c, s) {
			return c
		}
	}
	return nil
}

func (m *Machine) anySeat(c *caller) bool {
	return slices.ContainsFunc(c.queue.ready, func(s *seat) bool { return m.able(c, s) })
}

// able tells whether a ready seat of the caller's queue may be offered the caller now.
func (m *Machine) able(c *caller, s *seat) bool {
	if c.notUntil.After(m.now) {
		return false
	}
	if s.user == c.prefer && c.prefer != "" {
		return m.capable(c, s)
	}
	return !m.reserved(c, s) && m.capable(c, s) && !m.held(c)
}

// reserved tells whether a seat is kept back for another queue than the caller's.
func (m *Machine) reserved(c *caller, s *seat) bool {
	return m.reserves && slices.ContainsFunc(s.queues, func(q *queue) bool {
		return q != c.queue && q.cfg.Reserve > 0 && len(q.ready) <= q.cfg.Reserve
	})
}

// capable tells whether the seat's person has the skills that are asked for now.
func (m *Machine) capable(c *caller, s *seat) bool {
	needs, _ := c.queue.cfg.Rules.at(m.now.Sub(c.since))
	if len(needs) == 0 && len(c.needs) == 0 {
		return true
	}
	skills := m.skills[s.user]
	return c.needs.met(skills) && needs.met(skills)
}

// held tells whether a caller still waits for the person it prefers. That
// person must be in a call or about to come out of one.
func (m *Machine) held(c *caller) bool {
	if c.prefer == "" {
		return false
	}
	s := m.users[c.prefer]
	if s == nil || s.user != c.prefer || s.presence != Ready || !slices.Contains(s.queues, c.queue) {
		return false
	}
	switch s.state {
	case StateReady:
		return m.capable(c, s) // it is the one
	case StateRinging, StateTalking, StateWrapUp:
		return c.since.Add(c.queue.cfg.PreferFor).After(m.now)
	}
	return false
}

// released has the callers looked at again who prefer a person that has changed.
func (m *Machine) released(user string) {
	for c := range m.preferring[user] {
		m.freshenCaller(c)
	}
}

// offer offers a caller to a seat, or to all under RingAll.
func (m *Machine) offer(c *caller) {
	for {
		s, reason := m.choose(c)
		if s == nil {
			break
		}
		m.offerTo(c, s, reason)
		if c.queue.cfg.Strategy != RingAll {
			break
		}
	}
	m.wake(c)
}

func (m *Machine) offerTo(c *caller, s *seat, reason string) {
	q := c.queue
	c.attempt++
	o := &offer{caller: c, seat: s, attempt: c.attempt, at: m.now}
	o.alarm.of = o
	c.offers = append(c.offers, o)
	m.alarms.set(&o.alarm, m.now.Add(2*q.cfg.RingTimeout))
	s.call, s.offer = c.id, o
	q.last = s.id
	m.setState(s, StateRinging, reason)
	m.decide(Offer{Call: c.id, Queue: q.cfg.Name, Seat: s.id, User: s.user, Attempt: c.attempt, Reason: reason, Callback: c.callback})
}

// choose picks a seat for a caller by the queue's strategy; nil: none is able.
func (m *Machine) choose(c *caller) (*seat, string) {
	q := c.queue
	if s := m.users[c.prefer]; c.prefer != "" && s != nil && s.user == c.prefer && s.state == StateReady &&
		slices.Contains(s.queues, q) && m.able(c, s) {
		return s, ReasonPreferred
	}
	from := 0
	if q.cfg.Strategy == RoundRobin {
		var ok bool
		if from, ok = slices.BinarySearchFunc(q.ready, q.last, func(s *seat, id string) int { return cmp.Compare(s.id, id) }); ok {
			from++
		}
	}
	for i := range q.ready {
		if s := q.ready[(from+i)%len(q.ready)]; m.able(c, s) {
			return s, string(q.cfg.Strategy)
		}
	}
	return nil, ""
}

// seatOrder is the order in which ready seats are offered callers.
func (q *queue) seatOrder(a, b *seat) int {
	first := 0
	switch q.cfg.Strategy {
	case FewestCalls:
		first = cmp.Compare(a.calls, b.calls)
	case LeastTalk:
		first = cmp.Compare(a.talked, b.talked)
	case RoundRobin:
		return cmp.Compare(a.id, b.id)
	}
	return cmp.Or(first, cmp.Compare(a.idle, b.idle))
}

// announce tells positions to those who still wait and are due to hear them.
func (m *Machine) announce() {
	for _, c := range m.tell {
		if m.callers[c.id] != c || c.talking() || c.callback {
			continue
		}
		if len(c.offers) > 0 { // it hears it when the offer has come to nothing
			c.announce = m.now
			continue
		}
		c.announce = m.now.Add(c.queue.cfg.AnnounceEvery)
		m.wake(c)
		ahead, estimate := m.estimate(c)
		if c.saidAt.IsZero() && estimate > 0 {
			c.said, c.saidAt = estimate, m.now
		}
		m.decide(Announce{Call: c.id, Ahead: ahead, Staffed: c.queue.staffed(), Estimate: estimate})
	}
	m.tell = m.tell[:0]
}

// handled measures how long a call took a seat, when that is over.
func (m *Machine) handled(s *seat) {
	if s.served == nil {
		return
	}
	s.served.handle.add(m.now.Sub(s.takenAt))
	s.served, s.takenAt = nil, time.Time{}
}
