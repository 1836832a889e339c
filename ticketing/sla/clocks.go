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
	return k.derive(follow(events))
}

func (k *Keeper) derive(runs []run) []ticketing.Clock {
	clocks := make([]ticketing.Clock, 0, len(runs))
	var resolve time.Time
	for _, r := range runs {
		c := k.clock(r)
		if r.name == ticketing.ClockResolve {
			resolve = c.DueAt
		}
		clocks = append(clocks, c)
	}
	for i, r := range runs {
		if r.name != ticketing.ClockLevel {
			continue
		}
		whole := resolve
		if r.whole != nil {
			whole = k.clock(*r.whole).DueAt
		}
		if !whole.IsZero() && whole.Before(clocks[i].DueAt) {
			clocks[i] = k.cap(r, clocks[i], whole)
		}
	}
	return clocks
}

// cap lets a level's clock end with the whole's at the latest.
func (k *Keeper) cap(r run, c ticketing.Clock, due time.Time) ticketing.Clock {
	rule, _ := k.policy.rule(r.name, r.facts, r.level)
	c.DueAt = later(due, c.StartedAt)
	k.warn(&c, k.count(r, rule))
	return c
}

// Explain is Clocks with the derivation of each.
func (k *Keeper) Explain(_ ticketing.Ticket, events []ticketing.Event) []ticketing.Clock {
	runs := follow(events)
	clocks := k.derive(runs)
	for i, r := range runs {
		clocks[i].Steps = k.steps(r, clocks[i])
	}
	return clocks
}

func (k *Keeper) clock(r run) ticketing.Clock {
	c := ticketing.Clock{
		Name: r.name, Department: r.department, StartedAt: r.startedAt, StoppedAt: r.stoppedAt,
		City: r.facts.City, Quiet: r.quiet && r.stoppedAt.IsZero(),
	}
	if n := len(r.pauses); n > 0 && r.pauses[n-1].open && r.stoppedAt.IsZero() {
		c.PausedAt = r.pauses[n-1].From
	}
	if !r.fixed.IsZero() {
		c.DueAt = r.fixed
		k.warn(&c, NewCount(k.calendar, true, nil))
		return c
	}
	rule, _ := k.policy.rule(r.name, r.facts, r.level)
	count := k.count(r, rule)
	c.DueAt = count.Due(r.startedAt, rule.Limit, k.policy.Convention)
	for _, e := range r.extensions {
		c.DueAt = k.count(r, Rule{}).Due(c.DueAt, Limit{N: e.days, Unit: WorkingDay}, k.policy.Convention)
	}
	k.warn(&c, count)
	return c
}

func (k *Keeper) count(r run, rule Rule) Count {
	pauses := make([]Pause, len(r.pauses))
	for i, p := range r.pauses {
		pauses[i] = p.Pause
	}
	return NewCount(k.calendar, rule.AnyHour || rule.Limit.Unit == Day, pauses)
}

// warn sets when half and a fifth of the clock's own time are left.
func (k *Keeper) warn(c *ticketing.Clock, count Count) {
	whole := count.Between(c.StartedAt, c.DueAt)
	part := func(num, den int64) time.Time {
		return earlier(count.Add(c.StartedAt, time.Duration(whole.Milliseconds()*num/den)*time.Millisecond), c.DueAt)
	}
	c.YellowAt, c.RedAt = part(1, 2), part(4, 5)
}
