package invite

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/gobwas/ws"
)

// A request of ours says by its source, which means nothing for one that is
// sent, how it may be reached over a reliable transport.
const (
	onlyFlow   = "hotline:flow"  // over the connection that is there, or not at all
	serverName = "hotline:name=" // the name that the certificate must have follows
)

// SetServerName says which name the certificate of a request's destination
// must have, where it differs from the host of the destination: one address of
// several that a name stands for.
func SetServerName(req *sip.Request, name string) { req.SetSource(serverName + name) }

// reach makes sure that a request over a reliable transport finds its
// connection, and rewrites the destination to the connection's address. sipgo
// itself never dials.
func (e *Endpoint) reach(ctx context.Context, req *sip.Request) error {
	network := networkOf(req)
	if !connected(network) {
		return nil
	}
	dest, mark := req.Destination(), req.MessageData.Source()
	name := strings.TrimPrefix(mark, serverName)
	if name == mark {
		name = ""
	}
	s, err := e.flow(ctx, network, dest, name, mark == onlyFlow)
	if err != nil {
		return fmt.Errorf("invite: %s over %s: %w", req.Method, network, err)
	}
	req.SetDestination(s.source)
	if network == "wss" {
		// sipgo's WSS transport has a dialler of its own, for the case that
		// the connection breaks right now. From this address none can be made.
		req.Laddr = sip.Addr{IP: net.IPv4(240, 0, 0, 1)}
	}
	return nil
}

// flow finds the connection to a destination, or dials it.
func (e *Endpoint) flow(ctx context.Context, network, dest, name string, only bool) (*stream, error) {
	peer, notLiteral := netip.ParseAddrPort(dest)
	if notLiteral == nil {
		if s := e.streams.at(peer); s != nil && s.network == network {
			return s, s.verify(name)
		}
	}
	if only {
		return nil, ErrFlow
	}
	host, _, splitErr := net.SplitHostPort(dest)
	if splitErr != nil {
		return nil, fmt.Errorf("destination %q: %w", dest, splitErr)
	}
	if name == "" {
		name = host
	}
	if notLiteral != nil { // a host name may have a connection
		if s := e.streams.called(network, dest); s != nil {
			return s, s.verify(name)
		}
	}
	// One connection for all who want it; it is not given up when the first
	// of them is.
	made := e.streams.dialing.DoChan(network+" "+dest+" "+name, func() (any, error) {
		return e.dialStream(network, dest, name)
	})
	select {
	case r := <-made:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*stream), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// verify tells whether a connection that we dialled may be used for a name.
func (s *stream) verify(name string) error {
	conn, isTLS := s.Conn.(*tls.Conn)
	if !isTLS || !s.dialled || name == "" || name == s.name || s.e.dialTLS("").InsecureSkipVerify {
		return nil
	}
	certs := conn.ConnectionState().PeerCertificates
	if len(certs) == 0 {
		return x509.HostnameError{Host: name}
	}
	return certs[0].VerifyHostname(name)
}

func (e *Endpoint) dialTLS(name string) *tls.Config {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if e.opts.DialTLS != nil {
		conf = e.opts.DialTLS.Clone()
	}
	if conf.ServerName == "" {
		conf.ServerName = name
	}
	if conf.MinVersion == 0 {
		conf.MinVersion = tls.VersionTLS12
	}
	return conf
}

// dialStream opens a connection and shakes hands.
func (e *Endpoint) dialStream(network, dest, name string) (*stream, error) {
	ctx, cancel := context.WithTimeout(e.ctx, e.opts.Limits.Connect)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp4", dest)
	if err != nil {
		return nil, err
	}
	raw := conn
	deadline, _ := ctx.Deadline()
	fail := func(err error) (*stream, error) {
		_ = raw.Close()
		return nil, err
	}
	if err := conn.SetDeadline(deadline); err != nil {
		return fail(err)
	}
	if secure(network) {
		over := tls.Client(conn, e.dialTLS(name))
		if err := over.HandshakeContext(ctx); err != nil {
			return fail(err)
		}
		conn = over
	}
	messages := reader(network, conn, ws.StateClientSide)
	if overWeb(network) {
		u := &url.URL{Scheme: network, Host: dest, Path: "/"}
		early, _, err := ws.Dialer{Protocols: []string{wsProtocol}}.Upgrade(conn, u)
		if err != nil {
			return fail(fmt.Errorf("websocket: %w", err))
		}
		if early != nil { // frames that came with the response
			messages = &webSocket{r: bufio.NewReader(early), side: ws.StateClientSide}
		}
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return fail(err)
	}
	s := &stream{
		Conn: conn, network: network, peer: addrPort(raw.RemoteAddr()), local: raw.LocalAddr(),
		name: name, asked: dest, dialled: true,
		messages: messages,
	}
	e.conns.Add(1)
	s.closed = func() { e.conns.Add(-1) }
	if err := e.streams.take(s); err != nil {
		if there := e.streams.at(s.peer); there != nil && there.network == network {
			return there, there.verify(name) // another name of the same server
		}
		return nil, err
	}
	return s, nil
}

// neverDialling are sipgo's transports without a way out: a request whose
// connection is gone must not open one to an address that a peer named.
func neverDialling() sip.TransportsConfig {
	dead := net.Dialer{Control: func(string, string, syscall.RawConn) error { return ErrFlow }}
	tcp := func() *sip.TransportTCP {
		return &sip.TransportTCP{DialerCreate: func(net.Addr) net.Dialer { return dead }}
	}
	web := func() *sip.TransportWS {
		return &sip.TransportWS{DialerCreate: func(net.Addr) ws.Dialer { return ws.Dialer{NetDial: dead.DialContext} }}
	}
	return sip.TransportsConfig{
		TCP: tcp(), TLS: &sip.TransportTLS{TransportTCP: tcp()}, WS: web(), WSS: &sip.TransportWSS{TransportWS: web()},
	}
}
