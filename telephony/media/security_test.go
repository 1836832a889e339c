package media

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// agreeOn takes two legs through offer and answer.
func agreeOn(t *testing.T, offerer, answerer *Leg) (offer, answer string) {
	t.Helper()
	o := offerer.Offer()
	a, err := answerer.Answer(o)
	require.NoError(t, err, string(o))
	require.NoError(t, offerer.Accept(a), string(a))
	return string(o), string(a)
}

func legOn(t *testing.T, ports *Ports, opts LegOptions) *Leg {
	t.Helper()
	leg, err := ports.Open(opts)
	require.NoError(t, err)
	return leg
}

// srtpPeer is a bare SRTP endpoint with the library's own contexts.
type srtpPeer struct {
	*peer
	key     cryptoKey
	in, out *srtp.Context
	line    string
}

func newSRTPPeer(t *testing.T, s suite) *srtpPeer {
	p := &srtpPeer{peer: newPeer(t)}
	p.rekey(s)
	return p
}

func (p *srtpPeer) rekey(s suite) {
	p.key = newCryptoKey(3, s)
	p.line = fmt.Sprintf("a=crypto:3 %s inline:%s|2^31", s.name, base64.StdEncoding.EncodeToString(p.key.bytes[:]))
	c, err := p.key.context()
	require.NoError(p.t, err)
	p.out = c
}

func (p *srtpPeer) offer(proto string, lines ...string) []byte {
	return crlf(append([]string{"v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0",
		fmt.Sprintf("m=audio %d %s 8 101", p.addr().Port(), proto), "a=rtpmap:101 telephone-event/8000"}, lines...)...)
}

// accept takes the leg's key out of its answer.
func (p *srtpPeer) accept(answer []byte) {
	p.t.Helper()
	r, err := parseSDP(answer, 0, lineRules{security: RequireSRTP, plain: true})
	require.NoError(p.t, err)
	require.Len(p.t, r.keys, 1)
	require.Equal(p.t, uint32(3), r.keys[0].tag)
	p.in, err = r.keys[0].context(srtp.SRTPReplayProtection(64))
	require.NoError(p.t, err)
}

func (p *srtpPeer) seal(ssrc uint32, seq uint16, payload []byte) []byte {
	p.t.Helper()
	data, err := (&rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 8, SSRC: ssrc, SequenceNumber: seq, Timestamp: uint32(seq) * 160}, Payload: payload}).Marshal()
	require.NoError(p.t, err)
	sealed, err := p.out.EncryptRTP(nil, data, nil)
	require.NoError(p.t, err)
	return sealed
}

// readSealed reads packets until one is of the present keys.
func (p *srtpPeer) readSealed() *rtp.Packet {
	p.t.Helper()
	buf := make([]byte, 4096)
	require.NoError(p.t, p.conn.SetReadDeadline(time.Now().Add(patience)))
	for {
		n, err := p.conn.Read(buf)
		require.NoError(p.t, err)
		plain, err := p.in.DecryptRTP(nil, buf[:n], nil)
		if err != nil {
			continue
		}
		packet := &rtp.Packet{}
		require.NoError(p.t, packet.Unmarshal(plain))
		return packet
	}
}

