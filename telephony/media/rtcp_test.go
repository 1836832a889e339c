package media

import (
	"net"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// reportingPeer is a bare endpoint with its RTCP port.
type reportingPeer struct {
	*peer
	control *net.UDPConn
}

func newReportingPeer(t *testing.T) *reportingPeer {
	sound, control, _, err := testPorts(t, PortOptions{}).bindAnyPair()
	require.NoError(t, err)
	t.Cleanup(func() { _, _ = sound.Close(), control.Close() })
	return &reportingPeer{&peer{t: t, conn: sound}, control}
}

// hear waits for a compound packet of the leg on a socket.
func (p *reportingPeer) hear(conn *net.UDPConn) []rtcp.Packet {
	p.t.Helper()
	buf := make([]byte, 2048)
	for {
		require.NoError(p.t, conn.SetReadDeadline(time.Now().Add(patience)))
		n, err := conn.Read(buf)
		require.NoError(p.t, err)
		if !isControl(buf[:n]) {
			continue // sound, on the same port
		}
		packets, err := rtcp.Unmarshal(buf[:n])
		require.NoError(p.t, err)
		return packets
	}
}

func (p *reportingPeer) tell(leg *Leg, packets ...rtcp.Packet) {
	p.t.Helper()
	tell(p.t, p.control, leg.Port()+1, packets...)
}

func tell(t *testing.T, from *net.UDPConn, port int, packets ...rtcp.Packet) {
	t.Helper()
	data, err := rtcp.Marshal(packets)
	require.NoError(t, err)
	_, err = from.WriteToUDPAddrPort(data, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port)))
	require.NoError(t, err)
}

// speak sends n packets, leaving out each tenth.
func (p *reportingPeer) speak(leg *Leg, ssrc uint32, n int) {
	for i := range n {
		if i%10 == 9 && i < n-1 {
			continue
		}
		p.send(leg, rtp.Header{PayloadType: 8, SSRC: ssrc, SequenceNumber: uint16(65530 + i), Timestamp: uint32(i * FrameSamples)}, make([]byte, FrameSamples))
	}
	eventually(p.t, "all heard", func() bool { return leg.Stats().Received == uint64(n-(n-1)/10) })
}

// A receiver report says what was lost (RFC 3550 §6.4.1), with the name, and when the party's own report came.
func TestReceiverReport(t *testing.T) {
	c := newClock()
	ports := testPorts(t, PortOptions{Now: c.now})
	p := newReportingPeer(t)
	leg := answered(t, ports, p.peer, "8")
	p.speak(leg, 77, 100)
	c.advance(2 * reportTime)
	leg.report(c.now()) // or the reporter was quicker
	c.advance(2 * reportTime)
	heard := p.hear(p.control)
	rr, ok := heard[0].(*rtcp.ReceiverReport)
	require.True(t, ok, "nothing was sent, so it is no sender report: %v", heard)
	require.Len(t, rr.Reports, 1)
	r := rr.Reports[0]
	require.EqualValues(t, 77, r.SSRC)
	require.EqualValues(t, 9, r.TotalLost)
	require.EqualValues(t, 256*9/100, r.FractionLost)
	require.EqualValues(t, 65530+99, r.LastSequenceNumber)
	require.Zero(t, r.LastSenderReport)
	name := heard[1].(*rtcp.SourceDescription)
	require.Equal(t, rtcp.SDESCNAME, name.Chunks[0].Items[0].Type)
	require.Equal(t, rr.SSRC, name.Chunks[0].Source)

	p.tell(leg, &rtcp.SenderReport{SSRC: 77, NTPTime: 0x0001_0002_0003_0004, PacketCount: 91})
	eventually(t, "sender report taken", func() bool { return !leg.Stats().LastReport.IsZero() })
	at := leg.Stats().LastReport
	for {
		c.advance(2 * reportTime)
		rr, ok = p.hear(p.control)[0].(*rtcp.ReceiverReport)
		require.True(t, ok)
		if r = rr.Reports[0]; r.LastSenderReport != 0 {
			break
		}
	}
	require.EqualValues(t, 0x0002_0003, r.LastSenderReport)
	require.Zero(t, r.FractionLost, "nothing was lost since")
	require.Zero(t, r.Delay%(65536/2), "whole steps of the clock: %d", r.Delay)
	require.LessOrEqual(t, time.Duration(r.Delay)*time.Second/65536, c.now().Sub(at))
}

