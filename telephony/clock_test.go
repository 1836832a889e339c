package telephony_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/media"
)

// settable is a wall clock that somebody sets: it goes on as time does, but gives no monotonic reading.
type settable struct{ off atomic.Int64 }

func (c *settable) now() time.Time { return time.Now().Add(time.Duration(c.off.Load())).Round(0) }

// Setting the clock by an hour in the middle of a call ends nothing and changes no duration: not in the record, not in the recording.
func TestTheClockIsSetDuringACall(t *testing.T) {
	for name, step := range map[string]time.Duration{"forwards": time.Hour, "backwards": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			c := &settable{}
			r := prepareRig(t, func(c *telephony.Config) { c.MediaTimeout = 4 * time.Second })
			r.now = c.now
			r.start()
			citizen, seat, id := talk(r)
			talking := time.Now()
			c.off.Store(int64(step))
			// Long enough that the silence of both has been looked at, and that reports have come in both directions.
			r.await("sound was checked, reports were sent", func() bool {
				return time.Since(talking) > 4*time.Second && citizen.Stats().Media.Reports > 0
			})
			require.Len(t, r.center.Live(), 1)
			r.hears(citizen, toneSeat)
			r.hears(seat, toneCaller)
			citizen.Hangup()
			talked := time.Since(talking)
			cdr := r.endedCall()
			r.awaitClean()

			require.Equal(t, telephony.CauseHangup, cdr.Cause)
			times := []time.Time{cdr.StartedAt, cdr.AnsweredAt, cdr.PromptAt, cdr.DigitAt, cdr.QueuedAt, cdr.RingingAt, cdr.SeatAt, cdr.BridgedAt, cdr.EndedAt}
			for i := range times[1:] {
				require.False(t, times[i+1].Before(times[i]), "time %d before time %d", i+1, i)
			}
			require.InDelta(t, talked.Seconds(), cdr.Talk().Seconds(), 2)
			for _, l := range cdr.Legs {
				require.Less(t, l.JitterMS, 100.0, "%s", l.Party)
				require.Greater(t, l.MOS, 3.5, "%s", l.Party)
			}
			body, info, err := r.center.Recording(t.Context(), id)
			require.NoError(t, err)
			require.InDelta(t, cdr.Talk().Milliseconds(), info.DurationMS, 60)
			wav, err := media.ReadWAV(body)
			require.NoError(t, err)
			require.NoError(t, body.Close())
			last := len(wav.Channels[0]) - media.SampleRate
			require.Greater(t, media.Goertzel(wav.Channels[0][last:last+4000], media.SampleRate, toneCaller), 0.1, "it was recorded to the end")
			require.Greater(t, media.Goertzel(wav.Channels[1][last:last+4000], media.SampleRate, toneSeat), 0.1)
		})
	}
}
