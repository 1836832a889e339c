package search

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// onePage is an engine that has a page of documents and counts who reads it.
type onePage struct {
	Driver
	reads int
}

func (d *onePage) Search(context.Context, Plan) (Found, error) {
	d.reads++
	return Found{Rows: []Row{{Title: "路灯不亮"}}}, nil
}

// TestWhoAsksDoesNotWaitForWords: what was learned long ago does until it is learned again,
// unless it was learned of next to nothing.
func TestWhoAsksDoesNotWaitForWords(t *testing.T) {
	d := &onePage{}
	x := New(d, Options{})
	first, err := x.rarity(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, d.reads, "nothing is known yet")

	first.docs, first.at = fewDocs, time.Now().Add(-2*learnedAgain)
	again, err := x.rarity(t.Context())
	require.NoError(t, err)
	require.Same(t, first, again)
	require.Equal(t, 1, d.reads)

	require.NoError(t, x.Learn(t.Context()))
	require.Equal(t, 2, d.reads)
	require.NoError(t, x.Learn(t.Context()))
	require.Equal(t, 2, d.reads, "it is not old")

	young, err := x.rarity(t.Context())
	require.NoError(t, err)
	require.NotSame(t, first, young)
	young.at = time.Now().Add(-2 * learnedSoon)
	_, err = x.rarity(t.Context())
	require.NoError(t, err)
	require.Equal(t, 3, d.reads)
}
