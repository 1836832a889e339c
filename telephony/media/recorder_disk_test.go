//go:build linux

package media

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony/disktest"
)

// flushed stops the recorder's own goroutine, so that the test says when it writes.
func flushed(r *Recorder) {
	close(r.stop)
	<-r.done
	r.stop = make(chan struct{})
}

// A disk that is full for a while costs that while and nothing else: before and after, everything is in its place.
func TestRecorderOnAFullDisk(t *testing.T) { disktest.Run(t, 1<<20, testRecorderOnAFullDisk) }

func testRecorderOnAFullDisk(t *testing.T, dir string) {
	c := newClock()
	r, err := NewRecorder(filepath.Join(dir, "a.wav"), RecorderOptions{Now: c.now})
	require.NoError(t, err)
	flushed(r)
	speak(r, c, 0, PCMA, 440, 1, 0, 100)
	r.flush(r.elapsed(c.now()), false)
	free := disktest.Fill(t, dir)
	for second := range 8 { // 16 KB each, more than the last page has left
		speak(r, c, 0, PCMA, 700, 1, uint32((100+50*second)*FrameSamples), 50)
		r.flush(r.elapsed(c.now()), false)
	}
	require.ErrorIs(t, r.Err(), syscall.ENOSPC)
	for ch := range r.waiting {
		require.Less(t, len(r.in[ch].data)+len(r.waiting[ch].data), 2*SampleRate, "what cannot be written does not pile up")
	}
	readRecording(t, r.Path())
	free()
	speak(r, c, 0, PCMA, 1000, 1, 500*FrameSamples, 100)
	rec, err := r.Close()
	require.ErrorIs(t, err, syscall.ENOSPC, "incomplete is told")
	require.Equal(t, 12*time.Second, rec.Duration)
	require.InDelta(t, 7.5, rec.Unwritten.Seconds(), 0.5)
	pcm := readRecording(t, r.Path()).Channels[0]
	require.InDelta(t, 0.316, Goertzel(section(pcm, 0, 2*time.Second), SampleRate, 440), 0.01)
	require.Less(t, RMS(section(pcm, 3*time.Second, 10*time.Second-flushLag-FrameTime)), 0.001, "silence where nothing could be written")
	require.InDelta(t, 0.316, Goertzel(section(pcm, 10*time.Second, 12*time.Second), SampleRate, 1000), 0.01)
}

// A recording that begins on a full disk is made whole when there is room, and is no junk when there never is.
func TestRecorderBeginsOnAFullDisk(t *testing.T) {
	disktest.Run(t, 1<<20, testRecorderBeginsOnAFullDisk)
}

func testRecorderBeginsOnAFullDisk(t *testing.T, dir string) {
	c := newClock()
	free := disktest.Fill(t, dir)
	r, err := NewRecorder(filepath.Join(dir, "a.wav"), RecorderOptions{Now: c.now})
	require.NoError(t, err)
	flushed(r)
	speak(r, c, 1, PCMA, 440, 1, 0, 50)
	r.flush(r.elapsed(c.now()), false)
	_, err = Repair(r.Path(), nil)
	require.ErrorIs(t, err, syscall.ENOSPC, "it is left for a start that has room")
	free()
	rest, err := Repair(r.Path(), nil)
	require.NoError(t, err, "what a crash leaves is a recording")
	require.Zero(t, rest.Duration)
	speak(r, c, 1, PCMA, 1000, 1, 50*FrameSamples, 50)
	rec, err := r.Close()
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.Equal(t, 2*time.Second, rec.Duration)
	pcm := readRecording(t, r.Path()).Channels[1]
	require.InDelta(t, 0.316, Goertzel(section(pcm, 0, time.Second), SampleRate, 440), 0.01, "the last second is given again")
	require.InDelta(t, 0.316, Goertzel(section(pcm, time.Second, 2*time.Second), SampleRate, 1000), 0.01)
}
