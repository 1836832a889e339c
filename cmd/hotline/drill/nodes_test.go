package drill

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/cmd/city"
	"hotline/cmd/hotline/accounts"
	"hotline/cmd/hotline/testbed"
	"hotline/telephony"
	"hotline/telephony/media"
	"hotline/telephony/phone"
)

const (
	drillSeats   = 3
	toneAtSeat   = 1500.0
	toneOfCaller = 1000.0
)

// TestOneOfTwoNodesKilledDrill: two nodes share PostgreSQL and Redis behind Kamailio. Whichever is killed with callers talking and waiting on both,
// now and then with all of Redis, the other's callers talk on, wait on in their order and are each offered to one seat.
func TestOneOfTwoNodesKilledDrill(t *testing.T) {
	d := newPair(t)
	p := planned(t)
	t.Logf("seed %d (HOTLINE_DRILL_SEED)", p.seed)
	random := rand.New(rand.NewPCG(p.seed, 5))
	for began, n := time.Now(), 0; n < p.rounds || time.Since(began) < p.until; n++ {
		d.round(n, random)
	}
	d.over()
	require.NotEmpty(t, d.cut)
	require.Zero(t, d.refused(), "calls that came to a seat in a call")
}

// TestOneOfTwoNodesSleepsDrill: a node stands still for longer than it takes to be given up. When it goes on all callers of both are served.
func TestOneOfTwoNodesSleepsDrill(t *testing.T) {
	d := newPair(t)
	d.endElsewhere()
	for n := range 2 {
		all := d.fill(n)
		for _, c := range all {
			d.kept[c.CallID()] = true
		}
		require.NoError(t, d.nodes[n].Signal(syscall.SIGSTOP))
		slept := Sleep(t.Context(), 4*time.Second)
		require.NoError(t, d.nodes[n].Signal(syscall.SIGCONT))
		require.True(t, slept)
		d.serve(all)
		d.settle()
	}
	d.over()
	t.Logf("%d calls were refused by seats that talked with a citizen of the node that stood still", d.refused())
}

// pair is two nodes behind a proxy, and the phones in front of it.
type pair struct {
	t      *testing.T
	on     set
	setups [2]Setup
	nodes  [2]*Server
	proxy  string
	seats  []*operator

	cut, kept map[string]bool // calls by SIP's Call-ID: of nodes that died, and of others
	slowest   time.Duration
	flushed   int
}

// operator is a seat that answers at once, one call at a time.
type operator struct {
	t     *testing.T
	phone *phone.Phone

	mu      sync.Mutex
	call    *phone.Call
	at      time.Time // of its beginning
	overlap int
	calls   int
}

func newPair(t *testing.T) *pair {
	engines := sets(t)
	if len(engines) < 2 {
		t.Skip("left out: nodes share PostgreSQL and Redis")
	}
	on := engines[1]
	bin, err := Build(t.Context(), t.TempDir())
	require.NoError(t, err)
	d := &pair{t: t, on: on, cut: map[string]bool{}, kept: map[string]bool{}}
	dir := t.TempDir()
	queue := filepath.Join(dir, "queue.yaml")
	require.NoError(t, os.WriteFile(queue, []byte("queue-list:\n  - {name: q, lines: [12345], wrap-up: -1s, set-aside: 1s}\n"), 0o600))
	shared := Setup{Binary: bin.Hotline, LogLevel: "warn", File: queue, Keys: filepath.Join(dir, "keys")}
	on.fill(t, &shared)
	list := ""
	for i, name := range []string{"a", "b"} {
		s := shared
		s.Node, s.Data, s.RTP = name, filepath.Join(dir, name), []string{"20000-23999", "24000-27999"}[i]
		log, err := os.Create(filepath.Join(dir, name+".log")) //nolint:gosec // the test's own folder
		require.NoError(t, err)
		s.Log = log
		t.Cleanup(func() {
			_ = log.Close()
			if t.Failed() {
				t.Logf("the log of node %s ends with:\n%s", name, logTail(log.Name()))
			}
		})
		require.NoError(t, s.Loopback(t.Context()))
		list += fmt.Sprintf("1 sip:%s\n", s.SIP)
		d.setups[i] = s
	}
	require.NoError(t, d.setups[0].Prepare(t.Context(), city.Sample(), drillSeats))
	for i := range d.nodes {
		d.start(i)
	}
	d.proxy = kamailio(t, dir, list)
	for n := 1; n <= drillSeats; n++ {
		d.seats = append(d.seats, d.operator(strconv.Itoa(8000+n)))
	}
	return d
}

