package phone

import (
	"context"
	"errors"
	"fmt"

	"github.com/emiago/sipgo/sip"

	"hotline/telephony/invite"
)

// Resume ends a hold.
func (c *Call) Resume(ctx context.Context) error { return c.Hold(ctx, false) }

// Update negotiates the audio again, by an UPDATE and not a re-INVITE; it works before the answer too, once early media was agreed
// reliably.
func (c *Call) Update(ctx context.Context) error {
	c.busy.Lock()
	defer c.busy.Unlock()
	answer, err := c.session.Update(ctx, c.leg.Offer())
	if err != nil {
		return fmt.Errorf("phone: update: %w", err)
	}
	if err := c.leg.Accept(answer); err != nil {
		return fmt.Errorf("phone: update: %w", err)
	}
	return nil
}

// Early sends sound to a caller before the call is answered (183 with the answer to its offer).
func (c *Call) Early() error {
	c.busy.Lock()
	defer c.busy.Unlock()
	answer, err := c.leg.Answer(c.session.RemoteSDP())
	if err != nil {
		return fmt.Errorf("phone: early media: %w", err)
	}
	if err := c.session.Ring(sip.StatusSessionInProgress, answer); err != nil {
		return fmt.Errorf("phone: early media: %w", err)
	}
	return nil
}

// Transfer sends the other side to a number or a SIP address ("sip:…") and returns when it was answered there; this call is then
// ended, or about to be. A refusal is an *invite.StatusError and leaves the call as it was.
func (c *Call) Transfer(ctx context.Context, to string) error {
	uri, _, err := c.phone.target(to)
	if err != nil {
		return err
	}
	return c.refer(ctx, uri, invite.ReferOptions{})
}

// TransferTo connects the other sides of this call and of another one of the phone with each other (attended transfer).
func (c *Call) TransferTo(ctx context.Context, other *Call) error {
	return c.refer(ctx, other.remoteURI(), invite.ReferOptions{Replaces: other.session})
}

func (c *Call) refer(ctx context.Context, to sip.Uri, opts invite.ReferOptions) error {
	err := c.session.Refer(ctx, to, opts)
	if errors.Is(err, invite.ErrEnded) {
		return nil // the other side hung up instead of telling: it has gone
	}
	if err != nil {
		return fmt.Errorf("phone: transfer: %w", err)
	}
	return nil
}

// remoteURI is the address of the other side.
func (c *Call) remoteURI() sip.Uri {
	if req := c.session.Request(); req != nil && req.From() != nil {
		return req.From().Address
	}
	return c.to
}

// SendInfoDigits sends digits in INFO requests (application/dtmf-relay), as phones do that know no telephone events.
func (c *Call) SendInfoDigits(ctx context.Context, digits string) error {
	for _, d := range digits {
		body := fmt.Sprintf("Signal=%c\r\nDuration=160\r\n", d)
		if err := c.session.Info(ctx, "application/dtmf-relay", []byte(body)); err != nil {
			return fmt.Errorf("phone: digit by INFO: %w", err)
		}
	}
	return nil
}

// referred calls whom the other side asks for, and tells it how that goes. Without Options.OnRefer it is declined.
func (c *Call) referred(e invite.Referred) {
	p := c.phone
	if p.opts.OnRefer == nil {
		e.Reply(sip.StatusGlobalDecline)
		return
	}
	var opts DialOptions
	if e.Replaces != nil {
		opts.Headers = []sip.Header{sip.NewHeader("Replaces", e.Replaces.String())}
	}
	next, err := p.DialWith(p.ctx, e.To.String(), opts)
	if err != nil {
		p.log.Debug("transfer not made", "err", err)
		e.Reply(sip.StatusNotFound)
		return
	}
	e.Reply(sip.StatusAccepted)
	p.tasks.Go(func() {
		code := sip.StatusOK
		if next.WaitAnswered(p.ctx) != nil {
			code = max(next.Cause().Code, 400)
		}
		if err := c.session.Notify(p.ctx, code, ""); err != nil {
			p.log.Debug("transfer not told", "err", err)
		}
	})
	p.tasks.Go(func() { p.opts.OnRefer(c, next) })
}

// Replace implements invite.Replacer: a call that is sent in the place of one of the phone's is answered at once, and the old one
// ended.
func (h *handler) Replace(old, s *invite.Session) {
	p := (*Phone)(h)
	c, err := p.newCall(s, p.legOptions(s.Source().Addr()))
	if err != nil {
		p.refuse(s, sip.StatusServiceUnavailable)
		return
	}
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		if c.Answer() == nil {
			old.Hangup(invite.Cause{By: invite.Local, Reason: "replaced"})
			if p.opts.OnReplace != nil {
				p.opts.OnReplace(c)
			}
		}
	}()
	c.run()
	<-answered
}
