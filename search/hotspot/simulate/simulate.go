package simulate

import (
	"math"
	"math/rand/v2"
	"time"

	"hotline/search/hotspot"
)

// Scenario is how a series is made, after Noufaily et al. 2019: the mean is
// exp(Level + Trend·t + Fourier terms of the year and of the week), the counts are
// negative binomial.
type Scenario struct {
	Level, Trend            float64 // Trend a day
	Year, Week              int     // harmonics
	YearCos, YearSin        float64
	WeekCos, WeekSin        float64
	Dispersion              float64 // variance over mean
	OffFactor, MakeUpFactor float64 // of a day off, and of a worked weekend, against an ordinary one; 1 without
}

// Spread is how outbreaks come: one in about every Gap days, each of Poisson(k·Factor·sd)
// reports, k from 1 to 5 and sd that of the day it begins, spread over days by a
// logarithmic normal distribution whose median is Days.
type Spread struct {
	Gap          int
	Factor, Days float64
}

// Weekly is the spread of the study and of the published rates: seven times k·sd
// reports within a week or two. Brief outbreaks are smaller and over in days.
var (
	Weekly = Spread{Gap: 40, Factor: 7, Days: 4}
	Brief  = Spread{Gap: 40, Factor: 3, Days: 1}
)

// Scenarios are sixteen: the eight of the study that have seven days a week, but for
// their yearly epidemics, and eight of smaller numbers, as the districts and
// categories of a city have.
func Scenarios() []Scenario {
	return []Scenario{
		{6, 0, 1, 2, 0.2, 0.2, 0.5, 0.4, 2, 1, 1}, {0.5, 0, 1, 2, 1.5, 1.4, 0.5, 0.4, 1, 1, 1}, {5.5, 0, 0, 2, 0, 0, 0.3, 0.25, 1, 1, 1},
		{2, 0, 0, 2, 0, 0, 0.3, 0.25, 1, 1, 1}, {2, 0.0005, 1, 2, 0.8, 0.8, 0.8, 0.4, 4, 1, 1}, {0.05, 0, 4, 1, 0.01, 0.01, 1.8, 0.1, 1, 1, 1},
		{3, 0, 1, 2, 0.8, 0.6, 0.8, 0.4, 4, 1, 1}, {6, 0, 0, 2, 0, 0, 0.8, 0.4, 4, 1, 1},
		{2, 0.0003, 1, 2, 0.3, 0.3, 0.2, 0.3, 1.5, 1, 1}, {1, 0.0002, 0, 2, 0, 0, 0.3, 0.3, 1.2, 1, 1}, {0, 0, 1, 1, 0.4, 0.1, 0.2, 0.1, 1.3, 1, 1},
		{1.5, 0, 1, 2, 0.1, 0.1, 0.6, 0.3, 1, 1, 1}, {-0.5, 0, 1, 1, 0.3, 0.2, 0.2, 0.2, 1, 1, 1}, {1, -0.0003, 1, 2, 0.2, 0.4, 0.3, 0.3, 2, 1, 1},
		{2, 0, 1, 1, 0.8, 0.2, 0.3, 0.1, 1.2, 1, 1}, {3, 0.0004, 1, 2, 0.2, 0.2, 0.3, 0.4, 3, 1, 1},
	}
}

// WithHolidays are the scenarios of a city that rests: less on days off, an
// ordinary working day on make-up days.
func WithHolidays() []Scenario {
	list := Scenarios()
	for i := range list {
		list[i].OffFactor, list[i].MakeUpFactor = 0.55, 1.3
	}
	return list
}

// Outbreak is days From … To (exclusive) of a series on which there was one.
type Outbreak struct{ From, To int }

// Series is a simulated one.
type Series struct {
	Days      []hotspot.Day
	Means     []float64 // without outbreaks
	Noise     float64   // variance over mean
	Outbreaks []Outbreak
	Extra     []int // reports of outbreaks, by day
}

