package telephony

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/emiago/sipgo/sip"

	"hotline/telephony/invite"
)

// toSeat describes the INVITE to a device of a seat: by the flow that it
// registered over, or through the proxies that its REGISTER came through.
// X-Call-ID lets a softphone open the right ticket.
func (c *Center) toSeat(b Binding, caller, callID string) invite.Outgoing {
	out := invite.Outgoing{
		From: c.fromURI(caller), Destination: b.Source.String(), Transport: b.Transport, Flow: b.own(c.node),
		Headers: []sip.Header{sip.NewHeader("X-Call-ID", callID)},
	}
	if err := sip.ParseUri(b.Contact, &out.To); err != nil { // it was parsed when it was registered
		c.log.Error("a device's address cannot be read", "error", err)
	}
	for i, hop := range b.Path {
		out.Headers = append(out.Headers, sip.NewHeader("Route", "<"+hop+">"))
		if dest, network := hopOf(hop); i == 0 && dest != "" {
			out.Destination, out.Transport = dest, network
		}
	}
	return out
}

// hopOf is where the proxy of a Path is reached, when it names an address.
func hopOf(uri string) (dest, network string) {
	var u sip.Uri
	if err := sip.ParseUri(uri, &u); err != nil {
		return "", ""
	}
	ip, err := netip.ParseAddr(strings.Trim(u.Host, "[]"))
	if err != nil {
		return "", ""
	}
	network = strings.ToLower(u.UriParams.GetOr("transport", "udp"))
	if !slices.Contains([]string{"udp", "tcp", "tls"}, network) {
		return "", ""
	}
	port := u.Port
	if port == 0 {
		port = sip.DefaultPort(network)
	}
	return net.JoinHostPort(ip.String(), strconv.Itoa(port)), network
}

// devices are the bindings of a seat that a call is offered to: of a device
// with several flows the newest alone (RFC 5626 section 6). A connection to
// another node is out of reach.
func (c *Center) devices(seat string) []Binding {
	seen := map[string]bool{}
	return slices.DeleteFunc(c.registrar.lookup(seat), func(b Binding) bool {
		if b.flows() && b.Node != c.node {
			return true
		}
		twice := b.Instance != "" && seen[b.Instance]
		seen[b.Instance] = true
		return twice
	})
}

// dialDevices rings several devices at once. The first that answers has the
// call, and the others are cancelled; one that declines for its user (6xx)
// ends all. party makes a party for each, on says what its progress is told
// to: ringing once, ended once.
func (k *call) dialDevices(ctx context.Context, outs []invite.Outgoing, party func() *party, on func(*party) dialing) error {
	if len(outs) == 1 {
		p := party()
		return k.dial(ctx, p, outs[0], on(p))
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	f := &ringing{all: cancel, branches: make([]context.CancelFunc, len(outs)), won: -1}
	var wg sync.WaitGroup
	errs := make([]error, len(outs))
	dials := make([]func(), len(outs))
	var last dialing
	for i, out := range outs {
		branch, cancelBranch := context.WithCancel(ctx)
		f.branches[i] = cancelBranch
		p := party()
		d := on(p)
		last = d
		dials[i] = func() {
			defer cancelBranch()
			ended := d.ended
			d.early = nil // several might send
			d.ringing = f.once(d.ringing)
			d.claim = func() bool { return f.claim(i) }
			d.ended = func(c invite.Cause) {
				if !f.lost(i, c) {
					ended(c)
				}
			}
			errs[i] = k.dial(branch, p, out, d)
		}
	}
	for _, d := range dials {
		wg.Go(d)
	}
	wg.Wait()
	if f.won >= 0 {
		return nil
	}
	if !f.tried {
		return errs[0]
	}
	last.ended(f.worst)
	return nil
}

// ringing is what the branches of one offer share.
type ringing struct {
	all      context.CancelFunc
	branches []context.CancelFunc

	mu    sync.Mutex
	rang  bool
	tried bool
	won   int // branch that answered, -1 before
	worst invite.Cause
}

func (f *ringing) once(fn func()) func() {
	return func() {
		f.mu.Lock()
		first := !f.rang
		f.rang = true
		f.mu.Unlock()
		if first {
			fn()
		}
	}
}

// claim gives the call to the first branch that answers.
func (f *ringing) claim(i int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.won >= 0 {
		return f.won == i
	}
	f.won = i
	for j, cancel := range f.branches {
		if j != i {
			cancel()
		}
	}
	return true
}

// lost notes the end of a branch and tells whether it was not the one that
// has the call. Of many ends a refusal by a person counts most.
func (f *ringing) lost(i int, c invite.Cause) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.won == i {
		return false
	}
	if weight := func(c invite.Cause) int {
		switch {
		case c.By == invite.Remote && c.Code >= 600:
			return 3
		case c.By == invite.Remote && c.Code == sip.StatusBusyHere:
			return 2
		case c.By == invite.Remote:
			return 1
		}
		return 0
	}; !f.tried || weight(c) > weight(f.worst) {
		f.worst = c
	}
	f.tried = true
	if c.By == invite.Remote && c.Code >= 600 && f.won < 0 {
		f.all() // RFC 3261 section 16.7 step 5
	}
	return true
}
