package invite

import (
	"context"
	"net"
	"net/netip"
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
	if !addr.IsValid() { // no listener of that network: name any
		addr = e.Addr("udp")
	}
	if !addr.IsValid() {
		addr = e.Addr("tcp")
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
// should see it; network is "udp" or "tcp".
func (e *Endpoint) ContactURI(user, network, dest string) sip.Uri {
	host, port := e.sentBy(network, dest)
	u := sip.Uri{Scheme: "sip", User: user, Host: host, Port: port}
	if network != "udp" {
		u.UriParams.Add("transport", network)
	}
	return u
}
