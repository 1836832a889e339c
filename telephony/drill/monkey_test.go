package drill

import (
	"crypto/md5" //nolint:gosec // RFC 2617
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// badNetwork is a NAT in user space in front of the centre that, by a seeded
// source, loses, delays, reorders, repeats, cuts off and damages datagrams.
type badNetwork struct {
	front  *net.UDPConn
	center netip.AddrPort
	bad    atomic.Bool

	mu    sync.Mutex
	rnd   *rand.Rand
	loss  float64
	backs map[netip.AddrPort]*net.UDPConn // a source address at the centre for each client

	passed, lost, cut, twice atomic.Int64
}

func newBadNetwork(t *testing.T, center netip.AddrPort, seed uint64) *badNetwork {
	n := &badNetwork{front: udpSocket(t), center: center, rnd: rand.New(rand.NewPCG(seed, 11)), backs: map[netip.AddrPort]*net.UDPConn{}}
	go func() {
		buf := make([]byte, 65536)
		for {
			size, src, err := n.front.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			n.mu.Lock()
			back := n.backs[src]
			if back == nil {
				back = udpSocket(t)
				n.backs[src] = back
				go n.returns(back, src)
			}
			n.mu.Unlock()
			n.pass(buf[:size], func(b []byte) { _, _ = back.WriteToUDPAddrPort(b, center) })
		}
	}()
	return n
}

func udpSocket(t *testing.T) *net.UDPConn {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	_ = conn.SetReadBuffer(4 << 20)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func (n *badNetwork) returns(back *net.UDPConn, client netip.AddrPort) {
	buf := make([]byte, 65536)
	for {
		size, _, err := back.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		n.pass(buf[:size], func(b []byte) { _, _ = n.front.WriteToUDPAddrPort(b, client) })
	}
}

// pass sends a datagram on, or not.
func (n *badNetwork) pass(b []byte, send func([]byte)) {
	b = append([]byte(nil), b...)
	if !n.bad.Load() {
		n.passed.Add(1)
		send(b)
		return
	}
	n.mu.Lock()
	if n.rnd.IntN(2000) == 0 {
		n.loss = n.rnd.Float64() * 0.2 // the weather changes
	}
	lose, copies := n.rnd.Float64() < n.loss, 1
	if n.rnd.IntN(20) == 0 {
		copies = 2
	}
	switch n.rnd.IntN(150) {
	case 0:
		b = b[:n.rnd.IntN(len(b)+1)]
		n.cut.Add(1)
	case 1:
		if len(b) > 0 {
			b[n.rnd.IntN(len(b))] = byte(n.rnd.IntN(256))
			n.cut.Add(1)
		}
	}
	waits := [2]time.Duration{time.Duration(n.rnd.IntN(8000)) * time.Microsecond, time.Duration(n.rnd.IntN(30000)) * time.Microsecond}
	n.mu.Unlock()
	if lose {
		n.lost.Add(1)
		return
	}
	n.passed.Add(1)
	n.twice.Add(int64(copies - 1))
	for i := range copies {
		time.AfterFunc(waits[i], func() { send(b) })
	}
}

// wire is one SIP message as far as a monkey looks at it.
type wire struct {
	first string
	vias  []string
	h     map[string]string
}

func parseWire(b []byte) (wire, bool) {
	head, _, ok := strings.Cut(string(b), "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	w := wire{first: lines[0], h: map[string]string{}}
	for _, l := range lines[1:] {
		k, v, _ := strings.Cut(l, ":")
		k, v = strings.ToLower(strings.TrimSpace(k)), strings.TrimSpace(v)
		if k == "via" {
			w.vias = append(w.vias, v)
		} else if w.h[k] == "" {
			w.h[k] = v
		}
	}
	return w, ok && w.h["call-id"] != "" && w.h["cseq"] != "" && len(w.vias) > 0
}

func (w wire) status() int {
	rest, ok := strings.CutPrefix(w.first, "SIP/2.0 ")
	if !ok || len(rest) < 3 {
		return 0
	}
	n, _ := strconv.Atoi(rest[:3])
	return n
}

// method is that of the request, or of the one that is answered.
func (w wire) method() string {
	_, m, _ := strings.Cut(w.h["cseq"], " ")
	return strings.TrimSpace(m)
}

func tagIn(v string) string {
	_, tag, _ := strings.Cut(v, "tag=")
	tag, _, _ = strings.Cut(tag, ";")
	return tag
}

const monkeySDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"

func withBody(kind, body string) string {
	if body == "" {
		return "Content-Length: 0\r\n\r\n"
	}
	return fmt.Sprintf("Content-Type: %s\r\nContent-Length: %d\r\n\r\n%s", kind, len(body), body)
}

// monkey is a SIP peer that follows the rules mostly, and its seed always.
type monkey struct {
	conn *net.UDPConn
	to   netip.AddrPort
	in   chan wire
	user string

	mu  sync.Mutex
	rnd *rand.Rand
	n   int
}

func newMonkey(t *testing.T, to netip.AddrPort, user string, seed uint64) *monkey {
	m := &monkey{conn: udpSocket(t), to: to, in: make(chan wire, 4096), user: user, rnd: rand.New(rand.NewPCG(seed, 12))}
	go func() {
		buf := make([]byte, 65536)
		for {
			size, _, err := m.conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				close(m.in)
				return
			}
			if w, ok := parseWire(buf[:size]); ok {
				select {
				case m.in <- w:
				default: // as a phone that is too slow
				}
			}
		}
	}()
	return m
}

func (m *monkey) send(text string) { _, _ = m.conn.WriteToUDPAddrPort([]byte(text), m.to) }

func (m *monkey) roll(n int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rnd.IntN(n)
}

func (m *monkey) name(prefix string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.n++
	return fmt.Sprintf("%s%x-%d", prefix, m.rnd.Uint64(), m.n)
}

func (m *monkey) addr() string { return m.conn.LocalAddr().String() }

func (m *monkey) contact() string { return "Contact: <sip:" + m.user + "@" + m.addr() + ">\r\n" }

// reply answers a request; the tag is added where there is none.
func (m *monkey) reply(w wire, code int, tag, body string, extra ...string) {
	var b strings.Builder
	fmt.Fprintf(&b, "SIP/2.0 %d X\r\n", code)
	for _, v := range w.vias {
		b.WriteString("Via: " + v + "\r\n")
	}
	to := w.h["to"]
	if tag != "" && tagIn(to) == "" {
		to += ";tag=" + tag
	}
	b.WriteString("From: " + w.h["from"] + "\r\nTo: " + to + "\r\nCall-ID: " + w.h["call-id"] + "\r\nCSeq: " + w.h["cseq"] + "\r\n" + m.contact())
	for _, e := range extra {
		b.WriteString(e + "\r\n")
	}
	b.WriteString(withBody("application/sdp", body))
	m.send(b.String())
}

// talk is one dialog, or the attempt at one, as the monkey sees it.
type talk struct {
	m             *monkey
	uri           string // Request-URI
	id            string
	local, remote string // From and To of our requests
	seq           int
	branch        string // of the INVITE
	extra         string // further headers of the INVITE
	auth          string
}

func (m *monkey) newTalk(called, caller string) *talk {
	return &talk{
		m: m, uri: "sip:" + called + "@" + m.to.String(), id: m.name("c"), seq: 1, branch: m.name("z9hG4bK"),
		local: "<sip:" + caller + "@" + m.addr() + ">;tag=" + m.name("f"), remote: "<sip:" + called + "@" + m.to.String() + ">",
	}
}

// answering is the dialog of a request that the monkey got.
func (m *monkey) answering(w wire, tag string) *talk {
	uri, _, _ := strings.Cut(strings.TrimPrefix(w.h["contact"], "<"), ">")
	return &talk{m: m, uri: uri, id: w.h["call-id"], local: w.h["to"] + ";tag=" + tag, remote: w.h["from"], seq: 100}
}

func (t *talk) request(method string, seq int, branch, kind, body string, extra ...string) string {
	head := method + " " + t.uri + " SIP/2.0\r\nVia: SIP/2.0/UDP " + t.m.addr() + ";branch=" + branch + ";rport\r\nMax-Forwards: 70\r\nFrom: " +
		t.local + "\r\nTo: " + t.remote + "\r\nCall-ID: " + t.id + "\r\nCSeq: " + strconv.Itoa(seq) + " " + method + "\r\n" + t.m.contact()
	for _, e := range extra {
		head += e + "\r\n"
	}
	return head + withBody(kind, body)
}

// within makes the next request of the dialog.
func (t *talk) within(method, kind, body string, extra ...string) string {
	t.seq++
	return t.request(method, t.seq, t.m.name("z9hG4bK"), kind, body, extra...)
}

// mischief is a request that somebody may send within a dialog.
func (t *talk) mischief() string {
	switch t.m.roll(12) {
	case 0, 1:
		body := monkeySDP
		if t.m.roll(4) == 0 {
			body = ""
		}
		return t.within("INVITE", "application/sdp", body, "Supported: timer", "Session-Expires: 120")
	case 2:
		return t.within("UPDATE", "application/sdp", monkeySDP+"a=sendonly\r\n")
	case 3:
		return t.within("UPDATE", "", "", "Supported: timer", "Session-Expires: "+strconv.Itoa(30+t.m.roll(200)))
	case 4, 5:
		return t.within("REFER", "", "", "Refer-To: <sip:800"+strconv.Itoa(t.m.roll(10))+"@x>")
	case 6:
		return t.within("REFER", "", "", "Refer-To: <sip:8001@x?Replaces="+t.id+"%3Bto-tag%3Da%3Bfrom-tag%3Db>", "Refer-Sub: false")
	case 7:
		return t.within("INFO", "application/dtmf-relay", "Signal="+strconv.Itoa(t.m.roll(10))+"\r\n")
	case 8:
		return t.within("PRACK", "", "", "RAck: 1 1 INVITE")
	case 9:
		return t.within("NOTIFY", "message/sipfrag", "SIP/2.0 200 OK\r\n", "Event: refer", "Subscription-State: terminated")
	case 10:
		return t.within("OPTIONS", "", "")
	default:
		b := t.within("MESSAGE", "text/plain", "hello")
		return b[:t.m.roll(len(b))]
	}
}

// digest answers a challenge of the centre.
func (m *monkey) digest(challenge, method, uri string) string {
	field := func(k string) string {
		_, v, _ := strings.Cut(challenge, k+`="`)
		v, _, _ = strings.Cut(v, `"`)
		return v
	}
	sum := func(v string) string { s := md5.Sum([]byte(v)); return hex.EncodeToString(s[:]) } //nolint:gosec // RFC 2617
	ha1, ha2 := sum(m.user+":"+field("realm")+":"+secret), sum(method+":"+uri)
	response := sum(ha1 + ":" + field("nonce") + ":00000001:c:auth:" + ha2)
	return fmt.Sprintf(`Authorization: Digest username="%s", realm="%s", nonce="%s", uri="%s", algorithm=MD5, qop=auth, nc=00000001, cnonce="c", response="%s"`,
		m.user, field("realm"), field("nonce"), uri, response)
}

// register binds a seat; the network is good yet.
func (m *monkey) register(t *testing.T) {
	t.Helper()
	r := m.newTalk(m.user, m.user)
	r.uri = "sip:" + m.to.String()
	r.remote = "<sip:" + m.user + "@" + m.to.String() + ">"
	m.send(r.request("REGISTER", 1, m.name("z9hG4bK"), "", "", "Expires: 3600"))
	w := m.await(t)
	require.Equal(t, 401, w.status())
	m.send(r.request("REGISTER", 2, m.name("z9hG4bK"), "", "", "Expires: 3600", m.digest(w.h["www-authenticate"], "REGISTER", r.uri)))
	require.Equal(t, 200, m.await(t).status())
}

func (m *monkey) await(t *testing.T) wire {
	t.Helper()
	select {
	case w := <-m.in:
		return w
	case <-time.After(patience):
		t.Fatal("no answer")
		return wire{}
	}
}

func addrPortOf(c *net.UDPConn) netip.AddrPort {
	addr := c.LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
}
