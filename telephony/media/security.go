package media

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
	"github.com/pion/srtp/v3"
)

// SecurityUse says whether a party's audio is encrypted: SRTP with keys in the SDP (RFC 4568), which are as secret as the
// signalling is. An answer follows the offer; where an offer has several audio lines, an encrypted one is taken.
type SecurityUse uint8

// The uses of SRTP.
const (
	// AcceptSRTP encrypts when the party offers it.
	AcceptSRTP SecurityUse = iota
	// OfferSRTP offers keys on a line of RTP/AVP; a party that does not know of them goes on in the clear.
	OfferSRTP
	// RequireSRTP offers RTP/SAVP, and refuses audio in the clear.
	RequireSRTP
	// RefuseSRTP neither offers nor accepts it.
	RefuseSRTP
)

// String names the use.
func (u SecurityUse) String() string {
	return [...]string{"accept", "offer", "require", "refuse"}[u&3]
}

const (
	keyLength  = 16
	saltLength = 14
	// maxCryptoLines bounds what is read of a party's keys.
	maxCryptoLines = 16
)

// suite is a set of SRTP algorithms (RFC 4568 §6.2).
type suite struct {
	name    string
	profile srtp.ProtectionProfile
}

// salt is its length.
func (s suite) salt() int {
	if s.profile == srtp.ProtectionProfileAeadAes128Gcm {
		return 12
	}
	return saltLength
}

// suites that are offered, in the order of preference: the long tag costs 6 bytes a packet.
func suites() [2]suite {
	return [...]suite{
		{"AES_CM_128_HMAC_SHA1_80", srtp.ProtectionProfileAes128CmHmacSha1_80},
		{"AES_CM_128_HMAC_SHA1_32", srtp.ProtectionProfileAes128CmHmacSha1_32},
	}
}

// cryptoKey is what one a=crypto line says: the key of one direction. Its formatting never shows the key.
type cryptoKey struct {
	tag   uint32
	suite suite
	bytes [keyLength + saltLength]byte
}

// String implements fmt.Stringer, so that no log has the key.
func (k cryptoKey) String() string { return k.suite.name }

// GoString implements fmt.GoStringer.
func (k cryptoKey) GoString() string { return k.suite.name }

func newCryptoKey(tag uint32, s suite) cryptoKey {
	k := cryptoKey{tag: tag, suite: s}
	// crypto/rand.Read never fails since Go 1.24; it ends the program instead.
	_, _ = rand.Read(k.bytes[:])
	return k
}

// same tells whether packets are protected in the same way; the tag does not matter.
func (k *cryptoKey) same(other *cryptoKey) bool {
	return k != nil && other != nil && k.suite == other.suite && k.bytes == other.bytes
}

// context makes a fresh SRTP context: its roll-over counter is 0.
func (k *cryptoKey) context(options ...srtp.ContextOption) (*srtp.Context, error) {
	c, err := srtp.CreateContext(k.bytes[:keyLength], k.bytes[keyLength:][:k.suite.salt()], k.suite.profile, options...)
	if err != nil {
		// The library's own text may quote the key.
		return nil, fmt.Errorf("%w: %s", ErrNoKey, k.suite.name)
	}
	return c, nil
}

// readKeys gives the keys of the a=crypto lines that can be used, in the party's order. Lines that are malformed, or ask for what is
// not known, are passed over (RFC 4568 §5.1.2).
func readKeys(attributes []sdp.Attribute) []cryptoKey {
	var keys []cryptoKey
	for _, a := range attributes {
		if a.Key != "crypto" {
			continue
		}
		if k, ok := parseCrypto(a.Value); ok {
			keys = append(keys, k)
		}
		if len(keys) == maxCryptoLines {
			break
		}
	}
	return keys
}

