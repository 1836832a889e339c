package telephony

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

// Resolver looks names of gateways up; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
}

const (
	namesLive    = time.Minute     // Go's resolver does not tell how long an answer is good
	namesTimeout = 2 * time.Second // for all look-ups of one gateway
	maxTargets   = 8               // addresses kept of one gateway
	// namesWait is how long a call waits for a look-up before it goes on to
	// the next gateway; the look-ups that watch makes go on.
	namesWait = 300 * time.Millisecond
)

// names finds addresses (RFC 3263 section 4.2).
type names struct{ resolver Resolver }

// targets are a gateway's addresses in the order of their records: those of
// DNS SRV when the gateway has no port of its own and there are such records,
// else those of the host.
func (n names) targets(ctx context.Context, gw *gateway) ([]netip.AddrPort, error) {
	ctx, cancel := context.WithTimeout(ctx, namesTimeout)
	defer cancel()
	if gw.port == 0 {
		service, proto := "sip", gw.Transport
		if proto == "tls" {
			service, proto = "sips", "tcp"
		}
		_, records, err := n.resolver.LookupSRV(ctx, service, proto, gw.host)
		switch {
		case err == nil && len(records) > 0:
			return n.ofRecords(ctx, gw, records)
		case err != nil && !notFound(err):
			return nil, fmt.Errorf("look up the services of %s: %w", gw.host, err)
		}
	}
	return n.ofHost(ctx, gw.host, gw.portOr())
}

// ofRecords are the addresses of SRV records, which Go gives in their order.
func (n names) ofRecords(ctx context.Context, gw *gateway, records []*net.SRV) ([]netip.AddrPort, error) {
	if records[0].Target == "." { // RFC 2782: decidedly not here
		return nil, &net.DNSError{Err: "the service is not available at this domain", Name: gw.host, IsNotFound: true}
	}
	var all []netip.AddrPort
	var failed error
	for _, r := range records {
		addrs, err := n.ofHost(ctx, strings.TrimSuffix(r.Target, "."), int(r.Port))
		if err != nil {
			failed = err
		}
		if all = append(all, addrs...); len(all) >= maxTargets {
			return all[:maxTargets], nil
		}
	}
	if len(all) == 0 {
		return nil, failed
	}
	return all, nil
}

func (n names) ofHost(ctx context.Context, host string, port int) ([]netip.AddrPort, error) {
	// The endpoint's sockets are of IPv4.
	addrs, err := n.resolver.LookupNetIP(ctx, "ip4", host)
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", host, err)
	}
	var all []netip.AddrPort
	for _, a := range addrs[:min(len(addrs), maxTargets)] {
		all = append(all, netip.AddrPortFrom(a.Unmap(), uint16(port)))
	}
	if len(all) == 0 {
		return nil, &net.DNSError{Err: "no address", Name: host, IsNotFound: true}
	}
	return all, nil
}

func notFound(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns) && dns.IsNotFound
}

// resolved gives a gateway's addresses to a call, looked up when they are not known.
func (t *trunks) resolved(ctx context.Context, gw *gateway) ([]netip.AddrPort, error) {
	if addrs := gw.addrs(); len(addrs) > 0 {
		return addrs, nil
	}
	ctx, cancel := context.WithTimeout(ctx, namesWait)
	defer cancel()
	if err := t.lookUp(ctx, gw); err != nil {
		gw.poke()
		return nil, err
	}
	return gw.addrs(), nil
}

// lookUp finds the addresses of a gateway that has a name, one look-up at a time.
func (t *trunks) lookUp(ctx context.Context, gw *gateway) error {
	select {
	case gw.busy <- struct{}{}:
		defer func() { <-gw.busy }()
	case <-ctx.Done():
		return ctx.Err()
	}
	gw.mu.Lock()
	fresh := gw.literal || len(gw.targets) > 0 && gw.now().Sub(gw.looked) < namesLive
	gw.mu.Unlock()
	if fresh { // another call looked meanwhile
		return nil
	}
	addrs, err := t.names.targets(ctx, gw)
	gw.mu.Lock()
	defer gw.mu.Unlock()
	gw.looked = gw.now()
	if err != nil {
		if notFound(err) { // the answer is that there is none; a name server that is away takes no trunk with it
			gw.targets = nil
		}
		return err
	}
	gw.targets = addrs
	return nil
}
