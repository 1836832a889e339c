package hotspot

import "math"

// manyCounts is where the tail of the normal distribution stands in.
const manyCounts = 2000

// tail is how probable it is that a count of a mean and a variance is n or more:
// negative binomial, Poisson where the variance is no more than the mean. Half of
// the probability of n itself counts (mid-p): counts are whole, bounds are not.
func tail(n, mean, variance float64) float64 {
	if n <= 0 {
		return 1
	}
	mean = max(mean, 1e-9)
	if n > manyCounts {
		return 0.5 * math.Erfc((n-mean)/math.Sqrt(2*max(variance, mean)))
	}
	var p, ratio float64 // of 0, and of the next
	size := 0.0
	poisson := variance <= mean*1.000001
	if poisson {
		p = math.Exp(-mean)
	} else {
		size = mean * mean / (variance - mean)
		p = math.Exp(size * math.Log(size/(size+mean)))
		ratio = mean / (size + mean)
	}
	if p == 0 { // too far off to add up
		return 0.5 * math.Erfc((n-mean)/math.Sqrt(2*variance))
	}
	below := 0.0
	for k := 0.0; k < n; k++ {
		below += p
		if poisson {
			p *= mean / (k + 1)
		} else {
			p *= ratio * (k + size) / (k + 1)
		}
	}
	return max(1-below-p/2, 0)
}

// bound is the least count whose tail is no more than p.
func bound(p, mean, variance float64) float64 {
	low, high := math.Floor(mean), math.Ceil(mean+10*math.Sqrt(max(variance, mean))+20)
	for low+1 < high {
		middle := math.Floor((low + high) / 2)
		if tail(middle, mean, variance) <= p {
			high = middle
		} else {
			low = middle
		}
	}
	return high
}
