package telephony

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/emiago/sipgo/sip"

	"hotline/telephony/invite"
	"hotline/telephony/trunk"
)

// route is where a seat's own call goes.
type route struct {
	direction Direction
	out       invite.Outgoing // to the other seat
	seat      string          // the other seat
	number    string          // national number, of a call through a trunk
	line      string          // that it presents
	party     string          // the added party that it is for; partyTransfer
}

// partyTransfer marks attempts on behalf of a transfer.
const partyTransfer = "transfer"

// through leads to a number through the trunks that carry a line.
func (c *Center) through(number string) (route, error) {
	n := national(number)
	for _, l := range c.cfg.Lines {
		if len(n) >= 3 && c.trunks.leads(l.Number) {
			return route{direction: Outbound, number: n, line: l.Number}, nil
		}
	}
	return route{}, fmt.Errorf("%s: no way to call it: %w", masked(number), ErrNotFound)
}

// follow dials the other side of a seat's own call. An error means that
// nothing was ever sent; ended is then not called.
func (k *call) follow(ctx context.Context, p *party, r route, on dialing) error {
	if r.direction == Outbound {
		return k.throughTrunks(ctx, p, r, on)
	}
	return k.dial(ctx, p, r.out, on)
}

var errNoGateway = errors.New("telephony: no gateway has a free channel")

// throughTrunks tries gateways until one takes the call. It goes on to the
// next only while the called party cannot have noticed anything, and not when
// the answer is about the called party, such as busy.
func (k *call) throughTrunks(ctx context.Context, p *party, r route, on dialing) error {
	t := k.c.trunks
	end, tried := invite.Cause{By: invite.System, Code: sip.StatusServiceUnavailable}, 0
	for _, h := range t.hops(r.line, k.c.now()) {
		if ctx.Err() != nil {
			break
		}
		addrs, err := t.resolved(ctx, h.gw)
		if err != nil {
			k.log.Warn("a gateway's name has no address", "trunk", h.cr.Name, "gateway", h.gw.Name, "error", err)
			continue
		}
		if !h.cr.takeOut() {
			continue
		}
		next := true
		for _, addr := range addrs[:min(len(addrs), maxAddrs)] {
			tried++
			if end, next = k.attempt(ctx, p, r, h, addr, on); !next || ctx.Err() != nil {
				break
			}
			t.failovers.Add(1)
		}
		h.cr.giveOut()
		if !next {
			break
		}
	}
	if tried == 0 && ctx.Err() == nil {
		return errNoGateway
	}
	on.ended(end)
	return nil
}

// maxAddrs bounds how many addresses of one name a call tries.
const maxAddrs = 3

// attempt tries one address of one gateway and says how it ended and whether
// another may be tried.
func (k *call) attempt(ctx context.Context, p *party, r route, h hop, addr netip.AddrPort, on dialing) (invite.Cause, bool) {
	d := EventData{Attempt: int(k.tries.Add(1)), PartyID: r.party, Trunk: h.cr.Name, Gateway: h.gw.Name}
	k.record(EvTried, "", "", d)
	var end invite.Cause
	heard, committed := false, false
	out, on3xx := k.c.toGateway(h, addr, r), &moved{carrier: h.cr, transport: h.gw.Transport}
	on3xx.allow(&out)
	err := k.dial(ctx, p, out, dialing{
		codecs: h.cr.codecs, secure: h.cr.SRTP,
		progress: func(e invite.Progress) {
			heard = true
			// A bare 183 says no more than 100 does.
			committed = committed || e.Code != sip.StatusSessionInProgress || len(e.SDP) > 0
		},
		ringing: on.ringing,
		early:   on.early,
		answered: func() {
			heard, committed = true, true
			d.Code, d.Outcome, d.MovedTo = sip.StatusOK, OutcomeAnswered, on3xx.where()
			k.record(EvTriedEnded, "", "", d)
			on.answered()
		},
		ended: func(c invite.Cause) { end = c },
	})
	if err != nil {
		k.log.Warn("a gateway cannot be called", "trunk", h.cr.Name, "gateway", h.gw.Name, "error", err)
		end = invite.Cause{By: invite.System, Code: sip.StatusServiceUnavailable, Reason: "not sent"}
	}
	if d.Outcome == "" {
		d.Code, d.Outcome, d.MovedTo = end.Code, outcomeOf(end, heard), on3xx.where()
		k.record(EvTriedEnded, "", "", d)
	}
	k.c.trunks.judge(h.cr, h.gw, addr, end, heard)
	return end, !committed && mayGoOn(end)
}

