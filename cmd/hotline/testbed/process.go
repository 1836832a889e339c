package testbed

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Output collects what a process says.
type Output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// maxOutput bounds what is kept of a process that talks too much.
const maxOutput = 4 << 20

// Write implements io.Writer.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.buf.Len()+len(p) > maxOutput {
		o.buf.Next(o.buf.Len() / 2)
	}
	return o.buf.Write(p)
}

// String is what was said so far.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// Process is a foreign program.
type Process struct {
	Said Output
	done chan struct{}
	err  error
}

// Launch starts a program in a folder. It is interrupted when the test ends, and
// killed when that does not help. what says where the program comes from.
func Launch(t testing.TB, dir, what, name string, args ...string) *Process {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // the tests name their own programs
	p := &Process{done: make(chan struct{})}
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = &p.Said, &p.Said
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		cancel()
		require.NoError(t, err, "%s: run .ci/setup", what)
	}
	go func() {
		defer close(p.done)
		p.err = cmd.Wait()
	}()
	t.Cleanup(func() {
		cancel()
		<-p.done
		if t.Failed() {
			t.Logf("%s said:\n%s", name, p.Said.String())
		}
	})
	return p
}

// Done is closed when the program has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait waits for the program's own end.
func (p *Process) Wait(ctx context.Context) error {
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		return fmt.Errorf("testbed: the program does not end: %w", ctx.Err())
	}
}
