package media

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func crlf(lines ...string) []byte { return []byte(strings.Join(lines, "\r\n") + "\r\n") }

func session(lines ...string) []byte {
	head := []string{"v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0"}
	return crlf(append(head, lines...)...)
}

func openLeg(t *testing.T, opts LegOptions) *Leg {
	t.Helper()
	ports, err := NewPorts(PortOptions{})
	require.NoError(t, err)
	t.Cleanup(ports.Close)
	leg, err := ports.Open(opts)
	require.NoError(t, err)
	return leg
}

func TestAnswer(t *testing.T) {
	for _, c := range []struct {
		name   string
		offer  []byte
		codecs []Codec
		err    error
		has    []string
		not    []string
		codec  Codec
	}{
		{name: "both laws, their order", offer: session("m=audio 4000 RTP/AVP 0 8 101", "a=rtpmap:101 telephone-event/8000"),
			codec: PCMU, has: []string{" RTP/AVP 0 101\r\n", "a=sendrecv"}},
		{name: "only PCMA wanted", offer: session("m=audio 4000 RTP/AVP 0 8"), codecs: []Codec{PCMA}, codec: PCMA,
			has: []string{" RTP/AVP 8\r\n"}, not: []string{"telephone-event"}},
		{name: "events at 96", offer: session("m=audio 4000 RTP/AVP 18 8 96", "a=rtpmap:96 telephone-event/8000", "a=fmtp:96 0-16"),
			codec: PCMA, has: []string{" RTP/AVP 8 96\r\n", "a=rtpmap:96 telephone-event/8000"}},
		{name: "events at 48 kHz only", offer: session("m=audio 4000 RTP/AVP 8 96", "a=rtpmap:96 telephone-event/48000"),
			codec: PCMA, not: []string{"telephone-event"}},
		{name: "law under a dynamic type", offer: session("m=audio 4000 RTP/AVP 97", "a=rtpmap:97 PCMA/8000"), codec: PCMA,
			has: []string{" RTP/AVP 97\r\n", "a=rtpmap:97 PCMA/8000"}},
		{name: "video refused in its place", offer: session("m=video 5000 RTP/AVP 31", "m=audio 4000 RTP/AVP 8", "m=application 9 UDP/BFCP *"),
			codec: PCMA, has: []string{"m=video 0 RTP/AVP 31\r\nm=audio ", "m=application 0 UDP/BFCP *\r\n"}},
		{name: "second audio refused", offer: session("m=audio 4000 RTP/AVP 8", "m=audio 4002 RTP/AVP 0"), codec: PCMA,
			has: []string{"m=audio 0 RTP/AVP 0\r\n"}},
		{name: "hold", offer: session("m=audio 4000 RTP/AVP 8", "a=sendonly"), codec: PCMA, has: []string{"a=recvonly"}},
		{name: "hold on session level", offer: crlf("v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0", "a=inactive", "m=audio 4000 RTP/AVP 8"),
			codec: PCMA, has: []string{"a=inactive"}},
		{name: "no audio", offer: session("m=video 5000 RTP/AVP 31"), err: ErrNoAudio},
		{name: "no media", offer: session(), err: ErrNoAudio},
		{name: "port 0", offer: session("m=audio 0 RTP/AVP 8"), err: ErrNoAudio},
		{name: "SRTP without a key", offer: session("m=audio 4000 RTP/SAVP 8"), err: ErrNoKey},
		{name: "foreign codecs", offer: session("m=audio 4000 RTP/AVP 18 111", "a=rtpmap:111 opus/48000/2"), err: ErrNoCodec},
		{name: "events alone", offer: session("m=audio 4000 RTP/AVP 101", "a=rtpmap:101 telephone-event/8000"), err: ErrNoCodec},
		{name: "8 means something else", offer: session("m=audio 4000 RTP/AVP 8", "a=rtpmap:8 G729/8000"), err: ErrNoCodec},
		{name: "not SDP", offer: []byte("hello"), err: ErrBadSDP},
		{name: "empty", err: ErrBadSDP},
		{name: "huge", offer: session("a=" + strings.Repeat("x", 20000)), err: ErrBadSDP},
	} {
		t.Run(c.name, func(t *testing.T) {
			leg := openLeg(t, LegOptions{Codecs: c.codecs})
			answer, err := leg.Answer(c.offer)
			if c.err != nil {
				require.ErrorIs(t, err, c.err)
				_, ok := leg.Codec()
				require.False(t, ok)
				return
			}
			require.NoError(t, err)
			codec, ok := leg.Codec()
			require.True(t, ok)
			require.Equal(t, c.codec, codec)
			require.Contains(t, string(answer), fmt.Sprintf("m=audio %d RTP/AVP", leg.Port()))
			for _, s := range c.has {
				require.Contains(t, string(answer), s)
			}
			for _, s := range c.not {
				require.NotContains(t, string(answer), s)
			}
			_, err = parseSDP(answer, -1, lineRules{plain: true, rtc: true})
			require.NoError(t, err, "the answer is SDP itself")
		})
	}
}