// mayGoOn tells whether another gateway may do better.
func mayGoOn(end invite.Cause) bool {
	return end.By != invite.Local && (end.Code == sip.StatusRequestTimeout || end.Code/100 == 5 || end.Code/100 == 3)
}

// outcomeOf puts the end of an attempt that was not answered into a word.
func outcomeOf(end invite.Cause, heard bool) string {
	switch {
	case end.By == invite.Local:
		return OutcomeWithdrawn
	case end.By == invite.System && !heard:
		return OutcomeUnreachable
	case end.Code == 408 || end.Code == 480 || end.Code == 487:
		return OutcomeNoAnswer
	case end.Code >= 500 && end.Code < 600:
		return OutcomeFailed
	}
	return OutcomeRejected
}

// toGateway describes the INVITE to a gateway.
func (c *Center) toGateway(h hop, addr netip.AddrPort, r route) invite.Outgoing {
	cr := h.cr
	form := func(n string) string {
		if cr.Present.Form == E164Form {
			return trunk.E164(n)
		}
		return n
	}
	shown := r.line
	if cr.Present.Number != "" {
		shown = cr.Present.Number
	}
	from := c.fromURI(cr.rw.callerOut.Apply(form(shown)))
	if cr.Present.Domain != "" {
		from.Host, from.Port = cr.Present.Domain, 0
	}
	out := invite.Outgoing{
		To: h.gw.uri(cr.rw.calledOut.Apply(form(r.number))), From: from, FromName: cr.Present.Name,
		Destination: addr.String(), Transport: h.gw.Transport, RingTimeout: directRing, ResponseTimeout: cr.Patience,
	}
	if cr.Present.Asserted || cr.Present.Withhold {
		own := from
		if own.Host == "" { // the endpoint fills it in From alone
			own = c.endpoint.ContactURI(from.User, h.gw.Transport, addr.String())
			own.Port, own.UriParams = 0, nil
		}
		value := "<" + own.String() + ">"
		if name := cr.Present.Name; name != "" {
			value = `"` + name + `" ` + value
		}
		out.Headers = append(out.Headers, sip.NewHeader("P-Asserted-Identity", value))
	}
	if cr.Present.Withhold { // RFC 3323 section 4.1, RFC 3325 section 9.3
		out.From, out.FromName = sip.Uri{Scheme: "sip", User: Anonymous, Host: "anonymous.invalid"}, "Anonymous"
		out.Headers = append(out.Headers, sip.NewHeader("Privacy", "id"))
	}
	if cr.Auth.User != "" {
		out.Credentials = &invite.Credentials{User: cr.Auth.User, Secret: string(cr.Auth.Secret)}
	}
	return out
}

// Tried is one gateway that an outbound call was tried through.
type Tried struct {
	Attempt   int       `json:"attempt"`         // from 1, counted over the call
	Party     string    `json:"party,omitempty"` // the added party that it was for, or transfer
	Trunk     string    `json:"trunk"`
	Gateway   string    `json:"gateway"`
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at,omitzero"`  // final response, or given up
	Code      int       `json:"code,omitempty"`     // SIP status; 408 and 503 without an answer, too
	Outcome   string    `json:"outcome,omitempty"`  // answered, no_answer, rejected, unreachable, failed, withdrawn
	MovedTo   string    `json:"moved_to,omitempty"` // IP:port that the gateway sent the call on to
}

// apply of the events of attempts.
func (c *CDR) applyTried(e Event, d EventData) {
	if e.Type == EvTried {
		c.Tried = append(c.Tried, Tried{Attempt: d.Attempt, Party: d.PartyID, Trunk: d.Trunk, Gateway: d.Gateway, StartedAt: e.At})
		return
	}
	for i := range c.Tried {
		if t := &c.Tried[i]; t.Attempt == d.Attempt {
			t.EndedAt, t.Code, t.Outcome, t.MovedTo = e.At, d.Code, d.Outcome, d.MovedTo
		}
	}
	if d.Outcome == OutcomeAnswered && d.PartyID == "" {
		c.Trunk, c.Gateway = d.Trunk, d.Gateway
	}
}

// lost tells that a dialog broke: a request within it met 481, or nothing (RFC
// 3261 section 12.2.1.2). Nobody hung up.
func lost(c invite.Cause) bool {
	return c.By == invite.Remote && (c.Code == sip.StatusRequestTimeout || c.Code == sip.StatusCallTransactionDoesNotExists)
}
