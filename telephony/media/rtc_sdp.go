package media

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
)

// WebRTCUse says whether a party's audio goes as a browser wants it: over ICE and DTLS-SRTP (RFC 8827).
type WebRTCUse uint8

// The uses of WebRTC.
const (
	// AcceptWebRTC answers an offer of it.
	AcceptWebRTC WebRTCUse = iota
	// OfferWebRTC offers nothing else.
	OfferWebRTC
	// RefuseWebRTC neither offers nor accepts it.
	RefuseWebRTC
)

const (
	rtcProto = "UDP/TLS/RTP/SAVPF"
	// maxFingerprints and maxCandidates bound what is read of a party.
	maxFingerprints = 8
	maxCandidates   = 32
)

// fingerprint is a hash of a certificate (RFC 8122 §5).
type fingerprint struct {
	hash  string
	value []byte
}

// of tells whether the certificate, in DER, has the fingerprint.
func (f fingerprint) of(certificate []byte) bool {
	var sum []byte
	switch f.hash {
	case "sha-256":
		s := sha256.Sum256(certificate)
		sum = s[:]
	case "sha-384":
		s := sha512.Sum384(certificate)
		sum = s[:]
	case "sha-512":
		s := sha512.Sum512(certificate)
		sum = s[:]
	default:
		return false // older hashes can be forged
	}
	return subtle.ConstantTimeCompare(sum, f.value) == 1
}

// rtcParams are what a party's SDP says of its WebRTC transport.
type rtcParams struct {
	ufrag, pwd   string
	fingerprints []fingerprint
	setup        string // "" is taken for actpass
	lite         bool
	candidates   []string
}

// readRTC reads the transport of a media line; attributes of the session stand in for those that the line has not.
func readRTC(desc *sdp.SessionDescription, m *sdp.MediaDescription) (*rtcParams, error) {
	attribute := func(key string) string {
		for _, list := range [][]sdp.Attribute{m.Attributes, desc.Attributes} {
			for _, a := range list {
				if a.Key == key {
					return strings.TrimSpace(a.Value)
				}
			}
		}
		return ""
	}
	p := &rtcParams{ufrag: attribute("ice-ufrag"), pwd: attribute("ice-pwd"), setup: attribute("setup")}
	p.lite = slices.ContainsFunc(desc.Attributes, func(a sdp.Attribute) bool { return a.Key == "ice-lite" })
	if !iceText(p.ufrag, 4) || !iceText(p.pwd, 22) {
		return nil, fmt.Errorf("%w: a=ice-ufrag or a=ice-pwd", ErrNoTransport)
	}
	switch p.setup {
	case "", "actpass", "active", "passive":
	default:
		return nil, fmt.Errorf("%w: a=setup", ErrNoTransport)
	}
	if !hasAttribute(m, "rtcp-mux") {
		return nil, fmt.Errorf("%w: a=rtcp-mux is needed", ErrNoTransport)
	}
	for _, list := range [][]sdp.Attribute{m.Attributes, desc.Attributes} {
		for _, a := range list {
			if f, ok := readFingerprint(a); ok && len(p.fingerprints) < maxFingerprints {
				p.fingerprints = append(p.fingerprints, f)
			}
		}
		if len(p.fingerprints) > 0 {
			break
		}
	}
	if len(p.fingerprints) == 0 {
		return nil, fmt.Errorf("%w: a=fingerprint with sha-256 is needed", ErrNoTransport)
	}
	for _, a := range m.Attributes {
		if a.Key == "candidate" && len(p.candidates) < maxCandidates {
			p.candidates = append(p.candidates, a.Value)
		}
	}
	return p, nil
}

func hasAttribute(m *sdp.MediaDescription, key string) bool {
	return slices.ContainsFunc(m.Attributes, func(a sdp.Attribute) bool { return a.Key == key })
}

// iceText checks a user fragment or password (RFC 8839 §5.4).
func iceText(s string, least int) bool {
	return len(s) >= least && len(s) <= 256 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '+' && r != '/'
	})
}

