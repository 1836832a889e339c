package acd

import (
	"cmp"
	"slices"
	"time"
)

// Machine is the state of all queues and seats. It is not safe for use by
// several goroutines. Make one with [New].
type Machine struct {
	now        time.Time // newest time seen
	seq        uint64    // order of arrivals and of becoming idle
	queues     map[string]*queue
	names      []string // of the queues, in configured order
	seats      map[string]*seat
	ids        []string                  // of the seats, sorted
	users      map[string]*seat          // where a user sits
	skills     map[string]map[string]int // by user
	callers    map[string]*caller
	preferring map[string]map[*caller]bool // by user
	talks      map[string]*seat            // seat by the call that it is in, for calls that never queued
	alarms     alarms
	decisions  []Decision

	// What has changed since callers and seats were last matched: no other pair can have become possible.
	freshSeats   []*seat
	freshCallers []*caller
	reserves     bool      // some queue has a reserve, so that one seat's becoming ready may free another
	tell         []*caller // who are due to hear of their position
}

// New makes a machine with the given queues and no seats.
func New(queues []Queue) *Machine {
	m := &Machine{
		queues: map[string]*queue{}, seats: map[string]*seat{}, users: map[string]*seat{}, skills: map[string]map[string]int{},
		callers: map[string]*caller{}, preferring: map[string]map[*caller]bool{}, talks: map[string]*seat{},
	}
	for _, cfg := range queues {
		q := &queue{cfg: cfg, states: map[State]int{}}
		q.cfg.Strategy = cmp.Or(cfg.Strategy, LongestIdle)
		q.cfg.Step = cmp.Or(cfg.Step, DefaultHeadstart)
		q.cfg.Handle = cmp.Or(cfg.Handle, DefaultHandle)
		if len(cfg.Seats) > 0 {
			q.seats = map[string]bool{}
			for _, s := range cfg.Seats {
				q.seats[s] = true
			}
		}
		m.queues[cfg.Name] = q
		m.names = append(m.names, cfg.Name)
		m.reserves = m.reserves || cfg.Reserve > 0
	}
	for _, q := range m.queues {
		q.shared = sharedSeats(q, m.queues)
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
	case SetSkills:
		m.setSkills(e)
	case Arrive:
		m.arrive(e)
	case Park:
		m.park(e.Call)
	case Leave:
		m.leave(e.Call)
	case Ringing:
		if o := m.standing(e.Call, e.Seat); o != nil && !o.rings {
			o.rings = true
			m.alarms.set(&o.alarm, m.now.Add(o.caller.queue.cfg.RingTimeout))
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
	m.announce()
	return m.decisions
}

// Deadline is when the next Tick is due; false when nothing runs out.
func (m *Machine) Deadline() (time.Time, bool) { return m.alarms.next() }

func (m *Machine) decide(d Decision) { m.decisions = append(m.decisions, d) }

// elapse does what has come due by now.
func (m *Machine) elapse() {
	for al := m.alarms.due(m.now); al != nil; al = m.alarms.due(m.now) {
		switch of := al.of.(type) {
		case *seat:
			if of.state == StateSetAside {
				m.rest(of, ReasonReturned)
			} else {
				m.rest(of, ReasonWrapUp)
			}
		case *offer:
			m.withdraw(of, ReasonNoAnswer)
			m.setAside(of.seat, of.caller.queue, ReasonNoAnswer)
		case *caller:
			m.callerDue(of)
		}
	}
}

// rank orders callers: by arrival less the head start, then by order.
func rank(a, b *caller) int {
	return cmp.Or(a.key.Compare(b.key), cmp.Compare(a.order, b.order))
}

// insert puts x into a sorted list.
func insert[T any](list []T, x T, cmp func(a, b T) int) []T {
	i, _ := slices.BinarySearchFunc(list, x, cmp)
	return slices.Insert(list, i, x)
}

// remove takes x out of a sorted list.
func remove[T any](list []T, x T, cmp func(a, b T) int) []T {
	if i, ok := slices.BinarySearchFunc(list, x, cmp); ok {
		return slices.Delete(list, i, i+1)
	}
	return list
}