// What the party says it hears is known, and the round trip.
func TestRemoteReport(t *testing.T) {
	c := newClock()
	ports := testPorts(t, PortOptions{Now: c.now})
	p := newReportingPeer(t)
	leg := answered(t, ports, p.peer, "8")
	defer leg.Play(Tone(440, -10, 0), true).Stop()
	ssrc := p.read().SSRC
	var sr *rtcp.SenderReport
	leg.report(c.now()) // sets when the first one is due
	for sr == nil {
		c.advance(2 * reportTime)
		sr, _ = p.hear(p.control)[0].(*rtcp.SenderReport)
	}
	require.Equal(t, ssrc, sr.SSRC)
	require.Positive(t, sr.PacketCount)
	require.Equal(t, sr.PacketCount*FrameSamples, sr.OctetCount)
	c.advance(time.Second + 120*time.Millisecond)
	sent := time.Unix(int64(sr.NTPTime>>32)-2_208_988_800, 0)
	report := rtcp.ReceptionReport{
		SSRC: ssrc, FractionLost: 64, TotalLost: 0xFFFFFE, Jitter: 80, LastSenderReport: uint32(sr.NTPTime >> 16),
		Delay: uint32((c.now().Sub(sent) - 120*time.Millisecond) << 16 / time.Second),
	}
	p.tell(leg, &rtcp.ReceiverReport{SSRC: 5, Reports: []rtcp.ReceptionReport{{SSRC: ssrc + 1, FractionLost: 255}, report}})
	eventually(t, "report taken", func() bool { return leg.Stats().Reports == 1 })
	s := leg.Stats()
	require.InDelta(t, .25, s.RemoteLossRate, 1e-9)
	require.EqualValues(t, -2, s.RemoteLost, "two came twice")
	require.Equal(t, 10*time.Millisecond, s.RemoteJitter)
	require.InDelta(t, 120, s.RoundTrip.Milliseconds(), 1)
	require.InDelta(t, 4.3, s.RemoteMOS, .1)
	require.Zero(t, s.MOS, "it has said nothing")
}

// With a=rtcp-mux both go over one port (RFC 5761), and the end is told.
func TestReportsOnTheSamePort(t *testing.T) {
	c := newClock()
	ports := testPorts(t, PortOptions{Now: c.now})
	p := newReportingPeer(t)
	leg, err := ports.Open(LegOptions{})
	require.NoError(t, err)
	answer, err := leg.Answer(append(p.sdp("8"), crlf("a=rtcp-mux")...))
	require.NoError(t, err)
	require.Contains(t, string(answer), "a=rtcp-mux\r\n")
	p.speak(leg, 9, 20)
	c.advance(2 * reportTime)
	leg.report(c.now())
	c.advance(2 * reportTime)
	require.IsType(t, &rtcp.ReceiverReport{}, p.hear(p.conn)[0])
	tell(t, p.conn, leg.Port(), &rtcp.ReceiverReport{SSRC: 9})
	eventually(t, "taken from the port of the sound", func() bool { return !leg.Stats().LastReport.IsZero() })
	require.Zero(t, leg.Stats().Malformed)
	leg.Close()
	for {
		heard := p.hear(p.conn)
		if bye, ok := heard[len(heard)-1].(*rtcp.Goodbye); ok {
			require.Len(t, bye.Sources, 1)
			return
		}
	}
}

// a=rtcp names another port (RFC 3605).
func TestReportsWhereTheyAreWanted(t *testing.T) {
	c := newClock()
	ports := testPorts(t, PortOptions{Now: c.now})
	p, other := newReportingPeer(t), newPeer(t)
	leg, err := ports.Open(LegOptions{})
	require.NoError(t, err)
	_, err = leg.Answer(append(p.sdp("8"), crlf("a=rtcp:"+strconv.Itoa(int(other.addr().Port())))...))
	require.NoError(t, err)
	p.speak(leg, 9, 20)
	c.advance(2 * reportTime)
	leg.report(c.now())
	c.advance(2 * reportTime)
	require.IsType(t, &rtcp.ReceiverReport{}, p.hear(other.conn)[0])
}

