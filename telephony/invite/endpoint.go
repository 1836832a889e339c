package invite

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Endpoint is a SIP user agent: sockets, transactions and sessions.
type Endpoint struct {
	opts     Options
	h        Handler
	replacer Replacer // h, when it lets calls be replaced
	log      *slog.Logger
	timers   Timers
	secret   []byte // signs the Call-IDs of our calls
	parser   *sip.Parser
	tpl      *sip.TransportLayer
	txl      *sip.TransactionLayer
	udp      []*udpSocket
	routes   routeCache

	listeners []*streamListener // of the reliable transports
	streams   *streams
	scanners  [][]byte // in lower case
	nowhere   string   // our host in Via and Contact where nobody can connect to us (RFC 7118 section 5)

	ctx    context.Context // ends with Stop
	cancel context.CancelFunc
	tasks  sync.WaitGroup

	mu       sync.Mutex
	phase    phase
	sessions map[dialogKey]*Session
	initial  map[string]*Session      // inbound INVITEs by Call-ID, From tag and CSeq
	branches map[string]*Session      // inbound INVITEs by Via branch, for CANCEL
	parked   map[string]chan struct{} // CANCELs that came before their INVITE
	live     map[sip.Transaction]bool // true: client transaction
	strays   map[string]struct{}      // dialogs of late 2xx being ended

	active, closing, running        atomic.Int64
	total, refused                  atomic.Int64
	forks, crossed, noAck, clientTx atomic.Int64
	conns                           atomic.Int64
}

type phase uint8

const (
	made phase = iota
	serving
	stopping
	stopped
)

// dialogKey names a dialog from our side; the peer's tag is checked apart,
// because it is not known before the first response.
type dialogKey struct{ callID, localTag string }