func TestSecurityFollowsTheOffer(t *testing.T) {
	ports := testPorts(t, PortOptions{})
	all := []SecurityUse{AcceptSRTP, OfferSRTP, RequireSRTP, RefuseSRTP}
	for _, ours := range all {
		for _, theirs := range all {
			t.Run(ours.String()+" to "+theirs.String(), func(t *testing.T) {
				a, b := legOn(t, ports, LegOptions{Security: ours}), legOn(t, ports, LegOptions{Security: theirs})
				offer := a.Offer()
				require.Equal(t, ours == RequireSRTP, strings.Contains(string(offer), "RTP/SAVP "))
				answer, err := b.Answer(offer)
				switch {
				case ours == RequireSRTP && theirs == RefuseSRTP:
					require.ErrorIs(t, err, ErrNoAudio)
				case ours != RequireSRTP && ours != OfferSRTP && theirs == RequireSRTP:
					require.ErrorIs(t, err, ErrNoKey)
				default:
					require.NoError(t, err)
					require.NoError(t, a.Accept(answer))
					secure := (ours == OfferSRTP || ours == RequireSRTP) && theirs != RefuseSRTP
					require.Equal(t, secure, strings.Contains(string(answer), "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"), string(answer))
					require.Equal(t, secure, a.Secure())
					require.Equal(t, secure, b.Secure())
					// Another round changes nothing, in either direction.
					before := a.neg.local
					_, again := agreeOn(t, a, b)
					require.Equal(t, string(answer), again)
					agreeOn(t, b, a)
					require.Equal(t, before == nil, a.neg.local == nil)
					require.True(t, before == nil || before.same(a.neg.local))
				}
			})
		}
	}
}

func TestSealedAudioBothWays(t *testing.T) {
	for _, s := range suites() {
		t.Run(s.name, func(t *testing.T) {
			ports := testPorts(t, PortOptions{})
			p := newSRTPPeer(t, s)
			leg := legOn(t, ports, LegOptions{})
			answer, err := leg.Answer(p.offer("RTP/SAVP", p.line))
			require.NoError(t, err)
			require.Contains(t, string(answer), "RTP/SAVP 8 101\r\n")
			p.accept(answer)
			leg.Play(Tone(440, -10, 0), true)
			pcm := make([]int16, FrameSamples)
			PCMA.Decode(pcm, p.readSealed().Payload)
			require.Greater(t, Goertzel(pcm, SampleRate, 440), 0.1)

			voice := make([]byte, FrameSamples)
			var first []byte
			// Across the end of the sequence numbers.
			for i := range 200 {
				sealed := p.seal(7, uint16(65436+i), voice)
				if first == nil {
					first = sealed
				}
				p.raw(leg, sealed)
			}
			eventually(t, "received", func() bool { return leg.Stats().Received == 200 })
			require.Zero(t, leg.Stats().Lost)

			last := p.seal(7, 100, voice)
			tampered := append([]byte(nil), last...)
			tampered[20] ^= 1
			p.raw(leg, tampered)
			p.raw(leg, first)
			plain, err := (&rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 8, SSRC: 7, SequenceNumber: 100}, Payload: voice}).Marshal()
			require.NoError(t, err)
			p.raw(leg, plain)
			p.raw(leg, []byte{0x80})
			stranger := newPeer(t)
			stranger.raw(leg, last)
			p.raw(leg, last)
			p.raw(leg, last)
			eventually(t, "counted", func() bool {
				st := leg.Stats()
				return st.Received == 201 && st.Unauthentic == 2 && st.Replayed == 2 && st.Malformed == 1 && st.Strange == 1
			})
		})
	}
}

func TestForgedStreamsCostNothing(t *testing.T) {
	ports := testPorts(t, PortOptions{})
	p := newSRTPPeer(t, suites()[0])
	leg := legOn(t, ports, LegOptions{})
	_, err := leg.Answer(p.offer("RTP/SAVP", p.line))
	require.NoError(t, err)
	p.raw(leg, p.seal(7, 1, make([]byte, 160)))
	eventually(t, "received", func() bool { return leg.Stats().Received == 1 })
	for i := range uint64(500) {
		p.raw(leg, append(append([]byte{0x80, 8, 0, 1, 0, 0, 0, 0, 1, 2, byte(i >> 8), byte(i)}, make([]byte, 160)...), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10))
		eventually(t, "refused", func() bool { return leg.Stats().Unauthentic == i+1 })
	}
	p.raw(leg, p.seal(7, 1, make([]byte, 160)))
	p.raw(leg, p.seal(7, 2, make([]byte, 160)))
	eventually(t, "the stream goes on", func() bool { return leg.Stats().Received == 2 && leg.Stats().Strange == 0 })
	// The second of the same index, encrypted afresh, is a replay all the same.
	require.Equal(t, uint64(1), leg.Stats().Replayed)
	require.LessOrEqual(t, leg.unsealer.Load().keys[0].probes, maxProbes)
}

