package sla

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"hotline/ticketing"
)

// Question is one limit to be worked out beside any ticket.
type Question struct {
	Schedule string // periods of a working day, "09:00-12:00 13:30-17:30"; the calendar's own when empty
	Start    string
	Limit    string // 5wd, 24h, 30min, 7d
	Clock    string // "working" or "calendar": what limits in hours and minutes run on
	Pauses   string // "from/to;from/to"
}

// Answer is when a limit is used up, and why. Due is written as the start was.
type Answer struct {
	Due   string
	At    time.Time
	Steps []ticketing.Step
}

// Ask works one limit out on a calendar. Its errors say which field is wrong
// and what it should look like.
func Ask(c *Calendar, q Question, convention Convention) (Answer, error) {
	c, err := c.scheduled(q.Schedule)
	if err != nil {
		return Answer{}, fmt.Errorf("schedule: %w", err)
	}
	start, layout, err := parseMoment(q.Start)
	if err != nil {
		return Answer{}, fmt.Errorf("start: %w", err)
	}
	limit, err := ParseLimit(strings.TrimSpace(q.Limit))
	if err != nil {
		return Answer{}, fmt.Errorf("limit: %w", err)
	}
	anyHour := false
	switch strings.TrimSpace(q.Clock) {
	case "", "working":
	case "calendar":
		anyHour = limit.Unit == Minute || limit.Unit == Hour
	default:
		return Answer{}, errors.New(`clock: use "working" or "calendar"`)
	}
	pauses, err := parsePauses(q.Pauses)
	if err != nil {
		return Answer{}, fmt.Errorf("suspensions: %w", err)
	}
	name := ticketing.ClockResolve
	k := NewKeeper(Policy{Version: 1, Convention: convention, Rules: []Rule{{Clock: name, Limit: limit, AnyHour: anyHour}}}, c)
	r := run{name: name, startedAt: start, startedBy: ticketing.EventDispatched, startedV: 1}
	for _, p := range pauses {
		r.pauses = append(r.pauses, pause{Pause: p, version: 1})
	}
	clock := k.clock(r)
	steps := append([]ticketing.Step{{Zh: "起算:" + zhMoment(start), En: "starts: " + enMoment(start)}}, k.limitSteps(r, clock)...)
	steps = append(steps, ticketing.Step{Zh: "到期:" + zhMoment(clock.DueAt), En: "due: " + enMoment(clock.DueAt)})
	return Answer{Due: writeMoment(clock.DueAt, layout, start), At: clock.DueAt, Steps: steps}, nil
}

// scheduled is the calendar with other working hours.
func (c *Calendar) scheduled(schedule string) (*Calendar, error) {
	fields := strings.FieldsFunc(schedule, func(r rune) bool { return r == ' ' || r == ',' || r == ';' })
	if len(fields) == 0 {
		return c, nil
	}
	own := *c
	own.periods, own.daily = nil, 0
	for _, f := range fields {
		if err := own.addPeriod(f); err != nil {
			return nil, err
		}
	}
	return &own, nil
}

// layouts in which a moment may be written; without a zone it is Shanghai's.
var layouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04",
}

func parseMoment(s string) (at time.Time, layout string, err error) {
	s = strings.TrimSpace(s)
	for _, layout := range layouts {
		if at, err := time.ParseInLocation(layout, s, Zone); err == nil {
			if y := at.In(Zone).Year(); y < 1970 || y > 2200 {
				return at, layout, fmt.Errorf("the year %d is out of bounds", y)
			}
			return at, layout, nil
		}
	}
	return time.Time{}, "", fmt.Errorf("%q is not a moment such as 2025-09-26 16:30 or 2025-09-26T16:30:00+08:00", s)
}

// writeMoment writes a moment as another was written, in its zone, with seconds
// where there are some.
func writeMoment(at time.Time, layout string, like time.Time) string {
	at = at.In(like.Location())
	if whole := at.Truncate(time.Minute); !whole.Equal(at) && !strings.Contains(layout, ":05") {
		layout += ":05"
	}
	if layout != time.RFC3339Nano && !at.Truncate(time.Second).Equal(at) {
		layout += ".000"
	}
	return at.Format(layout)
}

func parsePauses(s string) ([]Pause, error) {
	var list []Pause
	for _, part := range strings.Split(s, ";") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		from, to, ok := strings.Cut(part, "/")
		if !ok {
			return nil, fmt.Errorf("%q is not from/to", part)
		}
		a, _, err := parseMoment(from)
		if err != nil {
			return nil, err
		}
		b, _, err := parseMoment(to)
		if err != nil {
			return nil, err
		}
		if b.Before(a) {
			return nil, fmt.Errorf("%q ends before it begins", part)
		}
		list = append(list, Pause{From: a, To: b})
	}
	return list, nil
}
