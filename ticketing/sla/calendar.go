package sla

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Zone is where working time is counted. China has had no summer time since
// 1991, so that a fixed offset says all, with or without the host's zone files.
var Zone = time.FixedZone("Asia/Shanghai", 8*60*60)

//go:embed calendar.json
var defaultCalendar []byte

// Calendar says which moments are working time. It is immutable once made.
type Calendar struct {
	version     int
	periods     []period       // of a working day, in order
	daily       time.Duration  // length of all periods
	off         map[int]string // day number → name of the holiday
	work        map[int]string // day number → name of the holiday it makes up for
	provisional map[int]bool   // years that the State Council has not announced
}

// period is a stretch of a working day, half-open, as time since midnight.
type period struct{ from, to time.Duration }

// calendarDocument is the calendar as it is stored and imported.
type calendarDocument struct {
	Version     int               `json:"version"`
	Schedule    []string          `json:"schedule"`    // "09:00-12:00", in order
	Provisional []int             `json:"provisional"` // years
	Off         map[string]string `json:"off"`         // "2026-10-01": name of the holiday
	Work        map[string]string `json:"work"`        // make-up workdays (调休)
}

// DefaultCalendar is the State Council's calendar 2018–2026; 2027, which is
// not announced yet, holds the holidays that the law fixes.
func DefaultCalendar() *Calendar {
	c, err := ParseCalendar(defaultCalendar)
	if err != nil {
		panic(err) // the document is part of the program, and a test reads it
	}
	return c
}

// DefaultCalendarDocument is the JSON of DefaultCalendar, to start a city from.
func DefaultCalendarDocument() json.RawMessage { return slices.Clone(defaultCalendar) }

// ParseCalendar reads a calendar from JSON. Its errors name the entry at fault.
func ParseCalendar(raw []byte) (*Calendar, error) {
	var doc calendarDocument
	if err := strictJSON(raw, &doc); err != nil {
		return nil, fmt.Errorf("calendar: %w", err)
	}
	c := &Calendar{version: doc.Version, provisional: map[int]bool{}}
	for _, s := range doc.Schedule {
		if err := c.addPeriod(s); err != nil {
			return nil, fmt.Errorf("calendar: schedule: %w", err)
		}
	}
	if c.daily == 0 {
		return nil, fmt.Errorf("calendar: schedule: give at least one period such as 09:00-12:00")
	}
	var err error
	if c.off, err = dayNumbers(doc.Off); err != nil {
		return nil, fmt.Errorf("calendar: off: %w", err)
	}
	if c.work, err = dayNumbers(doc.Work); err != nil {
		return nil, fmt.Errorf("calendar: work: %w", err)
	}
	for day := range c.work {
		if _, both := c.off[day]; both {
			return nil, fmt.Errorf("calendar: %s is both off and work", dateOf(day).Format(time.DateOnly))
		}
	}
	for _, year := range doc.Provisional {
		c.provisional[year] = true
	}
	return c, nil
}

// addPeriod puts a period behind those that a working day has.
func (c *Calendar) addPeriod(s string) error {
	p, err := parsePeriod(s)
	if err != nil {
		return err
	}
	if n := len(c.periods); n > 0 && c.periods[n-1].to > p.from {
		return fmt.Errorf("%s begins before the one in front of it ends", s)
	}
	c.periods = append(c.periods, p)
	c.daily += p.to - p.from
	return nil
}

func dayNumbers(days map[string]string) (map[int]string, error) {
	numbers := make(map[int]string, len(days))
	for day, name := range days {
		at, err := time.ParseInLocation(time.DateOnly, day, Zone)
		if err != nil {
			return nil, fmt.Errorf("%q is not a date such as 2026-10-01", day)
		}
		numbers[dayNumber(at)] = name
	}
	return numbers, nil
}

func parsePeriod(s string) (period, error) {
	from, to, ok := strings.Cut(s, "-")
	a, errA := parseClock(from)
	b, errB := parseClock(to)
	if !ok || errA != nil || errB != nil || a >= b {
		return period{}, fmt.Errorf("%q is not a period such as 09:00-12:00", s)
	}
	return period{a, b}, nil
}

