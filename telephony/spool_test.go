package telephony

import (
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A finished recording counts as spooled from the moment that the call is
// over, and is left alone until its record is stored.
func TestSpoolCountsWhatWaitsForItsRecord(t *testing.T) {
	s := newSpool(t.TempDir(), "", nil, nil, nil, slog.New(slog.DiscardHandler), time.Now)
	require.NoError(t, os.WriteFile(s.path("call"), []byte("sound"), 0o600))
	s.expect("call")
	require.Equal(t, 1, s.pending())
	require.True(t, s.pass(t.Context()), "nothing can be moved, so nothing failed")
	require.Equal(t, 1, s.pending())
	require.FileExists(t, s.path("call"))

	require.NoError(t, os.Remove(s.path("call"))) // as if moved before
	s.move("call")
	require.True(t, s.pass(t.Context()))
	require.Zero(t, s.pending())
}
