package ticketing

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
	"time"
)

// NewID makes a UUIDv7 (RFC 9562 section 5.7): ids of later moments sort later.
func NewID(at time.Time) string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(at.UnixMilli()))
	copy(b[:6], ms[2:])
	b[6] = b[6]&0x0f | 0x70
	b[8] = b[8]&0x3f | 0x80
	var out [36]byte
	hex.Encode(out[:8], b[:4])
	hex.Encode(out[9:13], b[4:6])
	hex.Encode(out[14:18], b[6:8])
	hex.Encode(out[19:23], b[8:10])
	hex.Encode(out[24:], b[10:])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}

// Shanghai is the hotline's zone. China has kept UTC+8 without summer time
// since 1991, so it needs no zone database.
func Shanghai() *time.Location { return time.FixedZone("Asia/Shanghai", 8*3600) }

// numberDay is the day part of a number given out at a moment.
func numberDay(at time.Time) string { return at.In(Shanghai()).Format("20060102") }

// queryAlphabet leaves out what is mistaken for something else when read aloud
// or written down: 0 O, 1 I L.
const queryAlphabet = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"

const queryLength = 8

// newQueryCode draws 8 characters evenly from the alphabet.
func newQueryCode() string {
	even := byte(256 / len(queryAlphabet) * len(queryAlphabet))
	code := make([]byte, 0, queryLength)
	for len(code) < queryLength {
		var b [16]byte
		_, _ = rand.Read(b[:])
		for _, c := range b {
			if c < even && len(code) < queryLength {
				code = append(code, queryAlphabet[int(c)%len(queryAlphabet)])
			}
		}
	}
	return string(code)
}

// hashQueryCode is the stored form of a code.
func hashQueryCode(ticketID, code string) QueryCode {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt)
	return QueryCode{TicketID: ticketID, Salt: salt, Hash: saltedHash(salt, code)}
}

func saltedHash(salt []byte, code string) []byte {
	code = strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(code))
	sum := sha256.Sum256(append(append([]byte{}, salt...), code...))
	return sum[:]
}

// matches compares in constant time. The zero QueryCode matches nothing and
// costs the same, so that an unknown number cannot be told from a wrong code.
func (q QueryCode) matches(code string) bool {
	got := saltedHash(q.Salt, code)
	want := q.Hash
	if len(want) != len(got) {
		want = make([]byte, len(got))
		subtle.ConstantTimeCompare(got, want)
		return false
	}
	return subtle.ConstantTimeCompare(got, want) == 1
}

func hashHex(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// seal hides a secret under the key that the client chose for the request and
// that the store keeps only as a hash: a replay can be answered with the same
// query code, and whoever reads the database cannot.
func seal(key, secret string) ([]byte, error) {
	gcm, err := sealer(key)
	if err != nil {
		return nil, err
	}
	return gcm.Seal(nil, make([]byte, gcm.NonceSize()), []byte(secret), nil), nil
}

func unseal(key string, sealed []byte) (string, error) {
	gcm, err := sealer(key)
	if err != nil {
		return "", err
	}
	plain, err := gcm.Open(nil, make([]byte, gcm.NonceSize()), sealed, nil)
	if err != nil {
		return "", errors.New("ticketing: sealed answer does not open")
	}
	return string(plain), nil
}

// sealer makes the cipher of one request. A key seals one secret in its life
// (scope and key are unique), so the fixed nonce is never used twice.
func sealer(key string) (cipher.AEAD, error) {
	sum := sha256.Sum256([]byte("hotline query code\x00" + key))
	block, err := aes.NewCipher(sum[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
