package telephony_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/phone"
	"hotline/telephony/prompts"
)

// callsBack is a queue that calls back, the way to the citizen's own phone, and sentences known by their tones.
func callsBack(t *testing.T, there string, q telephony.QueueConfig) rigOption {
	q.Name, q.WrapUp = "q", -1
	return func(c *telephony.Config) {
		c.Queues = []telephony.QueueConfig{q}
		c.TrunkList = []telephony.Trunk{{Name: "telecom", Gateways: []telephony.Gateway{{Host: there}}}}
		c.Prompts = prompts.Over(fstest.MapFS{
			"welcome.wav": spoken(t, toneWelcome), "callback-offer.wav": spoken(t, toneNext), "callback-noted.wav": spoken(t, toneThird),
		})
	}
}

// queued is a citizen who waits.
func queued(r *rig) *phone.Call {
	r.t.Helper()
	n := waiting(r)
	c := r.dial(r.phone(phone.Options{}))
	require.NoError(r.t, c.SendDigits(r.ctx(), "0"))
	r.await("the caller waits", func() bool { return waiting(r) == n+1 })
	return c
}

func waiting(r *rig) int { return r.center.Queues()[0].Waiting }

// askBack has a waiting citizen ask for a callback, and hang up.
func askBack(r *rig, c *phone.Call) telephony.CDR {
	r.t.Helper()
	require.NoError(r.t, c.WaitTone(r.ctx(), toneNext))
	require.NoError(r.t, c.SendDigits(r.ctx(), "1"))
	require.NoError(r.t, c.WaitTone(r.ctx(), toneThird))
	r.done(c)
	return r.endedCall()
}

// oneCallback waits until there is one that is so far.
func oneCallback(r *rig, state telephony.CallbackState) telephony.Callback {
	r.t.Helper()
	var cb telephony.Callback
	r.await("a callback that is "+string(state), func() bool {
		page, err := r.center.Callbacks(r.t.Context(), telephony.CallbackFilter{})
		require.NoError(r.t, err)
		if len(page.Items) == 1 {
			cb = page.Items[0]
		}
		return cb.State == state
	})
	return cb
}

// A citizen who need not wait on the line keeps the place: the next free seat is put through before those who came later.
func TestACallbackKeepsItsPlace(t *testing.T) {
	there, calls := citizen(t)
	r := newRig(t, callsBack(t, there, telephony.QueueConfig{Callback: true}))
	asked := askBack(r, queued(r))
	require.Equal(t, telephony.CauseCallback, asked.Cause)
	require.True(t, asked.Missed, "until the citizen is reached")
	require.Equal(t, asked.ID, oneCallback(r, telephony.CallbackWaiting).CallID)
	require.Equal(t, []bool{true}, []bool{r.center.Queues()[0].Callers[0].Callback})
	later := queued(r)
	_, rings := r.seat("8001")
	seat := r.next(rings)
	require.NoError(t, seat.Answer())
	called := r.next(calls)
	r.hearEachOther(called, seat)
	offer := r.events.offersSeen()[0]
	require.Equal(t, number, offer.Caller)
	require.Equal(t, asked.ID, offer.For)
	require.Equal(t, 1, waiting(r))
	seat.Hangup()
	r.done(called)
	cdr := r.endedCall()
	require.Equal(t, telephony.Outbound, cdr.Direction)
	require.Equal(t, []string{number, "8001", "agent1", "q"}, []string{cdr.Called, cdr.Seat, cdr.User, cdr.Queue})
	require.NotEmpty(t, cdr.Trunk)
	require.False(t, cdr.Missed)
	cb := oneCallback(r, telephony.CallbackReached)
	require.Equal(t, cb.ID, cdr.Callback)
	require.Equal(t, []string{cdr.ID}, cb.Calls)
	require.Equal(t, "agent1", cb.EndedBy)
	require.WithinDuration(t, asked.QueuedAt, cb.Since, time.Millisecond)
	require.NoError(t, r.next(rings).Answer())
	r.awaitTalking()
	later.Hangup()
	r.endedCall()
	missed, err := r.center.Missed(t.Context(), telephony.MissedFilter{})
	require.NoError(t, err)
	require.Equal(t, "agent1", missed.Items[0].HandledBy)
	r.awaitClean()
	stats, err := r.center.Stats(t.Context(), asked.StartedAt, time.Now().Add(time.Minute), telephony.StatsOptions{})
	require.NoError(t, err)
	require.Equal(t, []int{2, 1, 1, 1, 0}, []int{stats.Total.Calls, stats.Total.Callbacks, stats.Total.CallbackTries, stats.Total.CalledBack, stats.Total.Abandoned})
}

