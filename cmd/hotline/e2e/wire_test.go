package e2e

import (
	"encoding/binary"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// datagram is one UDP datagram as the kernel saw it.
type datagram struct {
	at       time.Time // by the kernel's clock, when it arrived
	from, to uint16    // ports
	payload  []byte
}

// wire listens to the loopback's datagrams of some ports. It is the test's own
// clock: it does not depend on when any program gets to run. It needs root, as
// sipp does for the sound that it plays.
type wire struct {
	mu   sync.Mutex
	seen []datagram
}

func tap(t *testing.T, ports ...uint16) *wire {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_UDP)
	require.NoError(t, err, "a raw socket needs root")
	require.NoError(t, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1))
	require.NoError(t, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 8<<20))
	program := portFilter(ports)
	require.NoError(t, unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
		&unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}))
	require.NoError(t, unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 100_000}))
	w := &wire{}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		w.read(fd, stop)
	}()
	t.Cleanup(func() {
		close(stop)
		<-done
		_ = unix.Close(fd)
	})
	return w
}

// portFilter lets pass what comes from or goes to one of the ports, in classic BPF.
func portFilter(ports []uint16) []unix.SockFilter {
	program := []unix.SockFilter{{Code: unix.BPF_LDX | unix.BPF_B | unix.BPF_MSH}} // X = length of the IP header
	for field := range uint32(2) {                                                 // source, destination
		program = append(program, unix.SockFilter{Code: unix.BPF_LD | unix.BPF_H | unix.BPF_IND, K: 2 * field})
		for _, p := range ports {
			program = append(program, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: uint32(p)},
				unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 1 << 16})
		}
	}
	return append(program, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K})
}

func (w *wire) read(fd int, stop <-chan struct{}) {
	buf, oob := make([]byte, 1<<16), make([]byte, 256)
	for {
		select {
		case <-stop:
			return
		default:
		}
		n, oobn, _, _, err := unix.Recvmsg(fd, buf, oob, 0)
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return
		}
		head := int(buf[0]&0x0f) * 4
		if n < head+8 {
			continue
		}
		w.mu.Lock()
		w.seen = append(w.seen, datagram{
			at: stamp(oob[:oobn]), from: binary.BigEndian.Uint16(buf[head:]), to: binary.BigEndian.Uint16(buf[head+2:]),
			payload: append([]byte{}, buf[head+8:n]...),
		})
		w.mu.Unlock()
	}
}

// stamp is the time that the kernel gave to a datagram.
func stamp(oob []byte) time.Time {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return time.Time{}
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= 16 {
			return time.Unix(int64(binary.NativeEndian.Uint64(m.Data)), int64(binary.NativeEndian.Uint64(m.Data[8:])))
		}
	}
	return time.Time{}
}

// all returns the datagrams that fit, in the order of their arrival.
func (w *wire) all(fits func(datagram) bool) []datagram {
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []datagram
	for _, d := range w.seen {
		if fits(d) {
			found = append(found, d)
		}
	}
	return found
}

// first returns the first datagram that fits, which must be there.
func (w *wire) first(t *testing.T, what string, fits func(datagram) bool) datagram {
	t.Helper()
	found := w.all(fits)
	require.NotEmpty(t, found, "%s was not on the wire", what)
	return found[0]
}
