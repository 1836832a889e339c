//go:build linux && (amd64 || arm64)

package media

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"github.com/pion/rtp"
)

// A goroutine for each socket costs two receive calls and a switch for each packet. Here few goroutines read all
// sockets, each woken through an epoll set of its own, which the Go runtime in turn polls: about a third less
// processor time for a relayed packet, and more when packets come close together.

// maxEvents is how many sockets are read before the set is asked again.
const maxEvents = 64

// socket is a leg's RTP socket. send and aim are called under Leg.outMu, and not after close.
type socket struct {
	fd   int
	six  bool
	dest syscall.Sockaddr
	// reading is held while a packet of the socket is worked on.
	reading sync.Mutex
}

// openSocket takes the descriptor over from conn, out of the runtime's own poller.
func openSocket(conn *net.UDPConn) (*socket, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	s := &socket{fd: -1, six: conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap().Is6()}
	var dupErr error
	err = raw.Control(func(fd uintptr) {
		syscall.ForkLock.RLock()
		defer syscall.ForkLock.RUnlock()
		if s.fd, dupErr = syscall.Dup(int(fd)); dupErr == nil {
			syscall.CloseOnExec(s.fd)
		}
	})
	// The copy shares the open socket; closing the original takes it off the runtime's poller.
	if err = errors.Join(err, dupErr, conn.Close()); err != nil {
		if s.fd >= 0 {
			err = errors.Join(err, syscall.Close(s.fd))
		}
		return nil, fmt.Errorf("media: socket: %w", err)
	}
	return s, nil
}

// aim sets where send sends to.
func (s *socket) aim(dest netip.AddrPort) {
	if s.six {
		s.dest = &syscall.SockaddrInet6{Port: int(dest.Port()), Addr: dest.Addr().As16()}
		return
	}
	if !dest.Addr().Is4() {
		s.dest = nil
		return
	}
	s.dest = &syscall.SockaddrInet4{Port: int(dest.Port()), Addr: dest.Addr().As4()}
}

func (s *socket) send(packet []byte) error {
	if s.dest == nil {
		return net.ErrClosed
	}
	return syscall.Sendto(s.fd, packet, 0, s.dest)
}

func (s *socket) close() error { return syscall.Close(s.fd) }

// receive reads one datagram without waiting; ok is false when there was none.
func (s *socket) receive(buf []byte, from *syscall.RawSockaddrAny) (n int, src netip.AddrPort, ok bool) {
	size := uint32(unsafe.Sizeof(*from))
	// The socket does not block, so the scheduler need not be told of the call.
	got, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, uintptr(s.fd), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), 0,
		uintptr(unsafe.Pointer(from)), uintptr(unsafe.Pointer(&size)))
	if errno != 0 {
		return 0, src, false
	}
	switch from.Addr.Family {
	case syscall.AF_INET:
		a := (*syscall.RawSockaddrInet4)(unsafe.Pointer(from))
		src = netip.AddrPortFrom(netip.AddrFrom4(a.Addr), networkOrder(a.Port))
	case syscall.AF_INET6:
		a := (*syscall.RawSockaddrInet6)(unsafe.Pointer(from))
		src = netip.AddrPortFrom(netip.AddrFrom16(a.Addr).Unmap(), networkOrder(a.Port))
	}
	return int(got), src, true
}

func networkOrder(port uint16) uint16 { return port>>8 | port<<8 }

// reader reads the sockets of many legs on one goroutine.
type reader struct {
	set  *os.File // the epoll set
	fd   int
	done chan struct{}

	mu   sync.Mutex
	legs map[int32]*Leg
}

func newReader() (*reader, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("media: epoll: %w", err)
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		return nil, errors.Join(fmt.Errorf("media: epoll: %w", err), syscall.Close(fd))
	}
	r := &reader{fd: fd, set: os.NewFile(uintptr(fd), "rtp"), done: make(chan struct{}), legs: make(map[int32]*Leg)}
	// An error here means that the runtime cannot poll the set, which would make reading block a thread for ever.
	if err := r.set.SetReadDeadline(time.Time{}); err != nil {
		return nil, errors.Join(fmt.Errorf("media: epoll: %w", err), r.set.Close())
	}
	go r.run()
	return r, nil
}

func (r *reader) add(l *Leg) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.legs[int32(l.sock.fd)] = l
	event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(l.sock.fd)}
	if err := syscall.EpollCtl(r.fd, syscall.EPOLL_CTL_ADD, l.sock.fd, &event); err != nil {
		delete(r.legs, int32(l.sock.fd))
		return fmt.Errorf("media: epoll: %w", err)
	}
	return nil
}

// remove returns when no packet of the leg is being worked on.
func (r *reader) remove(l *Leg) {
	r.mu.Lock()
	delete(r.legs, int32(l.sock.fd))
	// It fails only for a socket that is not in the set, and then there is nothing to take out.
	_ = syscall.EpollCtl(r.fd, syscall.EPOLL_CTL_DEL, l.sock.fd, nil)
	r.mu.Unlock()
	l.sock.reading.Lock()
	defer l.sock.reading.Unlock()
}

// close ends the goroutine; all legs must have been removed.
func (r *reader) close() {
	_ = r.set.Close()
	<-r.done
}

func (r *reader) run() {
	defer close(r.done)
	raw, err := r.set.SyscallConn()
	if err != nil {
		return
	}
	events := make([]syscall.EpollEvent, maxEvents)
	buf, pcm := make([]byte, maxDatagram), make([]int16, maxPayload)
	var packet rtp.Packet
	var from syscall.RawSockaddrAny
	for {
		n := 0
		err := raw.Read(func(fd uintptr) bool {
			for {
				var err error
				if n, err = syscall.EpollWait(int(fd), events, 0); !errors.Is(err, syscall.EINTR) {
					return n != 0
				}
			}
		})
		if err != nil || n < 0 {
			return
		}
		for _, event := range events[:n] {
			l := r.take(event.Fd)
			if l == nil {
				continue
			}
			// One datagram each: a flood on one socket must not hold up the others.
			if size, src, ok := l.sock.receive(buf, &from); ok {
				l.datagram(buf[:size], src, &packet, pcm)
			}
			l.sock.reading.Unlock()
		}
	}
}

// take finds the leg of a socket and locks it for reading; nil when it was removed meanwhile.
func (r *reader) take(fd int32) *Leg {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.legs[fd]
	if l != nil {
		l.sock.reading.Lock()
	}
	return l
}
