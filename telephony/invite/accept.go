package invite

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/gobwas/ws"
)

// streamListener accepts connections of one network. Handshakes run aside, so
// that no peer holds up the next.
type streamListener struct {
	net.Listener
	e       *Endpoint
	network string
	addr    netip.AddrPort
}

// serve accepts until the listener is closed. Errors that pass do not end it.
func (l *streamListener) serve() {
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // no file descriptor is left, for instance
			select {
			case <-time.After(20 * time.Millisecond):
				continue
			case <-l.e.ctx.Done():
				return
			}
		}
		l.admit(conn)
	}
}

// admit lets a connection in or closes it before anything is read.
func (l *streamListener) admit(conn net.Conn) {
	e, src := l.e, addrPort(conn.RemoteAddr())
	handshake := l.network != "tcp"
	if (e.opts.Admit != nil && !e.opts.Admit(src, l.network)) || !e.streams.enter(src.Addr(), handshake) {
		e.refused.Add(1)
		if t, ok := conn.(*net.TCPConn); ok {
			_ = t.SetLinger(0) // a reset leaves no state behind
		}
		_ = conn.Close()
		return
	}
	e.task(func() {
		s := &stream{
			Conn: conn, network: l.network, peer: src, local: conn.RemoteAddr(),
			closed: func() { e.streams.exit(src.Addr()) },
		}
		if handshake {
			err := l.handshake(s)
			e.streams.shaken(src.Addr())
			if err != nil {
				e.log.Debug("sip handshake failed", "network", l.network, "error", err)
				e.refused.Add(1)
				_ = conn.Close()
				e.streams.exit(src.Addr())
				return
			}
		}
		s.messages = reader(l.network, s.Conn, ws.StateServerSide)
		if err := e.streams.take(s); err != nil {
			e.log.Debug("sip connection not taken", "network", l.network, "error", err)
		}
	})
}

// handshake brings TLS and the WebSocket up, within the time given for it.
func (l *streamListener) handshake(s *stream) error {
	limit := l.e.opts.Limits.Handshake
	ctx, cancel := context.WithTimeout(l.e.ctx, limit)
	defer cancel()
	if err := s.SetDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	raw := s.Conn
	stop := context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Now()) })
	defer stop()
	if secure(l.network) {
		conn := tls.Server(s.Conn, l.e.serverTLS())
		if err := conn.HandshakeContext(ctx); err != nil {
			return err
		}
		s.Conn = conn
	}
	if overWeb(l.network) {
		if err := l.e.upgrade(s.Conn); err != nil {
			return err
		}
	}
	if !stop() {
		return context.DeadlineExceeded
	}
	return s.SetDeadline(time.Time{})
}

func (e *Endpoint) serverTLS() *tls.Config {
	conf := e.opts.TLS.Clone()
	if conf.MinVersion == 0 {
		conf.MinVersion = tls.VersionTLS12
	}
	return conf
}

// origins count what each source address has, and what it may still begin.
// An address without connections is remembered only until its bucket is full
// again, and then only as long as there is room.
type origins struct {
	limits      *Limits
	now         func() time.Time
	from        map[netip.Addr]*origin
	all         bucket
	connections int
	handshakes  int
	swept       time.Time
}

type origin struct {
	connections, handshakes int
	bucket
}

// bucket holds tokens, one a handshake.
type bucket struct {
	tokens float64
	at     time.Time
}

func (b *bucket) take(now time.Time, rate, burst float64) bool {
	b.fill(now, rate, burst)
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

func (b *bucket) fill(now time.Time, rate, burst float64) {
	if d := now.Sub(b.at).Seconds(); d > 0 {
		b.tokens = min(burst, b.tokens+d*rate)
		b.at = now
	}
}

const (
	// rateBurst is how many seconds' worth of handshakes may come at once.
	rateBurst = 10
	// maxOrigins bounds addresses remembered without a connection.
	maxOrigins = 10000
)

func newOrigins(l *Limits, now func() time.Time) origins {
	return origins{
		limits: l, now: now, from: map[netip.Addr]*origin{},
		all: bucket{tokens: rateBurst * float64(l.HandshakeRate), at: now()},
	}
}

// enter lets a connection in, or says that there are too many.
func (t *streams) enter(from netip.Addr, handshake bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	o := &t.origin
	if o.connections >= o.limits.Connections {
		return false
	}
	mine := o.of(from)
	if mine == nil || mine.connections >= o.limits.PerSource {
		return false
	}
	if handshake {
		now := o.now()
		rate, perSource := float64(o.limits.HandshakeRate), float64(o.limits.HandshakeRatePerSource)
		if o.handshakes >= o.limits.Handshakes || mine.handshakes >= o.limits.HandshakesPerSource ||
			!mine.take(now, perSource, rateBurst*perSource) || !o.all.take(now, rate, rateBurst*rate) {
			return false
		}
		o.handshakes++
		mine.handshakes++
	}
	o.connections++
	mine.connections++
	t.e.conns.Add(1)
	return true
}

// of finds or makes what is known of an address; nil when there is no room.
func (o *origins) of(from netip.Addr) *origin {
	if mine := o.from[from]; mine != nil {
		return mine
	}
	now := o.now()
	if len(o.from) >= maxOrigins+o.limits.Connections {
		if now.Sub(o.swept) < time.Second {
			return nil
		}
		o.swept = now
		rate := float64(o.limits.HandshakeRatePerSource)
		for a, other := range o.from {
			if other.fill(now, rate, rateBurst*rate); other.connections == 0 && other.tokens >= rateBurst*rate {
				delete(o.from, a)
			}
		}
		if len(o.from) >= maxOrigins+o.limits.Connections {
			return nil
		}
	}
	mine := &origin{bucket: bucket{tokens: rateBurst * float64(o.limits.HandshakeRatePerSource), at: now}}
	o.from[from] = mine
	return mine
}

// shaken ends a handshake, whatever came of it.
func (t *streams) shaken(from netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.origin.handshakes--
	if mine := t.origin.from[from]; mine != nil {
		mine.handshakes--
	}
}

// exit takes a connection off the count.
func (t *streams) exit(from netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	o := &t.origin
	o.connections--
	t.e.conns.Add(-1)
	mine := o.from[from]
	if mine == nil {
		return
	}
	mine.connections--
	rate := float64(o.limits.HandshakeRatePerSource)
	if mine.fill(o.now(), rate, rateBurst*rate); mine.connections <= 0 && mine.tokens >= rateBurst*rate {
		delete(o.from, from)
	}
}
