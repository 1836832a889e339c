package telephony_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/trunk"
)

// trunkWatcher is a handler that also hears of trunks.
type trunkWatcher struct {
	*watcher
	mu     sync.Mutex
	states []trunk.State
}

func (w *trunkWatcher) TrunkChanged(_ context.Context, t telephony.TrunkState) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.states); n == 0 || w.states[n-1] != t.Gateways[0].State {
		w.states = append(w.states, t.Gateways[0].State)
	}
}

func pinged(host string, bad ...int) rigOption {
	return func(c *telephony.Config) {
		c.TrunkList = []telephony.Trunk{{
			Name: "telecom", Gateways: []telephony.Gateway{{Host: host}},
			Ping: telephony.Ping{Interval: 20 * time.Millisecond, Timeout: 100 * time.Millisecond, Fails: 3, Successes: 2, Bad: bad},
		}}
	}
}

func (r *rig) awaitGateway(want trunk.State) telephony.GatewayState {
	r.t.Helper()
	var g telephony.GatewayState
	r.await("gateway "+string(want), func() bool {
		g = r.center.Trunks()[0].Gateways[0]
		return g.State == want
	})
	return g
}

// A gateway is up while it answers OPTIONS with anything that is not said to
// be bad, and down after so many failures in a row.
func TestPings(t *testing.T) {
	far := newOperator(t, refuses(486, 0))
	far.ping.Store(404)
	r := prepareRig(t, pinged(far.host("udp"), 503))
	w := &trunkWatcher{watcher: r.events}
	r.handler = w
	r.start()
	g := r.awaitGateway(trunk.Up)
	require.Equal(t, 404, g.Code, "any answer shows life")
	require.Positive(t, g.RoundTrip)
	require.False(t, g.Since.IsZero())
	toldLast := func(want trunk.State) func() bool {
		return func() bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			return len(w.states) > 0 && w.states[0] == trunk.Up && w.states[len(w.states)-1] == want
		}
	}
	r.await("told that it is up", toldLast(trunk.Up))
	far.ping.Store(503)
	require.Equal(t, 503, r.awaitGateway(trunk.Down).Code)
	r.await("told that it is down", toldLast(trunk.Down))
	far.ping.Store(200)
	r.awaitGateway(trunk.Up)
	r.await("told that it is up again", toldLast(trunk.Up))
}

// A gateway that says nothing goes down, and a ping leaves nothing behind.
func TestPingsOfASilentGateway(t *testing.T) {
	r := newRig(t, pinged(blackHole(t)))
	g := r.awaitGateway(trunk.Down)
	require.Zero(t, g.Code)
	require.Zero(t, g.RoundTrip)
	r.awaitClean()
}

// A call that had no answer makes the gateway suspect at once, and pings bring
// it back.
func TestCallsMarkGateways(t *testing.T) {
	second, _ := citizen(t)
	first := newOperator(t, refuses(486, 0))
	r := newRig(t, func(c *telephony.Config) {
		c.TrunkList = []telephony.Trunk{{
			Name: "telecom", Patience: 100 * time.Millisecond, Ping: telephony.Ping{Interval: time.Hour},
			Gateways: []telephony.Gateway{{Host: first.host("udp"), Priority: 1}, {Host: second, Priority: 2}},
		}}
	})
	r.awaitGateway(trunk.Up)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	require.NoError(t, first.endpoint.Stop(ctx)) // it dies
	seat, _ := r.seat("8001")
	c, err := seat.Dial(t.Context(), number)
	require.NoError(t, err)
	require.NoError(t, c.WaitAnswered(r.ctx()))
	require.NotEqual(t, trunk.Up, r.center.Trunks()[0].Gateways[0].State)
	c.Hangup()
	require.Len(t, r.endedCall().Tried, 2)
	r.awaitGateway(trunk.Down) // the ping that the failure asked for confirms it
	r.awaitClean()
}
