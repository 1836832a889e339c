package media

import (
	"net/netip"
	"time"

	"github.com/pion/rtp"
)

const (
	// maxDatagram is more than any packet of G.711 needs (RFC 3551 §4.2: up to 200 ms); what fills it is cut off and not valid.
	maxDatagram = 2048
	// maxPayload is the most audio that one packet may hold: 200 ms.
	maxPayload = 1600
	// maxGap and maxLate bound what is taken for the same stream (RFC 3550 appendix A.1).
	maxGap  = 3000
	maxLate = 100
)

// packetKind says what a payload type stands for in this session.
type packetKind uint8

const (
	kindNone packetKind = iota
	kindPCMU
	kindPCMA
	kindEvent
	kindNoise
)

func kindOf(c Codec) packetKind {
	if c == PCMA {
		return kindPCMA
	}
	return kindPCMU
}

func (k packetKind) codec() Codec {
	if k == kindPCMA {
		return PCMA
	}
	return PCMU
}

// receiveMap is indexed by payload type.
type receiveMap [128]packetKind

// inbound is the receiving half of a leg, guarded by Leg.inMu.
type inbound struct {
	relatch time.Duration
	signal  netip.Addr     // where the signalling comes from
	party   netip.AddrPort // the address in the party's SDP
	locked  netip.AddrPort // the only source whose packets are taken

	ssrc       uint32
	known      bool // ssrc and the fields below are set
	base, high uint32
	count      uint32
	past       struct{ expected, received uint64 } // streams that have ended
	timed      bool                                // transit is that of an earlier packet of this stream
	transit    int32
	jitter     float64
	digits     digitFilter

	packets, bytes, malformed, strange uint64
	unauthentic, replayed              uint64
	early                              []earlyPacket // that wait for the keys, the oldest first
	first, last                        time.Time
}

// rank says how far a source is vouched for: 2 is the address in the party's SDP, 1 its IP or that of the signalling.
func (in *inbound) rank(src netip.AddrPort) int {
	switch {
	case src == in.party:
		return 2
	case src.Addr() == in.party.Addr() || src.Addr() == in.signal:
		return 1
	}
	return 0
}

// expect sets the party's SDP address. A change of it opens the lock, except for a source that the party vouches for.
func (in *inbound) expect(party netip.AddrPort) {
	if party == in.party {
		return
	}
	moved := in.party.IsValid()
	in.party = party
	if moved || in.rank(in.locked) == 0 {
		in.locked = netip.AddrPort{}
	}
}

// source decides whether packets from src with this SSRC are taken; moved tells that the leg is now locked on src.
func (in *inbound) source(src netip.AddrPort, ssrc uint32, now time.Time) (taken, moved bool) {
	if src == in.locked {
		return true, false
	}
	if !in.takes(src, ssrc, now) {
		return false, false
	}
	in.locked = src
	return true, true
}

// takes tells whether source would take a packet.
func (in *inbound) takes(src netip.AddrPort, ssrc uint32, now time.Time) bool {
	if src != in.locked && in.locked.IsValid() && in.rank(src) <= in.rank(in.locked) {
		// Not better than the present source: only after that one has fallen silent, and not for anybody.
		silent := now.Sub(in.last) >= in.relatch
		if !silent || (in.rank(src) == 0 && (!in.known || ssrc != in.ssrc)) {
			return false
		}
	}
	return true
}

// measure updates sequence and jitter (RFC 3550 appendix A.1, A.8).
func (in *inbound) measure(h *rtp.Header, size int, audio bool, now time.Time) {
	in.packets++
	in.bytes += uint64(size)
	if in.first.IsZero() {
		in.first = now
	}
	arrival := int32(uint32(now.UnixMicro() * (SampleRate / 1000) / 1000))
	transit := arrival - int32(h.Timestamp)
	delta := h.SequenceNumber - uint16(in.high)
	switch {
	case !in.known || h.SSRC != in.ssrc || (delta >= maxGap && delta < 0xFFFF-maxLate):
		in.restart(h)
	case delta < 0x8000:
		in.high += uint32(delta)
	}
	in.count++
	// Events repeat the timestamp of their beginning and say nothing about jitter.
	if audio {
		if in.timed {
			d := transit - in.transit
			if d < 0 {
				d = -d
			}
			in.jitter += (float64(d) - in.jitter) / 16
		}
		in.timed, in.transit = true, transit
	}
	in.last = now
}

