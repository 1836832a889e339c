//go:build linux && (amd64 || arm64)

package media

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"github.com/pion/rtp"
)

// A goroutine for each socket costs two receive calls and a switch for each packet. Here few goroutines read all
// sockets, each woken through an epoll set of its own, which the Go runtime in turn polls. Waking a thread costs as much as
// passing on several packets, so a reader that finds more than one sleeps before it looks again.

const (
	// maxEvents is how many sockets are read before the set is asked again.
	maxEvents = 128
	// maxRounds is how often the set is asked before the reader pauses: a socket that is flooded has so many datagrams read at once.
	maxRounds = 4
	// gatherTime is how long packets gather while there is much to do. It is the most that a reader adds to a packet's way.
	gatherTime = time.Millisecond
)

// reader reads the sockets of many legs on one goroutine.
type reader struct {
	set  *os.File // the epoll set
	fd   int
	now  func() time.Time
	done chan struct{}

	// mu is held while packets are worked on.
	mu    sync.Mutex
	socks map[int32]*socket
}

func newReader(now func() time.Time) (*reader, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("media: epoll: %w", err)
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		return nil, errors.Join(fmt.Errorf("media: epoll: %w", err), syscall.Close(fd))
	}
	r := &reader{fd: fd, set: os.NewFile(uintptr(fd), "rtp"), now: now, done: make(chan struct{}), socks: make(map[int32]*socket)}
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
	l.ctrl.sock.control = true
	if err := r.addSocket(l, l.sock); err != nil {
		return err
	}
	return r.addSocket(l, l.ctrl.sock)
}

func (r *reader) addSocket(l *Leg, s *socket) error {
	s.leg = l
	event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(s.fd)}
	if err := syscall.EpollCtl(r.fd, syscall.EPOLL_CTL_ADD, s.fd, &event); err != nil {
		return fmt.Errorf("media: epoll: %w", err)
	}
	r.socks[int32(s.fd)] = s
	return nil
}

// remove returns when no packet of the leg is being worked on.
func (r *reader) remove(l *Leg) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range []*socket{l.sock, l.ctrl.sock} {
		delete(r.socks, int32(s.fd))
		// It fails only for a socket that is not in the set, and then there is nothing to take out.
		_ = syscall.EpollCtl(r.fd, syscall.EPOLL_CTL_DEL, s.fd, nil)
	}
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
	b := batch{events: make([]syscall.EpollEvent, maxEvents), buf: make([]byte, maxDatagram), pcm: make([]int16, maxPayload)}
	for {
		// The runtime's poller watches the set.
		n := 0
		err := raw.Read(func(uintptr) bool {
			n = r.rounds(&b)
			return n != 0
		})
		for n > 1 && err == nil {
			time.Sleep(gatherTime)
			err = raw.Control(func(uintptr) { n = r.rounds(&b) })
		}
		if err != nil || n < 0 {
			return
		}
	}
}

// batch is the scratch space of a reader.
type batch struct {
	events []syscall.EpollEvent
	buf    []byte
	pcm    []int16
	packet rtp.Packet
	from   syscall.RawSockaddrAny
}

// rounds reads what there is, and gives the number of packets; -1 when the set cannot be asked.
func (r *reader) rounds(b *batch) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	total := 0
	for range maxRounds {
		// It does not wait, so the scheduler need not be told of the call.
		got, _, errno := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(r.fd), uintptr(unsafe.Pointer(&b.events[0])), maxEvents, 0, 0, 0)
		if errno == syscall.EINTR {
			continue
		}
		if errno != 0 {
			return -1
		}
		n := int(got)
		if n == 0 {
			break
		}
		total += n
		now := r.now()
		for _, event := range b.events[:n] {
			s := r.socks[event.Fd]
			// One datagram each: a flood on one socket must not hold up the others.
			if size, src, ok := s.receive(b.buf, &b.from); ok {
				if s.control {
					s.leg.controlDatagram(b.buf[:size], src, now)
					continue
				}
				s.leg.datagram(b.buf[:size], src, now, &b.packet, b.pcm)
			}
		}
	}
	return total
}
