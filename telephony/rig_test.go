package telephony_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/media"
	"hotline/telephony/phone"
	"hotline/telephony/prompts"
	"hotline/telephony/storetest"
	"hotline/telephony/tlstest"
)

// patience bounds every wait of these tests; nothing is timed by it.
const patience = 30 * time.Second

const secret = "hotline-demo"

// quickT1 makes SIP's longest timer 3.2 s: what a call leaves behind is seen soon.
const quickT1 = 50 * time.Millisecond

// The tones by which a test knows what a phone hears.
const (
	toneWelcome = 500.0
	toneMusic   = 700.0
	toneCaller  = 1000.0
	toneSeat    = 1500.0
)

// rig is a centre on loopback with everything it needs.
type rig struct {
	t      *testing.T
	center *telephony.Center
	store  *storetest.Memory
	wrap   func(telephony.Store) telephony.Store // what the centre has in its place; nil: nothing
	events *watcher
	// handler is told in place of events when it is set before start.
	handler telephony.Handler
	// resolver of gateways' names, when it is set before start.
	resolver telephony.Resolver
	// callers is what is known of citizens, when it is set before start.
	callers telephony.Callers
	blobs   *blobs
	cfg     telephony.Config
	ca      *tlstest.Authority // when it listens over TLS
	cluster *telephony.Cluster // when the centre is one of several
	where   telephony.Locations
	now     func() time.Time // of the centre; nil is time.Now
}

type rigOption func(*telephony.Config)

func newRig(t *testing.T, opts ...rigOption) *rig {
	r := prepareRig(t, opts...)
	r.start()
	return r
}

func prepareRig(t *testing.T, opts ...rigOption) *rig {
	r := &rig{t: t, store: storetest.NewMemory(), events: newWatcher(), blobs: &blobs{files: map[string][]byte{}}}
	r.cfg = telephony.Config{
		Listen: []string{"127.0.0.1:0"}, Trunks: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
		SpoolDir: filepath.Join(t.TempDir(), "spool"), Prompts: toneSet(), RingTimeout: 15 * time.Second, T1: quickT1,
		Queues: []telephony.QueueConfig{{Name: "default", WrapUp: -1}},
	}
	for _, o := range opts {
		o(&r.cfg)
	}
	for n := range 4 {
		id := fmt.Sprintf("800%d", n+1)
		alg := telephony.MD5
		if n == 1 {
			alg = telephony.SHA256
		}
		require.NoError(t, r.store.SaveSeat(t.Context(), telephony.Seat{
			ID: id, User: fmt.Sprintf("agent%d", n+1), Algorithm: alg, HA1: telephony.HA1(alg, id, "hotline", secret),
		}))
	}
	return r
}

func (r *rig) start() {
	var err error
	opts := telephony.Options{Resolver: r.resolver, Callers: r.callers, Now: r.now, Cluster: r.cluster, Locations: r.where}
	if testing.Verbose() {
		opts.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	handler := r.handler
	if handler == nil {
		handler = r.events
	}
	var store telephony.Store = r.store
	if r.wrap != nil {
		store = r.wrap(store)
	}
	r.center, err = telephony.New(r.cfg, store, handler, r.blobs, opts)
	require.NoError(r.t, err)
	require.NoError(r.t, r.center.Start(r.t.Context()))
	center := r.center
	r.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		require.NoError(r.t, center.Stop(ctx))
		require.Equal(r.t, telephony.Counts{Spooled: center.Counts().Spooled}, center.Counts())
	})
}

// toneSet replaces the sentences by tones: short ones, so that tests are quick.
func toneSet() fstest.MapFS {
	set := fstest.MapFS{}
	for _, name := range prompts.Names() {
		freq, d := 600.0, 100*time.Millisecond
		switch name {
		case prompts.Welcome:
			freq, d = toneWelcome, 20*time.Second // must be cut off by a digit
		case prompts.Music:
			freq, d = toneMusic, time.Second
		}
		src := media.Tone(freq, -12, d)
		pcm := make([]int16, src.Len())
		src.Fill(pcm, 0)
		var b bytes.Buffer
		if err := media.WriteWAV(&b, pcm); err != nil {
			panic(err)
		}
		set[name+".wav"] = &fstest.MapFile{Data: b.Bytes()}
	}
	return set
}

