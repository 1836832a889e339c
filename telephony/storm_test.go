package telephony_test

import (
	"context"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/media"
	"hotline/telephony/phone"
)

// Many callers who hang up at random moments, seats that answer, refuse, let
// it ring or hang up: nothing is left, every call has one record, and no seat
// ever had two calls.
func TestStormLeavesNothing(t *testing.T) {
	const callers = 60
	r := newRig(t, func(c *telephony.Config) {
		c.RingTimeout = 80 * time.Millisecond
		c.Queues[0].SetAside = 50 * time.Millisecond
	})
	base := runtime.NumGoroutine() + 2*max(2, runtime.GOMAXPROCS(0)/4) // the readers of both Ports start with their first legs
	ports, err := media.NewPorts(media.PortOptions{})
	require.NoError(t, err)
	t.Cleanup(ports.Close)
	var rngMu sync.Mutex
	rng := rand.New(rand.NewPCG(7, 42))
	upTo := func(n int) int {
		rngMu.Lock()
		defer rngMu.Unlock()
		return rng.IntN(n)
	}
	pause := func(ms int) { time.Sleep(time.Duration(upTo(ms)) * time.Millisecond) }
	seats := make([]*phone.Phone, 0, 4)
	for _, id := range []string{"8001", "8002", "8003", "8004"} {
		p, _ := r.seat(id, func(o *phone.Options) {
			o.Ports = ports
			o.OnCall = func(c *phone.Call) {
				switch upTo(5) {
				case 0: // lets it ring
				case 1:
					c.Reject(486)
				default:
					pause(80)
					if c.Answer() == nil {
						pause(150)
						c.Hangup()
					}
				}
				<-c.Done()
			}
		})
		seats = append(seats, p)
	}
	caller := r.phone(phone.Options{Ports: ports})
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			c, err := caller.Dial(t.Context(), "12345")
			if err != nil {
				t.Error(err)
				return
			}
			pause(100)
			if upTo(4) > 0 && c.WaitAnswered(r.ctx()) == nil {
				_ = c.SendDigits(r.ctx(), "0")
				pause(600)
			}
			c.Hangup()
			<-c.Done()
		})
		pause(30)
	}
	wg.Wait()
	r.awaitClean()
	checkStorm(t, r)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for _, p := range append(seats, caller) {
		require.NoError(t, p.Stop(ctx))
	}
	r.await("goroutines gone", func() bool { return runtime.NumGoroutine() <= base })
	require.Zero(t, r.center.Counts())
}

func checkStorm(t *testing.T, r *rig) {
	t.Helper()
	r.events.mu.Lock()
	ended, missed := slices.Clone(r.events.ended), len(r.events.missed)
	r.events.mu.Unlock()
	seen := map[string]bool{}
	perSeat := map[string][]telephony.Span{}
	for _, c := range ended {
		require.False(t, seen[c.ID], "ended is told once")
		seen[c.ID] = true
		require.Equal(t, c.SeatAt.IsZero(), c.Missed)
		if c.Missed {
			missed--
		}
		answered := 0
		for _, o := range c.Offers {
			require.NotEmpty(t, o.Outcome)
			require.False(t, o.EndedAt.IsZero())
			perSeat[o.Seat] = append(perSeat[o.Seat], telephony.Span{From: o.OfferedAt, To: o.EndedAt})
			if !c.SeatAt.IsZero() && o.Outcome == telephony.OutcomeAnswered {
				answered++
			}
		}
		require.LessOrEqual(t, answered, 1)
		stored, err := r.store.Call(t.Context(), c.ID)
		require.NoError(t, err)
		require.Equal(t, c.Cause, stored.Cause)
	}
	require.Zero(t, missed, "a missed-call record each")
	require.NotEmpty(t, perSeat)
	page, err := r.center.Calls(t.Context(), telephony.CallFilter{Limit: 200})
	require.NoError(t, err)
	require.Equal(t, len(ended), page.Total, "a record for each call that was told of, and no other")
}
