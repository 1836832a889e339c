package media

import (
	"net/netip"
	"sync"
	"time"

	"github.com/pion/rtp"
)

const (
	// clockSlip is how far, in samples, a relayed stream's timestamps may leave the wall clock before they are taken for a new stream: 5 s.
	clockSlip = 5 * SampleRate
	// sendGap is the largest step of sequence numbers that is passed on as loss.
	sendGap = 1000
)

// sendMap says how to send to the party; it is replaced whole by each negotiation.
type sendMap struct {
	codec   Codec
	audioPT uint8
	events  bool
	eventPT uint8
	noise   bool
	noisePT uint8
	on      bool // the negotiated direction allows sending
}

// outbound is the sending half of a leg, guarded by Leg.outMu: one stream, whoever feeds it.
type outbound struct {
	eventMu sync.Mutex // one digit at a time; taken before Leg.outMu

	dest    netip.AddrPort // invalid until it is known, and when the leg is closed
	closed  bool
	ssrc    uint32
	seq     uint16    // of the last packet
	ts      uint32    // of the last packet
	samples uint32    // that the last packet covered
	at      time.Time // when the last packet was sent; zero before the first

	relaying        bool
	from            uint32 // SSRC of the relayed stream
	seqOff          uint16
	tsOff           uint32
	seqFirst        uint16 // first sequence number of this relay
	playback        *Playback
	inEvent         bool
	eventTS         uint32
	eventAt         time.Time
	buf             []byte
	law             []byte
	sealer          *sealer       // nil: in the clear
	rtc             *rtcTransport // nil: the leg's socket
	packets, bytes  uint64
	errors, skipped uint64
}

func newOutbound() outbound {
	// The first number is in the lower half, so that no receiver misses the roll-over when the first packets are lost (RFC 3711 §3.3.1).
	return outbound{
		ssrc: random32(), seq: uint16(random32()) & 0x7FFF, ts: random32(),
		buf: make([]byte, 0, maxDatagram), law: make([]byte, FrameSamples),
	}
}

// nextTS continues the timestamps: after the last packet, or later when there was a pause.
func (o *outbound) nextTS(now time.Time) uint32 {
	if o.at.IsZero() {
		return o.ts
	}
	elapsed := min(max(now.Sub(o.at), 0), 24*time.Hour)
	return o.ts + max(o.samples, uint32(timeSamples(elapsed)))
}

// rewrite maps a relayed packet's numbers to this stream's. fresh marks the beginning of a relay; ok is false for a packet that
// is older than the relay.
func (o *outbound) rewrite(p *rtp.Packet, now time.Time) (seq uint16, ts uint32, fresh, ok bool) {
	if o.relaying && p.SSRC == o.from {
		seq, ts = p.SequenceNumber+o.seqOff, p.Timestamp+o.tsOff
		step, slip := int16(seq-o.seq), int32(ts-o.nextTS(now))
		if step > -sendGap && step < sendGap && slip > -clockSlip && slip < clockSlip {
			return seq, ts, false, int16(seq-o.seqFirst) >= 0
		}
	}
	seq, ts = o.seq+1, o.nextTS(now)
	o.relaying, o.from = true, p.SSRC
	o.seqOff, o.tsOff, o.seqFirst = seq-p.SequenceNumber, ts-p.Timestamp, seq
	return seq, ts, true, true
}

// sent remembers the newest packet.
func (o *outbound) sent(seq uint16, ts, samples uint32, now time.Time) {
	if o.at.IsZero() || int16(seq-o.seq) > 0 {
		o.seq, o.ts, o.samples, o.at = seq, ts, samples, now
	}
}

// leaveOut closes the gap in the sequence numbers that a packet which is not passed on would leave, and which the party would take for
// loss; the timestamps go on as they are. What was overtaken by the packet is left out too: its number is given to another.
func (o *outbound) leaveOut(p *rtp.Packet) {
	if o.relaying && p.SSRC == o.from && int16(p.SequenceNumber+o.seqOff-o.seq) > 0 {
		o.seqOff--
		o.seqFirst = o.seq + 1
	}
}

// header begins a packet in the scratch buffer.
func (o *outbound) header(pt uint8, marker bool, seq uint16, ts uint32) []byte {
	second := pt & 0x7F
	if marker {
		second |= 0x80
	}
	return append(o.buf[:0], 0x80, second, byte(seq>>8), byte(seq),
		byte(ts>>24), byte(ts>>16), byte(ts>>8), byte(ts),
		byte(o.ssrc>>24), byte(o.ssrc>>16), byte(o.ssrc>>8), byte(o.ssrc))
}

