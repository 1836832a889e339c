package phone

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"hotline/telephony/invite"
	"hotline/telephony/media"
)

// DialOptions of a call; the zero value calls from the phone's own account.
type DialOptions struct {
	// From replaces the user part of the caller's address, as a trunk does.
	From     string
	FromName string
	// RingTimeout cancels the call when it is not answered by then; 0 never.
	RingTimeout time.Duration
	// Replaces is a call of another of the user's phones, whose place this one is to take (RFC 3891).
	Replaces *Call
	Headers  []sip.Header
}

func (o DialOptions) headers() []sip.Header {
	if o.Replaces == nil {
		return o.Headers
	}
	return append(slices.Clone(o.Headers), sip.NewHeader("Require", "replaces"), sip.NewHeader("Replaces", o.Replaces.session.Dialog().String()))
}

// Call is one call of a phone, incoming or outgoing. Safe for concurrent use.
type Call struct {
	phone   *Phone
	session *invite.Session
	to      sip.Uri // who was called
	leg     *media.Leg
	meter   *meter
	start   time.Time

	answered   chan struct{}
	done       chan struct{}
	answerOnce sync.Once
	busy       sync.Mutex // one negotiation at a time

	mu         sync.Mutex
	setup      time.Duration
	answer     time.Duration
	answeredAt time.Time
	ended      time.Time
	cause      invite.Cause
	fault      error
}

// Dial calls a number at the registrar, or a SIP address ("sip:…"). It returns at once; WaitAnswered waits. The end of ctx hangs up.
func (p *Phone) Dial(ctx context.Context, to string) (*Call, error) {
	return p.DialWith(ctx, to, DialOptions{})
}

// DialWith is Dial with options.
func (p *Phone) DialWith(ctx context.Context, to string, opts DialOptions) (*Call, error) {
	uri, dest, err := p.target(to)
	if err != nil {
		return nil, err
	}
	from := sip.Uri{Scheme: "sip", User: p.opts.User, Host: p.opts.Domain}
	if opts.From != "" {
		from.User = opts.From
	}
	if from.Host == "" {
		own := p.endpoint.ContactURI("", p.opts.Network, dest)
		from.Host, from.Port = own.Host, own.Port
	}
	name := opts.FromName
	if name == "" {
		name = p.opts.Name
	}
	leg, err := p.ports.Open(p.legOptions(netip.Addr{}))
	if err != nil {
		return nil, fmt.Errorf("phone: %w", err)
	}
	out := invite.Outgoing{
		To: uri, From: from, FromName: name, Destination: dest, Transport: p.opts.Network,
		Offer: leg.Offer(), Headers: opts.headers(), RingTimeout: opts.RingTimeout,
	}
	if dest != "" {
		out.ServerName = p.serverName()
	}
	if p.opts.Secret != "" {
		out.Credentials = &invite.Credentials{User: p.opts.User, Secret: p.opts.Secret}
	}
	start := p.now()
	session, err := p.endpoint.Dial(ctx, out)
	if err != nil {
		leg.Close()
		return nil, fmt.Errorf("phone: dial: %w", err)
	}
	c := p.track(session, leg, start)
	c.to = uri
	p.tasks.Add(1)
	go func() {
		defer p.tasks.Done()
		c.run()
	}()
	return c, nil
}

func (p *Phone) newCall(s *invite.Session, opts media.LegOptions) (*Call, error) {
	leg, err := p.ports.Open(opts)
	if err != nil {
		return nil, fmt.Errorf("phone: %w", err)
	}
	return p.track(s, leg, p.now()), nil
}

func (p *Phone) track(s *invite.Session, leg *media.Leg, start time.Time) *Call {
	c := &Call{
		phone: p, session: s, leg: leg, start: start, meter: newMeter(p.now),
		answered: make(chan struct{}), done: make(chan struct{}),
	}
	leg.Receive(c.meter.hear)
	p.mu.Lock()
	p.calls[c] = struct{}{}
	p.mu.Unlock()
	return c
}

// run follows the session until it ends.
func (c *Call) run() {
	for event := range c.session.Events() {
		switch e := event.(type) {
		case invite.Progress:
			c.progress(e)
		case invite.Answered:
			c.accept(e.SDP)
		case invite.Confirmed:
			if len(e.SDP) > 0 {
				c.accept(e.SDP)
			}
		case invite.Acknowledged:
			c.renegotiated(e.SDP)
		case invite.Refreshed:
			c.renegotiated(e.SDP)
		case invite.Reoffered:
			c.reoffered(e)
		case invite.Referred:
			c.referred(e)
		case invite.Ended:
			c.mu.Lock()
			c.cause = e.Cause
			c.mu.Unlock()
		}
	}
	c.leg.Close()
	c.mu.Lock()
	c.ended = c.phone.now()
	c.mu.Unlock()
	c.phone.mu.Lock()
	delete(c.phone.calls, c)
	c.phone.mu.Unlock()
	close(c.done)
}

func (c *Call) progress(e invite.Progress) {
	c.mu.Lock()
	if c.setup == 0 {
		c.setup = c.phone.now().Sub(c.start)
	}
	c.mu.Unlock()
	if len(e.SDP) > 0 {
		if err := c.leg.Accept(e.SDP); err != nil {
			c.phone.log.Debug("early media not usable", "err", err)
		}
	}
}

