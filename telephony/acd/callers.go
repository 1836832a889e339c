package acd

import (
	"slices"
	"time"
)

type queue struct {
	cfg     Queue
	seats   map[string]bool // nil: all
	callers []*caller       // waiting and offered, by rank
	ready   []*seat         // in the order in which they are to be offered a caller
	states  map[State]int   // of the seats that serve it
	shared  map[*queue]int  // how many of its seats serve another queue too; of queues whose seats are named
	last    string          // seat that was offered a caller last
	empty   time.Time       // since when nobody is at work
	handle  mean            // how long calls took seats, ringing and wrap-up included
	answer  mean            // how long phones rang until they were answered
	errors  errors          // of the estimated waits
}

func (q *queue) full() bool { return q.cfg.MaxLength > 0 && len(q.callers) >= q.cfg.MaxLength }

// staffed tells whether somebody is at work who will come to this queue.
func (q *queue) staffed() bool {
	return q.states[StateReady]+q.states[StateRinging]+q.states[StateTalking]+q.states[StateWrapUp]+q.states[StateSetAside] > 0
}

type caller struct {
	id       string
	queue    *queue
	since    time.Time
	key      time.Time // rank
	order    uint64    // of arrival, over all queues
	needs    Needs
	prefer   string
	callback bool
	seat     *seat // that it talks with
	offers   []*offer
	attempt  int
	been     []string // queues that it was in
	fresh    bool

	notUntil time.Time
	announce time.Time // next spoken position; zero: none
	expire   time.Time // max wait; zero: none
	overflow time.Time // by waiting; zero: none
	unserved time.Time // when nobody was at work for long enough; zero: none
	turn     time.Time // next change of what it needs, or of whom it prefers; zero: none
	alarm    alarm

	said   time.Duration // first estimate
	saidAt time.Time
}

// offer is a caller's offer to a seat that stands.
type offer struct {
	caller  *caller
	seat    *seat
	attempt int
	rings   bool
	alarm   alarm // when it is given up
	at      time.Time
}

func (c *caller) talking() bool { return c.seat != nil }

// waiting tells whether a seat may be looked for. Under RingAll more seats may
// be rung while others ring.
func (c *caller) waiting() bool {
	return c.seat == nil && (len(c.offers) == 0 || c.queue.cfg.Strategy == RingAll)
}

func (m *Machine) arrive(e Arrive) {
	if m.callers[e.Call] != nil || m.talks[e.Call] != nil {
		return
	}
	q := m.queues[e.Queue]
	if q == nil {
		m.decide(Refuse{Call: e.Call, Reason: ReasonNoQueue})
		return
	}
	m.seq++
	c := &caller{id: e.Call, since: m.now, order: m.seq, needs: e.Needs, prefer: e.Prefer, callback: e.Callback, notUntil: e.NotUntil}
	c.alarm.of = c
	if !e.Since.IsZero() && e.Since.Before(m.now) {
		c.since = e.Since
	}
	c.key = c.since.Add(-q.cfg.Step * time.Duration(q.cfg.Priority+e.Priority))
	m.callers[e.Call] = c
	m.prefers(c)
	m.enter(c, q)
}

// prefers remembers whom a caller prefers.
func (m *Machine) prefers(c *caller) {
	if c.prefer == "" {
		return
	}
	if m.preferring[c.prefer] == nil {
		m.preferring[c.prefer] = map[*caller]bool{}
	}
	m.preferring[c.prefer][c] = true
}

// enter puts a caller into a queue, or where that queue's overflow leads when it is full.
func (m *Machine) enter(c *caller, q *queue) {
	c.queue = q
	c.been = append(c.been, q.cfg.Name)
	if q.full() {
		if !q.cfg.Overflow.Full || !m.passOn(c, ReasonQueueFull) {
			m.refuse(c, ReasonQueueFull)
		}
		return
	}
	after := func(d time.Duration) time.Time {
		if d <= 0 || c.callback {
			return time.Time{}
		}
		return m.now.Add(d)
	}
	c.expire, c.overflow, c.announce = after(q.cfg.MaxWait), time.Time{}, time.Time{}
	if q.cfg.Overflow.leads() {
		c.overflow = after(q.cfg.Overflow.After)
	}
	if q.cfg.AnnounceEvery > 0 && !c.callback {
		c.announce = m.now // told at once unless an offer comes first
	}
	q.callers = insert(q.callers, c, rank)
	m.unserve(c)
	m.freshenCaller(c)
	m.wake(c)
}

