package media

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func sine16k(frequency float64, samples int) []int16 {
	pcm := make([]int16, samples)
	for i := range pcm {
		pcm[i] = int16(math.Round(20000 * math.Sin(2*math.Pi*frequency*float64(i)/16000)))
	}
	return pcm
}

// TestHalvingFilter measures what the filter does to each frequency: the telephone band passes flat, what would fold down into it is gone.
func TestHalvingFilter(t *testing.T) {
	gain := func(frequency, heard float64) float64 {
		clip, err := readClip(bytes.NewReader(wavFile(1, 1, 16000, 16, pcmBytes(sine16k(frequency, 16000)), 32000)))
		require.NoError(t, err)
		require.Len(t, clip, SampleRate)
		return 20 * math.Log10(Goertzel(clip[800:7200], SampleRate, heard)/(20000.0/32768))
	}
	flattest, weakest := 0.0, -200.0
	for f := 100.0; f <= 3400; f += 100 {
		flattest = max(flattest, math.Abs(gain(f, f)))
	}
	for f := 4600.0; f <= 7900; f += 100 {
		weakest = max(weakest, gain(f, 8000-f))
	}
	t.Logf("pass band to 3,400 Hz within %.3f dB; stop band from 4,600 Hz at %.1f dB or less", flattest, weakest)
	require.Less(t, flattest, 0.05)
	require.Less(t, weakest, -60.0)
}

// The pieces that a file is read in must not be heard.
func TestHalvingByPieces(t *testing.T) {
	pcm := sine16k(440, 3001)
	whole := halver{}
	want := append(whole.add(pcm), whole.end()...)
	require.Len(t, want, 1501)
	rapid.Check(t, func(t *rapid.T) {
		h := halver{}
		var got []int16
		for rest := pcm; len(rest) > 0; {
			n := min(len(rest), rapid.IntRange(0, 700).Draw(t, "piece"))
			got = append(got, h.add(rest[:n])...)
			rest = rest[n:]
		}
		require.Equal(t, want, append(got, h.end()...))
	})
}

func TestStereoIsMixed(t *testing.T) {
	var both []int16
	for i := range 16000 {
		both = append(both, int16(8000*math.Sin(2*math.Pi*500*float64(i)/16000)), int16(8000*math.Sin(2*math.Pi*900*float64(i)/16000)))
	}
	fsys := fstest.MapFS{"music.wav": {Data: wavFile(1, 2, 16000, 16, pcmBytes(both), uint32(4*16000))}}
	clip, err := FromWAV(fsys, "music.wav")
	require.NoError(t, err)
	require.Equal(t, time.Second, clip.Duration())
	require.InDelta(t, 0.122, Goertzel(clip, SampleRate, 500), 0.005)
	require.InDelta(t, 0.122, Goertzel(clip, SampleRate, 900), 0.005)
}

// endless is a WAV file without end.
type endless struct {
	head []byte
	read int64
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.head)
	e.head = e.head[n:]
	if n == 0 {
		n = len(p)
		clear(p)
	}
	e.read += int64(n)
	return n, nil
}

func TestPromptsAreBounded(t *testing.T) {
	for _, rate := range []int{8000, 16000} {
		e := &endless{head: wavFile(1, 1, rate, 16, nil, 0xFFFFFFFF)}
		_, err := readClip(e)
		require.ErrorIs(t, err, ErrBadWAV)
		require.ErrorContains(t, err, "cut it into parts")
		require.Less(t, e.read, int64(rate)*2*3700)
	}
}

func TestPromptErrorsSayWhatToDo(t *testing.T) {
	fsys := fstest.MapFS{
		"cd.wav":    {Data: wavFile(1, 2, 44100, 16, make([]byte, 400), 400)},
		"mp3.wav":   {Data: wavFile(85, 1, 8000, 16, nil, 0)},
		"text.wav":  {Data: []byte("this is no audio at all")},
		"empty.wav": {Data: wavFile(1, 1, 8000, 16, nil, 0)},
		"cut.wav":   {Data: wavFile(1, 1, 8000, 16, nil, 0)[:30]},
	}
	for name, says := range map[string]string{
		"cd.wav": "44100 samples a second", "mp3.wav": "format 85", "text.wav": "no RIFF", "empty.wav": "no audio", "cut.wav": "ends before",
	} {
		_, err := FromWAV(fsys, name)
		require.ErrorIs(t, err, ErrBadWAV, name)
		require.ErrorContains(t, err, name)
		require.ErrorContains(t, err, says)
		if name != "empty.wav" {
			require.ErrorContains(t, err, "sox")
		}
	}
	broken := errors.New("disk")
	_, err := readClip(io.MultiReader(bytes.NewReader(wavFile(1, 1, 8000, 16, make([]byte, 100), 4000)), failing{broken}))
	require.ErrorIs(t, err, broken)
	require.NotErrorIs(t, err, ErrBadWAV, fmt.Sprint(err))
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
