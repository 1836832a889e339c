package telephony

import (
	"context"

	"github.com/emiago/sipgo/sip"

	"hotline/telephony/invite"
)

// Replace lets a party of a call go on with another dialog (RFC 3891): a seat with another of its devices, a citizen's network with
// another of the trunk's legs. Nobody else may, who knows the dialog's tags or not.
func (h sipHandler) Replace(old, s *invite.Session) {
	c := h.c
	v, ok := c.parties.Load(old)
	if !ok {
		c.refuse(s, sip.StatusCallTransactionDoesNotExists)
		return
	}
	at := v.(seated) //nolint:forcetypeassert // the map has nothing else
	if !c.mayReplace(at, s) {
		return
	}
	if _, state := at.k.snapshot(); state != CallTalking && state != CallHeld {
		c.refuse(s, sip.StatusGlobalDecline)
		return
	}
	at.k.replace(at.p, s)
}

// mayReplace tells whether a session comes from the party itself; if not it has been refused.
func (c *Center) mayReplace(at seated, s *invite.Session) bool {
	src := s.Source().Addr()
	if at.p.seat == "" {
		cdr, _ := at.k.snapshot()
		cr := c.trunks.from(src, func(cr *carrier) bool { return cr.Name == cdr.Trunk })
		if cr == nil || cr.Name != cdr.Trunk {
			c.refuse(s, sip.StatusForbidden)
			return false
		}
		return true
	}
	return c.admits(s, at.p.seat)
}

// replace puts a session in the place of a party's.
func (k *call) replace(p *party, s *invite.Session) {
	if len(s.RemoteSDP()) == 0 { // sound is to go on at once
		k.c.refuse(s, sip.StatusNotAcceptableHere)
		return
	}
	next := &party{who: p.who, seat: p.seat, user: p.user, sess: s, pressed: p.pressed, floor: p.floor}
	answer, code := k.legOf(next)
	if code != 0 {
		k.c.refuse(s, code)
		return
	}
	decided := make(chan struct{})
	abandon := func(code int) {
		next.leg.Close()
		k.c.refuse(s, code)
	}
	// The call may end before its goroutine comes to it.
	waits := context.AfterFunc(k.ctx, func() {
		defer close(decided)
		abandon(sip.StatusGlobalDecline)
	})
	step := func() {
		if waits() {
			defer close(decided)
			k.replaced(p, next, answer, abandon)
		}
	}
	if !k.do(step) && waits() {
		abandon(sip.StatusServiceUnavailable)
		return
	}
	<-decided // the session is refused when nobody has answered it by the return
}

// watchNext follows the session that takes another's place to its end.
func (k *call) watchNext(p *party) {
	defer context.AfterFunc(k.ctx, func() { p.sess.Hangup(invite.Cause{By: invite.Local}) })()
	k.watch(p, func(ev invite.Event) {
		if e, ok := ev.(invite.Ended); ok {
			k.gone(p, e.Cause, func() { k.mainGone(p, e.Cause) })
		}
	})
	k.closeParty(p)
	k.leaveSeat(p)
}

// mainGone is the end that the session of one of the two gives that was not there from the start.
func (k *call) mainGone(p *party, cause invite.Cause) {
	if p == k.caller {
		k.callerGone(p, cause)
		return
	}
	k.peerGone(p, cause, true)
}

// replaced lets the new session have the party's part. It runs on the call's goroutine.
func (k *call) replaced(p, next *party, answer []byte, abandon func(code int)) {
	if !k.movable() || k.otherThan(p) == nil {
		abandon(sip.StatusRequestPending)
		return
	}
	if err := next.sess.Answer(answer); err != nil { // it has gone
		abandon(sip.StatusGlobalDecline)
		return
	}
	p.moves.Store(replaced)
	note := Transfer{At: k.now(), Seat: p.seat, User: p.user, Kind: TransferReplaced, To: p.seat}
	k.record(EvTransfer, p.seat, p.user, EventData{Transfer: &note})
	k.swap(p, next)
	k.wg.Go(func() { k.watchNext(next) })
	k.endTransfer(&note, p, OutcomeAnswered, 0)
	p.sess.Hangup(invite.Cause{By: invite.Local, Reason: CauseTransferred})
}
