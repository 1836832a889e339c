package invite

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// listen opens the sockets. A port that is taken is an error that names it.
func (e *Endpoint) listen(ctx context.Context) error {
	var lc net.ListenConfig
	for _, l := range e.opts.Listen {
		switch l.Network {
		case "udp":
			pc, err := lc.ListenPacket(ctx, "udp4", l.Addr)
			if err != nil {
				return fmt.Errorf("invite: listen on udp %s: %w", l.Addr, err)
			}
			conn := pc.(*net.UDPConn)
			_ = conn.SetReadBuffer(4 << 20) // bursts; the kernel may grant less
			e.udp = append(e.udp, &udpSocket{e: e, conn: conn, addr: addrPort(conn.LocalAddr())})
		case "tcp":
			ln, err := lc.Listen(ctx, "tcp4", l.Addr)
			if err != nil {
				return fmt.Errorf("invite: listen on tcp %s: %w", l.Addr, err)
			}
			e.tcp = append(e.tcp, &tcpListener{Listener: ln, e: e, addr: addrPort(ln.Addr()), from: map[netip.Addr]int{}})
		}
	}
	return nil
}

func (e *Endpoint) closeSockets() {
	for _, u := range e.udp {
		_ = u.conn.Close()
	}
	for _, l := range e.tcp {
		_ = l.Close()
	}
}

// Addr is the address of the first listener of the network ("udp", "tcp").
func (e *Endpoint) Addr(network string) netip.AddrPort {
	switch {
	case network == "udp" && len(e.udp) > 0:
		return e.udp[0].addr
	case network == "tcp" && len(e.tcp) > 0:
		return e.tcp[0].addr
	}
	return netip.AddrPort{}
}

func addrPort(a net.Addr) netip.AddrPort {
	switch a := a.(type) {
	case *net.UDPAddr:
		ap := a.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	case *net.TCPAddr:
		ap := a.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	return netip.AddrPort{}
}

// udpSocket is one UDP listener. sipgo remembers every peer it ever read from
// for as long as one reader lives, so readers are replaced: when a reader has
// seen Limits.Peers peers its successor takes over the socket and sipgo
// forgets the peers of the old one.
type udpSocket struct {
	e     *Endpoint
	conn  *net.UDPConn
	addr  netip.AddrPort
	peers atomic.Int64
}

// serve starts a reader and returns a channel that is closed once sipgo uses it.
func (u *udpSocket) serve() <-chan struct{} {
	r := &udpReader{UDPConn: u.conn, u: u, seen: map[netip.AddrPort]struct{}{}, ready: make(chan struct{})}
	u.e.task(func() { _ = u.e.tpl.ServeUDP(r) })
	return r.ready
}

// udpReader is the net.PacketConn that sipgo reads: it passes on only what
// looks like SIP.
type udpReader struct {
	*net.UDPConn
	u       *udpSocket
	seen    map[netip.AddrPort]struct{}
	retired bool
	once    sync.Once
	ready   chan struct{}
}

// retireAfter lets requests in flight find their peer in sipgo's pool before
// it forgets the old reader.
const retireAfter = 2 * time.Second

// ReadFrom implements net.PacketConn.
func (r *udpReader) ReadFrom(b []byte) (int, net.Addr, error) {
	r.once.Do(func() { close(r.ready) })
	if r.retired {
		select {
		case <-time.After(retireAfter):
		case <-r.u.e.ctx.Done():
		}
		return 0, nil, net.ErrClosed
	}
	for {
		n, src, err := r.read(b)
		if err != nil {
			return 0, nil, err
		}
		if n == 0 {
			continue
		}
		if _, known := r.seen[src]; !known {
			r.seen[src] = struct{}{}
			r.u.peers.Store(int64(len(r.seen)))
			if len(r.seen) >= r.u.e.opts.Limits.Peers {
				<-r.u.serve()
				r.retired = true
				r.seen = nil
			}
		}
		return n, net.UDPAddrFromAddrPort(src), nil
	}
}

// read gives one datagram that may be parsed, or 0 for one that was dropped
// or refused.
func (r *udpReader) read(b []byte) (int, netip.AddrPort, error) {
	e := r.u.e
	n, _, flags, src, err := r.ReadMsgUDPAddrPort(b, nil)
	if err != nil {
		if errors.Is(err, net.ErrClosed) {
			return 0, src, net.ErrClosed
		}
		// A reader that returns an error is finished for sipgo; the socket
		// is not. ICMP errors and full buffers pass.
		time.Sleep(time.Millisecond)
		return 0, src, nil
	}
	src = netip.AddrPortFrom(src.Addr().Unmap(), src.Port())
	if e.opts.Admit != nil && !e.opts.Admit(src, "udp") {
		e.refused.Add(1)
		return 0, src, nil
	}
	if n <= 4 {
		return 0, src, nil // CRLF keep-alive, RFC 5626 section 3.5.1
	}
	code := e.inspect(b[:n], flags&msgTrunc != 0)
	if code == 0 {
		return n, src, nil
	}
	e.refused.Add(1)
	if code > 0 {
		if answer := rawReply(b[:n], code); answer != nil {
			_, _ = r.WriteToUDPAddrPort(answer, src)
		}
	}
	return 0, src, nil
}

// tcpListener bounds how many connections there are, in all and of one address.
type tcpListener struct {
	net.Listener
	e    *Endpoint
	addr netip.AddrPort
	mu   sync.Mutex
	from map[netip.Addr]int
}

// Accept implements net.Listener. Errors that pass do not end it, as they
// would end sipgo's loop for good.
func (l *tcpListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil, err
		}
		if err != nil {
			select {
			case <-time.After(20 * time.Millisecond):
				continue
			case <-l.e.ctx.Done():
				return nil, net.ErrClosed
			}
		}
		src := addrPort(conn.RemoteAddr())
		if (l.e.opts.Admit != nil && !l.e.opts.Admit(src, "tcp")) || !l.enter(src.Addr()) {
			l.e.refused.Add(1)
			_ = conn.Close()
			continue
		}
		return &tcpConn{Conn: conn, leave: func() { l.exit(src.Addr()) }}, nil
	}
}

func (l *tcpListener) enter(from netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if int(l.e.conns.Load()) >= l.e.opts.Limits.Connections || l.from[from] >= l.e.opts.Limits.PerSource {
		return false
	}
	l.from[from]++
	l.e.conns.Add(1)
	return true
}

func (l *tcpListener) exit(from netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.from[from]--; l.from[from] <= 0 {
		delete(l.from, from)
	}
	l.e.conns.Add(-1)
}

type tcpConn struct {
	net.Conn
	once  sync.Once
	leave func()
}

// Close implements net.Conn.
func (c *tcpConn) Close() error {
	c.once.Do(c.leave)
	return c.Conn.Close()
}
