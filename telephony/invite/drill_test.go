package invite

import (
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/stretchr/testify/require"
)

// relay stands between two endpoints and loses, repeats and delays datagrams
// in both directions, by a seeded source.
type relay struct {
	left, right     *net.UDPConn // right faces the callee
	callee          netip.AddrPort
	caller          atomic.Pointer[netip.AddrPort]
	mu              sync.Mutex
	rnd             *rand.Rand
	loss, twice     float64
	delay           time.Duration
	passed, dropped atomic.Int64
}

func newRelay(t *testing.T, seed uint64, callee netip.AddrPort, loss float64) *relay {
	t.Helper()
	open := func() *net.UDPConn {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		require.NoError(t, err)
		_ = c.SetReadBuffer(4 << 20)
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	r := &relay{left: open(), right: open(), callee: callee, rnd: rand.New(rand.NewPCG(seed, 1)),
		loss: loss, twice: 0.05, delay: 8 * time.Millisecond}
	go r.pump(r.left, r.right, true)
	go r.pump(r.right, r.left, false)
	return r
}

func (r *relay) addr() string { return r.left.LocalAddr().String() }

func (r *relay) pump(in, out *net.UDPConn, toCallee bool) {
	buf := make([]byte, 65536)
	for {
		n, src, err := in.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		to := r.callee
		if toCallee {
			r.caller.Store(&src)
		} else if p := r.caller.Load(); p != nil {
			to = *p
		}
		data := append([]byte{}, buf[:n]...)
		r.mu.Lock()
		lost := r.rnd.Float64() < r.loss
		copies := 1
		if r.rnd.Float64() < r.twice {
			copies = 2
		}
		waits := [2]time.Duration{time.Duration(r.rnd.Int64N(int64(r.delay))), time.Duration(r.rnd.Int64N(int64(r.delay)))}
		r.mu.Unlock()
		if lost {
			r.dropped.Add(1)
			continue
		}
		r.passed.Add(1)
		for i := range copies {
			time.AfterFunc(waits[i], func() { _, _ = out.WriteToUDPAddrPort(data, to) })
		}
	}
}

// drill is one run of random calls through a relay.
type drill struct {
	t      *testing.T
	seed   uint64
	loss   float64
	caller *Endpoint
	callee *Endpoint

	mu                        sync.Mutex
	rnd                       *rand.Rand
	calls, answered, reoffers atomic.Int64
	updates, refers           atomic.Int64
}

func newDrill(t *testing.T, seed uint64, loss float64) *drill {
	d := &drill{t: t, seed: seed, loss: loss, rnd: rand.New(rand.NewPCG(seed, 2))}
	// Slower than in other tests: retransmissions must not outrun a busy machine.
	slow := func(o *Options) { o.Timers = Timers{T1: 50 * time.Millisecond} }
	d.caller = startEndpoint(t, handlerFuncs{}, slow)
	d.callee = startEndpoint(t, handlerFuncs{invite: d.take}, slow)
	return d
}

func (d *drill) n(limit int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rnd.IntN(limit)
}

func (d *drill) pause(limit time.Duration) time.Duration {
	return time.Duration(d.n(int(limit/time.Microsecond))) * time.Microsecond
}

// wait passes time unless the session ends first.
func wait(s *Session, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.Done():
		return false
	}
}

// take is the callee: it rings, then answers, refuses or lets it be.
func (d *drill) take(s *Session) {
	if d.n(4) > 0 {
		_ = s.Ring(180, nil)
	}
	if d.n(3) == 0 { // early media, which the caller acknowledges
		_ = s.Ring(183, []byte(offerSDP))
	}
	if !wait(s, d.pause(30*time.Millisecond)) {
		return
	}
	switch d.n(10) {
	case 0:
		_ = s.Reject(486, "")
	case 1: // leave it to the end of the handler
	default:
		if s.Answer([]byte(offerSDP)) == nil {
			d.answered.Add(1)
			d.talk(s)
		}
	}
}

