package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/cmd/hotline/testbed"
)

// The built binary starts on data that is there already, says that it is
// ready, and ends cleanly. How long it took and what it weighs is told.
func TestBinaryStarts(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "hotline")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "hotline/cmd/hotline")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	data := filepath.Join(dir, "data")
	first, _ := serve(t, binary, data)
	t.Logf("first start, tables and users made: ready in %v", first.Round(time.Millisecond))
	again, weight := serve(t, binary, data)
	t.Logf("start on existing data: ready in %v (goal 2 s); %.1f MB resident at rest (goal 120 MB)", again.Round(time.Millisecond), weight)
}

// serve runs the binary until it is ready, lets it rest, and ends it.
func serve(t *testing.T, binary, data string) (ready time.Duration, megabytes float64) {
	t.Helper()
	address := fmt.Sprintf("127.0.0.1:%d", testbed.FreePort(t))
	ctx, cancel := context.WithTimeout(t.Context(), 2*testbed.Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "serve", "--data", data, "--http", address, "--sip", "127.0.0.1:0", "--rtp", "20000-29999")
	out, err := os.CreateTemp(t.TempDir(), "out")
	require.NoError(t, err)
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	said := func() string {
		raw, err := os.ReadFile(out.Name())
		require.NoError(t, err)
		return string(raw)
	}
	began := time.Now()
	require.NoError(t, cmd.Start())
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", nil)
		require.NoError(t, err)
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				break
			}
		}
		if ctx.Err() != nil {
			require.FailNow(t, "it does not get ready", said())
		}
		time.Sleep(5 * time.Millisecond)
	}
	ready = time.Since(began)
	megabytes = atRest(t, cmd.Process.Pid)
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, cmd.Wait(), said())
	return ready, megabytes
}

// atRest is the resident memory once it has stopped growing.
func atRest(t *testing.T, pid int) float64 {
	t.Helper()
	pattern := regexp.MustCompile(`VmRSS:\s+(\d+) kB`)
	read := func() float64 {
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		require.NoError(t, err)
		found := pattern.FindSubmatch(raw)
		require.NotNil(t, found)
		kb, err := strconv.Atoi(string(found[1]))
		require.NoError(t, err)
		return float64(kb) / 1024
	}
	most := read()
	for range 10 {
		time.Sleep(300 * time.Millisecond)
		most = max(most, read())
	}
	return most
}
