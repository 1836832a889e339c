package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/cmd/hotline/app"
	"hotline/cmd/hotline/config"
)

// patience bounds every wait; nothing is timed by it.
const patience = 60 * time.Second

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
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
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
	conn, err := (&net.Dialer{Timeout: patience}).DialContext(t.Context(), "tcp", host)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = fmt.Fprintf(conn, "SELECT %s\r\nFLUSHDB\r\nQUIT\r\n", db)
	require.NoError(t, err)
	answer, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.Equal(t, "+OK\r\n+OK\r\n+OK\r\n", string(answer))
}

func dropIndexes(t *testing.T, base, prefix string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
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
	dir := t.TempDir()
	cfg := config.Config{
		Data: dir, HTTP: "127.0.0.1:0", SIP: []string{"127.0.0.1:0"}, Store: "sqlite://" + filepath.Join(dir, "hotline.db"), Queue: "mem://",
		Search: "fts://" + filepath.Join(dir, "search.db"), Blobs: "file://" + filepath.Join(dir, "blobs"),
		Roles: []config.Role{config.SIP, config.Web, config.Worker}, RTPLow: 20000, RTPHigh: 29999,
		Trunks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Lines: []string{"12345", "12315"}, Realm: "hotline",
	}
	e.apply(t, &cfg)
	opts.Prepare = app.SampleCity
	opts.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	n := app.New(cfg, opts)
	require.NoError(t, n.Start(t.Context()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		require.NoError(t, n.Stop(ctx))
	})
	return n
}

// within is a context that ends when patience does.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// await polls for a state that nothing announces.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			require.FailNow(t, "still waiting for: "+what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// next takes one value that must come.
func next[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case v, ok := <-from:
		require.True(t, ok, "over before %s came", what)
		return v
	case <-time.After(patience):
		require.FailNow(t, what+" does not come")
		panic("not reached")
	}
}
