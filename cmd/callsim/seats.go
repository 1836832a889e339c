package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"hotline/telephony/media"
	"hotline/telephony/phone"
)

// busyHere is the status of RFC 3261 section 21.4.24.
const busyHere = 486

// seatGroup is a number of registered phones that answer.
type seatGroup struct {
	o      *options
	phones []*phone.Phone
	tone   media.Source
	ctx    context.Context
	cancel context.CancelFunc
	talk   time.Duration // after which a seat hangs up; 0 never
	hears  func(ctx context.Context, call *phone.Call) error

	mu          sync.Mutex
	random      *rand.Rand
	counts      SeatCounts
	audio       audioSum
	ring, talks []float64
	active      int
	free        chan struct{} // closed when no seat is in a call
}

// shortTalk is what a call needs at least for the caller to be heard: the path through the server and 200 ms of tone.
const shortTalk = time.Second

// runSeats registers seats and lets them work until the end of the run.
func runSeats(ctx context.Context, o *options) (*Summary, error) {
	if len(o.seats) == 0 {
		return nil, errors.New("--seats: none given")
	}
	ports, err := o.ports()
	if err != nil {
		return nil, err
	}
	defer ports.Close()
	// Anybody may call here, so that any sound will do.
	group, err := startSeats(ctx, o, ports, o.Talk, func(ctx context.Context, call *phone.Call) error { return call.WaitSound(ctx) })
	if err != nil {
		return nil, err
	}
	run, cancel := context.WithTimeout(ctx, o.Duration)
	defer cancel()
	<-run.Done()
	counts := group.stop()
	return &Summary{OK: len(counts.Failures) == 0, Seats: counts}, nil
}

// startSeats starts and registers all seats. When one cannot, all are stopped and its error returned.
func startSeats(ctx context.Context, o *options, ports *media.Ports, talk time.Duration, hears func(context.Context, *phone.Call) error) (*seatGroup, error) {
	g := &seatGroup{
		o: o, tone: steady(o.SeatTone), talk: talk, hears: hears,
		random: rand.New(rand.NewPCG(o.Seed, 8001)),
	}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	for _, user := range o.seats {
		opts := o.phone(ports)
		opts.User, opts.Name, opts.Secret, opts.OnCall = user, user, o.Secret, g.serve
		p, err := phone.New(opts)
		if err == nil {
			if err = p.Start(ctx); err == nil {
				g.phones = append(g.phones, p)
				err = p.Register(ctx, 10*time.Minute)
			}
		}
		if err != nil {
			g.stop()
			return nil, fmt.Errorf("seat %s: %w", user, err)
		}
		g.counts.Registered++
	}
	return g, nil
}

// serve is one call at a seat.
func (g *seatGroup) serve(call *phone.Call) {
	g.mu.Lock()
	if g.active++; g.active == 1 {
		g.free = make(chan struct{})
	}
	g.counts.Offered++
	reject, ring := g.random.Float64() < g.o.Reject, vary(g.random, g.o.Ring)
	g.mu.Unlock()
	defer g.leave()
	start := time.Now()
	if err := pause(g.ctx, call, ring); err != nil {
		g.count(func(c *SeatCounts) { c.Lost++ })
		return
	}
	if reject {
		call.Reject(busyHere)
		g.count(func(c *SeatCounts) { c.Rejected++ })
		return
	}
	if err := call.Answer(); err != nil {
		// The caller or the server was faster.
		g.count(func(c *SeatCounts) { c.Lost++ })
		return
	}
	g.mu.Lock()
	g.counts.Answered++
	g.ring = append(g.ring, millis(time.Since(start)))
	g.mu.Unlock()
	g.converse(call)
}

func (g *seatGroup) converse(call *phone.Call) {
	call.Play(g.tone, true)
	waiting, cancel := context.WithTimeout(g.ctx, g.o.Wait)
	err := g.hears(waiting, call)
	cancel()
	if err == nil && g.talk > 0 {
		// However the talk ends, it was one.
		_ = pause(g.ctx, call, g.talk)
	} else if err == nil {
		select {
		case <-call.Done():
		case <-g.ctx.Done():
		}
	}
	call.Hangup()
	select {
	case <-call.Done():
	case <-time.After(endTime):
		err = errors.Join(err, errors.New("the call did not end after it was hung up"))
	}
	stats := call.Stats()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.audio.add(stats)
	g.talks = append(g.talks, millis(stats.Talk))
	switch {
	case err == nil:
		g.counts.Heard++
	case errors.Is(err, phone.ErrEnded) && stats.Talk < shortTalk:
		g.counts.Lost++ // the caller gave up while the seat answered
	case errors.Is(err, phone.ErrEnded):
		g.counts.Failures = count(g.counts.Failures, "the call ended before the caller was heard")
	case g.ctx.Err() == nil:
		g.counts.Failures = count(g.counts.Failures, "the caller was not heard")
	}
}

func (g *seatGroup) count(fn func(*SeatCounts)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	fn(&g.counts)
}

func (g *seatGroup) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.active--; g.active == 0 {
		close(g.free)
	}
}

// idle waits until no seat is in a call, at most d.
func (g *seatGroup) idle(d time.Duration) {
	g.mu.Lock()
	free, active := g.free, g.active
	g.mu.Unlock()
	if active == 0 {
		return
	}
	select {
	case <-free:
	case <-time.After(d):
	}
}

// stop hangs up, unregisters and counts.
func (g *seatGroup) stop() *SeatCounts {
	g.cancel()
	ctx, cancel := context.WithTimeout(context.Background(), endTime)
	defer cancel()
	var stopping sync.WaitGroup
	for _, p := range g.phones {
		stopping.Add(1)
		go func() {
			defer stopping.Done()
			if err := errors.Join(p.Unregister(ctx), p.Stop(ctx)); err != nil {
				g.mu.Lock()
				g.counts.Failures = count(g.counts.Failures, "stop: "+err.Error())
				g.mu.Unlock()
			}
		}()
	}
	stopping.Wait()
	g.idle(endTime)
	g.mu.Lock()
	defer g.mu.Unlock()
	counts := g.counts
	counts.RTP, counts.Ring, counts.Talk = g.audio.result(), distribution(g.ring), distribution(g.talks)
	return &counts
}
