package media

import "math"

// NoiseUse says whether comfort noise (RFC 3389) is negotiated with a party. Packets of it are played in conferences at the
// level they name, and relayed by a bridge when the other party knows them; if not, that party hears nothing meanwhile.
type NoiseUse uint8

// The uses of comfort noise.
const (
	// AcceptNoise answers with it when it is offered. A party that is not told of it does not stop sending.
	AcceptNoise NoiseUse = iota
	// OfferNoise offers it too.
	OfferNoise
	// RefuseNoise neither offers nor accepts it.
	RefuseNoise
)

// loudestNoise bounds the level (in -dBov) that a peer can make the server play with one packet of comfort noise.
const loudestNoise = 30

// noise makes white noise; each listener's should begin with another seed, which must not be 0.
type noise struct{ state uint32 }

// fill replaces dst by noise of a level in -dBov: 0 is the power of a full-scale square wave (RFC 3389 §3, RFC 6465 §3).
func (n *noise) fill(dst []int16, level uint8) {
	// Evenly spread samples of peak a have the power a²/3.
	peak := float32(32768 * math.Sqrt(3) * math.Pow(10, -float64(max(level, loudestNoise))/20))
	for i := range dst {
		dst[i] = int16(n.next() * peak)
	}
}

// next is between -1 and 1. Xorshift: no sound needs better.
func (n *noise) next() float32 {
	n.state ^= n.state << 13
	n.state ^= n.state >> 17
	n.state ^= n.state << 5
	return float32(int32(n.state)) / (1 << 31)
}

// addTo adds pcm to dst, which may be shorter, within the range of a sample.
func addTo(dst, pcm []int16) {
	for i := range dst {
		dst[i] = int16(max(-32768, min(32767, int32(dst[i])+int32(pcm[i]))))
	}
}
