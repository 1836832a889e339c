package telephony_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/media"
	"hotline/telephony/phone"
)

// A node that is being emptied finishes its calls, those that wait too, and
// sends everything new elsewhere.
func TestDrain(t *testing.T) {
	r := newRig(t)
	_, calls := r.seat("8001")
	talking := r.dial(r.phone(phone.Options{}))
	require.NoError(t, talking.SendDigits(r.ctx(), "0"))
	at := r.next(calls)
	require.NoError(t, at.Answer())
	r.await("it talks", func() bool { return r.center.Live()[0].State == telephony.CallTalking })
	waiting := r.dial(r.phone(phone.Options{}))
	require.NoError(t, waiting.SendDigits(r.ctx(), "0"))
	r.await("it waits", func() bool { return r.center.Counts().Waiting == 1 })

	stopped := make(chan error, 1)
	go func() { stopped <- r.center.Stop(context.WithoutCancel(r.ctx())) }()
	r.await("the node is not ready", func() bool { return r.center.Ready(t.Context()) != nil })
	w := r.wire()
	for what, res := range map[string]string{
		"a call":             w.send("INVITE", "12345", "Contact: <sip:x@127.0.0.1:9>\r\n", goodSDP),
		"a ping":             w.send("OPTIONS", "12345"),
		"a new registration": w.send("REGISTER", "8002", w.contact(600), authorize(t, w.send("REGISTER", "8002"), "8002", secret, 1)),
	} {
		require.Equal(t, "503", status(res), what)
		require.NotEmpty(t, header(res, "Retry-After"), what)
	}
	res := w.send("REGISTER", "8002", w.contact(0), authorize(t, w.send("REGISTER", "8002"), "8002", secret, 1))
	require.Equal(t, "200", status(res), "who leaves may leave")

	at.Play(media.Tone(toneSeat, -10, 0), false)
	require.NoError(t, talking.WaitTone(r.ctx(), toneSeat), "the call goes on")
	talking.Hangup()
	r.done(at)
	require.Equal(t, telephony.CauseHangup, r.endedCall().Cause)
	next := r.next(calls)
	require.NoError(t, next.Answer())
	next.Play(media.Tone(toneSeat, -10, 0), false)
	require.NoError(t, waiting.WaitTone(r.ctx(), toneSeat), "who waited is served")
	select {
	case err := <-stopped:
		t.Fatalf("stopped with a call in progress: %v", err)
	default:
	}
	next.Hangup()
	r.done(waiting)
	require.NoError(t, <-stopped)
	require.Equal(t, telephony.CauseHangup, r.endedCall().Cause)
}
