package invite

import (
	"errors"

	"github.com/emiago/sipgo/sip"
)

// localContact completes a response that makes or refreshes a dialog.
func (s *Session) localContact(res *sip.Response) {
	res.AppendHeader(&sip.ContactHeader{Address: s.e.contact(&s.d, s.d.flow)})
	res.AppendHeader(sip.NewHeader("Allow", Allowed))
}

func attach(res *sip.Response, sdp []byte) {
	if len(sdp) > 0 {
		res.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
		res.SetBody(sdp)
	}
}

// ring sends a provisional response.
func (s *Session) ring(w *wish) {
	if s.reliably(w.sdp) {
		s.ringReliably(w)
		s.rang = true
		return
	}
	res := s.first.response(w.code, "")
	s.localContact(res)
	attach(res, w.sdp)
	s.rang = true
	w.grant(s.outcome(s.first.Respond(res)))
}

// answer sends the 2xx. CANCEL may have been faster: then the call is over.
func (s *Session) answer(w *wish) {
	res := s.first.response(sip.StatusOK, "")
	s.localContact(res)
	s.timerResponse(s.first.req, res)
	if !s.bargain.early { // else the answer was in a reliable response (RFC 6337 section 3.1.1)
		attach(res, w.sdp)
		s.localSDP = w.sdp
		s.bargain.ours = !s.bargain.theirs // an offer where the INVITE had none
		s.bargain.theirs = false
	}
	err := s.first.Respond(res)
	if err == nil {
		s.stopReliable()
		s.markAnswered()
		s.disarm(timerRing)
		s.await(&awaitACK{r: s.first, res: res, seq: s.first.req.CSeq().SeqNo})
	}
	w.grant(s.outcome(err))
}

// outcome ends the session when a response could not be sent.
func (s *Session) outcome(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errCancelled), errors.Is(err, errAnswered):
		s.state = gone
		s.finish(Cause{By: Remote, Code: sip.StatusRequestTerminated})
		return ErrEnded
	default:
		s.state = gone
		s.finish(Cause{By: System, Code: sip.StatusServiceUnavailable, Reason: "transport failed"})
		return err
	}
}

// await starts the retransmission of a 2xx (RFC 3261 section 13.3.1.4; over
// reliable transports too, because a proxy may change the transport).
func (s *Session) await(w *awaitACK) {
	w.every = s.e.timers.T1
	s.wait = w
	s.arm(timerResend, w.every)
	s.arm(timerNoAck, s.e.timers.transaction())
}

func (s *Session) stopAwait() {
	s.wait = nil
	s.disarm(timerResend)
	s.disarm(timerNoAck)
}

// resend repeats the 2xx at doubling intervals up to T2.
func (s *Session) resend() {
	if s.wait == nil {
		return
	}
	s.wait.r.again(s.wait.res)
	s.wait.every = min(2*s.wait.every, s.e.timers.T2)
	s.arm(timerResend, s.wait.every)
}

// confirm takes the ACK; nil stands for one that was implied.
func (s *Session) confirm(ack *sip.Request) {
	if s.wait == nil {
		return
	}
	re := s.wait.re
	offered := body(s.wait.r.req) != nil || !s.bargain.ours
	s.bargain.ours = false
	s.stopAwait()
	var sdp []byte
	if ack != nil && !offered { // an answer only to an offer of ours (RFC 3261 section 13.2.1)
		sdp = body(ack)
		s.setRemoteSDP(sdp)
	}
	if !re || sdp != nil {
		s.emit(Confirmed{SDP: sdp})
	}
}

// reject refuses the inbound INVITE for the application.
func (s *Session) reject(m message) {
	if m.wish != nil {
		s.refuse(m.wish.code, m.wish.reason, m.wish.headers)
		s.finish(Cause{By: Local, Code: m.wish.code, Reason: m.wish.reason})
		m.wish.grant(nil)
		return
	}
	c := orDefault(m.cause, s.e, sip.StatusTemporarilyUnavailable)
	if c.Code < 300 || c.Code > 699 {
		c.Code = sip.StatusTemporarilyUnavailable
	}
	s.refuse(c.Code, "", nil)
	s.finish(c)
}

func (s *Session) refuse(code int, reason string, headers []sip.Header) {
	if err := s.first.Reply(code, reason, headers...); err != nil && !errors.Is(err, errCancelled) {
		s.log.Debug("sip refusal not sent", "code", code, "error", err)
	}
}

func (s *Session) txFailed(err error) {
	code, reason := sip.StatusServiceUnavailable, "transport failed"
	if errors.Is(err, sip.ErrTransactionTimeout) {
		code, reason = sip.StatusRequestTimeout, "no response"
	}
	s.finish(Cause{By: System, Code: code, Reason: reason})
}
