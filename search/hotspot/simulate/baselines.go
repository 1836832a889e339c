package simulate

import (
	"math"

	"hotline/search/hotspot"
)

// What is compared with: the usual ways to warn of counts, each at its usual bound.

// EARS is C1 (lag 0) or C2 (lag 2): more than three standard deviations above the
// mean of seven days (Hutwagner et al. 2003).
func EARS(days []hotspot.Day, lag int) []bool {
	alerts := make([]bool, len(days))
	for t := 7 + lag; t < len(days); t++ {
		mean, sd := moments(days[t-lag-7 : t-lag])
		alerts[t] = float64(days[t].Count) > mean+3*max(sd, 0.2)
	}
	return alerts
}

// EARSC3 adds what C2 was above one deviation on the two days before.
func EARSC3(days []hotspot.Day) []bool {
	alerts := make([]bool, len(days))
	c2 := func(t int) float64 {
		mean, sd := moments(days[t-9 : t-2])
		return (float64(days[t].Count) - mean) / max(sd, 0.2)
	}
	for t := 11; t < len(days); t++ {
		sum := 0.0
		for back := range 3 {
			sum += max(0, c2(t-back)-1)
		}
		alerts[t] = sum > 2
	}
	return alerts
}

// ThreeSigma is the mean and three standard deviations of the last year.
func ThreeSigma(days []hotspot.Day) []bool {
	alerts := make([]bool, len(days))
	for t := 28; t < len(days); t++ {
		mean, sd := moments(days[max(0, t-365):t])
		alerts[t] = float64(days[t].Count) > mean+3*sd
	}
	return alerts
}

// Poisson is the same with a Poisson bound of one in a hundred.
func Poisson(days []hotspot.Day) []bool {
	alerts := make([]bool, len(days))
	for t := 28; t < len(days); t++ {
		mean, _ := moments(days[max(0, t-365):t])
		alerts[t] = float64(days[t].Count) > mean+2.326*math.Sqrt(mean)
	}
	return alerts
}

func moments(days []hotspot.Day) (mean, sd float64) {
	sum, squares, n := 0.0, 0.0, float64(len(days))
	for _, d := range days {
		sum, squares = sum+float64(d.Count), squares+float64(d.Count)*float64(d.Count)
	}
	mean = sum / n
	return mean, math.Sqrt(max((squares-n*mean*mean)/(n-1), 0))
}
