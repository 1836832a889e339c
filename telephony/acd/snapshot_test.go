package acd_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony/acd"
)

// A machine that goes on with other queues keeps every caller and its place.
func TestRestoreWithOtherQueues(t *testing.T) {
	old := acd.New([]acd.Queue{{Name: "general", Seats: []string{"2"}}, {Name: "closed", Seats: []string{"2"}}})
	old.Apply(acd.SetDevice{At: t0, Seat: "1", Registered: true})
	old.Apply(acd.SetPresence{At: t0, Seat: "1", User: "li", Presence: acd.Ready})
	for i, call := range []string{"a", "b", "c"} {
		old.Apply(acd.Arrive{At: t0.Add(time.Duration(i) * time.Second), Call: call, Queue: []string{"closed", "general"}[i%2]})
	}
	snapshot, err := old.Snapshot()
	require.NoError(t, err)
	m, err := acd.Restore([]acd.Queue{{Name: "new"}, {Name: "general"}}, snapshot)
	require.NoError(t, err)
	var waiting []string
	for _, q := range m.Queues() {
		for _, c := range q.Callers {
			waiting = append(waiting, q.Name+" "+c.Call)
		}
	}
	require.Equal(t, []string{"new a", "new c", "general b"}, waiting)
	ds := m.Apply(acd.Tick{At: t0.Add(time.Minute)})
	require.Contains(t, ds, acd.Offer{Call: "a", Queue: "new", Seat: "1", User: "li", Attempt: 1, Reason: acd.ReasonLongestIdle})
}

func TestRestoreRefuses(t *testing.T) {
	_, err := acd.Restore([]acd.Queue{{Name: "q"}}, []byte("{"))
	require.ErrorContains(t, err, "cannot be read")
	_, err = acd.Restore(nil, []byte("{}"))
	require.ErrorContains(t, err, "needs a queue")
	_, err = acd.Restore([]acd.Queue{{Name: "q"}}, []byte(`{"callers":[{"call":"a","queue":"q","offers":[{"seat":"1"}]}]}`))
	require.ErrorContains(t, err, `seat "1"`)
}
