package hotspot

import (
	"math"
	"time"
)

// Day is one day of a series.
type Day struct {
	Date  time.Time
	Count int
}

// Calendar says whether a day is worked.
type Calendar func(day time.Time) bool

// Verdict is what is said of a day.
type Verdict struct {
	Expected float64 // mean
	Upper    float64 // the least count that would have been warned of by itself
	Score    float64 // how improbable the day is, alone or with those before it: -log10
	Alert    bool
	Days     int // over how many days the evidence is strongest
}

// Settings of the detection; see DefaultSettings.
type Settings struct {
	Least   int        // days of the past without which nothing is said
	Past    int        // days of the past that are learned from
	Guard   int        // the last days that are not: an outbreak begins small
	Refit   int        // days from one learning to the next
	Pooled  int        // most days whose evidence is taken together
	Level   [3]float64 // probability below which one, two, three days are warned of
	Today   float64    // probability of today alone above which the days before it count for nothing
	Outlier float64    // residual from which on a day of the past counts less
}

// DefaultSettings are what the published rates are of.
func DefaultSettings() Settings {
	return Settings{Least: 42, Past: 3 * 365, Guard: 10, Refit: 7, Pooled: 3, Level: [3]float64{0.005, 0.005, 0.005}, Today: 0.1, Outlier: 1.5}
}

// Detect goes through a series, whose days follow one another, in order.
func Detect(days []Day, calendar Calendar, s Settings) []Verdict {
	d := newDetector(days, calendar, s)
	verdicts := make([]Verdict, len(days))
	for i := range days {
		verdicts[i] = d.next(i)
	}
	return verdicts
}

func newDetector(days []Day, calendar Calendar, s Settings) *detector {
	d := &detector{settings: s, days: days, xs: make([]row, len(days))}
	for i, day := range days {
		d.xs[i] = terms(day.Date, days[0].Date, calendar)
	}
	return d
}

// terms are the day's row of the design.
func terms(day, first time.Time, calendar Calendar) row {
	var x row
	x[colLevel] = 1
	days := day.Sub(first).Hours() / 24
	x[colTrend] = days / 365.25
	for h := range 2 {
		angle := 2 * math.Pi * float64(h+1) * float64(day.YearDay()) / 365.25
		x[colSeason+2*h], x[colSeason+2*h+1] = math.Cos(angle), math.Sin(angle)
	}
	weekday := int(day.Weekday()+6) % 7 // Monday is 0
	if weekday > 0 {
		x[colDay+weekday-1] = 1
	}
	works, end := calendar(day), weekday >= 5
	switch {
	case !works && !end:
		x[colOff] = 1
	case works && end:
		x[colMakeUp] = 1
	case end && nearHoliday(day, calendar):
		x[colOffEnd] = 1
	}
	return x
}

// nearHoliday tells whether a weekend is part of a holiday: the days beside it are off too.
func nearHoliday(day time.Time, calendar Calendar) bool {
	for _, step := range []int{-1, 1} {
		other := day.AddDate(0, 0, step)
		for other.Weekday() == time.Saturday || other.Weekday() == time.Sunday {
			if calendar(other) { // a make-up day ends it
				break
			}
			other = other.AddDate(0, 0, step)
		}
		if w := other.Weekday(); w != time.Saturday && w != time.Sunday && !calendar(other) {
			return true
		}
	}
	return false
}

type detector struct {
	settings Settings
	days     []Day
	xs       []row

	model   regression
	fitted  bool
	learned int // day of the last learning
}

func (d *detector) next(i int) Verdict {
	if i < d.settings.Least {
		return Verdict{Expected: math.NaN(), Upper: math.NaN()}
	}
	if !d.fitted || i-d.learned >= d.settings.Refit {
		d.learn(i)
	}
	return d.judge(i)
}

// learn fits the model to the past of a day several times: what stood out before
// counts less the next time.
func (d *detector) learn(i int) {
	to := max(i-d.settings.Guard, d.settings.Least/2)
	from := max(0, to-d.settings.Past)
	xs := d.xs[from:to]
	ys, weights := make([]float64, len(xs)), make([]float64, len(xs))
	for k := range xs {
		ys[k], weights[k] = float64(d.days[from+k].Count), 1
	}
	sd := prior(float64(len(xs)) / 365)
	var lost func(mu float64) float64
	for round := range learnRounds {
		d.model = fit(xs, ys, weights, sd, d.model, d.fitted || round > 0, lost)
		d.fitted = true
		if round == learnRounds-1 {
			break
		}
		for k := range xs {
			mu := math.Exp(min(dot(&xs[k], &d.model.beta), 20))
			weights[k] = weight(anscombe(ys[k], mu, d.model.dispersion), d.settings.Outlier)
		}
		lost = lostScore(d.settings.Outlier, d.model.dispersion)
	}
	d.learned = i
}

// learnRounds is how often the past is fitted anew: weights settle by then.
const learnRounds = 6

// anscombe is a residual that is nearly normal.
func anscombe(y, mu, dispersion float64) float64 {
	mu = max(mu, 0.05)
	a, b := math.Cbrt(y), math.Cbrt(mu)
	return 1.5 * (a*a - b*b) / math.Sqrt(b*dispersion)
}

// judge says how improbable a day is, alone and with those before it.
func (d *detector) judge(i int) Verdict {
	return d.settings.judge(d.days, i, d.model.dispersion, func(at int) (mean, off float64) {
		return d.model.expect(&d.xs[at])
	})
}

// judge asks expect for the mean of a day and how far off it may be.
func (s Settings) judge(days []Day, i int, dispersion float64, expect func(at int) (mean, off float64)) Verdict {
	v := Verdict{Days: 1}
	sum, mean, noise, spread := 0.0, 0.0, 0.0, 0.0
	best, today := math.Inf(1), 1.0
	for w := range s.Pooled {
		at := i - w
		if at < 0 {
			break
		}
		mu, off := expect(at)
		sum, mean, noise = sum+float64(days[at].Count), mean+mu, noise+mu*dispersion
		spread += off // they err together
		variance := noise + spread*spread
		p := tail(sum, mean, variance)
		if w == 0 {
			v.Expected, v.Upper = mu, bound(s.Level[0], mean, variance)
			today = p
		}
		if today > s.Today { // it is over, or not begun
			p = 1
		}
		if ratio := p / s.Level[w]; ratio < best {
			best, v.Days = ratio, w+1
			v.Score = -math.Log10(max(p, 1e-300))
		}
	}
	v.Alert = best <= 1
	return v
}

// Oracle judges days whose true means and dispersion are known: nobody can do better
// in this way, and simulations tell how near it one comes.
func Oracle(days []Day, means []float64, dispersion float64, s Settings) []Verdict {
	verdicts := make([]Verdict, len(days))
	for i := range days {
		verdicts[i] = s.judge(days, i, dispersion, func(at int) (float64, float64) { return means[at], 0 })
	}
	return verdicts
}