// kamailio starts the proxy with the configuration that is shipped.
func kamailio(t *testing.T, dir, list string) string {
	t.Helper()
	nodes := filepath.Join(dir, "nodes.list")
	require.NoError(t, os.WriteFile(nodes, []byte(list), 0o600))
	modules, err := filepath.Glob("/usr/lib/*/kamailio/modules")
	require.NoError(t, err)
	require.NotEmpty(t, modules, "kamailio is a package of Debian: run .ci/setup")
	port, err := FreePort(t.Context())
	require.NoError(t, err)
	listen := fmt.Sprintf("127.0.0.1:%d", port)
	file, err := filepath.Abs("../../../deploy/kamailio.cfg")
	require.NoError(t, err)
	testbed.Launch(t, dir, "kamailio is a package of Debian", "kamailio", "-f", file, "-DD", "-m", "64", "-M", "8", "-Y", dir, "-w", dir, "-P", filepath.Join(dir, "pid"),
		"-A", "LISTEN=udp:"+listen, "-A", "NODES=\""+nodes+"\"", "-A", "MODULES=\""+modules[0]+"\"")
	return listen
}

func (d *pair) start(i int) {
	d.t.Helper()
	node, err := d.setups[i].Start(d.t.Context())
	require.NoError(d.t, err)
	d.nodes[i] = node
	d.t.Cleanup(func() { _ = node.Kill() }) // where the test ends before the node
}

func (d *pair) operator(seat string) *operator {
	o := &operator{t: d.t}
	p, err := phone.New(phone.Options{User: seat, Secret: accounts.DemoPassword, Registrar: d.proxy, OnCall: o.called})
	require.NoError(d.t, err)
	o.phone = p
	require.NoError(d.t, p.Start(d.t.Context()))
	d.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = p.Stop(ctx) // calls of a process that was killed never end in order
	})
	require.Eventually(d.t, func() bool { return p.Register(d.t.Context(), time.Hour) == nil }, 20*time.Second, 100*time.Millisecond, "seat %s", seat)
	return o
}

func (o *operator) called(c *phone.Call) {
	o.mu.Lock()
	if o.call != nil {
		o.overlap++
		o.mu.Unlock()
		c.Reject(486)
		return
	}
	o.call, o.at = c, time.Now()
	o.calls++
	o.mu.Unlock()
	if err := c.Answer(); err == nil {
		c.Play(media.Tone(toneAtSeat, -10, 0), true)
	}
	<-c.Done()
	o.mu.Lock()
	if o.call == c {
		o.call = nil
	}
	o.mu.Unlock()
}

// refused is how many calls came to seats that were in a call.
func (d *pair) refused() int {
	n := 0
	for _, o := range d.seats {
		o.mu.Lock()
		n += o.overlap
		o.mu.Unlock()
	}
	return n
}

func (o *operator) now() (*phone.Call, time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.call, o.at
}

// nodeOf tells which node a call's sound comes from: each has a range of ports.
func nodeOf(c *phone.Call) int {
	_, port, ok := strings.Cut(c.Stats().Media.Source, ":")
	n, err := strconv.Atoi(port)
	switch {
	case !ok || err != nil:
		return -1
	case n < 24000:
		return 0
	}
	return 1
}

