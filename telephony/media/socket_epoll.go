//go:build linux && (amd64 || arm64)

package media

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"unsafe"
)

// socket is a leg's RTP socket. send and aim are called under Leg.outMu, and not after close.
type socket struct {
	fd  int
	six bool
	// dest is where send sends to, in the form that the system takes; size is 0 when that is nowhere.
	dest syscall.RawSockaddrInet6
	size uintptr
	// leg is set once, before the socket is read; control tells that it is the leg's RTCP socket.
	leg     *Leg
	control bool
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
	s.size = 0
	switch {
	case s.six && dest.IsValid():
		s.dest = syscall.RawSockaddrInet6{Family: syscall.AF_INET6, Port: networkOrder(dest.Port()), Addr: dest.Addr().As16()}
		s.size = syscall.SizeofSockaddrInet6
	case dest.Addr().Is4():
		four := (*syscall.RawSockaddrInet4)(unsafe.Pointer(&s.dest))
		*four = syscall.RawSockaddrInet4{Family: syscall.AF_INET, Port: networkOrder(dest.Port()), Addr: dest.Addr().As4()}
		s.size = syscall.SizeofSockaddrInet4
	}
}

// send does not wait: a packet that the system has no room for is lost.
func (s *socket) send(packet []byte) error {
	if s.size == 0 || len(packet) == 0 {
		return net.ErrClosed
	}
	// The socket does not block, so the scheduler need not be told of the call.
	_, _, errno := syscall.RawSyscall6(syscall.SYS_SENDTO, uintptr(s.fd), uintptr(unsafe.Pointer(&packet[0])), uintptr(len(packet)),
		syscall.MSG_NOSIGNAL, uintptr(unsafe.Pointer(&s.dest)), s.size)
	if errno != 0 {
		return errno
	}
	return nil
}

func (s *socket) close() error { return syscall.Close(s.fd) }

// sharedSocket sends on a socket that other legs send on too, and that somebody else reads and closes.
func sharedSocket(conn *net.UDPConn) (*socket, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("media: socket: %w", err)
	}
	s := &socket{}
	if err := raw.Control(func(fd uintptr) { s.fd = int(fd) }); err != nil {
		return nil, fmt.Errorf("media: socket: %w", err)
	}
	return s, nil
}

// receive reads one datagram without waiting; ok is false when there was none.
func (s *socket) receive(buf []byte, from *syscall.RawSockaddrAny) (n int, src netip.AddrPort, ok bool) {
	size := uint32(unsafe.Sizeof(*from))
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
