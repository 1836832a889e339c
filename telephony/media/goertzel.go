package media

import "math"

// Goertzel is the amplitude of a frequency (Hz) in samples of the given rate, as a share of full scale: 1 is a sine that
// just does not clip. At least 20 ms of samples are needed to tell neighbouring tones apart.
func Goertzel(samples []int16, rate int, frequency float64) float64 {
	if len(samples) == 0 {
		return 0
	}
	coefficient := 2 * math.Cos(2*math.Pi*frequency/float64(rate))
	var s1, s2 float64
	for _, sample := range samples {
		s1, s2 = float64(sample)/32768+coefficient*s1-s2, s1
	}
	power := s1*s1 + s2*s2 - coefficient*s1*s2
	return 2 * math.Sqrt(max(power, 0)) / float64(len(samples))
}

// RMS is the root of the mean square of samples as a share of full scale; a full sine has 0.707.
func RMS(samples []int16) float64 {
	if len(samples) == 0 {
		return 0
	}
	sum := 0.0
	for _, sample := range samples {
		v := float64(sample) / 32768
		sum += v * v
	}
	return math.Sqrt(sum / float64(len(samples)))
}

// Dominant is the strongest frequency between 100 and 3,800 Hz, to about 5 Hz, and its amplitude as in Goertzel. It looks at the
// loudest tenth of a second; 0 when there are less than 10 ms.
func Dominant(samples []int16, rate int) (frequency, amplitude float64) {
	if len(samples) < rate/100 {
		return 0, 0
	}
	samples = loudest(samples, rate/10)
	// Steps of half a bin, so that no tone falls between two of them.
	step := float64(rate) / float64(len(samples)) / 2
	search := func(from, to, step float64) {
		for f := from; f <= to; f += step {
			if a := Goertzel(samples, rate, f); a > amplitude {
				frequency, amplitude = f, a
			}
		}
	}
	search(100, 3800, step)
	search(frequency-step, frequency+step, 1)
	return frequency, amplitude
}

func loudest(samples []int16, size int) []int16 {
	if len(samples) <= size {
		return samples
	}
	best, level := samples[:size], -1.0
	for at := 0; at+size <= len(samples); at += size {
		if l := RMS(samples[at : at+size]); l > level {
			best, level = samples[at:at+size], l
		}
	}
	return best
}
