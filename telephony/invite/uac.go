package invite

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Dial starts a call and returns at once; Events tells how it goes. When ctx
// ends the session is hung up, answered or not.
func (e *Endpoint) Dial(ctx context.Context, out Outgoing) (*Session, error) {
	if out.To.Host == "" || len(out.Offer) == 0 {
		return nil, fmt.Errorf("invite: a call needs a target and an offer: %w", ErrState)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s := newSession(e, Outbound)
	s.out = out
	s.state = calling
	s.shown.Store(uint32(calling))
	s.network = strings.ToLower(out.Transport)
	if s.network == "" {
		s.network = networkTo(out.To)
	}
	if !slices.Contains(networks, s.network) || (isSips(out.To) && !secure(s.network)) {
		return nil, fmt.Errorf("invite: cannot call %s: over %q: %w", out.To.Scheme, s.network, ErrState)
	}
	dest := out.Destination
	if dest == "" {
		port := out.To.Port
		if port == 0 {
			port = sip.DefaultPort(s.network)
		}
		dest = net.JoinHostPort(strings.Trim(out.To.Host, "[]"), strconv.Itoa(port))
	}
	s.source, _ = netip.ParseAddrPort(dest)
	s.d = e.callingDialog(out, s.network, dest)
	s.key = dialogKey{s.d.callID, s.d.localTag}
	e.mu.Lock()
	switch {
	case e.phase != serving:
		e.mu.Unlock()
		return nil, ErrStopped
	case len(e.sessions) >= e.opts.Limits.Sessions:
		e.mu.Unlock()
		return nil, ErrLimit
	}
	e.sessions[s.key] = s
	e.active.Add(1)
	e.total.Add(1)
	e.tasks.Add(1)
	e.running.Add(1)
	e.mu.Unlock()
	go s.loop()
	stop := context.AfterFunc(ctx, func() { s.Hangup(Cause{By: Local, Reason: "context ended"}) })
	context.AfterFunc(s.ctx, func() { stop() })
	return s, nil
}

// callingDialog is what is known of the dialog before any response.
func (e *Endpoint) callingDialog(out Outgoing, network, dest string) dialog {
	from := out.From
	if from.Host == "" {
		from = e.ContactURI(from.User, network, dest)
		from.Port, from.UriParams = 0, nil
	}
	to := *out.To.Clone()
	to.UriParams, to.Headers = nil, nil
	return dialog{
		callID: e.newCallID(), localTag: sip.GenerateTagN(12),
		local: party{out.FromName, from}, remote: party{"", to},
		target: *out.To.Clone(), flow: dest, network: network, sips: isSips(out.To), mark: markOf(out),
	}
}

// markOf says how the requests of a call may be reached.
func markOf(out Outgoing) string {
	switch {
	case out.Flow:
		return onlyFlow
	case out.ServerName != "":
		return serverName + out.ServerName
	}
	return ""
}

// begin sends the first INVITE.
func (s *Session) begin() {
	s.sendInvite(nil)
	if s.out.RingTimeout > 0 {
		s.arm(timerRing, s.out.RingTimeout)
	}
}

// sendInvite sends an INVITE outside a dialog, with credentials when the last
// one was challenged.
func (s *Session) sendInvite(challenge *sip.Response) {
	prev := s.inv
	req := s.e.request(&s.d, sip.INVITE)
	// A proxy on the way must not shortcut what the application addressed.
	req.SetDestination(s.d.flow)
	for _, h := range s.out.Headers {
		req.AppendHeader(sip.HeaderClone(h))
	}
	req.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
	req.SetBody(s.out.Offer)
	s.localSDP, s.bargain.ours = s.out.Offer, true
	s.timerRequest(req)
	if prev != nil {
		for _, name := range []string{"Authorization", "Proxy-Authorization"} {
			if h := prev.req.GetHeader(name); h != nil { // both a proxy and the callee may ask
				req.AppendHeader(sip.HeaderClone(h))
			}
		}
	}
	if challenge != nil {
		if err := authorize(req, challenge, *s.out.Credentials); err != nil {
			s.state = gone
			s.finish(Cause{By: Remote, Code: challenge.StatusCode, Reason: challenge.Reason})
			return
		}
	}
	s.forks, s.fork = nil, nil
	if s.out.ResponseTimeout > 0 {
		s.arm(timerResponse, s.out.ResponseTimeout)
	}
	s.inv = newInviteTx(s, req, false)
	s.e.task(s.inv.run)
}

// authenticate answers a challenge with a new INVITE (RFC 3261 section 22.2).
func (s *Session) authenticate(res *sip.Response) {
	s.tries++
	s.sendInvite(res)
}

// progress tells of a provisional response and starts Timer C again.
func (s *Session) progress(res *sip.Response) {
	s.disarm(timerResponse)
	s.arm(timerC, s.e.timers.TimerC)
	f := s.learnFork(res)
	sdp := body(res)
	if f != nil {
		rseq, wanted := reliableOf(res)
		if wanted && !s.acknowledgeEarly(f, rseq) {
			return
		}
		if sdp != nil {
			f.sdp, f.answered = sdp, f.answered || wanted
		}
	}
	s.setRemoteSDP(sdp)
	if res.StatusCode > 100 {
		s.emit(Progress{Code: res.StatusCode, SDP: sdp, Fork: toTag(res)})
	}
}

// learn takes the dialog of the first 2xx.
func (s *Session) learn(res *sip.Response) {
	seq := s.d.localSeq
	s.d = outboundDialog(res, s.inv.req.Recipient, s.inv.req.MessageData.Destination())
	s.d.localSeq = max(seq, s.d.localSeq)
	s.d.mark = markOf(s.out)
	s.setPeerTag(s.d.remoteTag)
	s.learnPeer(res)
}

func (s *Session) answered(res *sip.Response) {
	s.disarm(timerRing)
	s.disarm(timerC)
	s.disarm(timerResponse)
	s.markAnswered()
	s.learn(res)
	s.bargain.ours = false
	sdp := body(res)
	if f := s.forks[s.d.remoteTag]; f != nil {
		s.d.remoteSeq = f.d.remoteSeq
		if sdp == nil || f.answered { // the answer came before; another must be ignored (RFC 3261 section 13.2.1)
			sdp = f.sdp
		}
	}
	s.forks, s.fork = nil, nil
	s.setRemoteSDP(sdp)
	s.timerAnswer(res)
	s.emit(Answered{SDP: sdp})
	s.releaseBye()
}

// releaseBye takes the BYE that overtook the 2xx.
func (s *Session) releaseBye() {
	if m := s.early; m != nil {
		s.early = nil
		if s.post(*m) {
			return
		}
		m.from.settle(sip.StatusCallTransactionDoesNotExists)
	}
}

// giveUp ends a call of ours that has no final response yet.
func (s *Session) giveUp(a action, m message) {
	switch a {
	case actSendCancel: // over for the application before
	case actCancel:
		s.finish(orDefault(m.cause, s.e, sip.StatusRequestTerminated))
	case actExpireOver: // the state calling has heard nothing
		s.finish(Cause{By: System, Code: sip.StatusRequestTimeout, Reason: "no response"})
	default:
		s.finish(Cause{By: System, Code: sip.StatusRequestTimeout, Reason: "not answered in time"})
	}
	if a == actExpireOver {
		return
	}
	req := cancelOf(s.inv.req)
	s.e.task(func() { _, _ = s.e.roundTrip(s.e.ctx, req) })
	s.arm(timerCancelWait, s.e.timers.transaction())
}

// crossed ends the dialog of a 2xx that came in spite of our CANCEL.
func (s *Session) crossed(res *sip.Response) {
	s.disarm(timerCancelWait)
	s.e.crossed.Add(1)
	s.learn(res)
	s.sendBye()
	s.releaseBye()
}

// cancelOf builds the CANCEL of an INVITE (RFC 3261 section 9.1).
func cancelOf(invite *sip.Request) *sip.Request {
	req := sip.NewRequest(sip.CANCEL, *invite.Recipient.Clone())
	req.SetTransport(invite.Transport())
	req.SetDestination(invite.MessageData.Destination())
	req.SetSource(invite.MessageData.Source())
	req.Laddr = invite.Laddr
	req.AppendHeader(sip.HeaderClone(invite.Via()))
	for _, h := range invite.GetHeaders("Route") {
		req.AppendHeader(sip.HeaderClone(h))
	}
	hops := sip.MaxForwardsHeader(70)
	req.AppendHeader(&hops)
	req.AppendHeader(sip.HeaderClone(invite.From()))
	req.AppendHeader(sip.HeaderClone(invite.To()))
	req.AppendHeader(sip.HeaderClone(invite.CallID()))
	req.AppendHeader(&sip.CSeqHeader{SeqNo: invite.CSeq().SeqNo, MethodName: sip.CANCEL})
	req.SetBody(nil)
	return req
}

// retryWish reads Retry-After, whose comment and parameters say nothing that
// is acted upon.
func retryWish(res *sip.Response) time.Duration {
	h := res.GetHeader("Retry-After")
	if h == nil {
		return 0
	}
	v := strings.TrimSpace(h.Value())
	if end := strings.IndexFunc(v, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
		v = v[:end]
	}
	seconds, err := strconv.ParseUint(v, 10, 31)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
