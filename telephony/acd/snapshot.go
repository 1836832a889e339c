package acd

import (
	"cmp"
	"encoding/json"
	goerrors "errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

var errNoQueues = goerrors.New("a machine needs a queue")

// state is a machine between two events, as JSON.
type state struct {
	Now        time.Time                 `json:"now"`
	Seq        uint64                    `json:"seq"`
	Configured []Queue                   `json:"configured"`
	Queues     map[string]queueState     `json:"queues"`
	Seats      []seatState               `json:"seats"`   // by id
	Callers    []callerState             `json:"callers"` // by order of arrival
	Users      map[string]string         `json:"users"`   // seat by user
	Talks      map[string]string         `json:"talks"`   // seat by call
	Skills     map[string]map[string]int `json:"skills"`
	Alarms     []alarmState              `json:"alarms"` // in the order in which they ring
}

type queueState struct {
	Last   string          `json:"last,omitempty"`
	Empty  time.Time       `json:"empty,omitzero"`
	Handle []time.Duration `json:"handle,omitempty"`
	Answer []time.Duration `json:"answer,omitempty"`
	Errors []float64       `json:"errors,omitempty"`
	Count  int             `json:"count,omitempty"`
}

type seatState struct {
	ID         string        `json:"id"`
	User       string        `json:"user,omitempty"`
	Presence   Presence      `json:"presence"`
	Reason     string        `json:"reason,omitempty"`
	By         string        `json:"by,omitempty"`
	Registered bool          `json:"registered,omitempty"`
	State      State         `json:"state"`
	Since      time.Time     `json:"since"`
	Until      time.Time     `json:"until,omitzero"`
	Idle       uint64        `json:"idle,omitempty"`
	Call       string        `json:"call,omitempty"`
	Calls      int           `json:"calls,omitempty"`
	Talked     time.Duration `json:"talked,omitempty"`
	TalkingAt  time.Time     `json:"talking_at,omitzero"`
	TakenAt    time.Time     `json:"taken_at,omitzero"`
	Served     string        `json:"served,omitempty"`
}

type callerState struct {
	Call     string        `json:"call"`
	Queue    string        `json:"queue"`
	Since    time.Time     `json:"since"`
	Key      time.Time     `json:"key"`
	Order    uint64        `json:"order"`
	Needs    Needs         `json:"needs,omitempty"`
	Prefer   string        `json:"prefer,omitempty"`
	Callback bool          `json:"callback,omitempty"`
	Seat     string        `json:"seat,omitempty"`
	Offers   []offerState  `json:"offers,omitempty"`
	Attempt  int           `json:"attempt,omitempty"`
	Been     []string      `json:"been"`
	NotUntil time.Time     `json:"not_until,omitzero"`
	Announce time.Time     `json:"announce,omitzero"`
	Expire   time.Time     `json:"expire,omitzero"`
	Overflow time.Time     `json:"overflow,omitzero"`
	Unserved time.Time     `json:"unserved,omitzero"`
	Turn     time.Time     `json:"turn,omitzero"`
	Said     time.Duration `json:"said,omitempty"`
	SaidAt   time.Time     `json:"said_at,omitzero"`
}

type offerState struct {
	Seat    string    `json:"seat"`
	Attempt int       `json:"attempt"`
	Rings   bool      `json:"rings,omitempty"`
	At      time.Time `json:"at"`
}

// alarmState names its owner: a seat, a caller, or with both the caller's offer to the seat.
type alarmState struct {
	At   time.Time `json:"at"`
	Seat string    `json:"seat,omitempty"`
	Call string    `json:"call,omitempty"`
}

// Snapshot is the whole state as JSON: a machine that [Restore] makes of it decides as this one does.
func (m *Machine) Snapshot() ([]byte, error) {
	s := state{
		Now: m.now, Seq: m.seq, Queues: map[string]queueState{}, Users: map[string]string{}, Talks: map[string]string{}, Skills: m.skills,
		Configured: m.Configured(),
		Seats:      make([]seatState, 0, len(m.ids)), Callers: make([]callerState, 0, len(m.callers)), Alarms: make([]alarmState, 0, len(m.alarms.list)),
	}
	for _, name := range m.names {
		q := m.queues[name]
		s.Queues[name] = queueState{
			Last: q.last, Empty: q.empty, Handle: q.handle.inOrder(), Answer: q.answer.inOrder(), Errors: q.errors.inOrder(), Count: q.errors.count,
		}
	}
	for _, id := range m.ids {
		s.Seats = append(s.Seats, m.seats[id].saved())
	}
	byOrder := func(a, b *caller) int { return cmp.Compare(a.order, b.order) }
	for _, c := range slices.SortedFunc(maps.Values(m.callers), byOrder) {
		s.Callers = append(s.Callers, c.saved())
	}
	for user, at := range m.users {
		s.Users[user] = at.id
	}
	for call, at := range m.talks {
		s.Talks[call] = at.id
	}
	for _, al := range m.alarms.inOrder() {
		s.Alarms = append(s.Alarms, al.saved())
	}
	return json.Marshal(s)
}

// inOrder lists the measurements, the oldest first.
func (n *newest[T]) inOrder() []T { return append(slices.Clone(n.list[n.next:]), n.list[:n.next]...) }

func (s *seat) saved() seatState {
	st := seatState{
		ID: s.id, User: s.user, Presence: s.presence, Reason: s.reason, By: s.by, Registered: s.registered, State: s.state, Since: s.since, Until: s.until,
		Idle: s.idle, Call: s.call, Calls: s.calls, Talked: s.talked, TalkingAt: s.talkingAt, TakenAt: s.takenAt,
	}
	if s.served != nil {
		st.Served = s.served.cfg.Name
	}
	return st
}

func (c *caller) saved() callerState {
	st := callerState{
		Call: c.id, Queue: c.queue.cfg.Name, Since: c.since, Key: c.key, Order: c.order, Needs: c.needs, Prefer: c.prefer, Callback: c.callback,
		Attempt: c.attempt, Been: c.been, NotUntil: c.notUntil, Announce: c.announce, Expire: c.expire, Overflow: c.overflow,
		Unserved: c.unserved, Turn: c.turn, Said: c.said, SaidAt: c.saidAt,
	}
	if c.seat != nil {
		st.Seat = c.seat.id
	}
	for _, o := range c.offers {
		st.Offers = append(st.Offers, offerState{Seat: o.seat.id, Attempt: o.attempt, Rings: o.rings, At: o.at})
	}
	return st
}

// inOrder lists the alarms that are set in the order in which they ring.
func (a *alarms) inOrder() []*alarm {
	return slices.SortedFunc(slices.Values(a.list), func(x, y *alarm) int { return cmp.Or(x.at.Compare(y.at), cmp.Compare(x.seq, y.seq)) })
}

func (al *alarm) saved() alarmState {
	st := alarmState{At: al.at}
	switch of := al.of.(type) {
	case *seat:
		st.Seat = of.id
	case *caller:
		st.Call = of.id
	case *offer:
		st.Seat, st.Call = of.seat.id, of.caller.id
	}
	return st
}

// Configured are the machine's queues, with their defaults.
func (m *Machine) Configured() []Queue {
	all := make([]Queue, 0, len(m.names))
	for _, name := range m.names {
		all = append(all, m.queues[name].cfg)
	}
	return all
}

// Configured are the queues that a snapshot's machine was made of.
func Configured(snapshot []byte) ([]Queue, error) {
	var s state
	err := json.Unmarshal(snapshot, &s)
	return s.Configured, err
}

// Restore makes the machine of a snapshot. The queues may be others than those that it was made of: callers of one that is no more stand in the
// first, with the place that they had.
func Restore(queues []Queue, snapshot []byte) (*Machine, error) {
	var s state
	if err := json.Unmarshal(snapshot, &s); err != nil {
		return nil, fmt.Errorf("the queues' snapshot cannot be read: %w", err)
	}
	if len(queues) == 0 {
		return nil, errNoQueues
	}
	m := New(queues)
	m.now, m.seq = s.Now, s.Seq
	for user, skills := range s.Skills {
		m.skills[user] = skills
	}
	for _, st := range s.Seats {
		m.restoreSeat(st)
	}
	for name, st := range s.Queues {
		if q := m.queues[name]; q != nil {
			q.last, q.empty = st.Last, st.Empty
			q.errors.count = st.Count
			fill(st.Handle, q.handle.add)
			fill(st.Answer, q.answer.add)
			fill(st.Errors, func(e float64) { q.errors.add(e) })
		}
	}
	for user, id := range s.Users {
		m.users[user] = m.seats[id]
	}
	for call, id := range s.Talks {
		m.talks[call] = m.seats[id]
	}
	for _, st := range s.Callers {
		if err := m.restoreCaller(st); err != nil {
			return nil, err
		}
	}
	m.restoreAlarms(s.Alarms)
	for _, c := range m.callers { // other queues may have made other pairs possible
		m.freshenCaller(c)
	}
	return m, nil
}

func fill[T any](list []T, add func(T)) {
	for _, x := range list {
		add(x)
	}
}

func (m *Machine) restoreSeat(st seatState) {
	s := m.seat(st.ID)
	for _, q := range s.queues {
		q.states[StateOffline]--
		q.states[st.State]++
	}
	s.user, s.presence, s.reason, s.by, s.registered = st.User, st.Presence, st.Reason, st.By, st.Registered
	s.state, s.since, s.until, s.idle, s.call = st.State, st.Since, st.Until, st.Idle, st.Call
	s.calls, s.talked, s.talkingAt, s.takenAt, s.served = st.Calls, st.Talked, st.TalkingAt, st.TakenAt, m.queues[st.Served]
	if s.state == StateReady {
		for _, q := range s.queues {
			q.ready = insert(q.ready, s, q.seatOrder)
		}
	}
}

func (m *Machine) restoreCaller(st callerState) error {
	c := &caller{
		id: st.Call, queue: m.queues[st.Queue], since: st.Since, key: st.Key, order: st.Order, needs: st.Needs, prefer: st.Prefer, callback: st.Callback,
		seat: m.seats[st.Seat], attempt: st.Attempt, been: st.Been, notUntil: st.NotUntil, announce: st.Announce, expire: st.Expire,
		overflow: st.Overflow, unserved: st.Unserved, turn: st.Turn, said: st.Said, saidAt: st.SaidAt,
	}
	if c.queue == nil {
		c.queue = m.queues[m.names[0]]
	}
	c.alarm.of = c
	for _, o := range st.Offers {
		s := m.seats[o.Seat]
		if s == nil {
			return fmt.Errorf("the queues' snapshot offers a call to seat %q, which is not in it", o.Seat)
		}
		s.offer = &offer{caller: c, seat: s, attempt: o.Attempt, rings: o.Rings, at: o.At}
		s.offer.alarm.of = s.offer
		c.offers = append(c.offers, s.offer)
	}
	m.callers[c.id] = c
	m.prefers(c)
	if !c.talking() {
		c.queue.callers = insert(c.queue.callers, c, rank)
	}
	return nil
}

func (m *Machine) restoreAlarms(list []alarmState) {
	for _, st := range list {
		switch {
		case st.Call == "":
			if s := m.seats[st.Seat]; s != nil {
				m.alarms.set(&s.alarm, st.At)
			}
		case st.Seat == "":
			if c := m.callers[st.Call]; c != nil {
				m.alarms.set(&c.alarm, st.At)
			}
		default:
			if o := m.standing(st.Call, st.Seat); o != nil {
				m.alarms.set(&o.alarm, st.At)
			}
		}
	}
}
