package city

import (
	"time"

	"hotline/ticketing/sla"
)

// moment is what the weights of the categories depend on.
type moment struct {
	month time.Month
	slot  int // slotDay, slotEvening, slotNight
	rest  bool
}

const (
	slotDay = iota
	slotEvening
	slotNight
	slots
)

// season says by how much a tag multiplies a category's weight.
type season func(m moment) float64

// months gives in to the listed months and out to the others.
func months(in, out float64, list ...time.Month) season {
	return func(m moment) float64 {
		for _, l := range list {
			if l == m.month {
				return in
			}
		}
		return out
	}
}

func slotted(day, evening, night float64) season {
	return func(m moment) float64 { return [slots]float64{day, evening, night}[m.slot] }
}

// seasons are the tags of the grammar: a city of the north, heated from
// November to March, with its rains in July and August.
var seasons = map[string]season{
	"sum":     months(1.8, 0.8, time.June, time.July, time.August, time.September),
	"mosq":    months(6, 0.1, time.June, time.July, time.August, time.September),
	"win":     months(1.6, 0.9, time.November, time.December, time.January, time.February),
	"deepwin": months(8, 0.05, time.December, time.January, time.February),
	"heat":    months(4, 0.1, time.November, time.December, time.January, time.February, time.March),
	"preheat": months(4, 0.5, time.September, time.October, time.November),
	"spr":     months(2, 0.9, time.March, time.April, time.May),
	"autumn":  months(4, 0.5, time.October, time.November),
	"plant":   months(4, 0.5, time.April, time.May, time.June),
	"rain":    months(2, 0.8, time.July, time.August),
	"storm":   months(6, 0.3, time.July, time.August),
	"wage":    months(2.5, 0.8, time.December, time.January, time.February),
	"school":  months(2.5, 0.6, time.June, time.July, time.August, time.September),
	"exam":    months(4, 0.5, time.May, time.June),
	"fest":    months(2, 0.9, time.June, time.November),
	"cny":     months(8, 0.2, time.January, time.February),
	"qing":    months(6, 0.5, time.March, time.April),
	"night":   slotted(0.7, 1.4, 3),
	"eve":     slotted(0.8, 2.2, 1.2),
	"office": func(m moment) float64 {
		f := [slots]float64{1.3, 0.4, 0.15}[m.slot]
		if m.rest {
			f *= 0.35
		}
		return f
	},
	"hol": func(m moment) float64 {
		if m.rest {
			return 2
		}
		return 0.8
	},
}

// Calls by hour of the day: a working day has its morning and afternoon peak,
// a day off begins late.
var (
	workHours = [24]float64{8, 5, 4, 3, 3, 6, 14, 32, 78, 100, 96, 80, 52, 58, 80, 84, 78, 64, 48, 44, 42, 36, 25, 14}
	restHours = [24]float64{9, 6, 4, 3, 3, 5, 11, 24, 48, 66, 68, 60, 44, 44, 52, 54, 52, 46, 42, 42, 40, 36, 26, 15}
	// Monday has what the weekend left over.
	weekdays = [7]float64{time.Sunday: 0.95, time.Monday: 1.18, time.Tuesday: 1.06, time.Wednesday: 1.02, time.Thursday: 1, time.Friday: 0.97, time.Saturday: 1}
)

// holidayFactor damps public holidays below an ordinary weekend.
const holidayFactor = 0.8

// clockwork weighs the hours of the history.
type clockwork struct {
	calendar *sla.Calendar
	tables   [12][slots][2]table
}

// table chooses a category at a moment.
type table struct {
	total float64
	sums  []float64 // running, by index of the leaf
}

func newClockwork(calendar *sla.Calendar, leaves []*leaf) *clockwork {
	c := &clockwork{calendar: calendar}
	for month := range 12 {
		for slot := range slots {
			for rest := range 2 {
				m := moment{month: time.Month(month + 1), slot: slot, rest: rest == 1}
				t := &c.tables[month][slot][rest]
				t.sums = make([]float64, len(leaves))
				for i, l := range leaves {
					w := l.weight
					for _, tag := range l.tags {
						w *= seasons[tag](m)
					}
					t.total += w
					t.sums[i] = t.total
				}
			}
		}
	}
	return c
}

func (t *table) pick(u float64) int {
	x := u * t.total
	lo, hi := 0, len(t.sums)-1
	for lo < hi {
		mid := (lo + hi) / 2
		if t.sums[mid] > x {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}

// table is the one in force in an hour.
func (c *clockwork) table(hour time.Time, workday bool) *table {
	slot := slotNight
	switch h := hour.Hour(); {
	case h >= 8 && h < 18:
		slot = slotDay
	case h >= 18 && h < 23:
		slot = slotEvening
	}
	rest := 1
	if workday {
		rest = 0
	}
	return &c.tables[hour.Month()-1][slot][rest]
}

// weight is the relative number of arrivals in the hour that begins at hour.
func (c *clockwork) weight(hour time.Time) float64 {
	workday := c.calendar.Workday(hour)
	f := weekdays[hour.Weekday()]
	profile := &workHours
	if !workday {
		profile = &restHours
		if c.calendar.Name(hour) != "" {
			f *= holidayFactor
		}
	}
	return profile[hour.Hour()] * f * c.table(hour, workday).total
}

// load is how busy the centre is, from 0 to 1.
func load(hour time.Time) float64 { return workHours[hour.Hour()] / 100 }
