package media

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"time"
)

// maxClip bounds what is held in memory of one file: 58 MB.
const maxClip = time.Hour

// FromWAV reads a file to be played: 8 or 16 kHz, 16-bit PCM or G.711, up to an hour; several channels are mixed to one. It is read piece by
// piece, so that no more than the clip itself is held. ErrBadWAV, with the file's name and what to do: any other file.
func FromWAV(fsys fs.FS, name string) (clip Clip, err error) {
	file, err := fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("media: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if clip, err = readClip(file); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return clip, nil
}

func readClip(r io.Reader) (Clip, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	format, size, err := findData(in)
	if err != nil {
		return nil, convertHint(err)
	}
	if format.rate != SampleRate && format.rate != 2*SampleRate {
		return nil, convertHint(fmt.Errorf("%w: %d samples a second, need 8000 or 16000", ErrBadWAV, format.rate))
	}
	ratio := format.rate / SampleRate
	frame := format.bits / 8 * format.channels
	// The length in the header is not believed before the audio is there.
	clip := make(Clip, 0, min(size/int64(frame*ratio), int64(timeSamples(10*time.Second))))
	half := halver{}
	block := make([]byte, 4096*frame)
	for size > 0 {
		n, err := io.ReadFull(in, block[:min(size, int64(len(block)))])
		size -= int64(n)
		mono := format.mono(block[:n-n%frame])
		if ratio == 2 {
			mono = half.add(mono)
		}
		if clip = append(clip, mono...); len(clip) > timeSamples(maxClip) {
			return nil, fmt.Errorf("%w: longer than %v; cut it into parts", ErrBadWAV, maxClip)
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("media: read WAV: %w", err)
		}
	}
	if ratio == 2 {
		clip = append(clip, half.end()...)
	}
	if len(clip) == 0 {
		return nil, fmt.Errorf("%w: no audio in it", ErrBadWAV)
	}
	return clip, nil
}

func convertHint(err error) error {
	if !errors.Is(err, ErrBadWAV) {
		return err
	}
	return fmt.Errorf("%w; convert it: sox IN -r 8000 -c 1 -b 16 -e signed OUT.wav", err)
}

// mono decodes whole samples and mixes their channels.
func (f wavFormat) mono(data []byte) []int16 {
	channels := f.split(data).Channels
	if len(channels) == 1 {
		return channels[0]
	}
	out := channels[0]
	for i := range out {
		sum := 0
		for _, c := range channels {
			sum += int(c[i])
		}
		out[i] = int16(sum / len(channels))
	}
	return out
}

// halfBandReach is how far, to either side, the filter for halving the rate looks: with it what would fold down from above 4.6 kHz is 65 dB
// weaker, and the telephone band to 3.4 kHz is flat to 0.01 dB.
const halfBandReach = 29

// halfBand holds every second tap from the middle outwards: a sinc with its edge at a quarter of the old rate, in a Kaiser window; the
// other taps but the middle one, which is a half, are zero.
var halfBand = func() (taps [(halfBandReach + 1) / 2]float64) {
	const beta = 6.2
	sum := 0.0
	for k := range taps {
		d := float64(2*k + 1)
		inside := d / (halfBandReach + 1)
		taps[k] = math.Sin(math.Pi*d/2) / (math.Pi * d) * bessel(beta*math.Sqrt(1-inside*inside)) / bessel(beta)
		sum += 2 * taps[k]
	}
	for k := range taps {
		taps[k] *= 0.5 / sum // a constant stays what it is
	}
	return taps
}()

// bessel is the modified Bessel function of the first kind, order 0.
func bessel(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1; term > 1e-12*sum; k++ {
		term *= x / 2 / float64(k)
		sum += term * term
	}
	return sum
}

// halver takes 16 kHz to 8 kHz, piece by piece.
type halver struct {
	in   []float64 // what the filter still needs, from halfBandReach before the next sample on
	want int       // samples of the new rate that are still to come
	odd  bool
}

// add takes more of the audio and gives what is ready.
func (h *halver) add(pcm []int16) []int16 {
	if h.in == nil {
		h.in = make([]float64, halfBandReach, len(pcm)+2*halfBandReach)
	}
	for _, s := range pcm {
		h.in = append(h.in, float64(s))
		if h.odd = !h.odd; h.odd {
			h.want++
		}
	}
	return h.ready()
}

// end gives the rest.
func (h *halver) end() []int16 {
	h.in = append(h.in, make([]float64, halfBandReach)...)
	return h.ready()
}

func (h *halver) ready() []int16 {
	n := min(h.want, (len(h.in)-2*halfBandReach+1)/2)
	out := make([]int16, 0, max(n, 0))
	at := halfBandReach
	for range n {
		sum := 0.5 * h.in[at]
		for k, tap := range halfBand {
			d := 2*k + 1
			sum += tap * (h.in[at-d] + h.in[at+d])
		}
		out = append(out, int16(max(-32768, min(32767, math.Round(sum)))))
		at += 2
	}
	h.want -= len(out)
	h.in = append(h.in[:0], h.in[at-halfBandReach:]...)
	return out
}
