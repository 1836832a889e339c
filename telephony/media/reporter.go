package media

import (
	"math/rand/v2"
	"sync"
	"time"
)

// reporterTick is how often it is looked whose report is due.
const reporterTick = 250 * time.Millisecond

// reporter is the one goroutine that sends the RTCP reports of all legs of Ports. It runs while there are legs.
type reporter struct {
	running bool          // guarded by Ports.mu
	stop    chan struct{} // closed by Ports.Close
	idle    sync.WaitGroup
}

// reports starts the reporter unless it runs. The caller holds mu.
func (p *Ports) reports() {
	if !p.reporter.running {
		p.reporter.running = true
		stop := p.reporter.stop
		p.reporter.idle.Go(func() { p.report(stop) })
	}
}

func (p *Ports) report(stop <-chan struct{}) {
	ticker := time.NewTicker(reporterTick)
	defer ticker.Stop()
	var legs []*Leg
	for {
		select {
		case <-ticker.C:
		case <-stop:
			return
		}
		p.mu.Lock()
		legs = legs[:0]
		for _, l := range p.legs {
			legs = append(legs, l)
		}
		p.reporter.running = len(legs) > 0
		p.mu.Unlock()
		if len(legs) == 0 {
			return
		}
		now := p.now()
		for _, l := range legs {
			l.report(now)
			if r := l.rtc.Load(); r != nil {
				r.look(now)
			}
		}
		clear(legs)
	}
}

// around is a random time from a half to one and a half of d, so that legs do not report in step (RFC 3550 §6.3.1).
func around(d time.Duration) time.Duration {
	return time.Duration((0.5 + rand.Float64()) * float64(d)) //nolint:gosec // spread, not secrecy
}
