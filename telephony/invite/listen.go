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
		default:
			ln, err := lc.Listen(ctx, "tcp4", l.Addr)
			if err != nil {
				return fmt.Errorf("invite: listen on %s %s: %w", l.Network, l.Addr, err)
			}
			e.listeners = append(e.listeners, &streamListener{Listener: ln, e: e, network: l.Network, addr: addrPort(ln.Addr())})
		}
	}
	return nil
}

func (e *Endpoint) closeSockets() {
	for _, u := range e.udp {
		_ = u.conn.Close()
	}
	for _, l := range e.listeners {
		_ = l.Close()
	}
	e.streams.closeAll()
}

// Addr is the address of the first listener of the network: "udp", "tcp",
// "tls", "ws" or "wss".
func (e *Endpoint) Addr(network string) netip.AddrPort {
	if network == "udp" && len(e.udp) > 0 {
		return e.udp[0].addr
	}
	for _, l := range e.listeners {
		if l.network == network {
			return l.addr
		}
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
	if n <= 4 { // keep-alive; a double CRLF wants an answer (RFC 5626 section 4.4.1)
		if n == 4 && string(b[:n]) == "\r\n\r\n" {
			_, _ = r.WriteToUDPAddrPort(b[:2], src)
		}
		return 0, src, nil
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
