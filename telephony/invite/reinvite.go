package invite

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/emiago/sipgo/sip"
)

// reinvites holds the re-INVITE in progress in either direction. There is at
// most one of each kind, and never both (RFC 3261 section 14).
type reinvites struct {
	ours     *inviteTx  // sent, no final response yet
	wish     *wish      // what the application asked; set while ours or the glare timer is
	theirs   *responder // received, the application has not answered yet; or an UPDATE or PRACK with an offer
	updating bool       // an UPDATE of ours with an offer has no answer yet
}

// reinvite takes a re-INVITE of the peer.
func (s *Session) reinvite(m message) {
	seq := m.req.CSeq().SeqNo
	switch {
	case seq <= s.d.remoteSeq && s.d.remoteSeq != 0:
		_ = m.from.Reply(sip.StatusInternalServerError, "") // RFC 3261 section 12.2.2
		return
	case s.re.ours != nil || s.re.updating:
		_ = m.from.Reply(sip.StatusRequestPending, "") // glare
		return
	case s.re.theirs != nil:
		_ = m.from.Reply(sip.StatusInternalServerError, "", retryAfter())
		return
	}
	s.confirm(nil) // a newer INVITE proves that the last 2xx arrived
	s.d.remoteSeq = seq
	s.d.refresh(m.req.Contact(), m.req.Source())
	s.learnPeer(m.req)
	r := m.from
	if !r.tx.OnCancel(func(*sip.Request) { r.cancelled(); s.post(message{in: inReCancelled, from: r}) }) {
		r.cancelled()
		return
	}
	s.e.task(func() { s.watchTx(r) })
	s.takeOffer(m)
}

// replyReinvite sends the application's answer, or 500 when it took too long.
func (s *Session) replyReinvite(m message) {
	r := s.re.theirs
	if r == nil || (!m.timed && m.from != r) {
		return
	}
	s.re.theirs = nil
	defer s.release()
	s.disarm(timerReply)
	if m.timed {
		_ = r.Reply(sip.StatusInternalServerError, "")
		return
	}
	if m.code < 200 || m.code > 299 {
		if m.code < 300 || m.code > 699 {
			m.code = sip.StatusNotAcceptableHere
		}
		_ = r.Reply(m.code, "")
		return
	}
	if r.req.Method != sip.INVITE {
		s.replyOffer(r, m)
		return
	}
	res := r.response(sip.StatusOK, "")
	s.localContact(res)
	s.timerResponse(r.req, res)
	attach(res, m.sdp)
	if err := r.Respond(res); err != nil {
		return
	}
	s.setLocalSDP(m.sdp)
	s.setRemoteSDP(body(r.req))
	s.bargain.ours = body(r.req) == nil
	s.await(&awaitACK{r: r, res: res, seq: r.req.CSeq().SeqNo, re: true})
}

func (s *Session) reCancelled(m message) {
	if s.re.theirs == m.from {
		s.re.theirs = nil
		s.disarm(timerReply)
	}
}

// reoffer starts a re-INVITE of ours.
func (s *Session) reoffer(w *wish) {
	if s.re.wish != nil || s.re.theirs != nil {
		w.grant(ErrGlare)
		return
	}
	s.re.wish = w
	s.sendReoffer()
}

func (s *Session) sendReoffer() {
	w := s.re.wish
	if w == nil || s.re.ours != nil || s.re.updating {
		return
	}
	if w.ctx.Err() != nil {
		s.endReoffer(w.ctx.Err())
		return
	}
	if s.re.theirs != nil { // the peer's own re-INVITE goes first
		s.arm(timerGlare, s.glareWait())
		return
	}
	if w.update {
		s.sendUpdate(w)
		return
	}
	req := s.e.request(&s.d, sip.INVITE)
	s.timerRequest(req)
	req.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
	req.SetBody(w.sdp)
	if w.challenge != nil {
		if err := authorize(req, w.challenge, *s.out.Credentials); err != nil {
			s.endReoffer(err)
			return
		}
	}
	s.re.ours = newInviteTx(s, req, true)
	s.arm(timerReoffer, s.e.timers.transaction()+s.e.timers.TimerC)
	s.e.task(s.re.ours.run)
}

