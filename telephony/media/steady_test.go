package media

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSteadyClock(t *testing.T) {
	wall := Steady(nil)
	first := wall()
	require.WithinDuration(t, time.Now(), first, time.Minute)
	require.False(t, wall().Before(first))
	c := newClock()
	start := c.now()
	now := Steady(c.now)
	require.Equal(t, start, now())
	c.advance(30 * time.Second)
	require.Equal(t, start.Add(30*time.Second), now(), "as it goes")
	for _, step := range []time.Duration{time.Hour, -2 * time.Hour, 24 * time.Hour} {
		before := now()
		c.advance(step)
		require.WithinDuration(t, before, now(), patience, "set by %v", step)
		before = now()
		c.advance(time.Second)
		require.Equal(t, before.Add(time.Second), now())
	}
}
