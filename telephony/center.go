package telephony

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"

	"hotline/telephony/acd"
	"hotline/telephony/invite"
	"hotline/telephony/media"
)

// Options are the parts that a test or an embedding program may replace.
type Options struct {
	Log            *slog.Logger     // nil: discard
	Now            func() time.Time // nil: time.Now
	HandlerTimeout time.Duration    // for each call of a Handler method; 0 is 5 s
	Locations      Locations        // where the seats' devices are; nil: in memory
	Callers        Callers          // what is known of citizens; nil: nothing
	Resolver       Resolver         // of gateways' names; nil: net.DefaultResolver
	Cluster        *Cluster         // of the nodes that share the call centre; nil: this one is alone
}

// Center is the call centre of one node.
type Center struct {
	cfg     Config
	store   Store
	handler Handler
	log     *slog.Logger
	now     func() time.Time
	patient time.Duration // with the handler
	node    string        // name among those that share the call centre; "": it is alone

	endpoint  *invite.Endpoint
	ports     *media.Ports
	sounds    *sounds
	floor     *floor
	registrar *registrar
	trunks    *trunks
	journal   *journal
	spool     *spool
	blobs     Blobs
	board     *board
	callers   Callers
	strangers *throttle // of log lines
	messages  *throttle // of addresses that are no trunks
	recorders atomic.Int64
	quality   *qualities
	parties   sync.Map // *invite.Session → seated

	background context.Context // of the goroutines below; ends in Stop
	endAll     context.CancelFunc
	wg         sync.WaitGroup

	mu       sync.Mutex
	calls    map[string]*call
	settling int // of these: those whose records are being written
	started  bool
	up       chan struct{} // closed when started
	draining bool
	leaving  atomic.Bool // connections are closed by us

	blocked   *blocked
	callbacks *callbacks
	campaigns *campaigns
	announced *announcements
	sealed    map[string][]string
	withdraw  sync.Once
	withdrawn chan struct{} // closed when the trunks have taken back their registrations
	stopOnce  sync.Once
	stopErr   error
	idle      chan struct{} // closed when draining and no call is left
	idleOnce  sync.Once
}

