package sla

import (
	"time"

	"hotline/ticketing"
)

// Keeper derives clocks by one policy and one calendar. It is immutable and
// safe for use by many goroutines; it is a ticketing.ClockKeeper.
type Keeper struct {
	policy   Policy
	calendar *Calendar
}

// NewKeeper makes a Keeper.
func NewKeeper(p Policy, c *Calendar) *Keeper { return &Keeper{policy: p, calendar: c} }

// Clocks derives a ticket's clocks from its events, in the order in which they
// started. Steps are left empty: Explain fills them.
func (k *Keeper) Clocks(_ ticketing.Ticket, events []ticketing.Event) []ticketing.Clock {
	runs := follow(events)
	clocks := make([]ticketing.Clock, 0, len(runs))
	for _, r := range runs {
		clocks = append(clocks, k.clock(r))
	}
	return clocks
}

// Explain is Clocks with the derivation of each.
func (k *Keeper) Explain(_ ticketing.Ticket, events []ticketing.Event) []ticketing.Clock {
	runs := follow(events)
	clocks := make([]ticketing.Clock, 0, len(runs))
	for _, r := range runs {
		c := k.clock(r)
		c.Steps = k.steps(r, c)
		clocks = append(clocks, c)
	}
	return clocks
}

// run is one clock's course as the events tell it.
type run struct {
	name      ticketing.ClockName
	startedAt time.Time
	startedBy string // type of the event that started it
	startedV  int64  // version of the ticket then
	stoppedAt time.Time
	stoppedBy string
	facts     ticketing.Facts // in force until the clock stopped
}

// follow walks the events once and keeps the course of every clock.
func follow(events []ticketing.Event) []run {
	var w walker
	for _, e := range events {
		w.see(e)
	}
	return w.runs
}

type walker struct {
	runs  []run
	facts ticketing.Facts
}

func (w *walker) see(e ticketing.Event) {
	if f := e.Decode().Facts; f != nil {
		w.facts = *f
		for i := range w.runs {
			if w.runs[i].stoppedAt.IsZero() {
				w.runs[i].facts = w.facts
			}
		}
	}
	switch e.Type {
	case ticketing.EventAccepted:
		w.start(ticketing.ClockDispatch, e)
	case ticketing.EventDispatched:
		w.stop(ticketing.ClockDispatch, e)
		w.restart(ticketing.ClockSign, e)
		w.start(ticketing.ClockResolve, e)
	case ticketing.EventSigned:
		w.stop(ticketing.ClockSign, e)
		w.restart(ticketing.ClockContact, e)
	case ticketing.EventContacted:
		w.stop(ticketing.ClockContact, e)
	case ticketing.EventResolved:
		w.stop(ticketing.ClockContact, e)
		w.stop(ticketing.ClockResolve, e)
	case ticketing.EventReviewRejected:
		w.resume(ticketing.ClockResolve)
	case ticketing.EventReviewApproved:
		w.restart(ticketing.ClockFollowUp, e)
	case ticketing.EventFollowedUp:
		w.stop(ticketing.ClockFollowUp, e)
	case ticketing.EventAnswered, ticketing.EventCancelled:
		for i := range w.runs {
			w.stop(w.runs[i].name, e)
		}
	}
}

func (w *walker) find(name ticketing.ClockName) *run {
	for i := range w.runs {
		if w.runs[i].name == name {
			return &w.runs[i]
		}
	}
	return nil
}

// start begins a clock that never ran; a clock that did keeps its first start.
func (w *walker) start(name ticketing.ClockName, e ticketing.Event) {
	if w.find(name) == nil {
		w.runs = append(w.runs, run{})
		w.runs[len(w.runs)-1].begin(name, e, w.facts)
	}
}

// restart begins a clock anew, whatever it did before.
func (w *walker) restart(name ticketing.ClockName, e ticketing.Event) {
	if r := w.find(name); r != nil {
		r.begin(name, e, w.facts)
		return
	}
	w.start(name, e)
}

func (r *run) begin(name ticketing.ClockName, e ticketing.Event, f ticketing.Facts) {
	*r = run{name: name, startedAt: e.At, startedBy: e.Type, startedV: e.Version, facts: f}
}

func (w *walker) stop(name ticketing.ClockName, e ticketing.Event) {
	if r := w.find(name); r != nil && r.stoppedAt.IsZero() {
		r.stoppedAt, r.stoppedBy = e.At, e.Type
	}
}

// resume lets a stopped clock run on as if it had never stopped.
func (w *walker) resume(name ticketing.ClockName) {
	if r := w.find(name); r != nil {
		r.stoppedAt, r.stoppedBy, r.facts = time.Time{}, "", w.facts
	}
}

func (k *Keeper) clock(r run) ticketing.Clock {
	rule, _ := k.policy.rule(r.name, r.facts)
	c := ticketing.Clock{Name: r.name, StartedAt: r.startedAt, StoppedAt: r.stoppedAt}
	c.DueAt = k.due(r.startedAt, rule)
	c.YellowAt = k.share(r.startedAt, c.DueAt, rule, 1, 2)
	c.RedAt = k.share(r.startedAt, c.DueAt, rule, 4, 5)
	return c
}

// due is when the limit that begins at start is used up.
func (k *Keeper) due(start time.Time, r Rule) time.Time {
	if r.AnyHour {
		return start.Add(r.Limit.Duration(k.calendar.daily)).In(Zone)
	}
	if r.Limit.Unit == WorkingDay && k.policy.Convention == NthDay {
		return k.calendar.NthDay(start, r.Limit.N)
	}
	return k.calendar.Add(start, r.Limit.Duration(k.calendar.daily))
}

// share is when num/den of the clock's own time between start and due has run.
func (k *Keeper) share(start, due time.Time, r Rule, num, den int64) time.Time {
	part := func(d time.Duration) time.Duration {
		return time.Duration(d.Milliseconds()*num/den) * time.Millisecond
	}
	if r.AnyHour {
		return start.Add(part(due.Sub(start))).In(Zone)
	}
	return k.calendar.Add(start, part(k.calendar.Between(start, due)))
}
