package classify

import "math"

// sigmoid turns a score into a probability: 1 / (1 + exp(A·score + B)).
type sigmoid struct{ A, B float64 }

func (s sigmoid) of(score float64) float64 {
	f := s.A*score + s.B
	if f >= 0 { // the two ways are the same, and neither overflows
		return math.Exp(-f) / (1 + math.Exp(-f))
	}
	return 1 / (1 + math.Exp(f))
}

// calibrate fits a sigmoid to scores of texts that the model had not seen (Platt
// 1999) by Newton's method with backtracking (Lin, Lin, Weng 2007, appendix).
func calibrate(scores []float64, positive []bool) sigmoid {
	with, without := 0.0, 0.0
	for _, p := range positive {
		if p {
			with++
		} else {
			without++
		}
	}
	high, low := (with+1)/(with+2), 1/(without+2)
	targets := make([]float64, len(scores))
	for i, p := range positive {
		targets[i] = low
		if p {
			targets[i] = high
		}
	}
	s := sigmoid{B: math.Log((without + 1) / (with + 1))}
	loss := func(s sigmoid) float64 {
		sum := 0.0
		for i, x := range scores {
			f := s.A*x + s.B
			if f >= 0 {
				sum += targets[i]*f + math.Log1p(math.Exp(-f))
			} else {
				sum += (targets[i]-1)*f + math.Log1p(math.Exp(f))
			}
		}
		return sum
	}
	const ridge, smallest, enough = 1e-12, 1e-10, 1e-5
	value := loss(s)
	for range 100 {
		h11, h22, h21, g1, g2 := ridge, ridge, 0.0, 0.0, 0.0
		for i, x := range scores {
			p := s.of(x)
			d1, d2 := targets[i]-p, p*(1-p)
			h11, h22, h21 = h11+x*x*d2, h22+d2, h21+x*d2
			g1, g2 = g1+x*d1, g2+d1
		}
		if math.Abs(g1) < enough && math.Abs(g2) < enough {
			break
		}
		det := h11*h22 - h21*h21
		dA, dB := -(h22*g1-h21*g2)/det, -(-h21*g1+h11*g2)/det
		slope := g1*dA + g2*dB
		step := 1.0
		for step >= smallest {
			next := sigmoid{s.A + step*dA, s.B + step*dB}
			if v := loss(next); v < value+1e-4*step*slope {
				s, value = next, v
				break
			}
			step /= 2
		}
		if step < smallest {
			break
		}
	}
	return s
}
