package telephony_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/acd"
)

// A sealed queue has seats of its own, and no way leads in or out of it.
func TestSealedQueues(t *testing.T) {
	config := func(sealed telephony.QueueConfig, flow string) telephony.Config {
		sealed.Name, sealed.Sealed = "sealed", true
		c := telephony.Config{
			SpoolDir: t.TempDir(), Lines: []telephony.Line{{Number: "12345"}, {Number: "12388", Queue: "sealed"}},
			Queues: []telephony.QueueConfig{{Name: "general"}, sealed},
		}
		if flow != "" {
			led(flow)(&c)
		}
		return c
	}
	seats := telephony.QueueConfig{Seats: []string{"8009"}}
	for want, c := range map[string]telephony.Config{
		"name the seats":                config(telephony.QueueConfig{}, ""),
		"cannot overflow":               config(telephony.QueueConfig{Seats: seats.Seats, Overflow: acd.Overflow{To: "general", Full: true}}, ""),
		`line 12345 to queue "sealed"`:  config(seats, "- {name: f, lines: [12345], start: a, steps: {a: {queue: {name: sealed}}}}"),
		`line 12388 to queue "general"`: config(seats, "- {name: f, lines: [12388], start: a, steps: {a: {queue: {name: general}}}}"),
	} {
		_, err := telephony.New(c, nil, nil, nil, telephony.Options{})
		require.ErrorIs(t, err, telephony.ErrInvalid)
		require.ErrorContains(t, err, want)
	}
	c, err := telephony.New(config(seats, "- {name: f, lines: [12388], start: a, steps: {a: {queue: {}}}}"), nil, nil, nil, telephony.Options{})
	require.NoError(t, err)
	require.Equal(t, map[string][]string{"12388": {"8009"}}, c.Sealed())
	require.NoError(t, c.Stop(t.Context()))
}