// parseClock reads 00:00 … 24:00.
func parseClock(s string) (time.Duration, error) {
	h, m, ok := strings.Cut(s, ":")
	hours, errH := strconv.Atoi(h)
	minutes, errM := strconv.Atoi(m)
	d := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if !ok || errH != nil || errM != nil || hours < 0 || minutes < 0 || minutes > 59 || d > 24*time.Hour {
		return 0, fmt.Errorf("%q is not a time of day", s)
	}
	return d, nil
}

// Version is the version of the document that the calendar was read from.
func (c *Calendar) Version() int { return c.version }

// Daily is the working time of one working day.
func (c *Calendar) Daily() time.Duration { return c.daily }

// Workday tells whether the day of a moment is a working day.
func (c *Calendar) Workday(at time.Time) bool { return c.workday(dayNumber(at)) }

func (c *Calendar) workday(day int) bool {
	if _, ok := c.work[day]; ok {
		return true
	}
	if _, ok := c.off[day]; ok {
		return false
	}
	return !weekend(day)
}

// Name is the holiday that a day belongs to or makes up for; empty for other days.
func (c *Calendar) Name(at time.Time) string {
	day := dayNumber(at)
	return c.off[day] + c.work[day]
}

// Provisional tells whether the day's year is not announced yet, or unknown.
func (c *Calendar) Provisional(at time.Time) bool { return c.provisional[at.In(Zone).Year()] }

// Add is the moment at which d of working time after start has run down. A
// start outside working time begins at the next working minute; time that is
// used up exactly at the end of a period is due then (half-open counting).
func (c *Calendar) Add(start time.Time, d time.Duration) time.Time {
	if d <= 0 {
		return start
	}
	day, at := split(start)
	for {
		if at == 0 && d > c.daily && c.workday(day) { // a whole day goes by
			d, day = d-c.daily, day+1
			continue
		}
		if c.workday(day) {
			for _, p := range c.periods {
				from := max(p.from, at)
				if from >= p.to {
					continue
				}
				if left := p.to - from; d > left {
					d -= left
					continue
				}
				return dateOf(day).Add(from + d)
			}
		}
		day, at = day+1, 0
	}
}

// Between is the working time in [from, to); zero when to is not after from.
func (c *Calendar) Between(from, to time.Time) time.Duration {
	if !to.After(from) {
		return 0
	}
	first, start := split(from)
	last, end := split(to)
	var sum time.Duration
	for day := first; day <= last; day++ {
		if !c.workday(day) {
			continue
		}
		low, high := time.Duration(0), 24*time.Hour
		if day == first {
			low = start
		}
		if day == last {
			high = end
		}
		for _, p := range c.periods {
			if a, b := max(p.from, low), min(p.to, high); b > a {
				sum += b - a
			}
		}
	}
	return sum
}

// NthDay is the closing time of the nth working day after the day of start;
// the day of start never counts. n is at least 1.
func (c *Calendar) NthDay(start time.Time, n int) time.Time {
	return Count{Calendar: c}.NthDay(start, n)
}

// closing is when a working day ends, as time since midnight.
func (c *Calendar) closing() time.Duration { return c.periods[len(c.periods)-1].to }

// dayNumber counts the days of the zone since 1970-01-01.
func dayNumber(at time.Time) int {
	day, _ := split(at)
	return day
}

func split(at time.Time) (day int, since time.Duration) {
	const dayMS = 24 * 60 * 60 * 1000
	ms := at.UnixMilli() + 8*60*60*1000
	day = int(ms / dayMS)
	if ms%dayMS < 0 {
		day--
	}
	return day, time.Duration(ms-int64(day)*dayMS) * time.Millisecond
}

func dateOf(day int) time.Time {
	return time.UnixMilli(int64(day)*24*60*60*1000 - 8*60*60*1000).In(Zone)
}

// weekend: 1970-01-01 was a Thursday.
func weekend(day int) bool {
	w := ((day+4)%7 + 7) % 7
	return w == 0 || w == 6
}
