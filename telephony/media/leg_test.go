package media

import (
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"
)

const patience = 30 * time.Second

// peer is a bare RTP endpoint: a socket and nothing else.
type peer struct {
	t    *testing.T
	conn *net.UDPConn
}

func newPeer(t *testing.T) *peer {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return &peer{t: t, conn: conn}
}

func (p *peer) addr() netip.AddrPort { return p.conn.LocalAddr().(*net.UDPAddr).AddrPort() }

func (p *peer) sdp(format string) []byte {
	a := p.addr()
	return crlf("v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0",
		"m=audio "+netip.AddrPortFrom(a.Addr(), a.Port()).String()[len("127.0.0.1:"):]+" RTP/AVP "+format+" 101", "a=rtpmap:101 telephone-event/8000")
}

func (p *peer) send(leg *Leg, h rtp.Header, payload []byte) {
	p.t.Helper()
	h.Version = 2
	data, err := (&rtp.Packet{Header: h, Payload: payload}).Marshal()
	require.NoError(p.t, err)
	p.raw(leg, data)
}

func (p *peer) raw(leg *Leg, data []byte) {
	p.t.Helper()
	_, err := p.conn.WriteToUDPAddrPort(data, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(leg.Port())))
	require.NoError(p.t, err)
}

func (p *peer) read() *rtp.Packet {
	p.t.Helper()
	buf := make([]byte, 4096)
	require.NoError(p.t, p.conn.SetReadDeadline(time.Now().Add(patience)))
	n, err := p.conn.Read(buf)
	require.NoError(p.t, err)
	packet := &rtp.Packet{}
	require.NoError(p.t, packet.Unmarshal(buf[:n]))
	return packet
}

// clock is a time that tests move by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Unix(1_700_000_000, 0)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func testPorts(t *testing.T, opts PortOptions) *Ports {
	t.Helper()
	ports, err := NewPorts(opts)
	require.NoError(t, err)
	t.Cleanup(ports.Close)
	return ports
}

func answered(t *testing.T, ports *Ports, p *peer, format string) *Leg {
	t.Helper()
	leg, err := ports.Open(LegOptions{})
	require.NoError(t, err)
	_, err = leg.Answer(p.sdp(format))
	require.NoError(t, err)
	return leg
}

func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	require.Eventually(t, cond, patience, time.Millisecond, what)
}

// soon takes what comes on a channel, or nothing of one that is closed.
func soon[T any](t *testing.T, from <-chan T) (what T) {
	t.Helper()
	select {
	case what = <-from:
	case <-time.After(patience):
		require.Fail(t, "nothing came")
	}
	return what
}

