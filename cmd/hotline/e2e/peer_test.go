package e2e

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // what SIP digests use
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/cmd/hotline/testbed"
)

// message is a SIP message as text, read with the least that a test needs.
type message struct {
	raw  string
	from netip.AddrPort
}

// first is the word in the first line: a method, or SIP/2.0.
func (m message) first() string {
	word, _, _ := strings.Cut(m.raw, " ")
	return word
}

// status is the code of a response; 0 of a request.
func (m message) status() int {
	if m.first() != "SIP/2.0" {
		return 0
	}
	code, _ := strconv.Atoi(strings.SplitN(m.raw, " ", 3)[1])
	return code
}

// headers are the values of a header.
func (m message) headers(name string) []string {
	var values []string
	head, _, _ := strings.Cut(m.raw, "\r\n\r\n")
	for line := range strings.SplitSeq(head, "\r\n") {
		if n, v, ok := strings.Cut(line, ":"); ok && strings.EqualFold(strings.TrimSpace(n), name) {
			values = append(values, strings.TrimSpace(v))
		}
	}
	return values
}

func (m message) header(name string) string {
	if values := m.headers(name); len(values) > 0 {
		return values[0]
	}
	return ""
}

func (m message) toTag() string {
	_, tag, _ := strings.Cut(m.header("To"), ";tag=")
	tag, _, _ = strings.Cut(tag, ";")
	return tag
}

// user is the user part of an address.
func user(address string) string {
	_, rest, _ := strings.Cut(address, "sip:")
	name, _, _ := strings.Cut(rest, "@")
	return name
}

// reply answers a request; an empty tag leaves To as it is.
func (m message) reply(code int, tag, contact, sdp string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "SIP/2.0 %d Test\r\n", code)
	for _, via := range m.headers("Via") {
		fmt.Fprintf(&b, "Via: %s\r\n", via)
	}
	to := m.header("To")
	if tag != "" && m.toTag() == "" {
		to += ";tag=" + tag
	}
	fmt.Fprintf(&b, "From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s\r\n", m.header("From"), to, m.header("Call-ID"), m.header("CSeq"))
	for _, route := range m.headers("Record-Route") {
		fmt.Fprintf(&b, "Record-Route: %s\r\n", route)
	}
	if contact != "" {
		fmt.Fprintf(&b, "Contact: <%s>\r\n", contact)
	}
	if sdp != "" {
		b.WriteString("Content-Type: application/sdp\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(sdp), sdp)
	return b.String()
}

// peer speaks SIP over one UDP socket, by hand.
type peer struct {
	t    *testing.T
	node netip.AddrPort
	conn *net.UDPConn
	in   chan message
	seq  atomic.Int64
}

func newPeer(t *testing.T, node netip.AddrPort) *peer { return newPeerAt(t, node, "127.0.0.1") }

// newPeerAt is a peer at one of the loopback's many addresses.
func newPeerAt(t *testing.T, node netip.AddrPort, ip string) *peer {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(ip)})
	require.NoError(t, err)
	require.NoError(t, conn.SetReadBuffer(4<<20))
	p := &peer{t: t, node: node, conn: conn, in: make(chan message, 10_000)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(p.in)
		buf := make([]byte, 1<<16)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			p.in <- message{raw: string(buf[:n]), from: from}
		}
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		for range p.in { // lets the reader go
		}
		<-done
	})
	return p
}

func (p *peer) addr() string { return p.conn.LocalAddr().String() }

func (p *peer) send(text string) {
	if _, err := p.conn.WriteToUDPAddrPort([]byte(text), p.node); err != nil {
		p.t.Error(err)
	}
}

// request writes a request of its own dialog and transaction.
func (p *peer) request(method, to, callID string, cseq int, extra, body string) string {
	return fmt.Sprintf("%[1]s sip:%[2]s@%[3]s SIP/2.0\r\nVia: SIP/2.0/UDP %[4]s;branch=z9hG4bK%[5]d;rport\r\nMax-Forwards: 70\r\n"+
		"From: <sip:%[2]s@%[3]s>;tag=f%[5]d\r\nTo: <sip:%[2]s@%[3]s>\r\nCall-ID: %[6]s\r\nCSeq: %[7]d %[1]s\r\nContact: <sip:%[2]s@%[4]s>\r\n%[8]sContent-Length: %[9]d\r\n\r\n%[10]s",
		method, to, p.node, p.addr(), p.seq.Add(1), callID, cseq, extra, len(body), body)
}