func TestRekeying(t *testing.T) {
	ports := testPorts(t, PortOptions{})
	p := newSRTPPeer(t, suites()[0])
	leg := legOn(t, ports, LegOptions{})
	answer, err := leg.Answer(p.offer("RTP/SAVP", p.line))
	require.NoError(t, err)
	p.accept(answer)
	p.raw(leg, p.seal(7, 1, make([]byte, 160)))
	eventually(t, "received", func() bool { return leg.Stats().Received == 1 })
	old := p.seal(7, 2, make([]byte, 160))
	older := p.seal(7, 9, make([]byte, 160))

	p.rekey(suites()[1])
	answer, err = leg.Answer(p.offer("RTP/SAVP", p.line))
	require.NoError(t, err)
	p.accept(answer)
	leg.Play(Tone(440, -10, 0), true)
	p.readSealed()
	// What was under way is still taken, until the first packet under the new key.
	p.raw(leg, old)
	eventually(t, "received", func() bool { return leg.Stats().Received == 2 })
	p.raw(leg, p.seal(7, 3, make([]byte, 160)))
	eventually(t, "received", func() bool { return leg.Stats().Received == 3 })
	p.raw(leg, older)
	eventually(t, "refused", func() bool { return leg.Stats().Unauthentic == 1 })
	require.Equal(t, uint64(3), leg.Stats().Received)
}

func TestCryptoLines(t *testing.T) {
	ports := testPorts(t, PortOptions{})
	const key = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz" // the example of RFC 4568
	good := "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + key
	for _, c := range []struct {
		line string
		ok   bool
	}{
		{good, true},
		{good + "|2^20", true},
		{good + "|1048576 WSH=128", true},
		{good + " -X=1 KDR=0", true},
		{"a=crypto:1 aes_cm_128_hmac_sha1_32 INLINE:" + key, true},
		{good + "|2^20|1:4", false},
		{good + "|1:4;inline:" + key + "|2:4", false},
		{good + " UNENCRYPTED_SRTP", false},
		{good + " FEC_ORDER=FEC_SRTP", false},
		{"a=crypto:1 F8_128_HMAC_SHA1_80 inline:" + key, false},
		{"a=crypto:1 AES_256_CM_HMAC_SHA1_80 inline:" + key, false},
		{"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + key[4:], false},
		{"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + key + key, false},
		{"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:?" + key[1:], false},
		{"a=crypto:1 AES_CM_128_HMAC_SHA1_80 uri:" + key, false},
		{"a=crypto:1 AES_CM_128_HMAC_SHA1_80", false},
		{"a=crypto:-1 AES_CM_128_HMAC_SHA1_80 inline:" + key, false},
		{"a=crypto:12345678901 AES_CM_128_HMAC_SHA1_80 inline:" + key, false},
		{"a=crypto:", false},
		{"a=crypto", false},
		{"a=sendrecv", false},
	} {
		p := newSRTPPeer(t, suites()[0])
		leg := legOn(t, ports, LegOptions{})
		answer, err := leg.Answer(p.offer("RTP/SAVPF", c.line))
		if !c.ok {
			require.ErrorIs(t, err, ErrNoKey, c.line)
			require.NotContains(t, err.Error(), key)
			// The next line is taken.
			answer, err = leg.Answer(p.offer("RTP/SAVPF", c.line, good))
		}
		require.NoError(t, err, c.line)
		require.Contains(t, string(answer), "RTP/SAVPF 8 101\r\n")
		require.Contains(t, string(answer), "a=crypto:1 AES_CM_128_HMAC_SHA1_")
		require.NotContains(t, string(answer), key)
		leg.Close()
	}
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.StringMatching(`[0-9]{0,10} ?(AES_CM_128_HMAC_SHA1_80)? ?(inline:)?[A-Za-z0-9+/=|;: ]{0,60}`).Draw(t, "line")
		if k, ok := parseCrypto(line); ok {
			again, ok := parseCrypto(strings.TrimPrefix(strings.TrimSpace(string(appendCrypto(nil, []cryptoKey{k}))), "a=crypto:"))
			if !ok || again != k {
				t.Fatalf("%q is read as something else when written", line)
			}
		}
	})
	require.Equal(t, "AES_CM_128_HMAC_SHA1_80", fmt.Sprintf("%v", newCryptoKey(1, suites()[0])))
	require.Equal(t, "AES_CM_128_HMAC_SHA1_80", fmt.Sprintf("%+v", newCryptoKey(1, suites()[0])))
}

