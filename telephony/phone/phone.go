package phone

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"hotline/telephony/invite"
	"hotline/telephony/media"
)

// Errors of phones.
var (
	// ErrNoRegistrar: the phone was made without Options.Registrar, and a number alone says not where to send to.
	ErrNoRegistrar = errors.New("phone: no registrar given")
	// ErrEnded: the call is over.
	ErrEnded = errors.New("phone: the call is over")
)

// RefusedError is a final response that refused a registration.
type RefusedError struct {
	Code   int
	Reason string
}

// Error implements error.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("phone: refused with %d %s", e.Code, e.Reason)
}

// Options of a phone. The zero value calls SIP addresses from a port of 127.0.0.1 that the system chooses.
type Options struct {
	// User is the number or account: the user part of the phone's address. "" is "phone".
	User string
	// Name is shown to who is called.
	Name string
	// Secret answers digest challenges; MD5 or SHA-256, as the server asks.
	Secret string
	// Registrar is "host:port" of the server that registrations and calls to bare numbers go to.
	Registrar string
	// Domain is the host part of the phone's address; "" is the registrar's host.
	Domain string
	// Listen is the address of the phone's SIP socket; "" is 127.0.0.1:0 over udp and tcp. Over tls, ws and wss a phone
	// without it takes no connections, as browsers do not: it is called over its own connection to the registrar.
	Listen string
	// Network is "udp" ("" too), "tcp", "tls", "ws" or "wss".
	Network string
	// TLS has the roots that servers are checked against, or InsecureSkipVerify; nil is the system's roots. Certificate has
	// the phone's own certificate, which it needs to listen over tls and wss.
	TLS, Certificate *tls.Config
	// Instance is the phone's identity as a URN, such as "urn:uuid:…" (RFC 5626 section 4.1); registrations then replace
	// those of the same instance. None when empty.
	Instance string
	// RTP says where audio is received. Ports, when given, is used instead and stays open on Stop, so that phones can share it.
	RTP   media.PortOptions
	Ports *media.Ports
	// Codecs in the order of preference; empty is PCMA, PCMU.
	Codecs []media.Codec
	// Security says whether audio is encrypted (SRTP with keys in the SDP).
	Security media.SecurityUse
	// WebRTC calls as a browser does, and takes what a browser is offered.
	WebRTC bool
	// Timers of SIP; see invite.Timers.
	Timers invite.Timers
	// Reliable says when provisional responses ask for a PRACK.
	Reliable invite.Reliability
	// Session are the settings of session timers.
	Session invite.SessionTimer
	// OnCall is asked about each incoming call on a goroutine of its own; it answers or rejects, and a call that it leaves
	// unanswered is rejected with 480. Without it calls are rejected with 486.
	OnCall func(*Call)
	// OnRefer lets the other side of a call transfer this phone: the phone calls whom it is told to and OnRefer is given the new
	// call at once. Without it REFER is declined.
	OnRefer func(old, next *Call)
	// OnReplace is told of a call that took the place of another one of the phone's; it is answered already.
	OnReplace func(next *Call)
	// OnRing is the provisional response to an incoming call before OnCall is asked; 0 is 180, negative is none.
	OnRing int
	Now    func() time.Time
	Log    *slog.Logger
}

// Phone is a SIP user agent. Safe for concurrent use.
type Phone struct {
	opts      Options
	registrar netip.AddrPort
	endpoint  *invite.Endpoint
	ports     *media.Ports
	now       func() time.Time
	log       *slog.Logger

	ctx    context.Context
	cancel context.CancelFunc
	tasks  sync.WaitGroup

	mu     sync.Mutex
	onCall func(*Call)
	calls  map[*Call]struct{}

	regMu      sync.Mutex
	registered *registration
}

