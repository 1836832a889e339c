package invite

import (
	"context"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Session is one leg of a call.
type Session struct {
	e       *Endpoint
	id      string
	dir     Direction
	log     *slog.Logger
	first   *responder // the INVITE of an inbound session
	out     Outgoing   // of an outbound session
	box     mailbox
	events  chan Event
	done    chan struct{} // over for the application
	gone    chan struct{} // nothing is left
	ctx     context.Context
	cancel  context.CancelFunc
	sending context.Context // bounds connecting for our INVITE
	unsend  context.CancelFunc
	source  netip.AddrPort
	network string

	key              dialogKey
	branch, mergeKey string

	mu           sync.Mutex // what other goroutines read
	cause        Cause
	remoteSDP    []byte
	remoteTag    string
	earlyTags    map[string]bool // of early dialogs that the peer's side made
	answeredOnce bool

	shown atomic.Uint32 // state, for whoever asks from outside

	// Owned by the loop.
	state   state
	d       dialog
	inv     *inviteTx // our INVITE
	tries   int       // digest attempts
	wait    *awaitACK // our 2xx that awaits its ACK
	re      reinvites // re-INVITEs in both directions
	early   *message  // a BYE that overtook the 2xx
	pending []Event   // events that found the channel full
	timers  [timerKinds]*time.Timer
	gens    [timerKinds]uint64
	over    bool
	hangup  Cause

	rel         reliable
	bargain     bargain
	rang        bool             // a provisional response with our tag is sent
	forks       map[string]*fork // early dialogs of our INVITE, by To tag
	fork        *fork            // the one heard of last
	localSDP    []byte           // our newest description in force
	peerUpdates bool             // the peer's Allow names UPDATE
	keep        keeping
	xfer        transfers
	hop         redirects
	replaces    *Session // the one that the inbound INVITE is to replace
}

// awaitACK is a 2xx of ours on its way (RFC 3261 section 13.3.1.4).
type awaitACK struct {
	r     *responder
	res   *sip.Response
	seq   uint32
	every time.Duration
	re    bool // it answers a re-INVITE
}

const eventBuffer = 32

func newSession(e *Endpoint, dir Direction) *Session {
	s := &Session{
		e: e, dir: dir, id: sip.GenerateTagN(16),
		events: make(chan Event, eventBuffer), done: make(chan struct{}), gone: make(chan struct{}),
	}
	s.box.wake = make(chan struct{}, 1)
	s.log = e.log.With("session", s.id, "direction", dir.String())
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.sending, s.unsend = context.WithCancel(e.ctx)
	return s
}

func newInbound(e *Endpoint, r *responder) *Session {
	s := newSession(e, Inbound)
	s.first = r
	s.state = incoming
	s.d = inboundDialog(r.req)
	s.key = dialogKey{s.d.callID, s.d.localTag}
	s.remoteTag = s.d.remoteTag
	s.remoteSDP = body(r.req)
	s.bargain.theirs = s.remoteSDP != nil
	s.learnPeer(r.req)
	s.source, _ = netip.ParseAddrPort(r.req.Source())
	s.network = s.d.network
	return s
}

// serve lets the application decide about an inbound session.
func (s *Session) serve() {
	defer s.e.tasks.Done()
	defer s.e.running.Add(-1)
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("sip invite handler panicked", "panic", p, "stack", string(debug.Stack()))
		}
		// A handler that leaves without a final response refuses; after an
		// answer or a refusal this changes nothing.
		_ = s.Reject(sip.StatusInternalServerError, "")
	}()
	if s.replaces != nil {
		s.e.replacer.Replace(s.replaces, s)
		return
	}
	s.e.h.Invite(s)
}

// watch passes the ACKs on that share the branch of the INVITE, and tells
// when its transaction is over.
func (s *Session) watch(r *responder) {
	defer s.e.tasks.Done()
	defer s.e.running.Add(-1)
	s.watchTx(r)
}

func (s *Session) watchTx(r *responder) {
	for {
		select {
		case ack := <-r.tx.Acks():
			s.post(message{in: inAck, req: ack})
		case <-r.tx.Done():
			s.post(message{in: inTxFail, from: r, err: r.tx.Err()})
			return
		}
	}
}

// describe tells an administrator what the session is about to do.
func (s *Session) describe() string { return s.dir.String() + " " + state(s.shown.Load()).String() }

// ID is unique within the process.
func (s *Session) ID() string { return s.id }

// CallID is the SIP Call-ID.
func (s *Session) CallID() string { return s.key.callID }

