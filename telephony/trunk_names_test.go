package telephony_test

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/trunk"
)

// nameServer answers DNS questions over UDP, as much of RFC 1035 as it takes.
type nameServer struct {
	conn net.PacketConn

	mu      sync.Mutex
	answers map[string][][]byte // "A sbc.example." → RDATA of each record
	broken  bool                // SERVFAIL to everything
	asked   int
}

func newNameServer(t *testing.T) *nameServer {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(t, err)
	d := &nameServer{conn: conn, answers: map[string][][]byte{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = conn.WriteTo(d.answer(b[:n]), from)
		}
	}()
	t.Cleanup(func() { _ = conn.Close(); <-done })
	return d
}

func (d *nameServer) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "udp4", d.conn.LocalAddr().String())
	}}
}

func (d *nameServer) set(question string, records ...[]byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answers[question] = records
}

func (d *nameServer) setBroken(b bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.broken = b
}

func (d *nameServer) questions() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked
}

func a(addr string) []byte { return netip.MustParseAddr(addr).AsSlice() }

func srv(priority, weight, port uint16, target string) []byte {
	b := binary.BigEndian.AppendUint16(nil, priority)
	b = binary.BigEndian.AppendUint16(b, weight)
	b = binary.BigEndian.AppendUint16(b, port)
	for label := range strings.SplitSeq(strings.TrimSuffix(target, "."), ".") {
		b = append(append(b, byte(len(label))), label...)
	}
	return append(b, 0)
}

func (d *nameServer) answer(q []byte) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	end, name := 12, ""
	for q[end] != 0 {
		name += strings.ToLower(string(q[end+1:end+1+int(q[end])])) + "."
		end += 1 + int(q[end])
	}
	kind := binary.BigEndian.Uint16(q[end+1:])
	question := map[uint16]string{1: "A ", 28: "AAAA ", 33: "SRV "}[kind] + name
	records, known := d.answers[question]
	code := byte(0)
	switch {
	case d.broken:
		code = 2 // SERVFAIL
	case !known:
		code = 3 // NXDOMAIN
	}
	if code != 0 {
		records = nil
	}
	out := append([]byte{q[0], q[1], 0x81, 0x80 | code, 0, 1, 0, byte(len(records)), 0, 0, 0, 0}, q[12:end+5]...)
	for _, r := range records {
		out = append(out, 0xc0, 12, byte(kind>>8), byte(kind), 0, 1, 0, 0, 0, 60, byte(len(r)>>8), byte(len(r)))
		out = append(out, r...)
	}
	return out
}

func (r *rig) dialsThrough(seat string) []telephony.Tried {
	r.t.Helper()
	p, _ := r.seat(seat)
	c, err := p.Dial(r.t.Context(), number)
	require.NoError(r.t, err)
	select {
	case <-c.Answered():
		c.Hangup()
	case <-c.Done():
	case <-time.After(patience):
		r.t.Fatal("neither answered nor refused")
	}
	return r.endedCall().Tried
}

// A gateway with a name is found by SRV, its targets in their order: the next
// address is tried when the first says nothing.
func TestGatewayByService(t *testing.T) {
	there, _ := citizen(t)
	addr := netip.MustParseAddrPort(there)
	dead := netip.MustParseAddrPort(blackHole(t))
	dns := newNameServer(t)
	dns.set("SRV _sip._udp.operator.example.", srv(2, 1, addr.Port(), "b.operator.example."), srv(1, 1, dead.Port(), "a.operator.example."))
	dns.set("A a.operator.example.", a("127.0.0.1"))
	dns.set("A b.operator.example.", a("127.0.0.1"))
	r := prepareRig(t, func(c *telephony.Config) {
		c.TrunkList = []telephony.Trunk{{Name: "operator", Patience: 100 * time.Millisecond, Ping: telephony.Ping{Interval: -1},
			Gateways: []telephony.Gateway{{Host: "operator.example"}}}}
	})
	r.resolver = dns.resolver()
	r.start()
	tried := r.dialsThrough("8001")
	require.Len(t, tried, 2)
	require.Equal(t, telephony.OutcomeUnreachable, tried[0].Outcome)
	require.Equal(t, telephony.OutcomeAnswered, tried[1].Outcome)
	asked := dns.questions()
	require.Len(t, r.dialsThrough("8002"), 1, "the address that failed is tried last from now on")
	require.Equal(t, asked, dns.questions(), "addresses are remembered")
	r.awaitClean()
}

// A name that there is not makes the gateway down, and calls go on to the
// next; a name server that is away takes no known address with it.
func TestGatewayWithoutAddress(t *testing.T) {
	there, _ := citizen(t)
	port := there[strings.LastIndex(there, ":"):]
	dns := newNameServer(t)
	r := prepareRig(t, func(c *telephony.Config) {
		c.TrunkList = []telephony.Trunk{{Name: "operator", Ping: telephony.Ping{Interval: 20 * time.Millisecond, Fails: 2, Successes: 1},
			Gateways: []telephony.Gateway{{Host: "sbc.example" + port, Priority: 1}, {Host: there, Priority: 2}}}}
	})
	r.resolver = dns.resolver()
	r.start()
	r.awaitGateway(trunk.Down)
	tried := r.dialsThrough("8001")
	require.Len(t, tried, 1)
	require.Equal(t, there, tried[0].Gateway)
	dns.set("A sbc.example.", a("127.0.0.1"))
	r.awaitGateway(trunk.Up)
	dns.setBroken(true)
	tried = r.dialsThrough("8002")
	require.Equal(t, "sbc.example"+port, tried[0].Gateway)
	require.Equal(t, telephony.OutcomeAnswered, tried[0].Outcome)
	r.awaitClean()
}

// A name server that says nothing does not hold a call up: the next gateway
// takes it.
func TestSilentNameServer(t *testing.T) {
	there, _ := citizen(t)
	silent := blackHole(t)
	r := prepareRig(t, func(c *telephony.Config) {
		c.TrunkList = []telephony.Trunk{{Name: "operator", Gateways: []telephony.Gateway{{Host: "sbc.example", Priority: 1}, {Host: there, Priority: 2}}}}
	})
	r.resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "udp4", silent)
	}}
	r.start()
	tried := r.dialsThrough("8001")
	require.Len(t, tried, 1)
	require.Equal(t, there, tried[0].Gateway)
	r.awaitClean()
}
