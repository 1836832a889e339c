package invite

import (
	"strconv"

	"github.com/emiago/sipgo/sip"
)

// act takes the step that the table names. The state has moved already.
func (s *Session) act(a action, m message) {
	switch a {
	case actNothing:
	case actState:
		s.deny(m)
	case actOK:
		s.finish(s.hangup)
		_ = m.from.Reply(sip.StatusOK, "")
	case actPending:
		_ = m.from.Reply(sip.StatusRequestPending, "")
	case actNoDialog:
		_ = m.from.Reply(sip.StatusCallTransactionDoesNotExists, "")
	case actBusyTx:
		_ = m.from.Reply(sip.StatusInternalServerError, "", sip.NewHeader("Retry-After", "2"))
	case actHoldBye:
		if s.early != nil {
			_ = s.early.from.Reply(sip.StatusCallTransactionDoesNotExists, "")
		}
		s.early = &m
	case actRequest:
		s.request(m)
	case actBye:
		_ = m.from.Reply(sip.StatusOK, "")
		s.finish(Cause{By: Remote, Code: sip.StatusOK, Reason: reasonText(m.req)})
	case actOver:
		code := sip.StatusRequestTerminated
		if s.dir == Inbound { // answered, the ACK is on its way
			code = sip.StatusOK
		}
		s.hangup = orDefault(m.cause, s.e, code)
		s.finish(s.hangup)
	case actSendBye:
		s.finish(orDefault(m.cause, s.e, sip.StatusOK))
		s.sendBye()
	case actNoAck:
		s.e.noAck.Add(1)
		s.finish(Cause{By: System, Code: sip.StatusRequestTimeout, Reason: "no ACK"})
		s.sendBye()
	case actLost:
		s.finish(Cause{By: Remote, Code: m.code, Reason: "dialog lost"})
		s.sendBye()
	case actDrop:
		s.finish(Cause{By: System, Code: sip.StatusServiceUnavailable})
	case actSendInfo:
		s.sendInfo(m.wish)
	case actSessionOver:
		s.finish(Cause{By: System, Code: sip.StatusRequestTimeout, Reason: "session timer ran out"})
		s.sendBye()
	default:
		s.actInvite(a, m)
	}
}

// actInvite takes the steps that concern INVITE transactions.
func (s *Session) actInvite(a action, m message) {
	switch a {
	case actRing:
		s.ring(m.wish)
	case actAnswer:
		s.answer(m.wish)
	case actReject:
		s.reject(m)
	case actExpired:
		s.refuse(sip.StatusTemporarilyUnavailable, "", nil)
		s.finish(Cause{By: System, Code: sip.StatusTemporarilyUnavailable, Reason: "not answered in time"})
	case actCancelled:
		if m.refuse {
			s.refuse(sip.StatusRequestTerminated, "", nil)
		}
		s.finish(Cause{By: Remote, Code: sip.StatusRequestTerminated})
	case actByeEarly:
		_ = m.from.Reply(sip.StatusOK, "")
		s.refuse(sip.StatusRequestTerminated, "", nil)
		s.finish(Cause{By: Remote, Code: sip.StatusRequestTerminated})
	case actConfirm:
		s.confirm(m.req)
	case actConfirmReINV:
		s.confirm(nil)
		s.reinvite(m)
	case actResend:
		s.resend()
	case actProgress:
		s.progress(m.res)
	case actAnswered:
		s.answered(m.res)
	case actAuth:
		s.authenticate(m.res)
	case actFailed:
		s.finish(Cause{By: Remote, Code: m.res.StatusCode, Reason: m.res.Reason, RetryAfter: retryWish(m.res)})
	case actTxFailed:
		s.txFailed(m.err)
	case actCancel, actSendCancel, actExpireCancel, actExpireOver:
		s.giveUp(a, m)
	case actByeCrossed:
		s.crossed(m.res)
	case actDropTx:
		s.inv.drop()
	default:
		s.actReinvite(a, m)
	}
}

// actReinvite takes the steps that concern re-INVITEs.
func (s *Session) actReinvite(a action, m message) {
	switch a {
	case actReoffer:
		s.reoffer(m.wish)
	case actReinvite:
		s.reinvite(m)
	case actReply:
		s.replyReinvite(m)
	case actReCancelled:
		s.reCancelled(m)
	case actReSuccess:
		s.reSuccess(m.res)
	case actReFailure:
		s.reFailure(m)
	case actReofferLate:
		s.reofferLate()
	case actGlare:
		s.sendReoffer()
	default:
		s.actExtension(a, m)
	}
}

