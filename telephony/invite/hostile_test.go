package invite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/stretchr/testify/require"
)

// alive checks that the endpoint still takes a call.
func alive(t *testing.T, e *Endpoint, n int) {
	t.Helper()
	c := newPeer(t, e.Addr("udp")).call(n)
	c.p.send(c.invite())
	c.answers(486)
	c.p.send(c.ackFinal())
}

func busy() handlerFuncs {
	return handlerFuncs{
		invite:  func(s *Session) { _ = s.Reject(486, "") },
		request: func(_ *sip.Request, _ netip.AddrPort, tx Responder) { _ = tx.Reply(200, "") },
	}
}

func TestMalformedDatagrams(t *testing.T) {
	e := startEndpoint(t, busy(), nil)
	p := newPeer(t, e.Addr("udp"))
	c := p.call(1)
	good := c.invite()
	cases := []struct {
		name   string
		text   string
		status int // 0: dropped
	}{
		{"bad From", strings.Replace(good, "From: <sip:13800000000@", "From: <<sip:@@", 1), 400},
		{"no From tag", strings.Replace(good, ";tag=f1", "", 1), 400},
		{"CSeq of another method", strings.Replace(good, "CSeq: 1 INVITE", "CSeq: 1 BYE", 1), 400},
		{"CSeq too large", strings.Replace(good, "CSeq: 1 INVITE", "CSeq: 99999999999 INVITE", 1), 400},
		{"Content-Length beyond the datagram", strings.Replace(good, fmt.Sprintf("Content-Length: %d", len(offerSDP)), "Content-Length: 9999", 1), 400},
		{"negative Content-Length", strings.Replace(good, fmt.Sprintf("Content-Length: %d", len(offerSDP)), "Content-Length: -1", 1), 400},
		{"a header without colon", strings.Replace(good, "Max-Forwards: 70", "Max-Forwards 70", 1), 400},
		{"another version", strings.Replace(good, "SIP/2.0\r\n", "SIP/3.0\r\n", 1), 505},
		{"no Via", strings.Replace(good, "Via:", "X-Via:", 1), 0},
		{"no Call-ID", strings.Replace(good, "Call-ID:", "X-Call-ID:", 1), 0},
		{"noise", "\x00\x01\x02\x03 hello \xff\xfe", 0},
		{"HTTP", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0},
		{"half a line", "INVITE sip:12345@127.0.0.1", 0},
		{"an ACK that does not parse", strings.ReplaceAll(strings.Replace(good, "From: <sip:", "From: <<sip:@@", 1), "INVITE", "ACK"), 0},
		{"a response that does not parse", "SIP/2.0 200 OK\r\nVia: x\r\n\r\n", 0},
		{"too large", strings.Replace(good, "Max-Forwards: 70", "X: "+strings.Repeat("a", 20000), 1), 513},
		{"a scheme nobody knows", strings.Replace(good, "INVITE sip:12345@", "INVITE fax:12345@", 1), 416},
		{"an extension nobody knows", strings.Replace(good, "Max-Forwards: 70", "Max-Forwards: 70\r\nRequire: telepathy", 1), 420},
		{"a body that is no SDP", strings.Replace(good, "application/sdp", "text/plain", 1), 415},
	}
	for i, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			p.t = t
			text := strings.ReplaceAll(tc.text, c.branch, fmt.Sprintf("%s-%d", c.branch, i))
			text = strings.ReplaceAll(text, c.id, fmt.Sprintf("m%d-%s", i, c.id))
			p.send(text)
			probe := p.call(1000+i).request("OPTIONS", 1, fmt.Sprintf("z9hG4bK-probe-%d", i), "")
			if tc.status > 0 {
				m := p.expect("a refusal", func(m packet) bool { return m.status() >= 200 && m.method() != "OPTIONS" })
				require.Equal(t, tc.status, m.status())
				require.NotEmpty(t, m.toTag())
				if m.method() == "INVITE" {
					q := c.p.call(1)
					q.id, q.branch = fmt.Sprintf("m%d-%s", i, c.id), fmt.Sprintf("%s-%d", c.branch, i)
					p.send(q.ackFinal())
				}
				return
			}
			p.send(probe)
			p.expect("the probe's answer and nothing before it", func(m packet) bool {
				require.Equal(t, "OPTIONS", m.method(), m.raw)
				return m.status() == 200
			})
		})
	}
	p.t = t
	alive(t, e, 2)
	nothingLeft(t, e)
}

