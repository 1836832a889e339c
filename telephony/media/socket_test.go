package media

import (
	"net"
	"net/netip"
	"runtime"
	"sync"
	"testing"

	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"
)

// Legs come and go while packets come for all of them and for those that are gone.
func TestLegsComeAndGoUnderTraffic(t *testing.T) {
	ports := testPorts(t, PortOptions{})
	phone := newPeer(t)
	data, err := (&rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 8, SSRC: 1}, Payload: make([]byte, 160)}).Marshal()
	require.NoError(t, err)
	var work sync.WaitGroup
	for range 4 {
		work.Add(1)
		go func() {
			defer work.Done()
			for range 50 {
				a, err := ports.Open(LegOptions{})
				if err != nil {
					t.Error(err)
					return
				}
				b, err := ports.Open(LegOptions{})
				if err != nil {
					t.Error(err)
					return
				}
				for _, leg := range []*Leg{a, b} {
					if _, err := leg.Answer(phone.sdp("8")); err != nil {
						t.Error(err)
					}
				}
				Connect(a, b)
				a.Play(Tone(440, -10, 0), true)
				for _, port := range []int{a.Port(), b.Port(), a.Port()} {
					if _, err := phone.conn.WriteToUDPAddrPort(data, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port))); err != nil {
						t.Error(err)
					}
				}
				work.Add(1)
				go func() {
					defer work.Done()
					b.Close()
				}()
				a.Close()
				b.Close()
			}
		}()
	}
	work.Wait()
	require.Zero(t, ports.InUse())
}

func TestClosedPortsLeaveNoGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 5 {
		ports, err := NewPorts(PortOptions{})
		require.NoError(t, err)
		for range 20 {
			leg, err := ports.Open(LegOptions{})
			require.NoError(t, err)
			leg.Play(Tone(440, -10, 0), true)
		}
		ports.Close()
		ports.Close()
	}
	// The condition itself runs on a goroutine; a forgotten one of each round would make five.
	eventually(t, "goroutines ended", func() bool { return runtime.NumGoroutine() <= before+1 })
}

func TestLegOverIPv6(t *testing.T) {
	conn, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback})
	if err != nil {
		t.Log("this machine has no IPv6, left out:", err)
		return
	}
	phone := &peer{t: t, conn: conn}
	t.Cleanup(func() { _ = conn.Close() })
	ports := testPorts(t, PortOptions{IP: "::1"})
	leg, err := ports.Open(LegOptions{})
	require.NoError(t, err)
	answer, err := leg.Answer(crlf("v=0", "o=- 1 1 IN IP6 ::1", "s=-", "c=IN IP6 ::1", "t=0 0",
		"m=audio "+phone.addr().String()[len("[::1]:"):]+" RTP/AVP 8"))
	require.NoError(t, err)
	require.Contains(t, string(answer), "c=IN IP6 ::1")
	leg.Play(Tone(440, -10, 0), true)
	require.Len(t, phone.read().Payload, FrameSamples)
	data, err := (&rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 8, SSRC: 1}, Payload: make([]byte, 160)}).Marshal()
	require.NoError(t, err)
	_, err = conn.WriteToUDPAddrPort(data, netip.AddrPortFrom(netip.IPv6Loopback(), uint16(leg.Port())))
	require.NoError(t, err)
	eventually(t, "received", func() bool { return leg.Stats().Received == 1 })
	require.Equal(t, phone.addr().String(), leg.Stats().Source)
}
