package telephony

import (
	"net/netip"
	"slices"
	"sync/atomic"

	"github.com/emiago/sipgo/sip"

	"hotline/telephony/invite"
)

// moved follows where a gateway sends a call on to (3xx). A trunk that Redirects may, and only to its own addresses: to be sent
// anywhere else would be toll fraud. A seat's phone never may; the call then goes to the next seat, by the queue's rules.
type moved struct {
	carrier   *carrier
	transport string
	to        atomic.Pointer[string]
}

// allow lets an INVITE be redirected.
func (m *moved) allow(out *invite.Outgoing) {
	if m.carrier.Redirects {
		out.Redirect = m.follow
	}
}

func (m *moved) follow(contact sip.Uri) (string, bool) {
	addr, err := netip.ParseAddr(contact.Host)
	if err != nil || contact.IsEncrypted() || !m.carrier.owns(addr) {
		return "", false
	}
	if t, ok := contact.UriParams.Get("transport"); ok && t != m.transport {
		return "", false
	}
	port := contact.Port
	if port == 0 {
		port = defaultPort(m.transport)
	}
	dest := netip.AddrPortFrom(addr.Unmap(), uint16(port)).String() //nolint:gosec // the parser's bound
	m.to.Store(&dest)
	return dest, true
}

// where is the last place that was followed, or "".
func (m *moved) where() string {
	if to := m.to.Load(); to != nil {
		return *to
	}
	return ""
}

// owns tells whether an address is one of the trunk's: calls come from there or go there.
func (cr *carrier) owns(a netip.Addr) bool {
	a = a.Unmap()
	return cr.reach(a) >= 0 || slices.ContainsFunc(cr.gateways, func(g *gateway) bool { return g.at(a) })
}

// at tells whether a gateway's last known addresses have an IP.
func (g *gateway) at(a netip.Addr) bool {
	return slices.ContainsFunc(g.addrs(), func(t netip.AddrPort) bool { return t.Addr().Unmap() == a })
}