// A citizen who is not reached is called again, as often as the queue allows; the missed call stays open then.
func TestACallbackIsTriedAgain(t *testing.T) {
	away := started(t, phone.Options{User: number, OnCall: func(c *phone.Call) { c.Reject(480) }})
	r := newRig(t, callsBack(t, away.Addr().String(), telephony.QueueConfig{Callback: true, CallbackTries: 2, CallbackRetry: time.Second}))
	askBack(r, queued(r))
	_, rings := r.seat("8001")
	for range 2 {
		seat := r.next(rings)
		require.NoError(t, seat.Answer())
		r.done(seat)
		cdr := r.endedCall()
		require.Equal(t, telephony.CauseNoAnswer, cdr.Cause)
		require.True(t, cdr.BridgedAt.IsZero())
	}
	require.Len(t, oneCallback(r, telephony.CallbackFailed).Calls, 2)
	missed, err := r.center.Missed(t.Context(), telephony.MissedFilter{Open: true})
	require.NoError(t, err)
	require.Len(t, missed.Items, 1)
	r.seatState("8001", "ready")
	r.awaitClean()
}

// A queue that returns its missed calls does so without being asked; who calls again before that is not called any more.
func TestMissedCallsAreReturned(t *testing.T) {
	there, calls := citizen(t)
	r := newRig(t, callsBack(t, there, telephony.QueueConfig{CallbackMissed: true}))
	brief := queued(r)
	brief.Hangup()
	r.endedCall()
	c := queued(r)
	began := time.Now()
	r.await("more than a short wait", func() bool { return time.Since(began) > 5500*time.Millisecond })
	c.Hangup()
	missed := r.endedCall()
	cb := oneCallback(r, telephony.CallbackWaiting)
	require.Equal(t, missed.ID, cb.CallID)
	require.Equal(t, telephony.CallbackMissed, cb.By)
	_, err := r.center.ReturnMissed(t.Context(), missed.ID, "agent1")
	require.ErrorIs(t, err, telephony.ErrConflict, "it is to be called already")
	_, rings := r.seat("8001")
	seat := r.next(rings)
	require.NoError(t, seat.Answer())
	r.hearEachOther(r.next(calls), seat)
	seat.Hangup()
	r.endedCall()
	require.Equal(t, "agent1", oneCallback(r, telephony.CallbackReached).EndedBy)
	r.awaitClean()
}

func TestACitizenWhoCallsAgainIsNotCalledBack(t *testing.T) {
	away := started(t, phone.Options{User: number, OnCall: func(c *phone.Call) { c.Reject(480) }})
	r := newRig(t, callsBack(t, away.Addr().String(), telephony.QueueConfig{Callback: true, CallbackRetry: time.Hour}))
	askBack(r, queued(r))
	_, rings := r.seat("8001")
	seat := r.next(rings)
	require.NoError(t, seat.Answer())
	r.done(seat)
	r.endedCall()
	again := r.dial(r.phone(phone.Options{}))
	require.NoError(t, again.SendDigits(r.ctx(), "0"))
	seat = r.next(rings)
	require.NoError(t, seat.Answer())
	r.hearEachOther(again, seat)
	seat.Hangup()
	r.endedCall()
	require.Equal(t, "agent1", oneCallback(r, telephony.CallbackCalledAgain).EndedBy)
	r.awaitClean()
}

