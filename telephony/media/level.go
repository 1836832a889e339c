package media

import "math"

// Levels in dBFS: 0 is the root mean square of a full-scale square wave, a full sine is at -3.
const (
	// levelGoal is where voices are brought to.
	levelGoal = -22
	// gainMost and gainLeast bound what is done to a voice, in dB.
	gainMost, gainLeast = 21, -18
	// gainIdle bounds the gain, in dB, between words: noise is not to be lifted.
	gainIdle = 6
	// gainFall and gainRise are how fast the gain moves, and gainOpen how fast it comes back at the next word, in dB a frame.
	gainFall, gainRise, gainOpen = 1, 0.15, 4
	// speechLeast is the level below which nothing is speech, speechAbove how far speech lies above the noise, in dB.
	speechLeast, speechAbove = -55, 8
	// noiseRise is how fast the estimate of the noise rises, in dB a frame.
	noiseRise = 0.02
	// speechHang is for how many frames a word is taken to go on.
	speechHang = 12
	// levelLow stands for digital silence.
	levelLow = -100
	// ceiling is the peak that leaves the server at most: -1 dBFS.
	ceiling = 29000
)

// leveller brings the voice of one party to levelGoal, whatever the level it comes in, and leaves the noise between words. The zero
// value is ready.
type leveller struct {
	begun   bool
	noise   float64 // dBFS
	speech  float64 // dBFS, of the voice so far; 0 before it was heard
	gain    float64 // dB, that the voice needs
	applied float64 // dB
	factor  float32 // that the last sample was multiplied by
	hang    int
	level   float64 // dBFS, of the last frame
}

// measure looks at a frame; speaking tells whether it belongs to a word.
func (l *leveller) measure(pcm *[FrameSamples]int16) (speaking bool) {
	sum := 0.0
	for _, s := range pcm {
		sum += float64(s) * float64(s)
	}
	l.level = levelLow
	if sum > 0 {
		l.level = max(levelLow, 10*math.Log10(sum/(FrameSamples*32768*32768)))
	}
	if !l.begun {
		// A stream may begin within a word: the noise is taken to be low until it is heard.
		l.begun, l.noise, l.factor = true, min(l.level, -65), 1
	}
	l.noise = max(levelLow+20, min(l.level, l.noise+noiseRise))
	if l.level > max(speechLeast, l.noise+speechAbove) {
		l.hang = speechHang
		share := 0.02
		if l.speech == 0 {
			l.speech = l.level
		} else if l.level > l.speech {
			share = 0.2
		}
		l.speech += share * (l.level - l.speech)
	} else if l.hang > 0 {
		l.hang--
	}
	return l.hang > 0
}

// apply measures a frame and multiplies it by the gain, in place. Without on the frame is only measured; what was heard before is
// faded out within the frame.
func (l *leveller) apply(pcm *[FrameSamples]int16, control, on bool) (speaking bool) {
	speaking = l.measure(pcm)
	to := float32(0)
	if on {
		to = 1
		if control {
			to = l.next(speaking, pcm)
		}
	}
	from := l.factor
	l.factor = to
	if from == 1 && to == 1 {
		return speaking
	}
	step := (to - from) / FrameSamples
	for i, s := range pcm {
		from += step
		pcm[i] = int16(max(-32768, min(32767, float32(s)*from)))
	}
	return speaking
}

// next is the factor at the end of a frame.
func (l *leveller) next(speaking bool, pcm *[FrameSamples]int16) float32 {
	if speaking {
		want := max(gainLeast, min(gainMost, levelGoal-l.speech))
		l.gain += max(-gainFall, min(gainRise, want-l.gain))
	}
	want := l.gain
	if !speaking {
		want = min(want, gainIdle)
	}
	l.applied += max(-gainFall, min(gainOpen, want-l.applied))
	factor := float32(math.Pow(10, l.applied/20))
	peak := int32(1)
	for _, s := range pcm {
		peak = max(peak, int32(s), -int32(s))
	}
	return min(factor, ceiling/float32(peak))
}

// limiter keeps a sum of voices below the ceiling by turning it down for as long as it takes, instead of cutting its peaks off.
type limiter struct{ gain float32 }

func (l *limiter) limit(dst *[FrameSamples]int16, sum *[FrameSamples]int32) {
	if l.gain == 0 {
		l.gain = 1
	}
	peak, first := int32(0), -1
	for i, s := range sum {
		if s < 0 {
			s = -s
		}
		if first < 0 && float32(s)*l.gain > ceiling {
			first = i
		}
		peak = max(peak, s)
	}
	if l.gain == 1 && first < 0 {
		for i, s := range sum {
			dst[i] = int16(s)
		}
		return
	}
	from, to, ramp := l.gain, float32(1), FrameSamples
	if peak > ceiling {
		to = ceiling / float32(peak)
	}
	if to < from {
		// Down before the first sample that is too loud.
		ramp = max(8, first)
	} else if to = from + (to-from)*0.05; to > 0.999 {
		to = 1
	}
	l.gain = to
	for i, s := range sum {
		gain := to
		if i < ramp {
			gain = from + (to-from)*float32(i+1)/float32(ramp)
		}
		dst[i] = int16(max(-32767, min(32767, float32(s)*gain)))
	}
}