// talk is either side of an answered call: it reads its events, may send
// re-INVITE or INFO, and may hang up.
func (d *drill) talk(s *Session) {
	go func() {
		for ev := range s.Events() {
			switch ev := ev.(type) {
			case Reoffered:
				if d.n(8) > 0 {
					ev.Reply([]byte(offerSDP), 200)
				} else {
					ev.Reply(nil, 488)
				}
			case Referred:
				ev.Reply([]int{202, 202, 603}[d.n(3)])
				go func() {
					for _, code := range []int{180, []int{200, 486}[d.n(2)]} {
						_ = s.Notify(s.Context(), code, "")
					}
				}()
			}
		}
	}()
	wait(s, d.pause(60*time.Millisecond))
	if d.n(3) == 0 {
		ctx, cancel := context.WithTimeout(context.Background(), d.pause(2*time.Second))
		if _, err := s.Reoffer(ctx, []byte(offerSDP)); err == nil {
			d.reoffers.Add(1)
		}
		cancel()
	}
	if d.n(3) == 0 {
		ctx, cancel := context.WithTimeout(context.Background(), d.pause(2*time.Second))
		offer := []byte(offerSDP)
		if d.n(3) == 0 {
			offer = nil
		}
		if _, err := s.Update(ctx, offer); err == nil {
			d.updates.Add(1)
		}
		cancel()
	}
	if d.n(5) == 0 {
		ctx, cancel := context.WithTimeout(context.Background(), d.pause(2*time.Second))
		if s.Refer(ctx, sip.Uri{Scheme: "sip", User: "8003", Host: "h.invalid"}, ReferOptions{NoSubscription: d.n(3) == 0}) == nil {
			d.refers.Add(1)
		}
		cancel()
	}
	if d.n(6) == 0 {
		ctx, cancel := context.WithTimeout(context.Background(), d.pause(time.Second))
		_ = s.Info(ctx, "application/dtmf-relay", []byte("Signal=1"))
		cancel()
	}
	wait(s, d.pause(150*time.Millisecond))
	s.Hangup(Cause{By: Local})
}

// call is the caller: it gives up early, or talks.
func (d *drill) call(dest string) {
	d.calls.Add(1)
	s, err := d.caller.Dial(context.Background(), Outgoing{
		To: sip.Uri{Scheme: "sip", User: strconv.Itoa(8000 + d.n(100)), Host: "127.0.0.1"}, Destination: dest,
		Offer: []byte(offerSDP), RingTimeout: 500 * time.Millisecond,
	})
	if err != nil {
		d.t.Errorf("dial: %v", err)
		return
	}
	if d.n(3) == 0 { // the CANCEL, often crossing the answer
		wait(s, d.pause(35*time.Millisecond))
		s.Hangup(Cause{By: Local})
	}
	d.talk(s)
	<-s.Done()
}

// run makes calls until time is up and then looks for what is left.
func (d *drill) run(length time.Duration) {
	r := newRelay(d.t, d.seed, d.callee.Addr("udp"), d.loss)
	end := time.Now().Add(length)
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for time.Now().Before(end) {
				d.call(r.addr())
			}
		}()
	}
	wg.Wait()
	nothingLeft(d.t, d.caller)
	nothingLeft(d.t, d.callee)
	d.t.Logf("seed %d, loss %.0f %%: %d calls, %d answered, %d re-INVITEs, %d UPDATEs, %d REFERs, %d datagrams passed, %d lost; caller %v; callee %v",
		d.seed, 100*d.loss, d.calls.Load(), d.answered.Load(), d.reoffers.Load(), d.updates.Load(), d.refers.Load(), r.passed.Load(), r.dropped.Load(),
		statsOf{d.caller}, statsOf{d.callee})
	require.Positive(d.t, d.answered.Load())
}

// TestDrill runs random calls between two endpoints over a bad network.
// HOTLINE_DRILL is its length (30m), HOTLINE_DRILL_SEED repeats a run's
// random choices.
func TestDrill(t *testing.T) {
	length := 3 * time.Second
	if v := os.Getenv("HOTLINE_DRILL"); v != "" {
		d, err := time.ParseDuration(v)
		require.NoError(t, err, "HOTLINE_DRILL is a duration")
		length = d
	}
	seed := uint64(time.Now().UnixNano())
	if v := os.Getenv("HOTLINE_DRILL_SEED"); v != "" {
		n, err := strconv.ParseUint(v, 10, 64)
		require.NoError(t, err, "HOTLINE_DRILL_SEED is a number")
		seed = n
	}
	for i, loss := range []float64{0, 0.05, 0.2} {
		t.Run(strconv.Itoa(int(100*loss))+"%", func(t *testing.T) {
			newDrill(t, seed+uint64(i), loss).run(length / 3)
		})
	}
}
