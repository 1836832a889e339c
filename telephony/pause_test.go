package telephony_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/media"
)

// A pause is silence in the recording, stands in the record with who asked for it, and harms the talk itself in no way.
func TestRecordingPauses(t *testing.T) {
	r := newRig(t)
	citizen, seat, id := talk(r)
	// Something of the talk has to be in the recording before the pause.
	began := time.Now()
	r.await("half a second", func() bool { return time.Since(began) > 500*time.Millisecond })
	require.NoError(t, r.center.PauseRecording(t.Context(), id, "agent1"))
	require.NoError(t, r.center.PauseRecording(t.Context(), id, "agent2"), "it is paused already")
	citizen.Play(media.Tone(toneThird, -10, 0), false) // the secret
	require.NoError(t, seat.WaitTone(r.ctx(), toneThird))
	require.True(t, r.center.Live()[0].Pauses[0].To.IsZero())
	citizen.Play(media.Tone(toneCaller, -10, 0), false)
	require.NoError(t, seat.WaitTone(r.ctx(), toneCaller))
	r.hears(seat, toneCaller)
	require.NoError(t, r.center.ResumeRecording(t.Context(), id, "lead1"))
	resumed := time.Now()
	r.await("half a second more", func() bool { return time.Since(resumed) > 500*time.Millisecond })
	citizen.Hangup()
	cdr := r.endedCall()
	r.awaitClean()
	require.Len(t, cdr.Pauses, 1)
	p := cdr.Pauses[0]
	require.Equal(t, [2]string{"agent1", "lead1"}, [2]string{p.By, p.ResumedBy})
	require.True(t, p.To.After(p.From))

	body, _, err := r.center.Recording(t.Context(), id)
	require.NoError(t, err)
	wav, err := media.ReadWAV(body)
	require.NoError(t, err)
	at := func(moment time.Time) int { return int(moment.Sub(cdr.BridgedAt) * media.SampleRate / time.Second) }
	const edge = media.SampleRate / 5 // what was on its way
	for channel, freq := range []float64{toneCaller, toneSeat} {
		pcm := wav.Channels[channel]
		require.Less(t, media.RMS(pcm[at(p.From)+edge:at(p.To)-edge/4]), 0.001, "nothing of the pause")
		require.Greater(t, media.Goertzel(pcm[at(p.To)+edge:at(p.To)+2*edge], media.SampleRate, freq), 0.1, "the talk goes on")
		require.Less(t, media.Goertzel(pcm, media.SampleRate, toneThird), 0.001, "the secret is nowhere")
	}
	folded, err := r.store.Events(t.Context(), telephony.EventFilter{CallID: id, Limit: 1000})
	require.NoError(t, err)
	again, err := telephony.Fold(id, folded)
	require.NoError(t, err)
	require.Equal(t, cdr.Pauses, again.Pauses)

	require.ErrorIs(t, r.center.PauseRecording(t.Context(), id, "agent1"), telephony.ErrNotFound, "it is over")
}

// A call that is not recorded says so.
func TestNothingToPause(t *testing.T) {
	r := newRig(t, func(c *telephony.Config) { c.NoRecording = true })
	citizen, _, id := talk(r)
	require.ErrorIs(t, r.center.PauseRecording(t.Context(), id, "agent1"), telephony.ErrConflict)
	citizen.Hangup()
	r.endedCall()
}
