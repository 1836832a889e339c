package media

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSendDigitReachesTheOtherSideOnce(t *testing.T) {
	ports := testPorts(t, PortOptions{})
	a, err := ports.Open(LegOptions{})
	require.NoError(t, err)
	b, err := ports.Open(LegOptions{Codecs: []Codec{PCMU}})
	require.NoError(t, err)
	require.ErrorIs(t, a.SendDigit(context.Background(), '1'), ErrNoEvents)
	answer, err := b.Answer(a.Offer())
	require.NoError(t, err)
	require.NoError(t, a.Accept(answer))
	require.ErrorIs(t, a.SendDigit(context.Background(), 'x'), ErrBadDigit)
	a.Play(Tone(440, -10, 0), true)
	for _, d := range "15#D" {
		require.NoError(t, a.SendDigit(context.Background(), d))
	}
	for _, want := range "15#D" {
		require.Equal(t, string(want), string(soon(t, b.Digits()).Rune))
	}
	require.Empty(t, b.Digits())
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, a.SendDigit(ctx, '9'), context.Canceled)
	require.Zero(t, b.Stats().Lost)
	require.Zero(t, b.Stats().Malformed)
}

func TestDigitFilter(t *testing.T) {
	start, end := event{code: 1, duration: 160}, event{code: 1, end: true, duration: 800}
	type step struct {
		e    event
		ts   uint32
		want string
	}
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"one digit, three ends", []step{{start, 10, "1"}, {start, 10, ""}, {end, 10, ""}, {end, 10, ""}, {end, 10, ""}}},
		{"only an end arrives", []step{{end, 10, "1"}, {end, 10, ""}}},
		{"the same digit again", []step{{start, 10, "1"}, {end, 10, ""}, {start, 2000, "1"}, {end, 2000, ""}}},
		{"a late end of the one before", []step{{start, 10, "1"}, {event{code: 2}, 2000, "2"}, {end, 10, ""}}},
		{"timestamps wrap", []step{{start, 0xFFFFFFF0, "1"}, {event{code: 11}, 100, "#"}}},
		{"a key held in segments", []step{{start, 10, "1"}, {start, 10 + 0xFFFF, ""}, {end, 10 + 0xFFFF, ""}}},
		{"flash and tones are no digits", []step{{event{code: 16}, 10, ""}, {event{code: 70}, 20, ""}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var f digitFilter
			for i, s := range c.steps {
				r, ok := f.begins(s.e, s.ts)
				got := ""
				if ok {
					got = string(r)
				}
				require.Equal(t, s.want, got, "step %d", i)
			}
		})
	}
	e, ok := parseEvent(event{code: 7, end: true, volume: 10, duration: 1280}.marshal(nil))
	require.True(t, ok)
	require.Equal(t, event{code: 7, end: true, volume: 10, duration: 1280}, e)
}
