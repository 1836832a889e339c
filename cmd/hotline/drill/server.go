package drill

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Binaries are the built programs.
type Binaries struct{ Hotline, Callsim string }

// Build compiles hotline and callsim into a folder, without the race detector.
func Build(ctx context.Context, dir string) (Binaries, error) {
	build := exec.CommandContext(ctx, "go", "build", "-o", dir+string(filepath.Separator), "hotline/cmd/hotline", "hotline/cmd/callsim")
	if out, err := build.CombinedOutput(); err != nil {
		return Binaries{}, fmt.Errorf("building: %w: %s", err, out)
	}
	return Binaries{Hotline: filepath.Join(dir, "hotline"), Callsim: filepath.Join(dir, "callsim")}, nil
}

// Setup says how a node is run. The addresses stay the same from start to
// start, as those of a restarted service do.
type Setup struct {
	Binary   string
	Data     string
	HTTP     string // host:port
	SIP      string // host:port
	Browsers string // host:port of SIP over WebSocket; none when empty
	RTP      string // LOW-HIGH
	RTC      string // port of WebRTC; any when empty
	Store    string // empty: embedded
	Queue    string // empty: embedded
	Search   string // empty: embedded
	Roles    string // all when empty
	LogLevel string // info when empty
	Record   string // on or off; on when empty
	File     string // of the configuration; none when empty
	Node     string // name among several; alone when empty
	Gateway  string // that outbound calls go to; none when empty
	Keys     string // file of the installation's keys, which nodes share; of the own data folder when empty
	Log      io.Writer
}

// Server is one running node.
type Server struct {
	Setup
	Took time.Duration // from the start of the process until it was ready

	cmd    *exec.Cmd
	exited chan struct{}
	err    error // of the process, once exited is closed
}

// startWithin bounds how long a node may take to be ready, recovery included.
const startWithin = time.Minute

// Start runs a node and returns when it is ready.
func (s Setup) Start(ctx context.Context) (*Server, error) {
	sip := s.SIP
	if s.Browsers != "" {
		sip += ",ws://" + s.Browsers
	}
	args := []string{"serve", "--data", s.Data, "--http", s.HTTP, "--sip", sip, "--rtp", s.RTP}
	for flag, value := range map[string]string{"--store": s.Store, "--queue": s.Queue, "--search": s.Search, "--roles": s.Roles, "--log-level": s.LogLevel, "--record": s.Record, "--rtc-port": s.RTC, "--config": s.File, "--node": s.Node, "--gateway": s.Gateway, "--key-file": s.Keys} {
		if value != "" {
			args = append(args, flag, value)
		}
	}
	cmd := exec.Command(s.Binary, args...) //nolint:gosec,noctx // our own program; it must outlive a cancelled start to be ended in order
	cmd.Stdout, cmd.Stderr = s.Log, s.Log
	cmd.Env = append(os.Environ(), "HOTLINE_ADMIN_PASSWORD=drill-admin-1", "HOTLINE_SECADMIN_PASSWORD=drill-secadmin-1", "HOTLINE_AUDITOR_PASSWORD=drill-auditor-1",
		"HOTLINE_USER_REQUESTS=0") // one user sends what thousands would
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", s.Binary, err)
	}
	p := &Server{Setup: s, cmd: cmd, exited: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.exited)
	}()
	if err := p.await(ctx); err != nil {
		return nil, errors.Join(err, p.Kill())
	}
	p.Took = time.Since(began)
	return p, nil
}

// await asks for readiness until there is some, or the process ends.
func (p *Server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	last := ""
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL()+"/readyz", nil)
		if err != nil {
			return err
		}
		if resp, err := client.Do(req); err == nil {
			text, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
			last = string(text)
		}
		select {
		case <-p.exited:
			return fmt.Errorf("the server ended before it was ready: %w", p.err)
		case <-ctx.Done():
			return fmt.Errorf("the server was not ready in time: %w; last answer %s", ctx.Err(), last)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// URL is the base of the node's HTTP API.
func (p *Server) URL() string { return "http://" + p.HTTP }

// PID is the process's id.
func (p *Server) PID() int { return p.cmd.Process.Pid }

// Exited is closed when the process has ended, for whatever reason.
func (p *Server) Exited() <-chan struct{} { return p.exited }

// Signal sends the process a signal.
func (p *Server) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Kill ends the process by SIGKILL and waits until it is gone.
func (p *Server) Kill() error {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.exited
	return nil
}

// Stop ends the process in order and fails when it does not end well.
func (p *Server) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("the server had ended already: %w", errors.Join(err, p.err))
	}
	select {
	case <-p.exited:
		return p.err
	case <-time.After(40 * time.Second):
		return errors.Join(errors.New("the server did not end in 40 s"), p.Kill())
	}
}

// ticksPerSecond is USER_HZ, in which /proc counts CPU time; 100 on every
// architecture that Go runs Linux on.
const ticksPerSecond = 100

// CPU is the user and system time that the node has used.
func (p *Server) CPU() (time.Duration, error) { return CPU(p.PID()) }

// CPU is the user and system time that a process has used (proc(5), stat).
func CPU(pid int) (time.Duration, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The second field may hold spaces; it ends with the last parenthesis.
	fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat: %d fields", pid, len(fields))
	}
	ticks := 0
	for _, f := range fields[11:13] { // utime, stime
		n, err := strconv.Atoi(f)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond, nil
}

// Memory is the resident set in bytes (proc(5), status).
func (p *Server) Memory() (int64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return kb << 10, err
		}
	}
	return 0, errors.New("no VmRSS in status")
}

// The ports that FreePort gives are above those that the system gives out by itself, so that one that was free a moment ago is nobody
// else's, and each process begins elsewhere.
const (
	firstPort = 61000
	portCount = 4500
)

var lastPort atomic.Int64

// FreePort finds a port of 127.0.0.1 that is free for UDP and TCP.
func FreePort(ctx context.Context) (int, error) {
	var lc net.ListenConfig
	for range portCount {
		port := firstPort + (os.Getpid()*64+int(lastPort.Add(1)))%portCount
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		tcp, err := lc.Listen(ctx, "tcp", addr)
		if err != nil {
			continue
		}
		_ = tcp.Close()
		if udp, err := lc.ListenPacket(ctx, "udp", addr); err == nil {
			_ = udp.Close()
			return port, nil
		}
	}
	return 0, fmt.Errorf("no port from %d to %d is free for both UDP and TCP", firstPort, firstPort+portCount-1)
}

// Loopback fills in addresses of 127.0.0.1 that are free now.
func (s *Setup) Loopback(ctx context.Context) error {
	for _, addr := range []*string{&s.HTTP, &s.SIP} {
		port, err := FreePort(ctx)
		if err != nil {
			return err
		}
		*addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	}
	if s.RTP == "" {
		s.RTP = "20000-27999" // below what the system gives to phones, and beside what other tests take
	}
	return nil
}