func TestEncryptedLineIsTaken(t *testing.T) {
	ports := testPorts(t, PortOptions{})
	p := newSRTPPeer(t, suites()[0])
	avp := []string{fmt.Sprintf("m=audio %d RTP/AVP 8", p.addr().Port())}
	both := p.offer("RTP/AVP", fmt.Sprintf("m=audio %d RTP/SAVP 8", p.addr().Port()), p.line)
	for _, c := range []struct {
		offer []byte
		use   SecurityUse
		want  []string
		err   error
	}{
		{both, AcceptSRTP, []string{"m=audio 0 RTP/AVP", "RTP/SAVP 8\r\n"}, nil},
		{both, RequireSRTP, []string{"m=audio 0 RTP/AVP", "RTP/SAVP 8\r\n"}, nil},
		{both, RefuseSRTP, []string{"RTP/AVP 8", "m=audio 0 RTP/SAVP"}, nil},
		{p.offer("RTP/SAVP", append([]string{p.line}, avp...)...), AcceptSRTP, []string{"RTP/SAVP 8", "m=audio 0 RTP/AVP"}, nil},
		{p.offer("RTP/SAVP", append([]string{"a=crypto:x"}, avp...)...), AcceptSRTP, []string{"m=audio 0 RTP/SAVP", "RTP/AVP 8\r\n"}, nil},
		{p.offer("RTP/SAVP", append([]string{"a=crypto:x"}, avp...)...), RequireSRTP, nil, ErrNoKey},
		{p.offer("RTP/AVP", p.line), AcceptSRTP, []string{"RTP/AVP 8 101\r\n", "a=crypto:3 "}, nil},
	} {
		leg := legOn(t, ports, LegOptions{Security: c.use})
		answer, err := leg.Answer(c.offer)
		require.ErrorIs(t, err, c.err)
		for _, part := range c.want {
			require.Contains(t, string(answer), part)
		}
		leg.Close()
	}
}

// No audio in the clear is taken, nor sent, from the offer on.
func TestRequiredMeansNeverInTheClear(t *testing.T) {
	ports := testPorts(t, PortOptions{})
	p := newPeer(t)
	leg := legOn(t, ports, LegOptions{Security: RequireSRTP})
	leg.Offer()
	leg.Play(Tone(440, -10, 0), true)
	p.send(leg, rtp.Header{PayloadType: 8, SSRC: 1}, make([]byte, 160))
	eventually(t, "held", leg.early.Load)
	require.ErrorIs(t, leg.Accept(p.sdp("8")), ErrNoKey)
	require.Zero(t, leg.Stats().Received)
	require.Zero(t, leg.Stats().Sent)
}

