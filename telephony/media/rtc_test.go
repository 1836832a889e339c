package media

import (
	"fmt"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"github.com/stretchr/testify/require"
)

// connected waits for the keys of WebRTC legs.
func connected(t *testing.T, legs ...*Leg) {
	t.Helper()
	for _, l := range legs {
		eventually(t, "connected", func() bool { return l.rtc.Load().ready.Load() })
	}
}

// Every kind of leg talks with every kind, in both directions, and is recorded.
func TestBridgesOfAllKinds(t *testing.T) {
	kinds := map[string]LegOptions{
		"RTP":     {},
		"SRTP 80": {Security: RequireSRTP},
		"SRTP 32": {Security: RequireSRTP, Codecs: []Codec{PCMU}},
		"WebRTC":  {WebRTC: OfferWebRTC, Codecs: []Codec{PCMU, PCMA}},
	}
	for first, a := range kinds {
		for second, b := range kinds {
			t.Run(first+" and "+second, func(t *testing.T) {
				phonePorts, serverPorts := testPorts(t, PortOptions{FullICE: true}), testPorts(t, PortOptions{})
				var phones, legs [2]*Leg
				for i, opts := range []LegOptions{a, b} {
					phones[i], legs[i] = legOn(t, phonePorts, opts), legOn(t, serverPorts, LegOptions{})
					offer := phones[i].Offer()
					if strings.HasSuffix([]string{first, second}[i], "32") {
						offer = only32(phones[i], offer)
					}
					answer, err := legs[i].Answer(offer)
					require.NoError(t, err, string(offer))
					require.NoError(t, phones[i].Accept(answer), string(answer))
					if opts.WebRTC == OfferWebRTC {
						connected(t, phones[i], legs[i])
					}
				}
				path := filepath.Join(t.TempDir(), "call.wav")
				recorder, err := NewRecorder(path, RecorderOptions{})
				require.NoError(t, err)
				Connect(legs[0], legs[1]).Record(recorder)
				bridgedTones(t, phones[0], phones[1])
				recording, err := recorder.Close()
				require.NoError(t, err)
				require.Positive(t, recording.Duration)
				for _, l := range append(phones[:], legs[:]...) {
					s := l.Stats()
					require.Zero(t, s.Unauthentic+s.Replayed+s.Malformed+s.Strange, "%+v", s)
				}
			})
		}
	}
}

// only32 takes the long tags out of an offer.
func only32(l *Leg, offer []byte) []byte {
	l.neg.keys = l.neg.keys[1:]
	var kept []string
	for line := range strings.SplitSeq(string(offer), "\r\n") {
		if !strings.Contains(line, "HMAC_SHA1_80") {
			kept = append(kept, line)
		}
	}
	return []byte(strings.Join(kept, "\r\n"))
}

// The server offers, as it does to a browser that is called.
func TestServerOffersWebRTC(t *testing.T) {
	phonePorts, serverPorts := testPorts(t, PortOptions{FullICE: true}), testPorts(t, PortOptions{})
	server, phone := legOn(t, serverPorts, LegOptions{WebRTC: OfferWebRTC}), legOn(t, phonePorts, LegOptions{})
	welcome := server.Play(Tone(440, -10, time.Second), false)
	heard := make(chan int, 100)
	phone.Receive(func(pcm []int16) { heard <- len(pcm) })
	offer, answer := agreeOn(t, server, phone)
	for _, part := range []string{"a=ice-lite\r\n", "UDP/TLS/RTP/SAVPF 8 0 101\r\n", "a=setup:actpass\r\n", "a=mid:0\r\n", "a=group:BUNDLE 0\r\n", "a=rtcp-mux\r\n", "a=end-of-candidates\r\n"} {
		require.Contains(t, offer, part)
	}
	require.NotContains(t, offer, "CN/8000")
	require.Contains(t, answer, "a=setup:active\r\n")
	connected(t, server, phone)
	// What is played waits for the connection: nothing of it is lost.
	soon(t, welcome.Done())
	for range 50 {
		require.Equal(t, FrameSamples, soon(t, heard))
	}
	phone.Receive(nil)

	// Holding and resuming leave the connection as it is.
	server.Hold(true)
	held, _ := agreeOn(t, server, phone)
	require.Contains(t, held, "a=sendonly\r\n")
	require.Contains(t, held, "a=setup:actpass\r\n")
	server.Hold(false)
	_, again := agreeOn(t, server, phone)
	require.Contains(t, again, "a=setup:active\r\n")
	_, turned := agreeOn(t, phone, server)
	require.Contains(t, turned, "a=setup:passive\r\n")
	bridged := legOn(t, serverPorts, LegOptions{})
	plain := legOn(t, phonePorts, LegOptions{})
	agreeOn(t, plain, bridged)
	Connect(server, bridged)
	bridgedTones(t, phone, plain)
	require.NotEmpty(t, server.Stats().Source)
	require.True(t, server.Secure())

	// Packets at the leg's own port are a stranger's.
	p := newPeer(t)
	before := server.Stats().Received
	p.send(server, rtp.Header{PayloadType: 8, SSRC: 1}, make([]byte, 160))
	eventually(t, "strange", func() bool { return server.Stats().Strange == 1 })
	require.Equal(t, before, server.Stats().Received)
	eventually(t, "reports", func() bool { return server.Stats().Reports > 0 && phone.Stats().Reports > 0 })
}

