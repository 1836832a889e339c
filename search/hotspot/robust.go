package hotspot

import "math"

// normalFrom is the mean from which on residuals are taken for normal.
const normalFrom = 30

// lostScore says what a day of a mean loses of its score, in the mean, because days
// that stand out count less even where there is no outbreak: given back, the fit is
// right for quiet days (it is consistent in Fisher's sense).
func lostScore(outlier, dispersion float64) func(mu float64) float64 {
	var known [halfBins]float64
	var filled [halfBins]bool
	normal := lostNormal(outlier)
	return func(mu float64) float64 {
		if mu >= normalFrom {
			return normal * math.Sqrt(dispersion*mu)
		}
		bin := binOf(mu)
		if !filled[bin] {
			known[bin], filled[bin] = lostCounts(middleOf(bin), outlier, dispersion), true
		}
		return known[bin]
	}
}

// weight is what a day counts whose residual is s.
func weight(s, outlier float64) float64 {
	if s <= outlier {
		return 1
	}
	r := outlier * outlier / (s * s)
	return r * r
}

// lostNormal is that score of a normal residual.
func lostNormal(c float64) float64 {
	const step = 0.01
	sum := 0.0
	for s := c + step/2; s < c+8; s += step {
		sum += s * (1 - weight(s, c)) * math.Exp(-s*s/2)
	}
	return sum * step / math.Sqrt(2*math.Pi)
}

// lostCounts is the same for counts of a negative binomial distribution.
func lostCounts(mu, c, phi float64) float64 {
	sum := 0.0
	draw := counting(mu, phi)
	most := mu + 10*math.Sqrt(mu*phi) + 10
	for k := 0.0; k < most; k++ {
		p := draw()
		sum += p * (1 - weight(anscombe(k, mu, phi), c)) * (k - mu)
	}
	return sum
}