// accept reads the other side's answer; without a usable one the call makes no sense.
func (c *Call) accept(answer []byte) {
	if err := c.leg.Accept(answer); err != nil {
		c.mu.Lock()
		c.fault = fmt.Errorf("phone: answer: %w", err)
		c.mu.Unlock()
		c.Hangup()
		return
	}
	c.markAnswered()
}

func (c *Call) markAnswered() {
	c.answerOnce.Do(func() {
		c.mu.Lock()
		c.answeredAt = c.phone.now()
		c.answer = c.answeredAt.Sub(c.start)
		if c.setup == 0 {
			c.setup = c.answer
		}
		c.mu.Unlock()
		c.meter.begin()
		close(c.answered)
	})
}

func (c *Call) isAnswered() bool {
	select {
	case <-c.answered:
		return true
	default:
		return false
	}
}

// renegotiated takes an answer that came in a PRACK or to a refresh of the session.
func (c *Call) renegotiated(answer []byte) {
	if len(answer) == 0 {
		return
	}
	if err := c.leg.Accept(answer); err != nil {
		c.phone.log.Debug("answer not usable", "err", err)
	}
}

func (c *Call) reoffered(e invite.Reoffered) {
	if len(e.SDP) == 0 {
		e.Reply(c.leg.Offer(), sip.StatusOK)
		return
	}
	answer, err := c.leg.Answer(e.SDP)
	if err != nil {
		e.Reply(nil, statusOf(err))
		return
	}
	e.Reply(answer, sip.StatusOK)
}

// statusOf is the SIP status for an error of negotiation.
func statusOf(err error) int {
	switch {
	case errors.Is(err, media.ErrBadSDP):
		return sip.StatusBadRequest
	case errors.Is(err, media.ErrNoAudio), errors.Is(err, media.ErrNoCodec):
		return sip.StatusNotAcceptableHere
	}
	return sip.StatusInternalServerError
}

// Answer takes an incoming call; it returns when the 200 has been sent. An offer that the phone cannot take is rejected and the error returned.
func (c *Call) Answer() error {
	c.busy.Lock()
	defer c.busy.Unlock()
	offer := c.session.RemoteSDP()
	if len(offer) == 0 {
		if err := c.session.Answer(c.leg.Offer()); err != nil {
			return fmt.Errorf("phone: answer: %w", err)
		}
		return nil
	}
	answer, err := c.leg.Answer(offer)
	if err != nil {
		c.phone.refuse(c.session, statusOf(err))
		return fmt.Errorf("phone: answer: %w", err)
	}
	if err := c.session.Answer(answer); err != nil {
		return fmt.Errorf("phone: answer: %w", err)
	}
	c.markAnswered()
	return nil
}

// Reject refuses an incoming call that is not answered; afterwards it does nothing.
func (c *Call) Reject(code int) { c.phone.refuse(c.session, code) }

// Hangup ends the call whatever its state: CANCEL, BYE or a rejection. Idempotent; Done tells when it is over.
func (c *Call) Hangup() {
	c.session.Hangup(invite.Cause{By: invite.Local, At: c.phone.now()})
}

// Hold asks the other side to listen only (on) or to talk again, by a re-INVITE.
func (c *Call) Hold(ctx context.Context, on bool) error {
	c.busy.Lock()
	defer c.busy.Unlock()
	c.leg.Hold(on)
	answer, err := c.session.Reoffer(ctx, c.leg.Offer())
	if err != nil {
		return fmt.Errorf("phone: hold: %w", err)
	}
	if err := c.leg.Accept(answer); err != nil {
		return fmt.Errorf("phone: hold: %w", err)
	}
	return nil
}

// Answered is closed when the call is answered and its audio agreed.
func (c *Call) Answered() <-chan struct{} { return c.answered }

// WaitAnswered waits for the answer; the error is ErrEnded with the cause when the call ends without one, or that of ctx.
func (c *Call) WaitAnswered(ctx context.Context) error {
	select {
	case <-c.answered:
		return nil
	case <-c.done:
		if c.isAnswered() {
			return nil
		}
		cause := c.Cause()
		err := fmt.Errorf("%w: %d %s", ErrEnded, cause.Code, cause.Reason)
		c.mu.Lock()
		defer c.mu.Unlock()
		return errors.Join(err, c.fault)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Done is closed when the call is over and its RTP port free again.
func (c *Call) Done() <-chan struct{} { return c.done }

// Cause tells why the call ended; zero before.
func (c *Call) Cause() invite.Cause {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cause
}

// CallID is the SIP Call-ID.
func (c *Call) CallID() string { return c.session.CallID() }

// Remote is the user part of the other side's address: the caller of an incoming call, else "".
func (c *Call) Remote() string {
	if req := c.session.Request(); req != nil && c.session.Direction() == invite.Inbound && req.From() != nil {
		return req.From().Address.User
	}
	return ""
}

// Session is the SIP session below the call, for tests.
func (c *Call) Session() *invite.Session { return c.session }

// Leg is the audio below the call, for tests.
func (c *Call) Leg() *media.Leg { return c.leg }
