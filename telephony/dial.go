package telephony

import (
	"context"
	"fmt"
	"time"

	"github.com/emiago/sipgo/sip"

	"hotline/telephony/invite"
	"hotline/telephony/media"
)

// dialing is what a dialled party's progress is told to. answered is called
// once its sound is set up; ended exactly once, last.
type dialing struct {
	codecs   []media.Codec         // in the order of preference; empty: the usual
	secure   bool                  // sound only with SRTP
	progress func(invite.Progress) // nil: not told
	ringing  func()
	early    func() // it sends sound before it answers; may be nil
	answered func()
	ended    func(invite.Cause)
	claim    func() bool // whether an answer is wanted still; may be nil
}

// dial calls a party and follows it until its session is over. An error means
// that nothing was ever sent; ended is then not called.
func (k *call) dial(ctx context.Context, p *party, out invite.Outgoing, on dialing) error {
	leg, err := k.openLegFor(p, out, on.secure, on.codecs...)
	if err != nil {
		return err
	}
	p.leg = leg
	answered, rang := false, false
	defer func() {
		if answered {
			k.closeParty(p)
		}
		leg.Close()
	}()
	out.Offer = leg.Offer()
	p.sess, err = k.c.endpoint.Dial(ctx, out)
	if err != nil {
		return err
	}
	defer p.sess.Hangup(invite.Cause{By: invite.Local})
	// The session must go when the call does, whatever the peer sends.
	unhook := context.AfterFunc(ctx, func() { p.sess.Hangup(invite.Cause{By: invite.Local}) })
	defer unhook()
	k.watch(p, func(ev invite.Event) {
		switch e := ev.(type) {
		case invite.Progress:
			if on.progress != nil {
				on.progress(e)
			}
			if e.SDP != nil && on.early != nil && leg.Accept(e.SDP) == nil {
				on.early()
			}
			if e.Code >= 180 && !rang {
				rang = true
				on.ringing()
			}
		case invite.Answered:
			if on.claim != nil && !on.claim() {
				p.sess.Hangup(invite.Cause{By: invite.Local})
				return
			}
			if err := leg.Accept(e.SDP); err != nil {
				k.log.Warn("dialled party's sound is not usable", "seat", p.seat, "error", err)
				p.sess.Hangup(invite.Cause{By: invite.Local, Code: 488})
				return
			}
			answered = true
			on.answered()
		case invite.Ended:
			on.ended(e.Cause)
		}
	})
	return nil
}

const directRing = 60 * time.Second // how long a seat's own call rings

// target finds out where a seat's own call goes: another seat, or a number
// through a trunk.
func (c *Center) target(from, number string) (route, error) {
	if s := c.registrar.account(number); s.HA1 != "" {
		devices := c.devices(number)
		if len(devices) == 0 {
			return route{}, fmt.Errorf("seat %s has no phone: %w", number, ErrNotFound)
		}
		out := c.toSeat(devices[0], from, "")
		out.Headers, out.RingTimeout = out.Headers[1:], directRing
		return route{direction: Internal, out: out, seat: number}, nil
	}
	return c.through(number)
}

// admits tells whether a session comes from a phone of a seat; if not it has
// been refused.
func (c *Center) admits(s *invite.Session, seat string) bool {
	src := s.Source().Addr()
	if !c.registrar.throttle.take(src, costRequest) {
		c.refuse(s, sip.StatusServiceUnavailable, sip.NewHeader("Retry-After", "5"))
		return false
	}
	if userOf(s) != seat {
		c.refuse(s, sip.StatusForbidden)
		return false
	}
	ok, code, headers := c.registrar.authorize(s.Request(), seat, src)
	if !ok {
		c.refuse(s, code, headers...)
	}
	return ok
}

// userOf is the user that a session says it comes from.
func userOf(s *invite.Session) string {
	if h := s.Request().From(); h != nil {
		return h.Address.User
	}
	return ""
}

