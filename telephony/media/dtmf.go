package media

import (
	"context"
	"encoding/binary"
	"strings"
	"time"
)

// Digit is one key that the party pressed.
type Digit struct {
	// Rune is one of 0-9 * # A-D.
	Rune rune
	At   time.Time
}

// digitRunes holds the digits at their event codes (RFC 4733 §3.2).
const digitRunes = "0123456789*#ABCD"

const (
	// digitTime is how long a digit that the server sends lasts; ITU-T Q.24 asks receivers to take 40 ms and more.
	digitTime = 8 * FrameTime
	// digitEnds is how often the end of an event is sent (RFC 4733 §2.5.1.4).
	digitEnds = 3
	// digitVolume is the power of the tone in -dBm0.
	digitVolume = 10
)

// event is the payload of a telephone-event packet (RFC 4733 §2.3).
type event struct {
	code     uint8
	end      bool
	volume   uint8
	duration uint16 // timestamp units
}

func parseEvent(payload []byte) (event, bool) {
	if len(payload) < 4 {
		return event{}, false
	}
	return event{
		code:     payload[0],
		end:      payload[1]&0x80 != 0,
		volume:   payload[1] & 0x3F,
		duration: binary.BigEndian.Uint16(payload[2:]),
	}, true
}

func (e event) marshal(dst []byte) []byte {
	flags := e.volume & 0x3F
	if e.end {
		flags |= 0x80
	}
	dst = append(dst, e.code, flags)
	return binary.BigEndian.AppendUint16(dst, e.duration)
}

// digitFilter finds the beginnings of events. All packets of an event carry the timestamp of its beginning, the end
// three times, and any of them may be lost or late: the first packet with a newer timestamp is a new digit.
type digitFilter struct {
	any  bool
	ts   uint32
	code uint8
}

func (f *digitFilter) begins(e event, ts uint32) (rune, bool) {
	if int(e.code) >= len(digitRunes) {
		return 0, false
	}
	if f.any {
		ahead := int32(ts - f.ts)
		if ahead <= 0 {
			return 0, false
		}
		// A key held longer than 65,535 units goes on in segments (RFC 4733 §2.5.1.3).
		if e.code == f.code && ahead == 0xFFFF {
			f.ts = ts
			return 0, false
		}
	}
	f.any, f.ts, f.code = true, ts, e.code
	return rune(digitRunes[e.code]), true
}

// SendDigit sends one digit as telephone events and returns when its end has been sent, about 0.2 s later. Audio for the
// party is held back meanwhile. Errors: ErrBadDigit, ErrNoEvents, ErrClosed, or that of ctx.
func (l *Leg) SendDigit(ctx context.Context, digit rune) error {
	if digit >= 'a' && digit <= 'd' {
		digit -= 'a' - 'A'
	}
	code := strings.IndexRune(digitRunes, digit)
	if code < 0 {
		return ErrBadDigit
	}
	tx := l.tx.Load()
	if tx == nil || !tx.events {
		return ErrNoEvents
	}
	l.beginEvent()
	defer l.endEvent()
	ticker := time.NewTicker(FrameTime)
	defer ticker.Stop()
	steps := int(digitTime / FrameTime)
	for i := 1; i <= steps+digitEnds-1; i++ {
		e := event{code: uint8(code), volume: digitVolume, end: i >= steps, duration: uint16(min(i, steps) * FrameSamples)}
		l.sendEvent(tx.eventPT, i == 1, e)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			e.end = true
			l.sendEvent(tx.eventPT, false, e)
			return ctx.Err()
		case <-l.closing:
			return ErrClosed
		}
	}
	return nil
}
