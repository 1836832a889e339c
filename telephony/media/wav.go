package media

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Format tags of WAV files (RFC 2361).
const (
	tagPCM        = 1
	tagALaw       = 6
	tagULaw       = 7
	tagExtensible = 0xFFFE
)

const (
	recordingHeaderSize = 58
	// maxWAV bounds what is read into memory.
	maxWAV = 256 << 20
)

// recordingHeader is that of a stereo A-law file: fmt with extension size, fact, data.
func recordingHeader(samples int64) []byte {
	data := uint32(samples * 2)
	le := binary.LittleEndian
	b := make([]byte, 0, recordingHeaderSize)
	b = append(b, "RIFF"...)
	b = le.AppendUint32(b, recordingHeaderSize-8+data)
	b = append(b, "WAVEfmt "...)
	b = le.AppendUint32(b, 18)
	b = le.AppendUint16(b, tagALaw)
	b = le.AppendUint16(b, 2) // channels
	b = le.AppendUint32(b, SampleRate)
	b = le.AppendUint32(b, SampleRate*2) // bytes a second
	b = le.AppendUint16(b, 2)            // bytes a sample of all channels
	b = le.AppendUint16(b, 8)            // bits
	b = le.AppendUint16(b, 0)            // size of extension
	b = append(b, "fact"...)
	b = le.AppendUint32(b, 4)
	b = le.AppendUint32(b, uint32(samples))
	b = append(b, "data"...)
	return le.AppendUint32(b, data)
}

// ownHeader compares all but the lengths; a header cut short by a crash passes when what is there fits.
func ownHeader(header []byte) bool {
	want := recordingHeader(0)
	for i, b := range header {
		length := (i >= 4 && i < 8) || (i >= 46 && i < 50) || i >= 54
		if !length && b != want[i] {
			return false
		}
	}
	return true
}

// measure reads the whole file for its size, duration and hash.
func measure(file *os.File) (Recording, error) {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return Recording{}, fmt.Errorf("media: measure recording: %w", err)
	}
	sum := sha256.New()
	size, err := io.Copy(sum, file)
	if err != nil {
		return Recording{}, fmt.Errorf("media: measure recording: %w", err)
	}
	return Recording{
		Duration: sampleTime(int(max(0, size-recordingHeaderSize) / 2)),
		Size:     size,
		SHA256:   hex.EncodeToString(sum.Sum(nil)),
	}, nil
}

// WAV is a file's audio.
type WAV struct {
	Rate     int // samples a second
	Channels [][]int16
}

// FromWAV reads a file to be played: 8 or 16 kHz, 16-bit PCM or G.711; of several channels the first is taken.
func FromWAV(fsys fs.FS, name string) (clip Clip, err error) {
	file, err := fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("media: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	wav, err := ReadWAV(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	switch wav.Rate {
	case SampleRate:
		return wav.Channels[0], nil
	case 2 * SampleRate:
		return halve(wav.Channels[0]), nil
	}
	return nil, fmt.Errorf("%s: %w: %d samples a second, need 8000 or 16000", name, ErrBadWAV, wav.Rate)
}

// ReadWAV reads 16-bit PCM and G.711 of any rate and up to 8 channels. A length in the header that is larger than the file, as in a file
// still being written, is taken as the file's. ErrBadWAV: another format, or more than 256 MB.
func ReadWAV(r io.Reader) (WAV, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxWAV+1))
	if err != nil {
		return WAV{}, fmt.Errorf("media: read WAV: %w", err)
	}
	if len(data) > maxWAV || len(data) < 12 || string(data[:4]) != "RIFF" || string(data[8:12]) != "WAVE" {
		return WAV{}, ErrBadWAV
	}
	var f wavFormat
	for rest := data[12:]; len(rest) >= 8; {
		id, size := string(rest[:4]), int64(binary.LittleEndian.Uint32(rest[4:]))
		rest = rest[8:]
		chunk := rest[:min(size, int64(len(rest)))]
		switch id {
		case "fmt ":
			if f, err = readFormat(chunk); err != nil {
				return WAV{}, err
			}
		case "data":
			if f.channels == 0 {
				return WAV{}, fmt.Errorf("%w: data before format", ErrBadWAV)
			}
			return f.split(chunk), nil
		}
		rest = rest[min(size+size&1, int64(len(rest))):]
	}
	return WAV{}, fmt.Errorf("%w: no data", ErrBadWAV)
}