func TestLargestDatagram(t *testing.T) {
	e := startEndpoint(t, busy(), nil)
	p := newPeer(t, e.Addr("udp"))
	c := p.call(1)
	huge := strings.Replace(c.invite(), "Contact:", "X-Fill: \r\nContact:", 1)
	fill := maxDatagram - len(huge)
	huge = strings.Replace(huge, "X-Fill: ", "X-Fill: "+strings.Repeat("z", fill), 1)
	require.Len(t, huge, maxDatagram)
	p.send(huge)
	p.expectStatus(513, "INVITE")
	p.send(strings.Repeat("A", maxDatagram))
	alive(t, e, 2)
	require.EqualValues(t, 2, e.Stats().Refused)
	nothingLeft(t, e)
}

// Ten megabytes over TCP, in each shape: the connection is closed, nothing else happens.
func TestTenMegabytesOverTCP(t *testing.T) {
	e := startEndpoint(t, busy(), nil)
	c := newPeer(t, e.Addr("udp")).call(1)
	invite := strings.Replace(c.invite(), "SIP/2.0/UDP", "SIP/2.0/TCP", 1)
	for name, head := range map[string]string{
		"one line":      "",
		"body":          strings.Replace(invite, fmt.Sprintf("Content-Length: %d", len(offerSDP)), "Content-Length: 10485760", 1),
		"many headers":  strings.SplitN(invite, "Max-Forwards", 2)[0],
		"no length":     strings.Replace(invite, "Content-Length:", "X-Length:", 1),
		"binary noise":  "\x16\x03\x01\x02\x00\x01",
		"wrong version": "OPTIONS sip:x SMTP/2.0\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", e.Addr("tcp").String())
			require.NoError(t, err)
			defer func() { _ = conn.Close() }()
			require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
			_, err = conn.Write([]byte(head))
			require.NoError(t, err)
			chunk := []byte(strings.Repeat("X-Fill: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", 1024))
			if name == "one line" {
				chunk = []byte(strings.Repeat("a", 65536))
			}
			sent := 0
			for err == nil && sent < 10<<20 {
				var n int
				n, err = conn.Write(chunk)
				sent += n
			}
			if err == nil { // all of it fitted into socket buffers: the close must come
				buf := make([]byte, 4096)
				for err == nil {
					_, err = conn.Read(buf)
				}
			}
			var timeout net.Error
			require.False(t, errors.As(err, &timeout) && timeout.Timeout(), "closed, not stalled: %v", err)
		})
	}
	require.Eventually(t, func() bool { return e.Stats().Conns == 0 }, 10*time.Second, time.Millisecond)
	alive(t, e, 2)
	nothingLeft(t, e)
}

func TestCallOverTCP(t *testing.T) {
	got := make(chan *Session, 1)
	callee := startEndpoint(t, answering(got), nil)
	caller := startEndpoint(t, handlerFuncs{}, nil)
	s, err := caller.Dial(context.Background(), Outgoing{To: sip.Uri{User: "8001", Host: "127.0.0.1"}, Transport: "tcp",
		Destination: callee.Addr("tcp").String(), Offer: []byte(offerSDP)})
	require.NoError(t, err)
	waitEvent[Answered](t, s)
	far := <-got
	require.Equal(t, "tcp", far.Transport())
	waitEvent[Confirmed](t, far)
	far.Hangup(Cause{By: Local}) // back through the caller's connection
	require.Equal(t, Remote, waitEvent[Ended](t, s).Cause.By)
	nothingLeft(t, caller)
	nothingLeft(t, callee)
}

