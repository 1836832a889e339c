package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"hotline/cmd/hotline/drill"
)

// kamailioConfig is a stateful proxy and nothing else: every call goes to one
// address, and stays on the proxy's route.
const kamailioConfig = `
debug=0
log_stderror=yes
children=%d
disable_tcp=yes
auto_aliases=no
listen=udp:%s
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "siputils.so"
loadmodule "textops.so"
request_route {
	if (!mf_process_maxfwd_header("10")) { exit; }
	if (has_totag()) {
		loose_route();
		t_relay();
		exit;
	}
	if (is_method("CANCEL")) {
		if (t_check_trans()) { t_relay(); }
		exit;
	}
	t_check_trans();
	record_route();
	$du = "sip:%s";
	t_relay();
}
`

// kamailio is the proxy as a process of ours.
type kamailio struct {
	cmd  *exec.Cmd
	addr string
}

// startKamailio runs it in front of a SIP address.
func startKamailio(ctx context.Context, r *run, to string) (*kamailio, error) {
	path, err := exec.LookPath("kamailio")
	if err != nil {
		return nil, errNotInstalled
	}
	dir, err := r.folder("kamailio")
	if err != nil {
		return nil, err
	}
	port, err := drill.FreePort(ctx)
	if err != nil {
		return nil, err
	}
	k := &kamailio{addr: fmt.Sprintf("127.0.0.1:%d", port)}
	file := filepath.Join(dir, "kamailio.cfg")
	if err := os.WriteFile(file, fmt.Appendf(nil, kamailioConfig, 4, k.addr, to), 0o600); err != nil {
		return nil, err
	}
	// -DD keeps it in the foreground, -m is shared memory in MB.
	k.cmd = exec.Command(path, "-f", file, "-DD", "-m", "512", "-M", "16", "-Y", dir, "-w", dir, "-P", filepath.Join(dir, "pid")) //nolint:gosec,noctx // the installed program, ended by close
	k.cmd.Stderr = os.Stderr
	if err := k.cmd.Start(); err != nil {
		return nil, err
	}
	return k, nil
}

// close ends the proxy and its children.
func (k *kamailio) close() error {
	if err := k.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	_ = k.cmd.Wait() // its status tells nothing about the figures
	return nil
}

// cpu adds up the process and its children, one for each worker.
func (k *kamailio) cpu() (time.Duration, error) {
	sum, err := drill.CPU(k.cmd.Process.Pid)
	if err != nil {
		return 0, err
	}
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", k.cmd.Process.Pid, k.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for word := range strings.FieldsSeq(string(raw)) {
		var pid int
		if _, err := fmt.Sscan(word, &pid); err != nil {
			return 0, err
		}
		took, err := drill.CPU(pid)
		if err != nil {
			return 0, err
		}
		sum += took
	}
	return sum, nil
}

// listening waits until the proxy has taken its port.
func (k *kamailio) listening(ctx context.Context) error {
	for range 100 {
		if taken(ctx, k.addr) {
			return nil
		}
		if !drill.Sleep(ctx, 50*time.Millisecond) {
			return ctx.Err()
		}
	}
	return errors.New("kamailio does not listen")
}

func taken(ctx context.Context, addr string) bool {
	conn, err := new(net.ListenConfig).ListenPacket(ctx, "udp", addr)
	if err != nil {
		return true
	}
	_ = conn.Close()
	return false
}