// New makes an endpoint; Start opens its sockets.
func New(opts Options, h Handler) (*Endpoint, error) {
	if h == nil {
		return nil, errors.New("invite: a handler is needed")
	}
	if opts.PublicIP != "" {
		if _, err := netip.ParseAddr(opts.PublicIP); err != nil {
			return nil, fmt.Errorf("invite: public address %q is not an IP address: %w", opts.PublicIP, err)
		}
	}
	for _, l := range opts.Listen {
		if !slices.Contains(networks, l.Network) {
			return nil, fmt.Errorf("invite: cannot listen on %q: the network must be one of %s", l.Network, strings.Join(networks, ", "))
		}
		if secure(l.Network) && opts.TLS == nil {
			return nil, fmt.Errorf("invite: cannot listen on %s %s without a certificate: give Options.TLS", l.Network, l.Addr)
		}
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Log == nil {
		opts.Log = slog.Default()
	}
	opts.Limits = opts.Limits.withDefaults()
	opts.Session = opts.Session.withDefaults()
	e := &Endpoint{
		opts: opts, h: h, log: opts.Log, secret: make([]byte, 16),
		sessions: map[dialogKey]*Session{}, initial: map[string]*Session{},
		branches: map[string]*Session{}, parked: map[string]chan struct{}{},
		live: map[sip.Transaction]bool{}, strays: map[string]struct{}{},
	}
	e.replacer, _ = h.(Replacer)
	if _, err := rand.Read(e.secret); err != nil {
		return nil, fmt.Errorf("invite: random source: %w", err)
	}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	e.streams, e.scanners = newStreams(e), lowered(opts.Scanners)
	e.nowhere = strings.ToLower(sip.GenerateTagN(12)) + ".invalid"
	return e, nil
}

// Start opens the sockets; it listens when it returns. An endpoint is started
// once.
func (e *Endpoint) Start(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.phase != made {
		return fmt.Errorf("%w: it was started before", ErrStopped)
	}
	timers, err := acquireTimers(e.opts.Timers)
	if err != nil {
		return err
	}
	e.timers = timers
	if err := e.listen(ctx); err != nil {
		e.closeSockets()
		releaseTimers()
		return err
	}
	e.parser = sip.NewParser(func(p *sip.Parser) { p.MaxMessageLength = e.opts.Limits.Message })
	quiet := slog.New(slog.DiscardHandler)
	e.tpl = sip.NewTransportLayer(net.DefaultResolver, e.parser, nil,
		sip.WithTransportLayerLogger(quiet),
		sip.WithTransportLayerTransports(neverDialling()))
	// Registered before the transaction layer's own, so it runs first and in
	// the order of arrival.
	e.tpl.OnMessage(e.onMessage)
	e.txl = sip.NewTransactionLayer(e.tpl,
		sip.WithTransactionLayerLogger(quiet),
		sip.WithTransactionLayerTerminateOnConnClose(), // a broken flow fails its calls at once
		sip.WithTransactionLayerUnhandledResponseHandler(e.onStrayResponse))
	e.txl.OnRequest(e.onRequest)
	e.phase = serving
	for _, u := range e.udp {
		ready := u.serve()
		<-ready // the socket must be in sipgo's pool before the first request
	}
	e.task(e.streams.serve)
	for _, l := range e.listeners {
		e.task(l.serve)
	}
	return nil
}

// Stop refuses new sessions, ends those that exist, waits until they are gone
// or ctx ends, and closes the sockets. Sessions still closing when ctx ends
// are dropped.
func (e *Endpoint) Stop(ctx context.Context) error {
	e.mu.Lock()
	switch e.phase {
	case serving:
		e.phase = stopping
	case made:
		e.phase = stopped
		e.mu.Unlock()
		e.cancel()
		return nil
	default:
		e.mu.Unlock()
		return nil
	}
	all := make([]*Session, 0, len(e.sessions))
	for _, s := range e.sessions {
		all = append(all, s)
	}
	e.mu.Unlock()
	for _, s := range all {
		s.Hangup(Cause{By: System, Code: sip.StatusServiceUnavailable, Reason: "shutting down"})
	}
	var dropped []string
	for _, s := range all {
		select {
		case <-s.gone:
		case <-ctx.Done():
			dropped = append(dropped, s.describe())
		}
	}
	var late error
	if len(dropped) > 0 {
		late = fmt.Errorf("invite: sessions were dropped before their peers answered (%s): %w", strings.Join(dropped, ", "), ctx.Err())
	}
	for _, s := range all {
		s.post(message{in: inKill})
	}
	e.mu.Lock()
	e.phase = stopped
	e.mu.Unlock()
	e.cancel()
	e.terminateAll()
	e.closeSockets()
	_ = e.tpl.Close()
	if !e.settled(ctx) && late == nil {
		late = errors.New("invite: a handler did not return after its session ended")
	}
	e.terminateAll()
	releaseTimers()
	return late
}

// settled waits for the endpoint's goroutines until ctx ends and a moment more.
func (e *Endpoint) settled(ctx context.Context) bool {
	done := make(chan struct{})
	go func() {
		e.tasks.Wait()
		close(done)
	}()
	select {
	case <-done:
		return true
	case <-ctx.Done():
	}
	select {
	case <-done:
		return true
	case <-time.After(2 * time.Second):
		return false
	}
}

// terminateAll ends the transactions that are left. sipgo's own way walks its
// map while others change it.
func (e *Endpoint) terminateAll() {
	e.mu.Lock()
	left := make([]sip.Transaction, 0, len(e.live))
	for tx := range e.live {
		left = append(left, tx)
	}
	e.mu.Unlock()
	for _, tx := range left {
		tx.Terminate()
	}
}

// task runs f on a goroutine that Stop waits for.
func (e *Endpoint) task(f func()) {
	e.tasks.Add(1)
	e.running.Add(1)
	go func() {
		defer e.tasks.Done()
		defer e.running.Add(-1)
		f()
	}()
}

// Sessions counts the sessions that the application still owns.
func (e *Endpoint) Sessions() int { return int(e.active.Load()) }

// Stats tells what the endpoint holds.
func (e *Endpoint) Stats() Stats {
	peers := 0
	for _, u := range e.udp {
		peers += int(u.peers.Load())
	}
	idle := int64(0)
	e.mu.Lock()
	live := len(e.live)
	if e.phase == serving || e.phase == stopping {
		idle = int64(len(e.udp) + len(e.listeners) + 1) // their readers
	}
	e.mu.Unlock()
	client := int(e.clientTx.Load())
	return Stats{
		Sessions: int(e.active.Load()), Closing: int(e.closing.Load()),
		Client: client, Server: max(0, live-client), Tasks: int(max(0, e.running.Load()-idle)),
		Peers: peers, Conns: int(e.conns.Load()),
		Total: e.total.Load(), Refused: e.refused.Load(),
		Forks: e.forks.Load(), Crossed: e.crossed.Load(), NoACK: e.noAck.Load(),
	}
}

// track remembers a transaction until it terminates, and tells how many there are.
func (e *Endpoint) track(tx sip.Transaction, client bool) int {
	e.mu.Lock()
	e.live[tx] = client
	if client {
		e.clientTx.Add(1)
	}
	count := len(e.live)
	e.mu.Unlock()
	drop := func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if _, ok := e.live[tx]; ok {
			delete(e.live, tx)
			if client {
				e.clientTx.Add(-1)
			}
		}
	}
	if !tx.OnTerminate(func(string, error) { drop() }) {
		drop()
	}
	return count
}
