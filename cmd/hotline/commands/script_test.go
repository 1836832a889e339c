package commands_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"hotline/cmd/hotline/commands"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"hotline": func() { os.Exit(commands.Run(os.Args[1:], "1.2.3")) },
	})
}

// TestScripts runs the command line as a user does. Beside testscript's own
// commands, `status N` runs a command line that must exit with N, `busy VAR`
// takes a port and names it in VAR, and `readonly DIR` makes a folder that
// not even root can write to.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(e *testscript.Env) error {
			for _, v := range []string{"HOTLINE_CONFIG", "HOTLINE_DATA"} {
				e.Setenv(v, "")
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": status, "busy": busy, "readonly": readonly,
		},
	})
}

func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N hotline args...")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	var exit interface{ ExitCode() int }
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if fmt.Sprint(got) != args[0] {
		ts.Fatalf("exit status %d, want %s", got, args[0])
	}
}

func busy(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: busy VAR")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { _ = l.Close() })
	ts.Setenv(args[0], l.Addr().String())
}

func readonly(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: readonly DIR")
	}
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o750))
	if os.Getuid() != 0 {
		ts.Check(os.Chmod(dir, 0o500)) //nolint:gosec // a folder needs its x
		ts.Defer(func() { _ = os.Chmod(dir, 0o700) })
		return
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_RDONLY, "size=64k"); err != nil {
		// A container that may not mount: below /proc nobody makes a folder.
		ts.Check(os.Remove(dir))
		ts.Check(os.Symlink("/proc/self", dir))
		return
	}
	ts.Defer(func() { _ = syscall.Unmount(dir, 0) })
}
