package media

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// A phone whose clock is wrong by up to 300 ppm, over a network that loses, delays and reorders, is recorded where it was heard: a click
// each second lies within 20 ms of its time, from the first second to the last.
func TestRecorderKeepsStreamsTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		skew := rapid.IntRange(-300, 300).Draw(t, "ppm")
		jitter := time.Duration(rapid.IntRange(0, 80).Draw(t, "jitter ms")) * time.Millisecond
		loss := rapid.IntRange(0, 20).Draw(t, "loss %")
		seed := rapid.Uint64().Draw(t, "seed")
		together(t, skewed{ppm: skew, jitter: jitter, loss: loss, seed: seed, length: 45 * time.Second})
	})
}

// A long call by a very bad clock: without being moved it would end 540 ms off.
func TestRecorderKeepsALongCallTogether(t *testing.T) {
	together(t, skewed{ppm: 300, jitter: 30 * time.Millisecond, loss: 1, seed: 1, length: 30 * time.Minute})
}

type judge interface {
	require.TestingT
	Fatalf(format string, args ...any)
}

func together(t judge, s skewed) {
	for i, off := range clickErrors(t, s) {
		if off > 20*time.Millisecond || off < -20*time.Millisecond {
			t.Fatalf("click %d lies %v off", i, off)
		}
	}
}

// What is said during a pause is not in the recording; what is said before and after is where it belongs.
func TestRecorderPause(t *testing.T) {
	c := newClock()
	path := filepath.Join(t.TempDir(), "a.wav")
	r, err := NewRecorder(path, RecorderOptions{Now: c.now})
	require.NoError(t, err)
	speak(r, c, 0, PCMA, 440, 1, 0, 50)
	r.Pause()
	r.Pause()
	speak(r, c, 0, PCMA, 700, 1, 50*FrameSamples, 50)
	r.Resume()
	speak(r, c, 0, PCMA, 1000, 1, 100*FrameSamples, 50)
	rec, err := r.Close()
	require.NoError(t, err)
	require.Equal(t, 3*time.Second, rec.Duration)
	pcm := readRecording(t, path).Channels[0]
	require.InDelta(t, 0.316, Goertzel(section(pcm, 0, time.Second), SampleRate, 440), 0.01)
	require.Less(t, RMS(section(pcm, time.Second, 2*time.Second)), 0.001)
	require.InDelta(t, 0.316, Goertzel(section(pcm, 2*time.Second, 3*time.Second), SampleRate, 1000), 0.01)
}
