package media

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
)

// negotiation is the state of offer and answer of one leg (RFC 3264), guarded by Leg.negMu.
type negotiation struct {
	session, version uint64
	last             string // the description sent last
	lines            []sdp.MediaName
	ssrc             uint32 // of what is sent
	audio            int    // index of the audio line
	eventPT          uint8
	want             Direction
	direction        Direction // negotiated, seen from this side
	remoteHold       bool
	mux              bool // RTCP comes with RTP
	agreed           bool
	codec            Codec
	rtc              rtcLines
	keying
}

func newNegotiation(l *Leg) negotiation {
	return negotiation{
		session: uint64(random32()), version: uint64(random32()), eventPT: defaultEventPT, ssrc: l.out.ssrc,
		lines: []sdp.MediaName{{}}, want: SendRecv, codec: l.opts.Codecs[0],
		keying: keying{use: l.opts.Security},
	}
}

// Hold changes what the next Offer or Answer asks for: with on, the party is to listen and not to be heard.
func (l *Leg) Hold(on bool) {
	l.negMu.Lock()
	defer l.negMu.Unlock()
	l.neg.want = SendRecv
	if on {
		l.neg.want = SendOnly
	}
}

// Direction is the negotiated direction seen from the server; Inactive before there is one.
func (l *Leg) Direction() Direction {
	l.negMu.Lock()
	defer l.negMu.Unlock()
	return l.neg.direction
}

// RemoteHold tells whether the party asked not to be sent any audio.
func (l *Leg) RemoteHold() bool {
	l.negMu.Lock()
	defer l.negMu.Unlock()
	return l.neg.remoteHold
}

// Codec is the codec in which audio is sent; ok is false before it is negotiated.
func (l *Leg) Codec() (c Codec, ok bool) {
	l.negMu.Lock()
	defer l.negMu.Unlock()
	return l.neg.codec, l.neg.agreed
}

// Offer makes an SDP offer. After a first negotiation it keeps the number and order of media lines (RFC 3264 §8).
func (l *Leg) Offer() []byte {
	l.negMu.Lock()
	defer l.negMu.Unlock()
	n := &l.neg
	formats := make([]format, 0, 3)
	for _, c := range l.opts.Codecs {
		formats = append(formats, format{pt: uint8(c), kind: kindOf(c), codec: c})
	}
	if !l.opts.NoEvents {
		formats = append(formats, format{pt: n.eventPT, kind: kindEvent})
	}
	if l.opts.Noise == OfferNoise {
		formats = append(formats, format{pt: noisePT, kind: kindNoise})
	}
	rtc := l.rtc.Load()
	if rtc != nil {
		n.offerRTC()
	}
	n.offer()
	if !n.agreed && len(n.keys) > 0 {
		// Without the party's key nothing of it can be told from a stranger's.
		l.unsealer.CompareAndSwap(nil, &unsealer{keyless: true})
	}
	// Audio may arrive before the answer does (RFC 3264 §5.1).
	l.listen(formats)
	return l.describe(formats, n.want, n.proto)
}

// Answer reads the party's offer, sets the leg to it and makes the answer. Errors: ErrBadSDP, ErrNoAudio, ErrNoKey, ErrNoCodec; the leg then
// stays as it was.
func (l *Leg) Answer(offer []byte) ([]byte, error) {
	remote, err := parseSDP(offer, -1, l.rules())
	if err != nil {
		return nil, err
	}
	chosen, ok := remote.choose(l.opts.Codecs)
	if !ok {
		return nil, ErrNoCodec
	}
	l.negMu.Lock()
	defer l.negMu.Unlock()
	n := &l.neg
	if remote.rtc != nil {
		if err := l.answerRTC(remote); err != nil {
			return nil, err
		}
	} else {
		local, theirs := n.answer(remote)
		if err := l.setKeys(local, theirs); err != nil {
			return nil, err
		}
		n.settle(remote.proto, local, theirs)
	}
	formats := []format{chosen}
	if pt, ok := remote.payloadType(kindEvent); ok && !l.opts.NoEvents {
		n.eventPT = pt
		formats = append(formats, format{pt: pt, kind: kindEvent})
	}
	if pt, ok := remote.payloadType(kindNoise); ok && l.opts.Noise != RefuseNoise {
		formats = append(formats, format{pt: pt, kind: kindNoise})
	}
	n.lines, n.audio, n.mux = remote.lines, remote.audio, remote.mux
	l.listen(formats)
	l.agree(remote, chosen)
	return l.describe(formats, n.direction, n.proto), nil
}

// Accept reads the party's answer to the last Offer and sets the leg to it; reading the same answer again (in a 183 and the 200)
// changes nothing. Errors: ErrBadSDP, ErrNoAudio, ErrNoKey, ErrNoCodec; the leg then stays as it was.
func (l *Leg) Accept(answer []byte) error {
	l.negMu.Lock()
	defer l.negMu.Unlock()
	remote, err := parseSDP(answer, l.neg.audio, l.rules())
	if err != nil {
		return err
	}
	chosen, ok := remote.choose(l.opts.Codecs)
	if !ok {
		return ErrNoCodec
	}
	l.neg.mux = l.neg.mux && remote.mux
	if remote.rtc != nil {
		if l.neg.rtc.setup, err = l.rtc.Load().start(remote.rtc, true); err != nil {
			return err
		}
	} else {
		local, theirs, err := l.neg.accept(remote)
		if err != nil {
			return err
		}
		if err := l.setKeys(local, theirs); err != nil {
			return err
		}
		l.neg.settle(l.neg.proto, local, theirs)
	}
	l.agree(remote, chosen)
	return nil
}

