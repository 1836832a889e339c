package media

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The values are those of the reference implementation's tables in ITU-T G.191.
func TestG711KnownCodes(t *testing.T) {
	for _, c := range []struct {
		codec Codec
		code  byte
		value int16
	}{
		{PCMA, 0xD5, 8}, {PCMA, 0x55, -8}, {PCMA, 0xAA, 32256}, {PCMA, 0x2A, -32256}, {PCMA, 0x80, 5504}, {PCMA, 0x00, -5504},
		{PCMU, 0xFF, 0}, {PCMU, 0x7F, 0}, {PCMU, 0x80, 32124}, {PCMU, 0x00, -32124}, {PCMU, 0xF0, 120}, {PCMU, 0x8F, 16764},
	} {
		var out [1]int16
		c.codec.Decode(out[:], []byte{c.code})
		require.Equal(t, c.value, out[0], "%s %#x", c.codec, c.code)
	}
	for _, c := range []struct {
		codec Codec
		value int16
		code  byte
	}{
		{PCMA, 0, 0xD5}, {PCMA, -1, 0x55}, {PCMA, 32767, 0xAA}, {PCMA, -32768, 0x2A},
		{PCMU, 0, 0xFF}, {PCMU, 32767, 0x80}, {PCMU, -32768, 0x00},
	} {
		var out [1]byte
		c.codec.Encode(out[:], []int16{c.value})
		require.Equal(t, c.code, out[0], "%s %d", c.codec, c.value)
	}
}

func TestG711RoundTrip(t *testing.T) {
	for _, codec := range []Codec{PCMA, PCMU} {
		for code := range 256 {
			pcm, back := make([]int16, 1), make([]byte, 1)
			codec.Decode(pcm, []byte{byte(code)})
			codec.Encode(back, pcm)
			if codec == PCMU && code == 0x7F {
				require.Equal(t, byte(0xFF), back[0], "µ-law has two zeros")
				continue
			}
			require.Equal(t, byte(code), back[0], "%s code %#x", codec, code)
		}
	}
}

// Every sample comes back within half a step of its segment, about 3 % of its size.
func TestG711Error(t *testing.T) {
	for _, codec := range []Codec{PCMA, PCMU} {
		for v := -32124; v <= 32124; v++ {
			code, out := make([]byte, 1), make([]int16, 1)
			codec.Encode(code, []int16{int16(v)})
			codec.Decode(out, code)
			size := max(v, -v)
			require.InDelta(t, v, out[0], float64(size)/32+16, "%s %d", codec, v)
		}
	}
}

func TestTranscode(t *testing.T) {
	pcm := make([]int16, 1600)
	Tone(440, -10, 0).Fill(pcm, 0)
	for _, c := range []struct{ from, to Codec }{{PCMA, PCMU}, {PCMU, PCMA}, {PCMA, PCMA}} {
		in, out, heard := make([]byte, len(pcm)), make([]byte, len(pcm)), make([]int16, len(pcm))
		c.from.Encode(in, pcm)
		transcode(out, in, c.from, c.to)
		c.to.Decode(heard, out)
		require.InDelta(t, 0.316, Goertzel(heard, SampleRate, 440), 0.01, "%s to %s", c.from, c.to)
		require.Less(t, Goertzel(heard, SampleRate, 880), 0.01)
	}
	require.Equal(t, "PCMA", PCMA.String())
	require.Equal(t, "PCMU", PCMU.String())
}
