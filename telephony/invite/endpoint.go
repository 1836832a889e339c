package invite

import (
	"context"
	"net/netip"

	"github.com/emiago/sipgo/sip"
)

// Endpoint is a SIP user agent: sockets, transactions and sessions.
type Endpoint struct {
	opts Options
	h    Handler
}

// New makes an endpoint; Start opens its sockets.
func New(opts Options, h Handler) (*Endpoint, error) { return &Endpoint{opts: opts, h: h}, nil }

// Start opens the sockets; it listens when it returns.
func (e *Endpoint) Start(ctx context.Context) error { return ErrStopped }

// Stop refuses new sessions, ends those that exist, waits until they are gone
// or ctx ends, and closes the sockets.
func (e *Endpoint) Stop(ctx context.Context) error { return nil }

// Addr is the address of the first listener of the network ("udp", "tcp").
func (e *Endpoint) Addr(network string) netip.AddrPort { return netip.AddrPort{} }

// Dial starts a call and returns at once; Events tells how it goes. When ctx
// ends the session is hung up, answered or not.
func (e *Endpoint) Dial(ctx context.Context, out Outgoing) (*Session, error) {
	return nil, ErrStopped
}

// Do sends a request that is not an INVITE outside a dialog and waits for its
// final response.
func (e *Endpoint) Do(ctx context.Context, req *sip.Request) (*sip.Response, error) {
	return nil, ErrStopped
}

// DoWith is Do that answers one digest challenge (401 or 407).
func (e *Endpoint) DoWith(ctx context.Context, req *sip.Request, c Credentials) (*sip.Response, error) {
	return nil, ErrStopped
}

// ContactURI is the endpoint's own address as a peer at dest ("ip:port")
// should see it; network is "udp" or "tcp".
func (e *Endpoint) ContactURI(user, network, dest string) sip.Uri { return sip.Uri{} }

// Sessions counts the sessions that the application still owns.
func (e *Endpoint) Sessions() int { return 0 }

// Stats tells what the endpoint holds.
func (e *Endpoint) Stats() Stats { return Stats{} }

func statusLine(code int, reason string) string { return reason }
