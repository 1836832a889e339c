package acd_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"hotline/telephony/acd"
)

// One call through a queue of 2,000 waiting callers and 5,000 busy seats: a
// seat becomes free, the first caller is offered to it and answered.
func BenchmarkDecision(b *testing.B) {
	m := acd.New([]acd.Queue{{Name: "q", SetAside: time.Minute, AnnounceEvery: 30 * time.Second, RingTimeout: 15 * time.Second}})
	now := t0
	for i := range 5000 {
		seat := fmt.Sprintf("s%d", i)
		m.Apply(acd.SetDevice{At: now, Seat: seat, Registered: true})
		m.Apply(acd.SetPresence{At: now, Seat: seat, User: "u" + seat, Presence: acd.Ready})
		m.Apply(acd.Arrive{At: now, Call: seat, Queue: "q"})
		m.Apply(acd.Answered{At: now, Call: seat, Seat: seat})
	}
	for i := range 2000 {
		m.Apply(acd.Arrive{At: now, Call: fmt.Sprintf("w%d", i), Queue: "q"})
	}
	talking := make([]string, 0, 5000+b.N)
	for i := range 5000 {
		talking = append(talking, fmt.Sprintf("s%d", i))
	}
	next := 2000
	var took []time.Duration
	apply := func(ev acd.Event) []acd.Decision {
		began := time.Now()
		ds := m.Apply(ev)
		took = append(took, time.Since(began))
		return ds
	}
	for i := 0; b.Loop(); i++ {
		now = now.Add(5 * time.Millisecond)
		for _, d := range apply(acd.Leave{At: now, Call: talking[i]}) {
			if o, ok := d.(acd.Offer); ok {
				apply(acd.Answered{At: now, Call: o.Call, Seat: o.Seat})
				talking = append(talking, o.Call)
			}
		}
		apply(acd.Arrive{At: now, Call: fmt.Sprintf("w%d", next), Queue: "q"})
		next++
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100])/float64(time.Microsecond), "p99-µs/event")
	b.ReportMetric(float64(took[len(took)-1])/float64(time.Microsecond), "max-µs/event")
}
