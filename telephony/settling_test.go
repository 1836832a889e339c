package telephony_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/phone"
)

// gated is a store whose log can be shut for a while.
type gated struct {
	telephony.Store
	mu sync.RWMutex
}

func (g *gated) WriteLog(ctx context.Context, events []telephony.Event, records []telephony.CallRecord) error {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.Store.WriteLog(ctx, events, records)
}

// While the store is slow, calls whose records wait for it keep no new ones out, until as many wait as may go on.
func TestASlowStoreKeepsNobodyOut(t *testing.T) {
	var gate *gated
	r := prepareRig(t, func(c *telephony.Config) { c.MaxCalls = 1 })
	r.wrap = func(s telephony.Store) telephony.Store {
		gate = &gated{Store: s}
		return gate
	}
	r.start()
	caller := r.phone(phone.Options{})
	refused := func() {
		t.Helper()
		call, err := caller.DialWith(t.Context(), "12345", phone.DialOptions{From: "+8613800138000"})
		require.NoError(t, err)
		require.ErrorContains(t, call.WaitAnswered(r.ctx()), "503")
	}
	first := r.dial(caller)
	refused()
	gate.mu.Lock()
	first.Hangup()
	r.await("only the record is left", func() bool { return r.center.Counts().Ports == 0 })
	second := r.dial(caller)
	refused()
	second.Hangup()
	r.await("two records wait", func() bool { return r.center.Counts().Ports == 0 })
	refused()
	gate.mu.Unlock()
	r.endedCall()
	r.endedCall()
	r.awaitClean()
	r.dial(caller).Hangup()
	r.endedCall()
	r.awaitClean()
}
