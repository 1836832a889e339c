package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/cmd/hotline/testbed"

	"hotline/cmd/hotline/app"
	"hotline/cmd/hotline/config"
)

// engineSet names the engines that a node stands on.
type engineSet struct {
	name  string
	apply func(t *testing.T, c *config.Config)
}

// embedded are the engines inside the binary.
var embedded = engineSet{"embedded", func(*testing.T, *config.Config) {}}

// engineSets runs test on the embedded engines, and on the real ones where they are named.
func engineSets(t *testing.T, test func(t *testing.T, e engineSet)) {
	t.Run("embedded", func(t *testing.T) {
		test(t, embedded)
	})
	for _, variable := range []string{"HOTLINE_TEST_POSTGRES", "HOTLINE_TEST_REDIS", "HOTLINE_TEST_ELASTICSEARCH"} {
		if os.Getenv(variable) != "" {
			continue
		}
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not set: the node must also run on PostgreSQL, Redis and Elasticsearch", variable)
		}
		t.Logf("%s is not set: PostgreSQL, Redis and Elasticsearch are left out", variable)
		return
	}
	t.Run("postgres redis elasticsearch", func(t *testing.T) {
		test(t, engineSet{"real", realEngines})
	})
}

// realEngines gives a node a database, a Redis database and an index of its own.
func realEngines(t *testing.T, c *config.Config) {
	name := fmt.Sprintf("hotline_e2e_%d_%d", os.Getpid(), time.Now().UnixNano())
	admin := os.Getenv("HOTLINE_TEST_POSTGRES")
	psql := func(command string) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), testbed.Patience)
		defer cancel()
		out, err := exec.CommandContext(ctx, "psql", admin, "-v", "ON_ERROR_STOP=1", "-c", command).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	psql("CREATE DATABASE " + name)
	t.Cleanup(func() { psql("DROP DATABASE " + name + " WITH (FORCE)") })
	u, err := url.Parse(admin)
	require.NoError(t, err)
	u.Path = "/" + name
	c.Store = u.String()

	r, err := url.Parse(os.Getenv("HOTLINE_TEST_REDIS"))
	require.NoError(t, err)
	r.Path = "/11" // the suites of jobs use 5 to 9
	flush(t, r.Host, "11")
	c.Queue = r.String()

	index := strings.TrimSuffix(os.Getenv("HOTLINE_TEST_ELASTICSEARCH"), "/")
	prefix := strings.ReplaceAll(name, "_", "-")
	c.Search = index + "/" + prefix
	t.Cleanup(func() { dropIndexes(t, strings.TrimPrefix(index, "elasticsearch+"), prefix) })
}

func flush(t *testing.T, host, db string) {
	conn, err := (&net.Dialer{Timeout: testbed.Patience}).DialContext(t.Context(), "tcp", host)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = fmt.Fprintf(conn, "SELECT %s\r\nFLUSHDB\r\nQUIT\r\n", db)
	require.NoError(t, err)
	answer, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.Equal(t, "+OK\r\n+OK\r\n+OK\r\n", string(answer))
}

func dropIndexes(t *testing.T, base, prefix string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), testbed.Patience)
	defer cancel()
	do := func(method, path string) []byte {
		req, err := http.NewRequestWithContext(ctx, method, base+path, nil)
		require.NoError(t, err)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer func() { _ = res.Body.Close() }()
		raw, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, res.StatusCode, string(raw))
		return raw
	}
	var found map[string]any
	require.NoError(t, json.Unmarshal(do(http.MethodGet, "/"+prefix+"-*/_alias"), &found))
	for name := range found {
		do(http.MethodDelete, "/"+name)
	}
}

// startNode starts a whole node with the sample city on loopback.
func startNode(t *testing.T, e engineSet, opts app.Options) *app.App {
	t.Helper()
	return testbed.StartNode(t, opts, func(c *config.Config) { e.apply(t, c) })
}
