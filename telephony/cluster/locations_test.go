package cluster_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/cluster"
	"hotline/telephony/cluster/clustertest"
	"hotline/telephony/storetest"
)

func TestLocations(t *testing.T) {
	client := clustertest.Open(t)
	storetest.RunLocations(t, func(t testing.TB) telephony.Locations {
		client.Empty(t)
		return cluster.NewLocations(client.Client, nil)
	})
}

// What Redis forgets the nodes that wrote it put back, each its own, and the newest of what several wrote.
func TestLocationsSurviveAFlush(t *testing.T) {
	client := clustertest.Open(t)
	a, b := cluster.NewLocations(client.Client, nil), cluster.NewLocations(client.Client, nil)
	ctx := t.Context()
	in := func(n int) []telephony.Binding {
		return []telephony.Binding{{Contact: fmt.Sprintf("sip:x@192.0.2.%d", n), Expires: time.Now().Add(time.Hour)}}
	}
	require.NoError(t, a.Replace(ctx, "8001", 0, in(1)))
	require.NoError(t, a.Replace(ctx, "8002", 0, in(2)))
	_, version, err := b.Bindings(ctx, "8002")
	require.NoError(t, err)
	require.NoError(t, b.Replace(ctx, "8002", version, in(3)))
	_, newest, err := a.Bindings(ctx, "8002")
	require.NoError(t, err)
	for range 3 {
		client.Empty(t)
		_, err = b.Due(ctx, time.Now(), 1) // b notices first
		require.NoError(t, err)
		found := make(chan error)
		go func() { // what a alone knows b waits for
			got, _, err := b.Bindings(ctx, "8001")
			if err == nil && len(got) != 1 {
				err = fmt.Errorf("%d bindings", len(got))
			}
			found <- err
		}()
		_, err = a.Due(ctx, time.Now(), 1)
		require.NoError(t, err)
		require.NoError(t, <-found)
		for seat, contact := range map[string]string{"8001": "sip:x@192.0.2.1", "8002": "sip:x@192.0.2.3"} {
			got, _, err := b.Bindings(ctx, seat)
			require.NoError(t, err)
			require.Len(t, got, 1, seat)
			require.Equal(t, contact, got[0].Contact)
		}
	}
	_, version, err = a.Bindings(ctx, "8002")
	require.NoError(t, err)
	require.Equal(t, newest, version)
	require.NoError(t, a.Replace(ctx, "8002", version, in(4)))
	_, later, err := a.Bindings(ctx, "8002")
	require.NoError(t, err)
	require.Greater(t, later, version, "a version is never given twice")
	due, err := a.Due(ctx, time.Now().Add(2*time.Hour), 10)
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"8001", "8002"}, due)
}