// New checks the configuration and makes a Center; Start opens its sockets.
func New(cfg Config, store Store, h Handler, blobs Blobs, opts Options) (*Center, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	c := &Center{
		cfg: cfg, store: store, handler: h, blobs: blobs, callers: opts.Callers, log: opts.Log, now: opts.Now, patient: opts.HandlerTimeout,
		calls: map[string]*call{}, idle: make(chan struct{}), up: make(chan struct{}),
		withdrawn: make(chan struct{}), blocked: newBlocked(), sealed: cfg.sealed(), announced: &announcements{of: map[string]Announcement{}},
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if opts.Cluster != nil {
		c.node = opts.Cluster.Node
	}
	if c.now == nil {
		c.now = time.Now
	}
	if opts.Resolver == nil {
		opts.Resolver = net.DefaultResolver
	}
	if c.patient == 0 {
		c.patient = 5 * time.Second
	}
	c.background, c.endAll = context.WithCancel(context.Background())
	c.sounds = loadSounds(cfg, c.log)
	c.floor = newFloor(cfg, c.now, c.log)
	c.registrar = newRegistrar(cfg, c.node, c.now, c.deviceChanged, opts.Locations, c.log)
	c.registrar.stands = func(b Binding) bool { return c.endpoint.FlowAlive(b.Source, b.Transport) }
	var err error
	if c.trunks, err = newTrunks(cfg, opts.Resolver, c.now, c.log, c.trunkChanged); err != nil {
		return nil, err
	}
	c.journal = newJournal(store, c.log)
	c.spool = newSpool(cfg.SpoolDir, c.node, cfg.RecordingKeys, blobs, store, c.log, c.now)
	c.strangers = newThrottle(0.1, 3, maxSources, c.now)
	c.messages = newThrottle(messageRate, messageBurst, maxSources, c.now)
	c.board = newBoard(c)
	if opts.Cluster != nil {
		c.join(*opts.Cluster)
	}
	c.quality = newQualities()
	c.callbacks = newCallbacks(c)
	c.campaigns = newCampaigns(c)
	if err := c.newSIP(); err != nil {
		return nil, err
	}
	return c, nil
}

// newSIP makes the endpoint and the ports for sound; neither listens yet.
func (c *Center) newSIP() error {
	var listens []invite.Listen
	bind := ""
	for _, l := range c.cfg.Listen {
		addrs, err := parseListen(l)
		if err != nil {
			return err
		}
		for _, a := range addrs {
			listens = append(listens, invite.Listen{Network: a.network, Addr: a.addr})
			if bind == "" {
				bind = netip.MustParseAddrPort(a.addr).Addr().String()
			}
		}
	}
	var err error
	c.ports, err = media.NewPorts(media.PortOptions{
		IP: bind, PublicIP: c.cfg.PublicIP, Low: c.cfg.RTPLow, High: c.cfg.RTPHigh, RTCPort: c.cfg.RTCPort, Urgent: true, Now: c.now, Log: c.log,
	})
	if err != nil {
		return fmt.Errorf("ports for sound: %w", err)
	}
	c.endpoint, err = invite.New(invite.Options{
		Listen: listens, PublicIP: c.cfg.PublicIP, UserAgent: "hotline", Now: c.now, Log: c.log,
		Timers: invite.Timers{T1: c.cfg.T1}, Limits: c.cfg.edge(),
		Admit: c.admit, FlowClosed: c.flowClosed, Session: c.cfg.Session,
		TLS: c.cfg.TLS, DialTLS: c.cfg.DialTLS, Origins: c.cfg.Origins, Scanners: c.cfg.scanners(),
	}, sipHandler{c})
	c.trunks.endpoint = c.endpoint
	return err
}

// Messages that one address outside the trunks may send: each answered request
// is remembered for 64*T1, so that without a bound one scanner would fill the
// table (30,000) and calls of others were refused. 20,000 in 32 s at most.
const (
	messageRate  = 500 // a second
	messageBurst = 4000
)

// admit drops what a source sends beyond its rate. Trunks have none.
func (c *Center) admit(src netip.AddrPort, _ string) bool {
	return c.trunks.trusted(src.Addr()) || c.messages.take(src.Addr(), 1)
}

// sipHandler keeps the methods that SIP calls off the Center's own API.
type sipHandler struct{ c *Center }

func (h sipHandler) Invite(s *invite.Session) { h.c.invited(s) }

func (h sipHandler) Request(req *sip.Request, src netip.AddrPort, tx invite.Responder) {
	var err error
	draining := h.c.isDraining()
	switch req.Method {
	case sip.REGISTER:
		err = h.c.registrar.register(req, src, tx)
	case sip.OPTIONS:
		if draining {
			err = tx.Reply(503, "", elsewhere())
			break
		}
		err = tx.Reply(200, "", sip.NewHeader("Allow", invite.Allowed), sip.NewHeader("Accept", "application/sdp"))
	default:
		err = tx.Reply(405, "", sip.NewHeader("Allow", invite.Allowed))
	}
	if err != nil {
		h.c.log.Debug("request not answered", "method", req.Method.String(), "error", err)
	}
}

// reasonStarted is why a seat is offline when the process begins.
const reasonStarted = "started"

// Start listens and repairs what a crash left behind. It returns when calls
// are taken; a port in use is an error that names it.
func (c *Center) Start(ctx context.Context) error {
	if err := prepareSpool(c.cfg.SpoolDir); err != nil {
		return err
	}
	if err := c.meet(ctx); err != nil {
		return err
	}
	seats, err := c.store.Seats(ctx)
	if err != nil {
		return fmt.Errorf("read the seats: %w", err)
	}
	for _, s := range seats {
		c.registrar.setAccount(s)
		c.board.know(s)
		c.registrar.note(s.ID, false, c.registrar.lookup(s.ID))
		if v, known := c.floor.seat(s.ID); known && v.State != acd.StateOffline {
			continue // it is at work on other nodes
		}
		// What a seat was before the process began is over, whatever the log says.
		c.journal.event(newEvent(c.now(), "", s.ID, "", EvState, EventData{State: string(acd.StateOffline), Reason: reasonStarted}))
	}
	if err := errors.Join(c.loadSkills(ctx), c.loadBlocks(ctx), c.callbacks.load(ctx), c.loadAnnouncements(ctx)); err != nil {
		return err
	}
	// The sockets first: while another process has them, its calls and its
	// recordings are not left-overs. Calls wait until all is in order.
	if err := c.endpoint.Start(ctx); err != nil {
		return fmt.Errorf("listen for SIP: %w", err)
	}
	crashed, err := c.spool.repair(ctx)
	if err != nil {
		brief, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		return errors.Join(err, c.endpoint.Stop(brief))
	}
	c.wg.Go(func() { c.floor.tick(c.background) })
	c.wg.Go(func() { c.journal.run(c.background) })
	c.wg.Go(func() { c.spool.run(c.background) })
	c.wg.Go(func() { c.board.run(c.background) })
	c.wg.Go(func() { c.sweep(c.background) })
	c.wg.Go(func() { c.trunks.run(c.background) })
	c.trunks.join()
	c.callbacks.resume()
	c.wg.Go(func() { c.campaigns.run(c.background) })
	c.wg.Go(func() { c.tellCrashed(crashed) })
	c.mu.Lock()
	c.started = true
	c.mu.Unlock()
	close(c.up)
	c.log.Info("call centre listens", "sip", c.cfg.Listen,
		"lines", len(c.cfg.Lines), "seats", len(seats))
	return nil
}

// sweep lets registrations run out.
func (c *Center) sweep(ctx context.Context) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			c.registrar.expire()
		}
	}
}

