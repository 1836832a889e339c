package telephony_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/acd"
	"hotline/telephony/phone"
)

// under has the centre run with these queues; callers wait in the first.
func under(queues ...telephony.QueueConfig) rigOption {
	return func(c *telephony.Config) {
		for i := range queues {
			queues[i].WrapUp = -1
		}
		c.Queues = queues
	}
}

// Under ring all every phone rings; the first that answers has the caller, and
// the others hear that it is answered elsewhere.
func TestAllPhonesRing(t *testing.T) {
	r := newRig(t, under(telephony.QueueConfig{Name: "q", Strategy: acd.RingAll}))
	_, first := r.seat("8001")
	_, second := r.seat("8002")
	citizen := r.dial(r.phone(phone.Options{User: "citizen"}))
	require.NoError(t, citizen.SendDigits(r.ctx(), "0"))
	one, two := r.next(first), r.next(second)
	require.NoError(t, two.Answer())
	r.done(one)
	r.hearEachOther(citizen, two)
	r.await("the first seat is ready again", func() bool {
		agents := r.center.Agents()
		return agents[0].State == acd.StateReady && agents[1].State == acd.StateTalking
	})
	citizen.Hangup()
	cdr := r.endedCall()
	require.Equal(t, "8002", cdr.Seat)
	outcomes := map[string]string{}
	for _, o := range cdr.Offers {
		require.Equal(t, string(acd.RingAll), o.Reason)
		outcomes[o.Seat] = o.Outcome
	}
	require.Equal(t, map[string]string{"8001": telephony.OutcomeElsewhere, "8002": telephony.OutcomeAnswered}, outcomes)
	r.awaitClean()
}

// A caller whom nobody takes goes on to the next queue, and to its seat.
func TestACallerOverflows(t *testing.T) {
	r := newRig(t, under(
		telephony.QueueConfig{Name: "q", Seats: []string{"8001"}, Overflow: acd.Overflow{To: "other", After: 200 * time.Millisecond}},
		telephony.QueueConfig{Name: "other", Seats: []string{"8002"}},
	))
	_, other := r.seat("8002")
	citizen := r.dial(r.phone(phone.Options{User: "citizen"}))
	require.NoError(t, citizen.SendDigits(r.ctx(), "0"))
	require.NoError(t, r.next(other).Answer())
	r.awaitTalking()
	citizen.Hangup()
	cdr := r.endedCall()
	require.Equal(t, "other", cdr.Queue)
	require.Equal(t, "8002", cdr.Seat)
	events, err := r.center.CallEvents(t.Context(), cdr.ID)
	require.NoError(t, err)
	require.True(t, slices.ContainsFunc(events, func(e telephony.Event) bool { return e.Type == telephony.EvMoved }))
	r.awaitClean()
}

// Where nobody is at work callers are told so, and not kept.
func TestNobodyIsAtWork(t *testing.T) {
	r := newRig(t, under(telephony.QueueConfig{Name: "q", NoAgent: acd.NoAgentLeave}))
	citizen := r.dial(r.phone(phone.Options{User: "citizen"}))
	_ = citizen.SendDigits(r.ctx(), "0") // the call may be over before the key is up again
	r.done(citizen)
	cdr := r.endedCall()
	require.Equal(t, telephony.CauseNoAgent, cdr.Cause)
	require.True(t, cdr.Missed)
	r.awaitClean()
}

// A queue may overflow to a number outside: the two talk, on the record.
func TestACallerIsDiverted(t *testing.T) {
	district, outside := outsidePhone(t, phone.Options{User: "02512345"})
	r := newRig(t, under(telephony.QueueConfig{Name: "q", NoAgent: acd.NoAgentOverflow, Overflow: acd.Overflow{Number: "02512345"}}),
		func(c *telephony.Config) { c.Gateway = district.Addr().String() })
	citizen := r.dial(r.phone(phone.Options{User: "citizen"}))
	require.NoError(t, citizen.SendDigits(r.ctx(), "0"))
	there := r.next(outside)
	require.NoError(t, there.Answer())
	r.hearEachOther(citizen, there)
	there.Hangup()
	r.done(citizen)
	cdr := r.endedCall()
	require.Equal(t, telephony.CauseHangup, cdr.Cause)
	require.False(t, cdr.Missed, "somebody talked to the caller")
	require.Equal(t, telephony.RecordingSpooled, cdr.Recording.State)
	r.awaitClean()
}

// Where the number refuses, the call ends and says why.
func TestADivertedCallerIsRefused(t *testing.T) {
	district := started(t, phone.Options{User: "02512345", OnCall: func(c *phone.Call) { c.Reject(486) }})
	r := newRig(t, under(telephony.QueueConfig{Name: "q", NoAgent: acd.NoAgentOverflow, Overflow: acd.Overflow{Number: "02512345"}}),
		func(c *telephony.Config) { c.Gateway = district.Addr().String() })
	citizen := r.dial(r.phone(phone.Options{User: "citizen"}))
	_ = citizen.SendDigits(r.ctx(), "0") // the call may be over before the key is up again
	r.done(citizen)
	cdr := r.endedCall()
	require.Equal(t, telephony.CauseRejected, cdr.Cause)
	require.True(t, cdr.Missed)
	r.awaitClean()
}

func TestBadQueues(t *testing.T) {
	for name, c := range map[string]struct {
		queue telephony.QueueConfig
		says  string
	}{
		"strategy":          {telephony.QueueConfig{Strategy: "loudest"}, `there is no strategy "loudest"`},
		"no agent":          {telephony.QueueConfig{NoAgent: "cry"}, "give wait, leave or overflow"},
		"itself":            {telephony.QueueConfig{Overflow: acd.Overflow{To: "q"}}, "give another queue"},
		"unknown":           {telephony.QueueConfig{Overflow: acd.Overflow{To: "none"}}, "give another queue"},
		"both":              {telephony.QueueConfig{Overflow: acd.Overflow{To: "none", Number: "1"}}, "give one of them"},
		"nowhere":           {telephony.QueueConfig{Overflow: acd.Overflow{Full: true}}, "say where to"},
		"nowhere, no agent": {telephony.QueueConfig{NoAgent: acd.NoAgentOverflow}, "say where to"},
		"priority":          {telephony.QueueConfig{Priority: 11}, "give -10 to 10"},
		"reserve":           {telephony.QueueConfig{Reserve: -1}, "must not be negative"},
	} {
		t.Run(name, func(t *testing.T) {
			c.queue.Name = "q"
			_, err := telephony.New(telephony.Config{SpoolDir: t.TempDir(), Queues: []telephony.QueueConfig{c.queue}}, nil, nil, nil, telephony.Options{})
			require.ErrorIs(t, err, telephony.ErrInvalid)
			require.ErrorContains(t, err, c.says)
		})
	}
}