// browser is another implementation: pion's whole WebRTC stack, as a browser would be set up.
func browser(t *testing.T, video bool) (*webrtc.PeerConnection, *webrtc.TrackLocalStaticRTP) {
	t.Helper()
	engine := &webrtc.MediaEngine{}
	for _, c := range []webrtc.RTPCodecParameters{
		{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: "audio/opus", ClockRate: 48000, Channels: 2}, PayloadType: 111},
		{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypePCMU, ClockRate: 8000}, PayloadType: 0},
		{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypePCMA, ClockRate: 8000}, PayloadType: 8},
	} {
		require.NoError(t, engine.RegisterCodec(c, webrtc.RTPCodecTypeAudio))
	}
	require.NoError(t, engine.RegisterCodec(webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}, PayloadType: 96}, webrtc.RTPCodecTypeVideo))
	setting := webrtc.SettingEngine{}
	setting.SetIncludeLoopbackCandidate(true)
	setting.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	setting.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	pc, err := webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithSettingEngine(setting)).NewPeerConnection(webrtc.Configuration{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = pc.Close() })
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypePCMU, ClockRate: 8000}, "voice", "browser")
	require.NoError(t, err)
	_, err = pc.AddTrack(track)
	require.NoError(t, err)
	if video {
		_, err = pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
		require.NoError(t, err)
	}
	return pc, track
}

// microphone is what a browser's voice comes from.
type microphone struct {
	track *webrtc.TrackLocalStaticRTP
	seq   uint16
}

// until speaks, as a phone does, frame after frame until one is heard: a browser has its keys later than the leg, and drops what it cannot
// send yet without a word.
func until[T any](t *testing.T, m *microphone, voice []byte, heard <-chan T) (what T) {
	t.Helper()
	ticker := time.NewTicker(FrameTime)
	defer ticker.Stop()
	for end := time.After(patience); ; {
		m.seq++
		require.NoError(t, m.track.WriteRTP(&rtp.Packet{
			Header: rtp.Header{Version: 2, SequenceNumber: m.seq, Timestamp: FrameSamples * uint32(m.seq)}, Payload: voice,
		}))
		select {
		case what = <-heard:
			return what
		case <-end:
			require.Fail(t, "nothing was heard")
		case <-ticker.C:
		}
	}
}

func settle(t *testing.T, pc *webrtc.PeerConnection, d webrtc.SessionDescription) string {
	t.Helper()
	gathered := webrtc.GatheringCompletePromise(pc)
	require.NoError(t, pc.SetLocalDescription(d))
	soon(t, gathered)
	return pc.LocalDescription().SDP
}

