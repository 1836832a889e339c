package acd_test

import (
	"bytes"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hotline/telephony/acd"
)

const (
	eventsEach = 1000
	quickRuns  = 1  // of rapid's 100 checks
	drillRuns  = 10 // with HOTLINE_DRILL set: more than a million events
)

// Random days against the reference model. Each is recorded as it happens and
// replayed from the record, which must give the same decisions and the same state.
func TestAgainstTheModel(t *testing.T) {
	runs := quickRuns
	if os.Getenv("HOTLINE_DRILL") != "" {
		runs = drillRuns
	}
	events, offers, overtaken := 0, 0, 0
	for range runs {
		rapid.Check(t, func(t *rapid.T) {
			d := newDay(t)
			for range eventsEach {
				d.step()
			}
			d.replay()
			events += d.events
			offers += d.md.offers
			overtaken += d.md.overtaken
		})
	}
	t.Logf("%d events, %d offers, %d times a later caller of higher rank came first", events, offers, overtaken)
	require.Greater(t, offers, events/20)
	require.NotZero(t, overtaken)
}

// day is one random day.
type day struct {
	t      *rapid.T
	md     *model
	m      *acd.Machine
	now    time.Time
	n      int // calls so far
	events int
	record bytes.Buffer
	log    [][]acd.Decision
	names  []string
}

var (
	someSeats = []string{"s1", "s2", "s3", "s4", "s5"}
	someUsers = []string{"u1", "u2", "u3", "u4", "u5", "u6"}
)

func newDay(t *rapid.T) *day {
	strategy := rapid.SampledFrom(acd.Strategies())
	rules := rapid.SampledFrom([]string{"", "wait<20s: dialect>=2; wait<1m: dialect; else any", "english"})
	noAgent := rapid.SampledFrom([]acd.NoAgent{acd.NoAgentWait, acd.NoAgentLeave, acd.NoAgentOverflow})
	parse := func(text string) acd.Rules {
		r, err := acd.ParseRules(text)
		require.NoError(t, err)
		return r
	}
	queues := []acd.Queue{
		{
			Name: "all", Strategy: strategy.Draw(t, "all's strategy"), Rules: parse(rules.Draw(t, "all's rules")), NoAgent: noAgent.Draw(t, "all's no agent"),
			MaxLength: 6, MaxWait: 3 * time.Minute, WrapUp: 5 * time.Second, SetAside: 30 * time.Second, AnnounceEvery: 20 * time.Second,
			RingTimeout: 15 * time.Second, PreferFor: 40 * time.Second,
			Overflow: acd.Overflow{To: "few", After: 50 * time.Second, Full: true, MaxWait: rapid.Bool().Draw(t, "on at max wait")},
		},
		{
			Name: "few", Seats: someSeats[:2], Strategy: strategy.Draw(t, "few's strategy"), NoAgent: noAgent.Draw(t, "few's no agent"), NoAgentAfter: 10 * time.Second,
			MaxLength: 4, SetAside: 10 * time.Second, RingTimeout: 10 * time.Second, Priority: 1, Step: 30 * time.Second,
			Reserve:  rapid.IntRange(0, 1).Draw(t, "reserve"),
			Overflow: acd.Overflow{To: rapid.SampledFrom([]string{"all", "last"}).Draw(t, "few's overflow"), After: 30 * time.Second, Full: true},
		},
		{
			Name: "last", Seats: someSeats[1:4], Strategy: strategy.Draw(t, "last's strategy"), Rules: parse(rules.Draw(t, "last's rules")),
			MaxLength: 8, MaxWait: time.Minute, RingTimeout: 10 * time.Second, WrapUp: 3 * time.Second,
			Overflow: acd.Overflow{Number: "02512345", After: 40 * time.Second, Full: true},
		},
	}
	d := &day{t: t, md: newModel(queues), m: acd.New(queues), now: t0, names: []string{"all", "few", "last"}}
	line, err := acd.EncodeQueues(queues)
	require.NoError(t, err)
	d.record.Write(line)
	return d
}

// step lets time pass, as whoever runs a machine does, and something happen.
func (d *day) step() {
	d.now = d.now.Add(time.Duration(rapid.IntRange(0, 8000).Draw(d.t, "ms")) * time.Millisecond)
	for last := (time.Time{}); ; {
		due, ok := d.m.Deadline()
		if !ok || due.After(d.now) {
			break
		}
		require.True(d.t, due.After(last), "a deadline that stays would spin")
		last = due
		d.apply(acd.Tick{At: due})
	}
	d.apply(d.random())
	if rapid.IntRange(0, 30).Draw(d.t, "goes on from a snapshot") == 0 {
		d.restore()
	}
}