func readFingerprint(a sdp.Attribute) (f fingerprint, ok bool) {
	if a.Key != "fingerprint" {
		return f, false
	}
	hash, text, _ := strings.Cut(strings.TrimSpace(a.Value), " ")
	f.hash = strings.ToLower(hash)
	value, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(text), ":", ""))
	sizes := map[string]int{"sha-256": 32, "sha-384": 48, "sha-512": 64}
	if err != nil || len(value) != sizes[f.hash] || len(value) == 0 {
		return f, false
	}
	f.value = value
	return f, true
}

// rtcLines is what the descriptions of a WebRTC leg repeat of the party's; guarded by Leg.negMu.
type rtcLines struct {
	mids   []string // of every media line; "" where there is none
	bundle bool
	setup  string // this side's part in DTLS; "" before it is known
}

func readMids(desc *sdp.SessionDescription) (lines rtcLines) {
	for _, m := range desc.MediaDescriptions {
		mid, _ := m.Attribute("mid")
		lines.mids = append(lines.mids, strings.TrimSpace(mid))
	}
	for _, a := range desc.Attributes {
		lines.bundle = lines.bundle || a.Key == "group" && strings.HasPrefix(a.Value, "BUNDLE")
	}
	return lines
}

// appendSession writes what stands before the media lines.
func (r *rtcTransport) appendSession(b []byte, n *negotiation) []byte {
	if r == nil {
		return b
	}
	if r.agent == nil {
		b = append(b, "a=ice-lite\r\n"...)
	}
	if mid := n.rtc.mid(n.audio); mid != "" && n.rtc.bundle {
		b = append(b, "a=group:BUNDLE "+mid+"\r\n"...)
	}
	return append(b, "a=msid-semantic: WMS hotline\r\n"...)
}

func (l *rtcLines) mid(i int) string {
	if i < len(l.mids) {
		return l.mids[i]
	}
	return ""
}

// appendMid names a media line as the party did.
func (r *rtcTransport) appendMid(b []byte, n *negotiation, line int) []byte {
	if mid := n.rtc.mid(line); r != nil && mid != "" {
		b = append(b, "a=mid:"+mid+"\r\n"...)
		if line != n.audio {
			b = append(b, "a=inactive\r\n"...)
		}
	}
	return b
}

// appendTransport writes the attributes of the audio line.
func (r *rtcTransport) appendTransport(b []byte, n *negotiation, ssrc uint32, cname string) []byte {
	if r == nil {
		return b
	}
	setup := n.rtc.setup
	if setup == "" {
		setup = "actpass"
	}
	ufrag, pwd, at := r.local()
	b = append(b, "a=ice-ufrag:"+ufrag+"\r\na=ice-pwd:"+pwd+"\r\na=fingerprint:sha-256 "+r.host.fingerprint+"\r\na=setup:"+setup+"\r\n"...)
	b = append(b, "a=msid:hotline audio\r\na=ssrc:"...)
	b = strconv.AppendUint(b, uint64(ssrc), 10)
	b = append(b, " cname:"+cname+"\r\n"...)
	// The one address of the one component, with the priority of RFC 8445 §5.1.2.
	b = append(b, "a=candidate:1 1 udp 2130706431 "+at.Addr().String()+" "...)
	b = strconv.AppendUint(b, uint64(at.Port()), 10)
	return append(b, " typ host\r\na=end-of-candidates\r\n"...)
}

// local is what parties are to know of this side.
func (r *rtcTransport) local() (ufrag, pwd string, at netip.AddrPort) {
	if a := r.agent; a != nil {
		return a.ufrag, a.pwd, a.addr
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	public := r.leg.ports.public
	if r.leg.opts.PublicIP.IsValid() {
		public = r.leg.opts.PublicIP.Unmap()
	}
	return r.own[0].fragment, r.own[0].password, netip.AddrPortFrom(public, r.host.hub.port)
}
