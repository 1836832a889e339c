package e2e

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/cmd/hotline/testbed"

	"hotline/cmd/hotline/accounts"
	"hotline/cmd/hotline/app"
	"hotline/telephony"
	"hotline/telephony/media"
	"hotline/telephony/phone"
	"hotline/telephony/prompts"
)

// quickT1 makes SIP's longest timer 3.2 s: what a call leaves behind is seen soon.
const quickT1 = 50 * time.Millisecond

// shortPrompts are sentences of a tenth of a second.
func shortPrompts(t *testing.T) fstest.MapFS {
	var wav bytes.Buffer
	require.NoError(t, media.WriteWAV(&wav, testbed.Tone(600, 100*time.Millisecond)))
	set := fstest.MapFS{}
	for _, name := range prompts.Names() {
		set[name+".wav"] = &fstest.MapFile{Data: wav.Bytes()}
	}
	return set
}

// crossing is a seat whose 200 is under way when our CANCEL arrives. It counts
// what it gets for each 200.
type crossing struct {
	*peer
	seat  string
	forks int
	rings func(caller string) // the caller hears it, and hangs up

	mu               sync.Mutex
	sent, acks, byes map[string]bool // Call-ID and To tag
	invites          map[string]message
	crossed          int // CANCELs answered by a 200 to the INVITE
}

func (c *crossing) run() {
	for m := range c.in {
		id := m.header("Call-ID")
		key := id + " " + m.toTag()
		switch m.first() {
		case "INVITE":
			c.invited(id, m)
		case "CANCEL":
			c.back(m, m.reply(200, "t0", "", ""))
			c.mu.Lock()
			inv, known := c.invites[id]
			late := known && !c.sent[id+" t0"]
			if late {
				c.crossed++
			}
			c.mu.Unlock()
			if late { // the seat had answered before it heard of the CANCEL
				c.answer(inv)
			}
		case "ACK":
			c.mark(c.acks, key)
		case "BYE":
			c.mark(c.byes, key)
			c.back(m, m.reply(200, "", "", ""))
		case "OPTIONS":
			c.back(m, m.reply(200, "x", "", ""))
		}
	}
}

func (c *crossing) invited(id string, m message) {
	c.mu.Lock()
	_, again := c.invites[id]
	c.invites[id] = m
	c.mu.Unlock()
	if again {
		return
	}
	c.back(m, m.reply(180, "t0", "sip:"+c.seat+"@"+c.addr(), ""))
	if c.forks > 1 {
		c.answer(m)
		return
	}
	c.rings(user(m.header("From")))
	if rand.IntN(2) == 0 { // every other one answers by itself, somewhere around the CANCEL
		time.AfterFunc(time.Duration(rand.IntN(3000))*time.Microsecond, func() { c.answer(m) })
	}
}

// answer sends the 200s of all forks, once.
func (c *crossing) answer(m message) {
	for i := range c.forks {
		tag := fmt.Sprintf("t%d", i)
		if c.mark(c.sent, m.header("Call-ID")+" "+tag) {
			c.back(m, m.reply(200, tag, "sip:"+c.seat+"@"+c.addr(), sdp(audio)))
		}
	}
}

func (c *crossing) back(m message, text string) {
	_, _ = c.conn.WriteToUDPAddrPort([]byte(text), m.from)
}

func (c *crossing) mark(set map[string]bool, key string) (fresh bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fresh = !set[key]
	set[key] = true
	return fresh
}

func (c *crossing) counts() (sent, acks, byes, crossed int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.sent), len(c.acks), len(c.byes), c.crossed
}

// arena is a node with raced seats and one phone that all citizens share.
type arena struct {
	t       *testing.T
	n       *app.App
	seats   []*crossing
	citizen *phone.Phone
	calls   sync.Map // caller's number → *phone.Call
	numbers atomic.Int64
	base    int // goroutines when nothing is going on
}

func newArena(t *testing.T, forks int) *arena {
	a := &arena{t: t}
	a.n = startNode(t, embedded, app.Options{Telephony: func(c *telephony.Config) {
		c.T1 = quickT1
		c.Prompts = shortPrompts(t)
		c.Queues = []telephony.QueueConfig{{Name: telephony.DefaultQueue, WrapUp: -1, SetAside: 50 * time.Millisecond}}
	}})
	node := a.n.Center.Addr("udp")
	for i := range 5 {
		c := &crossing{
			peer: newPeer(t, node), seat: fmt.Sprint(8001 + i), forks: forks, rings: a.hangUp,
			sent: map[string]bool{}, acks: map[string]bool{}, byes: map[string]bool{}, invites: map[string]message{},
		}
		require.Equal(t, 200, c.register(c.seat, accounts.DemoPassword))
		go c.run()
		a.seats = append(a.seats, c)
		signIn(t, a.n.URL(), fmt.Sprintf("agent%d", i+1)).call(http.MethodPut, "/api/v1/agents/me/status", map[string]string{"status": "ready"}, nil)
	}
	var err error
	a.citizen, err = phone.New(phone.Options{User: "citizen", Registrar: node.String()})
	require.NoError(t, err)
	require.NoError(t, a.citizen.Start(t.Context()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testbed.Patience)
		defer cancel()
		require.NoError(t, a.citizen.Stop(ctx))
	})
	a.one(func(c *phone.Call) { c.Hangup() }) // starts what starts with the first call
	a.settle()
	http.DefaultClient.CloseIdleConnections()
	a.base = runtime.NumGoroutine()
	return a
}

// hangUp makes the citizen hang up, now or very soon.
func (a *arena) hangUp(caller string) {
	if c, ok := a.calls.Load(caller); ok {
		time.AfterFunc(time.Duration(rand.IntN(3000))*time.Microsecond, c.(*phone.Call).Hangup)
	}
}

