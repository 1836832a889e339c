package cluster_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/cluster"
	"hotline/telephony/storetest"
)

// ownRedis is a client of a database that no other test uses, emptied; nil where Redis is left out.
func ownRedis(t *testing.T) *redis.Client {
	t.Helper()
	base := os.Getenv("HOTLINE_TEST_REDIS")
	if base == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("HOTLINE_TEST_REDIS is not set: what nodes share must be tested on Redis")
		}
		t.Skip("left out: what nodes share over Redis; set HOTLINE_TEST_REDIS")
	}
	u, err := url.Parse(base)
	require.NoError(t, err)
	u.Path = "/4"
	opts, err := redis.ParseURL(u.String())
	require.NoError(t, err)
	client := redis.NewClient(opts)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	locked(t, client)
	require.NoError(t, client.FlushDB(t.Context()).Err())
	return client
}

// locked keeps other processes' tests off the database; the lock is in another one, for flushes are part of the tests.
func locked(t *testing.T, client *redis.Client) {
	t.Helper()
	opts := *client.Options()
	opts.DB = 0
	locks := redis.NewClient(&opts)
	key := fmt.Sprintf("hotline:test:cluster:%d", client.Options().DB)
	require.Eventually(t, func() bool {
		won, err := locks.SetNX(t.Context(), key, os.Getpid(), 5*time.Minute).Result()
		require.NoError(t, err)
		return won
	}, 5*time.Minute, 50*time.Millisecond)
	t.Cleanup(func() {
		require.NoError(t, locks.Del(context.Background(), key).Err())
		require.NoError(t, locks.Close())
	})
}

func TestLocations(t *testing.T) {
	client := ownRedis(t)
	storetest.RunLocations(t, func(t testing.TB) telephony.Locations {
		require.NoError(t, client.FlushDB(context.Background()).Err())
		return cluster.NewLocations(client, nil)
	})
}

// What Redis forgets the nodes that wrote it put back, each its own, and the newest of what several wrote.
func TestLocationsSurviveAFlush(t *testing.T) {
	client := ownRedis(t)
	a, b := cluster.NewLocations(client, nil), cluster.NewLocations(client, nil)
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
		require.NoError(t, client.FlushDB(ctx).Err())
		_, err = b.Due(ctx, time.Now(), 1) // b notices first
		require.NoError(t, err)
		_, err = a.Due(ctx, time.Now(), 1)
		require.NoError(t, err)
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
