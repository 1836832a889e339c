package acd

import (
	"maps"
	"time"
)

// SeatView is a seat as it stands.
type SeatView struct {
	Seat       string
	User       string
	Presence   Presence
	Reason     string // of the presence
	By         string // lead who set the presence
	Registered bool
	State      State
	Since      time.Time // of State
	Until      time.Time // end of wrap-up or of being set aside
	Call       string
	Calls      int            // answered since the person came
	Talked     time.Duration  // since the person came, the call that it is in left out
	Skills     map[string]int // of the person
}

// CallerView is a caller as it stands.
type CallerView struct {
	Call     string
	Queue    string
	Position int // from 1; 0 when talking
	Since    time.Time
	Seat     string // offered to (the first of several) or talking with
	Offers   int    // that stand
	Talking  bool
	Callback bool
	Estimate time.Duration // of the wait that is left; 0: cannot be said
}

// QueueView is a queue as it stands.
type QueueView struct {
	Name    string
	Callers []CallerView // waiting and offered, in order
	Ready   int
	Busy    int
	Away    int
	Handle  time.Duration // mean time that a call takes a seat
	// EstimateError is the median of |said − actual| ÷ actual of the newest estimates, over waits of 10 s and more; Estimates is how
	// many have been measured.
	EstimateError float64
	Estimates     int
}

// Seats lists all seats, by id.
func (m *Machine) Seats() []SeatView {
	views := make([]SeatView, 0, len(m.seats))
	for _, id := range m.ids {
		v, _ := m.Seat(id)
		views = append(views, v)
	}
	return views
}

// Seat returns one seat; false when the machine has never heard of it.
func (m *Machine) Seat(id string) (SeatView, bool) {
	s := m.seats[id]
	if s == nil {
		return SeatView{}, false
	}
	return SeatView{
		Seat: s.id, User: s.user, Presence: s.presence, Reason: s.reason, By: s.by, Registered: s.registered,
		State: s.state, Since: s.since, Until: s.until, Call: s.call, Calls: s.calls, Talked: s.talked, Skills: maps.Clone(m.skills[s.user]),
	}, true
}

// SeatOf is where a user sits; "" when the user is offline.
func (m *Machine) SeatOf(user string) string {
	if s := m.users[user]; s != nil && s.user == user && s.presence != Offline {
		return s.id
	}
	return ""
}

// Caller returns one caller; false when it is not in a queue nor talking.
func (m *Machine) Caller(call string) (CallerView, bool) {
	c := m.callers[call]
	if c == nil {
		return CallerView{}, false
	}
	v := c.view()
	if !c.talking() {
		v.Position, v.Estimate = m.estimate(c)
		v.Position++
	}
	return v, true
}

// Standing lists the offers of a caller that stand, as they were decided.
func (m *Machine) Standing(call string) []Offer {
	c := m.callers[call]
	if c == nil {
		return nil
	}
	all := make([]Offer, 0, len(c.offers))
	for _, o := range c.offers {
		all = append(all, Offer{
			Call: c.id, Queue: c.queue.cfg.Name, Seat: o.seat.id, User: o.seat.user, Attempt: o.attempt,
			Reason: string(c.queue.cfg.Strategy), Callback: c.callback,
		})
	}
	return all
}

func (c *caller) view() CallerView {
	v := CallerView{Call: c.id, Queue: c.queue.cfg.Name, Since: c.since, Talking: c.talking(), Callback: c.callback, Offers: len(c.offers)}
	switch {
	case c.talking():
		v.Seat = c.seat.id
	case len(c.offers) > 0:
		v.Seat = c.offers[0].seat.id
	}
	return v
}

// Queues lists all queues in configured order.
func (m *Machine) Queues() []QueueView {
	views := make([]QueueView, 0, len(m.names))
	for _, name := range m.names {
		q := m.queues[name]
		v := QueueView{
			Name: name, Callers: make([]CallerView, 0, len(q.callers)), Handle: q.handle.of(q.cfg.Handle),
			EstimateError: q.errors.median(), Estimates: q.errors.count,
			Ready: q.states[StateReady],
			Busy:  q.states[StateRinging] + q.states[StateTalking] + q.states[StateWrapUp],
			Away:  q.states[StateBreak] + q.states[StateSetAside],
		}
		for i, c := range q.callers {
			cv := c.view()
			cv.Position = i + 1
			v.Callers = append(v.Callers, cv)
		}
		views = append(views, v)
	}
	return views
}

// Waiting is how many callers are in queues, those that are offered included.
func (m *Machine) Waiting() int {
	n := 0
	for _, q := range m.queues {
		n += len(q.callers)
	}
	return n
}

// Taken is how many seats ring or talk.
func (m *Machine) Taken() int {
	n := 0
	for _, s := range m.seats {
		if s.call != "" {
			n++
		}
	}
	return n
}