// ask sends a request again, as RFC 3261 section 17.1.2 has it, until its final
// response comes: what a full socket drops is no answer.
func (p *peer) ask(text, callID, cseq string) message {
	p.t.Helper()
	over := time.After(testbed.Patience)
	for wait := 500 * time.Millisecond; ; wait = min(2*wait, 4*time.Second) {
		p.send(text)
		again := time.After(wait)
		for waiting := true; waiting; {
			select {
			case m, ok := <-p.in:
				require.True(p.t, ok, "the peer is closed")
				if m.status() >= 200 && m.header("Call-ID") == callID && strings.HasPrefix(m.header("CSeq"), cseq+" ") {
					return m
				}
			case <-again:
				waiting = false
			case <-over:
				require.FailNow(p.t, "no answer to "+callID)
			}
		}
	}
}

// answer takes messages until the final response of a request comes.
func (p *peer) answer(callID string) message {
	p.t.Helper()
	for {
		m := testbed.Next(p.t, "an answer", p.in)
		if m.status() >= 200 && m.header("Call-ID") == callID {
			return m
		}
	}
}

func md5hex(s string) string {
	sum := md5.Sum([]byte(s)) //nolint:gosec // what SIP digests use
	return hex.EncodeToString(sum[:])
}

// authorization answers a challenge (RFC 2617, without qop where none is asked).
func authorization(challenge, method, user, secret, uri string) string {
	part := func(name string) string {
		_, rest, ok := strings.Cut(challenge, name+"=")
		if !ok {
			return ""
		}
		rest = strings.TrimPrefix(rest, `"`)
		return rest[:strings.IndexAny(rest+`"`, `",`)]
	}
	ha1, ha2 := md5hex(user+":"+part("realm")+":"+secret), md5hex(method+":"+uri)
	value := fmt.Sprintf(`Authorization: Digest username="%s", realm="%s", nonce="%s", uri="%s", algorithm=MD5`, user, part("realm"), part("nonce"), uri)
	if part("qop") == "" {
		return value + fmt.Sprintf(", response=\"%s\"\r\n", md5hex(ha1+":"+part("nonce")+":"+ha2))
	}
	response := md5hex(ha1 + ":" + part("nonce") + ":00000001:cafe:auth:" + ha2)
	return value + fmt.Sprintf(", qop=auth, nc=00000001, cnonce=\"cafe\", response=\"%s\"\r\n", response)
}

// register registers the peer as a seat and returns the final status.
func (p *peer) register(seat, secret string) int {
	p.t.Helper()
	id := fmt.Sprintf("reg-%s-%d", seat, p.seq.Add(1))
	m := p.ask(p.request("REGISTER", seat, id, 1, "Expires: 600\r\n", ""), id, "1")
	if m.status() != 401 {
		return m.status()
	}
	uri := fmt.Sprintf("sip:%s@%s", seat, p.node)
	auth := authorization(m.header("WWW-Authenticate"), "REGISTER", seat, secret, uri)
	return p.ask(p.request("REGISTER", seat, id, 2, "Expires: 600\r\n"+auth, ""), id, "2").status()
}

// sdp is a session description with an address where nobody listens.
func sdp(media string) string {
	return "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" + media
}

const audio = "m=audio 9 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n"

// overTCP sends bytes over a connection of their own and returns what comes
// back until the other side closes it or falls silent.
func overTCP(ctx context.Context, node netip.AddrPort, data []byte) (sent int64, answer []byte, err error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", node.String())
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = conn.Close() }()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return 0, nil, err
	}
	back := make(chan []byte, 1)
	go func() {
		var b bytes.Buffer
		_, _ = b.ReadFrom(conn)
		back <- b.Bytes()
	}()
	n, err := bytes.NewReader(data).WriteTo(conn)
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
	return n, <-back, err
}
