package telephony

import (
	"errors"
	"net/netip"

	"github.com/emiago/sipgo/sip"

	"hotline/telephony/acd"
	"hotline/telephony/invite"
	"hotline/telephony/media"
	"hotline/telephony/prompts"
)

var errTooMany = errors.New("telephony: as many calls as there may be")

// invited takes a new inbound session: a seat's, or a citizen's from a trunk.
func (c *Center) invited(s *invite.Session) {
	select {
	case <-c.up:
	case <-s.Done():
		return
	}
	req := s.Request()
	from := userOf(s)
	switch {
	case c.registrar.seatAt(from, s.Source()) || req.GetHeader("Authorization") != nil:
		c.fromSeat(s, from)
	case c.trunks.trusted(s.Source().Addr()):
		c.fromTrunk(s)
	default:
		if c.strangers.take(s.Source().Addr(), 1) { // a scanner must not fill the log
			c.log.Warn("calls from an address that is no trunk are refused", "source", s.Source().Addr().String())
		}
		c.refuse(s, 403)
	}
}

func (c *Center) refuse(s *invite.Session, code int, headers ...sip.Header) {
	if err := s.Reject(code, "", headers...); err != nil {
		c.log.Debug("refusal not sent", "code", code, "error", err)
	}
}

// answerable gives a party that calls its leg, and tells what to answer it with. Without success its session has been refused and
// the call forgotten.
func (k *call) answerable(p *party, codecs ...media.Codec) ([]byte, bool) {
	answer, code := k.legOf(p, codecs...)
	if code != 0 {
		k.c.refuse(p.sess, code)
		k.forget()
		return nil, false
	}
	return answer, true
}

// legOf opens a leg for the offer of a party's session, or makes one where it sent none; code is what to refuse it with when there is no leg.
func (k *call) legOf(p *party, codecs ...media.Codec) (answer []byte, code int) {
	leg, err := k.openLeg(p, p.sess.Source().Addr(), codecs...)
	if err != nil {
		k.log.Error("no port for sound", "error", err)
		return nil, sip.StatusServiceUnavailable
	}
	p.leg = leg
	if len(p.sess.RemoteSDP()) == 0 {
		return leg.Offer(), 0 // the answer comes in the ACK
	}
	answer, err = leg.Answer(p.sess.RemoteSDP())
	if err == nil {
		return answer, 0
	}
	leg.Close()
	if errors.Is(err, media.ErrBadSDP) {
		return nil, sip.StatusBadRequest
	}
	return nil, sip.StatusNotAcceptableHere
}

// begin notes the start, and writes an open record so that a crash can be
// told afterwards.
func (k *call) begin(d EventData, seat, user string) {
	d.SIPCallID = d.SIPCallID[:min(len(d.SIPCallID), 200)]
	d.Called = d.Called[:min(len(d.Called), 64)]
	d.Node = k.c.node
	k.record(EvStarted, seat, user, d)
	cdr, _ := k.snapshot()
	k.c.journal.save(cdr, nil)
}

// queue lets the caller wait until a seat answers, then lets them talk.
func (k *call) queue(place acd.Arrive) {
	k.record(EvQueued, "", "", EventData{Queue: place.Queue})
	k.setState(CallQueued)
	k.wait(place, k.caller.leg.Play(k.c.sounds.say(k.language, prompts.Connecting), false), func() {})
}

