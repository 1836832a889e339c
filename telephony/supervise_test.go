package telephony_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/acd"
	"hotline/telephony/media"
	"hotline/telephony/phone"
)

// supervised is a call between a citizen and seat 8001 in which 8003 takes part.
func supervised(r *rig, how telephony.Supervision) (citizen, seat, lead *phone.Call, id, party string) {
	r.t.Helper()
	citizen, seat, id = talk(r)
	_, calls := r.seat("8003")
	party, err := r.center.Supervise(r.ctx(), id, "agent3", "", how)
	require.NoError(r.t, err)
	lead = r.next(calls)
	require.NoError(r.t, lead.Answer())
	lead.Play(media.Tone(toneThird, -10, 0), false)
	r.await("the supervisor takes part", func() bool { return !r.center.Live()[0].Parties[0].JoinedAt.IsZero() })
	return citizen, seat, lead, id, party
}

// A supervisor hears both sides; whom it is heard by is what it chose, and may choose anew.
func TestMonitorWhisperBarge(t *testing.T) {
	r := newRig(t)
	citizen, seat, lead, id, party := supervised(r, telephony.Monitor)
	set := func(how telephony.Supervision) {
		t.Helper()
		require.NoError(t, r.center.SetSupervision(t.Context(), id, party, "agent3", how))
	}
	r.hears(lead, toneCaller, toneSeat)
	r.hears(citizen, toneSeat)
	r.hears(seat, toneCaller)
	set(telephony.Whisper)
	r.hears(seat, toneCaller, toneThird)
	r.hears(citizen, toneSeat)
	r.hears(lead, toneCaller, toneSeat)
	time.Sleep(300 * time.Millisecond) // something to record
	set(telephony.Monitor)
	r.hears(seat, toneCaller)
	before := time.Since(r.center.Live()[0].BridgedAt)
	set(telephony.Barge)
	r.hears(citizen, toneSeat, toneThird)
	r.hears(seat, toneCaller, toneThird)
	require.ErrorIs(t, r.center.SetSupervision(t.Context(), id, party, "agent3", "shout"), telephony.ErrInvalid)
	require.ErrorIs(t, r.center.SetSupervision(t.Context(), id, "9", "agent3", telephony.Barge), telephony.ErrNotFound)
	require.ErrorIs(t, r.center.DropParty(t.Context(), id, party, "agent1"), telephony.ErrNotFound, "not the operator's to send away")

	require.NoError(t, r.center.EndSupervision(t.Context(), id, party, "agent3"))
	r.done(lead)
	r.hears(citizen, toneSeat)
	r.await("seat 8003 is free", func() bool { return r.center.Agents()[2].State == acd.StateReady })
	seat.Hangup()
	r.done(citizen)
	cdr := r.endedCall()
	p := cdr.Parties[0]
	require.Equal(t, telephony.Barge, p.Supervision)
	require.Equal(t, "agent3", p.User)
	require.Equal(t, "agent3", p.DroppedBy)
	r.awaitClean()
	body, _, err := r.center.Recording(t.Context(), id)
	require.NoError(t, err)
	defer body.Close()
	wav, err := media.ReadWAV(body)
	require.NoError(t, err)
	secret := int(before.Seconds() * media.SampleRate)
	for channel, pcm := range wav.Channels {
		whispered := 0.0
		for at := 0; at+1600 <= min(secret, len(pcm)); at += 800 {
			whispered = max(whispered, media.Goertzel(pcm[at:at+1600], media.SampleRate, toneThird))
		}
		require.Less(t, whispered, 0.01, "what is whispered is in no recording: channel %d", channel)
	}
	events, err := r.center.CallEvents(t.Context(), id)
	require.NoError(t, err)
	folded, err := telephony.Fold(id, events)
	require.NoError(t, err)
	require.Equal(t, cdr.Parties, folded.Parties)
}

// A supervisor who takes a call over has the citizen, and the seat is free; the record and the ticket follow.
func TestTakeOver(t *testing.T) {
	r := newRig(t)
	citizen, seat, lead, id, party := supervised(r, telephony.Whisper)
	require.ErrorIs(t, r.center.TakeOver(t.Context(), id, "9"), telephony.ErrNotFound)
	require.NoError(t, r.center.Hold(t.Context(), id, "agent1"))
	r.hears(citizen, toneMusic)
	require.NoError(t, r.center.TakeOver(t.Context(), id, party))
	r.done(seat)
	r.hears(citizen, toneThird)
	r.hears(lead, toneCaller)
	r.await("the seat is free", func() bool {
		a := r.center.Agents()
		return a[0].State != acd.StateTalking && a[2].State == acd.StateTalking && a[2].CallID == id
	})
	require.ErrorIs(t, r.center.TakeOver(t.Context(), id, party), telephony.ErrNotFound, "it is the supervisor's now")
	require.NoError(t, r.center.Hold(t.Context(), id, "agent3"))
	r.hears(citizen, toneMusic)
	require.NoError(t, r.center.Resume(t.Context(), id, "agent3"))
	r.hears(citizen, toneThird)
	lead.Hangup()
	r.done(citizen)
	cdr := r.endedCall()
	require.Equal(t, telephony.CauseTaken, cdr.Parties[0].Cause)
	require.Len(t, cdr.Transfers, 1)
	require.Equal(t, telephony.TransferTaken, cdr.Transfers[0].Kind)
	require.Equal(t, "agent3", cdr.Transfers[0].User)
	require.Equal(t, telephony.PartySupervisor, cdr.EndedBy)
	r.awaitClean()
}

