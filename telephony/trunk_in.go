package telephony

import (
	"sync"

	"github.com/emiago/sipgo/sip"

	"hotline/telephony/invite"
	"hotline/telephony/trunk"
)

// Anonymous stands in a record for a caller whose number nobody told.
const Anonymous = "anonymous"

// called is the number that an INVITE from this trunk calls, as the trunk wrote it.
func (cr *carrier) called(req *sip.Request) string {
	switch cr.Called {
	case FromTo:
		if to := req.To(); to != nil {
			return to.Address.User
		}
	case FromCalledParty:
		if h := req.GetHeader("P-Called-Party-ID"); h != nil {
			return trunk.UserOf(h.Value())
		}
	case FromDiversion:
		// The last one is the first that was called (RFC 5806 section 5.2).
		if all := req.GetHeaders("Diversion"); len(all) > 0 {
			return trunk.UserOf(all[len(all)-1].Value())
		}
	}
	return req.Recipient.User
}

// lineOf finds the line that an INVITE from this trunk calls, and the number
// that led to it.
func (c *Center) lineOf(cr *carrier, req *sip.Request) (Line, string, bool) {
	called := cr.rw.calledIn.Apply(cr.called(req))
	number := national(called)
	for _, n := range []string{called, number} {
		if did, ok := cr.DIDs[n]; ok {
			number = did
			break
		}
	}
	for _, n := range []string{called, number} {
		for _, l := range c.cfg.Lines {
			if l.Number == n && cr.carries(n) {
				return l, called, true
			}
		}
	}
	return Line{}, called, false
}

// callerOf finds out who calls; the number is in the national form, "" when
// nobody told it.
func (cr *carrier) callerOf(req *sip.Request) trunk.Caller {
	h := trunk.Headers{
		Asserted: values(req, "P-Asserted-Identity"), RemoteParty: values(req, "Remote-Party-ID"), Privacy: values(req, "Privacy"),
	}
	if from := req.From(); from != nil {
		h.From = from.Value()
	}
	caller := trunk.Identify(h, trunk.Trust{Asserted: !cr.Distrust, RemoteParty: cr.RemoteParty})
	if caller.Number != "" {
		caller.Number = national(cr.rw.callerIn.Apply(caller.Number))
	}
	return caller
}

func values(req *sip.Request, name string) []string {
	var all []string
	for _, h := range req.GetHeaders(name) {
		all = append(all, h.Value())
	}
	return all
}

// fromTrunk takes a citizen's call.
func (c *Center) fromTrunk(s *invite.Session) {
	req := s.Request()
	cr := c.trunks.from(s.Source().Addr(), func(cr *carrier) bool {
		_, _, ok := c.lineOf(cr, req)
		return ok
	})
	line, called, ok := c.lineOf(cr, req)
	if !ok {
		c.refuse(s, 404)
		return
	}
	if !cr.takeIn() {
		c.log.Warn("a trunk's channels are all in use, a call is refused", "trunk", cr.Name, "channels", cr.MaxIn)
		c.refuse(s, 486)
		return
	}
	free := sync.OnceFunc(cr.giveIn)
	defer free()
	k, err := c.newCall()
	if err != nil {
		c.refuse(s, 503, sip.NewHeader("Retry-After", "30"))
		return
	}
	k.caller = &party{who: PartyCaller, sess: s, pressed: make(chan rune, maxPressed)}
	answer, ok := k.answerable(k.caller, cr.codecs...)
	if !ok {
		return
	}
	k.free = free
	defer k.finish()
	caller := cr.callerOf(req)
	number := caller.Number
	if number == "" {
		number = Anonymous
	}
	k.begin(EventData{
		Direction: Inbound, SIPCallID: s.CallID(), Source: s.Source().String(),
		Caller: number, CallerName: caller.Name, Private: caller.Private, Called: called, Line: line.Number, Trunk: cr.Name,
	}, "", "")
	k.watchCaller()
	if c.blocked.refuses(caller.Number, c.now()) {
		k.stop(PartySystem, "", CauseBlocked, sip.StatusGlobalDecline)
		c.refuse(s, sip.StatusGlobalDecline)
		return
	}
	if err := s.Answer(answer); err != nil {
		s.Hangup(invite.Cause{By: invite.Local})
		<-k.ctx.Done() // the session's end tells why: mostly a CANCEL
		return
	}
	k.record(EvAnswered, "", "", EventData{})
	k.serve(line)
}

// shown is the caller as a seat's phone may show it: one who asked for
// privacy is not; the ticket has the number.
func (c CDR) shown() string {
	if c.Private {
		return ""
	}
	return c.citizen()
}

// citizen is the number at the other end of the centre's line.
func (c CDR) citizen() string {
	if c.Direction == Outbound {
		return c.Called
	}
	return c.Caller
}

// known is the caller's number, "" where the record says that nobody told it.
func known(caller string) string {
	if caller == Anonymous {
		return ""
	}
	return caller
}
