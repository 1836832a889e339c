package classify

import (
	"math"
	"math/rand/v2"
)

// linear is one label against all others: the side of a plane.
type linear struct {
	W []float32
	B float32
}

func (l linear) score(x vector) float64 {
	sum := float64(l.B)
	for i, at := range x.index {
		sum += float64(l.W[at]) * float64(x.value[i])
	}
	return sum
}

const (
	penalty  = 1.0  // C of the support vector machine
	rounds   = 200  // most passes over the examples
	accuracy = 0.01 // of the dual, where learning ends
)

// learnLinear finds the plane of a support vector machine with squared hinge
// loss by dual coordinate descent (Hsieh et al. 2008, algorithm 1). The plane's
// offset is learned as the weight of a feature that is always one.
func learnLinear(xs []vector, positive []bool, size int, weight [2]float64, seed uint64) linear {
	w := make([]float64, size)
	b := 0.0
	alpha, norms := make([]float64, len(xs)), make([]float64, len(xs))
	order := make([]int, len(xs))
	for i, x := range xs {
		order[i] = i
		norms[i] = 1
		for _, v := range x.value {
			norms[i] += float64(v) * float64(v)
		}
	}
	random := rand.New(rand.NewPCG(seed, 0x5eed)) //nolint:gosec // an order of learning, the same each time
	for range rounds {
		random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		worst := 0.0
		for _, i := range order {
			y, c := -1.0, penalty*weight[0]
			if positive[i] {
				y, c = 1.0, penalty*weight[1]
			}
			x := xs[i]
			g := b
			for k, at := range x.index {
				g += w[at] * float64(x.value[k])
			}
			d := 1 / (2 * c)
			g = y*g - 1 + d*alpha[i]
			pg := g
			if alpha[i] == 0 && g > 0 {
				pg = 0
			}
			worst = max(worst, math.Abs(pg))
			if pg == 0 {
				continue
			}
			before := alpha[i]
			alpha[i] = max(before-g/(norms[i]+d), 0)
			step := (alpha[i] - before) * y
			b += step
			for k, at := range x.index {
				w[at] += step * float64(x.value[k])
			}
		}
		if worst < accuracy {
			break
		}
	}
	out := linear{W: make([]float32, size), B: float32(b)}
	for i, v := range w {
		out.W[i] = float32(v)
	}
	return out
}
