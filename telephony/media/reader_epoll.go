//go:build linux && (amd64 || arm64)

package media

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"github.com/pion/rtp"
	"golang.org/x/sys/unix"
)

// A goroutine for each socket costs two receive calls and a switch for each packet. Here few threads read all sockets, each through an
// epoll set of its own. They are kept out of the runtime's poller and timers, whose work for one wake-up costs as much as passing on
// several packets. Waking a thread costs as much again, so a reader that finds more than one packet sleeps before it looks again.

const (
	// maxEvents is how many sockets are read before the set is asked again.
	maxEvents = 128
	// maxRounds is how often the set is asked before the reader pauses: a socket that is flooded has so many datagrams read at once.
	maxRounds = 4
	// urgentSlice and urgentNice are what an urgent reader asks the system for.
	urgentSlice = 500 * time.Microsecond
	urgentNice  = -10
)

// reader reads the sockets of many legs on one thread.
type reader struct {
	fd     int // the epoll set
	wake   int // an eventfd in it
	urgent bool
	now    func() time.Time
	done   chan struct{}
	ended  atomic.Bool

	// mu is held while packets are worked on.
	mu    sync.Mutex
	socks []*socket // by descriptor; nil: not one of this reader
}

// newReader starts a reader; urgent asks the system to run it before other threads.
func newReader(now func() time.Time, urgent bool) (*reader, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("media: epoll: %w", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err == nil {
		err = unix.EpollCtl(fd, unix.EPOLL_CTL_ADD, wake, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(wake)})
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("media: epoll: %w", err), closeAll(fd, wake))
	}
	r := &reader{fd: fd, wake: wake, urgent: urgent, now: now, done: make(chan struct{})}
	go r.run()
	return r, nil
}

func closeAll(fds ...int) (err error) {
	for _, fd := range fds {
		if fd >= 0 {
			err = errors.Join(err, unix.Close(fd))
		}
	}
	return err
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
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(s.fd)}
	if err := unix.EpollCtl(r.fd, unix.EPOLL_CTL_ADD, s.fd, &event); err != nil {
		return fmt.Errorf("media: epoll: %w", err)
	}
	for s.fd >= len(r.socks) {
		r.socks = append(r.socks, nil)
	}
	r.socks[s.fd] = s
	return nil
}

// remove returns when no packet of the leg is being worked on.
func (r *reader) remove(l *Leg) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range []*socket{l.sock, l.ctrl.sock} {
		if s.fd < len(r.socks) {
			r.socks[s.fd] = nil
		}
		// It fails only for a socket that is not in the set, and then there is nothing to take out.
		_ = unix.EpollCtl(r.fd, unix.EPOLL_CTL_DEL, s.fd, nil)
	}
}

// close ends the thread; all legs must have been removed.
func (r *reader) close() {
	r.ended.Store(true)
	one := [8]byte{1}
	// It cannot be full: nothing else is written to it.
	_, _ = unix.Write(r.wake, one[:])
	<-r.done
}

func (r *reader) run() {
	defer close(r.done)
	// The goroutine ends with the thread locked, so that the thread and its priority end with it.
	runtime.LockOSThread()
	if r.urgent {
		beUrgent()
	}
	b := batch{events: make([]unix.EpollEvent, maxEvents), buf: make([]byte, maxDatagram), pcm: make([]int16, maxPayload)}
	pause := unix.NsecToTimespec(int64(gatherTime))
	for !r.ended.Load() {
		n, err := unix.EpollWait(r.fd, b.events, -1)
		if err != nil && !errors.Is(err, unix.EINTR) {
			break
		}
		for n = r.rounds(&b, n); n > 1 && !r.ended.Load(); n = r.rounds(&b, 0) {
			// Interrupted, it looks sooner.
			_ = unix.Nanosleep(&pause, nil)
		}
	}
	// Nobody has use for the error: the sockets are closed by their legs.
	_ = closeAll(r.fd, r.wake)
}

// beUrgent makes the system run this thread soon after a packet has come. What it does not permit is left: a short slice is for
// everybody since Linux 6.12, precedence takes CAP_SYS_NICE or a limit (RLIMIT_NICE).
func beUrgent() {
	_ = unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Runtime: uint64(urgentSlice)}, 0)
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, urgentNice)
}

// batch is the scratch space of a reader.
type batch struct {
	events []unix.EpollEvent
	buf    []byte
	pcm    []int16
	packet rtp.Packet
	from   syscall.RawSockaddrAny
}

// rounds reads the n sockets of the batch and what comes meanwhile; it gives the number of packets.
func (r *reader) rounds(b *batch, n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	total := 0
	for range maxRounds {
		if n <= 0 {
			n = r.ready(b)
		}
		if n == 0 {
			break
		}
		total += n
		now := r.now()
		for _, event := range b.events[:n] {
			r.serve(b, event.Fd, now)
		}
		n = 0
	}
	return total
}

// ready asks the set without waiting.
func (r *reader) ready(b *batch) int {
	// It does not wait, so the scheduler need not be told of the call.
	n, _, errno := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(r.fd), uintptr(unsafe.Pointer(&b.events[0])), maxEvents, 0, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

// serve reads one datagram: a flood on one socket must not hold up the others.
func (r *reader) serve(b *batch, fd int32, now time.Time) {
	if int(fd) >= len(r.socks) || r.socks[fd] == nil {
		return // removed since, or the one that wakes
	}
	s := r.socks[fd]
	size, src, ok := s.receive(b.buf, &b.from)
	switch {
	case !ok:
	case s.control:
		s.leg.controlDatagram(b.buf[:size], src, now)
	default:
		s.leg.datagram(b.buf[:size], src, now, &b.packet, b.pcm)
	}
}
