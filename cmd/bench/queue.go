package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"hotline/cmd/city"
	"hotline/cmd/hotline/drill"
	"hotline/telephony"
	"hotline/telephony/acd"
)

// cutOff is why callsim counts calls as failed that wait while it is told to end.
const cutOff = "the run ended before it was connected"

// queueLoad is a number of seats that talk for two seconds a call, and callers enough for some to wait always.
type queueLoad struct {
	seats, callers int
	ringAll        bool
}

// queued is what a load came to.
type queued struct {
	began            time.Time // of the window
	took             time.Duration
	answered, failed int
	cpu              time.Duration
	next             []time.Duration // from a seat's being free to its phone's ringing for the next caller
	phone            []time.Duration // of that, from the offer on: the phone's own part, and the way there and back
}

func (m queued) rate() float64 { return float64(m.answered) / m.took.Seconds() }

func (m queued) each() float64 { return millis(m.cpu / time.Duration(max(1, m.answered))) }

// benchQueue takes calls through menu, queue, bridge and recording: how many there can be, and how long a seat idles while callers wait.
func benchQueue(ctx context.Context, r *run) error {
	const phone = "the phone's own part: from the INVITE to its 180"
	const none = "none: no other queue is installed here"
	for _, b := range []struct {
		name    string
		load    queueLoad
		rate    float64 // asked for
		cpu     bool    // is asked for
		waiting bool    // how long a seat idles is
	}{
		{name: "queue50", load: queueLoad{seats: 50, callers: 70}, rate: 20, waiting: true},
		{name: "queue500", load: queueLoad{seats: 500, callers: 600}, rate: 200, cpu: true},
		{name: "ringall50", load: queueLoad{seats: 50, callers: 70, ringAll: true}, rate: 25},
	} {
		m, err := r.queueMeasured(ctx, b.name, b.load)
		if err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
		r.say("%s: %d calls in %s, %d failed, %.2f ms of CPU each; a free seat's phone rings after p50 %s p99 %s, of which the phone's %s and %s",
			b.name, m.answered, m.took.Round(time.Second), m.failed, m.each(), percentile(m.next, 0.5), percentile(m.next, 0.99), percentile(m.phone, 0.5), percentile(m.phone, 0.99))
		r.add(Figure{Name: b.name + "_rate", Value: m.rate(), Unit: "calls/s", Goal: b.rate, HigherIsBetter: true, BaselineName: none})
		r.add(Figure{Name: b.name + "_failed", Value: float64(m.failed), Unit: "calls", BaselineName: none})
		if b.cpu {
			r.add(Figure{Name: b.name + "_cpu", Value: m.each(), Unit: "ms/call", Goal: 3, BaselineName: none})
		}
		if b.waiting {
			r.add(Figure{Name: b.name + "_next_p50", Value: millis(percentile(m.next, 0.5)), Unit: "ms", Goal: 5, Baseline: millis(percentile(m.phone, 0.5)), BaselineName: phone})
			r.add(Figure{Name: b.name + "_next_p99", Value: millis(percentile(m.next, 0.99)), Unit: "ms", Goal: 50, Baseline: millis(percentile(m.phone, 0.99)), BaselineName: phone})
		}
	}
	return nil
}

func (r *run) queueMeasured(ctx context.Context, name string, l queueLoad) (m queued, err error) {
	s, err := r.setup(ctx, name)
	if err != nil {
		return m, err
	}
	s.LogLevel, s.File = "warn", filepath.Join(filepath.Dir(s.Data), "queue.yaml")
	strategy := acd.LongestIdle
	if l.ringAll {
		strategy = acd.RingAll
	}
	text := fmt.Sprintf("queue-list:\n  - {name: bench, lines: [12345], strategy: %s, wrap-up: -1s, max-length: 1000}\n", strategy)
	if err := os.WriteFile(s.File, []byte(text), 0o600); err != nil {
		return m, err
	}
	if err := s.Prepare(ctx, city.Sample(), l.seats); err != nil {
		return m, err
	}
	server, err := s.Start(ctx)
	if err != nil {
		return m, err
	}
	err = r.queueLoaded(ctx, server, l, &m)
	if err = errors.Join(err, server.Stop()); err != nil {
		return m, fmt.Errorf("%w; the server's log ends with %s", err, lastWords(s))
	}
	return m, m.read(ctx, s)
}

func (r *run) queueLoaded(ctx context.Context, server *drill.Server, l queueLoad, m *queued) error {
	load := callsLoad{}
	seats, err := callsim(r.binaries.Callsim, load.phones(server.Setup, "seats", "--seats", fmt.Sprintf("8001-%d", 8000+l.seats), "--ring", "0s", "--duration", "1h")...)
	if err != nil {
		return err
	}
	defer seats.kill()
	if err := reach(ctx, server, `hotline_seats{state="ready"}`, float64(l.seats)); err != nil {
		return err
	}
	callers, err := callsim(r.binaries.Callsim, load.phones(server.Setup, "load", "--calls", "1000000", "--concurrency", fmt.Sprint(l.callers),
		"--rate", "250", "--talk", "2s", "--digits", "0", "--digits-after", "0s", "--duration", "1h")...)
	if err != nil {
		return err
	}
	defer callers.kill()
	if !drill.Sleep(ctx, 10*time.Second) { // until it is full
		return ctx.Err()
	}
	cpu, err := server.CPU()
	if err != nil {
		return err
	}
	m.began = time.Now()
	if !drill.Sleep(ctx, r.window) {
		return ctx.Err()
	}
	m.took = time.Since(m.began)
	now, err := server.CPU()
	if err != nil {
		return err
	}
	m.cpu = now - cpu
	sum, err := callers.finish()
	for why, n := range sum.Calls.Failures {
		if why != cutOff {
			m.failed += n
			r.say("failed with %s: %d", why, n)
		}
	}
	if sum.Calls.Connected == 0 {
		return errors.Join(errors.New("no call was connected"), err)
	}
	return empty(ctx, server, "hotline_calls")
}

// read counts from the log of events, over the window, the conversations that began and how long seats idled.
func (m *queued) read(ctx context.Context, s drill.Setup) (err error) {
	e, err := s.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	free, offered := map[string]time.Time{}, map[string]time.Time{}
	return eachEvent(ctx, e.Calls, func(ev telephony.Event) error {
		var d telephony.EventData
		if err := json.Unmarshal(ev.Data, &d); len(ev.Data) > 0 && err != nil {
			return err
		}
		within := ev.At.After(m.began) && ev.At.Before(m.began.Add(m.took))
		switch {
		case ev.Type == telephony.EvBridged && within:
			m.answered++
		case ev.Type == telephony.EvState && d.State == string(acd.StateReady):
			free[ev.Seat] = ev.At
		case ev.Type == telephony.EvOffered:
			offered[ev.Seat] = ev.At
		case ev.Type == telephony.EvRinging && within && free[ev.Seat].After(m.began):
			m.next = append(m.next, ev.At.Sub(free[ev.Seat]))
			m.phone = append(m.phone, ev.At.Sub(offered[ev.Seat]))
			delete(free, ev.Seat)
		}
		return nil
	})
}

// eachEvent reads the log of events page by page.
func eachEvent(ctx context.Context, store telephony.Store, do func(telephony.Event) error) error {
	for f := (telephony.EventFilter{Limit: 10000}); ; {
		events, err := store.Events(ctx, f)
		if err != nil {
			return err
		}
		for _, ev := range events {
			f.After = ev.ID
			if err := do(ev); err != nil {
				return err
			}
		}
		if len(events) < f.Limit {
			return nil
		}
	}
}