func TestBridgeRewritesAndTranscodes(t *testing.T) {
	ports := testPorts(t, PortOptions{})
	pa, pb := newPeer(t), newPeer(t)
	a, b := answered(t, ports, pa, "8"), answered(t, ports, pb, "0")
	bridge := Connect(a, b)
	voice := make([]byte, FrameSamples)
	pcm := make([]int16, FrameSamples)
	Tone(440, -10, 0).Fill(pcm, 0)
	PCMA.Encode(voice, pcm)

	var first *rtp.Packet
	for i := range 5 {
		pa.send(a, rtp.Header{PayloadType: 8, SSRC: 7, SequenceNumber: uint16(65534 + i), Timestamp: uint32(1000 + 160*i)}, voice)
		got := pb.read()
		if first == nil {
			first = got
			require.True(t, got.Marker, "a new stretch of audio is marked")
		}
		require.Equal(t, uint8(0), got.PayloadType)
		require.NotEqual(t, uint32(7), got.SSRC)
		require.Equal(t, first.SSRC, got.SSRC)
		require.Equal(t, first.SequenceNumber+uint16(i), got.SequenceNumber)
		require.Equal(t, first.Timestamp+uint32(160*i), got.Timestamp)
		heard := make([]int16, FrameSamples)
		PCMU.Decode(heard, got.Payload)
		require.InDelta(t, Goertzel(pcm, SampleRate, 440), Goertzel(heard, SampleRate, 440), 0.01)
	}
	// A lost packet stays visible, a late one keeps its place.
	pa.send(a, rtp.Header{PayloadType: 8, SSRC: 7, SequenceNumber: 5, Timestamp: 1000 + 160*7}, voice)
	require.Equal(t, first.SequenceNumber+7, pb.read().SequenceNumber)
	pa.send(a, rtp.Header{PayloadType: 8, SSRC: 7, SequenceNumber: 4, Timestamp: 1000 + 160*6}, voice)
	require.Equal(t, first.SequenceNumber+6, pb.read().SequenceNumber)
	// Another stream of the same phone goes on in the same stream.
	pa.send(a, rtp.Header{PayloadType: 8, SSRC: 8, SequenceNumber: 40000, Timestamp: 5}, voice)
	next := pb.read()
	require.Equal(t, first.SSRC, next.SSRC)
	require.Equal(t, first.SequenceNumber+8, next.SequenceNumber)
	// Digits pass, under the other side's payload type and within the same numbers.
	pa.send(a, rtp.Header{PayloadType: 101, SSRC: 8, SequenceNumber: 40001, Timestamp: 165, Marker: true}, event{code: 5, volume: 10, duration: 160}.marshal(nil))
	digit := pb.read()
	require.Equal(t, uint8(101), digit.PayloadType)
	require.Equal(t, next.SequenceNumber+1, digit.SequenceNumber)
	require.Equal(t, next.Timestamp+160, digit.Timestamp)
	require.Equal(t, byte(5), digit.Payload[0])

	pb.send(b, rtp.Header{PayloadType: 0, SSRC: 9, SequenceNumber: 1, Timestamp: 1}, voice)
	require.Equal(t, uint8(8), pa.read().PayloadType)
	bridge.Close()
	bridge.Close()
	pb.send(b, rtp.Header{PayloadType: 0, SSRC: 9, SequenceNumber: 2, Timestamp: 161}, voice)
	eventually(t, "received", func() bool { return b.Stats().Received == 2 })
	require.Equal(t, uint64(1), a.Stats().Sent)
}

func TestOneStreamAcrossPlayAndBridge(t *testing.T) {
	ports := testPorts(t, PortOptions{})
	pa, pb := newPeer(t), newPeer(t)
	a, b := answered(t, ports, pa, "8"), answered(t, ports, pb, "8")
	playback := b.Play(Tone(440, -10, 100*time.Millisecond), false)
	var last *rtp.Packet
	for i := range 5 {
		got := pb.read()
		require.Equal(t, i == 0, got.Marker)
		if last != nil {
			require.Equal(t, last.SSRC, got.SSRC)
			require.Equal(t, last.SequenceNumber+1, got.SequenceNumber)
			require.Equal(t, last.Timestamp+FrameSamples, got.Timestamp)
		}
		last = got
	}
	soon(t, playback.Done())
	require.True(t, playback.Finished())
	Connect(a, b)
	for i := range 3 {
		pa.send(a, rtp.Header{PayloadType: 8, SSRC: 7, SequenceNumber: uint16(100 + i), Timestamp: uint32(99 + 160*i)}, make([]byte, 160))
		got := pb.read()
		require.Equal(t, last.SSRC, got.SSRC)
		require.Equal(t, last.SequenceNumber+1, got.SequenceNumber)
		ahead := got.Timestamp - last.Timestamp
		require.GreaterOrEqual(t, ahead, uint32(160))
		require.Less(t, ahead, uint32(patience.Seconds()*SampleRate))
		last = got
	}
	again := b.Play(Tone(440, -10, 0), true)
	got := pb.read()
	require.Equal(t, last.SequenceNumber+1, got.SequenceNumber)
	require.True(t, got.Marker)
	again.Stop()
	soon(t, again.Done())
	require.False(t, again.Finished())
}

