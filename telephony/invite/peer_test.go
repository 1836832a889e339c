package invite

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/stretchr/testify/require"
)

const testT1 = 20 * time.Millisecond

var testTimers = Timers{T1: testT1, T2: 8 * testT1, T4: 10 * testT1}

const offerSDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"

// handlerFuncs is a Handler out of functions.
type handlerFuncs struct {
	invite  func(*Session)
	request func(*sip.Request, netip.AddrPort, Responder)
}

func (h handlerFuncs) Invite(s *Session) {
	if h.invite != nil {
		h.invite(s)
	}
}

func (h handlerFuncs) Request(req *sip.Request, src netip.AddrPort, tx Responder) {
	if h.request != nil {
		h.request(req, src, tx)
	}
}

func startEndpoint(t *testing.T, h Handler, change func(*Options)) *Endpoint {
	t.Helper()
	opts := Options{
		Listen:    []Listen{{"udp", "127.0.0.1:0"}, {"tcp", "127.0.0.1:0"}},
		UserAgent: "hotline-test", Timers: testTimers, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	if change != nil {
		change(&opts)
	}
	e, err := New(opts, h)
	require.NoError(t, err)
	require.NoError(t, e.Start(context.Background()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		require.NoError(t, e.Stop(ctx))
	})
	return e
}

// nothingLeft waits until the endpoint holds no session, transaction or goroutine.
func nothingLeft(t *testing.T, e *Endpoint) {
	t.Helper()
	require.Eventually(t, func() bool {
		s := e.Stats()
		return s.Sessions == 0 && s.Closing == 0 && s.Client == 0 && s.Server == 0 && s.Tasks == 0
	}, 30*time.Second, 5*time.Millisecond, "left: %+v", statsOf{e})
}

type statsOf struct{ e *Endpoint }

func (s statsOf) String() string             { return fmt.Sprintf("%+v", s.e.Stats()) }
func (s statsOf) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, s.String()) }

// peer is a scripted SIP peer on a raw UDP socket: it sends exactly what the
// test says, when it says so.
type peer struct {
	t    *testing.T
	conn *net.UDPConn
	to   netip.AddrPort
	in   chan packet

	mu   sync.Mutex
	keep []packet
}

// packet is one received message.
type packet struct {
	from netip.AddrPort
	raw  string
	msg  sip.Message
}

func (p packet) status() int {
	if r, ok := p.msg.(*sip.Response); ok {
		return r.StatusCode
	}
	return 0
}

func (p packet) method() string {
	if r, ok := p.msg.(*sip.Request); ok {
		return string(r.Method)
	}
	return string(p.msg.CSeq().MethodName)
}

func (p packet) header(name string) string {
	if h := p.msg.GetHeaders(name); len(h) > 0 {
		return h[0].Value()
	}
	return ""
}

func newPeer(t *testing.T, to netip.AddrPort) *peer {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	_ = conn.SetReadBuffer(4 << 20)
	p := &peer{t: t, conn: conn, to: to, in: make(chan packet, 20000)}
	t.Cleanup(func() { _ = conn.Close() })
	go p.read()
	return p
}

func (p *peer) read() {
	parser := sip.NewParser()
	buf := make([]byte, 65536)
	for {
		n, src, err := p.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			close(p.in)
			return
		}
		msg, err := parser.ParseSIP(append([]byte{}, buf[:n]...))
		if err != nil {
			if msg = lenient(string(buf[:n])); msg == nil {
				continue
			}
		}
		p.in <- packet{from: src, raw: string(buf[:n]), msg: msg}
	}
}

// lenient reads a response that echoes headers which do not parse.
func lenient(raw string) sip.Message {
	var keep []string
	for _, line := range strings.Split(raw, "\r\n") {
		if !strings.HasPrefix(line, "From:") && !strings.HasPrefix(line, "CSeq:") {
			keep = append(keep, line)
		}
	}
	msg, err := sip.ParseMessage([]byte(strings.Join(keep, "\r\n")))
	if err != nil {
		return nil
	}
	msg.AppendHeader(&sip.CSeqHeader{SeqNo: 1, MethodName: sip.INVITE})
	return msg
}

func (p *peer) addr() string { return p.conn.LocalAddr().String() }

func (p *peer) send(raw string) {
	_, err := p.conn.WriteToUDPAddrPort([]byte(raw), p.to)
	require.NoError(p.t, err)
}

// expect waits for the first message that fits; others are thrown away.
func (p *peer) expect(what string, fits func(packet) bool) packet {
	p.t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		select {
		case m, ok := <-p.in:
			require.True(p.t, ok, "socket closed while waiting for %s", what)
			p.mu.Lock()
			p.keep = append(p.keep, m)
			p.mu.Unlock()
			if fits(m) {
				return m
			}
		case <-deadline:
			p.t.Fatalf("no %s", what)
		}
	}
}

func (p *peer) expectStatus(code int, method string) packet {
	p.t.Helper()
	return p.expect(fmt.Sprintf("%d to %s", code, method), func(m packet) bool {
		return m.status() == code && m.method() == method
	})
}

