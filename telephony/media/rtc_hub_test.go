package media

import (
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/stun/v3"
	"github.com/pion/webrtc/v4"
	"github.com/stretchr/testify/require"
)

// webRTC opens a phone's leg and the server's, and lets the phone call.
func webRTC(t *testing.T, server *Ports, opts LegOptions) (phone, leg *Leg) {
	t.Helper()
	phone, leg = legOn(t, testPorts(t, PortOptions{FullICE: true}), LegOptions{WebRTC: OfferWebRTC}), legOn(t, server, opts)
	agreeOn(t, phone, leg)
	connected(t, phone, leg)
	return phone, leg
}

// failing gives options that tell of failures.
func failingOptions() (LegOptions, <-chan error) {
	failed := make(chan error, 1)
	return LegOptions{OnFail: func(err error) { failed <- err }}, failed
}

func transportFails(t *testing.T, failed <-chan error) {
	t.Helper()
	select {
	case err := <-failed:
		require.ErrorIs(t, err, ErrTransport)
	case <-time.After(patience):
		require.Fail(t, "it does not fail")
	}
}

// A call's BYE may come after DTLS's goodbye, which is then no failure.
func TestBrowserLeavesBeforeItsBye(t *testing.T) {
	opts, failed := failingOptions()
	phone, leg := webRTC(t, testPorts(t, PortOptions{}), opts)
	phone.Close()
	select {
	case err := <-failed:
		require.Fail(t, "too early", "%v", err)
	case <-time.After(rtcGoodbye / 4):
	}
	leg.Close()
	require.Empty(t, failed)
}

// Each leg that is closed says goodbye, whatever else the system runs meanwhile.
func TestGoodbyeIsSaid(t *testing.T) {
	server := testPorts(t, PortOptions{})
	var phones []*Leg
	var ends []<-chan error
	for range 30 {
		opts, failed := failingOptions()
		phone, leg := webRTC(t, server, opts)
		phones, ends = append(phones, phone), append(ends, failed)
		t.Cleanup(leg.Close)
	}
	for _, phone := range phones {
		phone.Close()
	}
	for _, failed := range ends {
		require.ErrorIs(t, soon(t, failed), errLeft)
	}
}

// A browser that leaves ends the leg soon; one whose checks stop does after 30 s, and one that never comes after 3 min: until then
// somebody may have to pick up.
func TestBrowserGone(t *testing.T) {
	server := testPorts(t, PortOptions{})
	opts, failed := failingOptions()
	phone, leg := webRTC(t, server, opts)
	require.Empty(t, failed)
	phone.Close()
	transportFails(t, failed)
	leg.Close()

	opts, failed = failingOptions()
	_, leg = webRTC(t, server, opts)
	r := leg.rtc.Load()
	r.mu.Lock()
	r.theirs = "moved" // the phone's checks are none now
	r.mu.Unlock()
	r.look(leg.now().Add(rtcSilent - 10*time.Second))
	require.Empty(t, failed)
	r.look(leg.now().Add(rtcSilent + time.Second))
	transportFails(t, failed)

	opts, failed = failingOptions()
	leg = legOn(t, server, opts)
	_, err := leg.Answer(legOn(t, testPorts(t, PortOptions{FullICE: true}), LegOptions{WebRTC: OfferWebRTC}).Offer())
	require.NoError(t, err)
	r = leg.rtc.Load()
	r.look(leg.now().Add(rtcWait - 10*time.Second))
	require.Empty(t, failed)
	r.look(leg.now().Add(rtcWait + time.Second))
	transportFails(t, failed)
}