func TestStrangerCannotStealTheStream(t *testing.T) {
	c := newClock()
	ports := testPorts(t, PortOptions{Now: c.now, Relatch: 3 * time.Second})
	phone, stranger := newPeer(t), newPeer(t)
	leg := answered(t, ports, phone, "8")
	heard := make(chan struct{}, 100)
	leg.Receive(func([]int16) { heard <- struct{}{} })
	packet := func(p *peer, ssrc uint32, seq uint16) {
		p.send(leg, rtp.Header{PayloadType: 8, SSRC: ssrc, SequenceNumber: seq, Timestamp: uint32(seq) * 160}, make([]byte, 160))
	}
	packet(phone, 1, 1)
	soon(t, heard)
	require.Equal(t, phone.addr().String(), leg.Stats().Source)
	for i := range 20 {
		packet(stranger, 2, uint16(i))
	}
	eventually(t, "strange", func() bool { return leg.Stats().Strange == 20 })
	playback := leg.Play(Tone(440, -10, 0), true)
	require.Equal(t, uint8(8), phone.read().PayloadType)
	playback.Stop()

	// After silence only the SDP's own address or the same SSRC is let in. The stranger here shares the address 127.0.0.1,
	// which its SDP names, so it needs another one.
	c.advance(time.Minute)
	far, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 2)})
	require.NoError(t, err)
	outsider := &peer{t: t, conn: far}
	t.Cleanup(func() { _ = far.Close() })
	packet(outsider, 3, 1)
	eventually(t, "outsider", func() bool { return leg.Stats().Strange == 21 })
	packet(outsider, 1, 2)
	soon(t, heard)
	require.Equal(t, outsider.addr().String(), leg.Stats().Source, "the phone's NAT took another port: same SSRC after silence")
	packet(phone, 1, 3)
	soon(t, heard)
	require.Equal(t, phone.addr().String(), leg.Stats().Source, "the SDP's own address takes precedence at once")
}

func TestFirstSourceGivesWayToTheAnnouncedOne(t *testing.T) {
	ports := testPorts(t, PortOptions{})
	phone := newPeer(t)
	far, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 2)})
	require.NoError(t, err)
	t.Cleanup(func() { _ = far.Close() })
	early := &peer{t: t, conn: far}
	leg := answered(t, ports, phone, "8")
	early.send(leg, rtp.Header{PayloadType: 8, SSRC: 1, SequenceNumber: 1}, make([]byte, 160))
	eventually(t, "locked", func() bool { return leg.Stats().Source == early.addr().String() })
	phone.send(leg, rtp.Header{PayloadType: 8, SSRC: 2, SequenceNumber: 1}, make([]byte, 160))
	eventually(t, "taken over", func() bool { return leg.Stats().Source == phone.addr().String() })
	early.send(leg, rtp.Header{PayloadType: 8, SSRC: 1, SequenceNumber: 2}, make([]byte, 160))
	eventually(t, "strange", func() bool { return leg.Stats().Strange == 1 })

	moved := newPeer(t)
	_, err = leg.Answer(moved.sdp("8"))
	require.NoError(t, err)
	leg.Play(Tone(440, -10, 20*time.Millisecond), false)
	moved.read()
	phone.send(leg, rtp.Header{PayloadType: 8, SSRC: 2, SequenceNumber: 3}, make([]byte, 160))
	moved.send(leg, rtp.Header{PayloadType: 8, SSRC: 3, SequenceNumber: 1}, make([]byte, 160))
	eventually(t, "moved", func() bool { return leg.Stats().Source == moved.addr().String() })
}

func TestMalformedPacketsAreDropped(t *testing.T) {
	ports := testPorts(t, PortOptions{})
	phone := newPeer(t)
	leg := answered(t, ports, phone, "8")
	big := make([]byte, 65507)
	big[0], big[1] = 0x80, 8
	bad := [][]byte{
		{}, {0x80}, []byte("INVITE sip:a@b SIP/2.0\r\n\r\n"), make([]byte, 200),
		{0x80, 8, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1},                    // no payload
		append([]byte{0x8F, 8, 0, 1}, make([]byte, 20)...),         // more CSRC than there is
		append([]byte{0x90, 8, 0, 1}, make([]byte, 8)...),          // extension cut off
		append([]byte{0x80, 18, 0, 1}, make([]byte, 168)...),       // a codec that was not agreed
		append([]byte{0x80, 101, 0, 1}, make([]byte, 10)...),       // half an event
		append(append([]byte{0xA0, 8}, make([]byte, 20)...), 0xFF), // padding longer than the packet
		big,
	}
	for _, data := range bad {
		phone.raw(leg, data)
	}
	eventually(t, "malformed", func() bool { return leg.Stats().Malformed == uint64(len(bad)) })
	require.Zero(t, leg.Stats().Received)
	phone.send(leg, rtp.Header{PayloadType: 8, SSRC: 1, SequenceNumber: 1}, make([]byte, 160))
	eventually(t, "still alive", func() bool { return leg.Stats().Received == 1 })
}

