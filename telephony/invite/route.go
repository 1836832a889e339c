package invite

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"

	"github.com/emiago/sipgo/sip"
)

// routeCache remembers which local address faces a peer, for sockets that
// listen on all of them.
type routeCache struct {
	mu sync.Mutex
	to map[string]string
}

const maxRoutes = 4096

func (c *routeCache) local(ctx context.Context, host string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ip, ok := c.to[host]; ok {
		return ip
	}
	ip := "127.0.0.1"
	// Connecting a UDP socket sends nothing; it asks the routing table.
	var d net.Dialer
	if conn, err := d.DialContext(ctx, "udp4", net.JoinHostPort(host, "9")); err == nil {
		ip = addrPort(conn.LocalAddr()).Addr().String()
		_ = conn.Close()
	}
	if c.to == nil || len(c.to) >= maxRoutes {
		c.to = map[string]string{}
	}
	c.to[host] = ip
	return ip
}

// sentBy is the host and port that the peer at dest is told about.
func (e *Endpoint) sentBy(network, dest string) (string, int) {
	addr := e.Addr(network)
	if !addr.IsValid() && overWeb(network) {
		return e.nowhere, 0 // RFC 7118 section 5: clients cannot be connected to
	}
	for _, other := range networks { // no listener of that network: name any
		if addr.IsValid() {
			break
		}
		addr = e.Addr(other)
	}
	port := int(addr.Port())
	if e.opts.PublicIP != "" {
		return e.opts.PublicIP, port
	}
	if addr.IsValid() && !addr.Addr().IsUnspecified() {
		return addr.Addr().String(), port
	}
	host, _, err := net.SplitHostPort(dest)
	if err != nil {
		host = dest
	}
	if _, err := netip.ParseAddr(host); err != nil {
		host = "127.0.0.1"
	}
	return e.routes.local(e.ctx, host), port
}

// ContactURI is the endpoint's own address as a peer at dest ("ip:port")
// should see it; network is that of a Listen.
func (e *Endpoint) ContactURI(user, network, dest string) sip.Uri {
	host, port := e.sentBy(network, dest)
	u := sip.Uri{Scheme: "sip", User: user, Host: host, Port: port}
	if overWeb(network) {
		u.UriParams.Add("transport", "ws") // RFC 7118 section 5.2: for both
	} else if connected(network) {
		u.UriParams.Add("transport", network)
	}
	return u
}

// contact is the endpoint's own address within a dialog: sips where the
// dialog is (RFC 3261 section 12.1.1).
func (e *Endpoint) contact(d *dialog, dest string) sip.Uri {
	u := e.ContactURI(d.local.uri.User, d.network, dest)
	if d.sips && secure(d.network) {
		u.Scheme = "sips"
		if d.network == "tls" {
			u.UriParams = nil // RFC 3261 section 26.2.2: sips says it
		}
	}
	return u
}

func isSips(u sip.Uri) bool { return strings.EqualFold(u.Scheme, "sips") }

// networkTo is the transport that a URI asks for.
func networkTo(u sip.Uri) string {
	network := strings.ToLower(u.UriParams.GetOr("transport", ""))
	if !isSips(u) {
		if network == "" {
			return "udp"
		}
		return network
	}
	switch network {
	case "", "tcp", "tls":
		return "tls"
	case "ws", "wss":
		return "wss"
	}
	return network
}
