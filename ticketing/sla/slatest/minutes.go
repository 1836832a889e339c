package slatest

import (
	"encoding/json"
	"time"

	"hotline/ticketing/sla"
)

const dayMinutes = 24 * 60

// Period is a stretch of a working day in minutes since midnight, half-open.
type Period struct{ From, To int64 }

// Pause is a stretch that does not count, half-open.
type Pause struct{ From, To time.Time }

// Calculator counts whole minutes on the calendar that ships with the platform.
type Calculator struct {
	NthDay   bool
	Schedule []Period // 09:00-12:00 and 13:30-17:30 unless set
	off      map[string]string
	work     map[string]string
	known    map[int64]bool
}

// New makes a Calculator.
func New() *Calculator {
	var doc struct{ Off, Work map[string]string }
	if err := json.Unmarshal(sla.DefaultCalendarDocument(), &doc); err != nil {
		panic(err) // the document is part of the program
	}
	return &Calculator{Schedule: []Period{{540, 720}, {810, 1050}}, off: doc.Off, work: doc.Work, known: map[int64]bool{}}
}

// Daily is the working minutes of a day.
func (c *Calculator) Daily() int {
	sum := int64(0)
	for _, p := range c.Schedule {
		sum += p.To - p.From
	}
	return int(sum)
}

// minuteOf counts the minutes of Shanghai since 1970.
func minuteOf(at time.Time) int64 { return at.Unix()/60 + 8*60 }

// Counts tells whether the minute that begins at a moment is working time.
func (c *Calculator) Counts(at time.Time) bool {
	m := minuteOf(at)
	for _, p := range c.Schedule {
		if m%dayMinutes >= p.From && m%dayMinutes < p.To {
			return c.workday(m / dayMinutes)
		}
	}
	return false
}

// workday looks a day since 1970 up in the document.
func (c *Calculator) workday(n int64) bool {
	if known, ok := c.known[n]; ok {
		return known
	}
	at := time.Unix(n*dayMinutes*60, 0).UTC()
	day := at.Format(time.DateOnly)
	_, off := c.off[day]
	_, work := c.work[day]
	c.known[n] = work || !off && at.Weekday() != time.Saturday && at.Weekday() != time.Sunday
	return c.known[n]
}

func paused(pauses []Pause, at time.Time) bool {
	for _, p := range pauses {
		if !at.Before(p.From) && at.Before(p.To) {
			return true
		}
	}
	return false
}

// Run is the end of the minute with which n minutes are used up.
func (c *Calculator) Run(start time.Time, n int, anyHour bool, pauses []Pause) time.Time {
	at := start
	for n > 0 {
		if (anyHour || c.Counts(at)) && !paused(pauses, at) {
			n--
		}
		at = at.Add(time.Minute)
	}
	return at
}

// Days is when n working days are used up, by the convention.
func (c *Calculator) Days(start time.Time, n int, pauses []Pause) time.Time {
	if !c.NthDay {
		return c.Run(start, n*c.Daily(), false, pauses)
	}
	day := time.Unix((minuteOf(start)/dayMinutes*dayMinutes-8*60)*60, 0).UTC()
	for n > 0 {
		day = day.Add(24 * time.Hour)
		for m := range dayMinutes {
			if at := day.Add(time.Duration(m) * time.Minute); c.Counts(at) && !paused(pauses, at) {
				n--
				break
			}
		}
	}
	return day.Add(time.Duration(c.Schedule[len(c.Schedule)-1].To) * time.Minute)
}
