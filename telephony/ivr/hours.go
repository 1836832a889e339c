package ivr

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Window is a stretch of the day on some days, such as "mon-fri 08:30-18:00" or "workday 09:00-17:00". One that ends at 24:00 or
// at 00:00 goes to the end of the day; one that would end before it begins goes on past midnight.
type Window struct {
	days     [7]bool // by time.Weekday
	workday  bool    // days of work by the calendar, in place of days
	holiday  bool    // days off by the calendar, in place of days
	from, to int     // minutes of the day
	text     string
}

// String is the window as it was written.
func (w Window) String() string { return w.text }

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// ParseWindow reads a window.
func ParseWindow(text string) (Window, error) {
	w := Window{text: strings.TrimSpace(text)}
	days, hours, ok := strings.Cut(strings.ToLower(strings.TrimSpace(text)), " ")
	from, to, dashed := strings.Cut(strings.TrimSpace(hours), "-")
	var err error
	if ok && dashed {
		if w.from, err = minutes(from); err == nil {
			w.to, err = minutes(to)
		}
	}
	if !ok || !dashed || err != nil {
		return w, fmt.Errorf("%q is no time of the week: want such as \"mon-fri 08:30-18:00\"", text)
	}
	if w.to == 0 {
		w.to = 24 * 60
	}
	if w.from == w.to || w.from == 24*60 {
		return w, fmt.Errorf("%q is no time at all", text)
	}
	return w, w.setDays(days)
}

func (w *Window) setDays(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		switch part {
		case "daily":
			w.days = [7]bool{true, true, true, true, true, true, true}
			continue
		case "workday":
			w.workday = true
			continue
		case "holiday":
			w.holiday = true
			continue
		}
		first, last, ranged := strings.Cut(part, "-")
		if !ranged {
			last = first
		}
		a, b := slices.Index(weekdays, first), slices.Index(weekdays, last)
		if a < 0 || b < 0 {
			return fmt.Errorf("%q are no days: want such as mon-fri, sat,sun, daily, workday or holiday", text)
		}
		for d := a; ; d = (d + 1) % 7 {
			w.days[d] = true
			if d == b {
				break
			}
		}
	}
	return nil
}

func minutes(text string) (int, error) {
	var h, m int
	if n, err := fmt.Sscanf(strings.TrimSpace(text), "%d:%d", &h, &m); n != 2 || err != nil || h < 0 || h > 24 || m < 0 || m > 59 || h == 24 && m > 0 {
		return 0, fmt.Errorf("%q is no time of day", text)
	}
	return 60*h + m, nil
}

// Includes tells whether the window is open at a moment. workday is the calendar; nil is Weekday.
func (w Window) Includes(at time.Time, workday func(time.Time) bool) bool {
	minute := 60*at.Hour() + at.Minute()
	if w.from < w.to {
		return w.on(at, workday) && minute >= w.from && minute < w.to
	}
	return w.on(at, workday) && minute >= w.from || w.on(at.AddDate(0, 0, -1), workday) && minute < w.to
}

func (w Window) on(day time.Time, workday func(time.Time) bool) bool {
	if w.days[day.Weekday()] {
		return true
	}
	if !w.workday && !w.holiday {
		return false
	}
	if workday == nil {
		workday = Weekday
	}
	works := workday(day)
	return works && w.workday || !works && w.holiday
}

// Weekday is the calendar where there is no other: Monday to Friday.
func Weekday(day time.Time) bool {
	return day.Weekday() != time.Saturday && day.Weekday() != time.Sunday
}
