package media

import (
	"math"
	"time"
)

// Source is a piece of audio that can be played to any number of legs at once. Implementations hold no position.
type Source interface {
	// Fill writes the samples from offset on to dst and returns how many there were; fewer than len(dst) means that the
	// source ends there.
	Fill(dst []int16, offset int) int
	// Len is the number of samples, or -1 when the source never ends.
	Len() int
}

// Clip is audio in memory.
type Clip []int16

// Fill implements Source.
func (c Clip) Fill(dst []int16, offset int) int {
	if offset >= len(c) {
		return 0
	}
	return copy(dst, c[offset:])
}

// Len implements Source.
func (c Clip) Len() int { return len(c) }

// Duration is how long the clip plays.
func (c Clip) Duration() time.Duration { return sampleTime(len(c)) }

func sampleTime(samples int) time.Duration {
	return time.Duration(samples) * time.Second / SampleRate
}

func timeSamples(d time.Duration) int {
	return int(d * SampleRate / time.Second)
}

type tone struct {
	step, amplitude float64
	length          int
}

// Tone is a sine of a frequency in Hz and a level in dBFS (0 is full scale, -10 is usual). A duration of 0 never ends.
func Tone(frequency, level float64, duration time.Duration) Source {
	length := timeSamples(duration)
	if length <= 0 {
		length = -1
	}
	return tone{
		step:      2 * math.Pi * frequency / SampleRate,
		amplitude: math.MaxInt16 * math.Pow(10, min(level, 0)/20),
		length:    length,
	}
}

func (t tone) Fill(dst []int16, offset int) int {
	n := len(dst)
	if t.length >= 0 {
		n = max(0, min(n, t.length-offset))
	}
	for i := range n {
		dst[i] = int16(t.amplitude * math.Sin(t.step*float64(offset+i)))
	}
	return n
}

func (t tone) Len() int { return t.length }

type silence struct{ length int }

// Silence plays zero samples; a duration of 0 never ends.
func Silence(duration time.Duration) Source {
	length := timeSamples(duration)
	if length <= 0 {
		length = -1
	}
	return silence{length: length}
}

func (s silence) Fill(dst []int16, offset int) int {
	n := len(dst)
	if s.length >= 0 {
		n = max(0, min(n, s.length-offset))
	}
	clear(dst[:n])
	return n
}

func (s silence) Len() int { return s.length }

type concat struct {
	parts  []Source
	length int
}

// Concat plays its parts one after the other, without a gap.
func Concat(parts ...Source) Source {
	c := concat{}
	for _, part := range parts {
		c.parts = append(c.parts, part)
		if part.Len() < 0 {
			c.length = -1
			break
		}
		c.length += part.Len()
	}
	return c
}

func (c concat) Fill(dst []int16, offset int) int {
	filled := 0
	for _, part := range c.parts {
		if filled == len(dst) {
			break
		}
		length := part.Len()
		if length >= 0 && offset >= length {
			offset -= length
			continue
		}
		n := part.Fill(dst[filled:], offset)
		filled += n
		if length < 0 || offset+n < length {
			break
		}
		offset = 0
	}
	return filled
}

func (c concat) Len() int { return c.length }
