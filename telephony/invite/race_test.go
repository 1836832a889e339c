package invite

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/stretchr/testify/require"
)

// crossing is a callee whose 200 is on its way when our CANCEL arrives: it
// answers CANCEL, sends 200 whatever happened, and counts what it gets for it.
type crossing struct {
	p    *peer
	mu   sync.Mutex
	acks map[string]bool // Call-ID + To tag
	byes map[string]bool
	sent map[string]bool // 200s
}

func newCrossing(p *peer) *crossing {
	return &crossing{p: p, acks: map[string]bool{}, byes: map[string]bool{}, sent: map[string]bool{}}
}

func (c *crossing) run(forks int, delay func() time.Duration) {
	invites := map[string]bool{}
	for m := range c.p.in {
		id := m.msg.CallID().Value()
		key := id + " " + m.toTag()
		switch m.method() {
		case "INVITE":
			if invites[id] {
				continue
			}
			invites[id] = true
			_, _ = c.p.conn.WriteToUDPAddrPort([]byte(respond(m, 180, "t0", c.p.addr(), "")), m.from)
			time.AfterFunc(delay(), func() { c.answer(m, forks) })
		case "CANCEL":
			_, _ = c.p.conn.WriteToUDPAddrPort([]byte(respond(m, 200, "t0", "", "")), m.from)
		case "ACK":
			c.mark(c.acks, key)
		case "BYE":
			c.mark(c.byes, key)
			_, _ = c.p.conn.WriteToUDPAddrPort([]byte(respond(m, 200, "", "", "")), m.from)
		}
	}
}

func (c *crossing) answer(m packet, forks int) {
	for i := range forks {
		tag := fmt.Sprintf("t%d", i)
		c.mark(c.sent, m.msg.CallID().Value()+" "+tag)
		_, _ = c.p.conn.WriteToUDPAddrPort([]byte(respond(m, 200, tag, c.p.addr(), offerSDP)), m.from)
	}
}

func (c *crossing) mark(set map[string]bool, key string) {
	c.mu.Lock()
	set[key] = true
	c.mu.Unlock()
}

func (c *crossing) counts() (sent, acks, byes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.sent), len(c.acks), len(c.byes)
}

func (p packet) toTag() string {
	tag, _ := p.msg.To().Params.Get("tag")
	return tag
}

// 1,000 calls whose CANCEL crosses the callee's 200: each 200 is acknowledged
// and each dialog it made is ended. HOTLINE_DRILL_RACES changes their number.
func TestCancelCrosses200(t *testing.T) {
	calls := 1000
	if v := os.Getenv("HOTLINE_DRILL_RACES"); v != "" {
		n, err := strconv.Atoi(v)
		require.NoError(t, err, "HOTLINE_DRILL_RACES is a number")
		calls = n
	}
	e := startEndpoint(t, handlerFuncs{}, nil)
	p := newPeer(t, e.Addr("udp"))
	c := newCrossing(p)
	rnd := rand.New(rand.NewPCG(7, 7))
	var mu sync.Mutex
	delay := func() time.Duration {
		mu.Lock()
		defer mu.Unlock()
		return time.Duration(rnd.IntN(6000)) * time.Microsecond
	}
	go c.run(1, delay)
	var wg sync.WaitGroup
	slots := make(chan struct{}, 50)
	for range calls {
		slots <- struct{}{}
		wg.Add(1)
		s := dial(t, e, p, nil)
		go func() {
			defer wg.Done()
			defer func() { <-slots }()
			for ev := range s.Events() { // hang up when it rings, so CANCEL meets the 200
				switch ev.(type) {
				case Progress, Answered: // sipgo may hand the 200 over before the 180
					time.AfterFunc(delay(), func() { s.Hangup(Cause{By: Local}) })
				}
			}
		}()
	}
	wg.Wait()
	nothingLeft(t, e)
	require.Eventually(t, func() bool {
		sent, acks, byes := c.counts()
		return sent == calls && acks == calls && byes == calls
	}, 10*time.Second, 5*time.Millisecond)
	t.Logf("crossed: %d of %d", e.Stats().Crossed, calls)
	require.Positive(t, e.Stats().Crossed)
	require.EqualValues(t, calls, e.Stats().Total)
}

// 200 calls answered by four forks each: one dialog stays, the others are
// acknowledged with their own tags and ended.
func TestForks(t *testing.T) {
	const calls, forks = 200, 4
	e := startEndpoint(t, handlerFuncs{}, nil)
	p := newPeer(t, e.Addr("udp"))
	c := newCrossing(p)
	go c.run(forks, func() time.Duration { return time.Millisecond })
	sessions := make([]*Session, calls)
	for i := range sessions {
		sessions[i] = dial(t, e, p, nil)
	}
	for _, s := range sessions {
		waitEvent[Answered](t, s)
	}
	require.Eventually(t, func() bool {
		_, acks, byes := c.counts()
		return acks == calls*forks && byes == calls*(forks-1)
	}, 20*time.Second, 5*time.Millisecond)
	require.EqualValues(t, calls*(forks-1), e.Stats().Forks)
	require.Equal(t, calls, e.Sessions())
	for _, s := range sessions {
		s.Hangup(Cause{By: Local})
	}
	nothingLeft(t, e)
	_, _, byes := c.counts()
	require.Equal(t, calls*forks, byes)
}

