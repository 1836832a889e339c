package drill

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/invite"
	"hotline/telephony/media"
	"hotline/telephony/prompts"
	"hotline/telephony/storetest"
)

// ledger is a store that forgets what is complete: 100,000 calls fit.
type ledger struct {
	*storetest.Memory
	mu    sync.Mutex
	open  map[string]telephony.CDR
	ended int

	talked, transfers, moved int
}

func (l *ledger) AppendEvents(context.Context, []telephony.Event) error { return nil }

// WriteLog books a batch as AppendEvents and SaveCall do one by one.
func (l *ledger) WriteLog(ctx context.Context, _ []telephony.Event, records []telephony.CallRecord) error {
	for _, r := range records {
		if err := l.SaveCall(ctx, r.CDR, r.Missed); err != nil {
			return err
		}
	}
	return nil
}

func (l *ledger) SaveCall(_ context.Context, c telephony.CDR, _ *telephony.MissedCall) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	before, known := l.open[c.ID]
	if !c.EndedAt.IsZero() && (!known || before.EndedAt.IsZero()) {
		l.ended++
		if !c.BridgedAt.IsZero() {
			l.talked++
		}
		for _, t := range c.Transfers {
			l.transfers++
			if t.Outcome == telephony.OutcomeAnswered {
				l.moved++
			}
		}
	}
	l.open[c.ID] = c
	if !c.EndedAt.IsZero() && c.Recording.State != telephony.RecordingSpooled {
		delete(l.open, c.ID)
	}
	return nil
}

func (l *ledger) Call(_ context.Context, id string) (telephony.CDR, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.open[id]
	if !ok {
		return c, telephony.ErrNotFound
	}
	return c, nil
}

func (l *ledger) OpenCalls(context.Context, string, int) ([]telephony.CDR, error) { return nil, nil }

func (l *ledger) counts() (open, ended int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.open), l.ended
}

// transferred is how many transfers were done in calls that are over.
func (l *ledger) transferred() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.moved
}

// shredder takes recordings and keeps none.
type shredder struct{}

func (*shredder) Put(_ context.Context, name, _ string, r io.Reader) (telephony.BlobInfo, error) {
	n, err := io.Copy(io.Discard, r)
	return telephony.BlobInfo{Name: name, Size: n}, err
}

func (*shredder) Open(context.Context, string) (io.ReadSeekCloser, telephony.BlobInfo, error) {
	return nil, telephony.BlobInfo{}, telephony.ErrNotFound
}

// quietHandler hears of everything and remembers nothing.
type quietHandler struct{ ended atomic.Int64 }

func (h *quietHandler) Offered(context.Context, telephony.Offer) error { return nil }
func (h *quietHandler) Answered(context.Context, string, string, string, time.Time) error {
	return nil
}
func (h *quietHandler) Ended(context.Context, telephony.CDR) error {
	h.ended.Add(1)
	return nil
}
func (h *quietHandler) Missed(context.Context, telephony.MissedCall) error { return nil }

const (
	seats    = 20
	citizens = 48
	secret   = "drill"
	// quickT1 makes SIP's longest timer 3.2 s.
	quickT1 = 50 * time.Millisecond
	// patience bounds every wait; nothing is timed by it. A call on hold whose two phones have gone without a word that arrived ends
	// with its session timer, of 2 min.
	patience = 4 * time.Minute
)

