package telephony_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/phone"
)

// A recording that takes long to be finished holds up neither the caller's
// BYE nor the seat: here half a gigabyte has to be read through.
func TestSlowRecordingReleasesLegsAndSeat(t *testing.T) {
	r := newRig(t)
	_, calls := r.seat("8001")
	c := r.dial(r.phone(phone.Options{}))
	require.NoError(t, c.SendDigits(r.ctx(), "0"))
	at := r.next(calls)
	require.NoError(t, at.Answer())
	r.await("recording", func() bool { return r.center.Counts().Recorders == 1 })
	path := filepath.Join(r.cfg.SpoolDir, r.center.Live()[0].ID+".wav")
	require.NoError(t, os.Truncate(path, 1<<29)) // a hole, it takes no space
	at.Hangup()
	r.done(c)
	n := r.center.Counts()
	require.Equal(t, 1, n.Recorders, "the recording is being finished still")
	require.Zero(t, n.SeatsBusy)
	require.NoError(t, os.Remove(path)) // nothing to move to the blob store
	require.Equal(t, telephony.PartySeat, r.endedCall().EndedBy)
	r.awaitClean()
}

// A second process on the same addresses fails, and leaves the calls of the
// first one as they are.
func TestSecondProcessLeavesCallsAlone(t *testing.T) {
	r := newRig(t)
	c := r.dial(r.phone(phone.Options{}))
	require.NoError(t, c.SendDigits(r.ctx(), "0"))
	r.await("open record", func() bool {
		open, err := r.store.OpenCalls(t.Context(), "", 10)
		return err == nil && len(open) == 1
	})
	cfg := r.cfg
	cfg.Listen = []string{"udp://" + r.center.Addr("udp").String()}
	second, err := telephony.New(cfg, r.store, newWatcher(), r.blobs, telephony.Options{})
	require.NoError(t, err)
	require.ErrorContains(t, second.Start(t.Context()), r.center.Addr("udp").String())
	require.NoError(t, second.Stop(t.Context()))
	open, err := r.store.OpenCalls(t.Context(), "", 10)
	require.NoError(t, err)
	require.Len(t, open, 1, "the call goes on")
	c.Hangup()
	r.endedCall()
	r.awaitClean()
}
