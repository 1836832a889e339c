package telephony_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/acd"
	"hotline/telephony/media"
	"hotline/telephony/phone"
)

// The main job: a citizen presses 2, a seat answers, both hear each other,
// both are recorded, and the record tells all of it.
func TestCallFromPromptToRecord(t *testing.T) {
	r := newRig(t)
	_, calls := r.seat("8001")
	caller := r.phone(phone.Options{User: "13800138000", Codecs: []media.Codec{media.PCMU}})
	var rang atomic.Bool
	r.events.hear(func(telephony.Offer) error {
		rang.Store(len(calls) > 0)
		return nil
	})
	c := r.dial(caller)
	require.NoError(t, c.WaitTone(r.ctx(), toneWelcome))
	require.NoError(t, c.SendDigits(r.ctx(), "2"))
	at := r.next(calls)
	require.False(t, rang.Load(), "the handler hears of the offer before the phone rings")
	require.Equal(t, "13800138000", at.Remote())
	require.NoError(t, c.WaitTone(r.ctx(), toneMusic))
	require.NoError(t, at.Answer())
	r.hearEachOther(c, at)
	live := r.center.Live()
	require.Len(t, live, 1)
	require.Equal(t, telephony.CallTalking, live[0].State)
	time.Sleep(300 * time.Millisecond) // something to record
	at.Hangup()
	r.done(c)
	cdr := r.endedCall()
	checkWholeRecord(t, r, cdr)
	r.awaitClean()
	checkRecording(t, r, cdr.ID)
	r.events.mu.Lock()
	defer r.events.mu.Unlock()
	require.Equal(t, []string{cdr.ID + " 8001 agent1"}, r.events.answers)
	require.Empty(t, r.events.missed)
}

func checkWholeRecord(t *testing.T, r *rig, cdr telephony.CDR) {
	t.Helper()
	require.Equal(t, telephony.Inbound, cdr.Direction)
	require.Equal(t, "13800138000", cdr.Caller)
	require.Equal(t, "12345", cdr.Line)
	require.Equal(t, "2", cdr.Digit)
	require.Equal(t, "8001", cdr.Seat)
	require.Equal(t, "agent1", cdr.User)
	require.Equal(t, telephony.PartySeat, cdr.EndedBy)
	require.Equal(t, telephony.CauseHangup, cdr.Cause)
	require.False(t, cdr.Missed)
	times := []time.Time{cdr.StartedAt, cdr.AnsweredAt, cdr.PromptAt, cdr.DigitAt, cdr.QueuedAt, cdr.RingingAt, cdr.SeatAt, cdr.BridgedAt, cdr.EndedAt}
	for i, at := range times {
		require.False(t, at.IsZero(), "time %d is missing", i)
		require.Zero(t, at.Nanosecond()%1e6, "to the millisecond")
		if i > 0 {
			require.False(t, at.Before(times[i-1]), "time %d before time %d", i, i-1)
		}
	}
	require.Len(t, cdr.Offers, 1)
	o := cdr.Offers[0]
	require.Equal(t, telephony.OutcomeAnswered, o.Outcome)
	require.Equal(t, acd.ReasonLongestIdle, o.Reason)
	require.Equal(t, cdr.RingingAt, o.RingingAt)
	require.Len(t, cdr.Legs, 2)
	require.Equal(t, "PCMU", cdr.Legs[0].Codec)
	require.Equal(t, telephony.PartyCaller, cdr.Legs[0].Party)
	require.Equal(t, "PCMA", cdr.Legs[1].Codec)
	for _, l := range cdr.Legs {
		require.Positive(t, l.Received)
		require.Positive(t, l.Sent)
		require.Zero(t, l.Lost)
	}
	// The record is the fold of its events.
	r.await("events written", func() bool {
		ev, err := r.center.CallEvents(t.Context(), cdr.ID)
		return err == nil && len(ev) > 0 && ev[len(ev)-1].Type == telephony.EvRecording
	})
	events, err := r.center.CallEvents(t.Context(), cdr.ID)
	require.NoError(t, err)
	folded, err := telephony.Fold(cdr.ID, events)
	require.NoError(t, err)
	stored, err := r.center.Call(t.Context(), cdr.ID)
	require.NoError(t, err)
	require.Equal(t, stored, folded)
}

