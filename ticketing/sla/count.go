package sla

import (
	"slices"
	"time"
)

// Pause is a stretch of time that does not count, half-open.
type Pause struct{ From, To time.Time }

// Count runs time down: working time, or the clock's where AnyHour is set,
// without what is paused.
type Count struct {
	Calendar *Calendar
	AnyHour  bool
	Pauses   []Pause
}

// NewCount makes a Count; its pauses are put in order and joined.
func NewCount(c *Calendar, anyHour bool, pauses []Pause) Count {
	return Count{Calendar: c, AnyHour: anyHour, Pauses: joined(pauses)}
}

func joined(pauses []Pause) []Pause {
	var list []Pause
	for _, p := range pauses {
		if p.To.After(p.From) {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b Pause) int { return a.From.Compare(b.From) })
	out := list[:0]
	for _, p := range list {
		if n := len(out); n > 0 && !p.From.After(out[n-1].To) {
			if p.To.After(out[n-1].To) {
				out[n-1].To = p.To
			}
			continue
		}
		out = append(out, p)
	}
	return out
}

// Add is the moment at which d after start has run down. A start that does not
// count begins at the next moment that does; time used up exactly when counting
// ends is due then (half-open counting).
func (c Count) Add(start time.Time, d time.Duration) time.Time {
	if d <= 0 {
		return start
	}
	if len(c.Pauses) == 0 {
		if c.AnyHour {
			return start.Add(d).In(Zone)
		}
		return c.Calendar.Add(start, d)
	}
	at := start
	for _, p := range c.Pauses {
		if !p.To.After(at) {
			continue
		}
		if p.From.After(at) {
			left := c.plain(at, p.From)
			if d <= left {
				break
			}
			d -= left
		}
		at = p.To
	}
	return Count{Calendar: c.Calendar, AnyHour: c.AnyHour}.Add(at, d)
}

// plain is the counting time in [from, to) as if nothing were paused.
func (c Count) plain(from, to time.Time) time.Duration {
	if c.AnyHour {
		return max(0, to.Sub(from))
	}
	return c.Calendar.Between(from, to)
}

// Between is the counting time in [from, to).
func (c Count) Between(from, to time.Time) time.Duration {
	sum := c.plain(from, to)
	for _, p := range c.Pauses {
		a, b := later(p.From, from), earlier(p.To, to)
		if b.After(a) {
			sum -= c.plain(a, b)
		}
	}
	return sum
}

// NthDay is the closing time of the nth working day after the day of start; the
// day of start never counts, nor does a day all of whose working time is paused.
// n is at least 1.
func (c Count) NthDay(start time.Time, n int) time.Time {
	day, _ := split(start)
	for n > 0 {
		if day++; c.counts(day) {
			n--
		}
	}
	return dateOf(day).Add(c.Calendar.closing())
}

// counts tells whether a day has working time that is not paused.
func (c Count) counts(day int) bool {
	if !c.Calendar.workday(day) {
		return false
	}
	if len(c.Pauses) == 0 {
		return true
	}
	begin := dateOf(day)
	working := Count{Calendar: c.Calendar, Pauses: c.Pauses}
	return working.Between(begin, begin.Add(24*time.Hour)) > 0
}

// Due is when a limit that begins at start is used up, by a convention.
func (c Count) Due(start time.Time, l Limit, convention Convention) time.Time {
	switch {
	case l.Unit == WorkingDay && convention == NthDay:
		return c.NthDay(start, l.N)
	case l.Unit == WorkingDay:
		return Count{Calendar: c.Calendar, Pauses: c.Pauses}.Add(start, l.Duration(c.Calendar.daily))
	case l.Unit == Day && convention == NthDay:
		return c.nthNaturalDay(start, l.N)
	case l.Unit == Day:
		return Count{Calendar: c.Calendar, AnyHour: true, Pauses: c.Pauses}.Add(start, l.Duration(0))
	}
	return c.Add(start, l.Duration(c.Calendar.daily))
}

// nthNaturalDay is the end of the nth day after the day of start, whatever day
// it is; a day that is paused altogether does not count.
func (c Count) nthNaturalDay(start time.Time, n int) time.Time {
	day, _ := split(start)
	always := Count{Calendar: c.Calendar, AnyHour: true, Pauses: c.Pauses}
	for n > 0 {
		day++
		if begin := dateOf(day); always.Between(begin, begin.Add(24*time.Hour)) > 0 {
			n--
		}
	}
	return dateOf(day + 1)
}