func (p *peer) expectRequest(method string) packet {
	p.t.Helper()
	return p.expect(method, func(m packet) bool { return m.status() == 0 && m.method() == method })
}

// call is what a scripted caller remembers of its dialog.
type call struct {
	p             *peer
	id, tag       string
	branch, toTag string
	seq           int
}

func (p *peer) call(n int) *call {
	return &call{p: p, id: fmt.Sprintf("call-%d@%s", n, p.addr()), tag: fmt.Sprintf("f%d", n),
		branch: fmt.Sprintf("z9hG4bK-%d-%s", n, sip.GenerateTagN(6)), seq: 1}
}

// request renders a request of the caller.
func (c *call) request(method string, seq int, branch, body string, extra ...string) string {
	to := "<sip:12345@" + c.p.to.String() + ">"
	if c.toTag != "" {
		to += ";tag=" + c.toTag
	}
	lines := []string{
		fmt.Sprintf("%s sip:12345@%s SIP/2.0", method, c.p.to),
		fmt.Sprintf("Via: SIP/2.0/UDP %s;branch=%s;rport", c.p.addr(), branch),
		"Max-Forwards: 70",
		fmt.Sprintf("From: <sip:13800000000@%s>;tag=%s", c.p.addr(), c.tag),
		"To: " + to,
		"Call-ID: " + c.id,
		fmt.Sprintf("CSeq: %d %s", seq, method),
		fmt.Sprintf("Contact: <sip:caller@%s>", c.p.addr()),
	}
	lines = append(lines, extra...)
	if body != "" {
		lines = append(lines, "Content-Type: application/sdp")
	}
	lines = append(lines, fmt.Sprintf("Content-Length: %d", len(body)), "", body)
	return strings.Join(lines, "\r\n")
}

func (c *call) invite() string { return c.request("INVITE", c.seq, c.branch, offerSDP) }

func (c *call) cancel() string {
	return c.request("CANCEL", c.seq, c.branch, "")
}

func (c *call) ack() string {
	return c.request("ACK", c.seq, "z9hG4bK-a-"+sip.GenerateTagN(8), "")
}

// ackFinal acknowledges a refusal within the INVITE's transaction.
func (c *call) ackFinal() string { return c.request("ACK", c.seq, c.branch, "") }

func (c *call) next(method, body string) string {
	c.seq++
	return c.request(method, c.seq, "z9hG4bK-n-"+sip.GenerateTagN(8), body)
}

// answers waits for the response to the INVITE and learns the tag.
func (c *call) answers(code int) packet {
	c.p.t.Helper()
	m := c.p.expect(fmt.Sprintf("%d to INVITE of %s", code, c.id), func(m packet) bool {
		return m.status() == code && m.method() == "INVITE" && m.msg.CallID().Value() == c.id
	})
	c.toTag = toTag(m.msg.(*sip.Response))
	return m
}

// respond renders a response of a scripted callee to a received request.
func respond(m packet, code int, tag, contact, body string, extra ...string) string {
	lines := []string{fmt.Sprintf("SIP/2.0 %d %s", code, phrase(code))}
	for _, v := range m.msg.GetHeaders("Via") {
		lines = append(lines, "Via: "+v.Value())
	}
	to := m.header("To")
	if tag != "" && !strings.Contains(to, "tag=") {
		to += ";tag=" + tag
	}
	lines = append(lines, "From: "+m.header("From"), "To: "+to, "Call-ID: "+m.header("Call-ID"), "CSeq: "+m.header("CSeq"))
	if contact != "" {
		lines = append(lines, "Contact: <sip:seat@"+contact+">")
	}
	lines = append(lines, extra...)
	if body != "" {
		lines = append(lines, "Content-Type: application/sdp")
	}
	lines = append(lines, fmt.Sprintf("Content-Length: %d", len(body)), "", body)
	return strings.Join(lines, "\r\n")
}

// dial calls the scripted peer.
func dial(t *testing.T, e *Endpoint, p *peer, change func(*Outgoing)) *Session {
	t.Helper()
	out := Outgoing{To: sip.Uri{Scheme: "sip", User: "8001", Host: "seat.invalid"},
		Destination: p.addr(), Offer: []byte(offerSDP)}
	if change != nil {
		change(&out)
	}
	s, err := e.Dial(context.Background(), out)
	require.NoError(t, err)
	return s
}

// waitEvent waits for an event of type E and drops others before it.
func waitEvent[E Event](t *testing.T, s *Session) E {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		select {
		case ev, ok := <-s.Events():
			if !ok {
				var zero E
				t.Fatalf("session over (%+v) before %T", s.Cause(), zero)
			}
			if want, ok := ev.(E); ok {
				return want
			}
		case <-deadline:
			var zero E
			t.Fatalf("no %T", zero)
		}
	}
}

// How long, and how often, a test looks for what nothing announces.
const (
	waitLong = 20 * time.Second
	waitStep = time.Millisecond
)
