package media

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"

	"github.com/pion/rtp"
)

// maxEarly is how many packets wait for the party's keys, the newest: 200 ms of sound.
const maxEarly = 10

// earlyPacket came on an encrypted leg before its party's keys did: they come by another way, in the SDP or at the end of DTLS, and the first
// sound may overtake them.
type earlyPacket struct {
	data []byte
	src  netip.AddrPort
	at   time.Time
}

// holdEarly keeps a packet until the party's keys are known. What there is no room for is one that nobody vouched for.
func (l *Leg) holdEarly(data []byte, src netip.AddrPort, now time.Time) {
	if len(data) < 12 || len(data) >= maxDatagram || isControl(data) {
		return // reports come again
	}
	l.inMu.Lock()
	defer l.inMu.Unlock()
	if !l.in.takes(src, binary.BigEndian.Uint32(data[8:]), now) {
		l.in.strange++
		return
	}
	if len(l.in.early) == maxEarly {
		l.in.early = slices.Delete(l.in.early, 0, 1)
		l.in.unauthentic++
	}
	l.in.early = append(l.in.early, earlyPacket{slices.Clone(data), src, now})
	l.early.Store(true)
}

// takeEarly takes what waited for the keys, ahead of the first packet that came after them.
func (l *Leg) takeEarly(data []byte, src netip.AddrPort, now time.Time, p *rtp.Packet, pcm []int16) {
	l.inMu.Lock()
	if len(data) < 12 || !l.in.takes(src, binary.BigEndian.Uint32(data[8:]), now) {
		l.inMu.Unlock()
		return
	}
	held := l.in.early
	l.in.early = nil
	l.early.Store(false)
	l.inMu.Unlock()
	for _, e := range held {
		l.take(e.data, e.src, e.at, p, pcm)
	}
}
