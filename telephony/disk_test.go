//go:build linux

package telephony_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/disktest"
	"hotline/telephony/media"
	"hotline/telephony/vault"
)

// A disk of 1 MB that is full in the middle of a call: both sides talk on, the record tells what is missing, and the recording has all that
// was said while there was room, each where it belongs.
func TestCallOnAFullDisk(t *testing.T) { disktest.Run(t, 1<<20, callOnAFullDisk) }

func callOnAFullDisk(t *testing.T, dir string) {
	r := newRig(t, func(c *telephony.Config) { c.SpoolDir = filepath.Join(dir, "spool") })
	citizen, seat, id := talk(r)
	wait := func(d time.Duration) {
		began := time.Now()
		r.await("some talk", func() bool { return time.Since(began) > d })
	}
	wait(1500 * time.Millisecond)
	full := time.Now()
	free := disktest.Fill(t, dir)
	wait(5 * time.Second)
	r.hears(citizen, toneSeat)
	r.hears(seat, toneCaller)
	room := time.Now()
	free()
	wait(3 * time.Second)
	citizen.Hangup()
	cdr := r.endedCall()
	r.awaitClean()
	require.Equal(t, telephony.CauseHangup, cdr.Cause)
	require.True(t, strings.HasPrefix(cdr.Recording.Error, "incomplete"), "%q", cdr.Recording.Error)
	require.Equal(t, cdr.Talk().Milliseconds(), cdr.Recording.DurationMS, "as long as the talk")
	body, _, err := r.center.Recording(t.Context(), id)
	require.NoError(t, err)
	wav, err := media.ReadWAV(body)
	require.NoError(t, err)
	require.NoError(t, body.Close())
	at := func(moment time.Time) int { return int(moment.Sub(cdr.BridgedAt) * media.SampleRate / time.Second) }
	for ch, freq := range []float64{toneCaller, toneSeat} {
		pcm := wav.Channels[ch]
		require.Less(t, media.RMS(pcm[at(room)-2*media.SampleRate-4000:at(room)-2*media.SampleRate]), 0.001, "nothing while it was full")
		require.Greater(t, media.Goertzel(pcm[at(full)-9000:at(full)-5000], media.SampleRate, freq), 0.1, "what was said before")
		require.Greater(t, media.Goertzel(pcm[len(pcm)-8000:len(pcm)-4000], media.SampleRate, freq), 0.1, "and after")
	}
}

// A call that begins while the disk is full is recorded from when it has room, encrypted or not; one that never finds room is told as lost.
func TestCallBeginsOnAFullDisk(t *testing.T) {
	keys, err := vault.ParseKeys(strings.Repeat("5c", 32))
	require.NoError(t, err)
	for name, keys := range map[string]*vault.Keys{"plain": nil, "encrypted": keys} {
		t.Run(name, func(t *testing.T) {
			disktest.Run(t, 1<<20, func(t *testing.T, dir string) {
				r := newRig(t, func(c *telephony.Config) {
					c.SpoolDir, c.RecordingKeys = filepath.Join(dir, "spool"), keys
				})
				free := disktest.Fill(t, dir)
				citizen, seat, id := talk(r)
				r.hears(citizen, toneSeat)
				r.hears(seat, toneCaller)
				free()
				began := time.Now()
				r.await("some talk", func() bool { return time.Since(began) > 3*time.Second })
				citizen.Hangup()
				cdr := r.endedCall()
				r.awaitClean()
				require.Equal(t, telephony.CauseHangup, cdr.Cause)
				require.Equal(t, cdr.Talk().Milliseconds(), cdr.Recording.DurationMS)
				body, _, err := r.center.Recording(t.Context(), id)
				require.NoError(t, err)
				wav, err := media.ReadWAV(body)
				require.NoError(t, err)
				require.NoError(t, body.Close())
				for ch, freq := range []float64{toneCaller, toneSeat} {
					pcm := wav.Channels[ch]
					require.Greater(t, media.Goertzel(pcm[len(pcm)-8000:len(pcm)-4000], media.SampleRate, freq), 0.1)
				}
			})
		})
	}
}
