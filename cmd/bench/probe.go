package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"hotline/cmd/hotline/accounts"
	"hotline/telephony/media"
	"hotline/telephony/phone"
)

// probeCalls is how many of the calls carry clocks.
const probeCalls = 10

// A probe sends the time of sending as audio, which a relay passes on, and
// whoever hears it knows how long it took. Each sample holds four bits, well
// apart, so that A-law keeps them.
const (
	nibbles   = 16                 // of a time in nanoseconds
	probeMark = 0xA5C3             // four samples before them tell a probe from other audio
	markSize  = 4                  // samples
	probeSize = markSize + nibbles // samples
)

// clock is the source that a probe plays.
type clock struct{ began time.Time }

// Len implements media.Source: a clock never ends.
func (c clock) Len() int { return -1 }

// Fill implements media.Source. It is called right before the packet is sent.
func (c clock) Fill(dst []int16, _ int) int {
	clear(dst)
	if len(dst) < probeSize {
		return len(dst)
	}
	write(dst[:markSize], probeMark)
	write(dst[markSize:probeSize], uint64(time.Since(c.began)))
	return len(dst)
}

func write(dst []int16, value uint64) {
	for i := range dst {
		dst[i] = int16(int(value>>(4*(len(dst)-1-i))&0xF)*4096 - 32768 + 2048)
	}
}

func read(src []int16) (value uint64) {
	for _, s := range src {
		value = value<<4 | uint64(int(s)+32768)>>12
	}
	return value
}

// delays collects what the probes hear.
type delays struct {
	began time.Time
	mu    sync.Mutex
	on    bool
	all   []time.Duration
}

// hear takes a packet of a probe.
func (d *delays) hear(pcm []int16) {
	if len(pcm) < probeSize || read(pcm[:markSize]) != probeMark {
		return
	}
	took := time.Since(d.began) - time.Duration(read(pcm[markSize:probeSize]))
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.on {
		d.all = append(d.all, took)
	}
}

// count begins or ends the collection.
func (d *delays) count(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.on = on
}

func (d *delays) percentile(share float64) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return percentile(d.all, share)
}

// probes are the two ways that are timed at once: through the relay, and directly
// from socket to socket, which is what the machine itself takes.
type probes struct {
	ports           *media.Ports
	relayed, direct delays
	phones          []*phone.Phone
}

func newProbes() (*probes, error) {
	ports, err := media.NewPorts(media.PortOptions{})
	if err != nil {
		return nil, err
	}
	p := &probes{ports: ports}
	p.relayed.began = time.Now()
	p.direct.began = p.relayed.began
	for range probeCalls {
		a, errA := ports.Open(pcma)
		b, errB := ports.Open(pcma)
		if err := errors.Join(errA, errB); err != nil {
			ports.Close()
			return nil, err
		}
		answer, err := b.Answer(a.Offer())
		if err == nil {
			err = a.Accept(answer)
		}
		if err != nil {
			ports.Close()
			return nil, err
		}
		for _, leg := range []*media.Leg{a, b} {
			leg.Receive(p.direct.hear)
			leg.Play(clock{p.direct.began}, true)
		}
	}
	return p, nil
}

// pcma: only A-law keeps the probes' samples on both sides of a relay.
var pcma = media.LegOptions{Codecs: []media.Codec{media.PCMA}}

// count begins or ends the collection.
func (p *probes) count(on bool) {
	p.relayed.count(on)
	p.direct.count(on)
}

// close hangs up.
func (p *probes) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for _, phone := range p.phones {
		_ = phone.Stop(ctx)
	}
	p.ports.Close()
}

// call sets probeCalls calls up through a server, between its first seats and
// callers of our own.
func (p *probes) call(ctx context.Context, server string) error {
	heard := make(chan struct{}, 2*probeCalls)
	converse := func(c *phone.Call) {
		c.Listen(p.relayed.hear)
		c.Play(clock{p.relayed.began}, true)
	}
	options := phone.Options{Registrar: server, Ports: p.ports, Codecs: pcma.Codecs}
	for i := range probeCalls {
		seat := options
		seat.User, seat.Secret = fmt.Sprint(8001+i), accounts.DemoPassword
		seat.OnCall = func(c *phone.Call) {
			if c.Answer() == nil {
				converse(c)
				heard <- struct{}{}
			}
		}
		if err := p.start(ctx, seat, true); err != nil {
			return err
		}
	}
	options.User = "14200000000"
	if err := p.start(ctx, options, false); err != nil {
		return err
	}
	caller := p.phones[len(p.phones)-1]
	for range probeCalls {
		c, err := caller.Dial(context.WithoutCancel(ctx), "12345")
		if err != nil {
			return err
		}
		if err := c.WaitAnswered(ctx); err != nil {
			return err
		}
		if err := c.SendDigits(ctx, "2"); err != nil {
			return err
		}
		converse(c)
	}
	for range probeCalls {
		select {
		case <-heard:
		case <-time.After(time.Minute):
			return errors.New("the probes' calls were not answered")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (p *probes) start(ctx context.Context, o phone.Options, register bool) error {
	ph, err := phone.New(o)
	if err != nil {
		return err
	}
	if err := ph.Start(ctx); err != nil {
		return err
	}
	p.phones = append(p.phones, ph)
	if register {
		return ph.Register(ctx, time.Hour)
	}
	return nil
}