func (in *inbound) restart(h *rtp.Header) {
	if in.known {
		in.past.expected += uint64(in.high - in.base + 1)
		in.past.received += uint64(in.count)
	}
	if h.SSRC != in.ssrc {
		in.digits = digitFilter{}
	}
	in.known, in.timed, in.ssrc = true, false, h.SSRC
	in.base, in.high, in.count = uint32(h.SequenceNumber), uint32(h.SequenceNumber), 0
}

func (in *inbound) stats(s *Stats) {
	s.Received, s.ReceivedBytes = in.packets, in.bytes
	s.Expected = in.past.expected
	received := in.past.received + uint64(in.count)
	if in.known {
		s.Expected += uint64(in.high - in.base + 1)
	}
	if s.Expected > received {
		s.Lost = s.Expected - received
	}
	s.Jitter = time.Duration(in.jitter * float64(time.Second) / SampleRate)
	s.Malformed, s.Strange = in.malformed, in.strange
	s.Unauthentic, s.Replayed = in.unauthentic, in.replayed
	s.FirstPacket, s.LastPacket = in.first, in.last
	if in.locked.IsValid() {
		s.Source = in.locked.String()
	}
}

// datagram takes one packet that came at now, on the reading goroutine, through validation, measurement, recording, the listener and the bridge.
func (l *Leg) datagram(data []byte, src netip.AddrPort, now time.Time, p *rtp.Packet, pcm []int16) {
	if u := l.unsealer.Load(); u != nil && u.keyless {
		l.holdEarly(data, src, now)
		return
	}
	if l.early.Load() {
		l.takeEarly(data, src, now, p, pcm)
	}
	l.take(data, src, now, p, pcm)
}

func (l *Leg) take(data []byte, src netip.AddrPort, now time.Time, p *rtp.Packet, pcm []int16) {
	rx := l.rx.Load()
	if rx == nil {
		return
	}
	if u := l.unsealer.Load(); u != nil {
		if data = l.unseal(u, data, src, now); data == nil {
			return
		}
	}
	kind := parsePacket(data, p, rx)
	if kind == kindNone && isControl(data) {
		l.controlDatagram(data, src, now)
		return
	}
	l.inMu.Lock()
	if kind == kindNone {
		l.in.malformed++
		l.inMu.Unlock()
		return
	}
	taken, moved := l.in.source(src, p.SSRC, now)
	if !taken {
		l.in.strange++
		l.inMu.Unlock()
		return
	}
	l.in.measure(&p.Header, len(data), kind != kindEvent, now)
	if kind == kindEvent {
		l.digit(p, now)
	}
	l.inMu.Unlock()
	if moved {
		l.sendTo(src)
	}
	if m := l.mix.Load(); m != nil && kind != kindEvent {
		m.inbox.put(kind, p, now)
	}
	if kind == kindPCMU || kind == kindPCMA {
		if t := l.tap.Load(); t != nil {
			t.recorder.write(t.channel, kind.codec(), p.Payload, p.SSRC, p.Timestamp, now)
		}
		if fn := l.listener.Load(); fn != nil {
			kind.codec().Decode(pcm, p.Payload)
			(*fn)(pcm[:len(p.Payload)])
		}
	}
	if peer := l.bridge.Load(); peer != nil {
		peer.forward(p, kind, now)
	}
}

// digit delivers the digit that begins with this packet, if one does. The caller holds inMu.
func (l *Leg) digit(p *rtp.Packet, now time.Time) {
	e, ok := parseEvent(p.Payload)
	if !ok {
		return
	}
	r, ok := l.in.digits.begins(e, p.Timestamp)
	if !ok {
		return
	}
	if m := l.mix.Load(); m != nil {
		m.inbox.putDigit(r)
	}
	select {
	case l.digits <- Digit{Rune: r, At: now}:
	default:
		l.log.Warn("digit dropped, nobody reads them")
	}
}

// parsePacket reads data into p; kindNone when it is not a packet of this session.
func parsePacket(data []byte, p *rtp.Packet, rx *receiveMap) packetKind {
	if len(data) < 12 || len(data) >= maxDatagram || data[0]>>6 != 2 {
		return kindNone
	}
	kind := rx[data[1]&0x7F]
	if kind == kindNone || p.Unmarshal(data) != nil {
		return kindNone
	}
	if len(p.Payload) == 0 || len(p.Payload) > maxPayload || (kind == kindEvent && len(p.Payload) < 4) {
		return kindNone
	}
	return kind
}