func (s *Session) endReoffer(err error) {
	s.disarm(timerReoffer)
	s.disarm(timerGlare)
	if w := s.re.wish; w != nil {
		s.re.wish = nil
		w.grant(err)
	}
}

func (s *Session) reSuccess(res *sip.Response) {
	s.re.ours = nil
	s.d.refresh(res.Contact(), res.Source())
	s.learnPeer(res)
	s.timerAnswer(res)
	sdp := body(res)
	changed := sdp != nil && !bytes.Equal(sdp, s.RemoteSDP())
	s.setRemoteSDP(sdp)
	if w := s.re.wish; w != nil {
		w.answer, s.localSDP = sdp, w.sdp
		if w.refresh && changed {
			s.emit(Refreshed{SDP: sdp})
		}
	}
	s.endReoffer(nil)
}

func (s *Session) reFailure(m message) {
	s.re.ours = nil
	if m.res == nil {
		s.endReoffer(m.err)
		if errors.Is(m.err, sip.ErrTransactionTimeout) {
			s.post(message{in: inDialogLost, code: sip.StatusRequestTimeout})
		}
		return
	}
	code := m.res.StatusCode
	w := s.re.wish
	switch {
	case w != nil && code == sip.StatusRequestPending && w.code < maxGlare:
		w.code++
		s.arm(timerGlare, s.glareWait())
	case w != nil && challenged(m.res) && s.out.Credentials != nil && w.challenge == nil:
		w.challenge = m.res
		w.code++
		s.sendReoffer()
	case w != nil && s.raise(m.res):
		s.sendReoffer()
	case w != nil && w.refresh:
		s.refreshFailed(code)
		s.endReoffer(&StatusError{Code: code, Reason: m.res.Reason})
		s.checkLost(code)
	case code == sip.StatusRequestPending:
		s.endReoffer(ErrGlare)
	default:
		s.endReoffer(&StatusError{Code: code, Reason: m.res.Reason})
		s.checkLost(code)
	}
}

// maxGlare bounds how often a re-INVITE is tried.
const maxGlare = 8

// glareWait is the wait after 491: the side that owns the Call-ID waits
// longer (RFC 3261 section 14.1), in units of T1/50, which are 10 ms.
func (s *Session) glareWait() time.Duration {
	unit := s.e.timers.T1 / 50
	if s.dir == Outbound {
		return time.Duration(210+rand.IntN(191)) * unit //nolint:gosec // not a secret
	}
	return time.Duration(rand.IntN(200)) * unit //nolint:gosec // not a secret
}

// reofferLate gives up a re-INVITE that has only provisional responses.
func (s *Session) reofferLate() {
	if s.re.ours == nil {
		return
	}
	s.re.ours.drop()
	s.re.ours = nil
	s.endReoffer(&StatusError{Code: sip.StatusRequestTimeout})
	s.post(message{in: inDialogLost, code: sip.StatusRequestTimeout})
}

// dropReinvites settles what is open when the session ends: the peer's
// re-INVITE gets its 487 (RFC 3261 section 15.1.2), ours is given up.
func (s *Session) dropReinvites() {
	if s.re.theirs != nil {
		_ = s.re.theirs.Reply(sip.StatusRequestTerminated, "")
		s.re.theirs = nil
	}
	s.disarm(timerReply)
	if s.re.ours != nil {
		ours := s.re.ours
		// A 2xx may still come and is acknowledged by the transaction itself.
		time.AfterFunc(s.e.timers.transaction(), ours.drop)
		s.re.ours = nil
	}
	s.re.updating = false
	s.endReoffer(ErrEnded)
}
