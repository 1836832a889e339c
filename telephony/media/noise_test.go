package media

import (
	"math"
	"strings"
	"testing"

	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"
)

func TestNoiseLevel(t *testing.T) {
	n := noise{state: 7}
	pcm := make([]int16, SampleRate)
	for _, level := range []uint8{30, 40, 66} {
		n.fill(pcm, level)
		require.InDelta(t, -float64(level), 20*math.Log10(RMS(pcm)), 0.5)
	}
	n.fill(pcm, 0)
	require.InDelta(t, -30, 20*math.Log10(RMS(pcm)), 0.5, "no peer makes it loud")
}

func TestNoiseIsNegotiated(t *testing.T) {
	ports := testPorts(t, PortOptions{})
	phone := newPeer(t)
	for _, use := range []NoiseUse{AcceptNoise, OfferNoise, RefuseNoise} {
		leg, err := ports.Open(LegOptions{Noise: use})
		require.NoError(t, err)
		answer, err := leg.Answer(phone.sdp("8 13"))
		require.NoError(t, err)
		require.Equal(t, use != RefuseNoise, strings.Contains(string(answer), " 13\r\n"), string(answer))
		require.Equal(t, use != RefuseNoise, strings.Contains(string(answer), "a=rtpmap:13 CN/8000"), string(answer))
		require.Equal(t, use != RefuseNoise, leg.tx.Load().noise)
		require.Equal(t, use == OfferNoise, strings.Contains(string(leg.Offer()), "CN/8000"))
		// Comfort noise alone is no codec.
		_, err = leg.Answer(phone.sdp("13"))
		require.ErrorIs(t, err, ErrNoCodec)
		require.NoError(t, leg.Accept(phone.sdp("0 8")))
		require.False(t, leg.tx.Load().noise)
	}
}

func TestNoiseOverABridge(t *testing.T) {
	for _, knows := range []bool{true, false} {
		ports := testPorts(t, PortOptions{})
		pa, pb := newPeer(t), newPeer(t)
		format := "0"
		if knows {
			format = "0 13"
		}
		a, b := answered(t, ports, pa, "8 13"), answered(t, ports, pb, format)
		Connect(a, b)
		voice := make([]byte, FrameSamples)
		send := func(seq uint16, frame uint32, pt uint8, payload []byte) {
			pa.send(a, rtp.Header{PayloadType: pt, SSRC: 7, SequenceNumber: seq, Timestamp: frame * FrameSamples, Marker: frame == 20}, payload)
		}
		send(1, 0, 8, voice)
		first := pb.read()
		send(2, 1, 13, []byte{55, 1, 2})
		if knows {
			got := pb.read()
			require.Equal(t, uint8(13), got.PayloadType)
			require.Equal(t, []byte{55, 1, 2}, got.Payload)
			require.Equal(t, first.SequenceNumber+1, got.SequenceNumber)
		}
		// After a pause the timestamps tell its length, and no number is missing.
		send(3, 20, 8, voice)
		got := pb.read()
		want := first.SequenceNumber + 1
		if knows {
			want++
		}
		require.Equal(t, want, got.SequenceNumber)
		require.Equal(t, first.Timestamp+20*FrameSamples, got.Timestamp)
		require.True(t, got.Marker)
		if !knows {
			// What the left out packet overtook would bear a number that is taken.
			send(5, 22, 13, []byte{50})
			send(4, 21, 8, voice)
			send(6, 30, 8, voice)
			got = pb.read()
			require.Equal(t, first.Timestamp+30*FrameSamples, got.Timestamp)
		}
	}
}

func TestNoiseInAConference(t *testing.T) {
	c := newClock()
	server := testPorts(t, PortOptions{Now: c.now})
	server.player.still = true
	speaker, listener := newPeer(t), newPeer(t)
	leg := answered(t, server, speaker, "8 13")
	conference := NewConference(server, ConferenceOptions{NoLevelling: true})
	defer conference.Close()
	_, err := conference.Join(leg, MemberOptions{})
	require.NoError(t, err)
	_, err = conference.Join(answered(t, server, listener, "8"), MemberOptions{})
	require.NoError(t, err)
	pcm, law := make([]int16, FrameSamples), make([]byte, FrameSamples)
	sent := uint64(0)
	level := func(frames int) float64 {
		sum := 0.0
		for range frames {
			conference.step(c.now(), 0)
			c.advance(FrameTime)
			PCMA.Decode(pcm, listener.read().Payload)
			sum += RMS(pcm) * RMS(pcm)
		}
		return 10 * math.Log10(sum/float64(frames))
	}
	send := func(pt uint8, frame int, payload []byte) {
		sent++
		speaker.send(leg, rtp.Header{PayloadType: pt, SSRC: 1, SequenceNumber: uint16(sent), Timestamp: uint32(frame * FrameSamples)}, payload)
		eventually(t, "received", func() bool { return leg.Stats().Received == sent })
	}
	require.InDelta(t, -ownNoise, level(10), 3, "nobody is heard: our own noise")
	for i := range 20 {
		Tone(500, -10, 0).Fill(pcm, i*FrameSamples)
		PCMA.Encode(law, pcm)
		send(8, i, law)
		level(1)
	}
	send(13, 20, []byte{45})
	level(10)
	require.InDelta(t, -45, level(50), 2, "the party's noise")
	send(8, 80, law)
	level(1)
	require.Greater(t, level(2), -20.0, "and its voice again")
}
