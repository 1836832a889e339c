package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"hotline/cmd/city"
	"hotline/cmd/hotline/drill"
	"hotline/telephony"
	"hotline/telephony/phone"
)

// signalledAtOnce is how many calls callsim keeps going.
const signalledAtOnce = 64

// signalled is what a run of short calls came to.
type signalled struct {
	calls   int
	failed  map[string]int
	took    time.Duration
	cpu     time.Duration // of the server or the proxy
	callsim time.Duration // of the load
}

func (m signalled) rate() float64 { return math.Round(float64(m.calls) / m.took.Seconds()) }

// each is the CPU time of a call in milliseconds.
func (m signalled) each() float64 { return millis(m.cpu / time.Duration(max(1, m.calls))) }

func (r *run) tellCalls(who string, m signalled) {
	r.say("%s: %d calls in %s, %.0f a second, %.3f ms of CPU each, the load's %.3f ms; failed %v",
		who, m.calls, m.took, m.rate(), m.each(), millis(m.callsim/time.Duration(max(1, m.calls))), m.failed)
}

// benchSignalling makes whole calls, INVITE to BYE, with a port for sound and a call record each, as fast as callsim and the
// server together can on this machine.
func benchSignalling(ctx context.Context, r *run) error {
	ours, err := callsSignalled(ctx, r)
	if err != nil {
		return err
	}
	r.tellCalls("hotline", ours)
	base, name := signalled{}, "none: Kamailio is "+errNotInstalled.Error()
	peer, err := proxySignalled(ctx, r)
	switch {
	case errors.Is(err, errNotInstalled):
		r.say("signalling: Kamailio: %v", err)
	case err != nil:
		return fmt.Errorf("kamailio: %w", err)
	default:
		base, name = peer, "Kamailio as a stateful proxy to a phone: no media, no call record"
		r.tellCalls("kamailio", peer)
	}
	r.add(Figure{Name: "signalling_rate", Value: ours.rate(), Unit: "calls/s", Goal: 1000, HigherIsBetter: true, Baseline: base.rate0(), BaselineName: name})
	r.add(Figure{Name: "signalling_cpu", Value: ours.each(), Unit: "ms/call", Goal: 1, Baseline: base.each(), BaselineName: name})
	return nil
}

// rate0 is the rate, 0 when nothing was measured.
func (m signalled) rate0() float64 {
	if m.calls == 0 {
		return 0
	}
	return m.rate()
}

func callsSignalled(ctx context.Context, r *run) (m signalled, err error) {
	s, err := r.setup(ctx, "signalling")
	if err != nil {
		return m, err
	}
	s.LogLevel = "warn"
	if err := s.Prepare(ctx, city.Sample(), 1); err != nil {
		return m, err
	}
	server, err := s.Start(ctx)
	if err != nil {
		return m, err
	}
	m, err = shortCalls(ctx, r, s.SIP, server.CPU, func() error {
		if memory, err := server.Memory(); err == nil {
			r.say("signalling: the server holds %d MB at the end", memory>>20)
		}
		return empty(ctx, server, "hotline_calls")
	})
	if err = errors.Join(err, server.Stop()); err != nil {
		return m, fmt.Errorf("%w; the server's log ends with %s", err, lastWords(s))
	}
	return m, recorded(ctx, s, m.calls)
}

// empty waits until a metric is zero.
func empty(ctx context.Context, server *drill.Server, metric string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		now, err := server.Metric(ctx, metric)
		if err == nil && now == 0 {
			return nil
		}
		if !drill.Sleep(ctx, 100*time.Millisecond) {
			return errors.Join(fmt.Errorf("%s is %v, not 0", metric, now), err)
		}
	}
}

// recorded checks that every call has its record.
func recorded(ctx context.Context, s drill.Setup, calls int) (err error) {
	e, err := s.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	open, err := e.Calls.OpenCalls(ctx, "", 10)
	if err != nil {
		return err
	}
	page, err := e.Calls.Calls(ctx, telephony.CallFilter{})
	if err != nil {
		return err
	}
	if len(open) > 0 || (page.Total < calls && !page.TotalCapped) {
		return fmt.Errorf("%d call records for %d calls, %d of them open", page.Total, calls, len(open))
	}
	return nil
}

func proxySignalled(ctx context.Context, r *run) (m signalled, err error) {
	answers, err := phone.New(phone.Options{User: "12345", OnCall: func(c *phone.Call) {
		if c.Answer() == nil {
			<-c.Done()
		}
	}})
	if err != nil {
		return m, err
	}
	if err := answers.Start(ctx); err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, answers.Stop(context.WithoutCancel(ctx))) }()
	k, err := startKamailio(ctx, r, answers.Addr().String())
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, k.close()) }()
	if err := k.listening(ctx); err != nil {
		return m, err
	}
	return shortCalls(ctx, r, k.addr, k.cpu, nil)
}

// shortWindow is shorter than what SIP remembers of a transaction (32 s): what both servers hold after it is bounded, and neither has to
// refuse calls for that.
const shortWindow = 20 * time.Second

// shortCalls drives calls at an address for the window; a call is hung up as soon as it is answered.
func shortCalls(ctx context.Context, r *run, to string, cpu func() (time.Duration, error), settled func() error) (m signalled, err error) {
	bin, err := r.built(ctx)
	if err != nil {
		return m, err
	}
	before, err := cpu()
	if err != nil {
		return m, err
	}
	load, err := callsim(bin.Callsim, "load", "--target", to, "--quick", "--calls", "1000000", "--concurrency", fmt.Sprint(signalledAtOnce),
		"--rate", "100000", "--duration", min(r.window, shortWindow).String())
	if err != nil {
		return m, err
	}
	began := time.Now()
	_ = load.cmd.Wait() // a status of 1 tells that calls failed; the counts say which
	m.took = time.Since(began)
	if settled != nil {
		if err := settled(); err != nil {
			return m, err
		}
	}
	after, err := cpu()
	if err != nil {
		return m, err
	}
	var sum summary
	if err := json.Unmarshal(load.out.Bytes(), &sum); err != nil {
		return m, err
	}
	m.calls, m.failed, m.cpu = sum.Calls.Connected, sum.Calls.Failures, after-before
	m.callsim = load.cmd.ProcessState.UserTime() + load.cmd.ProcessState.SystemTime()
	if m.calls == 0 {
		return m, fmt.Errorf("no call was connected: %v", m.failed)
	}
	return m, nil
}
