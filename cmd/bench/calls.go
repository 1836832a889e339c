package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"time"

	"hotline/cmd/city"
	"hotline/cmd/hotline/drill"
)

const (
	callsAtOnce = 300
	window      = time.Minute            // over which CPU and packets are counted
	perPacket   = 20 * time.Millisecond  // of G.711
	ringing     = 500 * time.Millisecond // of a seat
	rampPerSec  = 15
)

// benchCalls bridges and records 300 calls at once, seats and callers in
// processes of their own, and measures what the server's process needs for a
// packet that it relays, and what it loses.
func benchCalls(ctx context.Context, r *run) error {
	s, err := r.setup(ctx, "calls")
	if err != nil {
		return err
	}
	s.LogLevel = "warn"
	if err := s.Prepare(ctx, city.Sample(), callsAtOnce); err != nil {
		return err
	}
	took, err := callsMeasured(ctx, r, s)
	if err != nil {
		return err
	}
	bare, err := relayMeasured(ctx)
	if err != nil {
		return fmt.Errorf("baseline: %w", err)
	}
	r.add(Figure{
		Name: "calls_packets_lost", Value: float64(took.lost), Unit: "packets", Goal: 0,
		Baseline: float64(bare.lost), BaselineName: "a bare UDP relay, one goroutine a socket, at the same rate",
	})
	r.add(Figure{
		Name: "calls_cpu_per_packet", Value: took.cost(), Unit: "µs", Goal: 12,
		Baseline: bare.cost(), BaselineName: "a bare UDP relay, one goroutine a socket, at the same rate, no recording",
	})
	return nil
}

// relayed is what was counted over the window.
type relayed struct {
	cpu     time.Duration // of the relaying process
	packets int64         // passed on
	lost    int64         // come to the relay and not passed on, over the whole run
}

// cost is in microseconds a packet.
func (m relayed) cost() float64 {
	return math.Round(100*float64(m.cpu.Microseconds())/float64(m.packets)) / 100
}

// sim is a callsim at work.
type sim struct {
	cmd *exec.Cmd
	out bytes.Buffer
}

func callsim(binary string, args ...string) (*sim, error) {
	s := &sim{cmd: exec.Command(binary, args...)} //nolint:gosec,noctx // our own program, ended by finish
	s.cmd.Stdout, s.cmd.Stderr = &s.out, os.Stderr
	return s, s.cmd.Start()
}

// summary is what callsim tells at its end.
type summary struct {
	Calls struct {
		Connected, Failed, Peak int
		Failures                map[string]int
	}
	RTP   struct{ Sent, Received, Lost int64 }
	Seats struct {
		Answered, Heard int
		RTP             struct{ Sent, Received, Lost int64 }
	}
}

// finish hangs up and reads the summary.
func (s *sim) finish() (summary, error) {
	var out summary
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		return out, err
	}
	// A status of 1 tells that calls failed; the counts say which.
	err := s.cmd.Wait()
	if broken := json.Unmarshal(s.out.Bytes(), &out); broken != nil {
		return out, errors.Join(err, broken)
	}
	return out, nil
}

func (s *sim) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

func callsMeasured(ctx context.Context, r *run, s drill.Setup) (m relayed, err error) {
	server, err := s.Start(ctx)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	seats, err := callsim(r.binaries.Callsim, "seats", "--target", s.SIP, "--seats", fmt.Sprintf("8001-%d", 8000+callsAtOnce), "--ring", ringing.String(), "--duration", "1h")
	if err != nil {
		return m, err
	}
	defer seats.kill()
	if err := reach(ctx, server, `hotline_seats{state="ready"}`, callsAtOnce); err != nil {
		return m, err
	}
	callers, err := callsim(r.binaries.Callsim, "load", "--target", s.SIP, "--calls", fmt.Sprint(callsAtOnce), "--concurrency", fmt.Sprint(callsAtOnce),
		"--rate", fmt.Sprint(rampPerSec), "--talk", "1h", "--ring", ringing.String(), "--digits", "2", "--duration", "1h")
	if err != nil {
		return m, err
	}
	defer callers.kill()
	if err := reach(ctx, server, "hotline_rtp_legs", 2*callsAtOnce); err != nil {
		return m, err
	}
	if !drill.Sleep(ctx, 5*time.Second) { // the last seats answer
		return m, ctx.Err()
	}
	before, err := server.CPU()
	if err != nil {
		return m, err
	}
	sent, err := datagrams()
	if err != nil {
		return m, err
	}
	began := time.Now()
	if !drill.Sleep(ctx, window) {
		return m, ctx.Err()
	}
	after, err := server.CPU()
	if err != nil {
		return m, err
	}
	now, err := datagrams()
	if err != nil {
		return m, err
	}
	m = relayed{cpu: after - before, packets: passed(now-sent, time.Since(began))}
	return m, losses(r, &m, callers, seats)
}