// write sends a packet; the caller holds outMu.
func (l *Leg) write(packet []byte) {
	o := &l.out
	o.buf = packet[:0]
	if !o.dest.IsValid() || (o.rtc != nil && !o.rtc.ready.Load()) {
		o.skipped++
		return
	}
	if o.sealer != nil {
		if packet = o.sealer.seal(packet); packet == nil {
			o.errors++
			return
		}
	}
	if err := l.emit(packet); err != nil {
		o.errors++
		return
	}
	o.packets++
	o.bytes += uint64(len(packet))
}

// emit hands a packet to the network; the caller holds outMu.
func (l *Leg) emit(packet []byte) error {
	if r := l.out.rtc; r != nil {
		return r.send(packet)
	}
	return l.sock.send(packet)
}

// sendTo sets where packets go: the address in the party's SDP, and then the source that the leg is locked on.
func (l *Leg) sendTo(dest netip.AddrPort) {
	l.outMu.Lock()
	defer l.outMu.Unlock()
	if l.out.closed {
		return
	}
	l.out.dest = dest
	l.sock.aim(dest)
}

// forward relays a packet that came from the other leg of a bridge.
func (l *Leg) forward(p *rtp.Packet, kind packetKind, now time.Time) {
	tx := l.tx.Load()
	if tx == nil || !tx.on {
		return
	}
	l.outMu.Lock()
	defer l.outMu.Unlock()
	o := &l.out
	if (kind == kindEvent && !tx.events) || (kind == kindNoise && !tx.noise) {
		o.leaveOut(p)
		return
	}
	if o.playback != nil || o.inEvent {
		return
	}
	seq, ts, fresh, ok := o.rewrite(p, now)
	if !ok {
		return
	}
	marker := p.Marker || fresh
	if kind == kindEvent || kind == kindNoise {
		pt := tx.eventPT
		if kind == kindNoise {
			pt = tx.noisePT
		}
		o.sent(seq, ts, FrameSamples, now)
		l.write(append(o.header(pt, marker, seq, ts), p.Payload...))
		return
	}
	o.sent(seq, ts, uint32(len(p.Payload)), now)
	packet := o.header(tx.audioPT, marker, seq, ts)
	start := len(packet)
	packet = packet[:start+len(p.Payload)]
	transcode(packet[start:], p.Payload, kind.codec(), tx.codec)
	l.write(packet)
}

// sendFrame sends audio that the server plays; false when pb is no longer what is played to the leg.
func (l *Leg) sendFrame(pb *Playback, pcm []int16, now time.Time) bool {
	l.outMu.Lock()
	defer l.outMu.Unlock()
	if l.out.playback != pb {
		return false
	}
	if l.sendAudio(pcm, pb.sent == 0, now) {
		pb.sent++
	}
	return true
}

// sendAudio sends audio that the server made, in the order of its making; false when the party may not be sent any now. fresh: it does
// not follow what was sent last. The caller holds outMu.
func (l *Leg) sendAudio(pcm []int16, fresh bool, now time.Time) bool {
	o := &l.out
	tx := l.tx.Load()
	if tx == nil || !tx.on || o.inEvent {
		return false
	}
	marker := fresh || o.relaying || o.at.IsZero()
	ts := o.ts + o.samples
	if marker || now.Sub(o.at) > 10*FrameTime {
		ts = o.nextTS(now)
	}
	o.relaying = false
	seq := o.seq + 1
	o.sent(seq, ts, uint32(len(pcm)), now)
	tx.codec.Encode(o.law, pcm)
	l.write(append(o.header(tx.audioPT, marker, seq, ts), o.law[:len(pcm)]...))
	return true
}

func (l *Leg) beginEvent() {
	l.out.eventMu.Lock()
	l.outMu.Lock()
	defer l.outMu.Unlock()
	now := l.now()
	l.out.eventTS, l.out.eventAt = l.out.nextTS(now), now
	l.out.inEvent, l.out.relaying = true, false
}

func (l *Leg) sendEvent(pt uint8, marker bool, e event) {
	l.outMu.Lock()
	defer l.outMu.Unlock()
	o := &l.out
	seq := o.seq + 1
	o.sent(seq, o.eventTS, uint32(e.duration), o.eventAt)
	l.write(e.marshal(o.header(pt, marker, seq, o.eventTS)))
}

func (l *Leg) endEvent() {
	l.outMu.Lock()
	l.out.inEvent = false
	l.outMu.Unlock()
	l.out.eventMu.Unlock()
}
