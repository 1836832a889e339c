package telephony_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony/media"
	"hotline/telephony/phone"
)

// A citizen whose phone takes nothing but SRTP talks to a seat whose phone knows nothing of it.
func TestEncryptedCallerToPlainSeat(t *testing.T) {
	r := newRig(t)
	_, calls := r.seat("8001", func(o *phone.Options) { o.Security = media.RefuseSRTP })
	caller := r.phone(phone.Options{User: "13800138000", Security: media.RequireSRTP})
	c := r.dial(caller)
	require.NoError(t, c.WaitTone(r.ctx(), toneWelcome))
	require.NoError(t, c.SendDigits(r.ctx(), "2"))
	at := r.next(calls)
	require.NoError(t, at.Answer())
	c.Play(media.Tone(toneCaller, -10, 0), false)
	at.Play(media.Tone(toneSeat, -10, 0), false)
	require.NoError(t, c.WaitTone(r.ctx(), toneSeat))
	require.NoError(t, at.WaitTone(r.ctx(), toneCaller))
	time.Sleep(300 * time.Millisecond) // something to record
	require.Zero(t, c.Stats().Media.Unauthentic)
	at.Hangup()
	r.done(c)
	cdr := r.endedCall()
	r.awaitClean()
	checkRecording(t, r, cdr.ID)
}