// fromSeat takes a call that a seat's phone makes.
func (c *Center) fromSeat(s *invite.Session, seat string) {
	if !c.admits(s, seat) {
		return
	}
	called := s.Request().Recipient.User
	r, err := c.target(seat, called)
	if err != nil {
		c.refuse(s, 404)
		return
	}
	k, err := c.newCall()
	if err != nil {
		c.refuse(s, 503, sip.NewHeader("Retry-After", "30"))
		return
	}
	view, _ := c.floor.seat(seat)
	k.caller = &party{who: PartySeat, seat: seat, user: view.User, sess: s}
	answer, ok := k.answerable(k.caller)
	if !ok {
		return
	}
	taken := k.id
	switch {
	case c.floor.seize(k.id, seat):
	case c.consults(seat):
		taken = "" // a second call while the first is held, before an attended transfer
	default:
		k.caller.leg.Close()
		k.forget()
		c.refuse(s, 486)
		return
	}
	k.caller.floor = taken
	defer k.finish()
	k.begin(EventData{Direction: r.direction, SIPCallID: s.CallID(), Source: s.Source().String(), Caller: seat, Called: called, Line: c.lineFor(seat, r.line)}, seat, view.User)
	k.watchCaller()
	rings := func(code int) {
		var sound []byte
		if code == 183 {
			sound = answer
		}
		if err := s.Ring(code, sound); err != nil {
			k.log.Debug("ringing not told", "error", err)
		}
	}
	k.callOut(r, func() error {
		if err := s.Answer(answer); err != nil {
			return err
		}
		k.record(EvAnswered, "", "", EventData{})
		return nil
	}, rings)
}

// watchCaller follows the session of the side that was there first.
func (k *call) watchCaller() {
	p := k.caller
	k.wg.Go(func() {
		k.watch(p, func(ev invite.Event) {
			if e, ok := ev.(invite.Ended); ok {
				k.gone(p, e.Cause, func() { k.callerGone(p, e.Cause) })
			}
		})
		if p.moves.Load() != stays { // it left, the call goes on
			k.closeParty(p)
		}
	})
}

// callOut calls the other side of a seat's own call and lets them talk. first
// is run when it answers, rings with 180 when it rings and with 183 when its
// sound is to be heard before it answers.
func (k *call) callOut(r route, first func() error, rings func(code int)) {
	seat := r.seat
	if seat != "" && !k.c.floor.seize(k.id+"/peer", seat) {
		k.stop(PartySystem, "", CauseRejected, 486)
		k.refuseCaller(486)
		return
	}
	defer k.c.floor.leave(k.id + "/peer")
	k.setState(CallRinging)
	p := &party{who: PartyCaller, seat: seat, floor: k.id + "/peer"}
	if view, ok := k.c.floor.seat(seat); ok {
		p.user = view.User
	}
	up, early := make(chan struct{}), make(chan struct{})
	k.wg.Go(func() {
		answered, heard := false, false
		err := k.follow(k.ctx, p, r, dialing{
			ringing: func() {
				k.record(EvRinging, "", "", EventData{})
				rings(180)
			},
			early: func() {
				if !heard {
					heard = true
					close(early)
				}
			},
			answered: func() {
				answered = true
				close(up)
			},
			ended: func(c invite.Cause) { k.gone(p, c, func() { k.peerGone(p, c, answered) }) },
		})
		if err != nil {
			k.log.Warn("call out cannot be made", "error", err)
			k.stop(PartySystem, "", CauseFailed, 503)
		}
	})
	for ringing := true; ringing; {
		select {
		case <-k.ctx.Done():
			k.refuseCaller(k.end.code)
			return
		case <-early: // announcements and tones of the other network
			early = nil
			rings(183)
			k.bridge = media.Connect(k.caller.leg, p.leg)
		case <-up:
			ringing = false
		}
	}
	if err := first(); err != nil {
		k.caller.sess.Hangup(invite.Cause{By: invite.Local})
		<-k.ctx.Done() // the session's end tells why
		return
	}
	k.talk(p)
}

// refuseCaller refuses an inbound session that was never answered, with what
// the other side said; on others it does nothing.
func (k *call) refuseCaller(code int) {
	if code < 400 || code > 699 || code == 401 || code == 407 {
		code = 480
	}
	if k.caller.sess.Direction() == invite.Inbound {
		k.c.refuse(k.caller.sess, code)
	}
}

func (k *call) peerGone(p *party, c invite.Cause, answered bool) {
	cause := CauseHangup
	if !answered {
		switch {
		case c.Code == 408 || c.Code == 480 || c.Code == 487:
			cause = CauseNoAnswer
		case c.By == invite.Remote:
			cause = CauseRejected
		default:
			cause = CauseFailed
		}
	}
	if answered && broke(c) {
		cause = brokenBy(c)
	}
	by := p.who
	if c.By != invite.Remote || cause == CauseFailed {
		by = PartySystem
	}
	k.hungUp(p, ending{by: by, cause: cause, code: c.Code})
}
