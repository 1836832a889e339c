package testbed

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Patience bounds every wait; nothing is timed by it.
const Patience = 60 * time.Second

// Within is a context that ends when patience does.
func Within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	t.Cleanup(cancel)
	return ctx
}

// Await polls for a state that nothing announces.
func Await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(Patience)
	for !ok() {
		if time.Now().After(deadline) {
			require.FailNow(t, "still waiting for: "+what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Next takes one value that must come.
func Next[T any](t testing.TB, what string, from <-chan T) T {
	t.Helper()
	select {
	case v, ok := <-from:
		require.True(t, ok, "over before %s came", what)
		return v
	case <-time.After(Patience):
		require.FailNow(t, what+" does not come")
		panic("not reached")
	}
}

// ports are given out in turn, below those that the system gives out by itself
// and the node's own: a port that was free a moment ago is still nobody else's.
var ports = func() *atomic.Int64 {
	var next atomic.Int64
	next.Store(int64(os.Getpid()) * 100)
	return &next
}()

// FreePort is a port of 127.0.0.1 that nobody has, over UDP or TCP, and neither
// the three after it: sound takes pairs of ports, and sipp two pairs.
func FreePort(t testing.TB) int {
	t.Helper()
	for range 1000 {
		port := 10000 + int(4*ports.Add(1)%9996)
		if allFree(t, "udp", port) && allFree(t, "tcp", port) {
			return port
		}
	}
	require.FailNow(t, "no free port between 10000 and 19999")
	return 0
}

func allFree(t testing.TB, network string, port int) bool {
	for p := port; p < port+4; p++ {
		addr := fmt.Sprintf("127.0.0.1:%d", p)
		var l io.Closer
		var err error
		if network == "tcp" {
			l, err = (&net.ListenConfig{}).Listen(t.Context(), network, addr)
		} else {
			l, err = (&net.ListenConfig{}).ListenPacket(t.Context(), network, addr)
		}
		if err != nil {
			return false
		}
		_ = l.Close()
	}
	return true
}

// Fill writes a file to another place with its [[names]] replaced.
func Fill(t testing.TB, from, to string, values map[string]string) string {
	t.Helper()
	raw, err := os.ReadFile(from)
	require.NoError(t, err)
	text := string(raw)
	for k, v := range values {
		text = strings.ReplaceAll(text, "[["+k+"]]", v)
	}
	require.NotContains(t, text, "[[")
	require.NoError(t, os.WriteFile(to, []byte(text), 0o600))
	return to
}