// The first sound may come before the answer with its key has been read. It is kept, and nothing in the clear passes with it.
func TestSoundBeforeTheKeys(t *testing.T) {
	ports := testPorts(t, PortOptions{})
	caller, called := legOn(t, ports, LegOptions{Security: RequireSRTP}), legOn(t, ports, LegOptions{})
	heard := make(chan int, 100)
	caller.Receive(func(pcm []int16) { heard <- len(pcm) })
	offer := caller.Offer()
	newPeer(t).send(caller, rtp.Header{PayloadType: 8, SSRC: 1}, make([]byte, 160))
	eventually(t, "held", caller.early.Load)
	answer, err := called.Answer(offer)
	require.NoError(t, err)
	soon(t, called.Play(Tone(440, -10, 5*20*time.Millisecond), false).Done())
	eventually(t, "held", func() bool { return caller.earlyPackets() == 6 })
	require.Zero(t, caller.Stats().Received)
	require.NoError(t, caller.Accept(answer))
	soon(t, called.Play(Tone(440, -10, 3*20*time.Millisecond), false).Done())
	for range 8 {
		soon(t, heard)
	}
	stats := caller.Stats()
	require.EqualValues(t, 8, stats.Received)
	require.Zero(t, stats.Lost)
	require.EqualValues(t, 1, stats.Unauthentic, "what the stranger sent")
	require.Empty(t, heard)
}

// The newest packets wait, and no more of them than there is room for.
func TestEarlySoundIsBounded(t *testing.T) {
	leg := legOn(t, testPorts(t, PortOptions{}), LegOptions{Security: RequireSRTP})
	leg.Offer()
	p := newPeer(t)
	for seq := range uint16(maxEarly + 5) {
		p.send(leg, rtp.Header{PayloadType: 8, SSRC: 1, SequenceNumber: seq}, make([]byte, 160))
	}
	eventually(t, "dropped", func() bool { return leg.Stats().Unauthentic == 5 })
	require.Equal(t, maxEarly, leg.earlyPackets())
}

func (l *Leg) earlyPackets() int {
	l.inMu.Lock()
	defer l.inMu.Unlock()
	return len(l.in.early)
}

func TestSealedBridges(t *testing.T) {
	plain := LegOptions{}
	long, short := LegOptions{Security: RequireSRTP}, LegOptions{Security: RequireSRTP, Codecs: []Codec{PCMU}}
	for _, pair := range [][2]LegOptions{{plain, long}, {long, short}, {short, plain}, {long, long}} {
		ports := testPorts(t, PortOptions{})
		hotline := testPorts(t, PortOptions{})
		var phones, legs [2]*Leg
		for i, opts := range pair {
			phones[i], legs[i] = legOn(t, ports, opts), legOn(t, hotline, LegOptions{})
			agreeOn(t, phones[i], legs[i])
		}
		Connect(legs[0], legs[1])
		bridgedTones(t, phones[0], phones[1])
	}
}

// bridgedTones plays a tone at each end, waits for it at the other, and then sends a digit.
func bridgedTones(t *testing.T, a, b *Leg) {
	t.Helper()
	tones := [2]float64{440, 1000}
	for i, pair := range [][2]*Leg{{a, b}, {b, a}} {
		heard := make(chan struct{})
		done := false
		pair[1].Receive(func(pcm []int16) {
			if !done && Goertzel(pcm, SampleRate, tones[i]) > 0.1 && Goertzel(pcm, SampleRate, tones[1-i]) < 0.05 {
				done = true
				close(heard)
			}
		})
		pb := pair[0].Play(Tone(tones[i], -10, 0), true)
		select {
		case <-heard:
		case <-time.After(patience):
			require.Fail(t, "no tone", "%+v %+v", pair[0].Stats(), pair[1].Stats())
		}
		pair[1].Receive(nil)
		pb.Stop()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		require.NoError(t, pair[0].SendDigit(ctx, '7'))
		select {
		case d := <-pair[1].Digits():
			require.Equal(t, '7', d.Rune)
		case <-ctx.Done():
			require.Fail(t, "no digit")
		}
		cancel()
	}
}