// Supervision does not stand in the way of a transfer, and goes on with whoever is the seat then.
func TestASupervisedCallIsTransferred(t *testing.T) {
	r := newRig(t)
	citizen, seat, lead, id, _ := supervised(r, telephony.Whisper)
	_, second := r.seat("8002")
	sent := make(chan error, 1)
	go func() { sent <- seat.Transfer(r.ctx(), "8002") }()
	next := r.next(second)
	require.NoError(t, next.Answer())
	next.Play(media.Tone(toneSeat, -10, 0), false)
	require.NoError(t, <-sent)
	r.done(seat)
	r.hears(next, toneCaller, toneThird)
	r.hears(citizen, toneSeat)
	r.hears(lead, toneCaller, toneSeat)
	citizen.Hangup()
	for _, c := range []*phone.Call{next, lead} {
		r.done(c)
	}
	cdr := r.endedCall()
	require.Equal(t, id, cdr.ID)
	require.Equal(t, telephony.OutcomeAnswered, cdr.Transfers[0].Outcome)
	r.awaitClean()
}

func TestSupervisionIsRefused(t *testing.T) {
	r := newRig(t)
	citizen, _, id := talk(r)
	_, err := r.center.Supervise(r.ctx(), "none", "agent3", "", telephony.Monitor)
	require.ErrorIs(t, err, telephony.ErrNotFound)
	_, err = r.center.Supervise(r.ctx(), id, "agent3", "", "shout")
	require.ErrorIs(t, err, telephony.ErrInvalid)
	_, err = r.center.Supervise(r.ctx(), id, "stranger", "", telephony.Monitor)
	require.ErrorIs(t, err, telephony.ErrNotFound, "no seat")
	_, err = r.center.Supervise(r.ctx(), id, "agent3", "8003", telephony.Monitor)
	require.ErrorIs(t, err, telephony.ErrNotFound, "no phone")
	_, err = r.center.Supervise(r.ctx(), id, "agent1", "8001", telephony.Monitor)
	require.ErrorIs(t, err, telephony.ErrConflict, "the seat is in this very call")
	_, calls := r.seat("8003")
	party, err := r.center.Supervise(r.ctx(), id, "agent3", "8003", telephony.Monitor)
	require.NoError(t, err)
	rings := r.next(calls)
	require.ErrorIs(t, r.center.TakeOver(t.Context(), id, party), telephony.ErrConflict, "it rings still")
	require.ErrorIs(t, r.center.AskRating(t.Context(), id, "agent1"), telephony.ErrConflict, "somebody is being called")
	_, err = r.center.Supervise(r.ctx(), id, "agent3", "8003", telephony.Monitor)
	require.ErrorIs(t, err, telephony.ErrConflict, "twice")
	citizen.Hangup()
	r.done(rings)
	cdr := r.endedCall()
	require.False(t, slices.ContainsFunc(cdr.Parties, func(p telephony.Added) bool { return p.LeftAt.IsZero() }))
	r.awaitClean()
}

// In a call that the seat made it is the citizen who hears music while the seat and an added party talk.
func TestAnOutboundCallIsHeldInAConference(t *testing.T) {
	outside, calls := outsidePhone(t, phone.Options{User: "13900001111"})
	r := newRig(t, func(c *telephony.Config) { c.Gateway = outside.Addr().String() })
	_, first := r.seat("8001")
	_, second := r.seat("8002")
	id, err := r.center.Dial(t.Context(), "agent1", "8001", "13900001111")
	require.NoError(t, err)
	seat := r.next(first)
	require.NoError(t, seat.Answer())
	citizen := r.next(calls)
	require.NoError(t, citizen.Answer())
	r.hearEachOther(citizen, seat)
	_, err = r.center.AddParty(t.Context(), id, "8002", "agent1")
	require.NoError(t, err)
	third := r.next(second)
	require.NoError(t, third.Answer())
	third.Play(media.Tone(toneThird, -10, 0), false)
	r.hears(citizen, toneSeat, toneThird)
	require.NoError(t, r.center.Hold(t.Context(), id, "agent1"))
	r.hears(citizen, toneMusic)
	r.hears(seat, toneThird)
	r.hears(third, toneSeat)
	require.NoError(t, r.center.Resume(t.Context(), id, "agent1"))
	r.hears(citizen, toneSeat, toneThird)
	seat.Hangup()
	r.done(citizen)
	r.done(third)
	r.awaitClean()
}