// restore goes on with a machine made of a snapshot. The replay, which knows none, must come to the same.
func (d *day) restore() {
	snapshot, err := d.m.Snapshot()
	require.NoError(d.t, err)
	queues, err := acd.Configured(snapshot)
	require.NoError(d.t, err)
	restored, err := acd.Restore(queues, snapshot)
	require.NoError(d.t, err)
	again, err := restored.Snapshot()
	require.NoError(d.t, err)
	require.Equal(d.t, string(snapshot), string(again))
	d.m = restored
}

func (d *day) apply(ev acd.Event) {
	line, err := acd.Encode(ev)
	require.NoError(d.t, err)
	d.record.Write(line)
	ds := d.m.Apply(ev)
	d.t.Logf("%s%+v", line, ds)
	d.log = append(d.log, ds)
	d.events++
	d.md.now = d.now
	if tick, ok := ev.(acd.Tick); ok {
		d.md.now = tick.At
	}
	d.md.world(ev)
	d.md.check(d.t, d.m, ds)
}

func (d *day) replay() {
	n := 0
	again, err := acd.Replay(&d.record, func(_ acd.Event, ds []acd.Decision) {
		require.Equal(d.t, d.log[n], ds, "event %d", n)
		n++
	})
	require.NoError(d.t, err)
	require.Equal(d.t, len(d.log), n)
	require.Equal(d.t, d.m.Seats(), again.Seats())
	require.Equal(d.t, d.m.Queues(), again.Queues())
}

// random draws one event. Most of them are such as happen on a day; some make no sense, as late or lost messages do.
func (d *day) random() acd.Event {
	t, now := d.t, d.now
	i := rapid.IntRange(0, len(someSeats)-1).Draw(t, "seat")
	seat := someSeats[i]
	call := fmt.Sprintf("c%d", rapid.IntRange(max(0, d.n-8), d.n).Draw(t, "call"))
	sense := rapid.IntRange(0, 7).Draw(t, "sense") > 0
	if v, ok := d.m.Seat(seat); ok && v.Call != "" && sense {
		call = v.Call
	}
	switch kind := rapid.IntRange(0, 29).Draw(t, "kind"); {
	case kind < 3:
		user := someUsers[i]
		if !sense {
			user = rapid.SampledFrom(someUsers).Draw(t, "user")
		}
		p := rapid.SampledFrom([]acd.Presence{acd.Ready, acd.Ready, acd.Ready, acd.Break, acd.Offline}).Draw(t, "presence")
		by := rapid.SampledFrom([]string{"", "", "lead"}).Draw(t, "by")
		return acd.SetPresence{At: now, Seat: seat, User: user, Presence: p, By: by}
	case kind == 3:
		return acd.SetDevice{At: now, Seat: seat, Registered: sense}
	case kind == 4:
		skills := map[string]int{"dialect": rapid.IntRange(0, 3).Draw(t, "dialect"), "english": rapid.IntRange(0, 1).Draw(t, "english")}
		return acd.SetSkills{At: now, User: rapid.SampledFrom(someUsers).Draw(t, "user"), Skills: skills}
	case kind < 12:
		return d.arrival()
	case kind < 16:
		return acd.Leave{At: now, Call: call}
	case kind == 16:
		return acd.Ringing{At: now, Call: call, Seat: seat}
	case kind < 25:
		return acd.Answered{At: now, Call: call, Seat: seat}
	case kind == 25:
		return acd.Failed{At: now, Call: call, Seat: seat, Reason: acd.ReasonUnreachable}
	case kind == 26:
		return acd.EndWrapUp{At: now, Seat: seat}
	case kind == 27:
		return acd.Park{At: now, Call: fmt.Sprintf("c%d", d.n)}
	case kind == 28:
		d.n++
		return acd.Seize{At: now, Call: fmt.Sprintf("c%d", d.n), Seat: seat}
	}
	return acd.Tick{At: now}
}

func (d *day) arrival() acd.Event {
	t := d.t
	d.n++
	a := acd.Arrive{At: d.now, Call: fmt.Sprintf("c%d", d.n), Queue: rapid.SampledFrom(d.names).Draw(t, "queue")}
	switch rapid.IntRange(0, 9).Draw(t, "kind of caller") {
	case 0:
		a.Priority = rapid.IntRange(-1, 2).Draw(t, "priority")
	case 1:
		a.Needs = acd.Needs{"english": 1}
	case 2, 3:
		a.Prefer = rapid.SampledFrom(someUsers).Draw(t, "prefers")
	case 4:
		a.Callback, a.NotUntil = true, d.now.Add(20*time.Second)
	case 5:
		a.Since = d.now.Add(-time.Minute)
	}
	return a
}
