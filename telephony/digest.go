package telephony

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // RFC 7616 still names MD5, and widespread phones know nothing else
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
	"sync"
	"time"

	"github.com/icholy/digest"
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

const (
	nonceLife = 5 * time.Minute
	maxNonces = 20000 // nonces in use; the oldest are dropped, their phones are challenged again
)

// verdict is what a digest check comes to.
type verdict int

const (
	accepted verdict = iota
	challenge
	stale // right password, but the nonce is used up
	wrong
)

// nonces makes nonces and remembers how far each was counted. A nonce is
// signed, so one that was only asked for costs no memory; only a successful
// check is remembered.
type nonces struct {
	key [32]byte
	now func() time.Time

	mu   sync.Mutex
	used map[string]nonceUse
}

type nonceUse struct {
	count   int
	expires time.Time
}

func newNonces(now func() time.Time) *nonces {
	n := &nonces{now: now, used: map[string]nonceUse{}}
	_, _ = rand.Read(n.key[:]) // never fails (crypto/rand)
	return n
}

// make returns a new nonce: time, random octets and a MAC over both, in hex.
func (n *nonces) make() string {
	b := make([]byte, 16, 32)
	binary.BigEndian.PutUint64(b, uint64(n.now().UnixMilli()))
	_, _ = rand.Read(b[8:16])
	return hex.EncodeToString(append(b, n.sign(b)...))
}

func (n *nonces) sign(b []byte) []byte {
	m := hmac.New(sha256.New, n.key[:])
	m.Write(b)
	return m.Sum(nil)[:16]
}

// ours tells whether a nonce was made here, and when it was made.
func (n *nonces) ours(nonce string) (time.Time, bool) {
	b, err := hex.DecodeString(nonce)
	if err != nil || len(b) != 32 || !hmac.Equal(n.sign(b[:16]), b[16:]) {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(b))), true
}

// count takes one use of a nonce; false when it is used up or too old.
func (n *nonces) count(nonce string, made time.Time, nc int) bool {
	now := n.now()
	if now.Sub(made) > nonceLife || made.After(now.Add(time.Minute)) {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if nc <= n.used[nonce].count {
		return false
	}
	if len(n.used) >= maxNonces {
		for k, u := range n.used {
			if u.expires.Before(now) || len(n.used) >= maxNonces {
				delete(n.used, k)
			}
		}
	}
	n.used[nonce] = nonceUse{count: nc, expires: made.Add(nonceLife)}
	return true
}

// check judges an Authorization header for a seat (RFC 7616 §3.4). ha1 is
// empty for an account that does not exist: the work is the same, the answer
// is wrong.
func (n *nonces) check(header string, s Seat, realm, method string) verdict {
	if header == "" || len(header) > 2048 {
		return challenge
	}
	c, err := digest.ParseCredentials(header)
	if err != nil {
		return challenge
	}
	alg := s.Algorithm
	if c.Algorithm == "" {
		c.Algorithm = string(MD5)
	}
	if c.Realm != realm || !strings.EqualFold(c.Algorithm, string(alg)) {
		return challenge
	}
	made, ok := n.ours(c.Nonce)
	if !ok {
		return challenge
	}
	ha2 := digestHex(alg, method, c.URI)
	var want string
	nc := c.Nc
	switch c.QOP {
	case "auth":
		if c.Cnonce == "" || nc < 1 {
			return wrong
		}
		want = digestHex(alg, s.HA1, c.Nonce, fmt.Sprintf("%08x", nc), c.Cnonce, c.QOP, ha2)
	case "": // RFC 2069 phones: the nonce serves once
		nc = 1
		want = digestHex(alg, s.HA1, c.Nonce, ha2)
	default:
		return wrong
	}
	same := subtle.ConstantTimeCompare([]byte(strings.ToLower(c.Response)), []byte(want)) == 1
	if !same || s.HA1 == "" || s.Disabled || c.Username != s.ID {
		return wrong
	}
	if !n.count(c.Nonce, made, nc) {
		return stale
	}
	return accepted
}

// header is the value of WWW-Authenticate.
func (n *nonces) header(realm string, alg Algorithm, staleNonce bool) string {
	h := fmt.Sprintf(`Digest realm="%s", nonce="%s", algorithm=%s, qop="auth"`, realm, n.make(), alg)
	if staleNonce {
		h += `, stale=true`
	}
	return h
}