// await polls for a state that nothing announces.
func (r *rig) await(what string, ok func() bool) {
	r.t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			var stacks bytes.Buffer
			_ = pprof.Lookup("goroutine").WriteTo(&stacks, 1)
			r.t.Fatalf("still waiting for: %s; counts %+v\n%s", what, r.center.Counts(), stacks.String())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// awaitTalking waits until the one call there is is a conversation.
func (r *rig) awaitTalking() {
	r.t.Helper()
	r.await("talking", func() bool { l := r.center.Live(); return len(l) == 1 && l[0].State == telephony.CallTalking })
}

// awaitClean waits until nothing of any call is left.
func (r *rig) awaitClean() {
	r.t.Helper()
	r.await("nothing left behind", func() bool { return r.center.Counts() == telephony.Counts{} })
}

func (r *rig) ctx() context.Context {
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	r.t.Cleanup(cancel)
	return ctx
}

func (r *rig) phone(opts phone.Options) *phone.Phone {
	network := "udp"
	if opts.Network != "" {
		network = opts.Network
	}
	if opts.Registrar == "" {
		opts.Registrar = r.center.Addr(network).String()
	}
	if r.ca != nil && opts.TLS == nil {
		opts.TLS = r.ca.Client()
	}
	return started(r.t, opts)
}

// started is a phone that runs until the test is over.
func started(t *testing.T, opts phone.Options) *phone.Phone {
	t.Helper()
	opts.Timers.T1 = quickT1
	p, err := phone.New(opts)
	require.NoError(t, err)
	require.NoError(t, p.Start(t.Context()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = p.Stop(ctx)
	})
	return p
}

// outsidePhone is a phone beyond the gateway. Calls come to the channel unanswered.
func outsidePhone(t *testing.T, opts phone.Options) (*phone.Phone, <-chan *phone.Call) {
	t.Helper()
	calls := make(chan *phone.Call, 16)
	opts.OnCall = func(c *phone.Call) {
		calls <- c
		<-c.Done()
	}
	return started(t, opts), calls
}

// seat registers a phone and makes its user ready. Calls come to the channel
// unanswered.
func (r *rig) seat(id string, opts ...func(*phone.Options)) (*phone.Phone, <-chan *phone.Call) {
	calls := make(chan *phone.Call, 16)
	o := phone.Options{User: id, Secret: secret, OnCall: func(c *phone.Call) {
		calls <- c
		<-c.Done()
	}}
	for _, f := range opts {
		f(&o)
	}
	p := r.phone(o)
	require.NoError(r.t, p.Register(r.ctx(), time.Hour))
	require.NoError(r.t, r.center.SetStatus(r.ctx(), "agent"+id[3:], id, telephony.Status{Presence: telephony.Ready}))
	return p, calls
}

// holdAndResume lets other hear music, and then again the tone of the one that held.
func (r *rig) holdAndResume(by, other *phone.Call, tone float64) {
	r.t.Helper()
	require.NoError(r.t, by.Hold(r.ctx(), true))
	require.NoError(r.t, other.WaitTone(r.ctx(), toneMusic))
	require.NoError(r.t, by.Resume(r.ctx()))
	require.NoError(r.t, other.WaitTone(r.ctx(), tone))
}

// hearEachOther has a citizen and an operator each play a tone for good, and hear the other's.
func (r *rig) hearEachOther(citizen, operator *phone.Call) {
	r.t.Helper()
	citizen.Play(media.Tone(toneCaller, -10, 0), false)
	operator.Play(media.Tone(toneSeat, -10, 0), false)
	require.NoError(r.t, citizen.WaitTone(r.ctx(), toneSeat))
	require.NoError(r.t, operator.WaitTone(r.ctx(), toneCaller))
}

func (r *rig) next(calls <-chan *phone.Call) *phone.Call {
	r.t.Helper()
	select {
	case c := <-calls:
		return c
	case <-time.After(patience):
		r.t.Fatal("no call came")
		return nil
	}
}

// dial calls the line as a citizen and waits for the answer.
func (r *rig) dial(caller *phone.Phone) *phone.Call {
	r.t.Helper()
	c, err := caller.DialWith(r.t.Context(), "12345", phone.DialOptions{From: "+8613800138000"})
	require.NoError(r.t, err)
	require.NoError(r.t, c.WaitAnswered(r.ctx()))
	return c
}

func (r *rig) done(c *phone.Call) {
	r.t.Helper()
	select {
	case <-c.Done():
	case <-time.After(patience):
		r.t.Fatal("the phone's call does not end")
	}
}

// watcher is a Handler that remembers.
type watcher struct {
	mu       sync.Mutex
	offers   []telephony.Offer
	answers  []string
	ended    []telephony.CDR
	missed   []telephony.MissedCall
	seats    []telephony.AgentState
	queues   []telephony.QueueState
	changes  []telephony.CDR
	onOffer  func(telephony.Offer) error
	endedSig chan telephony.CDR
}

// hear sets what an offer is answered with.
func (w *watcher) hear(fn func(telephony.Offer) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.onOffer = fn
}

func newWatcher() *watcher { return &watcher{endedSig: make(chan telephony.CDR, 1000)} }

func (w *watcher) Offered(_ context.Context, o telephony.Offer) error {
	w.mu.Lock()
	w.offers = append(w.offers, o)
	fn := w.onOffer
	w.mu.Unlock()
	if fn != nil {
		return fn(o)
	}
	return nil
}

func (w *watcher) Answered(_ context.Context, callID, seat, user string, _ time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers = append(w.answers, callID+" "+seat+" "+user)
	return nil
}

func (w *watcher) answersSeen() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.answers)
}

