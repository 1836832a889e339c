//go:build linux && (amd64 || arm64)

package media

import (
	"net/netip"
	"syscall"
	"time"
	"unsafe"

	"github.com/pion/rtp"
)

// hubBatch is how many datagrams are read at once.
const hubBatch = 64

// message is the system's struct mmsghdr.
type message struct {
	header syscall.Msghdr
	size   uint32
	_      [4]byte
}

// messages is the room for a batch of datagrams.
type messages struct {
	list [hubBatch]message
	from [hubBatch]syscall.RawSockaddrInet4
	vecs [hubBatch]syscall.Iovec
	bufs [hubBatch][maxDatagram]byte
}

func newMessages() *messages {
	m := new(messages)
	for i := range m.list {
		m.vecs[i] = syscall.Iovec{Base: &m.bufs[i][0], Len: maxDatagram}
		m.list[i].header = syscall.Msghdr{Name: (*byte)(unsafe.Pointer(&m.from[i])), Iov: &m.vecs[i], Iovlen: 1}
	}
	return m
}

// receive reads what there is without waiting; 0 when there is nothing, -1 when the socket cannot be read.
func (m *messages) receive(fd uintptr) int {
	for i := range m.list {
		m.list[i].header.Namelen = syscall.SizeofSockaddrInet4
	}
	for {
		n, _, errno := syscall.RawSyscall6(syscall.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&m.list[0])), hubBatch, syscall.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			return int(n)
		case syscall.EAGAIN, syscall.ENOMEM, syscall.ENOBUFS:
			return 0
		case syscall.EBADF, syscall.ENOTSOCK, syscall.EFAULT, syscall.EINVAL:
			return -1
		}
		// Interrupted, or told of a party that is not there any more: an error that is over now.
	}
}

// read takes what comes to the shared socket until it is closed. Like the readers of single sockets it lets packets gather when there
// are many.
func (h *hub) read() {
	raw, err := h.conn.SyscallConn()
	if err != nil {
		return
	}
	m, pcm := newMessages(), make([]int16, maxPayload)
	var packet rtp.Packet
	for {
		n := 0
		err := raw.Read(func(fd uintptr) bool {
			n = m.receive(fd)
			return n != 0
		})
		for n > 0 && err == nil {
			h.batch(m, n, &packet, pcm)
			if n == 1 {
				break
			}
			if n < hubBatch {
				time.Sleep(gatherTime)
			}
			err = raw.Control(func(fd uintptr) { n = m.receive(fd) })
		}
		if err != nil || n < 0 {
			return
		}
	}
}

func (h *hub) batch(m *messages, n int, packet *rtp.Packet, pcm []int16) {
	h.work.Lock()
	defer h.work.Unlock()
	now := h.ports.now()
	for i := range n {
		from := &m.from[i]
		src := netip.AddrPortFrom(netip.AddrFrom4(from.Addr), networkOrder(from.Port))
		h.datagram(m.bufs[i][:m.list[i].size], src, now, packet, pcm)
	}
}
