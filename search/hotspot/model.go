package hotspot

import (
	"math"
	"time"
)

// Model is what the past of one series has taught; it judges the days after it.
type Model struct {
	settings Settings
	calendar Calendar
	first    time.Time
	past     []Day // the last of them
	model    regression
	short    bool // too little past for a regression
}

// shortPast is the least that anything is said from: a week and the days before today.
const shortPast = 10

// Learn goes through the past of a series, whose days follow one another. Where there
// is too little for a regression the last seven days stand in for it, as in EARS C2.
func Learn(past []Day, calendar Calendar, s Settings) *Model {
	m := &Model{settings: s, calendar: calendar, past: past[max(0, len(past)-shortPast):], short: len(past) < s.Least}
	if len(past) == 0 {
		return m
	}
	m.first = past[0].Date
	if m.short {
		return m
	}
	d := newDetector(past, calendar, s)
	d.learn(len(past))
	m.model = d.model
	return m
}

// Expect is the mean of a day and the variance of its count; false where nothing is known.
func (m *Model) Expect(day time.Time) (mean, variance float64, known bool) {
	if m.short {
		if len(m.past) < shortPast {
			return 0, 0, false
		}
		mean, sd := weekBefore(m.past)
		return mean, max(mean, sd*sd) * (1 + 1.0/7), true
	}
	x := terms(day, m.first, m.calendar)
	mean, off := m.model.expect(&x)
	return mean, mean*m.model.dispersion + off*off, true
}

// Judge says how improbable the last of some days is, alone and with those before it.
// level is the probability from which on it is warned of.
func (m *Model) Judge(days []Day, level float64) Verdict {
	last := len(days) - 1
	if last < 0 {
		return Verdict{}
	}
	s := m.settings
	for i := range s.Level {
		s.Level[i] = level
	}
	if m.short {
		return m.judgeShort(days[last], level)
	}
	return s.judge(days, last, m.model.dispersion, func(at int) (mean, off float64) {
		x := terms(days[at].Date, m.first, m.calendar)
		return m.model.expect(&x)
	})
}

func (m *Model) judgeShort(day Day, level float64) Verdict {
	mean, variance, known := m.Expect(day.Date)
	if !known {
		return Verdict{Expected: math.NaN(), Upper: math.NaN()}
	}
	p := tail(float64(day.Count), mean, variance)
	return Verdict{Expected: mean, Upper: bound(level, mean, variance), Score: -math.Log10(max(p, 1e-300)), Alert: p <= level, Days: 1}
}

// weekBefore is mean and deviation of seven days, two days before the end.
func weekBefore(past []Day) (mean, sd float64) {
	days := past[len(past)-9 : len(past)-2]
	for _, d := range days {
		mean += float64(d.Count) / 7
	}
	for _, d := range days {
		sd += (float64(d.Count) - mean) * (float64(d.Count) - mean) / 6
	}
	return mean, math.Sqrt(sd)
}

// Surge says how improbable it is that a part of a day brought n reports, where share
// is the part of the day's reports that it usually brings.
func (m *Model) Surge(day time.Time, n int, share, level float64) Verdict {
	mean, variance, known := m.Expect(day)
	if !known || share <= 0 {
		return Verdict{Expected: math.NaN(), Upper: math.NaN()}
	}
	part := mean * share
	// What varies from day to day varies in each of its hours alike; the rest is chance.
	variance = part + (variance-mean)*share*share + part*(m.dispersion()-1)
	p := tail(float64(n), part, max(variance, part))
	return Verdict{Expected: part, Upper: bound(level, part, max(variance, part)), Score: -math.Log10(max(p, 1e-300)), Alert: p <= level, Days: 0}
}

func (m *Model) dispersion() float64 {
	if m.short {
		return 1
	}
	return m.model.dispersion
}

// Rates are how good the warning is, as measured: docs/hotspot.md.
type Rates struct {
	Detection, FalseAlarms, DaysOff, MakeUpDays float64
}

// Published are the rates on simulated counts with outbreaks that are known, at the
// default level, in a city that rests on days off.
func Published() Rates {
	return Rates{Detection: 0.810, FalseAlarms: 0.0051, DaysOff: 0.006, MakeUpDays: 0.003}
}
