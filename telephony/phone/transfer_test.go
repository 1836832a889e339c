package phone

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony/invite"
	"hotline/telephony/media"
)

// Three phones: A sends B on to C, first blindly and then in the place of its
// own call; sound goes where it should.
func TestPhonesTransfer(t *testing.T) {
	ctx := testContext(t)
	followed := make(chan *Call, 4)
	incoming := make(chan *Call, 4)
	replaced := make(chan *Call, 4)
	take := func(c *Call) {
		incoming <- c
		_ = c.Answer()
		<-c.Done()
	}
	a := started(t, Options{User: "8001"})
	b := started(t, Options{User: "8002", OnCall: take, OnRefer: func(_, next *Call) { followed <- next }})
	c := started(t, Options{User: "8003", OnCall: take, OnReplace: func(next *Call) { replaced <- next }})
	for _, attended := range []bool{false, true} {
		ab, err := a.Dial(ctx, b.URI())
		require.NoError(t, err)
		require.NoError(t, ab.WaitAnswered(ctx))
		require.NoError(t, ab.Update(ctx))
		old := <-incoming
		var atC *Call
		if attended {
			ac, err := a.Dial(ctx, c.URI())
			require.NoError(t, err)
			require.NoError(t, ac.WaitAnswered(ctx))
			<-incoming
			require.NoError(t, ab.TransferTo(ctx, ac))
			<-ac.Done()
			atC = <-replaced
		} else {
			require.NoError(t, ab.Transfer(ctx, c.URI()))
			atC = <-incoming
		}
		bc := <-followed
		atC.Play(media.Tone(1000, -10, 0), true)
		require.NoError(t, bc.WaitTone(ctx, 1000))
		require.NoError(t, old.Hold(ctx, true))
		require.NoError(t, old.Resume(ctx))
		for _, x := range []*Call{ab, bc} {
			x.Hangup()
			<-x.Done()
		}
		<-atC.Done()
	}
	// Nobody follows: the call stays.
	ca, err := c.Dial(ctx, b.URI())
	require.NoError(t, err)
	require.NoError(t, ca.WaitAnswered(ctx))
	in := <-incoming
	require.NoError(t, in.WaitAnswered(ctx))
	var refusal *invite.StatusError
	require.ErrorAs(t, in.Transfer(ctx, a.URI()), &refusal)
	require.Equal(t, 603, refusal.Code)
	in.Hangup()
	<-ca.Done()
}

// Sound before the answer, acknowledged by PRACK, and sessions kept by timers.
func TestEarlyMediaAndSessionTimer(t *testing.T) {
	ctx := testContext(t)
	brief := invite.SessionTimer{Interval: 2 * time.Second, Min: time.Second}
	ringing := make(chan *Call, 1)
	callee := started(t, Options{User: "8001", OnRing: -1, Reliable: invite.ReliableAll, Session: brief, OnCall: func(c *Call) {
		ringing <- c
		<-c.Done()
	}})
	caller := started(t, Options{Session: brief})
	out, err := caller.Dial(ctx, callee.URI())
	require.NoError(t, err)
	in := <-ringing
	require.NoError(t, in.Early())
	in.Play(media.Tone(700, -10, 0), true)
	require.NoError(t, out.WaitTone(ctx, 700))
	require.NoError(t, out.Update(ctx))
	require.NoError(t, in.Answer())
	require.NoError(t, out.WaitAnswered(ctx))
	select {
	case <-out.Done():
		t.Fatal("ended: ", out.Cause())
	case <-time.After(2500 * time.Millisecond): // it would have run out by now
	}
	require.NoError(t, out.SendInfoDigits(ctx, "1"))
	out.Hangup()
	<-in.Done()
}
