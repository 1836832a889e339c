package telephony_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/invite"
	"hotline/telephony/media"
	"hotline/telephony/phone"
)

// sources are that many addresses of 127/8, apart from those of other waves.
func sources(wave, n int) func(i int) net.IP {
	return func(i int) net.IP {
		i += wave * n
		return net.IPv4(127, byte(2+i>>16), byte(i>>8), byte(i))
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what finalizers and pools held at the first
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Waves of twenty thousand addresses that send requests and open connections
// leave nothing that grows: what the first makes the centre remember is
// bounded, and a wave of other addresses adds nothing to it. A map keeps the
// room of its fullest moment, which one wave may raise; something kept for
// each address would be added by every one.
func TestTwentyThousandSources(t *testing.T) {
	const each, waves, bound, drift = 20000, 6, 32 << 20, 1 << 19
	r := newRig(t, func(c *telephony.Config) {
		c.Listen = append(c.Listen, "ws://127.0.0.1:0")
		c.Trunks = nil
	})
	wave := func(n int) int64 {
		from := sources(n, each)
		var next atomic.Int64
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for i := next.Add(1) - 1; i < each; i = next.Add(1) - 1 {
					knock(t, r.center, from(int(i)), int(i), n)
				}
			})
		}
		wg.Wait()
		r.await("transactions and connections are over", func() bool {
			s := r.center.EdgeStats()
			return s.Server == 0 && s.Conns == 0 && s.Tasks == 0
		})
		r.awaitClean()
		return heap()
	}
	before := heap()
	last := wave(0)
	t.Logf("heap: %.1f MB, after %d sources %.1f MB", mb(before), each, mb(last))
	require.Less(t, last-before, int64(bound))
	least := int64(bound)
	for n := 1; n < waves && least >= drift; n++ {
		now := wave(n)
		t.Logf("after %d sources %.1f MB", (n+1)*each, mb(now))
		least, last = min(least, now-last), now
	}
	require.Less(t, least, int64(drift), "every wave added to the heap")
	require.Less(t, last-before, int64(bound))
}

func mb(n int64) float64 { return float64(n) / (1 << 20) }

// knock is what one address does: a request of a kind over UDP, and from some a connection.
func knock(t *testing.T, c *telephony.Center, from net.IP, i, wave int) {
	conn, err := net.DialUDP("udp4", &net.UDPAddr{IP: from}, net.UDPAddrFromAddrPort(c.Addr("udp")))
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	method := []string{"OPTIONS", "REGISTER", "INVITE", "BYE"}[i%4]
	fmt.Fprintf(conn, "%[1]s sip:12345@hotline SIP/2.0\r\nVia: SIP/2.0/UDP %[2]s;branch=z9hG4bKw%[3]dx%[4]d;rport\r\nMax-Forwards: 70\r\nFrom: <sip:1@x>;tag=t\r\n"+
		"To: <sip:12345@x>\r\nCall-ID: w%[3]d-%[4]d\r\nCSeq: 1 %[1]s\r\nContact: <sip:1@x>\r\nContent-Length: 0\r\n\r\n", method, conn.LocalAddr(), wave, i)
	if method == "INVITE" { // acknowledged, or the refusal is repeated
		buf := make([]byte, 2048)
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		for {
			n, err := conn.Read(buf)
			if err != nil || status(string(buf[:n])) != "100" {
				break
			}
		}
	}
	if i%16 != 0 {
		return
	}
	network := []string{"tcp", "ws"}[i/16%2]
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: from}, Timeout: patience}
	if conn, err := d.Dial("tcp4", c.Addr(network).String()); err == nil {
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	}
}

// Floods of handshakes, from few addresses and from many, some that stall and
// some that are finished, do not keep calls from connecting and talking.
func TestHandshakeFlood(t *testing.T) {
	r := everyTransport(t, func(c *telephony.Config) {
		c.Edge = invite.Limits{Handshakes: 64, HandshakesPerSource: 8, Handshake: time.Second}
	})
	_, calls := r.seat("8001", func(o *phone.Options) { o.Network = "wss" })
	ctx, stop := context.WithCancel(t.Context())
	var flood sync.WaitGroup
	var tries, most atomic.Int64
	from := sources(0, 1<<16)
	for n := range 16 {
		flood.Go(func() {
			for i := n; ctx.Err() == nil; i += 16 {
				tries.Add(1)
				attack(ctx, r.center.Addr([]string{"tls", "wss"}[i%2]), from(i%4096), i)
			}
		})
	}
	flood.Go(func() {
		for ctx.Err() == nil {
			most.Store(max(most.Load(), int64(r.center.EdgeStats().Conns)))
			time.Sleep(5 * time.Millisecond) // how often it is looked at
		}
	})
	for range 5 {
		c := r.dial(r.phone(phone.Options{}))
		require.NoError(t, c.SendDigits(r.ctx(), "0"))
		at := r.next(calls)
		require.NoError(t, at.Answer())
		at.Play(media.Tone(toneSeat, -10, 0), false)
		require.NoError(t, c.WaitTone(r.ctx(), toneSeat))
		c.Hangup()
		r.done(at)
		require.Equal(t, telephony.CauseHangup, r.endedCall().Cause)
	}
	r.await("the flood was one", func() bool { return tries.Load() > 2000 && r.center.EdgeStats().Refused > 1000 })
	stop()
	flood.Wait()
	t.Logf("%d handshakes tried, %d refused, at most %d connections", tries.Load(), r.center.EdgeStats().Refused, most.Load())
	require.LessOrEqual(t, most.Load(), int64(2000))
	r.await("the attackers' connections are gone", func() bool { return r.center.EdgeStats().Conns <= 1 })
	r.awaitClean()
}

// attack opens a connection and stalls, sends nonsense, or shakes hands.
func attack(ctx context.Context, to netip.AddrPort, from net.IP, i int) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: from}, Timeout: time.Second}
	conn, err := d.DialContext(ctx, "tcp4", to.String())
	if err != nil {
		return
	}
	defer conn.Close()
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.SetDeadline(time.Now().Add(200 * time.Millisecond))
	switch i % 4 {
	case 0:
		_, _ = conn.Read(make([]byte, 1)) // says nothing
	case 1:
		_, _ = conn.Write([]byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"))
		_, _ = conn.Read(make([]byte, 1))
	case 2:
		_, _ = conn.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
	default:
		_ = tls.Client(conn, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(ctx)
	}
}
