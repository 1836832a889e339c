package media

import (
	"encoding/binary"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"github.com/pion/transport/v4/replaydetector"
)

const (
	// maxStreams is how many streams (SSRC) of a party are told apart under one key.
	maxStreams = 8
	// maxProbes is how many packets of unknown streams may fail before the state that the library made for each is thrown away.
	maxProbes = 64
	// replayWindow is how many packets back a late one is still taken (RFC 3711 §3.3.2: at least 64).
	replayWindow = 64
	// srtpOverhead is more than an authentication tag is long.
	srtpOverhead = 16
)

// sealer encrypts what a leg sends; guarded by Leg.outMu.
type sealer struct {
	context *srtp.Context
	last    uint64 // number of the newest packet, with roll-overs and one round ahead; 0 before
	used    replayGuard
	header  rtp.Header
	buf     []byte
}

func newSealer(key *cryptoKey) (*sealer, error) {
	c, err := key.context()
	if err != nil {
		return nil, err
	}
	s := &sealer{context: c, buf: make([]byte, 0, maxDatagram+srtpOverhead), used: replayGuard{replayed: new(bool)}}
	s.used.accept = s.used.mark
	return s, nil
}

// seal encrypts a packet into the sealer's scratch buffer; nil when the key is used up, or was used for a packet of this number: two payloads
// under one number give the keystream away, and with GCM the key of the tags (RFC 3711 §9.1, RFC 7714 §8.4). A party that sends two
// packets of one number could bring that about where they are passed on.
func (s *sealer) seal(packet []byte) []byte {
	seq := binary.BigEndian.Uint16(packet[2:])
	index := 1<<16 | uint64(seq)
	if s.last != 0 {
		index = s.last + uint64(int64(int16(seq-uint16(s.last))))
	}
	mark, fresh := s.used.Check(index)
	if !fresh {
		return nil
	}
	sealed, err := s.context.EncryptRTP(s.buf[:0], packet, &s.header)
	if err != nil {
		return nil
	}
	mark()
	s.last = max(s.last, index)
	return sealed
}

// unsealer decrypts what a leg receives; guarded by Leg.inMu. After a change of keys the former ones are taken until the first packet
// under the new ones, because the change reaches the party's sender some time after the SDP.
type unsealer struct {
	keyless bool          // the party's keys are not known yet, and nothing is taken; never changes
	keys    []*receiveKey // the newest first, at most two
}

// open decrypts a packet in place; nil when it is not the party's. replayed: it was, once.
func (u *unsealer) open(packet []byte, ssrc uint32) (plain []byte, replayed bool) {
	for i, k := range u.keys {
		plain = k.open(packet, ssrc)
		if plain != nil {
			if i == 0 {
				u.keys = u.keys[:1]
			}
			return plain, false
		}
		replayed = replayed || k.replayed
	}
	return nil, replayed
}

// receiveKey is one key of the party. Each stream has a context of its own, so that packets of strangers, for whose SSRC the library keeps
// state before it knows them to be false, cost neither memory nor what is known of the party's streams.
type receiveKey struct {
	key      cryptoKey
	header   rtp.Header
	streams  []stream // the oldest first
	probe    *srtp.Context
	probes   int
	replayed bool
}

type stream struct {
	ssrc    uint32
	context *srtp.Context
}

func (k *receiveKey) context() (*srtp.Context, error) {
	return k.key.context(srtp.SRTPReplayDetectorFactory(func() replaydetector.ReplayDetector {
		return newReplayGuard(&k.replayed)
	}))
}

func (k *receiveKey) open(packet []byte, ssrc uint32) []byte {
	k.replayed = false
	for i := range k.streams {
		if k.streams[i].ssrc == ssrc {
			plain, err := k.streams[i].context.DecryptRTP(packet[:0], packet, &k.header)
			if err != nil {
				return nil
			}
			return plain
		}
	}
	if k.probe == nil || k.probes >= maxProbes {
		c, err := k.context()
		if err != nil {
			return nil
		}
		k.probe, k.probes = c, 0
	}
	k.probes++
	plain, err := k.probe.DecryptRTP(packet[:0], packet, &k.header)
	if err != nil {
		return nil
	}
	if len(k.streams) == maxStreams {
		k.streams = append(k.streams[:0], k.streams[1:]...)
	}
	k.streams = append(k.streams, stream{ssrc: ssrc, context: k.probe})
	k.probe = nil
	return plain
}

// replayGuard implements replaydetector.ReplayDetector without an allocation for each packet.
type replayGuard struct {
	seen     uint64 // bit i: top-i was received
	top      uint64
	any      bool
	index    uint64 // of the packet that is being checked
	replayed *bool
	accept   func() bool
}

func newReplayGuard(replayed *bool) *replayGuard {
	g := &replayGuard{replayed: replayed}
	g.accept = g.mark
	return g
}