// parseCrypto reads "tag suite inline:key[|lifetime] [session parameters]" (RFC 4568 §9.1).
func parseCrypto(value string) (k cryptoKey, ok bool) {
	fields := strings.Fields(value)
	if len(fields) < 3 {
		return k, false
	}
	tag, err := strconv.ParseUint(fields[0], 10, 32)
	if err != nil || len(fields[0]) > 9 {
		return k, false
	}
	k.tag = uint32(tag)
	for _, s := range suites() {
		if strings.EqualFold(s.name, fields[1]) {
			k.suite = s
		}
	}
	if k.suite.name == "" || !plainSession(fields[3:]) {
		return k, false
	}
	const method = "inline:"
	if len(fields[2]) < len(method) || !strings.EqualFold(fields[2][:len(method)], method) {
		return k, false
	}
	text, rest, _ := strings.Cut(fields[2][len(method):], "|")
	// A key identifier ("1:4") would be in each packet, and several keys need one.
	if strings.ContainsAny(rest, ":;") || strings.Contains(text, ";") {
		return k, false
	}
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil || len(raw) != len(k.bytes) {
		return k, false
	}
	copy(k.bytes[:], raw)
	return k, true
}

// plainSession tells whether the session parameters leave SRTP as it is by default. Those with a dash may be ignored, and the window
// of the replay protection is the receiver's own affair (RFC 4568 §6.3).
func plainSession(params []string) bool {
	for _, p := range params {
		name, value, _ := strings.Cut(strings.ToUpper(p), "=")
		switch {
		case strings.HasPrefix(name, "-"), name == "WSH", name == "KDR" && value == "0":
		default:
			return false
		}
	}
	return true
}

func appendCrypto(b []byte, keys []cryptoKey) []byte {
	for i := range keys {
		k := &keys[i]
		b = append(b, "a=crypto:"...)
		b = strconv.AppendUint(b, uint64(k.tag), 10)
		b = append(b, " "+k.suite.name+" inline:"...)
		b = base64.StdEncoding.AppendEncode(b, k.bytes[:])
		b = append(b, "\r\n"...)
	}
	return b
}

// keying is the part of the negotiation that is about keys, guarded by Leg.negMu.
type keying struct {
	use SecurityUse
	// keys are this side's, as in its next description: all that are offered, then the one that was agreed on.
	keys   []cryptoKey
	proto  string // of the audio line; "" before there was one
	local  *cryptoKey
	remote *cryptoKey
}

// offer prepares the keys and the transport of an offer.
func (k *keying) offer() {
	if k.proto != "" {
		return // as it was agreed
	}
	k.proto = "RTP/AVP"
	if k.use == RequireSRTP {
		k.proto = "RTP/SAVP"
	}
	if k.use == OfferSRTP || k.use == RequireSRTP {
		for i, s := range suites() {
			k.keys = append(k.keys, newCryptoKey(uint32(i)+1, s))
		}
	}
}

// answer chooses among the party's keys. The own key stays while the party's does: a party that changes its own begins anew.
func (k *keying) answer(remote *remoteMedia) (local, theirs *cryptoKey) {
	if len(remote.keys) == 0 || k.use == RefuseSRTP {
		return nil, nil
	}
	chosen := remote.keys[0]
	if k.local != nil {
		for i := range remote.keys {
			if remote.keys[i].same(k.remote) {
				own := *k.local
				own.tag = remote.keys[i].tag
				return &own, &remote.keys[i]
			}
		}
	}
	own := newCryptoKey(chosen.tag, chosen.suite)
	return &own, &chosen
}

// accept finds the key of the own offer that the party's answer chose.
func (k *keying) accept(remote *remoteMedia) (local, theirs *cryptoKey, err error) {
	for i := range remote.keys {
		for j := range k.keys {
			if k.keys[j].tag == remote.keys[i].tag && k.keys[j].suite == remote.keys[i].suite {
				own, their := k.keys[j], remote.keys[i]
				return &own, &their, nil
			}
		}
	}
	if remote.secure || k.use == RequireSRTP || (k.local != nil && len(k.keys) > 0) {
		return nil, nil, ErrNoKey
	}
	return nil, nil, nil
}

// settle remembers what was agreed on; the next offer repeats it.
func (k *keying) settle(proto string, local, remote *cryptoKey) {
	k.proto, k.local, k.remote, k.keys = proto, local, remote, nil
	if local != nil {
		k.keys = []cryptoKey{*local}
	}
}

// Secure tells whether the leg's audio is encrypted, as it was negotiated last.
func (l *Leg) Secure() bool {
	l.negMu.Lock()
	defer l.negMu.Unlock()
	return l.neg.local != nil
}