// wait is what queue does while the caller hears something, and music after that; found is run when a seat has answered.
func (k *call) wait(place acd.Arrive, pb *media.Playback, found func()) {
	music := k.c.sounds.say(k.language, prompts.Music)
	in := k.c.floor.arrive(place)
	spoken := pb.Done()
	announced := false
	var pad keypad
	pressed := func(from digitSource, key rune) bool {
		if !pad.fresh(from, key, k.now()) || !k.wantsCallback(key, place.Queue) {
			return false
		}
		return k.park(place)
	}
	for {
		select {
		case <-k.ctx.Done():
			return
		case <-spoken:
			pb, spoken = k.caller.leg.Play(music, true), nil
		case <-k.commands:
		case d, ok := <-k.caller.leg.Digits():
			if !ok {
				k.stop(PartySystem, "", CauseMedia, 0)
				return
			}
			if pressed(byEvent, d.Rune) {
				return
			}
		case key := <-k.caller.pressed:
			if pressed(byInfo, key) {
				return
			}
		case <-in.ready:
			for _, d := range in.take() {
				switch d := d.(type) {
				case acd.Announce:
					pb = k.caller.leg.Play(k.position(d, place.Queue, !announced), false)
					spoken, announced = pb.Done(), true
				case acd.Offer:
					k.try(d)
				case acd.Withdraw:
					k.withdraw(d)
				case acd.Moved:
					place.Queue = d.To
					k.record(EvMoved, "", "", EventData{Queue: d.To, Reason: d.Reason})
				case acd.Divert:
					pb.Stop()
					k.divert(d.Number, d.Reason)
					return
				case acd.Refuse:
					k.sendAway(d.Reason)
					return
				case acd.Connect:
					if a := k.attempts[d.Seat]; a != nil && a.party != nil {
						pb.Stop()
						k.record(EvSeat, d.Seat, d.User, EventData{Attempt: a.offer.Attempt})
						found()
						k.talk(a.party)
						return
					}
				}
			}
		}
	}
}

// position is the spoken place in the queue.
func (k *call) position(d acd.Announce, queue string, first bool) media.Source {
	names := []string{prompts.NoAgent}
	if d.Staffed {
		names = append(prompts.Ahead(k.language, d.Ahead), prompts.Wait(k.language, d.Estimate)...)
		if first {
			names = append([]string{prompts.Busy}, names...)
		}
	}
	if k.wantsCallback(callbackKey, queue) {
		names = append(names, prompts.CallbackOffer)
	}
	return k.c.sounds.say(k.language, names...)
}

// divert lets a caller whom no seat will take talk with a number outside, such
// as the district's own hotline. Where there is no way to it, the caller is
// sent away as from a full queue.
func (k *call) divert(number, reason string) {
	r, err := k.c.target("", number)
	if err != nil {
		k.log.Error("callers are to go to a number that cannot be reached", "error", err)
		k.sendAway(acd.ReasonQueueFull)
		return
	}
	k.record(EvDiverted, "", "", EventData{Called: number, Reason: reason})
	pb := k.caller.leg.Play(ringback(), true)
	k.callOut(r, func() error {
		pb.Stop()
		return nil
	}, func(code int) {
		if code == 183 {
			pb.Stop()
		}
	})
}

// sendAway says goodbye to a caller who cannot be served.
func (k *call) sendAway(reason string) {
	cause, says := CauseQueueFull, prompts.QueueFull
	switch reason {
	case acd.ReasonMaxWait:
		cause = CauseQueueTimeout
	case acd.ReasonNoAgent:
		cause, says = CauseNoAgent, prompts.NoAgent
	}
	if k.say(says, prompts.Goodbye) {
		k.stop(PartySystem, "", cause, 0)
	}
}

// caller as the seat's phone shows it.
func (c *Center) fromURI(user string) sip.Uri {
	if user == "" {
		user = Anonymous
	}
	var addr netip.AddrPort
	for _, network := range []string{"udp", "tcp", "tls", "ws", "wss"} {
		if addr = c.endpoint.Addr(network); addr.IsValid() {
			break
		}
	}
	host := c.cfg.PublicIP
	if host == "" && addr.Addr().IsUnspecified() {
		return sip.Uri{Scheme: "sip", User: user} // the endpoint names the address that faces the phone
	}
	if host == "" {
		host = addr.Addr().String()
	}
	return sip.Uri{Scheme: "sip", User: user, Host: host, Port: int(addr.Port())}
}
