package testbed

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony/media"
)

// Tone is a tone at -12 dBFS.
func Tone(frequency float64, d time.Duration) []int16 {
	src := media.Tone(frequency, -12, d)
	pcm := make([]int16, src.Len())
	src.Fill(pcm, 0)
	return pcm
}

// WriteTone writes a tone as a WAV file of 8 kHz.
func WriteTone(t testing.TB, path string, frequency float64, d time.Duration) {
	t.Helper()
	var wav bytes.Buffer
	require.NoError(t, media.WriteWAV(&wav, Tone(frequency, d)))
	require.NoError(t, os.WriteFile(path, wav.Bytes(), 0o600))
}
