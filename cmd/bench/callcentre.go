package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"hotline/cmd/city"
	"hotline/cmd/hotline/drill"
	"hotline/telephony"
	"hotline/telephony/acd"
)

// The hour's peak of a call centre: as many calls as keep its seats busy for nine tenths of their time.
const (
	centreSeats  = 50
	centreCalls  = 500
	centreTime   = 10 * time.Minute
	centreTalk   = 47500 * time.Millisecond // mean; ringing and wrap-up are added
	centreRing   = 1500 * time.Millisecond
	centreWrapUp = 5 * time.Second
	centreSeed   = "146" // of which the arrivals take the ten minutes, with waits of 10 s and more among them
)

// level is what a city asks of its call centre.
type level struct {
	asa                  time.Duration
	abandoned, within15s float64 // shares
}

// benchCentre has phones call for ten minutes, and compares what they waited with the call records and with the queue machine alone.
func benchCentre(ctx context.Context, r *run) error {
	s, err := r.setup(ctx, "callcentre")
	if err != nil {
		return err
	}
	s.LogLevel, s.File = "warn", filepath.Join(filepath.Dir(s.Data), "queue.yaml")
	text := fmt.Sprintf("queue-list:\n  - {name: bench, lines: [12345], wrap-up: %s, handle: 1m}\n", centreWrapUp)
	if err := os.WriteFile(s.File, []byte(text), 0o600); err != nil {
		return err
	}
	if err := s.Prepare(ctx, city.Sample(), centreSeats); err != nil {
		return err
	}
	server, err := s.Start(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	estimates, err := r.centreLoaded(ctx, server)
	if err = errors.Join(err, server.Stop()); err != nil {
		return fmt.Errorf("%w; the server's log ends with %s", err, lastWords(s))
	}
	return r.centreCompared(ctx, s, began, estimates)
}

// estimated is how far spoken waits were from the actual ones.
type estimated struct{ median, count float64 }

func (r *run) centreLoaded(ctx context.Context, server *drill.Server) (e estimated, err error) {
	load := callsLoad{}
	last := 8000 + centreSeats
	seats := fmt.Sprintf("8001-%d", last)
	callers, err := callsim(r.binaries.Callsim, load.phones(server.Setup, "load", "--seats", seats, "--calls", fmt.Sprint(centreCalls), "--concurrency", "400",
		"--rate", fmt.Sprint(centreCalls/centreTime.Seconds()), "--arrivals", "poisson", "--seed", centreSeed, "--talk", centreTalk.String(), "--ring", centreRing.String(),
		"--abandon", "0.1", "--abandon-after", "15s", "--wait", "5m", "--digits", "0", "--digits-after", "0s", "--duration", (2*centreTime).String())...)
	if err != nil {
		return e, err
	}
	defer callers.kill()
	sum, err := callers.wait(ctx)
	if err != nil {
		return e, err
	}
	for why, n := range sum.Calls.Failures {
		r.say("failed with %s: %d", why, n)
	}
	if sum.Calls.Failed > 0 {
		return e, fmt.Errorf("%d calls failed", sum.Calls.Failed)
	}
	if e.median, err = server.Metric(ctx, `hotline_estimate_error{queue="bench"}`); err != nil {
		return e, err
	}
	e.count, err = server.Metric(ctx, `hotline_estimates_total{queue="bench"}`)
	return e, errors.Join(err, empty(ctx, server, "hotline_calls"))
}

// centreCompared reads what the callers waited out of the log of events, out of the call records, and lets the machine alone serve them.
func (r *run) centreCompared(ctx context.Context, s drill.Setup, began time.Time, e estimated) error {
	visits, records, occupancy, err := visitsOf(ctx, s, began)
	if err != nil {
		return err
	}
	seats := make([]string, centreSeats)
	for i := range seats {
		seats[i] = fmt.Sprint(8001 + i)
	}
	queue := acd.Queue{
		Name: "bench", MaxLength: 200, MaxWait: 10 * time.Minute, WrapUp: centreWrapUp, SetAside: time.Minute, AnnounceEvery: 30 * time.Second,
		RingTimeout: 15 * time.Second, Handle: time.Minute,
	}
	live, alone := levelOf(visits), levelOf(simulate(queue, seats, visits))
	r.say("callcentre: %d calls, occupancy %.2f: ASA %s, abandoned %.3f, within 15 s %.3f; from the records %s, %.3f, %.3f; the machine alone %s, %.3f, %.3f; %.0f estimates",
		len(visits), occupancy, live.asa.Round(time.Millisecond), live.abandoned, live.within15s, records.asa.Round(time.Millisecond), records.abandoned, records.within15s,
		alone.asa.Round(time.Millisecond), alone.abandoned, alone.within15s, e.count)
	const simulated = "the queue machine alone, with the same arrivals"
	off := func(a, b float64) float64 { return 100 * math.Abs(a-b) / math.Max(b, 1e-9) }
	r.add(Figure{Name: "callcentre_records_off", Value: millis((live.asa - records.asa).Abs()), Unit: "ms", BaselineName: "the log of events", Goal: 0})
	r.add(Figure{Name: "callcentre_asa_off", Value: off(float64(live.asa), float64(alone.asa)), Unit: "%", Goal: 5, BaselineName: simulated})
	r.add(Figure{Name: "callcentre_abandoned_off", Value: off(1-live.abandoned, 1-alone.abandoned), Unit: "%", Goal: 5, BaselineName: simulated})
	r.add(Figure{Name: "callcentre_level_off", Value: off(live.within15s, alone.within15s), Unit: "%", Goal: 5, BaselineName: simulated})
	r.add(Figure{Name: "callcentre_estimate_error", Value: 100 * e.median, Unit: "%", Goal: 25, BaselineName: "the wait that it was"})
	return nil
}

// visitsOf reads the calls of a run: from the log of events each, and from the call records their levels.
func visitsOf(ctx context.Context, s drill.Setup, began time.Time) (visits []visit, records level, occupancy float64, err error) {
	e, err := s.Open(ctx)
	if err != nil {
		return nil, records, 0, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	byID := map[string]*visit{}
	offered, bridged := map[string]time.Time{}, map[string]time.Time{}
	var busy time.Duration
	err = eachEvent(ctx, e.Calls, func(ev telephony.Event) error {
		v := byID[ev.CallID]
		switch {
		case ev.Type == telephony.EvQueued:
			byID[ev.CallID] = &visit{id: ev.CallID, arrived: ev.At}
		case v == nil:
		case ev.Type == telephony.EvOffered:
			offered[ev.CallID] = ev.At
		case ev.Type == telephony.EvSeat:
			v.waited, v.ring = ev.At.Sub(v.arrived), ev.At.Sub(offered[ev.CallID])
		case ev.Type == telephony.EvBridged:
			bridged[ev.CallID] = ev.At
		case ev.Type == telephony.EvEnded && v.waited == 0:
			v.left, v.waited = ev.At, ev.At.Sub(v.arrived)
		case ev.Type == telephony.EvEnded:
			v.talk = ev.At.Sub(bridged[ev.CallID])
			busy += v.ring + v.talk + centreWrapUp
		}
		return nil
	})
	if err != nil {
		return nil, records, 0, err
	}
	visits = ready(byID)
	if len(visits) > 0 {
		during := visits[len(visits)-1].arrived.Sub(visits[0].arrived)
		occupancy = float64(busy) / float64(centreSeats*during)
	}
	records, err = recordsOf(ctx, e.Calls, began)
	return visits, records, occupancy, err
}

// ready puts visits in the order of their arrival; who gave up would have rung and talked as the others did.
func ready(byID map[string]*visit) []visit {
	var ring, talk time.Duration
	answered := 0
	visits := make([]visit, 0, len(byID))
	for _, v := range byID {
		if v.left.IsZero() {
			answered, ring, talk = answered+1, ring+v.ring, talk+v.talk
		}
	}
	for _, v := range byID {
		if !v.left.IsZero() && answered > 0 {
			v.ring, v.talk = ring/time.Duration(answered), talk/time.Duration(answered)
		}
		visits = append(visits, *v)
	}
	slices.SortFunc(visits, func(a, b visit) int { return a.arrived.Compare(b.arrived) })
	return visits
}

// recordsOf is the level by the call records.
func recordsOf(ctx context.Context, store telephony.Store, began time.Time) (level, error) {
	var visits []visit
	f := telephony.CallFilter{From: began, Limit: 200}
	for {
		page, err := store.Calls(ctx, f)
		if err != nil {
			return level{}, err
		}
		for _, c := range page.Items {
			if c.QueuedAt.IsZero() {
				continue
			}
			v := visit{id: c.ID, waited: c.Wait()}
			if c.SeatAt.IsZero() {
				v.left = c.EndedAt
			}
			visits = append(visits, v)
		}
		if f.Cursor = page.NextCursor; f.Cursor == "" {
			return levelOf(visits), nil
		}
	}
}

func levelOf(visits []visit) (l level) {
	var waited time.Duration
	answered, quick := 0, 0
	for _, v := range visits {
		if !v.left.IsZero() {
			continue
		}
		answered++
		waited += v.waited
		if v.waited <= 15*time.Second {
			quick++
		}
	}
	if answered > 0 {
		l.asa = waited / time.Duration(answered)
	}
	n := float64(max(1, len(visits)))
	l.abandoned, l.within15s = float64(len(visits)-answered)/n, float64(quick)/n
	return l
}