// citizen calls through the proxy and chooses the queue.
func (d *pair) citizen(number string) *phone.Call {
	d.t.Helper()
	ctx := d.t.Context()
	p, err := phone.New(phone.Options{User: number})
	require.NoError(d.t, err)
	require.NoError(d.t, p.Start(ctx))
	d.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = p.Stop(ctx)
	})
	c, err := p.DialWith(ctx, "sip:12345@"+d.proxy, phone.DialOptions{From: number})
	require.NoError(d.t, err)
	require.NoError(d.t, c.WaitAnswered(ctx))
	c.Play(media.Tone(toneOfCaller, -10, 0), true)
	require.NoError(d.t, c.SendDigits(ctx, "0"))
	return c
}

// metric is a metric of a node.
func (d *pair) metric(i int, name string) float64 {
	n, err := d.nodes[i].Metric(d.t.Context(), name)
	if err != nil {
		return -1
	}
	return n
}

func (d *pair) eventually(what string, ok func() bool) {
	d.t.Helper()
	require.Eventually(d.t, ok, 40*time.Second, 20*time.Millisecond, what)
}

// fill has as many citizens talk as there are seats, and as many wait, on both nodes.
func (d *pair) fill(n int) []*phone.Call {
	var all []*phone.Call
	for i := range 2 * drillSeats {
		all = append(all, d.citizen(fmt.Sprintf("1381234%02d%02d", n%100, i)))
		d.eventually("in the queue or talking", func() bool {
			return d.metric(0, "hotline_callers_waiting")+d.metric(1, "hotline_callers_waiting") >= float64(max(0, i+1-drillSeats)) && d.talking() >= min(i+1, drillSeats)
		})
	}
	return all
}

// serve sees to it that each of the citizens talks, those who did from before on, and ends it in order.
func (d *pair) serve(left []*phone.Call) {
	d.t.Helper()
	for began := time.Now(); len(left) > 0; {
		var still []*phone.Call
		for _, c := range left {
			if !hears(c) {
				still = append(still, c)
				continue
			}
			c.Hangup()
			<-c.Done()
		}
		require.Less(d.t, time.Since(began), time.Minute, "%d callers are not served", len(still))
		left = still
	}
}

// settle waits until nothing is left of any call.
func (d *pair) settle() {
	d.t.Helper()
	for i := range d.nodes {
		d.eventually("nothing left", func() bool { return d.metric(i, "hotline_callers_waiting") == 0 && d.metric(i, "hotline_calls") == 0 })
	}
	d.eventually("the seats are free", func() bool {
		return !slices.ContainsFunc(d.seats, func(o *operator) bool { c, _ := o.now(); return c != nil })
	})
}

// round fills both nodes, kills one, and sees to it that the other's callers come to their end.
func (d *pair) round(n int, random *rand.Rand) {
	t := d.t
	all := d.fill(n)
	if random.IntN(3) == 0 {
		require.NoError(t, d.on.wipe(t.Context()))
		d.flushed++
	}
	require.True(t, Sleep(t.Context(), time.Duration(random.IntN(500))*time.Millisecond))
	dead := random.IntN(2)
	require.NoError(t, d.nodes[dead].Kill())
	killed := time.Now()

	var left []*phone.Call
	for _, c := range all {
		if nodeOf(c) == dead {
			d.cut[c.CallID()] = true
			c.Hangup()
			continue
		}
		d.kept[c.CallID()] = true
		left = append(left, c)
	}
	freed := 0
	for _, o := range d.seats {
		if c, _ := o.now(); c != nil && nodeOf(c) == dead {
			c.Hangup() // nothing is heard any more
			freed++
		}
	}
	waiting := d.metric(1-dead, "hotline_callers_waiting")
	if freed > 0 && waiting > 0 {
		d.eventually("the seat of a call that the dead node had takes one of the other's", func() bool {
			for _, o := range d.seats {
				if c, at := o.now(); c != nil && at.After(killed) {
					d.slowest = max(d.slowest, at.Sub(killed))
					return true
				}
			}
			return false
		})
	}
	d.serve(left)
	d.start(dead)
	d.settle()
}

