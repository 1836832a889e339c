package media

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
)

// Direction is a direction of media seen from one party (RFC 3264 §5.1).
type Direction uint8

// Bits: 1 sends, 2 receives.
const (
	Inactive Direction = iota
	SendOnly
	RecvOnly
	SendRecv
)

// String gives the attribute's name.
func (d Direction) String() string {
	return [...]string{"inactive", "sendonly", "recvonly", "sendrecv"}[d&3]
}

// reverse is the same direction seen from the other party.
func (d Direction) reverse() Direction { return d>>1&1 | d<<1&2 }

const (
	maxSDP = 16 << 10
	// defaultEventPT is the payload type under which telephone-event is offered (a dynamic one, RFC 3551 §6).
	defaultEventPT = 101
	// noisePT is the static payload type of comfort noise at 8 kHz (RFC 3389 §4).
	noisePT = 13
)

// format is one payload type of a media line.
type format struct {
	pt    uint8
	kind  packetKind
	codec Codec
}

// remoteMedia is what a party's SDP says about its audio.
type remoteMedia struct {
	lines     []sdp.MediaName // every media line, for the answer
	audio     int             // index of the one that is taken, -1 without
	formats   []format        // those that are understood, in the party's order
	addr      netip.AddrPort  // invalid when the SDP names no usable address
	direction Direction       // of the party
	held      bool            // c=0.0.0.0, hold as in RFC 2543
	control   netip.AddrPort  // where the party wants RTCP; invalid as addr
	mux       bool            // RTCP may come and go with RTP (RFC 5761)
	proto     string          // of the audio line
	secure    bool            // proto is one of SRTP
	keys      []cryptoKey     // of the audio line, those that can be used
	rtc       *rtcParams      // nil: not WebRTC
	rtcLines  rtcLines
}

// parseSDP reads a party's SDP. line is the index of the audio line when it is an answer, -1 to look for the best one in an offer.
func parseSDP(body []byte, line int, rules lineRules) (*remoteMedia, error) {
	if len(body) == 0 || len(body) > maxSDP {
		return nil, fmt.Errorf("%w: %d bytes", ErrBadSDP, len(body))
	}
	var desc sdp.SessionDescription
	if err := desc.Unmarshal(body); err != nil {
		// The library's error quotes the line, which may hold a key.
		return nil, ErrBadSDP
	}
	r := &remoteMedia{audio: -1, direction: SendRecv}
	best, unfit := 0, ErrNoAudio
	for i, m := range desc.MediaDescriptions {
		r.lines = append(r.lines, m.MediaName)
		if line >= 0 && line != i {
			continue
		}
		worth, err := rules.rank(&desc, m)
		if worth > best {
			best, r.audio = worth, i
		}
		if err != nil {
			unfit = err
		}
	}
	if r.audio < 0 {
		return r, unfit
	}
	m := desc.MediaDescriptions[r.audio]
	r.proto = strings.Join(m.MediaName.Protos, "/")
	r.secure = strings.HasPrefix(r.proto, "RTP/SAVP")
	r.keys = readKeys(m.Attributes)
	r.rtcLines = readMids(&desc)
	r.formats = readFormats(m)
	r.direction = readDirection(m.Attributes, readDirection(desc.Attributes, SendRecv))
	connection := m.ConnectionInformation
	if connection == nil {
		connection = desc.ConnectionInformation
	}
	r.readAddr(connection, m.MediaName.Port.Value)
	if r.proto == rtcProto {
		var err error
		if r.rtc, err = readRTC(&desc, m); err != nil {
			return r, err
		}
		r.addr, r.held = rtcSource(), false
	}
	r.readControl(m.Attributes)
	return r, nil
}

// lineRules say which audio lines a leg takes.
type lineRules struct {
	security   SecurityUse
	rtc, plain bool // WebRTC, and RTP or SRTP
}

// rank tells how welcome a line is: 0 when it cannot be taken, more for encrypted audio. An error says what is wrong with a line that was
// meant to be taken.
func (rules lineRules) rank(desc *sdp.SessionDescription, m *sdp.MediaDescription) (int, error) {
	name := m.MediaName
	if name.Media != "audio" || name.Port.Value <= 0 || name.Port.Value > 65535 {
		return 0, nil
	}
	proto := strings.Join(name.Protos, "/")
	if proto == rtcProto && rules.rtc {
		if _, err := readRTC(desc, m); err != nil {
			return 0, err
		}
		return 4, nil
	}
	if !rules.plain {
		return 0, nil
	}
	keyed := rules.security != RefuseSRTP && len(readKeys(m.Attributes)) > 0
	switch proto {
	case "RTP/SAVP", "RTP/SAVPF":
		if !keyed && rules.security != RefuseSRTP {
			return 0, ErrNoKey
		}
		if keyed {
			return 3, nil
		}
	case "RTP/AVP", "RTP/AVPF":
		switch {
		case keyed:
			return 2, nil
		case rules.security == RequireSRTP:
			return 0, ErrNoKey
		}
		return 1, nil
	}
	return 0, nil
}

