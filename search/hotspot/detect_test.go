package hotspot_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hotline/search/hotspot"
	"hotline/search/hotspot/simulate"
)

var firstDay = time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)

// restDays is a calendar of the tests: weekends, and a week off each autumn with
// the weekends beside it worked.
func restDays(day time.Time) bool {
	end := day.Weekday() == time.Saturday || day.Weekday() == time.Sunday
	if day.Month() == time.October && day.Day() <= 7 {
		return false
	}
	if day.Month() == time.October && day.Day() <= 12 || day.Month() == time.September && day.Day() >= 26 {
		return true
	}
	return !end
}

func simulated(i int, s simulate.Scenario, years int) simulate.Series {
	return simulate.Make(s, firstDay, years*365, (years-1)*365, simulate.Brief, restDays, rand.New(rand.NewPCG(uint64(i), 7)))
}

func alertsOf(v []hotspot.Verdict) []bool {
	alerts := make([]bool, len(v))
	for i := range v {
		alerts[i] = v[i].Alert
	}
	return alerts
}

// TestOutbreaksAreFoundAndQuietDaysAreQuiet: on counts whose outbreaks are known,
// with and without holidays, beside the usual ways.
func TestOutbreaksAreFoundAndQuietDaysAreQuiet(t *testing.T) {
	const years = 4
	for name, scenarios := range map[string][]simulate.Scenario{"plain": simulate.Scenarios(), "holidays": simulate.WithHolidays()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var ours, ears, sigma simulate.Rates
			for i, s := range scenarios {
				series := simulated(i, s, years)
				from := (years - 1) * 365
				ours.Judge(series, alertsOf(hotspot.Detect(series.Days, restDays, hotspot.DefaultSettings())), from, restDays)
				ears.Judge(series, simulate.EARS(series.Days, 2), from, restDays)
				sigma.Judge(series, simulate.ThreeSigma(series.Days), from, restDays)
			}
			require.Greater(t, ours.Detection(), 0.5)
			require.Less(t, ours.FalseAlarms(), 0.014) // one year of sixteen series: about 0.010 and its chance
			require.Greater(t, ours.Detection(), sigma.Detection()+0.2)
			require.Greater(t, ours.Detection()-10*ours.FalseAlarms(), ears.Detection()-10*ears.FalseAlarms())
			require.LessOrEqual(t, ours.OffFalseAlarms(), 0.05)
			require.LessOrEqual(t, ours.MakeUpFalseAlarms(), 0.05)
		})
	}
}

// TestNothingOfTheFuture: what is said of a day does not change when later days come.
func TestNothingOfTheFuture(t *testing.T) {
	series := simulated(3, simulate.Scenarios()[3], 2)
	whole := hotspot.Detect(series.Days, restDays, hotspot.DefaultSettings())
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, len(series.Days)).Draw(rt, "days")
		part := hotspot.Detect(series.Days[:n], restDays, hotspot.DefaultSettings())
		for i := range part {
			require.True(rt, same(part[i], whole[i]), "day %d of %d", i, n)
		}
	})
}

func same(a, b hotspot.Verdict) bool {
	equal := func(x, y float64) bool { return x == y || math.IsNaN(x) && math.IsNaN(y) }
	return equal(a.Expected, b.Expected) && equal(a.Upper, b.Upper) && a.Score == b.Score && a.Alert == b.Alert && a.Days == b.Days
}

// TestWhatIsExpected: the mean is learned with its weekdays, its season, its trend.
func TestWhatIsExpected(t *testing.T) {
	s := simulate.Scenarios()[15]
	series := simulate.Make(s, firstDay, 4*365, 4*365-30, simulate.Spread{Gap: 4000, Factor: 1, Days: 1}, restDays, rand.New(rand.NewPCG(1, 1)))
	v := hotspot.Detect(series.Days, restDays, hotspot.DefaultSettings())
	off := 0.0
	for i := 3 * 365; i < len(v); i++ {
		off += math.Abs(v[i].Expected-series.Means[i]) / series.Means[i] / 365
		require.Greater(t, v[i].Upper, v[i].Expected)
	}
	require.Less(t, off, 0.08)
}

func TestOddSeries(t *testing.T) {
	days := func(count func(i int) int, n int) []hotspot.Day {
		list := make([]hotspot.Day, n)
		for i := range list {
			list[i] = hotspot.Day{Date: firstDay.AddDate(0, 0, i), Count: count(i)}
		}
		return list
	}
	require.Empty(t, hotspot.Detect(nil, restDays, hotspot.DefaultSettings()))
	for name, d := range map[string][]hotspot.Day{
		"nothing ever": days(func(int) int { return 0 }, 500), "always the same": days(func(int) int { return 7 }, 500), "a few days": days(func(i int) int { return i }, 20),
		"millions": days(func(i int) int { return 3_000_000 + i%7 }, 500),
	} {
		for i, v := range hotspot.Detect(d, restDays, hotspot.DefaultSettings()) {
			require.False(t, v.Alert, "%s, day %d", name, i)
			require.False(t, math.IsInf(v.Score, 0) || math.IsNaN(v.Score), name)
		}
	}
	burst := days(func(i int) int {
		if i == 490 {
			return 9
		}
		return 0
	}, 500)
	v := hotspot.Detect(burst, restDays, hotspot.DefaultSettings())
	require.True(t, v[490].Alert, "nine where there was never one")
	require.False(t, v[493].Alert, "and quiet after it")
}