func checkRecording(t *testing.T, r *rig, id string) {
	t.Helper()
	body, info, err := r.center.Recording(t.Context(), id)
	require.NoError(t, err)
	defer body.Close()
	require.Equal(t, telephony.RecordingStored, info.State)
	wav, err := media.ReadWAV(body)
	require.NoError(t, err)
	require.Len(t, wav.Channels, 2)
	for ch, want := range []float64{toneCaller, toneSeat} {
		pcm := wav.Channels[ch]
		freq, level := media.Dominant(pcm[len(pcm)/2:], media.SampleRate)
		require.InDelta(t, want, freq, 10, "channel %d", ch)
		require.Greater(t, level, 0.05, "channel %d", ch)
	}
	require.InDelta(t, info.DurationMS, float64(len(wav.Channels[0]))/8, 100)
}

// A seat that does not answer is set aside, and the next one gets the call.
func TestNoAnswerGoesToTheNextSeat(t *testing.T) {
	r := newRig(t, func(c *telephony.Config) { c.RingTimeout = 300 * time.Millisecond })
	_, first := r.seat("8001")
	_, second := r.seat("8002")
	caller := r.phone(phone.Options{})
	c := r.dial(caller)
	require.NoError(t, c.SendDigits(r.ctx(), "0"))
	never := r.next(first)
	at := r.next(second)
	r.done(never)
	require.NoError(t, at.Answer())
	r.awaitTalking()
	agents := r.center.Agents()
	require.Equal(t, acd.StateSetAside, agents[0].State)
	require.Equal(t, acd.StateTalking, agents[1].State)
	c.Hangup()
	r.done(at)
	cdr := r.endedCall()
	require.Len(t, cdr.Offers, 2)
	require.Equal(t, telephony.OutcomeNoAnswer, cdr.Offers[0].Outcome)
	require.Equal(t, telephony.OutcomeAnswered, cdr.Offers[1].Outcome)
	require.Equal(t, "8002", cdr.Seat)
	require.Equal(t, telephony.PartyCaller, cdr.EndedBy)
	offers := r.events.offersSeen()
	require.Len(t, offers, 2)
	require.Equal(t, 1, offers[0].Attempt)
	require.Equal(t, 2, offers[1].Attempt)
	r.awaitClean()
}

// The caller may hang up at any moment; nothing is left, and a missed call is
// on record.
func TestHangUpAtEveryStage(t *testing.T) {
	for _, stage := range []string{"prompt", "queued", "ringing", "offering"} {
		t.Run(stage, func(t *testing.T) {
			r := newRig(t)
			var calls <-chan *phone.Call
			if stage != "queued" && stage != "prompt" {
				_, calls = r.seat("8001")
			}
			release := make(chan struct{})
			if stage == "offering" {
				r.events.hear(func(telephony.Offer) error { <-release; return nil })
			}
			c := r.dial(r.phone(phone.Options{}))
			require.NoError(t, c.WaitTone(r.ctx(), toneWelcome))
			if stage != "prompt" {
				require.NoError(t, c.SendDigits(r.ctx(), "1"))
			}
			switch stage {
			case "queued":
				require.NoError(t, c.WaitTone(r.ctx(), toneMusic))
				require.Equal(t, 1, r.center.Queues()[0].Waiting)
			case "ringing":
				at := r.next(calls)
				defer r.done(at)
			case "offering":
				r.await("offer", func() bool { return len(r.events.offersSeen()) == 1 })
			}
			c.Hangup()
			cdr := r.endedCall()
			close(release)
			require.Equal(t, telephony.CauseAbandoned, cdr.Cause)
			require.Equal(t, telephony.PartyCaller, cdr.EndedBy)
			require.True(t, cdr.Missed)
			missed := r.events.missedSeen()
			require.Len(t, missed, 1)
			require.Equal(t, cdr.ID, missed[0].CallID)
			page, err := r.center.Missed(t.Context(), telephony.MissedFilter{Open: true})
			require.NoError(t, err)
			require.Len(t, page.Items, 1)
			r.awaitClean()
		})
	}
}

// A seat that refuses, or whose phone is gone, does not hold the caller up.
func TestSeatThatRefuses(t *testing.T) {
	r := newRig(t)
	_, first := r.seat("8001")
	_, second := r.seat("8002")
	c := r.dial(r.phone(phone.Options{}))
	require.NoError(t, c.SendDigits(r.ctx(), "0"))
	r.next(first).Reject(486)
	at := r.next(second)
	require.NoError(t, at.Answer())
	r.awaitTalking()
	require.NoError(t, r.center.Hangup(t.Context(), r.center.Live()[0].ID, "lead1"))
	r.done(at)
	r.done(c)
	cdr := r.endedCall()
	require.Equal(t, telephony.OutcomeRejected, cdr.Offers[0].Outcome)
	require.Equal(t, telephony.PartySupervisor, cdr.EndedBy)
	require.Equal(t, "lead1", cdr.EndedUser)
	r.awaitClean()
}

