package sla_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hotline/ticketing/sla"
)

func at(t testing.TB, s string) time.Time {
	t.Helper()
	moment, err := time.ParseInLocation("2006-01-02 15:04", s, sla.Zone)
	require.NoError(t, err)
	return moment
}

func TestAddCountsWorkingMinutesHalfOpen(t *testing.T) {
	c := sla.DefaultCalendar()
	day := c.Daily()
	for _, test := range []struct {
		name, start string
		d           time.Duration
		want        string
	}{
		{"used up exactly at noon", "2025-09-24 09:00", 3 * time.Hour, "2025-09-24 12:00"},
		{"one minute over noon", "2025-09-24 09:00", 3*time.Hour + time.Minute, "2025-09-24 13:31"},
		{"used up exactly at closing time", "2025-09-24 09:00", day, "2025-09-24 17:30"},
		{"start in the lunch break", "2025-09-24 12:30", time.Minute, "2025-09-24 13:31"},
		{"start at noon", "2025-09-24 12:00", time.Minute, "2025-09-24 13:31"},
		{"start before opening", "2025-09-24 03:00", time.Minute, "2025-09-24 09:01"},
		{"start at closing time", "2025-09-24 17:30", time.Minute, "2025-09-25 09:01"},
		{"over a weekend", "2025-09-19 17:00", time.Hour, "2025-09-22 09:30"},
		{"a make-up Sunday counts", "2025-09-26 16:30", 2 * time.Hour, "2025-09-28 10:00"},
		{"five days over National Day", "2025-09-26 16:30", 5 * day, "2025-10-10 16:30"},
		{"nothing to run down", "2025-10-01 03:00", 0, "2025-10-01 03:00"},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, at(t, test.want), c.Add(at(t, test.start), test.d).In(sla.Zone))
		})
	}
}

func TestNthDayNeverCountsTheStart(t *testing.T) {
	c := sla.DefaultCalendar()
	require.Equal(t, at(t, "2025-10-11 17:30"), c.NthDay(at(t, "2025-09-26 16:30"), 6))
	require.Equal(t, at(t, "2025-09-28 17:30"), c.NthDay(at(t, "2025-09-27 10:00"), 1), "from a Saturday to the make-up Sunday")
}

func TestAddAgreesWithCountingMinuteByMinute(t *testing.T) {
	c := sla.DefaultCalendar()
	first := at(t, "2018-01-01 00:00")
	working := func(m time.Time) bool {
		clock := m.Hour()*60 + m.Minute()
		return c.Workday(m) && (clock >= 540 && clock < 720 || clock >= 810 && clock < 1050)
	}
	rapid.Check(t, func(t *rapid.T) {
		start := first.Add(time.Duration(rapid.IntRange(0, 9*365*24*60).Draw(t, "start")) * time.Minute)
		minutes := rapid.IntRange(1, 4000).Draw(t, "minutes")
		now, left := start, minutes
		for {
			if working(now) {
				left--
			}
			now = now.Add(time.Minute)
			if left == 0 {
				break
			}
		}
		got := c.Add(start, time.Duration(minutes)*time.Minute)
		require.Equal(t, now.UnixMilli(), got.UnixMilli(), "%d minutes from %s", minutes, start)
		require.Equal(t, time.Duration(minutes)*time.Minute, c.Between(start, got))
	})
}

func TestBetweenAddsUp(t *testing.T) {
	c := sla.DefaultCalendar()
	first := at(t, "2024-01-01 00:00")
	rapid.Check(t, func(t *rapid.T) {
		moment := func(label string) time.Time {
			return first.Add(time.Duration(rapid.Int64Range(0, 400*24*3600*1000).Draw(t, label)) * time.Millisecond)
		}
		a, b, m := moment("a"), moment("b"), moment("m")
		if b.Before(a) {
			a, b = b, a
		}
		if m.Before(a) || m.After(b) {
			m = a
		}
		require.Equal(t, c.Between(a, b), c.Between(a, m)+c.Between(m, b))
	})
}

func TestProvisionalYearIsMarked(t *testing.T) {
	c := sla.DefaultCalendar()
	require.True(t, c.Provisional(at(t, "2027-03-01 10:00")))
	require.False(t, c.Provisional(at(t, "2026-12-31 23:59")))
	require.False(t, c.Workday(at(t, "2027-10-01 10:00")))
}

func TestBadCalendarsAreRefusedByName(t *testing.T) {
	for text, want := range map[string]string{
		`{"schedule":["9-12"]}`:                                 `"9-12" is not a period such as 09:00-12:00`,
		`{"schedule":["13:00-17:00","09:00-12:00"]}`:            "begins before the one in front of it ends",
		`{"schedule":[]}`:                                       "give at least one period",
		`{"schedule":["09:00-12:00"],"off":{"2026-13-01":"x"}}`: `"2026-13-01" is not a date`,
		`{"schedule":["09:00-12:00"],"off":{"2026-01-01":"x"},"work":{"2026-01-01":"x"}}`: "2026-01-01 is both off and work",
		`{"shedule":["09:00-12:00"]}`: `unknown field "shedule"`,
	} {
		_, err := sla.ParseCalendar([]byte(text))
		require.ErrorContains(t, err, want)
	}
}