// A user withdraws a callback, also while a seat's phone rings for it, and has a missed call returned.
func TestCallbacksByHand(t *testing.T) {
	there, _ := citizen(t)
	r := newRig(t, callsBack(t, there, telephony.QueueConfig{Callback: true}))
	asked := askBack(r, queued(r))
	cb := oneCallback(r, telephony.CallbackWaiting)
	_, rings := r.seat("8001")
	seat := r.next(rings)
	_, err := r.center.WithdrawCallback(t.Context(), cb.ID, "lead1")
	require.NoError(t, err)
	r.done(seat)
	r.endedCall()
	require.Equal(t, "lead1", oneCallback(r, telephony.CallbackWithdrawn).EndedBy)
	r.awaitClean()
	_, err = r.center.WithdrawCallback(t.Context(), cb.ID, "lead1")
	require.ErrorIs(t, err, telephony.ErrConflict)
	_, err = r.center.WithdrawCallback(t.Context(), "none", "lead1")
	require.ErrorIs(t, err, telephony.ErrNotFound)
	cb, err = r.center.ReturnMissed(t.Context(), asked.ID, "lead1")
	require.NoError(t, err)
	require.Equal(t, "lead1", cb.By)
	seat = r.next(rings)
	_, err = r.center.WithdrawCallback(t.Context(), cb.ID, "lead1")
	require.NoError(t, err)
	r.done(seat)
	_, err = r.center.ReturnMissed(t.Context(), r.endedCall().ID, "lead1")
	require.ErrorIs(t, err, telephony.ErrConflict, "the centre's own call is no missed one")
	_, err = r.center.ReturnMissed(t.Context(), "none", "lead1")
	require.ErrorIs(t, err, telephony.ErrNotFound)
	r.awaitClean()
}

// What waits when the process ends waits in the next one.
func TestCallbacksSurviveARestart(t *testing.T) {
	there, calls := citizen(t)
	r := newRig(t, callsBack(t, there, telephony.QueueConfig{Callback: true}))
	askBack(r, queued(r))
	require.NoError(t, r.center.Stop(t.Context()))
	require.Equal(t, telephony.CallbackWaiting, oneCallback(r, telephony.CallbackWaiting).State)
	r.start()
	r.await("it waits again", func() bool { return waiting(r) == 1 })
	_, rings := r.seat("8001")
	seat := r.next(rings)
	require.NoError(t, seat.Answer())
	r.hearEachOther(r.next(calls), seat)
	seat.Hangup()
	r.endedCall()
	oneCallback(r, telephony.CallbackReached)
	r.awaitClean()
}

// A callback that a full queue does not take is put off, and asks the store no more than that; it has its place once there is one.
func TestACallbackThatAFullQueueRefuses(t *testing.T) {
	there, calls := citizen(t)
	r := prepareRig(t, callsBack(t, there, telephony.QueueConfig{MaxLength: 1, CallbackRetry: time.Second}))
	var writes atomic.Int64
	r.wrap = func(s telephony.Store) telephony.Store { return countedCallbacks{s, &writes} }
	r.start()
	missed := queued(r)
	missed.Hangup()
	cdr := r.endedCall()
	full := queued(r)
	_, err := r.center.ReturnMissed(t.Context(), cdr.ID, "lead1")
	require.NoError(t, err)
	began := time.Now()
	r.await("two seconds", func() bool { return time.Since(began) > 2*time.Second })
	require.LessOrEqual(t, writes.Load(), int64(5), "the first one, and one a second")
	full.Hangup()
	r.endedCall()
	_, rings := r.seat("8001")
	seat := r.next(rings)
	require.NoError(t, seat.Answer())
	r.hearEachOther(r.next(calls), seat)
	seat.Hangup()
	r.endedCall()
	oneCallback(r, telephony.CallbackReached)
	r.awaitClean()
}

// countedCallbacks counts what is written of callbacks.
type countedCallbacks struct {
	telephony.Store
	writes *atomic.Int64
}

func (s countedCallbacks) SaveCallback(ctx context.Context, c telephony.Callback) error {
	s.writes.Add(1)
	return s.Store.SaveCallback(ctx, c)
}