func TestReportsAreSealed(t *testing.T) {
	ports := testPorts(t, PortOptions{})
	a, b := legOn(t, ports, LegOptions{Security: RequireSRTP}), legOn(t, ports, LegOptions{})
	report := []byte{0x80, 201, 0, 1, 1, 2, 3, 4}
	same, err := a.protectRTCP(nil, report)
	require.NoError(t, err)
	require.Equal(t, report, same)
	agreeOn(t, a, b)
	sealed, err := a.protectRTCP(nil, report)
	require.NoError(t, err)
	require.Len(t, sealed, len(report)+14)
	plain, err := b.unprotectRTCP(nil, sealed)
	require.NoError(t, err)
	require.Equal(t, report, plain)
	_, err = b.unprotectRTCP(nil, sealed)
	require.Error(t, err, "replayed")
	for range 2 * maxProbes {
		_, err = b.unprotectRTCP(nil, append(append([]byte(nil), report...), make([]byte, 14)...))
		require.Error(t, err)
	}
	// On the RTP port reports are nobody's fault.
	p := newPeer(t)
	c := answered(t, ports, p, "8")
	p.raw(c, report)
	p.send(c, rtp.Header{PayloadType: 8, SSRC: 1}, make([]byte, 160))
	eventually(t, "received", func() bool { return c.Stats().Received == 1 })
	require.Zero(t, c.Stats().Malformed)
}

func TestReplayGuard(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		replayed := false
		g, seen, top := newReplayGuard(&replayed), map[uint64]bool{}, uint64(0)
		for range 200 {
			next := rapid.Uint64Range(0, top+80).Draw(t, "index")
			accept, ok := g.Check(next)
			want := !seen[next] && (len(seen) == 0 || next+replayWindow > top)
			if ok != want {
				t.Fatalf("index %d below %d: %v", next, top, ok)
			}
			if ok && rapid.Bool().Draw(t, "authentic") {
				accept()
				seen[next] = true
				top = max(top, next)
			}
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	key := newCryptoKey(1, suites()[0])
	s, err := newSealer(&key)
	require.NoError(b, err)
	packet := make([]byte, 172)
	packet[0] = 0x80
	k := &receiveKey{key: key}
	b.ReportAllocs()
	for i := range b.N {
		packet[2], packet[3] = byte(i>>8), byte(i)
		if k.open(s.seal(packet), 0) == nil {
			b.Fatal("not opened")
		}
	}
}

// Where both ends are bare sockets the address of the encrypted line is used.
func TestSealedLegIsLockedByAuthenticPackets(t *testing.T) {
	ports := testPorts(t, PortOptions{})
	p := newSRTPPeer(t, suites()[0])
	leg := legOn(t, ports, LegOptions{})
	_, err := leg.Answer([]byte(strings.Replace(string(p.offer("RTP/SAVP", p.line)), "c=IN IP4 127.0.0.1", "c=IN IP4 192.0.2.1", 1)))
	require.NoError(t, err)
	stranger, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(leg.Port()))))
	require.NoError(t, err)
	defer func() { require.NoError(t, stranger.Close()) }()
	_, err = stranger.Write(append([]byte{0x80, 8, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4}, make([]byte, 170)...))
	require.NoError(t, err)
	eventually(t, "refused", func() bool { return leg.Stats().Unauthentic == 1 })
	require.Empty(t, leg.Stats().Source)
	p.raw(leg, p.seal(7, 1, make([]byte, 160)))
	eventually(t, "locked", func() bool { return leg.Stats().Source == p.addr().String() })
}

// Reports are encrypted on the wire, and both ends understand them.
func TestSealedReports(t *testing.T) {
	ports := testPorts(t, PortOptions{})
	a, b := legOn(t, ports, LegOptions{Security: RequireSRTP}), legOn(t, ports, LegOptions{})
	agreeOn(t, a, b)
	a.Play(Tone(440, -10, 0), true)
	b.Play(Tone(440, -10, 0), true)
	eventually(t, "reported", func() bool { return a.Stats().Reports > 0 && b.Stats().Reports > 0 })
	require.Zero(t, a.Stats().Unauthentic+b.Stats().Unauthentic+a.Stats().Malformed)
}
