package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"time"

	"hotline/cmd/city"
	"hotline/cmd/hotline/drill"
)

const (
	relayCalls   = 500
	manyCalls    = 1000
	browserCalls = 100                    // of two WebRTC legs each
	perPacket    = 20 * time.Millisecond  // of G.711
	ringing      = 500 * time.Millisecond // of a seat
	rampPerSec   = 60
)

// benchRelay bridges 500 calls, seats and callers in processes of their own, and measures what the server's process needs for a
// packet that it relays, without and with recording; beside it what others need for the same packets.
func benchRelay(ctx context.Context, r *run) error {
	bare, err := bareRelay(ctx, r, relayCalls)
	if err != nil {
		return fmt.Errorf("bare relay: %w", err)
	}
	r.tell("a bare UDP relay, one goroutine a socket", bare)
	base, name := bare, "a bare UDP relay, one goroutine a socket"
	peer, err := rtpengineRelay(ctx, r, relayCalls)
	switch {
	case errors.Is(err, errNotInstalled):
		r.say("relay: rtpengine: %v; the bare relay alone is the baseline", err)
	case err != nil:
		return fmt.Errorf("rtpengine: %w", err)
	default:
		base, name = peer, "rtpengine in user space, no recording"
		r.tell(name, peer)
	}
	for _, record := range []bool{false, true} {
		took, err := callsMeasured(ctx, r, callsLoad{calls: relayCalls, record: record})
		if err != nil {
			return err
		}
		kind, goal := "bridged", 5.0
		if record {
			kind, goal = "recorded", 6
		}
		r.tell("hotline, "+kind, took)
		r.add(Figure{Name: "relay_cpu_" + kind, Value: took.cost(), Unit: "µs", Goal: goal, Baseline: base.cost(), BaselineName: name})
		r.add(Figure{Name: "relay_lost_" + kind, Value: float64(took.lost), Unit: "packets", Baseline: float64(base.lost), BaselineName: name})
		r.add(Figure{Name: "relay_delay_p99_" + kind, Value: took.added(), Unit: "ms", Goal: 5, Baseline: base.added(), BaselineName: name})
	}
	return nil
}

// benchManyCalls bridges and records 1,000 calls on a machine that also carries their phones.
func benchManyCalls(ctx context.Context, r *run) error {
	took, err := callsMeasured(ctx, r, callsLoad{calls: manyCalls, record: true})
	if err != nil {
		return err
	}
	bare, err := bareRelay(ctx, r, manyCalls)
	if err != nil {
		return fmt.Errorf("baseline: %w", err)
	}
	const name = "a bare UDP relay, one goroutine a socket, no recording"
	r.tell("hotline, 1,000 calls recorded", took)
	r.tell(name, bare)
	r.add(Figure{Name: "calls1000_lost", Value: float64(took.lost), Unit: "packets", Baseline: float64(bare.lost), BaselineName: name})
	r.add(Figure{Name: "calls1000_delay_p99", Value: took.added(), Unit: "ms", Goal: 5, Baseline: bare.added(), BaselineName: name})
	r.add(Figure{Name: "calls1000_cpu", Value: took.cost(), Unit: "µs", Goal: 6, Baseline: bare.cost(), BaselineName: name})
	return nil
}

// benchBrowsers bridges 100 calls between browsers, of which each needs two legs with ICE and DTLS-SRTP on one port; beside it as many calls
// of plain RTP.
func benchBrowsers(ctx context.Context, r *run) error {
	plain, err := callsMeasured(ctx, r, callsLoad{calls: browserCalls + probeCalls, record: true})
	if err != nil {
		return fmt.Errorf("baseline: %w", err)
	}
	took, err := callsMeasured(ctx, r, callsLoad{calls: browserCalls + probeCalls, record: true, browsers: true})
	if err != nil {
		return err
	}
	const name = "as many legs of plain RTP"
	r.tell(name, plain)
	r.tell("200 WebRTC legs, bridged and recorded", took)
	r.add(Figure{Name: "webrtc_lost", Value: float64(took.lost), Unit: "packets", Baseline: float64(plain.lost), BaselineName: name})
	r.add(Figure{Name: "webrtc_cpu", Value: took.cost(), Unit: "µs", Goal: 2 * plain.cost(), Baseline: plain.cost(), BaselineName: name})
	r.add(Figure{Name: "webrtc_delay_p99", Value: took.added(), Unit: "ms", Goal: 5, Baseline: plain.added(), BaselineName: name})
	return nil
}

// tell prints all that was counted.
func (r *run) tell(who string, m relayed) {
	r.say("%s: %d packets passed on by %s of CPU (%.2f µs each), %d lost; delay p50 %s p99 %s, directly p50 %s p99 %s",
		who, m.packets, m.cpu, m.cost(), m.lost, m.p50, m.p99, m.directP50, m.directP99)
}

// relayed is what was counted over the window.
type relayed struct {
	cpu     time.Duration // of the relaying process
	packets int64         // passed on
	lost    int64         // come to the relay and not passed on, over the whole run
	// How long packets took, through the relay and at the same time directly.
	p50, p99, directP50, directP99 time.Duration
}

// delays reads the probes.
func (m *relayed) delays(p *probes) {
	m.p50, m.p99 = p.relayed.percentile(0.5), p.relayed.percentile(0.99)
	m.directP50, m.directP99 = p.direct.percentile(0.5), p.direct.percentile(0.99)
}