// Another implementation restarts ICE: it gets new credentials, the audio goes on along the new path, and the former credentials are void.
func TestBrowserRestartsICE(t *testing.T) {
	server := testPorts(t, PortOptions{})
	pc, track := browser(t, false)
	leg := legOn(t, server, LegOptions{Codecs: []Codec{PCMU}})
	negotiate := func(options *webrtc.OfferOptions) string {
		offer, err := pc.CreateOffer(options)
		require.NoError(t, err)
		answer, err := leg.Answer([]byte(settle(t, pc, offer)))
		require.NoError(t, err)
		require.NoError(t, pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: string(answer)}), string(answer))
		return string(answer)
	}
	negotiate(nil)
	connected(t, leg)
	heard := make(chan struct{}, 100)
	leg.Receive(func([]int16) {
		select {
		case heard <- struct{}{}:
		default:
		}
	})
	voice := microphone{track: track}
	speak := func() {
		for len(heard) > 0 {
			<-heard
		}
		until(t, &voice, make([]byte, 160), heard)
	}
	speak()
	hub := leg.rtc.Load().host.hub
	path := leg.Stats().Source
	former, _, _ := leg.rtc.Load().local()
	answer := negotiate(&webrtc.OfferOptions{ICERestart: true})
	require.NotContains(t, answer, "a=ice-ufrag:"+former+"\r\n")
	eventually(t, "another path", func() bool { return leg.Stats().Source != path })
	eventually(t, "the former credentials are void", func() bool { return hub.find(former) == nil })
	speak()
	require.Zero(t, leg.Stats().Unauthentic)
	// Another certificate is another association, and that is another call.
	offer := strings.ReplaceAll(pc.LocalDescription().SDP, "a=fingerprint:sha-256 ", "a=fingerprint:sha-256 "+strings.Repeat("00:", 31)+"00\r\na=x:")
	_, err := leg.Answer([]byte(offer))
	require.ErrorIs(t, err, ErrNoTransport)
	speak()
}

// What is not a check of the party is dropped without an answer; the party's paths are bounded, and the one in use stays.
func TestChecksOfStrangers(t *testing.T) {
	server := testPorts(t, PortOptions{})
	phone, leg := webRTC(t, server, LegOptions{})
	r := leg.rtc.Load()
	r.mu.Lock()
	own, theirs := r.own[0], r.theirs
	r.mu.Unlock()
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", own, own, own), own.password)
	to := r.host.hub.conn.LocalAddr().(*net.UDPAddr).AddrPort()
	build := func(setters ...stun.Setter) []byte {
		m, err := stun.Build(append([]stun.Setter{stun.TransactionID, stun.BindingRequest}, setters...)...)
		require.NoError(t, err)
		return m.Raw
	}
	user := stun.NewUsername(own.fragment + ":" + theirs)
	stranger := newPeer(t)
	for _, data := range [][]byte{
		{}, {0}, {22}, {128}, {255}, make([]byte, 20), make([]byte, 1400), {0, 1, 0, 0},
		build(stun.Fingerprint), build(user, stun.Fingerprint), build(user, stun.NewShortTermIntegrity("guess"), stun.Fingerprint),
		build(stun.NewUsername(own.fragment), own.integrity, stun.Fingerprint), build(stun.NewUsername(own.fragment+":else"), own.integrity, stun.Fingerprint),
		build(stun.NewUsername("else:"+own.fragment), own.integrity, stun.Fingerprint), build(user, own.integrity),
		append([]byte{0x80, 8}, make([]byte, 170)...), append([]byte{22, 254, 253}, make([]byte, 100)...),
	} {
		_, err := stranger.conn.WriteToUDPAddrPort(data, to)
		require.NoError(t, err)
	}
	// A party that wants to be controlled too is told of the conflict: the first answer that the stranger gets.
	_, err := stranger.conn.WriteToUDPAddrPort(build(user, stun.RawAttribute{Type: stun.AttrICEControlled, Value: make([]byte, 8)}, own.integrity, stun.Fingerprint), to)
	require.NoError(t, err)
	buf := make([]byte, 1500)
	require.NoError(t, stranger.conn.SetReadDeadline(time.Now().Add(patience)))
	n, err := stranger.conn.Read(buf)
	require.NoError(t, err)
	var m stun.Message
	require.NoError(t, stun.Decode(buf[:n], &m))
	require.Equal(t, stun.BindingError, m.Type)
	s := leg.Stats()
	require.Zero(t, s.Malformed+s.Strange+s.Unauthentic, "%+v", s)

	used := s.Source
	for range 3 * maxPaths {
		other := newPeer(t)
		_, err := other.conn.WriteToUDPAddrPort(build(user, stun.RawAttribute{Type: stun.AttrICEControlling, Value: make([]byte, 8)}, own.integrity, stun.Fingerprint), to)
		require.NoError(t, err)
		require.NoError(t, other.conn.SetReadDeadline(time.Now().Add(patience)))
		_, err = other.conn.Read(buf)
		require.NoError(t, err)
	}
	hub := r.host.hub
	hub.mu.RLock()
	require.LessOrEqual(t, len(hub.paths), maxPaths)
	hub.mu.RUnlock()
	require.Equal(t, used, leg.Stats().Source)
	require.Equal(t, sendsFrom(phone), used)
	leg.Close()
	require.Empty(t, hub.paths)
	require.Empty(t, hub.users)
}