// Random damage to real messages never breaks the endpoint.
func TestDamagedMessages(t *testing.T) {
	e := startEndpoint(t, busy(), nil)
	p := newPeer(t, e.Addr("udp"))
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 3))
	for i := range 3000 {
		c := p.call(i)
		text := []byte([]string{c.invite(), c.cancel(), c.ack(), c.next("BYE", ""), c.next("REGISTER", ""),
			"SIP/2.0 200 OK\r\n" + strings.SplitN(c.invite(), "\r\n", 2)[1]}[rnd.IntN(6)])
		for range 1 + rnd.IntN(6) {
			if len(text) == 0 {
				break
			}
			at := rnd.IntN(len(text))
			switch rnd.IntN(5) {
			case 0:
				text[at] = byte(rnd.IntN(256))
			case 1:
				text = append(text[:at:at], text[min(len(text), at+rnd.IntN(20)):]...)
			case 2:
				text = append(text[:at:at], append([]byte{byte(rnd.IntN(256)), '\r', '\n'}, text[at:]...)...)
			case 3:
				text = text[:max(1, at)]
			case 4:
				to := rnd.IntN(len(text))
				text[at], text[to] = text[to], text[at]
			}
		}
		if _, err := p.conn.WriteToUDPAddrPort(text, p.to); err != nil {
			t.Fatal(err)
		}
		if i%300 == 0 { // the same damage over TCP
			if conn, err := net.Dial("tcp", e.Addr("tcp").String()); err == nil {
				_, _ = conn.Write(text)
				_ = conn.Close()
			}
		}
	}
	alive(t, e, 100000)
	nothingLeft(t, e)
}

func TestSessionLimit(t *testing.T) {
	hold := handlerFuncs{invite: func(s *Session) { <-s.Done() }}
	e := startEndpoint(t, hold, func(o *Options) { o.Limits.Sessions = 2 })
	p := newPeer(t, e.Addr("udp"))
	calls := []*call{p.call(1), p.call(2), p.call(3)}
	for _, c := range calls[:2] {
		p.send(c.invite())
		c.answers(100)
	}
	require.Eventually(t, func() bool { return e.Sessions() == 2 }, 10*time.Second, time.Millisecond)
	p.send(calls[2].invite())
	require.NotEmpty(t, calls[2].answers(503).header("Retry-After"))
	p.send(calls[2].ackFinal())
	_, err := e.Dial(context.Background(), Outgoing{To: sip.Uri{Host: "127.0.0.1"}, Offer: []byte("v=0")})
	require.ErrorIs(t, err, ErrLimit)
	for _, c := range calls[:2] {
		p.send(c.cancel())
		m := p.expectStatus(487, "INVITE")
		c.toTag = m.toTag()
		p.send(c.ackFinal())
	}
	nothingLeft(t, e)
}

