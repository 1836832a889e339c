package invite

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"

	"hotline/telephony/tlstest"
)

// all makes an endpoint listen on every transport of 127.0.0.1.
func all(t *testing.T, a *tlstest.Authority) func(*Options) {
	t.Helper()
	conf, err := a.Server("127.0.0.1", "sip.example")
	require.NoError(t, err)
	return func(o *Options) {
		o.Listen = nil
		for _, n := range networks {
			o.Listen = append(o.Listen, Listen{n, "127.0.0.1:0"})
		}
		o.TLS, o.DialTLS = conf, a.Client()
	}
}

func authority(t *testing.T) *tlstest.Authority {
	t.Helper()
	a, err := tlstest.NewAuthority()
	require.NoError(t, err)
	return a
}

// A client that listens nowhere calls, and is called back over its connection.
func TestCallsOverEachTransport(t *testing.T) {
	a := authority(t)
	for _, network := range networks {
		t.Run(network, func(t *testing.T) {
			got := make(chan *Session, 1)
			registered := make(chan netip.AddrPort, 1)
			h := answering(got)
			h.request = func(_ *sip.Request, src netip.AddrPort, tx Responder) {
				registered <- src
				_ = tx.Reply(200, "")
			}
			server := startEndpoint(t, h, all(t, a))
			back := make(chan *Session, 1)
			client := startEndpoint(t, answering(back), func(o *Options) {
				o.DialTLS, o.Listen = a.Client(), nil
				if network == "udp" {
					o.Listen = []Listen{{"udp", "127.0.0.1:0"}}
				}
			})
			dest := server.Addr(network).String()
			s, err := client.Dial(context.Background(), Outgoing{To: sip.Uri{User: "12345", Host: "127.0.0.1"},
				Transport: network, Destination: dest, Offer: []byte(offerSDP)})
			require.NoError(t, err)
			waitEvent[Answered](t, s)
			far := <-got
			require.Equal(t, network, far.Transport())
			require.Equal(t, network, s.Transport())
			require.Equal(t, strings.ToUpper(network), far.Request().Via().Transport)
			waitEvent[Confirmed](t, far)
			far.Hangup(Cause{By: Local}) // over the same connection
			<-s.Done()
			require.Equal(t, Remote, s.Cause().By)

			req := sip.NewRequest(sip.REGISTER, sip.Uri{Scheme: "sip", Host: "127.0.0.1"})
			req.SetTransport(network)
			req.SetDestination(dest)
			res, err := client.Do(t.Context(), req)
			require.NoError(t, err)
			require.Equal(t, 200, res.StatusCode)
			flow := <-registered
			require.True(t, server.FlowAlive(flow, network))
			s, err = server.Dial(context.Background(), Outgoing{To: sip.Uri{User: "8001", Host: "x.invalid"},
				Transport: network, Destination: flow.String(), Flow: true, Offer: []byte(offerSDP)})
			require.NoError(t, err)
			waitEvent[Answered](t, s)
			require.Equal(t, network, (<-back).Transport())
			s.Hangup(Cause{By: Local})
			<-s.Done()
			nothingLeft(t, server)
			nothingLeft(t, client)
			if network != "udp" {
				require.Equal(t, 1, server.Stats().Conns, "one connection for all of it")
			}
		})
	}
}

// What Via and Contact say of each transport.
func TestAddressesOfTransports(t *testing.T) {
	e := startEndpoint(t, handlerFuncs{}, all(t, authority(t)))
	for network, param := range map[string]string{"udp": "", "tcp": "tcp", "tls": "tls", "ws": "ws", "wss": "ws"} {
		u := e.ContactURI("1", network, "127.0.0.1:9")
		require.Equal(t, "sip", u.Scheme)
		require.Equal(t, param, u.UriParams.GetOr("transport", ""), network)
		require.Equal(t, int(e.Addr(network).Port()), u.Port)
	}
	u := e.contact(&dialog{sips: true, network: "tls"}, "127.0.0.1:9")
	require.Equal(t, "sips", u.Scheme)
	require.Equal(t, "sip", startEndpoint(t, handlerFuncs{}, nil).ContactURI("1", "wss", "127.0.0.1:9").Scheme)
	require.Contains(t, startEndpoint(t, handlerFuncs{}, nil).ContactURI("1", "wss", "127.0.0.1:9").Host, ".invalid")
	for uri, want := range map[string]string{"sip:a@b": "udp", "sip:a@b;transport=TLS": "tls", "sips:a@b": "tls", "sips:a@b;transport=tcp": "tls",
		"sips:a@b;transport=ws": "wss", "sip:a@b;transport=ws": "ws", "sips:a@b;transport=udp": "udp"} {
		var u sip.Uri
		require.NoError(t, sip.ParseUri(uri, &u))
		require.Equal(t, want, networkTo(u), uri)
	}
	_, err := e.Dial(t.Context(), Outgoing{To: sip.Uri{Scheme: "sips", User: "1", Host: "127.0.0.1"}, Transport: "tcp", Offer: []byte(offerSDP)})
	require.ErrorIs(t, err, ErrState)
	for _, n := range []string{"tls", "wss"} {
		_, err = New(Options{Listen: []Listen{{n, "127.0.0.1:0"}}}, handlerFuncs{})
		require.ErrorContains(t, err, "certificate")
	}
}