func TestStatsCountLossAndJitter(t *testing.T) {
	c := newClock()
	ports := testPorts(t, PortOptions{Now: c.now})
	phone := newPeer(t)
	leg := answered(t, ports, phone, "8")
	heard := make(chan struct{})
	leg.Receive(func([]int16) { heard <- struct{}{} })
	sent := 0
	for i := range 100 {
		if i%10 == 5 {
			c.advance(FrameTime)
			continue
		}
		phone.send(leg, rtp.Header{PayloadType: 8, SSRC: 1, SequenceNumber: uint16(65500 + i), Timestamp: uint32(160 * i)}, make([]byte, 160))
		soon(t, heard)
		sent++
		c.advance(FrameTime)
	}
	s := leg.Stats()
	require.EqualValues(t, sent, s.Received)
	require.EqualValues(t, 100, s.Expected)
	require.EqualValues(t, 10, s.Lost)
	require.Zero(t, s.Jitter)
	require.Equal(t, c.now().Add(-FrameTime), s.LastPacket)
	for i := range 200 {
		c.advance(FrameTime + time.Duration(1-2*(i%2))*5*time.Millisecond)
		phone.send(leg, rtp.Header{PayloadType: 8, SSRC: 1, SequenceNumber: uint16(65600 + i), Timestamp: uint32(160 * (100 + i))}, make([]byte, 160))
		soon(t, heard)
	}
	require.InDelta(t, 5, leg.Stats().Jitter.Seconds()*1000, 0.5)
	// A second stream adds to the first.
	phone.send(leg, rtp.Header{PayloadType: 8, SSRC: 2, SequenceNumber: 7, Timestamp: 3}, make([]byte, 160))
	soon(t, heard)
	require.EqualValues(t, 301, leg.Stats().Expected)
}

func TestJitterOfAStreamThatBeginsWithADigit(t *testing.T) {
	c := newClock()
	ports := testPorts(t, PortOptions{Now: c.now})
	phone := newPeer(t)
	leg := answered(t, ports, phone, "8")
	phone.send(leg, rtp.Header{PayloadType: 101, SSRC: 1, SequenceNumber: 1, Timestamp: 1 << 30}, event{code: 1, duration: 160}.marshal(nil))
	soon(t, leg.Digits())
	for i := range 3 {
		c.advance(FrameTime)
		phone.send(leg, rtp.Header{PayloadType: 8, SSRC: 1, SequenceNumber: uint16(2 + i), Timestamp: 1<<30 + uint32(160*(i+1))}, make([]byte, 160))
		eventually(t, "received", func() bool { return leg.Stats().Received == uint64(2+i) })
	}
	require.Zero(t, leg.Stats().Jitter)
}

func TestPortsAreBoundedAndComeBack(t *testing.T) {
	probe := testPorts(t, PortOptions{})
	leg, err := probe.Open(LegOptions{})
	require.NoError(t, err)
	low := leg.Port()
	leg.Close()
	ports := testPorts(t, PortOptions{Low: low, High: low + 1})
	leg, err = ports.Open(LegOptions{})
	require.NoError(t, err)
	require.Equal(t, low, leg.Port())
	require.Zero(t, leg.Port()%2)
	_, err = ports.Open(LegOptions{})
	require.ErrorIs(t, err, ErrNoPorts)
	require.Equal(t, 1, ports.InUse())
	playback := leg.Play(Tone(440, -10, 0), true)
	leg.Close()
	leg.Close()
	soon(t, playback.Done())
	soon(t, leg.Done())
	_, open := <-leg.Digits()
	require.False(t, open)
	require.Zero(t, ports.InUse())
	soon(t, leg.Play(Tone(440, -10, 0), true).Done())
	leg, err = ports.Open(LegOptions{})
	require.NoError(t, err)
	ports.Close()
	soon(t, leg.Done())
	_, err = ports.Open(LegOptions{})
	require.ErrorIs(t, err, ErrClosed)
	for _, o := range []PortOptions{{Low: 5, High: 5}, {Low: 10, High: 70000}, {IP: "nowhere"}, {PublicIP: "x"}, {Low: 100, High: 20}} {
		_, err := NewPorts(o)
		require.Error(t, err)
	}
}
