package media

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
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
	// maxWAV bounds what is read into memory, and maxFormat a format.
	maxWAV    = 256 << 20
	maxFormat = 64
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
func measure(file File) (Recording, error) {
	length, err := file.Size()
	if err != nil {
		return Recording{}, fmt.Errorf("media: measure recording: %w", err)
	}
	sum := sha256.New()
	size, err := io.Copy(sum, io.NewSectionReader(file, 0, length))
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

// ReadWAV reads 16-bit PCM and G.711 of any rate and up to 8 channels. A length in the header that is larger than the file, as in a file
// still being written, is taken as the file's. ErrBadWAV: another format, or more than 256 MB.
func ReadWAV(r io.Reader) (WAV, error) {
	in := bufio.NewReader(io.LimitReader(r, maxWAV+1))
	f, size, err := findData(in)
	if err != nil {
		return WAV{}, err
	}
	data, err := io.ReadAll(io.LimitReader(in, size))
	if err != nil {
		return WAV{}, fmt.Errorf("media: read WAV: %w", err)
	}
	if len(data) > maxWAV-12 {
		return WAV{}, fmt.Errorf("%w: larger than 256 MB", ErrBadWAV)
	}
	return f.split(data), nil
}

// findData reads up to the audio, whose declared size in bytes it gives.
func findData(in *bufio.Reader) (f wavFormat, size int64, err error) {
	head := make([]byte, 12)
	if err := readWhole(in, head); err != nil {
		return f, 0, err
	}
	if string(head[:4]) != "RIFF" || string(head[8:]) != "WAVE" {
		return f, 0, fmt.Errorf("%w: no RIFF WAVE", ErrBadWAV)
	}
	for {
		if err := readWhole(in, head[:8]); err != nil {
			return f, 0, err
		}
		id, size := string(head[:4]), int64(binary.LittleEndian.Uint32(head[4:]))
		switch id {
		case "data":
			if f.channels == 0 {
				return f, 0, fmt.Errorf("%w: data before format", ErrBadWAV)
			}
			return f, size, nil
		case "fmt ":
			chunk := make([]byte, min(size, maxFormat))
			if err := readWhole(in, chunk); err != nil {
				return f, 0, err
			}
			if f, err = readFormat(chunk); err != nil {
				return f, 0, err
			}
			size -= int64(len(chunk))
			fallthrough
		default:
			if _, err := io.CopyN(io.Discard, in, size+size&1); err != nil {
				return f, 0, wavEnd(err)
			}
		}
	}
}

func readWhole(in io.Reader, b []byte) error {
	_, err := io.ReadFull(in, b)
	return wavEnd(err)
}

func wavEnd(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: it ends before its audio", ErrBadWAV)
	}
	return fmt.Errorf("media: read WAV: %w", err)
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