// listen takes the payload types of formats, and the static ones of G.711 and comfort noise, which some phones send whatever was agreed.
func (l *Leg) listen(formats []format) {
	var rx receiveMap
	rx[PCMU], rx[PCMA], rx[noisePT] = kindPCMU, kindPCMA, kindNoise
	for _, f := range formats {
		rx[f.pt] = f.kind
	}
	l.rx.Store(&rx)
}

// agree sets the sending half to what the party's description says. The caller holds negMu.
func (l *Leg) agree(remote *remoteMedia, chosen format) {
	n := &l.neg
	n.direction = remote.direction.reverse() & n.want
	n.remoteHold = remote.held || remote.direction&RecvOnly == 0
	n.codec, n.agreed = chosen.codec, true
	tx := &sendMap{
		codec: chosen.codec, audioPT: chosen.pt,
		on: n.direction&SendOnly != 0 && !remote.held,
	}
	if pt, ok := remote.payloadType(kindEvent); ok && !l.opts.NoEvents {
		tx.eventPT, tx.events = pt, true
	}
	if pt, ok := remote.payloadType(kindNoise); ok && l.opts.Noise != RefuseNoise {
		tx.noisePT, tx.noise = pt, true
	}
	l.inMu.Lock()
	if !remote.held {
		l.in.expect(remote.addr)
	}
	dest := l.in.locked
	if !dest.IsValid() {
		dest = remote.addr
	}
	l.inMu.Unlock()
	l.tx.Store(tx)
	if dest.IsValid() {
		l.sendTo(dest)
	}
	l.reportTo(remote.control, n.mux)
}

// describe writes this side's description; its version rises when it differs from the one before. The caller holds negMu.
func (l *Leg) describe(formats []format, direction Direction, proto string) []byte {
	n := &l.neg
	ip := l.ports.public
	if l.opts.PublicIP.IsValid() {
		ip = l.opts.PublicIP.Unmap()
	}
	body := l.compose(formats, direction, proto, ip)
	if body == n.last {
		return []byte(body)
	}
	n.version++
	n.last = l.compose(formats, direction, proto, ip)
	return []byte(n.last)
}

func (l *Leg) compose(formats []format, direction Direction, proto string, ip netip.Addr) string {
	n := &l.neg
	family := "IP4"
	if ip.Is6() {
		family = "IP6"
	}
	b := make([]byte, 0, 400)
	b = append(b, "v=0\r\no=- "...)
	b = strconv.AppendUint(b, n.session, 10)
	b = append(b, ' ')
	b = strconv.AppendUint(b, n.version, 10)
	b = append(b, " IN "+family+" "+ip.String()+"\r\ns=-\r\nc=IN "+family+" "+ip.String()+"\r\nt=0 0\r\n"...)
	rtc, port := l.rtc.Load(), l.port
	if rtc != nil {
		_, _, at := rtc.local()
		port = int(at.Port())
	}
	b = rtc.appendSession(b, n)
	for i, line := range n.lines {
		if i != n.audio {
			// Refused lines keep their place with port 0 (RFC 3264 §6).
			line.Port = sdp.RangedPort{}
			if rtc != nil && strings.Join(line.Protos, "/") == rtcProto {
				line.Formats = []string{"0"} // one that needs no description
			}
			b = append(b, "m="+line.String()+"\r\n"...)
			b = rtc.appendMid(b, n, i)
			continue
		}
		b = append(b, "m=audio "+strconv.Itoa(port)+" "+proto...)
		for _, f := range formats {
			b = append(b, ' ')
			b = strconv.AppendUint(b, uint64(f.pt), 10)
		}
		b = append(b, "\r\n"...)
		b = appendFormats(b, formats)
		b = appendCrypto(b, n.keys)
		b = rtc.appendMid(b, n, i)
		b = rtc.appendTransport(b, n, n.ssrc, l.ctrl.cname)
		b = append(b, "a=ptime:20\r\na="+direction.String()+"\r\n"...)
		if n.mux {
			b = append(b, "a=rtcp-mux\r\n"...)
		}
	}
	return string(b)
}

func appendFormats(b []byte, formats []format) []byte {
	for _, f := range formats {
		pt := strconv.Itoa(int(f.pt))
		switch f.kind {
		case kindEvent:
			b = append(b, "a=rtpmap:"+pt+" telephone-event/8000\r\na=fmtp:"+pt+" 0-15\r\n"...)
		case kindNoise:
			b = append(b, "a=rtpmap:"+pt+" CN/8000\r\n"...)
		default:
			b = append(b, "a=rtpmap:"+pt+" "+f.codec.String()+"/8000\r\n"...)
		}
	}
	return b
}