// refuse sends a caller away.
func (m *Machine) refuse(c *caller, reason string) {
	m.drop(c)
	m.decide(Refuse{Call: c.id, Reason: reason})
}

// drop forgets a caller, who has no offers any more.
func (m *Machine) drop(c *caller) {
	delete(m.callers, c.id)
	if all := m.preferring[c.prefer]; all != nil {
		if delete(all, c); len(all) == 0 {
			delete(m.preferring, c.prefer)
		}
	}
	c.queue.callers = remove(c.queue.callers, c, rank)
	m.alarms.set(&c.alarm, time.Time{})
}

// passOn sends a caller where its queue's overflow leads; false: nowhere it has not been.
func (m *Machine) passOn(c *caller, reason string) bool {
	from := c.queue
	to := from.cfg.Overflow
	if to.To == "" {
		if to.Number == "" || c.callback {
			return false
		}
		m.drop(c)
		m.decide(Divert{Call: c.id, Number: to.Number, Reason: reason})
		return true
	}
	q := m.queues[to.To]
	if q == nil || q.full() || slices.Contains(c.been, to.To) {
		return false
	}
	from.callers = remove(from.callers, c, rank)
	m.decide(Moved{Call: c.id, From: from.cfg.Name, To: to.To, Reason: reason})
	m.enter(c, q)
	return true
}

// callerDue does what has come due of a waiting caller.
func (m *Machine) callerDue(c *caller) {
	due := func(t *time.Time) bool {
		if t.IsZero() || t.After(m.now) {
			return false
		}
		*t = time.Time{}
		return true
	}
	switch {
	case len(c.offers) > 0: // of several at once
	case due(&c.expire):
		if !c.queue.cfg.Overflow.MaxWait || !m.passOn(c, ReasonMaxWait) {
			m.refuse(c, ReasonMaxWait)
		}
		return
	case due(&c.unserved):
		if m.unservedNow(c) {
			return
		}
	case due(&c.overflow):
		if m.passOn(c, ReasonOverflow) {
			return
		}
		if !slices.Contains(c.been, c.queue.cfg.Overflow.To) { // it is full now
			c.overflow = m.now.Add(c.queue.cfg.Overflow.After)
		}
	}
	if due(&c.notUntil) || due(&c.turn) {
		m.freshenCaller(c)
	}
	if len(c.offers) == 0 && due(&c.announce) {
		m.tell = append(m.tell, c)
	}
	m.wake(c)
}

// wake sets a caller's alarm. One that is offered is left alone, but under RingAll more seats may become able to take it.
func (m *Machine) wake(c *caller) {
	if m.callers[c.id] != c || !c.waiting() {
		m.alarms.set(&c.alarm, time.Time{})
		return
	}
	c.turn = m.nextTurn(c)
	if len(c.offers) > 0 {
		m.alarms.set(&c.alarm, c.turn)
		return
	}
	m.alarms.set(&c.alarm, soonest(c.notUntil, c.announce, c.expire, c.overflow, c.unserved, c.turn))
}

// nextTurn is when it changes which seats are able to take a caller.
func (m *Machine) nextTurn(c *caller) time.Time {
	var turns []time.Time
	if _, until := c.queue.cfg.Rules.at(m.now.Sub(c.since)); until > 0 {
		turns = append(turns, c.since.Add(until))
	}
	if held := c.since.Add(c.queue.cfg.PreferFor); c.prefer != "" && held.After(m.now) {
		turns = append(turns, held)
	}
	return soonest(turns...)
}

// park makes a callback of a waiting caller. One that is offered to a seat is on its way.
func (m *Machine) park(call string) {
	c := m.callers[call]
	if c == nil || c.talking() || c.callback || len(c.offers) > 0 {
		return
	}
	c.callback = true
	c.announce, c.expire, c.overflow, c.unserved = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	m.wake(c)
}

