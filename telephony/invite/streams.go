package invite

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/gobwas/ws"
	"golang.org/x/sync/singleflight"
)

// ErrFlow says that the connection a request has to go over is gone (RFC 5626
// section 5.3: 430 Flow Failed). Nothing is dialled in its place.
var ErrFlow = errors.New("invite: the peer's connection is gone")

// streams are the connections of an endpoint, by the peer's address. One
// address has one connection: what comes second, to another port of ours, is
// turned away, so that an address names a flow without doubt.
type streams struct {
	e       *Endpoint
	feed    chan *stream // to sipgo
	dialing singleflight.Group

	mu     sync.Mutex
	open   map[netip.AddrPort]*stream
	named  map[string]*stream // that we dialled, by network and what was asked for
	origin origins
}

// flowLinger is how long sipgo's pools remember a connection that is gone: a
// request that came with its last octets is then answered into the void, not
// to whatever address its Via names.
const flowLinger = 10 * time.Second

func newStreams(e *Endpoint) *streams {
	return &streams{
		e: e, feed: make(chan *stream), open: map[netip.AddrPort]*stream{}, named: map[string]*stream{},
		origin: newOrigins(&e.opts.Limits, time.Now),
	}
}

// serve lets sipgo read the connections. It returns when the endpoint stops.
func (t *streams) serve() { _ = t.e.tpl.ServeTCP((*feeder)(t)) }

// feeder is the listener that sipgo accepts from.
type feeder streams

// Accept implements net.Listener.
func (f *feeder) Accept() (net.Conn, error) {
	select {
	case s := <-f.feed:
		return s, nil
	case <-f.e.ctx.Done():
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (f *feeder) Close() error { return nil }

// Addr implements net.Listener; sipgo only notes the port.
func (f *feeder) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4zero} }

// take puts a connection that has shaken hands into use.
func (t *streams) take(s *stream) error {
	s.e, s.source, s.since = t.e, s.peer.String(), time.Now()
	s.ready, s.gone = make(chan struct{}), make(chan struct{})
	leave := s.closed
	s.closed = func() {
		t.drop(s)
		if leave != nil {
			leave()
		}
	}
	t.mu.Lock()
	if old := t.open[s.peer]; old != nil {
		t.mu.Unlock()
		s.closed = func() {}
		_ = s.Close()
		if leave != nil {
			leave()
		}
		return fmt.Errorf("invite: %s has a connection already: %w", s.network, ErrState)
	}
	t.open[s.peer] = s
	if s.dialled {
		t.named[s.network+" "+s.asked] = s
	}
	t.mu.Unlock()
	select {
	case t.feed <- s:
	case <-t.e.ctx.Done():
		_ = s.Close()
		return ErrStopped
	}
	select {
	case <-s.ready:
		return nil
	case <-t.e.ctx.Done():
		_ = s.Close()
		return ErrStopped
	}
}

// attach makes a connection known to sipgo under its own network; to sipgo's
// reader it is TCP.
func (t *streams) attach(s *stream) {
	if s.network == "tcp" {
		return
	}
	if c := t.e.tpl.Pool("tcp").Get(s.source); c != nil {
		t.e.tpl.Pool(s.network).Add(s.source, c)
		_, _ = c.TryClose()
	}
}

// drop forgets a connection that is gone.
func (t *streams) drop(s *stream) {
	t.mu.Lock()
	if t.open[s.peer] == s {
		delete(t.open, s.peer)
	}
	if key := s.network + " " + s.asked; t.named[key] == s {
		delete(t.named, key)
	}
	t.mu.Unlock()
	if s.network != "tcp" {
		time.AfterFunc(flowLinger, func() {
			pool := t.e.tpl.Pool(s.network)
			if c := pool.Get(s.source); c != nil {
				if tc, ok := c.(*sip.TCPConnection); ok && tc.Conn == net.Conn(s) {
					_ = pool.CloseAndDelete(c, s.source)
					return
				}
				_, _ = c.TryClose()
			}
		})
	}
	if t.e.opts.FlowClosed != nil {
		t.e.opts.FlowClosed(s.peer, s.network)
	}
}

func (t *streams) at(peer netip.AddrPort) *stream {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open[peer]
}

// called is the connection that was dialled to a destination.
func (t *streams) called(network, dest string) *stream {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.named[network+" "+dest]
}

func (t *streams) closeAll() {
	t.mu.Lock()
	all := make([]*stream, 0, len(t.open))
	for _, s := range t.open {
		all = append(all, s)
	}
	t.mu.Unlock()
	for _, s := range all {
		_ = s.Close()
	}
}

// FlowAlive tells whether the connection to a peer stands; over UDP there is
// nothing that could break.
func (e *Endpoint) FlowAlive(peer netip.AddrPort, network string) bool {
	if !connected(network) {
		return true
	}
	s := e.streams.at(peer)
	return s != nil && s.network == network
}

// networks are the transports, the reliable ones after udp.
var networks = []string{"udp", "tcp", "tls", "ws", "wss"}

func connected(network string) bool { return network != "udp" }
func secure(network string) bool    { return network == "tls" || network == "wss" }
func overWeb(network string) bool   { return network == "ws" || network == "wss" }

// networkOf is the transport a message came or goes over, in lower case.
func networkOf(m sip.Message) string { return strings.ToLower(m.Transport()) }

// identify gives a message its own network before any transaction sees it.
func (t *streams) identify(msg sip.Message) {
	if sip.NetworkToLower(msg.Transport()) != "tcp" {
		return
	}
	peer, err := netip.ParseAddrPort(msg.Source())
	if err != nil {
		return
	}
	if s := t.at(peer); s != nil && s.network != "tcp" {
		msg.SetTransport(strings.ToUpper(s.network))
	}
}

// keep gives the connection that a request came over the long idle time: a
// call or a registration was accepted there.
func (t *streams) keep(source string) {
	if peer, err := netip.ParseAddrPort(source); err == nil {
		if s := t.at(peer); s != nil {
			s.used.Store(true)
		}
	}
}

// reader makes the frames of a network out of a connection.
func reader(network string, conn net.Conn, side ws.State) messageReader {
	if overWeb(network) {
		return newWebSocket(conn, side)
	}
	return newByteStream(conn)
}
