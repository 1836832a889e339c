package acd

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// State is what a seat is doing, as the board shows it.
type State string

// The states of a seat.
const (
	StateOffline  State = "offline"   // nobody there, or no phone
	StateReady    State = "ready"     // can be given a call
	StateRinging  State = "ringing"   // a call is offered to it
	StateTalking  State = "talking"   // in a call
	StateWrapUp   State = "wrap_up"   // finishing the last call
	StateBreak    State = "break"     // the person is away
	StateSetAside State = "set_aside" // did not answer; left out for a while
)

type seat struct {
	id, user   string
	queues     []*queue // that it serves
	presence   Presence
	reason     string // of the presence
	by         string // lead who set it
	registered bool
	state      State
	since      time.Time
	until      time.Time // of wrap-up or set aside
	idle       uint64    // order in which it became ready
	call       string
	offer      *offer // while ringing
	calls      int    // answered since the person came
	talked     time.Duration
	talkingAt  time.Time
	takenAt    time.Time // by the call that it is in; zero: not by one of a queue
	served     *queue    // whose call it is in, or wraps up
	fresh      bool
	alarm      alarm
}

func (m *Machine) seat(id string) *seat {
	s := m.seats[id]
	if s == nil {
		s = &seat{id: id, presence: Offline, state: StateOffline, since: m.now}
		s.alarm.of = s
		for _, name := range m.names {
			if q := m.queues[name]; q.seats == nil || q.seats[id] {
				s.queues = append(s.queues, q)
				q.states[StateOffline]++
			}
		}
		m.seats[id] = s
		m.ids = insert(m.ids, id, cmp.Compare[string])
	}
	return s
}

func (m *Machine) setState(s *seat, st State, reason string) {
	if s.state == st {
		return
	}
	if s.state == StateReady {
		for _, q := range s.queues {
			q.ready = remove(q.ready, s, q.seatOrder)
		}
	}
	if s.state == StateTalking {
		s.talked += m.now.Sub(s.talkingAt)
	}
	m.count(s, st)
	s.state, s.since = st, m.now
	if st != StateWrapUp && st != StateSetAside {
		s.until = time.Time{}
		m.alarms.set(&s.alarm, s.until)
	}
	switch st {
	case StateReady:
		m.seq++
		s.idle = m.seq
		for _, q := range s.queues {
			q.ready = insert(q.ready, s, q.seatOrder)
		}
		m.freshen(s)
	case StateTalking:
		s.talkingAt = m.now
	}
	m.released(s.user)
	m.decide(SeatChanged{Seat: s.id, State: st, Reason: reason})
}

// count keeps each queue's number of seats in a state, and notices when the
// first person comes to work in it or the last one leaves.
func (m *Machine) count(s *seat, st State) {
	for _, q := range s.queues {
		was := q.staffed()
		q.states[s.state]--
		q.states[st]++
		if q.staffed() != was {
			m.staffing(q)
		}
	}
}

// rest puts a seat without a call into the state that its person and its
// device give.
func (m *Machine) rest(s *seat, reason string) {
	s.call, s.offer = "", nil
	m.handled(s)
	switch {
	case s.presence == Offline || !s.registered:
		m.setState(s, StateOffline, reason)
	case s.presence == Break:
		m.setState(s, StateBreak, reason)
	default:
		m.setState(s, StateReady, reason)
	}
}

func (m *Machine) setPresence(e SetPresence) {
	s := m.seat(e.Seat)
	reason := ReasonPresence
	if e.By != "" {
		reason = ReasonForced
	}
	if e.User != "" && e.Presence != Offline {
		if o := m.users[e.User]; o != nil && o != s && o.user == e.User && o.presence != Offline {
			o.presence, o.reason, o.by = Offline, "", e.By
			m.moved(o, reason)
		}
		m.users[e.User] = s
	}
	if s.user != e.User || s.presence == Offline && e.Presence != Offline {
		s.calls, s.talked = 0, 0
	}
	m.released(s.user)
	s.user, s.presence, s.reason, s.by = e.User, e.Presence, e.Reason, e.By
	m.released(s.user)
	if (s.state == StateSetAside || s.state == StateWrapUp) && e.Presence == Ready {
		m.rest(s, reason) // the person says so: back at once
		return
	}
	m.reable(s)
	m.moved(s, reason)
}

func (m *Machine) setDevice(e SetDevice) {
	s := m.seat(e.Seat)
	s.registered = e.Registered
	m.moved(s, ReasonDevice)
}

func (m *Machine) setSkills(e SetSkills) {
	m.skills[e.User] = maps.Clone(e.Skills)
	if len(e.Skills) == 0 {
		delete(m.skills, e.User)
	}
	m.released(e.User)
	if s := m.users[e.User]; s != nil {
		m.reable(s)
	}
}

// reable has a ready seat looked at again whose person, or skills, or counts
// have changed.
func (m *Machine) reable(s *seat) {
	if s.state != StateReady {
		return
	}
	for _, q := range s.queues { // its key may have changed
		q.ready = slices.DeleteFunc(q.ready, func(o *seat) bool { return o == s })
		q.ready = insert(q.ready, s, q.seatOrder)
	}
	m.freshen(s)
}

// moved settles a seat whose person or device changed. One in a call goes on;
// an offer to one that is no longer ready is withdrawn.
func (m *Machine) moved(s *seat, reason string) {
	able := s.presence == Ready && s.registered
	switch s.state {
	case StateTalking:
	case StateRinging:
		if !able && s.offer != nil {
			m.withdraw(s.offer, ReasonNotReady)
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

// setAside leaves a seat out after an offer that came to nothing.
func (m *Machine) setAside(s *seat, q *queue, reason string) {
	m.pause(s, StateSetAside, q.cfg.SetAside, reason)
}

// wrapUp leaves a seat time to finish its call.
func (m *Machine) wrapUp(s *seat, q *queue) { m.pause(s, StateWrapUp, q.cfg.WrapUp, ReasonEnded) }

// pause keeps a seat from calls for a while, if its person and its phone are there at all.
func (m *Machine) pause(s *seat, st State, d time.Duration, reason string) {
	if d <= 0 || s.presence != Ready || !s.registered {
		m.rest(s, reason)
		return
	}
	s.call, s.offer = "", nil
	s.until = m.now.Add(d)
	m.setState(s, st, reason)
	m.alarms.set(&s.alarm, s.until)
}

// seize takes a seat for a call of its own. A seat that is ringing or talking
// stays as it is: the caller of Seize sees that no SeatChanged came.
func (m *Machine) seize(e Seize) {
	s := m.seats[e.Seat]
	if s == nil || s.state == StateTalking || s.state == StateRinging || m.callers[e.Call] != nil || m.talks[e.Call] != nil {
		return
	}
	m.handled(s)
	s.call = e.Call
	m.talks[e.Call] = s
	m.setState(s, StateTalking, ReasonSeized)
}
