package media

import (
	"sync"
	"time"

	"github.com/pion/rtp"
)

// maxInbox bounds the packets, and maxInboxDigits the digits, that come between two frames.
const (
	maxInbox       = 64
	maxInboxDigits = 16
)

// arrived is a packet as it came.
type arrived struct {
	kind packetKind
	seq  uint16
	ssrc uint32
	ts   uint32
	at   time.Time
	data []byte
}

// inbox is where the reading goroutine leaves packets for the ticker: neither waits for the other's work.
type inbox struct {
	mu      sync.Mutex
	packets []arrived
	spare   []arrived
	digits  []rune
	dropped uint64
}

// put copies a packet; more than maxInbox are dropped.
func (b *inbox) put(kind packetKind, p *rtp.Packet, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := len(b.packets)
	if n == maxInbox {
		b.dropped++
		return
	}
	if n < cap(b.packets) {
		b.packets = b.packets[:n+1]
	} else {
		b.packets = append(b.packets, arrived{})
	}
	a := &b.packets[n]
	a.kind, a.seq, a.ssrc, a.ts, a.at = kind, p.SequenceNumber, p.SSRC, p.Timestamp, now
	a.data = append(a.data[:0], p.Payload...)
}

func (b *inbox) putDigit(digit rune) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.digits) < maxInboxDigits {
		b.digits = append(b.digits, digit)
	}
}

// take gives what came since; the packets are valid until the next take.
func (b *inbox) take() (packets []arrived, digits []rune) {
	b.mu.Lock()
	defer b.mu.Unlock()
	packets, digits = b.packets, b.digits
	b.packets, b.spare, b.digits = b.spare[:0], packets, nil
	return packets, digits
}
