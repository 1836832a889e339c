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

// A sealed call stays among its seats, whoever would bring in another one, and the calls of its seats are the line's.
func TestSealedCallsStayAmongTheirSeats(t *testing.T) {
	there, calls := citizen(t)
	r := newRig(t, func(c *telephony.Config) {
		c.Lines = []telephony.Line{{Number: "12315", Queue: "general"}, {Number: "12345", Queue: "sealed"}}
		c.Queues = []telephony.QueueConfig{{Name: "sealed", Sealed: true, Seats: []string{"8001", "8004"}, WrapUp: -1}, {Name: "general", WrapUp: -1}}
		c.TrunkList = []telephony.Trunk{{Name: "telecom", Gateways: []telephony.Gateway{{Host: there}}}}
	})
	r.seat("8002")
	r.seat("8003")
	citizen, seat, id := talk(r)
	_, inside := r.seat("8004")
	require.Equal(t, "12345", r.center.Live()[0].Line)
	require.ErrorIs(t, r.center.Transfer(t.Context(), id, "8002", "agent1"), telephony.ErrNotFound)
	_, err := r.center.AddParty(t.Context(), id, "8002", "agent1")
	require.ErrorIs(t, err, telephony.ErrNotFound)
	_, err = r.center.Supervise(t.Context(), id, "agent3", "", telephony.Monitor)
	require.ErrorIs(t, err, telephony.ErrNotFound)
	require.NoError(t, r.center.Transfer(t.Context(), id, "8004", "agent1"))
	colleague := r.next(inside)
	require.NoError(t, colleague.Answer())
	r.done(seat)
	r.hearEachOther(citizen, colleague)
	citizen.Hangup()
	r.endedCall()
	r.seatState("8001", "ready")

	_, err = r.center.Dial(t.Context(), "agent4", "8004", number)
	require.NoError(t, err)
	own := r.next(inside)
	require.NoError(t, own.Answer())
	r.next(calls)
	r.awaitTalking()
	own.Hangup()
	require.Equal(t, "12345", r.endedCall().Line)
	r.awaitClean()
}
