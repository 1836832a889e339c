package drill

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// set is a set of engines that a node runs on.
type set struct {
	name string
	fill func(t *testing.T, s *Setup)
	wipe func(ctx context.Context) error // empties the queue's database; nil where the queue dies with the process
}

// sets lists the engine sets; the real ones come from HOTLINE_TEST_POSTGRES and
// HOTLINE_TEST_REDIS.
func sets(t *testing.T) []set {
	all := []set{{name: "embedded", fill: func(*testing.T, *Setup) {}}}
	postgres, redis := os.Getenv("HOTLINE_TEST_POSTGRES"), os.Getenv("HOTLINE_TEST_REDIS")
	if postgres == "" || redis == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("HOTLINE_TEST_POSTGRES and HOTLINE_TEST_REDIS must be set where CI is true")
		}
		t.Log("left out: PostgreSQL with Redis; set HOTLINE_TEST_POSTGRES and HOTLINE_TEST_REDIS")
		return all
	}
	queue := emptyRedis(t, redis)
	return append(all, set{
		name: "postgres-redis",
		fill: func(t *testing.T, s *Setup) { s.Store, s.Queue = ownDatabase(t, postgres), queue.String() },
		wipe: func(ctx context.Context) error {
			_, err := redisDo(ctx, queue, "FLUSHDB")
			return err
		},
	})
}

// ownDatabase makes a database and drops it with the test.
func ownDatabase(t *testing.T, admin string) string {
	t.Helper()
	name := fmt.Sprintf("hotline_drill_%d", time.Now().UnixNano())
	psql := func(statement string) {
		out, err := exec.Command("psql", "--quiet", "--no-psqlrc", "--dbname", admin, "--command", statement).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	psql("CREATE DATABASE " + name)
	t.Cleanup(func() { psql("DROP DATABASE " + name + " WITH (FORCE)") })
	u, err := url.Parse(admin)
	require.NoError(t, err)
	u.Path = "/" + name
	return u.String()
}

// emptyRedis picks a database of the server that nobody uses.
func emptyRedis(t *testing.T, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	require.NoError(t, err)
	for n := 15; n > 0; n-- {
		own := *u
		own.Path = "/" + strconv.Itoa(n)
		size, err := redisDo(t.Context(), &own, "DBSIZE")
		require.NoError(t, err)
		if size == ":0" {
			t.Cleanup(func() { _, _ = redisDo(context.Background(), &own, "FLUSHDB") })
			return &own
		}
	}
	t.Fatal("all 15 databases of the Redis server are in use")
	return nil
}

// redisDo sends one command (RESP, inline) and gives the first line of the answer.
func redisDo(ctx context.Context, u *url.URL, command string) (string, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return "", err
	}
	commands := []string{"SELECT " + strings.TrimPrefix(u.Path, "/"), command}
	if word, ok := u.User.Password(); ok {
		commands = append([]string{"AUTH " + word}, commands...)
	}
	answers, answer := bufio.NewReader(conn), ""
	for _, c := range commands {
		if _, err := fmt.Fprintf(conn, "%s\r\n", c); err != nil {
			return "", err
		}
		if answer, err = answers.ReadString('\n'); err != nil {
			return "", err
		}
		if answer = strings.TrimSpace(answer); strings.HasPrefix(answer, "-") {
			return "", fmt.Errorf("redis: %s: %s", c, answer)
		}
	}
	return answer, nil
}

// loggedSetup is a node on loopback with its data below a folder. Its log, which
// is kept elsewhere so that a full disk does not silence it, is shown when the test fails.
func loggedSetup(t *testing.T, bin Binaries, dir string) Setup {
	t.Helper()
	logs := filepath.Join(t.TempDir(), "server.log")
	log, err := os.Create(logs) //nolint:gosec // the test's own folder
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = log.Close()
		if t.Failed() {
			t.Logf("the server's log ends with:\n%s", logTail(logs))
		}
	})
	s := Setup{Binary: bin.Hotline, Data: filepath.Join(dir, "data"), Log: log, LogLevel: "warn"}
	require.NoError(t, s.Loopback(t.Context()))
	return s
}

// logTail is the end of a node's log, for a failure.
func logTail(path string) string {
	raw, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return err.Error()
	}
	return string(raw[max(0, len(raw)-4000):])
}