// tellCrashed tells the handler of calls that the last process did not end.
func (c *Center) tellCrashed(cdrs []CDR) {
	for _, cdr := range cdrs {
		if c.background.Err() != nil {
			return
		}
		if m := cdr.missed(); m != nil {
			c.tell("missed", cdr.ID, func(ctx context.Context) error { return c.handler.Missed(ctx, *m) })
		}
		c.tell("ended", cdr.ID, func(ctx context.Context) error { return c.handler.Ended(ctx, cdr) })
		c.returnMissed(cdr)
	}
}

// Drain refuses new calls, registrations and the pings of load spreaders with
// 503 and Retry-After, and returns when the last call is over or ctx ends.
// Calls in progress go on, those that wait for a seat too. It cannot be undone.
func (c *Center) Drain(ctx context.Context) {
	c.mu.Lock()
	if !c.started {
		c.mu.Unlock()
		return
	}
	c.draining = true
	if len(c.calls) == 0 {
		c.idleOnce.Do(func() { close(c.idle) })
	}
	c.mu.Unlock()
	c.registrar.drain()
	c.callbacks.drain()
	c.withdraw.Do(func() {
		go func() {
			defer close(c.withdrawn)
			c.trunks.withdraw()
		}()
	})
	select {
	case <-c.idle:
	case <-ctx.Done():
	}
	<-c.withdrawn // bounded: see register
}

// isDraining tells whether new work is refused.
func (c *Center) isDraining() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.draining
}

// elsewhere asks a peer to try another node, or this one when it is back.
func elsewhere() sip.Header { return sip.NewHeader("Retry-After", "30") }

// Stop refuses new calls, lets calls in progress end until ctx is done, then
// ends them, and returns when nothing is left. A second Stop waits for the
// first.
func (c *Center) Stop(ctx context.Context) error {
	c.stopOnce.Do(func() { c.stopErr = c.stop(ctx) })
	return c.stopErr
}