// Make makes a series of n days from a first one. After the first warm days outbreaks come.
func Make(s Scenario, first time.Time, n, warm int, outbreaks Spread, works hotspot.Calendar, random *rand.Rand) Series {
	out := Series{Days: make([]hotspot.Day, n), Means: make([]float64, n), Extra: make([]int, n), Noise: max(s.Dispersion, 1)}
	for t := range n {
		day := first.AddDate(0, 0, t)
		eta := s.Level + s.Trend*float64(t)
		for h := 1; h <= s.Year; h++ {
			a := 2 * math.Pi * float64(h*t) / 365.25
			eta += s.YearCos/float64(h)*math.Cos(a) + s.YearSin/float64(h)*math.Sin(a)
		}
		for h := 1; h <= s.Week; h++ {
			a := 2 * math.Pi * float64(h*t) / 7
			eta += s.WeekCos/float64(h)*math.Cos(a) + s.WeekSin/float64(h)*math.Sin(a)
		}
		end := day.Weekday() == time.Saturday || day.Weekday() == time.Sunday
		switch w := works(day); {
		case !w && !end:
			eta += math.Log(s.OffFactor)
		case w && end:
			eta += math.Log(s.MakeUpFactor)
		}
		out.Means[t] = math.Exp(eta)
		out.Days[t] = hotspot.Day{Date: day, Count: count(out.Means[t], s.Dispersion, random)}
	}
	gap := outbreaks.Gap
	for at := warm + random.IntN(gap); at < n-20; at += gap/2 + random.IntN(gap) {
		k := 1 + random.IntN(5)
		size := poisson(float64(k)*outbreaks.Factor*math.Sqrt(out.Means[at]*out.Noise), random)
		if size == 0 {
			continue
		}
		last := at
		for range size {
			day := at + int(outbreaks.Days*math.Exp(0.5*random.NormFloat64()))
			if day >= n {
				continue
			}
			out.Extra[day]++
			out.Days[day].Count++
			last = max(last, day)
		}
		from := at
		for out.Extra[from] == 0 && from < last {
			from++
		}
		out.Outbreaks = append(out.Outbreaks, Outbreak{from, last + 1})
	}
	return out
}

func count(mean, dispersion float64, random *rand.Rand) int {
	if dispersion > 1 {
		size := mean / (dispersion - 1)
		mean = gamma(size, random) * mean / size
	}
	return poisson(mean, random)
}

func poisson(mean float64, random *rand.Rand) int {
	if mean > 500 {
		return max(0, int(math.Round(mean+math.Sqrt(mean)*random.NormFloat64())))
	}
	limit, p, k := math.Exp(-mean), 1.0, 0
	if limit == 0 {
		return int(mean)
	}
	for p > limit {
		p *= random.Float64()
		k++
	}
	return k - 1
}

// gamma draws from a gamma distribution of scale 1 (Marsaglia, Tsang 2000).
func gamma(shape float64, random *rand.Rand) float64 {
	if shape < 1 {
		return gamma(shape+1, random) * math.Pow(random.Float64(), 1/shape)
	}
	d := shape - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := random.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		if u := random.Float64(); math.Log(u) < 0.5*x*x+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}

// Rates are how good alerts were.
type Rates struct {
	Outbreaks, Detected      int
	Quiet, False             int // series-days without an outbreak, and alerts on them
	OffQuiet, OffFalse       int // those on days off that would be worked
	MakeUpQuiet, MakeUpFalse int
}

// Judge counts from a day on what alerts were worth.
func (r *Rates) Judge(s Series, alerts []bool, from int, works hotspot.Calendar) {
	busy := make([]bool, len(s.Days))
	for _, o := range s.Outbreaks {
		found := false
		for t := o.From; t < o.To; t++ {
			busy[t] = true
			found = found || alerts[t]
		}
		if o.From >= from {
			r.Outbreaks++
			if found {
				r.Detected++
			}
		}
	}
	for t := from; t < len(s.Days); t++ {
		if busy[t] {
			continue
		}
		day := s.Days[t].Date
		end := day.Weekday() == time.Saturday || day.Weekday() == time.Sunday
		add := func(quiet, wrong *int) {
			*quiet++
			if alerts[t] {
				*wrong++
			}
		}
		add(&r.Quiet, &r.False)
		switch w := works(day); {
		case !w && !end:
			add(&r.OffQuiet, &r.OffFalse)
		case w && end:
			add(&r.MakeUpQuiet, &r.MakeUpFalse)
		}
	}
}

// Detection is the part of the outbreaks that was found.
func (r *Rates) Detection() float64 { return part(r.Detected, r.Outbreaks) }

// FalseAlarms is the part of quiet days that was warned of.
func (r *Rates) FalseAlarms() float64 { return part(r.False, r.Quiet) }

// OffFalseAlarms is that on days off which would be worked.
func (r *Rates) OffFalseAlarms() float64 { return part(r.OffFalse, r.OffQuiet) }

// MakeUpFalseAlarms is that on worked weekends.
func (r *Rates) MakeUpFalseAlarms() float64 { return part(r.MakeUpFalse, r.MakeUpQuiet) }

func part(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}
