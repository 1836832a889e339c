//go:build !linux || (!amd64 && !arm64)

package media

import (
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/pion/rtp"
)

// socket is a leg's RTP socket. send and aim are called under Leg.outMu, and not after close.
type socket struct {
	conn *net.UDPConn
	dest netip.AddrPort
	stop chan struct{}
	done chan struct{}
}

func openSocket(conn *net.UDPConn) (*socket, error) {
	return &socket{conn: conn, stop: make(chan struct{}), done: make(chan struct{})}, nil
}

// sharedSocket sends on a socket that other legs send on too, and that somebody else reads and closes.
func sharedSocket(conn *net.UDPConn) (*socket, error) { return &socket{conn: conn}, nil }

// aim sets where send sends to.
func (s *socket) aim(dest netip.AddrPort) { s.dest = dest }

func (s *socket) send(packet []byte) error {
	_, err := s.conn.WriteToUDPAddrPort(packet, s.dest)
	return err
}

func (s *socket) close() error { return nil }

// reader has a goroutine for each socket.
type reader struct{ now func() time.Time }

func newReader(now func() time.Time, _ bool) (*reader, error) { return &reader{now: now}, nil }

func (r *reader) add(l *Leg) error {
	go r.run(l, l.sock)
	go r.run(l, l.ctrl.sock)
	return nil
}

// remove returns when the leg's goroutine has ended; it closes the socket, which wakes it.
func (r *reader) remove(l *Leg) {
	for _, s := range []*socket{l.sock, l.ctrl.sock} {
		close(s.stop)
		_ = s.conn.Close()
		<-s.done
	}
}

func (r *reader) close() {}

func (r *reader) run(l *Leg, s *socket) {
	defer close(s.done)
	buf, pcm := make([]byte, maxDatagram), make([]int16, maxPayload)
	var packet rtp.Packet
	for {
		n, src, err := s.conn.ReadFromUDPAddrPort(buf)
		switch {
		case err == nil && s == l.ctrl.sock:
			l.controlDatagram(buf[:n], netip.AddrPortFrom(src.Addr().Unmap(), src.Port()), r.now())
		case err == nil:
			l.datagram(buf[:n], netip.AddrPortFrom(src.Addr().Unmap(), src.Port()), r.now(), &packet, pcm)
		case errors.Is(err, net.ErrClosed):
			return
		default:
			// An error of the system that lasts must not take a whole processor.
			select {
			case <-s.stop:
				return
			case <-time.After(FrameTime):
			}
		}
	}
}
