package telephony

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"

	"hotline/telephony/trunk"
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

// national brings a number into the form of the records; a withheld one is "".
func national(user string) string { return trunk.National(user) }

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