// A handler that hangs or fails does not keep a citizen from a person.
func TestHandlerMayFail(t *testing.T) {
	r := newRig(t)
	_, calls := r.seat("8001")
	r.events.hear(func(telephony.Offer) error { return errors.New("database is away") })
	c := r.dial(r.phone(phone.Options{}))
	require.NoError(t, c.SendDigits(r.ctx(), "0"))
	require.NoError(t, r.next(calls).Answer())
	r.awaitTalking()
	c.Hangup()
	r.endedCall()
	r.awaitClean()
}

// Hold lets the caller hear music, resume brings the seat back; a re-INVITE
// of the seat's phone does the same as the API.
func TestHold(t *testing.T) {
	r := newRig(t)
	_, calls := r.seat("8001")
	c := r.dial(r.phone(phone.Options{}))
	require.NoError(t, c.SendDigits(r.ctx(), "0"))
	at := r.next(calls)
	require.NoError(t, at.Answer())
	at.Play(media.Tone(toneSeat, -10, 0), false)
	c.Play(media.Tone(toneCaller, -10, 0), false)
	require.NoError(t, c.WaitTone(r.ctx(), toneSeat))
	id := r.center.Live()[0].ID
	require.NoError(t, r.center.Hold(t.Context(), id, "agent1"))
	require.NoError(t, c.WaitTone(r.ctx(), toneMusic))
	require.NoError(t, r.center.Resume(t.Context(), id, "agent1"))
	require.NoError(t, c.WaitTone(r.ctx(), toneSeat))
	require.NoError(t, at.Hold(r.ctx(), true))
	require.NoError(t, c.WaitTone(r.ctx(), toneMusic))
	require.NoError(t, at.Hold(r.ctx(), false))
	require.NoError(t, c.WaitTone(r.ctx(), toneSeat))
	require.NoError(t, at.WaitTone(r.ctx(), toneCaller))
	c.Hangup()
	cdr := r.endedCall()
	require.Len(t, cdr.Holds, 2)
	r.awaitClean()
	require.ErrorIs(t, r.center.Hold(t.Context(), id, ""), telephony.ErrNotFound)
}

// A wrong digit is told, and a caller who presses nothing comes to a person.
func TestMenuWithoutAValidDigit(t *testing.T) {
	r := newRig(t)
	_, calls := r.seat("8001")
	c := r.dial(r.phone(phone.Options{}))
	require.NoError(t, c.SendDigits(r.ctx(), "777"))
	at := r.next(calls)
	require.NoError(t, at.Answer())
	at.Hangup()
	r.done(c)
	require.Empty(t, r.endedCall().Digit)
	r.awaitClean()
}

// A full queue sends the caller away with a word, not with silence.
func TestQueueFull(t *testing.T) {
	r := newRig(t, func(c *telephony.Config) { c.Queues[0].MaxLength = 1 })
	first := r.dial(r.phone(phone.Options{}))
	require.NoError(t, first.SendDigits(r.ctx(), "0"))
	r.await("first waits", func() bool { return r.center.Counts().Waiting == 1 })
	second := r.dial(r.phone(phone.Options{}))
	_ = second.SendDigits(r.ctx(), "0") // the call may be over before the key is up
	r.done(second)
	cdr := r.endedCall()
	require.Equal(t, telephony.CauseQueueFull, cdr.Cause)
	require.Equal(t, telephony.PartySystem, cdr.EndedBy)
	require.True(t, cdr.Missed)
	first.Hangup()
	r.endedCall()
	r.awaitClean()
}

// Stop ends what is going on, and says why in the record.
func TestStopEndsCalls(t *testing.T) {
	r := newRig(t)
	_, calls := r.seat("8001")
	c := r.dial(r.phone(phone.Options{}))
	require.NoError(t, c.SendDigits(r.ctx(), "0"))
	at := r.next(calls)
	require.NoError(t, at.Answer())
	r.awaitTalking()
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // no patience
	require.NoError(t, r.center.Stop(ctx))
	r.done(c)
	r.done(at)
	cdr := r.endedCall()
	require.Equal(t, telephony.CauseShutdown, cdr.Cause)
	require.ErrorIs(t, r.center.Ready(t.Context()), telephony.ErrStopping)
	stored, err := r.store.Call(t.Context(), cdr.ID)
	require.NoError(t, err)
	require.False(t, stored.EndedAt.IsZero())
}
