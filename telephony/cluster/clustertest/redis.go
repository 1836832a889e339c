package clustertest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// Redis is a database of Redis.
type Redis struct{ *redis.Client }

// Empty forgets everything.
func (r Redis) Empty(t testing.TB) {
	t.Helper()
	require.NoError(t, r.FlushDB(context.Background()).Err())
}

// databases are those that these tests take turns at.
var databases = []int{3, 4}

// Open gives a test an empty database. Without HOTLINE_TEST_REDIS the test is left out, where that is allowed.
func Open(t *testing.T) Redis {
	t.Helper()
	base := os.Getenv("HOTLINE_TEST_REDIS")
	if base == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("HOTLINE_TEST_REDIS is not set: what nodes share must be tested on Redis")
		}
		t.Skip("left out: what nodes share over Redis; set HOTLINE_TEST_REDIS")
	}
	locks := connect(t, base, 0)
	for deadline := time.Now().Add(5 * time.Minute); ; {
		for _, db := range databases {
			// The lock is in another database, for emptying is part of the tests.
			key := fmt.Sprintf("hotline:test:cluster:%d", db)
			won, err := locks.SetNX(t.Context(), key, os.Getpid(), 5*time.Minute).Result()
			require.NoError(t, err)
			if !won {
				continue
			}
			t.Cleanup(func() { require.NoError(t, locks.Del(context.Background(), key).Err()) })
			r := Redis{connect(t, base, db)}
			r.Empty(t)
			return r
		}
		require.True(t, time.Now().Before(deadline), "other tests hold all databases")
		time.Sleep(50 * time.Millisecond)
	}
}

func connect(t *testing.T, base string, db int) *redis.Client {
	t.Helper()
	u, err := url.Parse(base)
	require.NoError(t, err)
	u.Path = fmt.Sprintf("/%d", db)
	opts, err := redis.ParseURL(u.String())
	require.NoError(t, err)
	client := redis.NewClient(opts)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return client
}