func TestBrowserCallsAndIsCalled(t *testing.T) {
	for _, calls := range []bool{true, false} {
		t.Run(fmt.Sprint("browser calls: ", calls), func(t *testing.T) {
			ports := testPorts(t, PortOptions{})
			pc, track := browser(t, calls)
			packets := make(chan *rtp.Packet, 100)
			pc.OnTrack(func(tr *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
				for {
					p, _, err := tr.ReadRTP()
					if err != nil {
						return
					}
					select {
					case packets <- p:
					default:
					}
				}
			})
			leg := legOn(t, ports, LegOptions{Codecs: []Codec{PCMU, PCMA}})
			if calls {
				offer, err := pc.CreateOffer(nil)
				require.NoError(t, err)
				answer, err := leg.Answer([]byte(settle(t, pc, offer)))
				require.NoError(t, err)
				require.NoError(t, pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: string(answer)}), string(answer))
				require.Contains(t, string(answer), "m=video 0 ")
			} else {
				leg = legOn(t, ports, LegOptions{Codecs: []Codec{PCMU, PCMA}, WebRTC: OfferWebRTC})
				require.NoError(t, pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: string(leg.Offer())}))
				answer, err := pc.CreateAnswer(nil)
				require.NoError(t, err)
				require.NoError(t, leg.Accept([]byte(settle(t, pc, answer))))
			}
			connected(t, leg)
			leg.Play(Tone(440, -10, 0), true)
			pcm := make([]int16, FrameSamples)
			select {
			case p := <-packets:
				require.Equal(t, uint8(0), p.PayloadType)
				PCMU.Decode(pcm, p.Payload)
				require.Greater(t, Goertzel(pcm, SampleRate, 440), 0.1)
			case <-time.After(patience):
				require.Fail(t, "nothing heard", "%+v", leg.Stats())
			}
			heard := make(chan float64, 1)
			leg.Receive(func(pcm []int16) {
				select {
				case heard <- Goertzel(pcm, SampleRate, 1000):
				default:
				}
			})
			Tone(1000, -10, 0).Fill(pcm, 0)
			voice := make([]byte, FrameSamples)
			PCMU.Encode(voice, pcm)
			require.Greater(t, until(t, &microphone{track: track}, voice, heard), 0.1)
			leg.Receive(nil)
			leg.Close()
			eventually(t, "the browser is told", func() bool { return pc.ConnectionState() == webrtc.PeerConnectionStateClosed })
		})
	}
}

func TestWrongFingerprintIsRefused(t *testing.T) {
	phonePorts, serverPorts := testPorts(t, PortOptions{FullICE: true}), testPorts(t, PortOptions{})
	failed := make(chan error, 1)
	phone := legOn(t, phonePorts, LegOptions{WebRTC: OfferWebRTC})
	server := legOn(t, serverPorts, LegOptions{OnFail: func(err error) { failed <- err }})
	own := phone.rtc.Load().host.fingerprint
	answer, err := server.Answer([]byte(strings.ReplaceAll(string(phone.Offer()), own, strings.Repeat("AB:", 31)+"AB")))
	require.NoError(t, err)
	require.NoError(t, phone.Accept(answer))
	server.Play(Tone(440, -10, 0), true)
	select {
	case err := <-failed:
		require.ErrorIs(t, err, ErrTransport)
	case <-time.After(patience):
		require.Fail(t, "not refused")
	}
	require.Zero(t, server.Stats().Sent)
	require.Zero(t, phone.Stats().Received)
}

