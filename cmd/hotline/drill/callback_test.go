package drill

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/cmd/city"
	"hotline/cmd/hotline/accounts"
	"hotline/telephony"
	"hotline/telephony/media"
	"hotline/telephony/phone"
)

// TestKilledWithACallback: a citizen has asked to be called back, and is once more promised it while the phone rings; whenever the process is killed,
// the next one calls, and after the citizen was reached none does.
func TestKilledWithACallback(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	bin, err := Build(ctx, dir)
	require.NoError(t, err)
	citizen, rings := ringing(t, phone.Options{User: "14212340001"})
	s := Setup{Binary: bin.Hotline, Data: filepath.Join(dir, "data"), LogLevel: "warn", Log: t.Output(), File: filepath.Join(dir, "queue.yaml")}
	require.NoError(t, s.Loopback(ctx))
	text := fmt.Sprintf("gateway: %s\nqueue-list:\n  - {name: q, lines: [12345], callback: true, callback-retry: 1s, wrap-up: -1s}\n", citizen.Addr())
	require.NoError(t, os.WriteFile(s.File, []byte(text), 0o600))
	require.NoError(t, s.Prepare(ctx, city.Sample(), 1))

	start := func() *Server {
		t.Helper()
		node, err := s.Start(ctx)
		require.NoError(t, err)
		t.Cleanup(func() { _ = node.Kill() }) // where the test ends before the node
		return node
	}
	node := start()
	call, err := citizen.DialWith(ctx, "sip:12345@"+s.SIP, phone.DialOptions{From: "14212340001"})
	require.NoError(t, err)
	require.NoError(t, call.WaitAnswered(ctx))
	require.NoError(t, call.SendDigits(ctx, "0"))
	require.Eventually(t, func() bool {
		n, err := node.Metric(ctx, "hotline_callers_waiting")
		return err == nil && n == 1
	}, 20*time.Second, 50*time.Millisecond)
	require.NoError(t, call.SendDigits(ctx, "1"))
	<-call.Done() // after it was promised
	require.NoError(t, node.Kill())

	// The next process is killed while the citizen's phone rings.
	seat, offers := ringing(t, phone.Options{User: "8001", Secret: accounts.DemoPassword, Registrar: s.SIP})
	answer := func() *phone.Call {
		t.Helper()
		offer := next(ctx, t, offers)
		require.NoError(t, offer.Answer())
		return offer
	}
	node = start()
	require.NoError(t, seat.Register(ctx, time.Hour))
	answer()
	next(ctx, t, rings)
	require.NoError(t, node.Kill())

	node = start()
	require.NoError(t, seat.Register(ctx, time.Hour))
	offer := answer()
	reached := next(ctx, t, rings)
	require.NoError(t, reached.Answer())
	offer.Play(media.Tone(1500, -10, 0), true)
	require.NoError(t, reached.WaitTone(ctx, 1500))
	reached.Hangup()
	<-offer.Done()
	require.NoError(t, node.Settle(ctx, time.Minute))
	require.NoError(t, node.Kill())

	node = start()
	waiting, err := node.Metric(ctx, "hotline_callers_waiting")
	require.NoError(t, err)
	require.Zero(t, waiting)
	require.NoError(t, node.Stop())
	e, err := s.Open(ctx)
	require.NoError(t, err)
	defer e.Close()
	page, err := e.Calls.Callbacks(ctx, telephony.CallbackFilter{})
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
	require.Equal(t, telephony.CallbackReached, page.Items[0].State)
	require.Len(t, page.Items[0].Calls, 2, "the try that was cut off is one")
	crashed, err := e.Calls.Call(ctx, page.Items[0].Calls[0])
	require.NoError(t, err)
	require.Equal(t, telephony.CauseCrash, crashed.Cause)
}

// ringing is a phone whose calls come to a channel, and stay unanswered until the test answers them.
func ringing(t *testing.T, o phone.Options) (*phone.Phone, <-chan *phone.Call) {
	t.Helper()
	calls := make(chan *phone.Call, 16)
	o.OnCall = func(c *phone.Call) {
		calls <- c
		<-c.Done()
	}
	p, err := phone.New(o)
	require.NoError(t, err)
	require.NoError(t, p.Start(t.Context()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = p.Stop(ctx) // calls of a process that was killed never end in order
	})
	return p, calls
}

func next(ctx context.Context, t *testing.T, calls <-chan *phone.Call) *phone.Call {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	select {
	case c := <-calls:
		return c
	case <-ctx.Done():
		require.FailNow(t, "no call came")
		return nil
	}
}
