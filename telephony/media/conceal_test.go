package media

import (
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony/prompts"
)

// voice is like a vowel: pulses of a gliding pitch through three resonances, with a syllable's rise and fall.
func voice(samples int) []int16 {
	out := make([]int16, samples)
	phase, noise := 0.0, noise{state: 1}
	type resonance struct{ f, r, y1, y2 float64 }
	formants := []*resonance{{f: 600, r: 0.97}, {f: 1200, r: 0.95}, {f: 2500, r: 0.9}}
	for i := range out {
		at := float64(i) / SampleRate
		phase += (130 + 25*math.Sin(2*math.Pi*0.7*at)) / SampleRate
		x := 0.01 * float64(noise.next())
		if phase >= 1 {
			phase--
			x++
		}
		sum := 0.0
		for k, f := range formants {
			y := x + 2*f.r*math.Cos(2*math.Pi*f.f/SampleRate)*f.y1 - f.r*f.r*f.y2
			f.y1, f.y2 = y, f.y1
			sum += y / float64(k+1)
		}
		out[i] = int16(max(-32768, min(32767, 4000*sum*(0.6+0.4*math.Sin(2*math.Pi*3*at)))))
	}
	return out
}

// lossy plays pcm with frames lost at random, made up for by make.
func lossy(pcm []int16, rate float64, good func([]int16), conceal func([]int16)) []int16 {
	random := rand.New(rand.NewPCG(1, 2))
	out := make([]int16, 0, len(pcm))
	for at := 0; at+FrameSamples <= len(pcm); at += FrameSamples {
		frame := make([]int16, FrameSamples)
		if at > 10*FrameSamples && random.Float64() < rate {
			conceal(frame)
		} else {
			copy(frame, pcm[at:])
			good(frame)
		}
		out = append(out, frame...)
	}
	return out
}

// segmentalSNR is the mean over 20 ms segments with sound, each within -10 and 35 dB, of those that differ at all.
func segmentalSNR(want, got []int16) float64 {
	sum, n := 0.0, 0
	for at := 0; at+FrameSamples <= len(got); at += FrameSamples {
		var signal, diff float64
		for i := at; i < at+FrameSamples; i++ {
			signal += float64(want[i]) * float64(want[i])
			d := float64(want[i]) - float64(got[i])
			diff += d * d
		}
		if signal < FrameSamples*100*100 || diff == 0 {
			continue
		}
		sum += max(-10, min(35, 10*math.Log10(signal/diff)))
		n++
	}
	return sum / float64(n)
}

// spectralDistance is the mean difference in dB of the short-time spectra, in 32 bands of 125 Hz, of segments that differ.
func spectralDistance(want, got []int16) float64 {
	const size = 256
	var turn [size]complex128
	var hann [size]float64
	for i := range size {
		turn[i] = cmplx.Rect(1, -2*math.Pi*float64(i)/size)
		hann[i] = 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/size)
	}
	spectrum := func(pcm []int16) (bands [32]float64) {
		for k := range size / 2 {
			sum := complex(0, 0)
			for i, s := range pcm {
				sum += complex(float64(s)*hann[i], 0) * turn[k*i%size]
			}
			bands[k/4] += real(sum)*real(sum) + imag(sum)*imag(sum)
		}
		return bands
	}
	sum, n := 0.0, 0
	for at := 0; at+size <= len(got); at += size / 2 {
		a, b := spectrum(want[at:at+size]), spectrum(got[at:at+size])
		if a == b {
			continue
		}
		square := 0.0
		for k := range a {
			d := 10 * math.Log10((a[k]+1e4)/(b[k]+1e4))
			square += d * d
		}
		sum += math.Sqrt(square / float64(len(a)))
		n++
	}
	return sum / float64(n)
}

// TestConcealmentBeatsSilenceAndRepetition compares what is heard at loss with what was said, where it differs.
func TestConcealmentBeatsSilenceAndRepetition(t *testing.T) {
	spoken, err := FromWAV(prompts.FS(), prompts.Welcome+".wav")
	require.NoError(t, err)
	tones := drain(Tone(440, -16, 4*time.Second), 160)
	addTo(tones, drain(Tone(1130, -16, 4*time.Second), 160))
	for name, pcm := range map[string][]int16{
		"vowel": voice(4 * SampleRate), "spoken": spoken[:4*SampleRate], "tone": drain(Tone(425, -10, 4*time.Second), 160), "two tones": tones,
	} {
		for _, rate := range []float64{0.05, 0.10, 0.20} {
			var c concealer
			ours := lossy(pcm, rate, c.good, c.conceal)
			var last [FrameSamples]int16
			repeated := lossy(pcm, rate, func(f []int16) { copy(last[:], f) }, func(f []int16) { copy(f, last[:]) })
			silent := lossy(pcm, rate, func([]int16) {}, func([]int16) {})
			snr := [3]float64{segmentalSNR(pcm, ours), segmentalSNR(pcm, repeated), segmentalSNR(pcm, silent)}
			distance := [3]float64{spectralDistance(pcm, ours), spectralDistance(pcm, repeated), spectralDistance(pcm, silent)}
			t.Logf("%-9s %2.0f %% lost: segmental SNR %5.1f dB (repetition %5.1f, silence %5.1f), spectral distance %4.1f dB (%4.1f, %4.1f)",
				name, rate*100, snr[0], snr[1], snr[2], distance[0], distance[1], distance[2])
			require.Greater(t, snr[0], snr[1], "repetition")
			require.Greater(t, snr[0], snr[2], "silence")
			require.Less(t, distance[0], distance[1], "repetition")
			require.Less(t, distance[0], distance[2], "silence")
		}
	}
}

func TestConcealmentFadesAndReturns(t *testing.T) {
	pcm := drain(Tone(250, -10, time.Second), 160)
	var c concealer
	silence := make([]int16, FrameSamples)
	c.conceal(silence)
	require.Zero(t, RMS(silence), "of no history")
	c = concealer{}
	c.good(append([]int16(nil), pcm[:4*FrameSamples]...))
	levels := make([]float64, 5)
	for i := range levels {
		frame := make([]int16, FrameSamples)
		c.conceal(frame)
		levels[i] = RMS(frame)
		if i > 0 {
			require.Less(t, levels[i], levels[i-1]+1e-9)
		}
	}
	require.InDelta(t, RMS(pcm), levels[0], 0.02)
	require.Zero(t, levels[4])
	require.True(t, c.silent())
	back := append([]int16(nil), pcm[:FrameSamples]...)
	back[0] = 10000
	c.good(back)
	require.Less(t, back[0], int16(500), "no step")
	require.Equal(t, pcm[concealStep:FrameSamples], back[concealStep:])
}
