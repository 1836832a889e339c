package app

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"hotline/ticketing"
	"hotline/ticketing/sla"
)

// cities is where the city's reference data is; *ticketing.Service has it.
type cities interface {
	City(ctx context.Context) (ticketing.City, error)
	CityVersion(ctx context.Context) (int64, error)
}

// workdays tells which days people work on, by the calendar of the city as it was imported last. A caller waits for its being read, so that is done
// within readingCalendar, and not more often than each freshCalendar; until then the calendar known counts.
type workdays struct {
	cities cities
	log    *slog.Logger
	now    func() time.Time

	mu       sync.Mutex
	calendar *sla.Calendar
	version  int64
	asked    time.Time
}

const (
	readingCalendar = 500 * time.Millisecond
	freshCalendar   = 10 * time.Second
)

func newWorkdays(c cities, log *slog.Logger, now func() time.Time) *workdays {
	return &workdays{cities: c, log: log, now: now, calendar: sla.DefaultCalendar(), version: -1}
}

// Workday tells whether people work on a day.
func (w *workdays) Workday(day time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.known().Workday(day)
}

// Working tells whether a moment is in working time, or within an hour of it.
func (w *workdays) Working(at time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.known().Between(at.Add(-time.Hour), at.Add(time.Hour)) > 0
}

// known needs the lock.
func (w *workdays) known() *sla.Calendar {
	if now := w.now(); now.Sub(w.asked) >= freshCalendar {
		w.asked = now
		if err := w.read(); err != nil {
			w.log.Warn("the city's calendar cannot be read, the one known before goes on to count for the lines' hours", "error", err)
		}
	}
	return w.calendar
}

func (w *workdays) read() error {
	ctx, cancel := context.WithTimeout(context.Background(), readingCalendar)
	defer cancel()
	version, err := w.cities.CityVersion(ctx)
	if err != nil || version == w.version {
		return err
	}
	city, err := w.cities.City(ctx)
	if err != nil {
		return err
	}
	calendar, err := sla.CalendarOf(city)
	if err != nil {
		return err
	}
	w.calendar, w.version = calendar, version
	return nil
}