// New checks the options; no socket is opened before Start.
func New(opts Options) (*Phone, error) {
	if opts.User == "" {
		opts.User = "phone"
	}
	if opts.Network == "" {
		opts.Network = "udp"
	}
	if opts.Listen == "" && (opts.Network == "udp" || opts.Network == "tcp") {
		opts.Listen = "127.0.0.1:0"
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	p := &Phone{opts: opts, now: opts.Now, log: opts.Log, onCall: opts.OnCall, calls: make(map[*Call]struct{}), ports: opts.Ports}
	if opts.Registrar != "" {
		addr, err := net.ResolveUDPAddr("udp", opts.Registrar)
		if err != nil {
			return nil, fmt.Errorf("phone: registrar %q: %w", opts.Registrar, err)
		}
		a := addr.AddrPort()
		p.registrar = netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
	}
	if p.opts.Domain == "" && p.registrar.IsValid() {
		p.opts.Domain, _, _ = net.SplitHostPort(opts.Registrar)
	}
	var listen []invite.Listen
	if opts.Listen != "" {
		listen = []invite.Listen{{Network: opts.Network, Addr: opts.Listen}}
	}
	endpoint, err := invite.New(invite.Options{
		Listen: listen, UserAgent: "hotline-phone", TLS: opts.Certificate, DialTLS: opts.TLS,
		Timers: opts.Timers, Reliable: opts.Reliable, Session: opts.Session, Now: opts.Now, Log: opts.Log,
	}, (*handler)(p))
	if err != nil {
		return nil, fmt.Errorf("phone: %w", err)
	}
	p.endpoint = endpoint
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p, nil
}

// Start opens the sockets; it listens when it returns.
func (p *Phone) Start(ctx context.Context) error {
	if p.ports == nil {
		opts := p.opts.RTP
		// What registers over WebSocket is taken for a browser and offered what one is.
		opts.FullICE = opts.FullICE || p.opts.WebRTC || p.opts.Network == "ws" || p.opts.Network == "wss"
		if opts.Now == nil {
			opts.Now = p.now
		}
		if opts.Log == nil {
			opts.Log = p.log
		}
		ports, err := media.NewPorts(opts)
		if err != nil {
			return fmt.Errorf("phone: %w", err)
		}
		p.ports = ports
	}
	if err := p.endpoint.Start(ctx); err != nil {
		return fmt.Errorf("phone: %w", err)
	}
	return nil
}

// Stop hangs up, ends the refreshing of the registration (Unregister says so to the server) and closes the sockets.
func (p *Phone) Stop(ctx context.Context) error {
	p.cancel()
	err := p.endpoint.Stop(ctx)
	p.tasks.Wait()
	if p.opts.Ports == nil && p.ports != nil {
		p.ports.Close()
	}
	if err != nil {
		return fmt.Errorf("phone: %w", err)
	}
	return nil
}

// OnCall replaces Options.OnCall for calls that come from now on.
func (p *Phone) OnCall(fn func(*Call)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.onCall = fn
}

// User is the account.
func (p *Phone) User() string { return p.opts.User }

// serverName is the name that the registrar's certificate must have.
func (p *Phone) serverName() string {
	host, _, err := net.SplitHostPort(p.opts.Registrar)
	if err != nil {
		return ""
	}
	return host
}

// Addr is the SIP socket's address, after Start; invalid when the phone takes no connections.
func (p *Phone) Addr() netip.AddrPort { return p.endpoint.Addr(p.opts.Network) }

// URI is an address at which the phone can be called without a registrar.
func (p *Phone) URI() string {
	uri := "sip:" + p.opts.User + "@" + p.Addr().String()
	if p.opts.Network != "udp" {
		uri += ";transport=" + p.opts.Network
	}
	return uri
}

// Calls are the calls that are not over.
func (p *Phone) Calls() []*Call {
	p.mu.Lock()
	defer p.mu.Unlock()
	calls := make([]*Call, 0, len(p.calls))
	for c := range p.calls {
		calls = append(calls, c)
	}
	return calls
}

// Ports is where the phone's RTP is received, after Start.
func (p *Phone) Ports() *media.Ports { return p.ports }

// Endpoint is the SIP endpoint below the phone, for tests that look at what is left behind.
func (p *Phone) Endpoint() *invite.Endpoint { return p.endpoint }

// target turns a number or a SIP address into a URI and the address to send to.
func (p *Phone) target(to string) (uri sip.Uri, dest string, err error) {
	if len(to) > 4 && (to[:4] == "sip:" || to[:4] == "SIP:") {
		if err := sip.ParseUri(to, &uri); err != nil {
			return uri, "", fmt.Errorf("phone: address: %w", err)
		}
		if _, err := netip.ParseAddr(uri.Host); err == nil || !p.registrar.IsValid() {
			return uri, "", nil
		}
		return uri, p.registrar.String(), nil
	}
	if !p.registrar.IsValid() {
		return uri, "", ErrNoRegistrar
	}
	uri = sip.Uri{Scheme: "sip", User: to, Host: p.opts.Domain}
	if _, err := netip.ParseAddr(p.opts.Domain); err == nil {
		uri.Port = int(p.registrar.Port())
	}
	return uri, p.registrar.String(), nil
}

// handler keeps invite's methods out of Phone's own.
type handler Phone

// Invite handles an incoming call until it is over.
func (h *handler) Invite(s *invite.Session) {
	p := (*Phone)(h)
	p.mu.Lock()
	onCall := p.onCall
	p.mu.Unlock()
	if onCall == nil || p.ctx.Err() != nil {
		p.refuse(s, sip.StatusBusyHere)
		return
	}
	c, err := p.newCall(s, p.legOptions(s.Source().Addr()))
	if err != nil {
		p.log.Warn("phone takes no call", "err", err)
		p.refuse(s, sip.StatusServiceUnavailable)
		return
	}
	if p.opts.OnRing >= 0 {
		code := p.opts.OnRing
		if code == 0 {
			code = sip.StatusRinging
		}
		if err := s.Ring(code, nil); err != nil {
			p.log.Debug("ringing not sent", "err", err)
		}
	}
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		onCall(c)
		if !c.isAnswered() {
			c.Reject(sip.StatusTemporarilyUnavailable)
		}
	}()
	c.run()
	<-asked
}

// legOptions are those of a call's leg; signal is where an incoming call's signalling comes from.
func (p *Phone) legOptions(signal netip.Addr) media.LegOptions {
	opts := media.LegOptions{Codecs: p.opts.Codecs, Security: p.opts.Security, SignalIP: signal, Name: p.opts.User}
	if p.opts.WebRTC && !signal.IsValid() {
		opts.WebRTC = media.OfferWebRTC
	}
	return opts
}

// refuse rejects a session; one that ended meanwhile needs no answer.
func (p *Phone) refuse(s *invite.Session, code int) {
	if err := s.Reject(code, ""); err != nil {
		p.log.Debug("rejection not sent", "err", err)
	}
}

// Request answers OPTIONS; a phone does nothing else outside calls.
func (h *handler) Request(req *sip.Request, _ netip.AddrPort, tx invite.Responder) {
	code := sip.StatusMethodNotAllowed
	if req.Method == sip.OPTIONS {
		code = sip.StatusOK
	}
	if err := tx.Reply(code, ""); err != nil {
		h.log.Debug("response not sent", "err", err)
	}
}