// sendsFrom is where a phone's WebRTC leg sends from.
func sendsFrom(phone *Leg) string {
	_, _, at := phone.rtc.Load().local()
	return at.String()
}

// The handshake bears loss and rubbish.
func TestHandshakeOverABadNetwork(t *testing.T) {
	phone, leg := legOn(t, testPorts(t, PortOptions{FullICE: true}), LegOptions{WebRTC: OfferWebRTC}), legOn(t, testPorts(t, PortOptions{}), LegOptions{})
	answer, err := leg.Answer(phone.Offer())
	require.NoError(t, err)
	_, _, at := leg.rtc.Load().local()
	near := lossyRelay(t, at)
	answer = []byte(strings.ReplaceAll(string(answer), fmt.Sprintf(" %d typ host", at.Port()), fmt.Sprintf(" %d typ host", near.Port())))
	require.NoError(t, phone.Accept(answer))
	connected(t, phone, leg)
}

// lossyRelay passes datagrams between one phone and the server, loses every third of either, and adds rubbish to the phone's.
func lossyRelay(t *testing.T, server netip.AddrPort) netip.AddrPort {
	near, far := newPeer(t).conn, newPeer(t).conn
	phone := make(chan netip.AddrPort, 1)
	go func() {
		buf := make([]byte, maxDatagram)
		for n := 0; ; n++ {
			size, src, err := near.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			select {
			case phone <- src:
			default:
			}
			if n%3 != 2 {
				_, _ = far.WriteToUDPAddrPort(buf[:size], server)
			}
			_, _ = far.WriteToUDPAddrPort([]byte{22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 1}, server)
		}
	}()
	go func() {
		buf := make([]byte, maxDatagram)
		var to netip.AddrPort
		for n := 0; ; n++ {
			size, _, err := far.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			if !to.IsValid() {
				to = <-phone
			}
			if n%3 != 1 {
				_, _ = near.WriteToUDPAddrPort(buf[:size], to)
			}
		}
	}()
	return near.LocalAddr().(*net.UDPAddr).AddrPort()
}

// A number is used once under a key, whatever a party whose packets are passed on does; later ones go on.
func TestSealedNumbersAreUsedOnce(t *testing.T) {
	key := newCryptoKey(1, suites()[0])
	s, err := newSealer(&key)
	require.NoError(t, err)
	packet := func(seq uint16, fill byte) []byte {
		data, err := (&rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 8, SequenceNumber: seq, SSRC: 9}, Payload: []byte{fill, fill, fill}}).Marshal()
		require.NoError(t, err)
		return data
	}
	for _, c := range []struct {
		seq  uint16
		sent bool
	}{{65534, true}, {65534, false}, {0, true}, {65535, true}, {65535, false}, {0, false}, {1, true}, {65534, false}, {200, true}, {100, false}, {199, true}} {
		require.Equal(t, c.sent, s.seal(packet(c.seq, byte(c.seq))) != nil, "%d", c.seq)
	}
}

// A leg may be closed while it is still being agreed on: nothing is begun then.
func TestCloseWhileAnswering(t *testing.T) {
	server, phones := testPorts(t, PortOptions{}), testPorts(t, PortOptions{FullICE: true})
	var took time.Duration // of an answer that nobody disturbs
	for i := range 200 {
		offering, leg := legOn(t, server, LegOptions{WebRTC: OfferWebRTC}), legOn(t, phones, LegOptions{})
		offer := offering.Offer()
		answered := make(chan struct{})
		began := time.Now()
		go func() {
			defer close(answered)
			_, _ = leg.Answer(offer)
		}()
		if i == 0 {
			soon(t, answered)
			took = time.Since(began)
		}
		for time.Since(began) < took*time.Duration(i)/150 {
			runtime.Gosched()
		}
		leg.Close()
		soon(t, answered)
		offering.Close()
	}
	require.Zero(t, phones.InUse())
}
