package phone

import (
	"context"
	"fmt"
	"sync"
	"time"

	"hotline/telephony/media"
)

const (
	// window is how much of what was heard is kept for measurement.
	window = media.SampleRate
	// voiced is the mean square, in units of full scale squared, above which a packet counts as sound: -46 dBFS.
	voiced = 2.5e-5
	// toneLevel is the amplitude above which a tone counts as heard: -40 dBFS.
	toneLevel = 0.01
	// digitGap is the pause between digits; ITU-T Q.24 asks for 65 ms and more.
	digitGap = 100 * time.Millisecond
)

// meter keeps the last second heard and counts sound.
type meter struct {
	now func() time.Time

	mu       sync.Mutex
	ring     [window]int16
	at       int // next place in ring
	heard    int64
	sound    int64 // packets above voiced
	packets  int64
	began    time.Time
	first    time.Time // first sound after begin
	listener func(pcm []int16)
	changed  chan struct{} // closed when the next packet has come; nil while nobody waits
}

func newMeter(now func() time.Time) *meter {
	return &meter{now: now}
}

func (m *meter) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.began = m.now()
}

// hear takes one packet, on the leg's reading goroutine.
func (m *meter) hear(pcm []int16) {
	var sum int64
	for _, s := range pcm {
		sum += int64(s) * int64(s)
	}
	m.mu.Lock()
	for rest := pcm; len(rest) > 0; {
		n := copy(m.ring[m.at:], rest)
		rest = rest[n:]
		m.at = (m.at + n) % window
	}
	m.heard += int64(len(pcm))
	m.packets++
	if float64(sum) > voiced*32768*32768*float64(len(pcm)) {
		m.sound++
		if m.first.IsZero() && !m.began.IsZero() {
			m.first = m.now()
		}
	}
	if m.changed != nil {
		close(m.changed)
		m.changed = nil
	}
	fn := m.listener
	m.mu.Unlock()
	if fn != nil {
		fn(pcm)
	}
}

// last copies up to n samples heard last, oldest first.
func (m *meter) last(n int) []int16 {
	m.mu.Lock()
	defer m.mu.Unlock()
	n = int(min(int64(n), m.heard, window))
	out := make([]int16, n)
	for i := range out {
		out[i] = m.ring[(m.at-n+i+window)%window]
	}
	return out
}

func (m *meter) next() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.changed == nil {
		m.changed = make(chan struct{})
	}
	return m.changed
}

// Play plays to the other side; see media.Leg.Play.
func (c *Call) Play(src media.Source, loop bool) *media.Playback { return c.leg.Play(src, loop) }

// SendDigits presses keys one after the other, with a pause of 100 ms. Errors as of media.Leg.SendDigit.
func (c *Call) SendDigits(ctx context.Context, digits string) error {
	for i, digit := range digits {
		if i > 0 {
			select {
			case <-time.After(digitGap):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err := c.leg.SendDigit(ctx, digit); err != nil {
			return fmt.Errorf("phone: digit: %w", err)
		}
	}
	return nil
}

// Digits delivers the keys that the other side presses.
func (c *Call) Digits() <-chan media.Digit { return c.leg.Digits() }

// Listen calls fn with each packet heard; see media.Leg.Receive. nil ends it.
func (c *Call) Listen(fn func(pcm []int16)) {
	c.meter.mu.Lock()
	defer c.meter.mu.Unlock()
	c.meter.listener = fn
}

// Heard is up to d of what was heard last, at most one second.
func (c *Call) Heard(d time.Duration) []int16 {
	return c.meter.last(int(d * media.SampleRate / time.Second))
}

// Hears is the amplitude (share of full scale) of a frequency in the last 200 ms heard.
func (c *Call) Hears(frequency float64) float64 {
	return media.Goertzel(c.Heard(200*time.Millisecond), media.SampleRate, frequency)
}

// Tone is the strongest frequency in the last 200 ms heard, 0 when it is quieter than -40 dBFS.
func (c *Call) Tone() float64 {
	frequency, amplitude := media.Dominant(c.Heard(200*time.Millisecond), media.SampleRate)
	if amplitude < toneLevel {
		return 0
	}
	return frequency
}

// WaitTone waits until a frequency is what is heard: above -40 dBFS and most of the sound of the last 200 ms. Errors: ErrEnded, or
// that of ctx.
func (c *Call) WaitTone(ctx context.Context, frequency float64) error {
	packets := 0
	return c.wait(ctx, func() bool {
		// A look each 100 ms is enough, and cheap with hundreds of calls.
		if packets++; packets%5 != 1 {
			return false
		}
		pcm := c.Heard(200 * time.Millisecond)
		amplitude := media.Goertzel(pcm, media.SampleRate, frequency)
		// A pure tone's amplitude is √2 times the RMS of the whole.
		return len(pcm) >= media.SampleRate/5 && amplitude > toneLevel && amplitude > 1.2*media.RMS(pcm)
	})
}

// WaitSound waits until any sound is heard. Errors: ErrEnded, or that of ctx.
func (c *Call) WaitSound(ctx context.Context) error {
	return c.wait(ctx, func() bool { return c.Stats().Sound > 0 })
}

func (c *Call) wait(ctx context.Context, ok func() bool) error {
	for {
		changed := c.meter.next()
		if ok() {
			return nil
		}
		select {
		case <-changed:
		case <-c.done:
			return ErrEnded
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Stats measure a call.
type Stats struct {
	// Setup is from INVITE to the first response above 100; Answer from INVITE to 200 (an incoming call: to its answer). 0
	// when there was none.
	Setup, Answer time.Duration
	// FirstSound is from the answer to the first packet with sound; 0 without one.
	FirstSound time.Duration
	// Talk is the time since the answer, until the end.
	Talk time.Duration
	// Packets were heard, Sound of them louder than -46 dBFS.
	Packets, Sound int64
	Media          media.Stats
}

// Stats reads the measurements; they stay after the call.
func (c *Call) Stats() Stats {
	var s Stats
	c.mu.Lock()
	s.Setup, s.Answer = c.setup, c.answer
	if !c.answeredAt.IsZero() {
		end := c.ended
		if end.IsZero() {
			end = c.phone.now()
		}
		s.Talk = end.Sub(c.answeredAt)
	}
	c.mu.Unlock()
	m := c.meter
	m.mu.Lock()
	s.Packets, s.Sound = m.packets, m.sound
	if !m.first.IsZero() {
		s.FirstSound = m.first.Sub(m.began)
	}
	m.mu.Unlock()
	s.Media = c.leg.Stats()
	return s
}
