package acd

import (
	"slices"
	"time"
)

// Machine is the state of all queues and seats. It is not safe for use by
// several goroutines. Make one with [New].
type Machine struct {
	now       time.Time // newest time seen
	seq       uint64    // order of arrivals and of becoming idle
	queues    map[string]*queue
	names     []string // of the queues, in configured order
	seats     map[string]*seat
	ids       []string // of the seats, sorted
	callers   map[string]*caller
	talks     map[string]*seat // seat by the call that it is in, for calls that never queued
	decisions []Decision
}

type queue struct {
	cfg     Queue
	seats   map[string]bool // nil: all
	callers []*caller       // waiting and ringing, by arrival
}

type seat struct {
	id, user   string
	presence   Presence
	reason     string
	registered bool
	state      State
	since      time.Time
	until      time.Time // of wrap-up or set aside
	idle       uint64    // order in which it became ready
	call       string
}

type phase int

const (
	waiting phase = iota
	offered
	ringing
	talking
)

type caller struct {
	id       string
	queue    *queue
	since    time.Time
	order    uint64 // of arrival, over all queues
	phase    phase
	seat     *seat
	attempt  int
	giveUp   time.Time // of the offer
	announce time.Time // next spoken position; zero: none
	expire   time.Time // max wait; zero: none
}

// New makes a machine with the given queues and no seats.
func New(queues []Queue) *Machine {
	m := &Machine{
		queues: map[string]*queue{}, seats: map[string]*seat{},
		callers: map[string]*caller{}, talks: map[string]*seat{},
	}
	for _, cfg := range queues {
		q := &queue{cfg: cfg}
		if len(cfg.Seats) > 0 {
			q.seats = map[string]bool{}
			for _, s := range cfg.Seats {
				q.seats[s] = true
			}
		}
		m.queues[cfg.Name] = q
		m.names = append(m.names, cfg.Name)
	}
	return m
}

// Apply takes one event and returns what has to be done, in order.
func (m *Machine) Apply(ev Event) []Decision {
	if t := ev.at(); t.After(m.now) {
		m.now = t
	}
	m.decisions = nil
	switch e := ev.(type) {
	case SetPresence:
		m.setPresence(e)
	case SetDevice:
		m.setDevice(e)
	case Arrive:
		m.arrive(e)
	case Leave:
		m.leave(e.Call)
	case Ringing:
		if c := m.standing(e.Call, e.Seat); c != nil && c.phase == offered {
			c.phase = ringing
			c.giveUp = m.now.Add(c.queue.cfg.RingTimeout)
		}
	case Answered:
		m.answered(e)
	case Failed:
		m.failed(e)
	case Seize:
		m.seize(e)
	case EndWrapUp:
		if s := m.seats[e.Seat]; s != nil && s.state == StateWrapUp {
			m.rest(s, ReasonWrapUp)
		}
	case Tick:
	}
	m.elapse()
	m.match()
	return m.decisions
}

func (m *Machine) decide(d Decision) { m.decisions = append(m.decisions, d) }

func (m *Machine) setState(s *seat, st State, reason string) {
	if s.state == st {
		return
	}
	s.state, s.since = st, m.now
	if st != StateWrapUp && st != StateSetAside {
		s.until = time.Time{}
	}
	if st == StateReady {
		m.seq++
		s.idle = m.seq
	}
	m.decide(SeatChanged{Seat: s.id, State: st, Reason: reason})
}

// rest puts a seat without a call into the state that its person and its
// device give.
func (m *Machine) rest(s *seat, reason string) {
	s.call = ""
	switch {
	case s.presence == Offline || !s.registered:
		m.setState(s, StateOffline, reason)
	case s.presence == Break:
		m.setState(s, StateBreak, reason)
	default:
		m.setState(s, StateReady, reason)
	}
}

func (m *Machine) seat(id string) *seat {
	s := m.seats[id]
	if s == nil {
		s = &seat{id: id, presence: Offline, state: StateOffline, since: m.now}
		m.seats[id] = s
		i, _ := slices.BinarySearch(m.ids, id)
		m.ids = slices.Insert(m.ids, i, id)
	}
	return s
}

func (m *Machine) setPresence(e SetPresence) {
	s := m.seat(e.Seat)
	if e.User != "" && e.Presence != Offline {
		for _, id := range m.ids {
			if o := m.seats[id]; o != s && o.user == e.User && o.presence != Offline {
				o.presence, o.reason = Offline, ""
				m.moved(o, ReasonPresence)
			}
		}
	}
	s.user, s.presence, s.reason = e.User, e.Presence, e.Reason
	if (s.state == StateSetAside || s.state == StateWrapUp) && e.Presence == Ready {
		m.rest(s, ReasonPresence) // the person says so: back at once
		return
	}
	m.moved(s, ReasonPresence)
}

