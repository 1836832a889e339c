package telephony_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/telephony/media"
	"hotline/telephony/phone"
)

// A citizen in a browser talks to a seat with a plain phone.
func TestBrowserCallerToPlainSeat(t *testing.T) {
	r := newRig(t)
	_, calls := r.seat("8001")
	c := r.dial(r.phone(phone.Options{User: "13800138000", WebRTC: true}))
	require.NoError(t, c.WaitTone(r.ctx(), toneWelcome))
	require.NoError(t, c.SendDigits(r.ctx(), "2"))
	at := r.next(calls)
	require.NoError(t, at.Answer())
	c.Play(media.Tone(toneCaller, -10, 0), false)
	at.Play(media.Tone(toneSeat, -10, 0), false)
	require.NoError(t, c.WaitTone(r.ctx(), toneSeat))
	require.NoError(t, at.WaitTone(r.ctx(), toneCaller))
	at.Hangup()
	r.done(c)
	r.awaitClean()
}
