package main

import (
	"container/heap"
	"time"

	"hotline/telephony/acd"
)

// visit is one call as the queue saw it.
type visit struct {
	id      string
	arrived time.Time
	left    time.Time     // of one who gave up; zero: was answered
	ring    time.Duration // from the offer to the seat's answer
	talk    time.Duration
	waited  time.Duration // to the seat's answer, or to giving up
}

// due is an event of the simulation.
type due struct {
	at  time.Time
	run func(at time.Time)
}

type agenda []due

func (a agenda) Len() int           { return len(a) }
func (a agenda) Less(i, j int) bool { return a[i].at.Before(a[j].at) }
func (a agenda) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)        { *a = append(*a, x.(due)) } //nolint:forcetypeassert // of container/heap
func (a *agenda) Pop() any {
	old := *a
	last := old[len(old)-1]
	*a = old[:len(old)-1]
	return last
}

// simulate lets the same callers meet the queue machine without a network, a phone or a scheduler: what they wait is what queueing alone makes
// them wait.
func simulate(queue acd.Queue, seats []string, visits []visit) []visit {
	s := simulation{m: acd.New([]acd.Queue{queue}), visits: map[string]*visit{}}
	out := make([]visit, len(visits))
	if len(visits) == 0 {
		return out
	}
	start := visits[0].arrived
	for _, seat := range seats {
		s.apply(acd.SetDevice{At: start, Seat: seat, Registered: true})
		s.apply(acd.SetPresence{At: start, Seat: seat, User: seat, Presence: acd.Ready})
	}
	for i, v := range visits {
		out[i] = v
		out[i].waited = 0
		p := &out[i]
		s.visits[v.id] = p
		s.plan(v.arrived, func(at time.Time) { s.apply(acd.Arrive{At: at, Call: p.id, Queue: queue.Name}) })
		if !v.left.IsZero() {
			s.plan(v.left, func(at time.Time) { s.giveUp(at, p) })
		}
	}
	for s.step() {
	}
	return out
}

// step does what is next, by the machine's clock or by the callers'; false when all calls are over.
func (s *simulation) step() bool {
	at, ticks := s.m.Deadline()
	switch {
	case s.agenda.Len() > 0 && (!ticks || !at.Before(s.agenda[0].at)):
		next := heap.Pop(&s.agenda).(due) //nolint:forcetypeassert // it holds nothing else
		next.run(next.at)
	case ticks && (s.agenda.Len() > 0 || s.m.Waiting() > 0):
		s.apply(acd.Tick{At: at})
	default:
		return false
	}
	return true
}

type simulation struct {
	m      *acd.Machine
	agenda agenda
	visits map[string]*visit
}

func (s *simulation) plan(at time.Time, run func(at time.Time)) { heap.Push(&s.agenda, due{at, run}) }

func (s *simulation) giveUp(at time.Time, v *visit) {
	if v.waited == 0 {
		v.waited = at.Sub(v.arrived)
		s.apply(acd.Leave{At: at, Call: v.id})
	}
}

func (s *simulation) apply(ev acd.Event) {
	now := atOf(ev)
	for _, d := range s.m.Apply(ev) {
		v := s.visits[acd.CallOf(d)]
		switch d := d.(type) {
		case acd.Offer:
			s.plan(now.Add(v.ring), func(at time.Time) {
				s.apply(acd.Answered{At: at, Call: d.Call, Seat: d.Seat, Attempt: d.Attempt})
			})
		case acd.Connect:
			v.waited, v.left = max(now.Sub(v.arrived), 1), time.Time{}
			s.plan(now.Add(v.talk), func(at time.Time) { s.apply(acd.Leave{At: at, Call: d.Call}) })
		}
	}
}

// atOf is the time of the events that a simulation makes.
func atOf(ev acd.Event) time.Time {
	switch e := ev.(type) {
	case acd.SetDevice:
		return e.At
	case acd.SetPresence:
		return e.At
	case acd.Arrive:
		return e.At
	case acd.Answered:
		return e.At
	case acd.Leave:
		return e.At
	case acd.Tick:
		return e.At
	}
	return time.Time{}
}