// A dialog made with sips keeps to it (RFC 3261 section 12.1.1).
func TestSipsOverTLS(t *testing.T) {
	a := authority(t)
	got := make(chan *Session, 1)
	server := startEndpoint(t, answering(got), all(t, a))
	client := startEndpoint(t, handlerFuncs{}, func(o *Options) { o.DialTLS = a.Client() })
	s, err := client.Dial(t.Context(), Outgoing{To: sip.Uri{Scheme: "sips", User: "1", Host: "127.0.0.1", Port: int(server.Addr("tls").Port())}, Offer: []byte(offerSDP)})
	require.NoError(t, err)
	waitEvent[Answered](t, s)
	require.Equal(t, "tls", s.Transport())
	require.Equal(t, "sips", (<-got).Request().Contact().Address.Scheme)
	s.Hangup(Cause{By: Local})
	<-s.Done()
	nothingLeft(t, server)
}

// The certificate must be of the name that is called.
func TestServerNames(t *testing.T) {
	a := authority(t)
	server := startEndpoint(t, busy(), all(t, a))
	client := startEndpoint(t, handlerFuncs{}, func(o *Options) { o.DialTLS = a.Client() })
	stranger := startEndpoint(t, handlerFuncs{}, nil) // trusts the system's roots
	ask := func(e *Endpoint, network, name string) error {
		req := sip.NewRequest(sip.OPTIONS, sip.Uri{Scheme: "sip", Host: "127.0.0.1"})
		req.SetTransport(network)
		req.SetDestination(server.Addr(network).String())
		if name != "" {
			SetServerName(req, name)
		}
		_, err := e.Do(t.Context(), req)
		return err
	}
	for _, network := range []string{"tls", "wss"} {
		require.ErrorContains(t, ask(stranger, network, ""), "certificate")
		require.Error(t, ask(client, network, "other.example"))
		require.NoError(t, ask(client, network, ""))
		require.NoError(t, ask(client, network, "sip.example"), "another name of the same connection")
		require.Error(t, ask(client, network, "other.example"), "the connection is there, the name is not its own")
	}
}

// A flow that is gone fails at once, and its calls with it; the port that it
// had is not dialled.
func TestFlowGone(t *testing.T) {
	a := authority(t)
	for _, network := range networks[1:] {
		t.Run(network, func(t *testing.T) {
			closed := make(chan netip.AddrPort, 1)
			flows := make(chan netip.AddrPort, 1)
			server := startEndpoint(t, handlerFuncs{request: func(_ *sip.Request, src netip.AddrPort, tx Responder) {
				_ = tx.Reply(200, "")
				flows <- src
			}}, func(o *Options) {
				all(t, a)(o)
				o.FlowClosed = func(peer netip.AddrPort, _ string) { closed <- peer }
			})
			rung := make(chan *Session, 1)
			client := startEndpoint(t, handlerFuncs{invite: func(s *Session) {
				_ = s.Ring(180, nil)
				rung <- s
				<-s.Done()
			}}, func(o *Options) { o.DialTLS, o.Listen = a.Client(), nil })
			req := sip.NewRequest(sip.REGISTER, sip.Uri{Scheme: "sip", Host: "127.0.0.1"})
			req.SetTransport(network)
			req.SetDestination(server.Addr(network).String())
			_, err := client.Do(t.Context(), req)
			require.NoError(t, err)
			flow := <-flows
			out := Outgoing{To: sip.Uri{User: "8001", Host: "x.invalid"}, Transport: network, Destination: flow.String(), Flow: true, Offer: []byte(offerSDP)}
			s, err := server.Dial(context.Background(), out)
			require.NoError(t, err)
			<-rung
			reset(t, client)
			require.Equal(t, flow, <-closed)
			<-s.Done()
			require.Equal(t, System, s.Cause().By, "%+v", s.Cause())

			trap, err := net.Listen("tcp", flow.String())
			require.NoError(t, err)
			defer trap.Close()
			caught := make(chan net.Conn, 1)
			go func() {
				c, err := trap.Accept()
				if err == nil {
					caught <- c
				}
			}()
			require.False(t, server.FlowAlive(flow, network))
			s, err = server.Dial(context.Background(), out)
			require.NoError(t, err)
			<-s.Done()
			require.Equal(t, System, s.Cause().By)
			nothingLeft(t, server)
			require.Empty(t, caught)
		})
	}
}