// Direction tells who called.
func (s *Session) Direction() Direction { return s.dir }

// Request is the INVITE of an inbound session; nil for outbound. Read only.
func (s *Session) Request() *sip.Request {
	if s.first == nil {
		return nil
	}
	return s.first.req
}

// Source is the address the inbound INVITE came from; the destination of an
// outbound one, invalid when that is a name.
func (s *Session) Source() netip.AddrPort { return s.source }

// Transport is "udp", "tcp", "tls", "ws" or "wss".
func (s *Session) Transport() string { return s.network }

// RemoteSDP is the newest session description of the peer, nil without one.
func (s *Session) RemoteSDP() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.remoteSDP
}

func (s *Session) setRemoteSDP(sdp []byte) {
	if sdp == nil {
		return
	}
	s.mu.Lock()
	s.remoteSDP = sdp
	s.mu.Unlock()
}

func (s *Session) peerTag() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.remoteTag
}

func (s *Session) setPeerTag(tag string) {
	s.mu.Lock()
	s.remoteTag = tag
	s.mu.Unlock()
}

// Ring sends a provisional response, 101 to 199; sdp may be nil.
func (s *Session) Ring(code int, sdp []byte) error {
	if code <= 100 || code > 199 {
		return ErrState
	}
	return s.ask(inRing, &wish{code: code, sdp: sdp})
}

// Answer sends 200 and returns when it is sent; Confirmed follows on the ACK.
func (s *Session) Answer(sdp []byte) error { return s.ask(inAnswer, &wish{sdp: sdp}) }

// Reject refuses an inbound call with a final response, 300 to 699.
func (s *Session) Reject(code int, reason string, headers ...sip.Header) error {
	if code < 300 || code > 699 {
		return ErrState
	}
	return s.ask(inReject, &wish{code: code, reason: reason, headers: headers})
}

// Reoffer sends a re-INVITE and returns the peer's answer. A refusal is a
// *StatusError and leaves the session as it was; glare is retried as RFC 3261
// section 14.1 says until ctx ends.
func (s *Session) Reoffer(ctx context.Context, sdp []byte) ([]byte, error) {
	w := &wish{ctx: ctx, sdp: sdp}
	err := s.askContext(ctx, inReoffer, w)
	if err != nil {
		return nil, err
	}
	return w.answer, nil
}

// Info sends an INFO request within the dialog and waits for its 2xx.
func (s *Session) Info(ctx context.Context, contentType string, body []byte) error {
	return s.askContext(ctx, inInfo, &wish{ctx: ctx, reason: contentType, sdp: body})
}

// Hangup ends the session whatever its state: CANCEL, BYE or refusal. It is
// idempotent, never blocks, and the session is over for the application when
// Done is closed. An inbound call that was not answered is refused with
// cause.Code if that is a refusal, else with 480.
func (s *Session) Hangup(cause Cause) {
	s.post(message{in: inHangup, cause: cause})
}

// Events gives what happens, in order; it is closed after Ended. A consumer
// that does not read loses the oldest events first, never Ended.
func (s *Session) Events() <-chan Event { return s.events }

// Done is closed when the session is over for the application.
func (s *Session) Done() <-chan struct{} { return s.done }

// Cause tells why the session ended; zero before that.
func (s *Session) Cause() Cause {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cause
}

// Context is cancelled when the session is over.
func (s *Session) Context() context.Context { return s.ctx }

// wish is something the application asks for.
type wish struct {
	ctx       context.Context
	code      int
	reason    string
	headers   []sip.Header
	sdp       []byte
	update    bool // an UPDATE and not a re-INVITE
	refresh   bool // the session timer's own
	answer    []byte
	challenge *sip.Response // what a re-INVITE was refused with
	reply     chan error
}

func (w *wish) grant(err error) {
	select {
	case w.reply <- err:
	default:
	}
}

func (s *Session) ask(in input, w *wish) error {
	return s.askContext(context.Background(), in, w)
}

func (s *Session) askContext(ctx context.Context, in input, w *wish) error {
	w.reply = make(chan error, 1)
	if !s.post(message{in: in, wish: w}) {
		return ErrEnded
	}
	select {
	case err := <-w.reply:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-s.gone:
		select {
		case err := <-w.reply:
			return err
		default:
			return ErrEnded
		}
	}
}

// body is the session description of a message, nil without one.
func body(m sip.Message) []byte {
	if len(m.Body()) == 0 {
		return nil
	}
	return m.Body()
}

func (s *Session) setLocalSDP(sdp []byte) {
	if sdp != nil {
		s.localSDP = sdp
	}
}