// endElsewhere has each node asked to end a call that the other has.
func (d *pair) endElsewhere() {
	t := d.t
	for n := range 2 {
		c := d.citizen(fmt.Sprintf("138123499%02d", n))
		d.eventually("talking", func() bool { return d.talking() == 1 && nodeOf(c) >= 0 })
		d.kept[c.CallID()] = true
		here := d.nodes[1-nodeOf(c)]
		var session struct{ Token string }
		d.ask(here, "POST", "/api/v1/session", "", `{"login":"lead1","password":"`+accounts.DemoPassword+`"}`, http.StatusCreated, &session)
		var agents struct {
			Items []struct {
				State string
				Call  string `json:"call_id"`
			}
		}
		id := ""
		d.eventually("the other node shows the call", func() bool {
			d.ask(here, "GET", "/api/v1/agents", session.Token, "", http.StatusOK, &agents)
			for _, a := range agents.Items {
				if a.State == "talking" {
					id = a.Call
				}
			}
			return id != ""
		})
		d.ask(here, "POST", "/api/v1/calls/"+id+"/hangup", session.Token, "", http.StatusNoContent, nil)
		select {
		case <-c.Done():
		case <-time.After(20 * time.Second):
			t.Fatal("the call that the other node has goes on")
		}
		d.settle()
	}
}

// ask sends a request to a node.
func (d *pair) ask(node *Server, method, path, token, body string, want int, into any) {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), method, node.URL()+path, strings.NewReader(body))
	require.NoError(d.t, err)
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(d.t, err)
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	require.NoError(d.t, err)
	require.Equal(d.t, want, res.StatusCode, string(raw))
	if into != nil {
		require.NoError(d.t, json.Unmarshal(raw, into))
	}
}

// hears tells whether a citizen hears an operator within half a second.
func hears(c *phone.Call) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	return c.WaitTone(ctx, toneAtSeat) == nil
}

func answered(c *phone.Call) bool {
	select {
	case <-c.Answered():
		return true
	default:
		return false
	}
}

func (d *pair) talking() int {
	n := 0
	for _, o := range d.seats {
		if c, _ := o.now(); c != nil && answered(c) {
			n++
		}
	}
	return n
}

// over looks at the records: nothing is missing, nobody was offered twice, and none that was not on a dead node broke off.
func (d *pair) over() {
	t := d.t
	for i := range d.nodes {
		require.NoError(t, d.nodes[i].Settle(t.Context(), time.Minute))
		require.NoError(t, d.nodes[i].Stop())
	}
	e, err := d.setups[0].Open(t.Context())
	require.NoError(t, err)
	defer e.Close()
	seen := map[string]telephony.CDR{}
	f := telephony.CallFilter{Limit: 200}
	for {
		page, err := e.Calls.Calls(t.Context(), f)
		require.NoError(t, err)
		for _, c := range page.Items {
			seen[c.SIPCallID] = c
		}
		if f.Cursor = page.NextCursor; f.Cursor == "" {
			break
		}
	}
	again := 0
	for id := range d.kept {
		c, ok := seen[id]
		require.True(t, ok, "a call without a record")
		require.Equal(t, telephony.CauseHangup, c.Cause, "%+v", c)
		require.False(t, c.BridgedAt.IsZero(), "%+v", c)
		again += len(c.Offers) - 1
		for i, o := range c.Offers {
			require.True(t, i == len(c.Offers)-1 || o.Outcome != telephony.OutcomeAnswered, "%+v", c.Offers)
		}
	}
	for id := range d.cut {
		c, ok := seen[id]
		require.True(t, ok, "a call without a record")
		require.False(t, c.EndedAt.IsZero(), "%+v", c)
	}
	t.Logf("%d calls went on or waited on the node that was left, %d were on one that died; %d offers came to nothing; Redis was emptied %d times; "+
		"a seat of the dead node was called for the other's caller %s after the kill at the latest (3 s are wanted)", len(d.kept), len(d.cut), again, d.flushed, d.slowest.Round(time.Millisecond))
	require.NotEmpty(t, d.kept)
}