// reset breaks the connections of an endpoint, and leaves their ports free.
func reset(t *testing.T, e *Endpoint) {
	t.Helper()
	e.streams.mu.Lock()
	for _, s := range e.streams.open {
		conn := s.Conn
		if over, ok := conn.(*tls.Conn); ok {
			conn = over.NetConn()
		}
		require.NoError(t, conn.(*net.TCPConn).SetLinger(0))
		defer conn.Close()
	}
	e.streams.mu.Unlock()
}

// A request whose connection breaks at once is not answered to whatever
// address its Via names.
func TestNoAnswerElsewhere(t *testing.T) {
	a := authority(t)
	e := startEndpoint(t, handlerFuncs{request: func(_ *sip.Request, _ netip.AddrPort, tx Responder) { _ = tx.Reply(200, "") }}, all(t, a))
	victim, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer victim.Close()
	hit := make(chan struct{}, 100)
	go func() {
		for {
			c, err := victim.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
			hit <- struct{}{}
		}
	}()
	before := e.Stats().Total
	for i := range 20 {
		for _, network := range networks[1:] {
			c := connect(t, a, e, network)
			c.send(fmt.Sprintf("OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/%s %s;branch=z9hG4bK-v%d%s\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:x>\r\nCall-ID: v%d%s\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
				strings.ToUpper(network), victim.Addr(), i, network, i, network))
			_ = c.Close()
		}
	}
	require.Eventually(t, func() bool { return e.Stats().Conns == 0 }, 20*time.Second, time.Millisecond)
	require.Equal(t, before, e.Stats().Total)
	nothingLeft(t, e)
	require.Empty(t, hit)
}

// rawConn is a client's connection that sends what the test says.
type rawConn struct {
	net.Conn
	t   *testing.T
	r   *bufio.Reader
	web bool
}

func connect(t *testing.T, a *tlstest.Authority, e *Endpoint, network string) *rawConn {
	t.Helper()
	conn, err := net.Dial("tcp", e.Addr(network).String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(30*time.Second)))
	c := &rawConn{Conn: conn, t: t}
	if secure(network) {
		conf := a.Client()
		conf.ServerName = "127.0.0.1"
		c.Conn = tls.Client(conn, conf)
	}
	if overWeb(network) {
		c.web = true
		_, err := fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"+
			"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\n\r\n")
		require.NoError(t, err)
		c.r = bufio.NewReader(c)
		line, err := c.r.ReadString('\n')
		require.NoError(t, err)
		require.Contains(t, line, "101")
		for line != "\r\n" {
			line, err = c.r.ReadString('\n')
			require.NoError(t, err)
		}
	}
	if c.r == nil {
		c.r = bufio.NewReader(c)
	}
	return c
}

func (c *rawConn) send(m string) {
	c.t.Helper()
	if c.web {
		c.frame(ws.NewTextFrame([]byte(m)))
		return
	}
	_, err := c.Write([]byte(m))
	require.NoError(c.t, err)
}

func (c *rawConn) frame(f ws.Frame) {
	c.t.Helper()
	_, err := c.Write(ws.MustCompileFrame(ws.MaskFrame(f)))
	require.NoError(c.t, err)
}