func (w *watcher) Ended(_ context.Context, c telephony.CDR) error {
	w.mu.Lock()
	w.ended = append(w.ended, c)
	w.mu.Unlock()
	w.endedSig <- c
	return nil
}

func (w *watcher) Missed(_ context.Context, m telephony.MissedCall) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.missed = append(w.missed, m)
	return nil
}

func (w *watcher) SeatChanged(_ context.Context, a telephony.AgentState) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seats = append(w.seats, a)
}

func (w *watcher) CallChanged(_ context.Context, c telephony.CDR) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changes = append(w.changes, c)
}

// changed tells whether a record that was told says so.
func (w *watcher) changed(says func(telephony.CDR) bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.changes, says)
}

func (w *watcher) QueueChanged(_ context.Context, q telephony.QueueState) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queues = append(w.queues, q)
}

func (w *watcher) offersSeen() []telephony.Offer {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]telephony.Offer{}, w.offers...)
}

func (w *watcher) missedSeen() []telephony.MissedCall {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]telephony.MissedCall{}, w.missed...)
}

func (r *rig) endedCall() telephony.CDR {
	r.t.Helper()
	select {
	case c := <-r.events.endedSig:
		return c
	case <-time.After(patience):
		r.t.Fatalf("no call ended; counts %+v", r.center.Counts())
		return telephony.CDR{}
	}
}

// blobs keeps recordings in memory and can be made to fail.
type blobs struct {
	mu    sync.Mutex
	files map[string][]byte
	fail  bool
}

type file struct{ *bytes.Reader }

func (file) Close() error { return nil }

func (b *blobs) setFail(f bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fail = f
}

func (b *blobs) Put(_ context.Context, name, _ string, r io.Reader) (telephony.BlobInfo, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return telephony.BlobInfo{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail {
		return telephony.BlobInfo{}, fmt.Errorf("blob store is away")
	}
	b.files[name] = data
	sum := sha256.Sum256(data)
	return telephony.BlobInfo{Name: name, Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:])}, nil
}

func (b *blobs) Open(_ context.Context, name string) (io.ReadSeekCloser, telephony.BlobInfo, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	data, ok := b.files[name]
	if !ok {
		return nil, telephony.BlobInfo{}, telephony.ErrNotFound
	}
	return file{bytes.NewReader(data)}, telephony.BlobInfo{Name: name, Size: int64(len(data))}, nil
}
