package telephony

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"hotline/telephony/acd"
)

// Shift is a time in which somebody should sit at a seat (排班).
type Shift struct {
	ID   string    `json:"id"`
	User string    `json:"user"`
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	Note string    `json:"note,omitempty"`
	By   string    `json:"by"` // user who planned it
}

// Attendance is what became of a shift, as far as it has come.
type Attendance struct {
	Shift
	Present time.Duration // within the shift, in any state but offline
	Break   time.Duration // of that
	Late    time.Duration // from the shift's begin until the person came, or until now
	Early   time.Duration // from the person's leaving to the end of a shift that is over
	Here    bool          // the shift goes on, and the person sits at a seat
	elapsed time.Duration
}

// Adherence is present ÷ what has passed of the shift, in 0…1; 0 before it begins.
func (a Attendance) Adherence() float64 {
	if a.elapsed <= 0 {
		return 0
	}
	return float64(a.Present) / float64(a.elapsed)
}

// RosterReport compares who should sit with who does.
type RosterReport struct {
	Shifts    []Attendance  // by begin and user
	Unplanned []Unscheduled // by user
}

// Unscheduled is somebody who was at work outside the own shifts.
type Unscheduled struct {
	User    string
	Present time.Duration
	Here    bool // now
}

// Bounds of a roster.
const (
	maxShifts     = 5000
	longestShift  = 24 * time.Hour
	longestRoster = 62 * 24 * time.Hour
)

// PlanShifts replaces the shifts that begin in [from, to). Errors: ErrInvalid where one does not, has no person, is longer than a day or
// overlaps another one of the same person.
func (c *Center) PlanShifts(ctx context.Context, from, to time.Time, shifts []Shift, user string) ([]Shift, error) {
	if err := validRoster(from, to); err != nil {
		return nil, err
	}
	if len(shifts) > maxShifts {
		return nil, fmt.Errorf("%w: %d shifts: give at most %d at a time", ErrInvalid, len(shifts), maxShifts)
	}
	planned := slices.Clone(shifts)
	for i := range planned {
		s := &planned[i]
		s.ID, s.By, s.From, s.To = newID(c.now()), user, s.From.UTC().Truncate(time.Millisecond), s.To.UTC().Truncate(time.Millisecond)
	}
	slices.SortFunc(planned, func(a, b Shift) int {
		if d := strings.Compare(a.User, b.User); d != 0 {
			return d
		}
		return a.From.Compare(b.From)
	})
	for i, s := range planned {
		switch {
		case s.User == "" || len(s.User) > 64 || len(s.Note) > 200:
			return nil, fmt.Errorf("%w: shift from %s: name a person, and keep the note below 200 characters", ErrInvalid, s.From)
		case !s.To.After(s.From) || s.To.Sub(s.From) > longestShift:
			return nil, fmt.Errorf("%w: shift of %s from %s to %s: give one of up to a day", ErrInvalid, s.User, s.From, s.To)
		case s.From.Before(from) || !s.From.Before(to):
			return nil, fmt.Errorf("%w: shift of %s from %s does not begin between %s and %s", ErrInvalid, s.User, s.From, from, to)
		case i > 0 && planned[i-1].User == s.User && planned[i-1].To.After(s.From):
			return nil, fmt.Errorf("%w: two shifts of %s overlap at %s", ErrInvalid, s.User, s.From)
		}
	}
	if err := c.store.ReplaceShifts(ctx, from, to, planned); err != nil {
		return nil, err
	}
	c.journal.event(newEvent(c.now(), "", "", user, EvRoster, EventData{From: from.UTC(), To: to.UTC(), Count: len(planned)}))
	return planned, nil
}

// EvRoster is a change of the roster: From, To, Count.
const EvRoster = "roster"

// Shifts lists those that lie in [from, to) or reach into it, by begin and person.
func (c *Center) Shifts(ctx context.Context, from, to time.Time) ([]Shift, error) {
	if err := validRoster(from, to); err != nil {
		return nil, err
	}
	return c.store.Shifts(ctx, from, to)
}