// got reads the next message, or CRLF.
func (c *rawConn) got() string {
	c.t.Helper()
	if c.web {
		f, err := ws.ReadFrame(c.r)
		require.NoError(c.t, err)
		return string(f.Payload)
	}
	var m strings.Builder
	for {
		line, err := c.r.ReadString('\n')
		require.NoError(c.t, err)
		m.WriteString(line)
		if line == "\r\n" {
			return m.String()
		}
	}
}

// ends waits for the server to close the connection.
func (c *rawConn) ends() {
	c.t.Helper()
	_, err := io.Copy(io.Discard, c.r)
	var late net.Error
	require.False(c.t, errors.As(err, &late) && late.Timeout(), "closed, not stalled: %v", err)
}

func options(n int, extra string) string {
	return fmt.Sprintf("OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TCP x.invalid;branch=z9hG4bK-o%d\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:x>\r\nCall-ID: o%d\r\nCSeq: 1 OPTIONS\r\n%s\r\n", n, n, extra)
}

// Framing, keep-alives and refusals on connections.
func TestMessagesOnConnections(t *testing.T) {
	a := authority(t)
	e := startEndpoint(t, busy(), all(t, a))
	const none = "Content-Length: 0\r\n"
	for i, network := range networks[1:] {
		first := 10 * (i + 1) // a branch that is used again is the same transaction, on whatever connection
		t.Run(network, func(t *testing.T) {
			c := connect(t, a, e, network)
			c.send("\r\n\r\n")
			require.Equal(t, "\r\n", c.got())
			c.send(options(first, none))
			require.Contains(t, c.got(), "200 OK")
			c.send(strings.Replace(options(first+1, none), "From: <", "From: <<@", 1))
			require.Contains(t, c.got(), "400 Bad Request", "and the connection stays")
			c.send("\r\n")
			c.send(options(first+2, none))
			require.Contains(t, c.got(), "200 OK")
		})
	}
	t.Run("split", func(t *testing.T) {
		c := connect(t, a, e, "tls")
		for _, b := range "\r\n\r\n" + options(4, none) + options(5, none) {
			c.send(string(b))
		}
		require.Contains(t, c.got()+c.got()+c.got(), "200 OK")
	})
	nothingLeft(t, e)
}

func TestWebSocketFrames(t *testing.T) {
	a := authority(t)
	e := startEndpoint(t, busy(), all(t, a))
	t.Run("no Content-Length", func(t *testing.T) {
		c := connect(t, a, e, "ws")
		c.send(options(1, ""))
		require.Contains(t, c.got(), "200 OK")
	})
	t.Run("fragments with a ping between them", func(t *testing.T) {
		c := connect(t, a, e, "ws")
		m := options(2, "")
		c.frame(ws.NewFrame(ws.OpText, false, []byte(m[:40])))
		c.frame(ws.NewPingFrame([]byte("hello")))
		f, err := ws.ReadFrame(c.r)
		require.NoError(t, err)
		require.Equal(t, ws.OpPong, f.Header.OpCode)
		require.Equal(t, "hello", string(f.Payload))
		c.frame(ws.NewFrame(ws.OpContinuation, true, []byte(m[40:])))
		require.Contains(t, c.got(), "200 OK")
	})
	t.Run("binary", func(t *testing.T) {
		c := connect(t, a, e, "ws")
		c.frame(ws.NewBinaryFrame([]byte(options(3, ""))))
		require.Contains(t, c.got(), "200 OK")
	})
	for name, f := range map[string]ws.Frame{
		"too large":             ws.MaskFrame(ws.NewTextFrame(make([]byte, 20000))),
		"not masked":            ws.NewTextFrame([]byte(options(4, ""))),
		"a fragment of nothing": ws.MaskFrame(ws.NewFrame(ws.OpContinuation, true, []byte("x"))),
		"close":                 ws.MaskFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusGoingAway, ""))),
	} {
		t.Run(name, func(t *testing.T) {
			c := connect(t, a, e, "ws")
			_, _ = c.Write(ws.MustCompileFrame(f))
			c.ends()
		})
	}
	require.Eventually(t, func() bool { return e.Stats().Conns == 0 }, 20*time.Second, time.Millisecond)
	alive(t, e, 1)
	nothingLeft(t, e)
}

