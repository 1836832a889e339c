package media

import "math"

const (
	// scaleMatch is how alike two stretches must be for one of them to be left out or repeated without being heard.
	scaleMatch = 0.85
	// quiet is the mean square below which no joint is heard: -50 dBFS.
	quiet        = 32768 * 32768 * 1e-5
	quietLag     = SampleRate / 100
	shortenNeed  = FrameSamples + pitchMax
	lengthenLast = FrameSamples - 60 // longest period that can be repeated within a frame
)

func sqrt32(v float32) float32 { return float32(math.Sqrt(float64(v))) }

// shorten makes a frame out of a frame and a period of src, which holds shortenNeed samples, by overlapping two periods. It
// returns what it took of src; 0 when no period is there to leave out. With force any joint is good enough.
func shorten(dst *[FrameSamples]int16, src []int16, force bool) int {
	const window = 80
	lag := quietLag
	if !isQuiet(src[:shortenNeed]) {
		found, match := matchLag(src[:window], func(lag int) []int16 { return src[lag:] }, pitchMin, pitchMax, 1)
		if match < scaleMatch && !force {
			return 0
		}
		lag = found
	}
	for i := range lag {
		w := float32(i+1) / float32(lag+1)
		dst[i] = int16(float32(src[i])*(1-w) + float32(src[i+lag])*w)
	}
	copy(dst[lag:], src[2*lag:FrameSamples+lag])
	return FrameSamples + lag
}

// lengthen makes a frame out of less than a frame of src by repeating a period. It returns what it took of src; 0 when no period is
// there to repeat.
func lengthen(dst *[FrameSamples]int16, src []int16) int {
	const window = FrameSamples - lengthenLast
	lag := quietLag
	if !isQuiet(src[:FrameSamples]) {
		found, match := matchLag(src[:window], func(lag int) []int16 { return src[lag:] }, pitchMin, lengthenLast, 1)
		if match < scaleMatch {
			return 0
		}
		lag = found
	}
	copy(dst[:lag], src)
	for i := range window {
		w := float32(i+1) / float32(window+1)
		dst[lag+i] = int16(float32(src[lag+i])*(1-w) + float32(src[i])*w)
	}
	copy(dst[lag+window:], src[window:FrameSamples-lag])
	return FrameSamples - lag
}

func isQuiet(pcm []int16) bool {
	sum := 0.0
	for _, s := range pcm {
		sum += float64(s) * float64(s)
	}
	return sum < quiet*float64(len(pcm))
}
