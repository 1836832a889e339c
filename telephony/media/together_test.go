package media

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// A phone whose clock is wrong by up to 300 ppm, over a network that loses, delays and reorders, is recorded where it was heard: a click
// each second lies within 20 ms of its time, from the first second to the last.
func TestRecorderKeepsStreamsTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		skew := rapid.IntRange(-300, 300).Draw(t, "ppm")
		jitter := time.Duration(rapid.IntRange(0, 80).Draw(t, "jitter ms")) * time.Millisecond
		loss := rapid.IntRange(0, 20).Draw(t, "loss %")
		seed := rapid.Uint64().Draw(t, "seed")
		together(t, skewed{ppm: skew, jitter: jitter, loss: loss, seed: seed, length: 45 * time.Second})
	})
}

// A long call by a very bad clock: without being moved it would end 540 ms off.
func TestRecorderKeepsALongCallTogether(t *testing.T) {
	together(t, skewed{ppm: 300, jitter: 30 * time.Millisecond, loss: 1, seed: 1, length: 30 * time.Minute})
}

type judge interface {
	require.TestingT
	Fatalf(format string, args ...any)
}

func together(t judge, s skewed) {
	for i, off := range clickErrors(t, s) {
		if off > 20*time.Millisecond || off < -20*time.Millisecond {
			t.Fatalf("click %d lies %v off", i, off)
		}
	}
}