// one makes a call, asks for a person, does something and waits for the end.
func (a *arena) one(then func(*phone.Call)) {
	number := fmt.Sprintf("142%08d", a.numbers.Add(1))
	ctx, cancel := context.WithTimeout(a.t.Context(), testbed.Patience)
	defer cancel()
	c, err := a.citizen.DialWith(ctx, "12345", phone.DialOptions{From: number})
	if err != nil {
		a.t.Error(err)
		return
	}
	a.calls.Store(number, c)
	defer a.calls.Delete(number)
	if err := c.WaitAnswered(ctx); err != nil {
		a.t.Error(err)
		c.Hangup()
		return
	}
	_ = c.SendDigits(ctx, "0") // the call may end meanwhile
	then(c)
	select {
	case <-c.Done():
	case <-ctx.Done():
		a.t.Error("a call does not end")
	}
}

// many makes calls, some at a time.
func (a *arena) many(calls, atOnce int, then func(*phone.Call)) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for range calls {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			a.one(then)
		})
	}
	wg.Wait()
}

// settle waits until nothing of any call is left, on either side.
func (a *arena) settle() {
	a.t.Helper()
	testbed.Await(a.t, "the centre to be empty", func() bool { return a.n.Center.Counts() == telephony.Counts{} })
	testbed.Await(a.t, "the phone to be empty", func() bool {
		s := a.citizen.Endpoint().Stats()
		return s.Sessions+s.Closing+s.Client+s.Server+s.Tasks == 0 && a.citizen.Ports().InUse() == 0
	})
}

// clean checks that nothing is left and every seat takes calls again.
func (a *arena) clean() {
	t := a.t
	a.settle()
	testbed.Await(t, "ready seats", func() bool {
		ready := 0
		for _, s := range a.n.Center.Agents() {
			if s.State == "ready" {
				ready++
			}
		}
		return ready == len(a.seats)
	})
	deadline := time.Now().Add(testbed.Patience)
	for {
		http.DefaultClient.CloseIdleConnections()
		left := runtime.NumGoroutine()
		if left <= a.base {
			t.Logf("goroutines: %d before, %d after", a.base, left)
			return
		}
		if time.Now().After(deadline) {
			var stacks bytes.Buffer
			_ = pprof.Lookup("goroutine").WriteTo(&stacks, 1)
			require.FailNow(t, "goroutines are left", "%d before, %d now\n%s", a.base, left, stacks.String())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// totals adds up what the seats counted.
func (a *arena) totals() (sent, acks, byes, crossed int) {
	for _, s := range a.seats {
		x, y, z, w := s.counts()
		sent, acks, byes, crossed = sent+x, acks+y, byes+z, crossed+w
	}
	return sent, acks, byes, crossed
}

// Calls whose citizen hangs up while the seat's 200 is on its way:
// HOTLINE_DRILL_RACES of them, 1,000 when not said. Each 200 is acknowledged,
// each dialog that it made is ended, and nothing is left.
func TestCancelCrossesSeats200(t *testing.T) {
	calls := 1000
	if v := os.Getenv("HOTLINE_DRILL_RACES"); v != "" {
		n, err := strconv.Atoi(v)
		require.NoError(t, err, "HOTLINE_DRILL_RACES is a number")
		calls = n
	}
	a := newArena(t, 1)
	before, _, _, beforeCrossed := a.totals()
	a.many(calls, 40, func(*phone.Call) {})
	a.clean()
	testbed.Await(t, "an ACK and a BYE for each 200", func() bool {
		sent, acks, byes, _ := a.totals()
		return acks == sent && byes == sent
	})
	sent, _, _, crossed := a.totals()
	t.Logf("%d calls: %d times the seat answered, %d of them after the CANCEL was sent", calls, sent-before, crossed-beforeCrossed)
	require.Positive(t, crossed)
	page, err := a.n.Center.Calls(t.Context(), telephony.CallFilter{Limit: 1})
	require.NoError(t, err)
	require.Equal(t, min(calls+1, 10_000), page.Total, "each call has its record")
}

// 200 calls that the seat's side answers four times over: one dialog stays,
// the others are acknowledged and ended, and nothing is left.
func TestForkedAnswers(t *testing.T) {
	const calls, forks = 200, 4
	a := newArena(t, forks)
	before, _, _, _ := a.totals()
	a.many(calls, 10, func(c *phone.Call) {
		// The menu and the queue first, then a talk; the citizen ends it.
		ctx, cancel := context.WithTimeout(t.Context(), testbed.Patience)
		defer cancel()
		for c.Done() != nil && !a.talking(c) && ctx.Err() == nil {
			time.Sleep(5 * time.Millisecond)
		}
		c.Hangup()
	})
	a.clean()
	testbed.Await(t, "an ACK and a BYE for each fork", func() bool {
		sent, acks, byes, _ := a.totals()
		return acks == sent && byes == sent
	})
	sent, _, _, _ := a.totals()
	require.Equal(t, calls*forks, sent-before)
	page, err := a.n.Center.Calls(t.Context(), telephony.CallFilter{Limit: 200})
	require.NoError(t, err)
	answered := 0
	for _, c := range page.Items {
		if !c.BridgedAt.IsZero() {
			answered++
		}
	}
	require.GreaterOrEqual(t, answered, calls-1)
}

// talking tells whether the centre has connected the phone's call.
func (a *arena) talking(c *phone.Call) bool {
	for _, k := range a.n.Center.Live() {
		if k.SIPCallID == c.CallID() {
			return k.State == telephony.CallTalking
		}
	}
	return false
}