// A caller whose CANCEL crosses our own 200: exactly one of them wins.
func TestInboundCancelCrossesAnswer(t *testing.T) {
	const calls = 300
	e := startEndpoint(t, handlerFuncs{invite: func(s *Session) {
		time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
		_ = s.Answer([]byte(offerSDP))
		<-s.Done()
	}}, nil)
	p := newPeer(t, e.Addr("udp"))
	won, lost := 0, 0
	for i := range calls {
		c := p.call(i)
		p.send(c.invite())
		time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
		p.send(c.cancel())
		m := p.expect("final response", func(m packet) bool {
			return m.method() == "INVITE" && m.status() >= 200 && m.msg.CallID().Value() == c.id
		})
		c.toTag = m.toTag()
		if m.status() == 487 {
			won++
			p.send(c.ackFinal())
			continue
		}
		require.Equal(t, 200, m.status())
		lost++
		p.send(c.ack())
		p.send(c.next("BYE", ""))
		p.expectStatus(200, "BYE")
	}
	t.Logf("cancel won %d, answer won %d", won, lost)
	require.Positive(t, won)
	require.Positive(t, lost)
	nothingLeft(t, e)
}

// A 200 that comes when even the transaction is gone is acknowledged and ended.
func TestLate200AfterEverything(t *testing.T) {
	e := startEndpoint(t, handlerFuncs{}, nil)
	p := newPeer(t, e.Addr("udp"))
	s := dial(t, e, p, nil)
	inv := p.expectRequest("INVITE")
	p.send(respond(inv, 180, "x", p.addr(), ""))
	waitEvent[Progress](t, s)
	s.Hangup(Cause{By: Local})
	nothingLeft(t, e) // no answer at all for 64*T1
	p.send(respond(inv, 200, "x", p.addr(), offerSDP))
	require.Equal(t, "x", p.expectRequest("ACK").toTag())
	bye := p.expectRequest("BYE")
	p.send(respond(bye, 200, "", "", ""))
	nothingLeft(t, e)
	// A 200 to a call that was never made is not answered.
	forged := strings.Replace(respond(inv, 200, "y", p.addr(), offerSDP), inv.header("Call-ID"), "forged-0011223344556677", 1)
	p.send(forged)
	p.send(p.call(9).request("OPTIONS", 1, "z9hG4bK-o", ""))
	p.expectStatus(500, "OPTIONS")
	for _, m := range p.keep {
		require.NotContains(t, m.raw, "forged")
	}
}

// When both hang up at once, the other side's BYE is as good as an answer: a
// phone that is switched off after its own BYE was answered sends none.
func TestBothHangUpAtOnce(t *testing.T) {
	got := make(chan *Session, 1)
	e := startEndpoint(t, answering(got), func(o *Options) { o.Timers = Timers{} })
	c := newPeer(t, e.Addr("udp")).call(1)
	c.p.send(c.invite())
	c.answers(200)
	c.p.send(c.ack())
	s := <-got
	waitEvent[Confirmed](t, s)
	s.Hangup(Cause{By: Local})
	bye := c.p.expectRequest("BYE")
	c.p.send(c.next("BYE", ""))
	c.p.expectStatus(200, "BYE")
	require.Eventually(t, func() bool { return e.Stats().Closing == 0 }, 10*time.Second, 5*time.Millisecond)
	require.EqualValues(t, 1, e.Stats().Client, "its own BYE is not answered yet")
	require.Equal(t, Local, s.Cause().By)
	c.p.send(respond(bye, 200, "", "", ""))
}

func TestStopEndsEverything(t *testing.T) {
	got := make(chan *Session, 1)
	opts := Options{Listen: []Listen{{"udp", "127.0.0.1:0"}}, Timers: testTimers}
	e, err := New(opts, answering(got))
	require.NoError(t, err)
	require.NoError(t, e.Start(context.Background()))
	c := newPeer(t, e.Addr("udp")).call(1)
	c.p.send(c.invite())
	c.answers(200)
	c.p.send(c.ack())
	waitEvent[Confirmed](t, <-got)
	ringing := dial(t, e, c.p, nil)
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	require.Error(t, e.Stop(ctx), "the peer answers neither BYE nor CANCEL")
	<-ringing.Done()
	left := e.Stats()
	require.Zero(t, left.Sessions+left.Closing+left.Client+left.Server+left.Tasks, "%+v", left)
	_, err = e.Dial(context.Background(), Outgoing{To: sip.Uri{Host: "127.0.0.1"}, Offer: []byte("v=0")})
	require.ErrorIs(t, err, ErrStopped)
	require.NoError(t, e.Stop(context.Background()), "a second stop does nothing")
}
