package hotspot

import "math"

// design are the columns of the regression.
const (
	colLevel = iota
	colTrend
	colSeason                 // two harmonics of the year
	colDay    = colSeason + 4 // Tuesday … Sunday against Monday
	colOff    = colDay + 6    // a working day of the week that is off
	colOffEnd = colOff + 1    // a Saturday or Sunday within a holiday
	colMakeUp = colOffEnd + 1 // a Saturday or Sunday that is worked
	columns   = colMakeUp + 1
)

type row [columns]float64

// regression is a fitted quasi-Poisson regression with a logarithmic link.
type regression struct {
	beta       row
	covariance [columns][columns]float64 // of beta, without the dispersion
	dispersion float64                   // variance over mean, 1 at least
}

// prior is how far, on the logarithmic scale, a coefficient may be expected to be
// from zero (its standard deviation): it holds back what the past says little of.
func prior(years float64) row {
	var sd row
	sd[colLevel] = 10
	sd[colTrend] = 0.25 // a year
	for j := colSeason; j < colDay; j++ {
		sd[j] = 0.5
		if years < 0.75 { // a season is not known from part of a year
			sd[j] = 0.2
		}
	}
	for j := colDay; j < colOff; j++ {
		sd[j] = 1
	}
	sd[colOff], sd[colOffEnd], sd[colMakeUp] = 0.6, 0.4, 0.6
	return sd
}

const (
	fitRounds   = 12
	fitAccuracy = 1e-6
)

// fit finds the coefficients by iteratively reweighted least squares.
//
// lost is what weights that are less than one take away from the score of a day whose
// mean is mu; nil takes nothing.
func fit(xs []row, ys, weights []float64, sd row, start regression, warm bool, lost func(mu float64) float64) regression {
	r := start
	if !warm {
		sum, n := 0.0, 0.0
		for i, y := range ys {
			sum, n = sum+weights[i]*y, n+weights[i]
		}
		r = regression{}
		r.beta[colLevel] = math.Log(max(sum/max(n, 1), 0.01))
	}
	for range fitRounds {
		var a [columns][columns]float64
		var b row
		for i := range xs {
			x := &xs[i]
			eta := dot(x, &r.beta)
			mu := math.Exp(min(eta, 20))
			w := weights[i] * mu
			z := w * (eta + (ys[i]-mu)/mu)
			if lost != nil {
				z += lost(mu)
			}
			for j := range columns {
				if x[j] == 0 {
					continue
				}
				wx := w * x[j]
				b[j] += z * x[j]
				for k := 0; k <= j; k++ {
					a[j][k] += wx * x[k]
				}
			}
		}
		for j := range columns {
			a[j][j] += 1 / (sd[j] * sd[j])
			for k := 0; k < j; k++ {
				a[k][j] = a[j][k]
			}
		}
		next, covariance, ok := solve(a, b)
		if !ok {
			break
		}
		moved := 0.0
		for j := range columns {
			moved = max(moved, math.Abs(next[j]-r.beta[j]))
		}
		r.beta, r.covariance = next, covariance
		if moved < fitAccuracy {
			break
		}
	}
	r.dispersion = dispersion(xs, ys, &r.beta)
	return r
}

func dot(x, beta *row) float64 {
	sum := 0.0
	for j := range columns {
		sum += x[j] * beta[j]
	}
	return sum
}

// solve inverts a symmetric positive matrix by Cholesky's way, and solves with it.
func solve(a [columns][columns]float64, b row) (x row, inverse [columns][columns]float64, ok bool) {
	var l [columns][columns]float64
	for j := range columns {
		for k := 0; k <= j; k++ {
			sum := a[j][k]
			for m := range k {
				sum -= l[j][m] * l[k][m]
			}
			if j != k {
				l[j][k] = sum / l[k][k]
				continue
			}
			if sum <= 0 || math.IsNaN(sum) {
				return x, inverse, false
			}
			l[j][j] = math.Sqrt(sum)
		}
	}
	for c := range columns { // L Lᵀ column = unit
		var y row
		for j := range columns {
			sum := 0.0
			if j == c {
				sum = 1
			}
			for m := range j {
				sum -= l[j][m] * y[m]
			}
			y[j] = sum / l[j][j]
		}
		for j := columns - 1; j >= 0; j-- {
			sum := y[j]
			for m := j + 1; m < columns; m++ {
				sum -= l[m][j] * inverse[m][c]
			}
			inverse[j][c] = sum / l[j][j]
		}
	}
	for j := range columns {
		for k := range columns {
			x[j] += inverse[j][k] * b[k]
		}
	}
	return x, inverse, true
}

// expect is the mean at x, and how far off it may be.
func (r *regression) expect(x *row) (mean, off float64) {
	mean = math.Exp(min(dot(x, &r.beta), 20))
	return mean, math.Sqrt(r.spread(x)*r.dispersion) * mean
}

// spread is the variance of the mean's logarithm at x.
func (r *regression) spread(x *row) float64 {
	sum := 0.0
	for j := range columns {
		if x[j] == 0 {
			continue
		}
		for k := range columns {
			sum += x[j] * r.covariance[j][k] * x[k]
		}
	}
	return sum
}
