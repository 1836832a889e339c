package telephony

import (
	"crypto/md5" //nolint:gosec // RFC 2617 names MD5, and phones know nothing else
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"hash"
	"strings"
)

// HA1 is hex(H(user:realm:password)): what a Seat keeps in place of its
// password (RFC 7616 §3.4.2).
func HA1(alg Algorithm, user, realm, password string) string {
	return digestHex(alg, user, realm, password)
}

func digestHex(alg Algorithm, parts ...string) string {
	var h hash.Hash
	if alg == SHA256 {
		h = sha256.New()
	} else {
		h = md5.New() //nolint:gosec // see the import
	}
	h.Write([]byte(strings.Join(parts, ":")))
	return hex.EncodeToString(h.Sum(nil))
}

func sameHex(a, b string) bool {
	return subtle.ConstantTimeCompare([]byte(strings.ToLower(a)), []byte(strings.ToLower(b))) == 1
}