func validRoster(from, to time.Time) error {
	if !to.After(from) || to.Sub(from) > longestRoster {
		return fmt.Errorf("%w: from %s to %s: give up to two months", ErrInvalid, from, to)
	}
	return nil
}

// Attendances compares the shifts in [from, to) with who sat at the seats. Errors: ErrInvalid.
func (c *Center) Attendances(ctx context.Context, from, to time.Time) (RosterReport, error) {
	shifts, err := c.Shifts(ctx, from, to)
	if err != nil {
		return RosterReport{}, err
	}
	if err := c.journal.sync(ctx); err != nil {
		return RosterReport{}, err
	}
	first, last := from, to // a shift that reaches out is looked at as a whole
	for _, s := range shifts {
		if s.From.Before(first) {
			first = s.From
		}
		last = later(last, s.To)
	}
	now := c.now()
	if now.Before(last) {
		last = now
	}
	of := map[string][]stay{}
	err = c.stays(ctx, first, last, func(s stay) {
		if s.user != "" && s.state != acd.StateOffline {
			of[s.user] = append(of[s.user], s)
		}
	})
	if err != nil {
		return RosterReport{}, err
	}
	return attended(shifts, of, Span{From: from, To: to}, now), nil
}

// attended works the report out of the stays of people at work.
func attended(shifts []Shift, of map[string][]stay, within Span, now time.Time) RosterReport {
	r := RosterReport{Shifts: []Attendance{}, Unplanned: []Unscheduled{}}
	planned := map[string][]Span{}
	for _, s := range shifts {
		planned[s.User] = append(planned[s.User], Span{From: s.From, To: s.To})
		r.Shifts = append(r.Shifts, attendance(s, of[s.User], now))
	}
	for user, stays := range of {
		u := Unscheduled{User: user}
		for _, s := range stays {
			at := overlap(Span{From: s.from, To: s.to}, within)
			rest := span(at.From, at.To)
			for _, p := range planned[user] {
				in := overlap(at, p)
				rest -= span(in.From, in.To)
			}
			u.Present += max(0, rest)
			u.Here = u.Here || !s.to.Before(now) && !slices.ContainsFunc(planned[user], func(p Span) bool { return !now.Before(p.From) && now.Before(p.To) })
		}
		if u.Present > 0 {
			r.Unplanned = append(r.Unplanned, u)
		}
	}
	slices.SortFunc(r.Unplanned, func(a, b Unscheduled) int { return strings.Compare(a.User, b.User) })
	return r
}

func attendance(s Shift, stays []stay, now time.Time) Attendance {
	a := Attendance{Shift: s}
	end := s.To
	if now.Before(end) {
		end = now
	}
	if !end.After(s.From) { // it has not begun
		return a
	}
	a.elapsed = end.Sub(s.From)
	a.Late = a.elapsed
	var left time.Time
	for _, st := range stays {
		in := overlap(Span{From: st.from, To: st.to}, Span{From: s.From, To: end})
		took := span(in.From, in.To)
		if took == 0 {
			continue
		}
		a.Present += took
		if st.state == acd.StateBreak {
			a.Break += took
		}
		a.Late = min(a.Late, in.From.Sub(s.From))
		left = later(left, in.To)
	}
	a.Here = now.Before(s.To) && !left.IsZero() && !left.Before(now)
	if !now.Before(s.To) && !left.IsZero() {
		a.Early = s.To.Sub(left)
	}
	return a
}

// overlap is what two spans have in common; nothing is a span without a length.
func overlap(a, b Span) Span {
	o := Span{From: later(a.From, b.From), To: a.To}
	if b.To.Before(o.To) {
		o.To = b.To
	}
	if o.To.Before(o.From) {
		o.To = o.From
	}
	return o
}
