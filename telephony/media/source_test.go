package media

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func drain(src Source, step int) []int16 {
	var out []int16
	for {
		buf := make([]int16, step)
		n := src.Fill(buf, len(out))
		out = append(out, buf[:n]...)
		if n < step {
			return out
		}
	}
}

func TestConcatIsItsParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lengths := rapid.SliceOfN(rapid.IntRange(0, 400), 0, 5).Draw(t, "lengths")
		var want []int16
		var parts []Source
		for i, n := range lengths {
			clip := make(Clip, n)
			for j := range clip {
				clip[j] = int16(i*1000 + j)
			}
			want = append(want, clip...)
			parts = append(parts, clip)
		}
		all := Concat(parts...)
		require.Equal(t, len(want), all.Len())
		got := drain(all, rapid.IntRange(1, 300).Draw(t, "step"))
		require.Equal(t, len(want), len(got))
		for i := range want {
			require.Equal(t, want[i], got[i])
		}
	})
}

func TestToneFrequencyAndLevel(t *testing.T) {
	for _, f := range []float64{350, 440, 697, 1000, 1477, 2500} {
		pcm := drain(Tone(f, -6, time.Second), 160)
		require.Len(t, pcm, SampleRate)
		found, amplitude := Dominant(pcm, SampleRate)
		require.InDelta(t, f, found, 5)
		require.InDelta(t, 0.5, amplitude, 0.02)
		require.InDelta(t, 0.5/math.Sqrt2, RMS(pcm), 0.01)
		require.Less(t, Goertzel(pcm, SampleRate, f+200), 0.01)
	}
	require.Equal(t, -1, Concat(Silence(time.Second), Tone(440, -6, 0)).Len())
	require.Zero(t, RMS(drain(Silence(time.Second), 160)))
}

func wavFile(tag, channels, rate, bits int, data []byte, declared uint32) []byte {
	le := binary.LittleEndian
	b := append([]byte("RIFF\x00\x00\x00\x00WAVE"), "LIST\x03\x00\x00\x00abc\x00fmt "...)
	b = le.AppendUint32(b, 16)
	b = le.AppendUint16(b, uint16(tag))
	b = le.AppendUint16(b, uint16(channels))
	b = le.AppendUint32(b, uint32(rate))
	b = le.AppendUint32(b, uint32(rate*channels*bits/8))
	b = le.AppendUint16(b, uint16(channels*bits/8))
	b = le.AppendUint16(b, uint16(bits))
	b = append(b, "data"...)
	b = le.AppendUint32(b, declared)
	return append(b, data...)
}

func pcmBytes(pcm []int16) []byte {
	var b []byte
	for _, s := range pcm {
		b = binary.LittleEndian.AppendUint16(b, uint16(s))
	}
	return b
}

func TestFromWAV(t *testing.T) {
	at16k := make([]int16, 16000)
	for i := range at16k {
		at16k[i] = int16(16000 * math.Sin(2*math.Pi*1000*float64(i)/16000))
	}
	alias := make([]int16, 16000)
	for i := range alias {
		alias[i] = int16(16000 * math.Sin(2*math.Pi*6500*float64(i)/16000))
	}
	at8k := drain(Tone(1000, -6, time.Second), 160)
	law := make([]byte, len(at8k))
	PCMU.Encode(law, at8k)
	alaw := make([]byte, len(at8k))
	PCMA.Encode(alaw, at8k)
	fsys := fstest.MapFS{
		"16k.wav":   {Data: wavFile(1, 1, 16000, 16, pcmBytes(at16k), 32000)},
		"8k.wav":    {Data: wavFile(1, 1, 8000, 16, pcmBytes(at8k), 16000)},
		"ulaw.wav":  {Data: wavFile(7, 1, 8000, 8, law, 8000)},
		"alaw.wav":  {Data: wavFile(6, 1, 8000, 8, alaw, 0xFFFFFFFF)},
		"alias.wav": {Data: wavFile(1, 1, 16000, 16, pcmBytes(alias), 32000)},
		"22k.wav":   {Data: wavFile(1, 1, 22050, 16, pcmBytes(at8k), 16000)},
		"text.wav":  {Data: []byte("this is no audio")},
		"mp3.wav":   {Data: wavFile(85, 1, 8000, 16, nil, 0)},
		"cut.wav":   {Data: wavFile(1, 1, 8000, 16, nil, 0)[:30]},
		"none.wav":  {Data: nil},
	}
	for _, name := range []string{"16k.wav", "8k.wav", "ulaw.wav", "alaw.wav"} {
		clip, err := FromWAV(fsys, name)
		require.NoError(t, err, name)
		require.Equal(t, time.Second, clip.Duration(), name)
		require.InDelta(t, 0.49, Goertzel(clip, SampleRate, 1000), 0.02, name)
	}
	clip, err := FromWAV(fsys, "alias.wav")
	require.NoError(t, err)
	require.Less(t, Goertzel(clip, SampleRate, 1500), 0.05, "6,500 Hz must not fold down to 1,500")
	for _, name := range []string{"22k.wav", "text.wav", "mp3.wav", "cut.wav", "none.wav"} {
		_, err := FromWAV(fsys, name)
		require.ErrorIs(t, err, ErrBadWAV, name)
	}
	_, err = FromWAV(fsys, "absent.wav")
	require.Error(t, err)
}

func TestWriteWAVReadsBack(t *testing.T) {
	pcm := drain(Tone(440, -3, 200*time.Millisecond), 160)
	var b bytes.Buffer
	require.NoError(t, WriteWAV(&b, pcm))
	wav, err := ReadWAV(&b)
	require.NoError(t, err)
	require.Equal(t, SampleRate, wav.Rate)
	require.Equal(t, [][]int16{pcm}, wav.Channels)
}

func TestReadWAVNeverPanics(t *testing.T) {
	good := wavFile(1, 2, 8000, 16, make([]byte, 64), 64)
	rapid.Check(t, func(t *rapid.T) {
		data := bytes.Clone(good)
		for range rapid.IntRange(0, 6).Draw(t, "changes") {
			data[rapid.IntRange(12, len(data)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
		wav, err := ReadWAV(bytes.NewReader(data[:rapid.IntRange(0, len(data)).Draw(t, "length")]))
		if err == nil {
			require.NotEmpty(t, wav.Channels)
		}
	})
}
