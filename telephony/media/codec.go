package media

import (
	"fmt"
	"time"
)

const (
	// SampleRate is the rate of all audio in this package, in samples a second.
	SampleRate = 8000
	// FrameSamples is the number of samples in one packet that the server makes: 20 ms.
	FrameSamples = 160
	// FrameTime is the duration of one packet that the server makes.
	FrameTime = 20 * time.Millisecond
)

// Codec is an audio codec; its value is its static RTP payload type (RFC 3551 §6).
type Codec uint8

// The two laws of G.711, the only codecs that are negotiated.
const (
	PCMU Codec = 0
	PCMA Codec = 8
)

// String gives the encoding name used in SDP.
func (c Codec) String() string {
	switch c {
	case PCMU:
		return "PCMU"
	case PCMA:
		return "PCMA"
	}
	return fmt.Sprintf("codec(%d)", uint8(c))
}

// Encode writes one byte a sample of pcm to dst, which must be at least as long as pcm.
func (c Codec) Encode(dst []byte, pcm []int16) {
	table := &ulawEncode
	if c == PCMA {
		table = &alawEncode
	}
	dst = dst[:len(pcm)]
	for i, s := range pcm {
		dst[i] = table[uint16(s)>>2]
	}
}

// Decode writes one sample a byte of data to dst, which must be at least as long as data.
func (c Codec) Decode(dst []int16, data []byte) {
	table := &ulawDecode
	if c == PCMA {
		table = &alawDecode
	}
	dst = dst[:len(data)]
	for i, b := range data {
		dst[i] = table[b]
	}
}

// transcode writes data, encoded with from, to dst in the law to. The two may be the same.
func transcode(dst, data []byte, from, to Codec) {
	dst = dst[:len(data)]
	if from == to {
		copy(dst, data)
		return
	}
	table := &alawToULaw
	if from == PCMU {
		table = &ulawToALaw
	}
	for i, b := range data {
		dst[i] = table[b]
	}
}

// silence is the code of a zero sample.
func (c Codec) silence() byte {
	if c == PCMA {
		return 0xD5
	}
	return 0xFF
}