// TestDrillRaces runs raced and damaged exchanges against the running centre, through a network that loses up to a fifth of what
// passes: HOTLINE_DRILL_RACES of them, without it for half a minute. HOTLINE_DRILL_SEED repeats a run's random choices. Afterwards
// nothing is left.
func TestDrillRaces(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if v := os.Getenv("HOTLINE_DRILL_SEED"); v != "" {
		n, err := strconv.ParseUint(v, 10, 64)
		require.NoError(t, err, "HOTLINE_DRILL_SEED is a number")
		seed = n
	}
	t.Logf("HOTLINE_DRILL_SEED=%d", seed)
	races, end := int64(1<<62), time.Now().Add(30*time.Second)
	if v := os.Getenv("HOTLINE_DRILL_RACES"); v != "" {
		n, err := strconv.ParseInt(v, 10, 64)
		require.NoError(t, err, "HOTLINE_DRILL_RACES is a number")
		races, end = n, time.Now().Add(24*time.Hour)
	}
	c := newCentre(t)
	wild := newBadNetwork(t, c.Addr("udp"), seed)
	for n := range seats {
		id := seatID(n)
		o := &operator{monkey: newMonkey(t, addrPortOf(wild.front), id, seed+uint64(n)), seen: map[string]bool{}, calls: map[string]wire{}, acks: map[string]bool{}}
		o.register(t)
		go o.run()
		require.NoError(t, c.SetStatus(t.Context(), "u"+id, id, telephony.Status{Presence: telephony.Ready}))
	}
	clients := make([]*citizen, citizens)
	for i := range clients {
		clients[i] = &citizen{monkey: newMonkey(t, addrPortOf(wild.front), seatID(i%seats), seed+100+uint64(i)), seat: i%8 == 0}
	}
	for _, m := range clients { // what starts with the first call is no leak
		m.exchange()
	}
	c.await(t, "an empty centre before", func() bool { return c.clean() })
	base := runtime.NumGoroutine()
	wild.bad.Store(true)
	var count atomic.Int64
	began := time.Now()
	goesOn := func() bool { // on a busy machine longer, until there was a transfer among them
		now := time.Now()
		return now.Before(end) || c.book.transferred() == 0 && now.Before(end.Add(patience))
	}
	var wg sync.WaitGroup
	for _, m := range clients {
		wg.Go(func() {
			for count.Add(1) <= races && goesOn() {
				m.exchange()
			}
		})
	}
	wg.Wait()
	took := time.Since(began)
	wild.bad.Store(false)
	c.await(t, "nothing left behind", func() bool { return c.clean() })
	c.await(t, "the records complete", func() bool { open, _ := c.book.counts(); return open == 0 })
	c.await(t, "seats ready", func() bool {
		for _, a := range c.Agents() {
			if a.Registered && a.State != "ready" {
				return false
			}
		}
		return true
	})
	left := runtime.NumGoroutine()
	for deadline := time.Now().Add(patience); left > base && time.Now().Before(deadline); left = runtime.NumGoroutine() {
		time.Sleep(20 * time.Millisecond)
	}
	if left > base {
		var stacks bytes.Buffer
		_ = pprof.Lookup("goroutine").WriteTo(&stacks, 1)
		t.Fatalf("goroutines are left: %d before, %d now\n%s", base, left, stacks.String())
	}
	files, err := filepath.Glob(filepath.Join(c.spool, "*"))
	require.NoError(t, err)
	require.Empty(t, files, "recordings left in the spool")
	_, ended := c.book.counts()
	require.EqualValues(t, c.handler.ended.Load(), ended, "one end for each call")
	require.Positive(t, c.book.transferred(), "transfers are among them")
	t.Logf("%d exchanges in %v, %d calls (%d talked; %d of %d transfers done); datagrams: %d passed, %d lost, %d damaged, %d repeated; SIP %+v",
		min(count.Load(), races), took.Round(time.Second), ended, c.book.talked, c.book.moved, c.book.transfers, wild.passed.Load(), wild.lost.Load(), wild.cut.Load(), wild.twice.Load(), c.SIP())
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	require.NoError(t, c.Stop(ctx))
}

// centre is the call centre under the drill.
type centre struct {
	*telephony.Center
	book    *ledger
	handler *quietHandler
	spool   string
}

func newCentre(t *testing.T) *centre {
	c := &centre{
		book:    &ledger{Memory: storetest.NewMemory(), open: map[string]telephony.CDR{}},
		handler: &quietHandler{}, spool: filepath.Join(t.TempDir(), "spool"),
	}
	for n := range seats {
		id := seatID(n)
		require.NoError(t, c.book.SaveSeat(t.Context(), telephony.Seat{
			ID: id, User: "u" + id, Algorithm: telephony.MD5, HA1: telephony.HA1(telephony.MD5, id, "hotline", secret),
		}))
	}
	var err error
	c.Center, err = telephony.New(telephony.Config{
		Listen: []string{"127.0.0.1:0"}, Trunks: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, SpoolDir: c.spool,
		Prompts: briefPrompts(t), T1: quickT1, MaxCalls: 2000, RingTimeout: 100 * time.Millisecond,
		Queues:  []telephony.QueueConfig{{Name: telephony.DefaultQueue, WrapUp: -1, SetAside: 30 * time.Millisecond, MaxWait: 2 * time.Second}},
		Session: invite.SessionTimer{Interval: 2 * time.Minute},
	}, c.book, c.handler, &shredder{}, telephony.Options{})
	require.NoError(t, err)
	require.NoError(t, c.Start(t.Context()))
	return c
}

// briefPrompts are sentences of a tenth of a second.
func briefPrompts(t *testing.T) fstest.MapFS {
	var wav bytes.Buffer
	require.NoError(t, media.WriteWAV(&wav, make([]int16, 800)))
	set := fstest.MapFS{}
	for _, name := range prompts.Names() {
		set[name+".wav"] = &fstest.MapFile{Data: wav.Bytes()}
	}
	return set
}

func seatID(n int) string { return fmt.Sprintf("80%02d", n+1) }

// await polls for a state that nothing announces.
func (c *centre) await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			var stacks bytes.Buffer
			_ = pprof.Lookup("goroutine").WriteTo(&stacks, 1)
			t.Fatalf("still waiting for: %s; counts %+v, SIP %+v, live %+v\n%s", what, c.Counts(), c.SIP(), c.Live(), stacks.String())
		}
	}
}

// clean tells that neither a call nor a transaction is left.
func (c *centre) clean() bool {
	s := c.SIP()
	return c.Counts() == telephony.Counts{} && s.Sessions+s.Closing+s.Client+s.Server+s.Tasks == 0
}
