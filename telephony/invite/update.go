package invite

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"

	"github.com/emiago/sipgo/sip"
)

// Update sends an UPDATE (RFC 3311) and returns the peer's answer, nil when
// sdp is nil: then it refreshes target and session alone. With an offer it is
// also possible before the call is answered, once the first offer was answered
// reliably. A refusal is a *StatusError and leaves the session as it was;
// glare is tried again until ctx ends.
func (s *Session) Update(ctx context.Context, sdp []byte) ([]byte, error) {
	w := &wish{ctx: ctx, sdp: sdp, update: true}
	if err := s.askContext(ctx, inUpdateWish, w); err != nil {
		return nil, err
	}
	return w.answer, nil
}

// ourOffer tells that an offer of ours waits for its answer in dialog f.
func (s *Session) ourOffer(f *fork) bool {
	return s.re.ours != nil || s.re.updating || s.bargain.ours && (f == nil || !f.answered)
}

// theirOffer tells that an offer of the peer waits for our answer.
func (s *Session) theirOffer() bool { return s.re.theirs != nil || s.bargain.theirs }

// update takes an UPDATE of the peer (RFC 3311 section 5.2).
func (s *Session) update(m message) {
	d, f := &s.d, (*fork)(nil)
	if s.state == proceeding {
		if f = s.forkOf(m.req); f == nil {
			_ = m.from.Reply(sip.StatusCallTransactionDoesNotExists, "")
			return
		}
		d = &f.d
	}
	seq, sdp := m.req.CSeq().SeqNo, body(m.req)
	code, headers := s.e.tooBrief(m.req)
	switch {
	case code != 0:
		_ = m.from.Reply(code, "", headers...)
		return
	case sdp == nil:
		d.remoteSeq = max(d.remoteSeq, seq)
		d.refresh(m.req.Contact(), m.req.Source())
		s.learnPeer(m.req)
		res := m.from.response(sip.StatusOK, "")
		s.localContact(res)
		s.timerResponse(m.req, res)
		_ = m.from.Respond(res)
		return
	case seq <= d.remoteSeq && d.remoteSeq != 0:
		_ = m.from.Reply(sip.StatusInternalServerError, "") // RFC 3261 section 12.2.2
		return
	case s.ourOffer(f):
		_ = m.from.Reply(sip.StatusRequestPending, "") // glare
		return
	case s.theirOffer() || s.state == incoming && !s.bargain.early:
		_ = m.from.Reply(sip.StatusInternalServerError, "", retryAfter())
		return
	}
	d.remoteSeq = seq
	d.refresh(m.req.Contact(), m.req.Source())
	s.learnPeer(m.req)
	s.takeOffer(m)
}

// retryAfter is what RFC 3311 section 5.2 and RFC 3261 section 14.2 ask for.
func retryAfter() sip.Header {
	return sip.NewHeader("Retry-After", strconv.Itoa(rand.IntN(10)+1)) //nolint:gosec // any random number
}

// takeOffer asks the application for the answer to an offer of the peer.
func (s *Session) takeOffer(m message) {
	r := m.from
	s.re.theirs = r
	s.arm(timerReply, s.e.timers.Reply)
	s.emit(Reoffered{SDP: body(m.req), Method: string(m.req.Method), Reply: func(answer []byte, code int) {
		s.post(message{in: inReply, from: r, sdp: answer, code: code})
	}})
}

// replyOffer answers an UPDATE or a PRACK that carries an offer.
func (s *Session) replyOffer(r *responder, m message) {
	res := r.response(sip.StatusOK, "")
	if r.req.Method == sip.UPDATE {
		s.localContact(res)
		s.timerResponse(r.req, res)
	}
	attach(res, m.sdp)
	s.setLocalSDP(m.sdp)
	s.setRemoteSDP(body(r.req)) // before the peer can know
	if err := r.Respond(res); err != nil {
		s.log.Debug("sip answer not sent", "method", string(r.req.Method), "error", err)
	}
}

// updateWish starts an UPDATE of the application.
func (s *Session) updateWish(w *wish) {
	if s.state == proceeding && s.fork == nil || s.state == incoming && !s.rang {
		w.grant(ErrState) // there is no early dialog
		return
	}
	if w.sdp == nil {
		s.sendUpdate(w)
		return
	}
	early := s.state == incoming && !s.bargain.early || s.state == proceeding && !s.fork.answered
	switch {
	case early:
		w.grant(ErrState) // RFC 3311 section 5.1
	case s.re.wish != nil || s.theirOffer() || s.state == accepted && s.bargain.ours || s.rel.out != nil && s.rel.sdp:
		w.grant(ErrGlare)
	default:
		s.re.wish = w
		s.sendReoffer()
	}
}

func (s *Session) sendUpdate(w *wish) {
	var f *fork
	if s.state == proceeding {
		f = s.fork
	}
	req := s.requestIn(f, sip.UPDATE)
	s.timerRequest(req)
	if w.sdp != nil {
		req.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
		req.SetBody(w.sdp)
		s.re.updating = true
	}
	// Not the application's context: who gives up must still know how the
	// offer ended.
	s.converse(s.e.ctx, req, func(res *sip.Response, err error) {
		s.post(message{in: inUpdateDone, res: res, err: err, wish: w})
	})
}

// updateDone takes the end of our UPDATE.
func (s *Session) updateDone(m message) {
	w := m.wish
	offered := w.sdp != nil
	if offered {
		s.re.updating = false
	}
	end := func(err error) {
		if offered {
			s.endReoffer(err)
		} else {
			w.grant(err)
		}
		s.release()
	}
	switch {
	case m.err != nil:
		end(m.err)
		if errors.Is(m.err, sip.ErrTransactionTimeout) {
			s.post(message{in: inDialogLost, code: sip.StatusRequestTimeout})
		}
	case m.res.IsSuccess():
		d := &s.d
		if s.state == proceeding && s.fork != nil {
			d = &s.fork.d
		}
		d.refresh(m.res.Contact(), m.res.Source())
		s.timerAnswer(m.res)
		if offered {
			s.localSDP = w.sdp
			w.answer = body(m.res)
			s.setRemoteSDP(w.answer)
		}
		end(nil)
	case offered && m.res.StatusCode == sip.StatusRequestPending && w.code < maxGlare && s.re.wish == w:
		w.code++
		s.arm(timerGlare, s.glareWait())
	case s.raise(m.res) && w.code < maxGlare:
		w.code++
		s.sendUpdate(w)
	default:
		if w.refresh {
			s.refreshFailed(m.res.StatusCode)
		}
		if m.res.StatusCode == sip.StatusRequestPending {
			end(ErrGlare)
			return
		}
		end(&StatusError{Code: m.res.StatusCode, Reason: m.res.Reason})
		s.checkLost(m.res.StatusCode)
	}
}
