//go:build !linux || (!amd64 && !arm64)

package media

import (
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/pion/rtp"
)

// read takes what comes to the shared socket until it is closed.
func (h *hub) read() {
	buf, pcm := make([]byte, maxDatagram), make([]int16, maxPayload)
	var packet rtp.Packet
	for {
		n, src, err := h.conn.ReadFromUDPAddrPort(buf)
		switch {
		case err == nil:
			h.work.Lock()
			h.datagram(buf[:n], netip.AddrPortFrom(src.Addr().Unmap(), src.Port()), h.ports.now(), &packet, pcm)
			h.work.Unlock()
		case errors.Is(err, net.ErrClosed):
			return
		default:
			// An error of the system that lasts must not take a whole processor.
			time.Sleep(FrameTime)
		}
	}
}