func (m *Machine) setDevice(e SetDevice) {
	s := m.seat(e.Seat)
	s.registered = e.Registered
	m.moved(s, ReasonDevice)
}

// moved settles a seat whose person or device changed. One in a call goes on;
// an offer to one that is no longer ready is withdrawn.
func (m *Machine) moved(s *seat, reason string) {
	able := s.presence == Ready && s.registered
	switch s.state {
	case StateTalking:
	case StateRinging:
		if c := m.callers[s.call]; !able && c != nil && c.seat == s {
			m.withdraw(c, ReasonNotReady)
			m.rest(s, reason)
		}
	case StateWrapUp, StateSetAside:
		if !able {
			m.rest(s, reason)
		}
	default:
		m.rest(s, reason)
	}
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
	if q.cfg.MaxLength > 0 && len(q.callers) >= q.cfg.MaxLength {
		m.decide(Refuse{Call: e.Call, Reason: ReasonQueueFull})
		return
	}
	m.seq++
	c := &caller{id: e.Call, queue: q, since: m.now, order: m.seq}
	if q.cfg.MaxWait > 0 {
		c.expire = m.now.Add(q.cfg.MaxWait)
	}
	if q.cfg.AnnounceEvery > 0 {
		c.announce = m.now // told at once unless an offer comes first
	}
	m.callers[e.Call] = c
	q.callers = append(q.callers, c)
}

// standing returns the caller whose standing offer goes to the seat, or nil.
func (m *Machine) standing(call, seat string) *caller {
	c := m.callers[call]
	if c == nil || c.seat == nil || c.seat.id != seat || c.phase == talking {
		return nil
	}
	return c
}

func stale(c *caller, attempt int) bool { return attempt != 0 && attempt != c.attempt }

func (m *Machine) answered(e Answered) {
	c := m.standing(e.Call, e.Seat)
	if c != nil && stale(c, e.Attempt) {
		return
	}
	if c == nil {
		if k := m.callers[e.Call]; k != nil && k.phase == talking && k.seat.id == e.Seat {
			return // told twice
		}
		m.decide(Withdraw{Call: e.Call, Seat: e.Seat, Reason: ReasonLate})
		return
	}
	c.phase = talking
	c.queue.remove(c)
	m.setState(c.seat, StateTalking, ReasonAnswered)
	m.decide(Connect{Call: c.id, Seat: c.seat.id, User: c.seat.user})
}

func (m *Machine) failed(e Failed) {
	c := m.standing(e.Call, e.Seat)
	if c == nil || stale(c, e.Attempt) {
		return
	}
	s := c.seat
	m.release(c)
	m.setAside(s, c.queue, e.Reason)
}

// release gives a caller back to the queue, at the place it had.
func (m *Machine) release(c *caller) {
	c.phase, c.seat, c.giveUp = waiting, nil, time.Time{}
}

func (m *Machine) withdraw(c *caller, reason string) {
	m.decide(Withdraw{Call: c.id, Seat: c.seat.id, Reason: reason})
	m.release(c)
}

// setAside leaves a seat out after an offer that came to nothing.
func (m *Machine) setAside(s *seat, q *queue, reason string) {
	if q.cfg.SetAside <= 0 || s.presence != Ready || !s.registered {
		m.rest(s, reason)
		return
	}
	s.call = ""
	s.until = m.now.Add(q.cfg.SetAside)
	m.setState(s, StateSetAside, reason)
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
	delete(m.callers, call)
	switch c.phase {
	case waiting:
		c.queue.remove(c)
	case offered, ringing:
		c.queue.remove(c)
		s := c.seat
		m.withdraw(c, ReasonLeft)
		m.rest(s, ReasonLeft)
	case talking:
		m.wrapUp(c.seat, c.queue)
	}
}

func (m *Machine) wrapUp(s *seat, q *queue) {
	if q.cfg.WrapUp <= 0 || s.presence != Ready || !s.registered {
		m.rest(s, ReasonEnded)
		return
	}
	s.call = ""
	s.until = m.now.Add(q.cfg.WrapUp)
	m.setState(s, StateWrapUp, ReasonEnded)
}

// seize takes a seat for a call of its own. A seat that is ringing or talking
// stays as it is: the caller of Seize sees that no SeatChanged came.
func (m *Machine) seize(e Seize) {
	s := m.seats[e.Seat]
	if s == nil || s.state == StateTalking || s.state == StateRinging || m.callers[e.Call] != nil || m.talks[e.Call] != nil {
		return
	}
	s.call = e.Call
	m.talks[e.Call] = s
	m.setState(s, StateTalking, ReasonSeized)
}