// Check tells whether a packet of this index may be new; the function marks it as received.
func (g *replayGuard) Check(index uint64) (accept func() bool, ok bool) {
	g.index = index
	if g.any && index <= g.top {
		if back := g.top - index; back >= replayWindow || g.seen>>back&1 == 1 {
			*g.replayed = true
			return g.accept, false
		}
	}
	return g.accept, true
}

func (g *replayGuard) mark() bool {
	switch {
	case !g.any:
		g.any, g.top, g.seen = true, g.index, 1
	case g.index <= g.top:
		g.seen |= 1 << (g.top - g.index)
		return false
	default:
		g.seen, g.top = g.seen<<min(g.index-g.top, replayWindow)|1, g.index
	}
	return true
}

// unseal takes a packet that came on an encrypted leg through decryption; nil when it is dropped, and then it is counted.
func (l *Leg) unseal(u *unsealer, data []byte, src netip.AddrPort, now time.Time) []byte {
	if len(data) < 12 || len(data) >= maxDatagram || data[0]>>6 != 2 || isControl(data) {
		return data // for whoever is to look at it
	}
	ssrc := binary.BigEndian.Uint32(data[8:])
	l.inMu.Lock()
	defer l.inMu.Unlock()
	if !l.in.takes(src, ssrc, now) {
		l.in.strange++
		return nil
	}
	plain, replayed := u.open(data, ssrc)
	switch {
	case replayed:
		l.in.replayed++
	case plain == nil:
		l.in.unauthentic++
	}
	return plain
}

// openControl decrypts RTCP; nil when it is not the party's, and then it is counted.
func (l *Leg) openControl(data []byte) []byte {
	plain, err := l.unprotectRTCP(nil, data)
	if err != nil {
		l.inMu.Lock()
		l.in.unauthentic++
		l.inMu.Unlock()
		return nil
	}
	return plain
}

// setKeys sets both directions to the keys that were negotiated; nil is in the clear. A key that stays keeps its counters. The caller holds negMu.
func (l *Leg) setKeys(local, remote *cryptoKey) error {
	n := &l.neg.keying
	var u *unsealer
	if remote != nil {
		if u = l.unsealer.Load(); u == nil || !remote.same(n.remote) {
			keys := []*receiveKey{{key: *remote}}
			l.inMu.Lock()
			if u != nil && len(u.keys) > 0 {
				keys = append(keys, u.keys[0])
			}
			l.inMu.Unlock()
			u = &unsealer{keys: keys}
		}
	}
	s := l.out.sealer // written under negMu alone
	if local == nil {
		s = nil
	} else if s == nil || !local.same(n.local) {
		var err error
		if s, err = newSealer(local); err != nil {
			return err
		}
	}
	if err := l.reports.set(local, remote); err != nil {
		return err
	}
	l.unsealer.Store(u)
	l.outMu.Lock()
	l.out.sealer = s
	l.outMu.Unlock()
	return nil
}

// reportKeys are the contexts for RTCP (SRTCP), apart from those for RTP so that reports never wait for audio.
type reportKeys struct {
	mu            sync.Mutex
	local, remote *cryptoKey
	in, out       *srtp.Context
	failed        int
}

func (r *reportKeys) set(local, remote *cryptoKey) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if local == nil || remote == nil {
		r.local, r.remote, r.in, r.out = nil, nil, nil, nil
		return nil
	}
	if r.out == nil || !local.same(r.local) {
		c, err := local.context()
		if err != nil {
			return err
		}
		r.out, r.local = c, local
	}
	if r.in == nil || !remote.same(r.remote) {
		c, err := remote.context(srtp.SRTCPReplayProtection(replayWindow))
		if err != nil {
			return err
		}
		r.in, r.remote, r.failed = c, remote, 0
	}
	return nil
}

// protectRTCP encrypts a compound RTCP packet, into dst when that has room; on a leg in the clear it is the packet itself.
func (l *Leg) protectRTCP(dst, packet []byte) ([]byte, error) {
	r := &l.reports
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.out == nil {
		return packet, nil
	}
	return r.out.EncryptRTCP(dst[:0], packet, nil)
}

// unprotectRTCP decrypts a compound RTCP packet, into dst when that has room; on a leg in the clear it is the packet itself. An error means
// that the party did not send it, or sent it before.
func (l *Leg) unprotectRTCP(dst, packet []byte) ([]byte, error) {
	r := &l.reports
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.in == nil {
		return packet, nil
	}
	plain, err := r.in.DecryptRTCP(dst[:0], packet, nil)
	if err == nil {
		return plain, nil
	}
	// The library keeps state for each SSRC before it knows the packet to be false.
	if r.failed++; r.failed >= maxProbes {
		if c, made := r.remote.context(srtp.SRTCPReplayProtection(replayWindow)); made == nil {
			r.in, r.failed = c, 0
		}
	}
	return nil, err
}
