package telephony

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"

	"hotline/telephony/trunk"
)

// Ping says how a trunk's gateways are watched: by OPTIONS. Any final response
// shows that a gateway lives, unless its code is one of Bad.
type Ping struct {
	Interval  time.Duration // 0 is 30 s; negative: none. A gateway that is not up is asked at least each 5 s
	Timeout   time.Duration // for one answer; 0 is 2 s
	Fails     int           // in a row that make it down; 0 is 2
	Successes int           // in a row that bring it back; 0 is 2
	Bad       []int         // codes that count as no answer, such as 503
}

const soon = 5 * time.Second // between pings of a gateway that is not up

func (p Ping) withDefaults() Ping {
	if p.Interval == 0 {
		p.Interval = 30 * time.Second
	}
	if p.Timeout <= 0 {
		p.Timeout = 2 * time.Second
	}
	return p
}

// thresholds of a gateway's health. Without pings a failure is forgotten after
// a while: nothing else would bring the gateway back.
func (p Ping) thresholds() trunk.Thresholds {
	t := trunk.Thresholds{Fails: p.Fails, Successes: p.Successes}
	if p.Interval < 0 {
		t.Forget = 30 * time.Second
	}
	return t
}

// watch pings one gateway and keeps its name's addresses fresh, until ctx ends.
func (t *trunks) watch(ctx context.Context, cr *carrier, gw *gateway) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-gw.wake:
		}
		t.refresh(ctx, cr, gw)
		if cr.Ping.Interval > 0 {
			t.ping(ctx, cr, gw)
		}
		timer.Reset(t.pause(cr, gw))
	}
}

// pause is how long to wait for the next ping: a little more or less, so that
// many gateways are not asked at once.
func (t *trunks) pause(cr *carrier, gw *gateway) time.Duration {
	wait := cr.Ping.Interval
	if wait < 0 {
		wait = namesLive
	}
	gw.mu.Lock()
	if s := gw.health.State(gw.now()); s != trunk.Up {
		wait = min(wait, soon)
	}
	gw.mu.Unlock()
	return wait*9/10 + rand.N(wait/5+1)
}

// refresh looks a gateway's name up again when its addresses are old.
func (t *trunks) refresh(ctx context.Context, cr *carrier, gw *gateway) {
	if gw.literal {
		return
	}
	err := t.lookUp(ctx, gw)
	if err == nil || ctx.Err() != nil {
		return
	}
	if len(gw.addrs()) == 0 {
		t.report(cr, gw, false, "its name has no address")
	}
	t.log.Warn("a gateway's name cannot be looked up", "trunk", cr.Name, "gateway", gw.Name, "error", err)
}

// ping asks the gateway, one address after the other until one answers.
func (t *trunks) ping(ctx context.Context, cr *carrier, gw *gateway) {
	addrs := gw.addrs()
	why := "no answer to OPTIONS"
	for _, addr := range addrs[:min(len(addrs), maxAddrs)] {
		code, trip := t.options(ctx, cr, gw, addr)
		if ctx.Err() != nil {
			return
		}
		gw.mu.Lock()
		gw.code = code
		if code != 0 {
			gw.trip = trip
		}
		gw.mu.Unlock()
		if code != 0 && !slices.Contains(cr.Ping.Bad, code) {
			t.report(cr, gw, true, "it answers OPTIONS")
			return
		}
		if code != 0 {
			why = "it answers OPTIONS with " + strconv.Itoa(code)
		}
		gw.demote(addr)
	}
	if len(addrs) > 0 {
		t.report(cr, gw, false, why)
	}
}

// options sends one OPTIONS (RFC 3261 section 11); the code is 0 without an answer.
func (t *trunks) options(ctx context.Context, cr *carrier, gw *gateway, addr netip.AddrPort) (int, time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, cr.Ping.Timeout)
	defer cancel()
	req := sip.NewRequest(sip.OPTIONS, gw.uri(""))
	req.SetTransport(gw.Transport)
	req.SetDestination(addr.String())
	began := time.Now()
	res, err := t.endpoint.Do(ctx, req)
	if err != nil {
		t.log.Debug("ping not answered", "trunk", cr.Name, "gateway", gw.Name, "error", err)
		return 0, 0
	}
	return res.StatusCode, time.Since(began)
}