// added is the delay that the relay adds, in milliseconds: the 99th percentile beyond that of the direct way.
func (m relayed) added() float64 { return max(0, millis(m.p99-m.directP99)) }

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
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		return summary{}, err
	}
	return s.summary()
}

// wait lets all calls be made, and reads the summary.
func (s *sim) wait(ctx context.Context) (summary, error) {
	defer context.AfterFunc(ctx, func() { _ = s.cmd.Process.Kill() })()
	return s.summary()
}

func (s *sim) summary() (summary, error) {
	var out summary
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

// callsLoad is a number of calls through a server; the first of them are probes.
type callsLoad struct {
	calls    int
	record   bool
	browsers bool // on both sides, but for the probes
}

func (l callsLoad) prepare(ctx context.Context, r *run) (drill.Setup, error) {
	s, err := r.setup(ctx, "calls")
	if err != nil {
		return s, err
	}
	s.LogLevel = "warn"
	if !l.record {
		s.Record = "off"
	}
	if l.browsers {
		port, err := drill.FreePort(ctx)
		if err != nil {
			return s, err
		}
		s.Browsers = fmt.Sprintf("127.0.0.1:%d", port)
		s.RTP, s.RTC = fmt.Sprintf("%d-%d", serverLow, serverHigh-1), fmt.Sprint(serverHigh)
	}
	return s, s.Prepare(ctx, city.Sample(), l.calls)
}

// The server's ports for sound; what the system throws away there is the server's loss.
const serverLow, serverHigh = 10000, 19999

// phones adds to a command of callsim where and how its phones reach the server.
func (l callsLoad) phones(s drill.Setup, command ...string) []string {
	if l.browsers {
		return append(command, "--target", s.Browsers, "--transport", "ws")
	}
	return append(command, "--target", s.SIP)
}

// callsMeasured connects calls through a server.
func callsMeasured(ctx context.Context, r *run, l callsLoad) (m relayed, err error) {
	s, err := l.prepare(ctx, r)
	if err != nil {
		return m, err
	}
	server, err := s.Start(ctx)
	if err != nil {
		return m, err
	}
	defer func() {
		if broken := server.Stop(); broken != nil {
			err = errors.Join(err, fmt.Errorf("server: %w; its log ends with %s", broken, lastWords(s)))
		}
	}()
	p, err := newProbes()
	if err != nil {
		return m, err
	}
	defer p.close()
	if err := p.call(ctx, s.SIP); err != nil {
		return m, fmt.Errorf("probes: %w", err)
	}
	rest := l.calls - probeCalls
	seats, err := callsim(r.binaries.Callsim, l.phones(s, "seats", "--seats", fmt.Sprintf("%d-%d", 8001+probeCalls, 8000+l.calls), "--ring", ringing.String(), "--duration", "1h")...)
	if err != nil {
		return m, err
	}
	defer seats.kill()
	if err := reach(ctx, server, `hotline_seats{state="ready"}`, float64(rest)); err != nil {
		return m, err
	}
	callers, err := callsim(r.binaries.Callsim, l.phones(s, "load", "--calls", fmt.Sprint(rest), "--concurrency", fmt.Sprint(rest),
		"--rate", fmt.Sprint(rampPerSec), "--talk", "1h", "--ring", ringing.String(), "--digits", "2", "--duration", "1h")...)
	if err != nil {
		return m, err
	}
	defer callers.kill()
	if err := reach(ctx, server, "hotline_rtp_legs", float64(2*l.calls)); err != nil {
		return m, err
	}
	if !drill.Sleep(ctx, 5*time.Second) { // the last seats answer
		return m, ctx.Err()
	}
	if err := m.count(ctx, r, server, p, l.calls); err != nil {
		return m, err
	}
	return m, losses(r, &m, callers, seats, rest)
}

// lastWords is the end of a server's log.
func lastWords(s drill.Setup) string {
	file, ok := s.Log.(*os.File)
	if !ok {
		return ""
	}
	raw, err := os.ReadFile(file.Name())
	if err != nil {
		return err.Error()
	}
	return string(raw[max(0, len(raw)-2000):])
}

// count measures over the window.
func (m *relayed) count(ctx context.Context, r *run, server *drill.Server, p *probes, calls int) error {
	before, err := server.CPU()
	if err != nil {
		return err
	}
	sent, err := datagrams()
	if err != nil {
		return err
	}
	began := time.Now()
	p.count(true)
	if !drill.Sleep(ctx, r.window) {
		return ctx.Err()
	}
	after, err := server.CPU()
	if err != nil {
		return err
	}
	now, err := datagrams()
	if err != nil {
		return err
	}
	p.count(false)
	m.cpu, m.packets = after-before, passed(now-sent, calls, time.Since(began))
	m.delays(p)
	return nil
}

// losses ends the calls and counts what got lost: what the system threw away at
// the server's sockets, or gaps that the phones saw and their own sockets do
// not explain, whichever is more.
func losses(r *run, m *relayed, callers, seats *sim, calls int) error {
	atServer, err := drops(serverLow, serverHigh)
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
	r.say("calls: %d connected, %d failed %v, peak %d; gaps %d, thrown away at the server %d, at the phones %d",
		c.Calls.Connected, c.Calls.Failed, c.Calls.Failures, c.Calls.Peak, gaps, atServer, everywhere-atServer)
	if c.Calls.Connected < calls {
		return fmt.Errorf("%d of %d calls were connected", c.Calls.Connected, calls)
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
func passed(sent int64, calls int, during time.Duration) int64 {
	return min(sent/2, int64(2*calls)*int64(during/perPacket))
}
