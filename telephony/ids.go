package telephony

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// newID makes a UUID of version 7 (RFC 9562 §5.7): ids grow with time.
func newID(now time.Time) string {
	var b [16]byte
	_, _ = rand.Read(b[6:]) // never fails (crypto/rand)
	binary.BigEndian.PutUint32(b[:], uint32(now.UnixMilli()>>16))
	binary.BigEndian.PutUint16(b[4:], uint16(now.UnixMilli()))
	b[6] = b[6]&0x0f | 0x70
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// national brings a caller's number into the national form: no +86, no trunk
// zero before a mobile number. A withheld number is "".
func national(user string) string {
	switch strings.ToLower(user) {
	case "", "anonymous", "unknown", "unavailable", "restricted", "private":
		return ""
	}
	n := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '+' || r == '*' || r == '#' {
			return r
		}
		return -1
	}, user)
	for _, prefix := range []string{"+86", "0086"} {
		if rest, ok := strings.CutPrefix(n, prefix); ok {
			n = rest
			if rest != "" && rest[0] != '0' && !mobile(rest) && len(rest) >= 9 {
				n = "0" + rest // a fixed line loses its area code's zero abroad
			}
			break
		}
	}
	if rest, ok := strings.CutPrefix(n, "0"); ok && mobile(rest) {
		n = rest
	}
	if len(n) > 32 {
		n = n[:32]
	}
	return n
}

// mobile tells a mobile number: eleven digits, 13…19.
func mobile(n string) bool { return len(n) == 11 && n[0] == '1' && n[1] >= '3' }

// masked is a number as it may stand in a log.
func masked(n string) string {
	switch {
	case len(n) >= 11:
		return n[:3] + "****" + n[len(n)-4:]
	case len(n) > 5:
		return n[:2] + "****" + n[len(n)-2:]
	default:
		return n // an internal or service number
	}
}