// losses ends the calls and counts what got lost: what the system threw away at
// the server's sockets, or gaps that the phones saw and their own sockets do
// not explain, whichever is more.
func losses(r *run, m *relayed, callers, seats *sim) error {
	atServer, err := drops(10000, 19999)
	if err != nil {
		return err
	}
	everywhere, err := drops(0, 65535)
	if err != nil {
		return err
	}
	c, err := callers.finish()
	if err != nil {
		return err
	}
	s, err := seats.finish()
	if err != nil {
		return err
	}
	gaps := c.RTP.Lost + s.Seats.RTP.Lost
	m.lost = max(atServer, gaps-(everywhere-atServer))
	r.say("calls: %d connected, %d failed %v, peak %d, %d packets relayed in %s by %s of CPU; gaps %d, thrown away at the server %d, at the phones %d",
		c.Calls.Connected, c.Calls.Failed, c.Calls.Failures, c.Calls.Peak, m.packets, window, m.cpu, gaps, atServer, everywhere-atServer)
	if c.Calls.Connected < callsAtOnce {
		return fmt.Errorf("%d of %d calls were connected", c.Calls.Connected, callsAtOnce)
	}
	return nil
}

// reach waits until a metric has a value.
func reach(ctx context.Context, server *drill.Server, metric string, value float64) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for {
		now, err := server.Metric(ctx, metric)
		if err == nil && now >= value {
			return nil
		}
		if !drill.Sleep(ctx, 200*time.Millisecond) {
			return errors.Join(fmt.Errorf("%s is %v, not %v", metric, now, value), err)
		}
	}
}

// passed is how many packets the relay passed on: half of what was sent on the
// machine, phones sending as many, but never more than phones send in the time.
func passed(sent int64, during time.Duration) int64 {
	return min(sent/2, int64(2*callsAtOnce)*int64(during/perPacket))
}

// datagrams is how many UDP datagrams this machine has sent (proc(5), net/snmp).
func datagrams() (int64, error) {
	raw, err := os.ReadFile("/proc/net/snmp")
	if err != nil {
		return 0, err
	}
	var names []string
	for line := range strings.Lines(string(raw)) {
		rest, ok := strings.CutPrefix(line, "Udp: ")
		if !ok {
			continue
		}
		fields := strings.Fields(rest)
		if names == nil {
			names = fields
			continue
		}
		for i, name := range names {
			if name == "OutDatagrams" && i < len(fields) {
				var n int64
				_, err := fmt.Sscan(fields[i], &n)
				return n, err
			}
		}
	}
	return 0, errors.New("/proc/net/snmp has no OutDatagrams")
}

// relayMeasured runs the bare relay in a process of its own under the same load.
func relayMeasured(ctx context.Context) (m relayed, err error) {
	ours, at, err := newPhones(2 * callsAtOnce)
	if err != nil {
		return m, err
	}
	defer ours.close()
	targets := make([]string, len(at))
	for i := range at {
		targets[i] = at[i^1].String() // what comes in at a port leaves for the other phone
	}
	self, err := os.Executable()
	if err != nil {
		return m, err
	}
	cmd := exec.CommandContext(ctx, self, append([]string{"relay"}, targets...)...) //nolint:gosec // this program
	input, err := cmd.StdinPipe()
	if err != nil {
		return m, err
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		return m, err
	}
	if err := cmd.Start(); err != nil {
		return m, err
	}
	defer func() {
		_ = input.Close()
		err = errors.Join(err, cmd.Wait())
	}()
	ports, err := readPorts(output, len(at))
	if err != nil {
		return m, err
	}
	return ours.measure(ctx, cmd.Process.Pid, ports)
}

// measure sends through the relay for the window.
func (p *phones) measure(ctx context.Context, pid int, ports []netip.AddrPort) (m relayed, err error) {
	for i := range p.conns {
		go p.listen(i)
	}
	talking, stop := context.WithCancel(ctx)
	defer stop()
	sent := make(chan int64, 1)
	go func() { sent <- p.talk(talking, ports) }()
	if !drill.Sleep(ctx, 2*time.Second) {
		return m, ctx.Err()
	}
	before, err := drill.CPU(pid)
	if err != nil {
		return m, err
	}
	had := p.total()
	if !drill.Sleep(ctx, window/2) {
		return m, ctx.Err()
	}
	after, err := drill.CPU(pid)
	if err != nil {
		return m, err
	}
	m = relayed{cpu: after - before, packets: p.total() - had}
	stop()
	total := <-sent
	drill.Sleep(ctx, time.Second) // what is on its way arrives
	m.lost = total - p.total()
	return m, nil
}
