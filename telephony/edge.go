package telephony

import (
	"net/netip"

	"hotline/telephony/invite"
)

// DefaultScanners are words by which programs that look for open SIP servers
// give themselves away in User-Agent or From.
func DefaultScanners() []string {
	return []string{
		"friendly-scanner", "friendly-request", "sipvicious", "sundayddr", "sip-scan", "sipcli", "sipscan", "pplsip",
		"vaxsipuseragent", "vaxipuseragent", "siparmyknife",
	}
}

func (c Config) scanners() []string {
	if c.Scanners == nil {
		return DefaultScanners()
	}
	return c.Scanners
}

// edge are the limits of the endpoint: as many sessions as the calls can have.
func (c Config) edge() invite.Limits {
	l := c.Edge
	if l.Sessions == 0 {
		l.Sessions = 2*c.MaxCalls + 100
	}
	return l
}

// flowClosed hears that a connection is gone, and with it the devices that
// registered over it.
func (c *Center) flowClosed(peer netip.AddrPort, network string) {
	if c.background.Err() == nil && !c.leaving.Load() {
		c.wg.Go(func() { c.registrar.flowClosed(peer, network) })
	}
}

// EdgeStats is what the SIP endpoint holds and refused.
func (c *Center) EdgeStats() invite.Stats { return c.endpoint.Stats() }