func TestWebSocketHandshakes(t *testing.T) {
	e := startEndpoint(t, busy(), func(o *Options) {
		o.Listen = append(o.Listen, Listen{"ws", "127.0.0.1:0"})
		o.Origins = []string{"https://desk.example"}
	})
	for name, tc := range map[string]struct{ headers, want string }{
		"no subprotocol":      {"", "400"},
		"another subprotocol": {"Sec-WebSocket-Protocol: chat\r\n", "400"},
		"a foreign page":      {"Sec-WebSocket-Protocol: sip\r\nOrigin: https://evil.example\r\n", "403"},
		"the right page":      {"Sec-WebSocket-Protocol: chat, sip\r\nOrigin: https://desk.example\r\n", "101"},
		"no page":             {"Sec-WebSocket-Protocol: sip\r\n", "101"},
		"endless headers":     {strings.Repeat("X-Fill: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", 1000), ""},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", e.Addr("ws").String())
			require.NoError(t, err)
			defer conn.Close()
			require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
			_, _ = fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"+
				"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n", tc.headers)
			line, err := bufio.NewReader(conn).ReadString('\n')
			var late net.Error
			require.False(t, errors.As(err, &late) && late.Timeout())
			require.Contains(t, line, tc.want)
		})
	}
}

// Peers that send nothing, or ever so slowly, are cut off at each stage, and
// others do not notice.
func TestSlowPeers(t *testing.T) {
	a := authority(t)
	e := startEndpoint(t, busy(), func(o *Options) {
		all(t, a)(o)
		o.Limits.Handshake, o.Limits.FirstMessage = 300*time.Millisecond, 300*time.Millisecond
		o.Limits.MessageTime, o.Limits.IdleStranger = 300*time.Millisecond, 300*time.Millisecond
	})
	drip := func(c net.Conn, head, with string) {
		_, err := c.Write([]byte(head))
		for err == nil {
			time.Sleep(50 * time.Millisecond) // how a slow peer behaves
			_, err = c.Write([]byte(with))
		}
	}
	for _, network := range networks[1:] {
		t.Run(network, func(t *testing.T) {
			conn, err := net.Dial("tcp", e.Addr(network).String())
			require.NoError(t, err)
			defer conn.Close()
			drip(conn, "", "\r")
			silent := connect(t, a, e, network)
			silent.ends()
			served := connect(t, a, e, network)
			served.send(options(1, "Content-Length: 0\r\n"))
			require.Contains(t, served.got(), "200 OK")
			served.ends() // a stranger who has nothing more to say
			slow := connect(t, a, e, network)
			if slow.web {
				drip(slow, "\x81\xfe\x10\x00\x00\x00\x00\x00O", "P")
			} else {
				drip(slow, "OPTIONS sip:x SIP/2.0\r\nX: ", "a")
			}
		})
	}
	require.Eventually(t, func() bool { return e.Stats().Conns == 0 }, 20*time.Second, time.Millisecond)
	alive(t, e, 1)
	nothingLeft(t, e)
}

// A scanner gets no answer, and over a connection it loses that.
func TestScanners(t *testing.T) {
	e := startEndpoint(t, busy(), func(o *Options) {
		o.Listen = append(o.Listen, Listen{"ws", "127.0.0.1:0"})
		o.Scanners = []string{"Friendly-Scanner", "", "sipvicious"}
	})
	p := newPeer(t, e.Addr("udp"))
	c := p.call(1)
	for i, header := range []string{"User-Agent: friendly-scanner", "USER-AGENT : x SIPVicious/0.3", "f: \"sipvicious\" <sip:100@1.1.1.1>;tag=1"} {
		p.send(c.request("OPTIONS", 1, fmt.Sprintf("z9hG4bK-s%d", i), "", header))
	}
	p.send(c.request("OPTIONS", 9, "z9hG4bK-good", "", "User-Agent: baresip", "Subject: friendly-scanner"))
	m := p.expect("an answer", func(m packet) bool { return m.status() > 0 })
	require.Equal(t, uint32(9), m.msg.CSeq().SeqNo, "the scanner's requests have none")
	require.EqualValues(t, 3, e.Stats().Refused)
	for _, network := range []string{"tcp", "ws"} {
		conn := connect(t, nil, e, network)
		conn.send(options(1, "User-Agent: friendly-scanner\r\nContent-Length: 0\r\n"))
		rest, err := io.ReadAll(conn.r)
		var late net.Error
		require.False(t, errors.As(err, &late) && late.Timeout())
		require.NotContains(t, string(rest), "SIP/2.0")
	}
	nothingLeft(t, e)
}
