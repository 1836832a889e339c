package acd

import (
	"container/heap"
	"time"
)

// alarm is a moment at which something of a seat, a caller or an offer comes
// due. Each of them has one, which is set to the earliest.
type alarm struct {
	at  time.Time
	pos int // in the heap, from 1; 0: not set
	seq uint64
	of  any // *seat, *caller or *offer
}

// alarms is a heap of those that are set; equal times ring in the order of being set.
type alarms struct {
	list []*alarm
	seq  uint64
}

func (a *alarms) Len() int { return len(a.list) }
func (a *alarms) Less(i, j int) bool {
	x, y := a.list[i], a.list[j]
	if x.at.Equal(y.at) {
		return x.seq < y.seq
	}
	return x.at.Before(y.at)
}

func (a *alarms) Swap(i, j int) {
	a.list[i], a.list[j] = a.list[j], a.list[i]
	a.list[i].pos, a.list[j].pos = i+1, j+1
}

// Push and Pop are for container/heap.
func (a *alarms) Push(x any) {
	al := x.(*alarm)
	a.list = append(a.list, al)
	al.pos = len(a.list)
}

// Pop takes the last one off.
func (a *alarms) Pop() any {
	n := len(a.list)
	al := a.list[n-1]
	a.list[n-1] = nil
	a.list = a.list[:n-1]
	al.pos = 0
	return al
}

// set moves an alarm; zero takes it off.
func (a *alarms) set(al *alarm, at time.Time) {
	switch {
	case at.IsZero():
		if al.pos > 0 {
			heap.Remove(a, al.pos-1)
		}
	case al.pos > 0 && al.at.Equal(at):
	default:
		a.seq++
		al.at, al.seq = at, a.seq
		if al.pos > 0 {
			heap.Fix(a, al.pos-1)
		} else {
			heap.Push(a, al)
		}
	}
}

// due takes off the first alarm that has come due, or nil.
func (a *alarms) due(now time.Time) *alarm {
	if len(a.list) == 0 || a.list[0].at.After(now) {
		return nil
	}
	return heap.Pop(a).(*alarm)
}

func (a *alarms) next() (time.Time, bool) {
	if len(a.list) == 0 {
		return time.Time{}, false
	}
	return a.list[0].at, true
}

// soonest is the earliest of the times that are set.
func soonest(times ...time.Time) time.Time {
	var next time.Time
	for _, t := range times {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	return next
}