func (c *Center) stop(ctx context.Context) error {
	c.mu.Lock()
	if !c.started {
		c.mu.Unlock()
		c.endAll()
		c.ports.Close()
		return nil
	}
	c.mu.Unlock()
	c.Drain(ctx)
	// From here on the time is our own: what is left must go in order.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	for _, k := range c.list() {
		k.stop(PartySystem, "", CauseShutdown, 0)
	}
	var errs []error
	select {
	case <-c.idle:
	case <-ctx.Done():
		errs = append(errs, fmt.Errorf("%d calls did not end in time", len(c.list())))
	}
	// A phone that is gone keeps its session to the end of the time given: the call log needs some of its own.
	polite, enough := context.WithTimeout(ctx, 5*time.Second)
	c.leaving.Store(true)
	if err := c.endpoint.Stop(polite); err != nil {
		errs = append(errs, fmt.Errorf("stop SIP: %w", err))
	}
	enough()
	if err := c.journal.sync(ctx); err != nil {
		errs = append(errs, fmt.Errorf("call log not written to its end: %w", err))
	}
	c.part()
	c.endAll()
	c.wg.Wait()
	c.ports.Close()
	return errors.Join(errs...)
}

func (c *Center) list() []*call {
	c.mu.Lock()
	defer c.mu.Unlock()
	calls := make([]*call, 0, len(c.calls))
	for _, k := range c.calls {
		calls = append(calls, k)
	}
	return calls
}

func (c *Center) call(id string) *call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls[id]
}

// tell runs a method of the handler, with a deadline that holds even when the
// method does not look at it. A failure is logged: the call goes on.
func (c *Center) tell(what, callID string, fn func(ctx context.Context) error) {
	c.tellWithin(context.Background(), what, callID, fn)
}

func (c *Center) tellWithin(ctx context.Context, what, callID string, fn func(ctx context.Context) error) {
	bounded, cancel := context.WithTimeout(ctx, c.patient)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil { // one handler's fault must not end every call
				done <- fmt.Errorf("panic: %v\n%s", p, debug.Stack())
			}
		}()
		done <- fn(bounded)
	}()
	var err error
	select {
	case err = <-done:
	case <-bounded.Done():
		err = bounded.Err()
	}
	if err != nil && ctx.Err() == nil {
		c.log.Error("the handler failed", "what", what, "call_id", callID, "error", err)
	}
}

// Counts is what is in use now; all zero when nothing is going on.
type Counts struct {
	Calls     int // calls, ending ones included
	Sessions  int // SIP legs
	Ports     int // RTP legs
	SeatsBusy int // seats ringing or talking
	Waiting   int // callers in queues
	Recorders int // open recordings
	Spooled   int // recordings on their way to the blob store
}

// Counts is what is in use now.
func (c *Center) Counts() Counts {
	n := Counts{
		Sessions: c.endpoint.Sessions(), Ports: c.ports.InUse(),
		Recorders: int(c.recorders.Load()), Spooled: c.spool.pending(),
	}
	c.mu.Lock()
	n.Calls = len(c.calls)
	c.mu.Unlock()
	n.SeatsBusy, n.Waiting = c.floor.counts()
	return n
}

// SIP is what the SIP endpoint holds: legs that still finish with their peers
// and transactions are in it, which Counts leaves out.
func (c *Center) SIP() invite.Stats { return c.endpoint.Stats() }

// Ready tells why the centre cannot take calls, or nil.
func (c *Center) Ready(ctx context.Context) error {
	c.mu.Lock()
	started, draining := c.started, c.draining
	c.mu.Unlock()
	switch {
	case !started:
		return errors.New("telephony: not started")
	case draining:
		return ErrStopping
	}
	if _, err := c.store.OpenCalls(ctx, c.node, 1); err != nil {
		return fmt.Errorf("telephony: store: %w", err)
	}
	return nil
}

// Addr is the address that SIP listens on over "udp", "tcp", "tls", "ws" or "wss".
func (c *Center) Addr(network string) netip.AddrPort { return c.endpoint.Addr(network) }
