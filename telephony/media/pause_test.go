package media

import (
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What is said between Pause and Resume is in no file and no memory; before and after nothing is missing and nothing moves.
func TestPausedRecordingIsSilent(t *testing.T) {
	c := newClock()
	path := filepath.Join(t.TempDir(), "a.wav")
	r, err := NewRecorder(path, RecorderOptions{Now: c.now})
	require.NoError(t, err)
	flushed(r)
	talk := func(from, count int) {
		pcm, data := make([]int16, FrameSamples), make([]byte, FrameSamples)
		for i := range count {
			at := (from + i) * FrameSamples
			Tone(440, -10, 0).Fill(pcm, at)
			PCMU.Encode(data, pcm)
			c.advance(FrameTime)
			r.write(0, PCMU, data, 9, uint32(at)+math.MaxUint32-100, c.now())
			r.WritePCM(1, pcm, c.now())
		}
	}
	talk(0, 100)
	r.Pause()
	r.Pause()
	waiting := len(r.in[0].data)
	talk(100, 100)
	require.Len(t, r.in[0].data, waiting, "not even in memory")
	r.flush(r.elapsed(c.now()), false)
	r.Resume()
	r.Resume()
	talk(200, 100)
	r.flush(r.elapsed(c.now()), false)
	require.Empty(t, r.pauses, "forgotten once it is written")
	r.Pause()
	talk(300, 50)
	rec, err := r.Close()
	require.NoError(t, err)
	require.Equal(t, 7*time.Second, rec.Duration)
	require.Zero(t, rec.Dropped)
	ms := time.Millisecond
	for ch, pcm := range readRecording(t, path).Channels {
		require.InDelta(t, 0.316, Goertzel(section(pcm, 0, 2*time.Second), SampleRate, 440), 0.01, "channel %d", ch)
		require.Less(t, RMS(section(pcm, 2001*ms, 4*time.Second+resumeGuard-ms)), 0.001, "channel %d", ch)
		require.InDelta(t, 0.316, Goertzel(section(pcm, 4*time.Second+resumeGuard+20*ms, 6*time.Second), SampleRate, 440), 0.01, "channel %d", ch)
		require.Less(t, RMS(section(pcm, 6001*ms, 7*time.Second)), 0.001, "channel %d", ch)
	}
}
