package telephony_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/media"
)

// Both sides fall silent, as when the network between has died: the call ends with its cause, and nothing is left.
func TestSilenceEndsACall(t *testing.T) {
	r := newRig(t, func(c *telephony.Config) { c.MediaTimeout = time.Second })
	citizen, seat, _ := talk(r)
	citizen.Leg().Close()
	seat.Leg().Close()
	cdr := r.endedCall()
	require.Equal(t, telephony.CauseMedia, cdr.Cause)
	require.Equal(t, telephony.PartySystem, cdr.EndedBy)
	r.awaitClean()
}

// A trunk that dies in a call is noticed by its reports, although the seat talks on.
func TestADeadTrunkEndsACall(t *testing.T) {
	r := newRig(t, func(c *telephony.Config) { c.MediaTimeout = time.Second })
	citizen, seat, _ := talk(r)
	r.await("reports in both directions", func() bool { return citizen.Stats().Media.Reports > 0 })
	citizen.Leg().Close()
	cdr := r.endedCall()
	require.Equal(t, telephony.CauseMedia, cdr.Cause)
	require.Greater(t, cdr.Legs[0].MOS, 4.0)
	require.Positive(t, r.center.Quality().MOS.Count)
	r.done(seat)
	r.awaitClean()
}

// A conversation lasts as long as the centre allows.
func TestTheLongestTalk(t *testing.T) {
	r := newRig(t, func(c *telephony.Config) { c.LongestTalk, c.MediaTimeout = time.Second, 2*time.Second })
	talk(r)
	require.Equal(t, telephony.CauseMedia, r.endedCall().Cause)
	r.awaitClean()
}

// One side that says nothing may listen: its reports tell that it is there, and the call goes on.
func TestAListenerIsLeftAlone(t *testing.T) {
	const limit = 8 * time.Second // more than between two reports
	r := newRig(t, func(c *telephony.Config) { c.MediaTimeout = limit })
	citizen, seat, _ := talk(r)
	citizen.Play(media.Silence(0), false).Stop()
	began := time.Now()
	r.await("more than the limit", func() bool { return time.Since(began) > limit+limit/2 })
	require.Len(t, r.center.Live(), 1)
	seat.Hangup()
	cdr := r.endedCall()
	require.Equal(t, telephony.CauseHangup, cdr.Cause)
	require.Positive(t, cdr.Legs[0].RemoteMOS, "the citizen told how the seat was heard")
	r.awaitClean()
}