func TestOfferAndAccept(t *testing.T) {
	a, b := openLeg(t, LegOptions{}), openLeg(t, LegOptions{Codecs: []Codec{PCMU}})
	offer := a.Offer()
	require.Contains(t, string(offer), "RTP/AVP 8 0 101")
	require.Equal(t, offer, a.Offer(), "the same offer keeps its version")
	answer, err := b.Answer(offer)
	require.NoError(t, err)
	require.NoError(t, a.Accept(answer))
	require.NoError(t, a.Accept(answer), "a 183 and a 200 bring the same answer")
	codec, _ := a.Codec()
	require.Equal(t, PCMU, codec)
	require.Equal(t, SendRecv, a.Direction())
	require.Equal(t, SendRecv, b.Direction())

	a.Hold(true)
	hold := a.Offer()
	require.Contains(t, string(hold), "a=sendonly")
	require.NotEqual(t, originOf(offer), originOf(hold), "a changed description has a new version")
	answer, err = b.Answer(hold)
	require.NoError(t, err)
	require.Contains(t, string(answer), "a=recvonly")
	require.True(t, b.RemoteHold(), "a sends music and takes nothing")
	require.Equal(t, RecvOnly, b.Direction())
	require.NoError(t, a.Accept(answer))
	require.Equal(t, SendOnly, a.Direction())
	a.Hold(false)
	answer, err = b.Answer(a.Offer())
	require.NoError(t, err)
	require.NoError(t, a.Accept(answer))
	require.Equal(t, SendRecv, a.Direction())
}

func originOf(body []byte) string {
	return strings.Split(string(body), "\r\n")[1]
}

func TestAcceptRefusals(t *testing.T) {
	leg := openLeg(t, LegOptions{})
	leg.Offer()
	require.ErrorIs(t, leg.Accept(session("m=audio 0 RTP/AVP 8")), ErrNoAudio)
	require.ErrorIs(t, leg.Accept(session("m=audio 4000 RTP/AVP 18")), ErrNoCodec)
	require.ErrorIs(t, leg.Accept([]byte("hello")), ErrBadSDP)
	require.ErrorIs(t, leg.Accept(nil), ErrBadSDP)
}

func TestReofferKeepsLines(t *testing.T) {
	leg := openLeg(t, LegOptions{})
	_, err := leg.Answer(session("m=video 5000 RTP/AVP 31", "m=audio 4000 RTP/AVP 0 96", "a=rtpmap:96 telephone-event/8000"))
	require.NoError(t, err)
	offer := string(leg.Offer())
	require.Contains(t, offer, "m=video 0 RTP/AVP 31\r\nm=audio ")
	require.Contains(t, offer, "a=rtpmap:96 telephone-event/8000", "payload types keep their meaning within a session")
	require.NoError(t, leg.Accept(session("m=video 0 RTP/AVP 31", "m=audio 4000 RTP/AVP 0")))
}

func TestOldHoldAndOddAddresses(t *testing.T) {
	leg := openLeg(t, LegOptions{})
	offer := func(ip string) []byte {
		return crlf("v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 "+ip, "t=0 0", "m=audio 4000 RTP/AVP 8")
	}
	_, err := leg.Answer(offer("127.0.0.1"))
	require.NoError(t, err)
	require.False(t, leg.RemoteHold())
	require.Equal(t, netip.MustParseAddrPort("127.0.0.1:4000"), leg.out.dest)
	_, err = leg.Answer(offer("0.0.0.0"))
	require.NoError(t, err)
	require.True(t, leg.RemoteHold())
	require.False(t, leg.tx.Load().on, "nothing is sent to a phone on hold")
	for _, ip := range []string{"224.0.0.1", "255.255.255.255", "phone.invalid"} {
		other := openLeg(t, LegOptions{})
		_, err = other.Answer(offer(ip))
		require.NoError(t, err)
		require.False(t, other.out.dest.IsValid(), "nothing is sent to %s", ip)
	}
}

func TestSDPNeverPanics(t *testing.T) {
	leg := openLeg(t, LegOptions{})
	line := rapid.SampledFrom([]string{
		"v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "c=IN IP6 ::1", "c=IN IP4", "t=0 0", "m=audio 4000 RTP/AVP 0 8 101",
		"m=audio 4000/2 RTP/AVP 8", "m=audio 99999 RTP/AVP 8", "m=audio -1 RTP/AVP 8", "m=video 0 RTP/AVP", "m=audio 1 RTP/AVP 300", "m=", "a=", "a=rtpmap:",
		"a=rtpmap:8", "a=rtpmap:101 telephone-event/8000", "a=sendonly", "a=rtpmap:8 PCMA/8000/1", "b=AS:64", "k=clear:", "z=", "r=", "",
	})
	rapid.Check(t, func(t *rapid.T) {
		var body []byte
		if rapid.Bool().Draw(t, "headed") {
			body = session()
		}
		for _, l := range rapid.SliceOfN(line, 0, 10).Draw(t, "lines") {
			body = append(body, l+"\r\n"...)
		}
		for range rapid.IntRange(0, 3).Draw(t, "changes") {
			if len(body) > 0 {
				body[rapid.IntRange(0, len(body)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
			}
		}
		if answer, err := leg.Answer(body); err == nil {
			_, err = parseSDP(answer, -1, lineRules{plain: true, rtc: true})
			require.NoError(t, err, "answer %q", answer)
		}
		_ = leg.Accept(body)
		leg.Offer()
	})
}
