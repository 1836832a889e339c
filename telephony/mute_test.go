package telephony_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/media"
	"hotline/telephony/phone"
)

// A muted seat hears and is not heard, alone with the citizen and among three, over a hold, and not in the recording either.
func TestMute(t *testing.T) {
	outside, calls := outsidePhone(t, phone.Options{User: "02512345678"})
	r := newRig(t, func(c *telephony.Config) { c.Gateway = outside.Addr().String() })
	citizen, seat, id := talk(r)
	require.ErrorIs(t, r.center.Mute(t.Context(), "none", "agent1"), telephony.ErrNotFound)
	for range 2 {
		require.NoError(t, r.center.Mute(t.Context(), id, "agent1"))
	}
	r.hears(citizen)
	r.hears(seat, toneCaller)
	r.await("the observer hears of it", func() bool {
		return r.events.changed(func(c telephony.CDR) bool { return c.ID == id && len(c.Mutes) == 1 && c.Mutes[0].To.IsZero() })
	})
	require.NoError(t, r.center.Hold(t.Context(), id, "agent1"))
	r.hears(citizen, toneMusic)
	require.NoError(t, r.center.Resume(t.Context(), id, "agent1"))
	r.hears(citizen)

	party, err := r.center.AddParty(t.Context(), id, "02512345678", "agent1")
	require.NoError(t, err)
	department := r.next(calls)
	require.NoError(t, department.Answer())
	department.Play(media.Tone(toneThird, -10, 0), false)
	r.hears(citizen, toneThird)
	r.hears(department, toneCaller)
	r.hears(seat, toneCaller, toneThird)
	require.NoError(t, r.center.Unmute(t.Context(), id, "agent1"))
	r.hears(citizen, toneSeat, toneThird)
	require.NoError(t, r.center.Mute(t.Context(), id, "agent1"))
	r.hears(citizen, toneThird)
	require.NoError(t, r.center.DropParty(t.Context(), id, party, "agent1"))
	r.hears(citizen)
	began := time.Now()
	r.await("some of it", func() bool { return time.Since(began) > 500*time.Millisecond })
	seat.Hangup()
	r.done(citizen)
	cdr := r.endedCall()
	require.Len(t, cdr.Mutes, 2)
	require.Equal(t, cdr.EndedAt, cdr.Mutes[1].To)
	r.awaitClean()
	body, _, err := r.center.Recording(t.Context(), id)
	require.NoError(t, err)
	defer body.Close()
	wav, err := media.ReadWAV(body)
	require.NoError(t, err)
	tail := wav.Channels[1][len(wav.Channels[1])-media.SampleRate/2:]
	require.Less(t, loudest(tail, toneSeat), 0.01)
	require.Greater(t, loudest(wav.Channels[1], toneSeat), 0.05, "before")
	require.Greater(t, loudest(wav.Channels[0][len(tail):], toneCaller), 0.05)
}

// An operator consults a department while the citizen hears music, and then lets it have the call.
func TestConsultAndHandOver(t *testing.T) {
	outside, calls := outsidePhone(t, phone.Options{User: "02512345678"})
	r := newRig(t, func(c *telephony.Config) { c.Gateway = outside.Addr().String() })
	citizen, seat, id := talk(r)
	require.ErrorIs(t, r.center.HandOver(t.Context(), id, "1", "agent1"), telephony.ErrNotFound)
	require.NoError(t, r.center.Mute(t.Context(), id, "agent1"))
	require.NoError(t, r.center.Hold(t.Context(), id, "agent1"))
	party, err := r.center.AddParty(t.Context(), id, "02512345678", "agent1")
	require.NoError(t, err)
	department := r.next(calls)
	require.ErrorIs(t, r.center.HandOver(t.Context(), id, party, "agent1"), telephony.ErrConflict, "it has not answered")
	require.NoError(t, department.Answer())
	require.NoError(t, r.center.Unmute(t.Context(), id, "agent1"))
	department.Play(media.Tone(toneThird, -10, 0), false)
	r.hears(department, toneSeat)
	r.hears(seat, toneThird)
	r.hears(citizen, toneMusic)
	require.NoError(t, r.center.HandOver(t.Context(), id, party, "agent1"))
	r.done(seat)
	r.seatState("8001", "ready")
	r.hears(citizen, toneThird)
	r.hears(department, toneCaller)
	require.ErrorIs(t, r.center.Mute(t.Context(), id, "agent1"), telephony.ErrConflict, "no seat is there")
	department.Hangup()
	r.done(citizen)
	cdr := r.endedCall()
	require.Len(t, cdr.Transfers, 1)
	got := cdr.Transfers[0]
	got.At, got.EndedAt = time.Time{}, time.Time{}
	require.Equal(t, telephony.Transfer{
		Seat: "8001", User: "agent1", Kind: telephony.TransferAttended, To: "02512345678", Outcome: telephony.OutcomeAnswered,
	}, got)
	require.Equal(t, telephony.PartyThird, cdr.EndedBy)
	r.awaitClean()
}