// readFormats resolves payload types through rtpmap; 0 and 8 mean PCMU and PCMA without one.
func readFormats(m *sdp.MediaDescription) []format {
	names := make(map[string]string)
	for _, a := range m.Attributes {
		if a.Key != "rtpmap" {
			continue
		}
		if pt, name, ok := strings.Cut(strings.TrimSpace(a.Value), " "); ok {
			names[pt] = strings.ToLower(strings.TrimSpace(name))
		}
	}
	var formats []format
	for _, f := range m.MediaName.Formats {
		pt, err := strconv.ParseUint(f, 10, 7)
		if err != nil {
			continue
		}
		name, mapped := names[f]
		switch {
		case name == "pcma/8000" || name == "pcma/8000/1" || (!mapped && pt == uint64(PCMA)):
			formats = append(formats, format{pt: uint8(pt), kind: kindPCMA, codec: PCMA})
		case name == "pcmu/8000" || name == "pcmu/8000/1" || (!mapped && pt == uint64(PCMU)):
			formats = append(formats, format{pt: uint8(pt), kind: kindPCMU, codec: PCMU})
		case name == "telephone-event/8000" || name == "telephone-event/8000/1":
			formats = append(formats, format{pt: uint8(pt), kind: kindEvent})
		case name == "cn/8000" || name == "cn/8000/1" || (!mapped && pt == noisePT):
			formats = append(formats, format{pt: uint8(pt), kind: kindNoise})
		}
	}
	return formats
}

func readDirection(attributes []sdp.Attribute, otherwise Direction) Direction {
	for _, a := range attributes {
		switch a.Key {
		case "sendrecv":
			return SendRecv
		case "sendonly":
			return SendOnly
		case "recvonly":
			return RecvOnly
		case "inactive":
			return Inactive
		}
	}
	return otherwise
}

func (r *remoteMedia) readAddr(c *sdp.ConnectionInformation, port int) {
	if c == nil || c.Address == nil {
		return
	}
	// A name would need a look-up while the call waits; the source of the party's packets is used instead.
	ip, err := netip.ParseAddr(strings.TrimSpace(c.Address.Address))
	if err != nil {
		return
	}
	ip = ip.Unmap()
	if ip.IsUnspecified() {
		r.held = true
		return
	}
	if ip.IsMulticast() || ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return
	}
	r.addr = netip.AddrPortFrom(ip, uint16(port))
}

// readControl finds out where RTCP goes: one port above the sound, or as a=rtcp says (RFC 3605).
func (r *remoteMedia) readControl(attributes []sdp.Attribute) {
	if !r.addr.IsValid() || r.addr.Port() == 65535 {
		return
	}
	r.control = netip.AddrPortFrom(r.addr.Addr(), r.addr.Port()+1)
	for _, a := range attributes {
		switch a.Key {
		case "rtcp-mux":
			r.mux = true
		case "rtcp":
			fields := strings.Fields(a.Value)
			if len(fields) == 0 {
				continue
			}
			port, err := strconv.ParseUint(fields[0], 10, 16)
			if err != nil || port == 0 {
				continue
			}
			ip := r.addr.Addr()
			if len(fields) == 4 {
				if named, err := netip.ParseAddr(fields[3]); err == nil && !named.IsUnspecified() && !named.IsMulticast() {
					ip = named.Unmap()
				}
			}
			r.control = netip.AddrPortFrom(ip, uint16(port))
		}
	}
}

// choose is the first audio format, in the party's order, whose codec is wanted.
func (r *remoteMedia) choose(codecs []Codec) (format, bool) {
	for _, f := range r.formats {
		for _, c := range codecs {
			if f.kind == kindOf(c) {
				return f, true
			}
		}
	}
	return format{}, false
}

// payloadType is that of telephone events or of comfort noise, if there is one.
func (r *remoteMedia) payloadType(kind packetKind) (uint8, bool) {
	for _, f := range r.formats {
		if f.kind == kind {
			return f.pt, true
		}
	}
	return 0, false
}
