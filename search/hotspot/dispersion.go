package hotspot

import "math"

// dispersion is the variance over the mean. Pearson's is
// too large where outbreaks are many; what the days below the mean say is not, for
// outbreaks only ever add.
func dispersion(xs []row, ys []float64, beta *row) float64 {
	pearson, n := 0.0, 0.0
	var below halves
	for i := range xs {
		mu := max(math.Exp(min(dot(&xs[i], beta), 20)), 0.05)
		d := ys[i] - mu
		pearson += d * d / mu
		n++
		below.add(mu, d)
	}
	return max(1, below.dispersion(pearson/max(n-columns/2, 1)))
}

// halves are the days below the mean, by how large the mean is.
type halves struct {
	days, means [halfBins]float64
	sum         float64 // of squared residuals below the mean, over the mean
}

const (
	halfBins   = 48
	halfRounds = 4
	manyBelow  = 300 // a mean from which on both halves are alike
)

// binOf and middleOf cut means into steps of a quarter of e, from 1/20 on.
func binOf(mu float64) int { return max(0, min(halfBins-1, int(4*math.Log(mu)+12))) }

func middleOf(bin int) float64 { return math.Exp((float64(bin) - 11.5) / 4) }

func (h *halves) add(mu, residual float64) {
	bin := binOf(mu)
	h.days[bin]++
	h.means[bin] += mu
	if residual < 0 {
		h.sum += residual * residual / mu
	}
}

// dispersion is that with which a negative binomial distribution would put as much
// below the mean as there is; never more than most.
func (h *halves) dispersion(most float64) float64 {
	phi := max(most, 1)
	for range halfRounds {
		expected := 0.0
		for bin, days := range h.days {
			if days > 0 {
				expected += days * belowMean(h.means[bin]/days, phi)
			}
		}
		phi = max(1, phi*h.sum/max(expected, 1e-9))
	}
	return min(phi, most)
}

// belowMean is the part of the squared residuals, over the mean, that is below it.
func belowMean(mu, phi float64) float64 {
	if mu > manyBelow {
		return phi / 2
	}
	sum := 0.0
	draw := counting(mu, phi)
	for k := 0.0; k < mu; k++ {
		sum += (mu - k) * (mu - k) * draw()
	}
	return sum / mu
}

// counting gives the probabilities of 0, 1, 2 … of a negative binomial distribution, of
// a Poisson distribution where phi, the variance over the mean, is 1.
func counting(mu, phi float64) func() float64 {
	size, p, next := mu/max(phi-1, 1e-9), math.Exp(-mu), 0.0
	over := phi > 1+1e-6
	if over {
		p = math.Exp(-size * math.Log(phi))
	}
	return func() float64 {
		now := p
		if over {
			p *= (next + size) / (next + 1) * (phi - 1) / phi
		} else {
			p *= mu / (next + 1)
		}
		next++
		return now
	}
}
