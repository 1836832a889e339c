package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hotline/cmd/hotline/drill"
	"hotline/telephony/media"
)

// parties are phones without signalling, for relays that have none: the same
// code that callsim's phones send and receive with.
type parties struct {
	ports *media.Ports
	legs  []*media.Leg
}

// newParties opens n phones; the first of them are probes.
func newParties(n int, p *probes) (*parties, error) {
	ports, err := media.NewPorts(media.PortOptions{})
	if err != nil {
		return nil, err
	}
	ps := &parties{ports: ports}
	for i := range n {
		from := ports
		if i < 2*probeCalls {
			from = p.ports
		}
		leg, err := from.Open(pcma)
		if err != nil {
			ports.Close()
			return nil, err
		}
		ps.legs = append(ps.legs, leg)
	}
	return ps, nil
}

// talk lets every phone send a tone, or its clock.
func (ps *parties) talk(p *probes) {
	tone := make(media.Clip, media.SampleRate)
	media.Tone(440, -10, 0).Fill(tone, 0)
	for i, leg := range ps.legs {
		if i < 2*probeCalls {
			leg.Receive(p.relayed.hear)
			leg.Play(clock{p.relayed.began}, true)
			continue
		}
		leg.Receive(func([]int16) {})
		leg.Play(tone, true)
	}
}

func (ps *parties) totals() (sent, received int64) {
	for _, leg := range ps.legs {
		s := leg.Stats()
		sent += int64(s.Sent)         //nolint:gosec // far below
		received += int64(s.Received) //nolint:gosec // far below
	}
	return sent, received
}

func (ps *parties) close() {
	for _, leg := range ps.legs {
		leg.Close()
	}
	ps.ports.Close()
}

// answerAt is the session description of a relay's port.
func answerAt(port uint16) []byte {
	return fmt.Appendf(nil, "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio %d RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n", port)
}

// measure talks through a relay for the window.
func (ps *parties) measure(ctx context.Context, r *run, pid int, p *probes) (m relayed, err error) {
	ps.talk(p)
	if !drill.Sleep(ctx, 3*time.Second) {
		return m, ctx.Err()
	}
	before, err := drill.CPU(pid)
	if err != nil {
		return m, err
	}
	p.count(true)
	_, had := ps.totals()
	if !drill.Sleep(ctx, r.window) {
		return m, ctx.Err()
	}
	after, err := drill.CPU(pid)
	if err != nil {
		return m, err
	}
	_, has := ps.totals()
	p.count(false)
	m = relayed{cpu: after - before, packets: has - had}
	m.delays(p)
	for _, leg := range ps.legs {
		m.lost += int64(leg.Stats().Lost) //nolint:gosec // far below
	}
	if m.packets == 0 {
		return m, errors.New("nothing came through the relay")
	}
	return m, nil
}