// actExtension takes the steps of PRACK, UPDATE, REFER and session timers.
func (s *Session) actExtension(a action, m message) {
	switch a {
	case actHoldAnswer:
		s.holdAnswer(m.wish)
	case actPrack:
		s.prack(m)
	case actPrackResend:
		s.prackResend()
	case actPrackLate:
		s.prackLate()
	case actUpdate:
		s.update(m)
	case actUpdateWish:
		s.updateWish(m.wish)
	case actUpdateDone:
		s.updateDone(m)
	case actRefresh:
		s.refresh()
	case actInterval:
		s.raise(m.res)
		s.sendInvite(nil)
	case actRedirect:
		s.follow()
	case actRefer:
		s.refer(m)
	case actReferReply:
		s.referReply(m)
	case actReferWish:
		s.referWish(m.wish)
	case actReferDone:
		s.referDone(m)
	case actNotify:
		s.notified(m)
	case actNotifyWish:
		s.notifyWish(m.wish)
	case actNotifyDone:
		s.notifyDone(m)
	}
}

// deny refuses what the application asked for at the wrong time.
func (s *Session) deny(m message) {
	if s.over || s.state == gone {
		m.wish.grant(ErrEnded)
		return
	}
	m.wish.grant(ErrState)
}

// orDefault fills what the application left out of a cause.
func orDefault(c Cause, e *Endpoint, code int) Cause {
	if c.Code == 0 {
		c.Code = code
	}
	if c.At.IsZero() {
		c.At = e.opts.Now()
	}
	return c
}

// sendBye ends the dialog in the background; the session is gone when the
// peer has answered or 64*T1 is over.
func (s *Session) sendBye() {
	s.stopAwait()
	req := s.e.request(&s.d, sip.BYE)
	d := s.d
	s.e.task(func() {
		s.e.bye(s.e.ctx, d, req, s.out.Credentials)
		s.post(message{in: inByeDone})
	})
}

// request answers what is neither BYE nor INVITE. A lower CSeq than the last
// is not refused as RFC 3261 section 12.2.2 asks: sipgo may hand requests
// over in another order than they came in.
func (s *Session) request(m message) {
	s.d.remoteSeq = max(s.d.remoteSeq, m.req.CSeq().SeqNo)
	switch m.req.Method {
	case sip.OPTIONS:
		_ = m.from.Reply(sip.StatusOK, "", sip.NewHeader("Allow", Allowed), sip.NewHeader("Accept", "application/sdp"))
	case sip.INFO:
		_ = m.from.Reply(sip.StatusOK, "")
		ct := ""
		if h := m.req.ContentType(); h != nil {
			ct = h.Value()
		}
		s.emit(Info{ContentType: ct, Body: body(m.req)})
	case sip.CANCEL:
		_ = m.from.Reply(sip.StatusCallTransactionDoesNotExists, "")
	case sip.SUBSCRIBE, sip.MESSAGE, sip.PUBLISH, sip.REGISTER:
		_ = m.from.Reply(sip.StatusMethodNotAllowed, "", sip.NewHeader("Allow", Allowed))
	default:
		_ = m.from.Reply(sip.StatusNotImplemented, "", sip.NewHeader("Allow", Allowed))
	}
}

// sendInfo sends an INFO and tells how it was answered.
func (s *Session) sendInfo(w *wish) {
	req := s.e.request(&s.d, sip.INFO)
	req.AppendHeader(sip.NewHeader("Content-Type", w.reason))
	req.SetBody(w.sdp)
	s.e.task(func() {
		res, err := s.e.roundTrip(w.ctx, req)
		switch {
		case err != nil:
			w.grant(err)
		case res.IsSuccess():
			w.grant(nil)
		default:
			w.grant(&StatusError{Code: res.StatusCode, Reason: res.Reason})
			s.checkLost(res.StatusCode)
		}
	})
}

// checkLost ends the session when the peer says that it has no such dialog
// (RFC 3261 section 12.2.1.2).
func (s *Session) checkLost(code int) {
	if code == sip.StatusCallTransactionDoesNotExists || code == sip.StatusRequestTimeout {
		s.post(message{in: inDialogLost, code: code})
	}
}

// reasonText is the text or cause of a Reason header (RFC 3326), bounded.
func reasonText(req *sip.Request) string {
	h := req.GetHeader("Reason")
	if h == nil {
		return ""
	}
	v := h.Value()
	if len(v) > 128 {
		v = v[:128]
	}
	return strconv.QuoteToASCII(v)
}