func TestAdmitAndConnectionLimits(t *testing.T) {
	var shut atomic.Bool
	e := startEndpoint(t, busy(), func(o *Options) {
		o.Admit = func(netip.AddrPort, string) bool { return !shut.Load() }
		o.Limits.PerSource = 2
	})
	alive(t, e, 1)
	conns := make([]net.Conn, 3)
	for i := range conns {
		c, err := net.Dial("tcp", e.Addr("tcp").String())
		if i == 2 && err != nil {
			break // reset before it was seen to stand
		}
		require.NoError(t, err)
		defer func() { _ = c.Close() }()
		conns[i] = c
	}
	err := io.EOF
	if conns[2] != nil {
		_ = conns[2].SetReadDeadline(time.Now().Add(10 * time.Second))
		_, err = conns[2].Read(make([]byte, 1))
	}
	require.Error(t, err)
	var timeout net.Error
	require.False(t, errors.As(err, &timeout) && timeout.Timeout(), "the third connection is closed")
	require.Equal(t, 2, e.Stats().Conns)
	shut.Store(true)
	before := e.Stats().Refused
	c := newPeer(t, e.Addr("udp")).call(2)
	c.p.send(c.invite())
	require.Eventually(t, func() bool { return e.Stats().Refused > before }, 10*time.Second, time.Millisecond)
	// A connection that stands is no way round it.
	before = e.Stats().Refused
	_, err = conns[0].Write([]byte("OPTIONS sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bKover\r\n" +
		"Max-Forwards: 70\r\nFrom: <sip:a@127.0.0.1>;tag=a\r\nTo: <sip:x@127.0.0.1>\r\nCall-ID: over\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return e.Stats().Refused > before }, 10*time.Second, time.Millisecond)
	require.LessOrEqual(t, e.Stats().Server, 1, "none but that of the first call")
	shut.Store(false)
	alive(t, e, 3)
	nothingLeft(t, e)
}

// The table of UDP peers starts afresh when it is full, and calls go on.
func TestPeersArePruned(t *testing.T) {
	e := startEndpoint(t, busy(), func(o *Options) { o.Limits.Peers = 8 })
	for i := range 30 {
		alive(t, e, i)
		require.LessOrEqual(t, e.Stats().Peers, 8)
	}
	require.Eventually(t, func() bool { return e.tpl.Pool("udp").Size() < 30 }, 20*time.Second, 10*time.Millisecond)
	nothingLeft(t, e)
}

func TestPortInUse(t *testing.T) {
	e := startEndpoint(t, busy(), nil)
	for _, network := range []string{"udp", "tcp"} {
		again, err := New(Options{Listen: []Listen{{network, e.Addr(network).String()}}}, busy())
		require.NoError(t, err)
		err = again.Start(context.Background())
		require.ErrorIs(t, err, syscall.EADDRINUSE)
		require.ErrorContains(t, err, e.Addr(network).String())
	}
	_, err := New(Options{Listen: []Listen{{"sctp", ":5060"}}}, busy())
	require.ErrorContains(t, err, "sctp")
	_, err = New(Options{PublicIP: "example.com"}, busy())
	require.ErrorContains(t, err, "example.com")
	other, err := New(Options{Timers: Timers{T1: time.Second}}, busy())
	require.NoError(t, err)
	require.ErrorIs(t, other.Start(context.Background()), ErrTimers)
}

func TestMethodsOutsideADialog(t *testing.T) {
	e := startEndpoint(t, busy(), func(o *Options) { o.Methods = []sip.RequestMethod{sip.MESSAGE} })
	p := newPeer(t, e.Addr("udp"))
	for i, tc := range []struct {
		method string
		code   int
	}{{"OPTIONS", 200}, {"REGISTER", 200}, {"MESSAGE", 200}, {"SUBSCRIBE", 405}, {"PUBLISH", 405}, {"BYE", 481}, {"INFO", 481}, {"FROBNICATE", 501}} {
		p.send(p.call(i).request(tc.method, 1, fmt.Sprintf("z9hG4bK-x-%d", i), ""))
		m := p.expectStatus(tc.code, tc.method)
		if tc.code == 405 {
			require.NotEmpty(t, m.header("Allow"))
		}
	}
	nothingLeft(t, e)
}

// An application that reads no events never stops a session.
func TestConsumerThatDoesNotRead(t *testing.T) {
	got := make(chan *Session, 1)
	e := startEndpoint(t, answering(got), nil)
	c := newPeer(t, e.Addr("udp")).call(1)
	c.p.send(c.invite())
	c.answers(200)
	c.p.send(c.ack())
	for range 100 {
		c.p.send(c.next("INFO", ""))
		c.p.expectStatus(200, "INFO")
	}
	c.hangUp(e)
	s := <-got
	last := Event(nil)
	for ev := range s.Events() {
		last = ev
	}
	require.IsType(t, Ended{}, last)
}

// A storm of requests outside a dialog is answered without being remembered.
func TestRegisterStorm(t *testing.T) {
	const storm, bound = 3000, 100
	e := startEndpoint(t, busy(), func(o *Options) { o.Limits.Transactions = bound })
	p := newPeer(t, e.Addr("udp"))
	refused := 0
	for i := range storm {
		p.send(p.call(i).request("REGISTER", 1, fmt.Sprintf("z9hG4bK-s-%d", i), ""))
		m := p.expect("an answer", func(m packet) bool { return m.method() == "REGISTER" })
		if m.status() == 503 {
			refused++
		}
		require.LessOrEqual(t, e.Stats().Server, bound+10, "those are apart that were just answered")
	}
	require.Positive(t, refused)
	nothingLeft(t, e)
	p.send(p.call(storm).request("REGISTER", 1, "z9hG4bK-s-last", ""))
	p.expectStatus(200, "REGISTER")
	nothingLeft(t, e)
}
