package telephony

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"hotline/telephony/invite"
	"hotline/telephony/trunk"
)

// gateway is one gateway at work.
type gateway struct {
	Gateway
	host string
	port int // 0: not given
	// literal: the host is an address, there is nothing to look up.
	literal bool
	now     func() time.Time
	wake    chan struct{} // asks for a ping now
	busy    chan struct{} // one look-up of its name at a time

	mu      sync.Mutex
	health  trunk.Health
	code    int           // of the last answer to a ping; 0 for none
	trip    time.Duration // of the last ping that was answered
	targets []netip.AddrPort
	looked  time.Time // when the name was last looked up
}

func newGateway(g Gateway, t trunk.Thresholds, now func() time.Time) (*gateway, error) {
	host, port, err := splitGateway(g.Host)
	if err != nil {
		return nil, err
	}
	gw := &gateway{
		Gateway: g, host: host, port: port, now: now, health: trunk.NewHealth(t),
		wake: make(chan struct{}, 1), busy: make(chan struct{}, 1),
	}
	if a, err := netip.ParseAddr(host); err == nil {
		gw.literal = true
		gw.targets = []netip.AddrPort{netip.AddrPortFrom(a.Unmap(), uint16(gw.portOr()))}
	}
	return gw, nil
}

// portOr is the port that is used without DNS SRV (RFC 3263 section 4.2).
func (g *gateway) portOr() int {
	if g.port != 0 {
		return g.port
	}
	return defaultPort(g.Transport)
}

// defaultPort is where SIP is spoken over a transport (RFC 3261 section 19.1.2).
func defaultPort(transport string) int {
	if transport == "tls" {
		return sip.DefaultTlsPort
	}
	return sip.DefaultUdpPort
}

// uri addresses a number at the gateway; none when it is "".
func (g *gateway) uri(user string) sip.Uri {
	u := sip.Uri{Scheme: "sip", User: user, Host: g.host}
	if g.Domain != "" {
		u.Host = g.Domain
	} else if g.port != 0 && g.port != sip.DefaultUdpPort {
		u.Port = g.port
	}
	if g.Transport != "udp" {
		u.UriParams.Add("transport", g.Transport)
	}
	return u
}

// addrs are the addresses known now.
func (g *gateway) addrs() []netip.AddrPort {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.targets)
}

// has tells whether an address is one of the gateway's.
func (g *gateway) has(a netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.ContainsFunc(g.targets, func(t netip.AddrPort) bool { return t.Addr() == a })
}

// demote puts an address that failed behind the others.
func (g *gateway) demote(a netip.AddrPort) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.targets, a); i >= 0 && len(g.targets) > 1 {
		g.targets = append(slices.Delete(slices.Clone(g.targets), i, i+1), a)
	}
}

// poke asks for a ping now.
func (g *gateway) poke() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// hop is one gateway that an outbound call may go through.
type hop struct {
	cr *carrier
	gw *gateway
}

// maxHops bounds how many gateways one call tries.
const maxHops = 8

// hops are the gateways that a call which presents a line may go through, in
// the order in which to try them: over all trunks by health, priority and weight.
func (t *trunks) hops(line string, at time.Time) []hop {
	var all []hop
	var candidates []trunk.Candidate
	for _, cr := range t.all {
		if !cr.carries(line) {
			continue
		}
		for _, gw := range cr.gateways {
			gw.mu.Lock()
			rank := gw.health.Rank(at)
			gw.mu.Unlock()
			if cr.member != nil && !cr.member.now().Registered {
				rank = max(rank, 1) // the operator may refuse
			}
			all = append(all, hop{cr, gw})
			candidates = append(candidates, trunk.Candidate{Rank: rank, Priority: gw.Priority, Weight: gw.Weight})
		}
	}
	order := trunk.Order(candidates, rand.IntN)
	sorted := make([]hop, 0, len(all))
	for _, i := range order[:min(len(order), maxHops)] {
		sorted = append(sorted, all[i])
	}
	return sorted
}

// leads tells whether any trunk takes calls that present a line.
func (t *trunks) leads(line string) bool {
	return slices.ContainsFunc(t.all, func(cr *carrier) bool { return cr.carries(line) && len(cr.gateways) > 0 })
}

// report takes what a gateway did and tells of a change.
func (t *trunks) report(cr *carrier, gw *gateway, ok bool, why string) {
	at := gw.now()
	gw.mu.Lock()
	changed := gw.health.Report(at, ok)
	state := gw.health.State(at)
	gw.mu.Unlock()
	if !changed {
		return
	}
	log := t.log.Warn
	if state == trunk.Up {
		log = t.log.Info
	}
	log("a gateway's state changed", "trunk", cr.Name, "gateway", gw.Name, "state", string(state), "why", why)
	t.changed(cr.Name)
}

// longestAvoid bounds for how long a gateway is left alone at its wish.
const longestAvoid = 5 * time.Minute

// judge learns from how an INVITE through a gateway ended: any answer shows
// that it lives.
func (t *trunks) judge(cr *carrier, gw *gateway, addr netip.AddrPort, end invite.Cause, heard bool) {
	switch {
	case heard || end.By == invite.Remote:
		t.report(cr, gw, true, "a call was answered")
	case end.By == invite.System:
		gw.demote(addr)
		t.report(cr, gw, false, "a call had no answer: "+end.Reason)
		gw.poke()
	}
	if end.By == invite.Remote && end.Code == sip.StatusServiceUnavailable && end.RetryAfter > 0 {
		wait := min(end.RetryAfter, longestAvoid)
		gw.mu.Lock()
		gw.health.Avoid(gw.now().Add(wait))
		gw.mu.Unlock()
		t.log.Warn("a gateway asks to be left alone", "trunk", cr.Name, "gateway", gw.Name, "seconds", int(wait.Seconds()))
		t.changed(cr.Name)
	}
}

// GatewayState is a gateway as it is now.
type GatewayState struct {
	Name         string
	Host         string // as configured
	Transport    string
	State        trunk.State
	Since        time.Time     // of the state; zero while it is unknown
	AvoidedUntil time.Time     // it asked to be left alone; zero when not
	Code         int           // of its last answer to a ping; 0 for none
	RoundTrip    time.Duration // of its last answered ping
}

func (g *gateway) stateNow() GatewayState {
	at := g.now()
	g.mu.Lock()
	defer g.mu.Unlock()
	return GatewayState{
		Name: g.Name, Host: g.Host, Transport: g.Transport, State: g.health.State(at), Since: g.health.Since(),
		AvoidedUntil: g.health.Avoided(at), Code: g.code, RoundTrip: g.trip,
	}
}