func TestMalformedTransports(t *testing.T) {
	phonePorts, serverPorts := testPorts(t, PortOptions{FullICE: true}), testPorts(t, PortOptions{})
	good := string(legOn(t, phonePorts, LegOptions{WebRTC: OfferWebRTC}).Offer())
	replace := func(key, with string) string {
		var lines []string
		for line := range strings.SplitSeq(good, "\r\n") {
			if strings.HasPrefix(line, "a="+key) {
				line = with
			}
			if line != "" {
				lines = append(lines, line)
			}
		}
		return strings.Join(lines, "\r\n") + "\r\n"
	}
	for _, offer := range []string{
		replace("fingerprint", ""), replace("fingerprint", "a=fingerprint:sha-256"), replace("fingerprint", "a=fingerprint:sha-256 AB:CD"),
		replace("fingerprint", "a=fingerprint:sha-1 "+strings.Repeat("AB:", 19)+"AB"), replace("fingerprint", "a=fingerprint:sha-256 "+strings.Repeat("XY:", 31)+"XY"),
		replace("ice-ufrag", ""), replace("ice-ufrag", "a=ice-ufrag:x"), replace("ice-ufrag", "a=ice-ufrag:"+strings.Repeat("x", 257)), replace("ice-ufrag", "a=ice-ufrag:ab cd"),
		replace("ice-pwd", ""), replace("ice-pwd", "a=ice-pwd:short"), replace("rtcp-mux", ""), replace("setup", "a=setup:holdconn"),
	} {
		leg := legOn(t, serverPorts, LegOptions{})
		_, err := leg.Answer([]byte(offer))
		require.ErrorIs(t, err, ErrNoTransport, offer)
		require.False(t, leg.WebRTC())
		leg.Close()
	}
	for _, offer := range []string{good, replace("setup", ""), replace("mid", ""), replace("candidate", "a=candidate:what"), replace("candidate", "a=candidate:1 1 udp 1 x.local 9 typ host"), replace("group", "")} {
		leg := legOn(t, serverPorts, LegOptions{})
		_, err := leg.Answer([]byte(offer))
		require.NoError(t, err, offer)
		leg.Close()
	}
	leg := legOn(t, serverPorts, LegOptions{WebRTC: RefuseWebRTC})
	_, err := leg.Answer([]byte(good))
	require.ErrorIs(t, err, ErrNoAudio)
	// A leg that is plain stays so.
	p := newPeer(t)
	_, err = answered(t, serverPorts, p, "8").Answer([]byte(good))
	require.ErrorIs(t, err, ErrNoAudio)
}

func TestWebRTCLegsAreBoundedAndLeaveNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	serverPorts, err := NewPorts(PortOptions{RTCLegs: 4})
	require.NoError(t, err)
	phonePorts, err := NewPorts(PortOptions{FullICE: true})
	require.NoError(t, err)
	for round := range 3 {
		var legs []*Leg
		for i := range 4 {
			phone := legOn(t, phonePorts, LegOptions{WebRTC: OfferWebRTC})
			server := legOn(t, serverPorts, LegOptions{})
			agreeOn(t, phone, server)
			if i > round { // some end while they connect
				connected(t, phone, server)
			}
			legs = append(legs, phone, server)
		}
		_, err := serverPorts.Open(LegOptions{WebRTC: OfferWebRTC})
		require.ErrorIs(t, err, ErrNoPorts)
		var closing sync.WaitGroup
		for _, l := range legs {
			closing.Go(l.Close)
		}
		closing.Wait()
	}
	require.Zero(t, serverPorts.rtc.legs)
	require.Zero(t, serverPorts.InUse())
	addr := serverPorts.rtc.hub.conn.LocalAddr().(*net.UDPAddr).AddrPort()
	serverPorts.Close()
	phonePorts.Close()
	eventually(t, "goroutines ended", func() bool { return runtime.NumGoroutine() <= before+1 })
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(addr))
	require.NoError(t, err, "the port is free again")
	require.NoError(t, conn.Close())
}

// Datagrams of strangers to the shared port harm nobody.
func TestStrangersAtTheSharedPort(t *testing.T) {
	phonePorts, serverPorts := testPorts(t, PortOptions{FullICE: true}), testPorts(t, PortOptions{})
	phone, server := legOn(t, phonePorts, LegOptions{WebRTC: OfferWebRTC}), legOn(t, serverPorts, LegOptions{})
	agreeOn(t, phone, server)
	connected(t, phone, server)
	conn, err := net.DialUDP("udp4", nil, serverPorts.rtc.hub.conn.LocalAddr().(*net.UDPAddr))
	require.NoError(t, err)
	for i := range 300 {
		size := i + 1
		data := make([]byte, size)
		for j := range data {
			data[j] = byte(i * (j + 7))
		}
		_, err := conn.Write(data)
		require.NoError(t, err)
	}
	require.NoError(t, conn.Close())
	other, plain := legOn(t, serverPorts, LegOptions{}), legOn(t, phonePorts, LegOptions{})
	agreeOn(t, plain, other)
	Connect(server, other)
	bridgedTones(t, phone, plain)
}