type wavFormat struct{ tag, channels, rate, bits int }

func readFormat(chunk []byte) (wavFormat, error) {
	if len(chunk) < 16 {
		return wavFormat{}, fmt.Errorf("%w: short format", ErrBadWAV)
	}
	le := binary.LittleEndian
	f := wavFormat{
		tag: int(le.Uint16(chunk)), channels: int(le.Uint16(chunk[2:])),
		rate: int(le.Uint32(chunk[4:])), bits: int(le.Uint16(chunk[14:])),
	}
	if f.tag == tagExtensible && len(chunk) >= 26 {
		f.tag = int(le.Uint16(chunk[24:]))
	}
	known := (f.tag == tagPCM && f.bits == 16) || ((f.tag == tagALaw || f.tag == tagULaw) && f.bits == 8)
	if !known || f.channels < 1 || f.channels > 8 || f.rate < 1 {
		return wavFormat{}, fmt.Errorf("%w: format %d, %d bits, %d channels", ErrBadWAV, f.tag, f.bits, f.channels)
	}
	return f, nil
}

func (f wavFormat) split(data []byte) WAV {
	width := f.bits / 8
	samples := len(data) / (width * f.channels)
	wav := WAV{Rate: f.rate, Channels: make([][]int16, f.channels)}
	for c := range wav.Channels {
		out := make([]int16, samples)
		for i := range out {
			at := (i*f.channels + c) * width
			switch f.tag {
			case tagPCM:
				out[i] = int16(binary.LittleEndian.Uint16(data[at:]))
			case tagALaw:
				out[i] = alawDecode[data[at]]
			default:
				out[i] = ulawDecode[data[at]]
			}
		}
		wav.Channels[c] = out
	}
	return wav
}

// WriteWAV writes mono 16-bit PCM at 8 kHz.
func WriteWAV(w io.Writer, pcm []int16) error {
	le := binary.LittleEndian
	var b bytes.Buffer
	head := make([]byte, 0, 44)
	head = append(head, "RIFF"...)
	head = le.AppendUint32(head, uint32(36+2*len(pcm)))
	head = append(head, "WAVEfmt "...)
	head = le.AppendUint32(head, 16)
	head = le.AppendUint16(head, tagPCM)
	head = le.AppendUint16(head, 1)
	head = le.AppendUint32(head, SampleRate)
	head = le.AppendUint32(head, SampleRate*2)
	head = le.AppendUint16(head, 2)
	head = le.AppendUint16(head, 16)
	head = append(head, "data"...)
	head = le.AppendUint32(head, uint32(2*len(pcm)))
	b.Write(head)
	for _, s := range pcm {
		b.Write(le.AppendUint16(nil, uint16(s)))
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("media: write WAV: %w", err)
	}
	return nil
}

// halfBand is the right half of a symmetric low-pass filter for halving the rate: a windowed sinc with its edge at a quarter of the
// old rate; the even taps but the middle one are zero.
var halfBand = [...]float64{0.31155, -0.09148, 0.04128, -0.01825, 0.00690, -0.00190}

// halve takes 16 kHz to 8 kHz.
func halve(in []int16) Clip {
	at := func(i int) float64 {
		if i < 0 || i >= len(in) {
			return 0
		}
		return float64(in[i])
	}
	out := make(Clip, len(in)/2)
	for i := range out {
		sum := 0.5 * at(2*i)
		for k, tap := range halfBand {
			d := 2*k + 1
			sum += tap * (at(2*i-d) + at(2*i+d))
		}
		out[i] = int16(max(-32768, min(32767, sum)))
	}
	return out
}
