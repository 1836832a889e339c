package media

// The concealment of lost G.711 packets by repetition of the pitch, with the constants of ITU-T G.711 Appendix I where they
// are known to suit speech: periods from 5 to 15 ms, one to three of them, full level for 10 ms, silence after 60.
const (
	pitchMin = 40
	pitchMax = 120
	// concealStep is after how much concealment one more period is drawn on and the level begins to fall.
	concealStep = SampleRate / 100
	concealMax  = 6 * concealStep
	// pitchWindow is how much of the newest audio is compared with what was a period earlier.
	pitchWindow = 160
	historySize = 3*pitchMax + pitchMax/4
	// onsetFade is over how many samples the step between the last sample heard and the first one made is evened out.
	onsetFade = 16
	// voicedMatch is the correlation below which a sound has no pitch to repeat.
	voicedMatch = 0.4
)

// concealer makes up for lost audio. Unlike Appendix I it adds no delay: the joint before a loss is smoothed in what is
// made up instead of in what was received. The zero value is ready; what it makes of no history is silence.
type concealer struct {
	tail   [historySize]int16 // what was put out last
	source [historySize]int16 // tail as it was when the loss began
	lost   int                // samples made up since the last real one
	period int
	back   int // the next sample made up lies so far before the end of source
	step   float32
	joint  bool // the next real audio does not follow the last
}

// good takes received audio in the order of play and smooths its beginning, in place, when it follows made-up audio.
func (c *concealer) good(pcm []int16) {
	if len(pcm) == 0 {
		return
	}
	if c.joint && c.lost == 0 {
		c.begin()
	}
	if c.joint || c.lost > 0 {
		overlap := min(concealStep/2*max(1, c.lost/concealStep), concealStep, len(pcm))
		for i := range overlap {
			w := float32(i+1) / float32(overlap+1)
			pcm[i] = int16(float32(pcm[i])*w + c.next()*(1-w))
		}
	}
	c.lost, c.joint = 0, false
	c.remember(pcm)
}

// splice says that the next real audio does not follow the last: the two are to be overlapped.
func (c *concealer) splice() { c.joint = true }

// conceal makes up for len(dst) samples that are missing.
func (c *concealer) conceal(dst []int16) {
	if c.lost == 0 {
		c.begin()
	}
	for i := range dst {
		dst[i] = int16(c.next())
	}
	c.remember(dst)
}

// silent tells that a concealment has faded out.
func (c *concealer) silent() bool { return c.lost >= concealMax }

func (c *concealer) remember(pcm []int16) {
	if len(pcm) >= historySize {
		copy(c.tail[:], pcm[len(pcm)-historySize:])
		return
	}
	copy(c.tail[:], c.tail[len(pcm):])
	copy(c.tail[historySize-len(pcm):], pcm)
}

func (c *concealer) begin() {
	c.source = c.tail
	c.period = pitch(&c.source)
	c.back = c.period
	end := historySize - 1
	c.step = float32(c.source[end]) - float32(c.source[end-c.period])
}

// next is one sample of the repeated pitch, at the level that it has after what was lost so far.
func (c *concealer) next() float32 {
	if c.lost >= concealMax {
		c.lost++
		return 0
	}
	// One period repeated for long sounds like a machine: a second and a third are drawn on.
	cycle := min(1+c.lost/concealStep, 3) * c.period
	end := historySize
	v := float32(c.source[end-c.back])
	if quarter := c.period / 4; c.back <= quarter {
		// The end of the cycle turns into what led up to its beginning, so that the repetition has no joint.
		w := float32(quarter-c.back+1) / float32(quarter+1)
		v = v*(1-w) + float32(c.source[end-c.back-cycle])*w
	}
	if c.back--; c.back == 0 {
		c.back = cycle
	}
	if c.lost < onsetFade {
		v += c.step * float32(onsetFade-c.lost) / (onsetFade + 1)
	}
	if c.lost > concealStep {
		v *= 1 - float32(c.lost-concealStep)/(concealMax-concealStep)
	}
	c.lost++
	return max(-32768, min(32767, v))
}

// pitch is the lag at which the newest audio is most like itself.
func pitch(h *[historySize]int16) int {
	now := h[historySize-pitchWindow:]
	coarse, _ := matchLag(now, func(lag int) []int16 { return h[historySize-pitchWindow-lag:] }, pitchMin, pitchMax, 2)
	lag, match := matchLag(now, func(lag int) []int16 { return h[historySize-pitchWindow-lag:] },
		max(pitchMin, coarse-2), min(pitchMax, coarse+2), 1)
	if match < voicedMatch {
		return pitchMax
	}
	return lag
}

// matchLag finds the lag, from low to high, whose samples at(lag) are most like x by normalised correlation (-1 to 1). stride
// is that of lags and of samples.
func matchLag(x []int16, at func(lag int) []int16, low, high, stride int) (best int, match float32) {
	best, match = low, -2
	var own float32
	for i := 0; i < len(x); i += stride {
		own += float32(x[i]) * float32(x[i])
	}
	for lag := low; lag <= high; lag += stride {
		y := at(lag)[:len(x)]
		var cross, energy float32
		for i := 0; i < len(x); i += stride {
			a, b := float32(x[i]), float32(y[i])
			cross += a * b
			energy += b * b
		}
		m := float32(0)
		if energy > 0 && own > 0 {
			m = cross / sqrt32(energy*own)
		}
		if m > match {
			best, match = lag, m
		}
	}
	return best, match
}