// standing returns the caller's standing offer to the seat, or nil.
func (m *Machine) standing(call, seat string) *offer {
	if c := m.callers[call]; c != nil {
		for _, o := range c.offers {
			if o.seat.id == seat {
				return o
			}
		}
	}
	return nil
}

func (m *Machine) answered(e Answered) {
	o := m.standing(e.Call, e.Seat)
	if o == nil {
		if c := m.callers[e.Call]; c != nil && c.talking() && c.seat.id == e.Seat {
			return // told twice
		}
		m.decide(Withdraw{Call: e.Call, Seat: e.Seat, Reason: ReasonLate})
		return
	}
	if e.Attempt != 0 && e.Attempt != o.attempt {
		return
	}
	c, s := o.caller, o.seat
	m.end(o)
	for len(c.offers) > 0 {
		other := c.offers[0]
		m.withdraw(other, ReasonElsewhere)
		m.rest(other.seat, ReasonElsewhere)
	}
	c.seat = s
	c.queue.callers = remove(c.queue.callers, c, rank)
	m.wake(c)
	s.calls++
	s.takenAt, s.served = o.at, c.queue
	c.queue.answer.add(m.now.Sub(o.at))
	m.waited(c)
	m.setState(s, StateTalking, ReasonAnswered)
	m.decide(Connect{Call: c.id, Seat: s.id, User: s.user})
}

func (m *Machine) failed(e Failed) {
	o := m.standing(e.Call, e.Seat)
	if o == nil || e.Attempt != 0 && e.Attempt != o.attempt {
		return
	}
	m.end(o)
	m.again(o.caller)
	m.setAside(o.seat, o.caller.queue, e.Reason)
}

// end takes an offer off.
func (m *Machine) end(o *offer) {
	m.alarms.set(&o.alarm, time.Time{})
	for i, x := range o.caller.offers {
		if x == o {
			o.caller.offers = append(o.caller.offers[:i:i], o.caller.offers[i+1:]...)
			break
		}
	}
	o.seat.offer = nil
}

// again lets a caller wait on, at the place it had.
func (m *Machine) again(c *caller) {
	if len(c.offers) == 0 {
		m.freshenCaller(c)
		m.wake(c)
	}
}

func (m *Machine) withdraw(o *offer, reason string) {
	m.decide(Withdraw{Call: o.caller.id, Seat: o.seat.id, Reason: reason})
	m.end(o)
	if reason != ReasonLeft && reason != ReasonElsewhere {
		m.again(o.caller)
	}
}

// leave takes a call out, wherever it is.
func (m *Machine) leave(call string) {
	if s := m.talks[call]; s != nil {
		delete(m.talks, call)
		m.rest(s, ReasonEnded)
		return
	}
	c := m.callers[call]
	if c == nil {
		return
	}
	offers := c.offers
	for _, o := range offers {
		m.withdraw(o, ReasonLeft)
	}
	m.drop(c)
	if c.talking() {
		m.wrapUp(c.seat, c.queue)
		return
	}
	for _, o := range offers {
		m.rest(o.seat, ReasonLeft)
	}
}

// staffing notes that the first person came to work in a queue, or the last one left.
func (m *Machine) staffing(q *queue) {
	q.empty = m.now
	if q.staffed() {
		q.empty = time.Time{}
	}
	for _, c := range q.callers {
		m.unserve(c)
		m.wake(c)
	}
}

// unserve sets when a caller is to go because nobody is at work.
func (m *Machine) unserve(c *caller) {
	q := c.queue
	c.unserved = time.Time{}
	if !q.staffed() && !c.callback && (q.cfg.NoAgent == NoAgentLeave || q.cfg.NoAgent == NoAgentOverflow && q.cfg.Overflow.leads()) {
		if q.empty.IsZero() { // nobody has been at work yet
			q.empty = m.now
		}
		c.unserved = q.empty.Add(q.cfg.NoAgentAfter)
		if c.unserved.Before(m.now) {
			c.unserved = m.now
		}
	}
}

// unservedNow sends a caller on whom nobody serves; false when it stays.
func (m *Machine) unservedNow(c *caller) bool {
	if c.queue.staffed() {
		return false
	}
	if c.queue.cfg.NoAgent == NoAgentOverflow {
		return m.passOn(c, ReasonNoAgent)
	}
	m.refuse(c, ReasonNoAgent)
	return true
}