// Another program with the party's IP is believed only until the party itself reports.
func TestReportsOfANeighbour(t *testing.T) {
	c := newClock()
	ports := testPorts(t, PortOptions{Now: c.now})
	p, neighbour := newReportingPeer(t), newPeer(t)
	leg := answered(t, ports, p.peer, "8")
	p.speak(leg, 9, 20)
	lie := &rtcp.ReceiverReport{SSRC: 9, Reports: []rtcp.ReceptionReport{{SSRC: leg.out.ssrc, FractionLost: 255}}}
	tell(t, neighbour.conn, leg.Port()+1, lie)
	eventually(t, "the first is believed", func() bool { return leg.Stats().RemoteLossRate > .9 })
	p.tell(leg, &rtcp.ReceiverReport{SSRC: 9, Reports: []rtcp.ReceptionReport{{SSRC: leg.out.ssrc}}})
	eventually(t, "the party is", func() bool { return leg.Stats().RemoteLossRate == 0 })
	tell(t, neighbour.conn, leg.Port()+1, lie)
	eventually(t, "the neighbour is a stranger now", func() bool { return leg.Stats().Strange == 1 })
	require.Zero(t, leg.Stats().RemoteLossRate)
	c.advance(4 * reportTime)
	tell(t, neighbour.conn, leg.Port()+1, lie)
	eventually(t, "a new port after silence", func() bool { return leg.Stats().RemoteLossRate > .9 })
}

// Nobody else is believed, and nothing that comes breaks a leg.
func TestReportsOfStrangers(t *testing.T) {
	ports := testPorts(t, PortOptions{})
	p := newReportingPeer(t)
	leg := answered(t, ports, p.peer, "8")
	p.speak(leg, 9, 20)
	stranger, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 2)})
	require.NoError(t, err)
	defer func() { _ = stranger.Close() }()
	tell(t, stranger, leg.Port()+1, &rtcp.SenderReport{SSRC: 9, NTPTime: 1})
	tell(t, stranger, leg.Port(), &rtcp.SenderReport{SSRC: 9, NTPTime: 1})
	eventually(t, "counted", func() bool { return leg.Stats().Strange == 2 })
	require.Zero(t, leg.Stats().LastReport)
	sent := uint64(0)
	rapid.Check(t, func(t *rapid.T) {
		noise := rapid.SliceOfN(rapid.Byte(), 1, 200).Draw(t, "bytes")
		if rapid.Bool().Draw(t, "dressed up") {
			noise = append([]byte{0x80 | byte(len(noise)&31), byte(200 + len(noise)%8), 0, byte(len(noise) / 4)}, noise...)
		}
		leg.controlDatagram(noise, p.addr(), time.Now())
		sent++
	})
	require.LessOrEqual(t, leg.Stats().Malformed, sent)
}

// The E-model's figures for G.711 (ITU-T G.107, G.113): none lost and no delay is 4.4, and it falls with both.
func TestMOS(t *testing.T) {
	for _, c := range []struct {
		loss  float64
		delay time.Duration
		want  float64
	}{
		{0, 0, 4.41}, {0, 150 * time.Millisecond, 4.33}, {0, 400 * time.Millisecond, 3.05},
		{.01, 0, 4.33}, {.05, 0, 3.92}, {.2, 0, 2.63}, {1, 0, 1.18}, {2, -1, 1.18},
	} {
		require.InDelta(t, c.want, MOS(c.loss, c.delay), .02, "%v lost, %v late", c.loss, c.delay)
	}
	rapid.Check(t, func(t *rapid.T) {
		loss, late := rapid.Float64Range(0, 1).Draw(t, "loss"), rapid.Int64Range(0, 5000).Draw(t, "ms")
		m := MOS(loss, time.Duration(late)*time.Millisecond)
		if m < 1 || m > 4.5 || m < MOS(min(1, loss+.05), time.Duration(late+50)*time.Millisecond)-1e-9 {
			t.Fatalf("%v", m)
		}
	})
}
