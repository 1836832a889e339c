package telephony_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/media"
	"hotline/telephony/phone"
)

// A seat holds in each way that phones have: sendonly, inactive and the
// address 0.0.0.0 of RFC 2543; by re-INVITE and by UPDATE. The citizen hears
// music meanwhile, and the seat's voice afterwards.
func TestWaysToHold(t *testing.T) {
	r := newRig(t)
	_, seat := r.seat("8001")
	caller := r.phone(phone.Options{})
	citizen := r.dial(caller)
	require.NoError(t, citizen.SendDigits(r.ctx(), "0"))
	operator := r.next(seat)
	require.NoError(t, operator.Answer())
	operator.Play(media.Tone(toneSeat, -10, 0), true)
	require.NoError(t, citizen.WaitTone(r.ctx(), toneSeat))
	offer := operator.Leg().Offer()
	ways := [][]byte{
		bytes.Replace(offer, []byte("a=sendrecv"), []byte("a=sendonly"), 1),
		bytes.Replace(offer, []byte("a=sendrecv"), []byte("a=inactive"), 1),
		bytes.Replace(offer, []byte("c=IN IP4 127.0.0.1"), []byte("c=IN IP4 0.0.0.0"), 1),
	}
	for i, held := range ways {
		require.NotEqual(t, string(offer), string(held), "way %d", i)
		ask := operator.Session().Reoffer
		if i == 1 {
			ask = operator.Session().Update
		}
		answer, err := ask(r.ctx(), held)
		require.NoError(t, err)
		require.False(t, strings.Contains(string(answer), "a=sendrecv") && i < 2, string(answer))
		require.NoError(t, citizen.WaitTone(r.ctx(), toneMusic), "way %d", i)
		_, err = ask(r.ctx(), offer)
		require.NoError(t, err)
		require.NoError(t, citizen.WaitTone(r.ctx(), toneSeat), "way %d", i)
	}
	operator.Hangup()
	r.done(citizen)
	require.Len(t, r.endedCall().Holds, len(ways))
	r.awaitClean()
}

// The seat that made a call holds the other side, and not itself.
func TestTheOneWhoCalledHolds(t *testing.T) {
	r := newRig(t)
	p1, _ := r.seat("8001")
	_, second := r.seat("8002")
	out, err := p1.Dial(r.ctx(), "8002")
	require.NoError(t, err)
	in := r.next(second)
	require.NoError(t, in.Answer())
	require.NoError(t, out.WaitAnswered(r.ctx()))
	out.Play(media.Tone(toneSeat, -10, 0), true)
	require.NoError(t, in.WaitTone(r.ctx(), toneSeat))
	r.holdAndResume(out, in, toneSeat)
	out.Hangup()
	r.done(in)
	require.Equal(t, telephony.Internal, r.endedCall().Direction)
	r.awaitClean()
}
