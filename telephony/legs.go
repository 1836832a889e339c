package telephony

import (
	"net/netip"

	"github.com/emiago/sipgo/sip"

	"hotline/telephony/invite"
	"hotline/telephony/media"
)

// openLeg takes a port for a party that calls.
func (k *call) openLeg(p *party, signal netip.Addr, codecs ...media.Codec) (*media.Leg, error) {
	return k.c.ports.Open(k.legOptions("", p, signal, false, codecs))
}

// openLegFor takes a port for a party that is called; secure: with SRTP and nothing else.
func (k *call) openLegFor(p *party, out invite.Outgoing, secure bool, codecs ...media.Codec) (*media.Leg, error) {
	return k.c.ports.Open(k.legOptions(out.Transport, p, addrOf(out.Destination), secure, codecs))
}

func (k *call) legOptions(transport string, p *party, signal netip.Addr, secure bool, codecs []media.Codec) media.LegOptions {
	who := p.who
	if p.seat != "" {
		who = PartySeat
	}
	opts := media.LegOptions{Codecs: codecs, SignalIP: signal, Name: string(who) + "/" + k.id}
	// Keys in the SDP are worth what the signalling is.
	if secure || k.c.cfg.SecureSeats && who == PartySeat && transport == "tls" {
		opts.Security = media.RequireSRTP
	}
	// A phone on a WebSocket is a browser (RFC 7118), which takes nothing else.
	if who == PartySeat && (transport == "ws" || transport == "wss") {
		opts.WebRTC = media.OfferWebRTC
	}
	opts.OnFail = func(error) { k.soundFails(p) }
	return opts
}

// soundFails hears that nothing can be sent to a party any more. The call goes on without one that was added to it.
func (k *call) soundFails(p *party) {
	if p.fails != nil {
		p.fails()
		return
	}
	k.soundOver(p, sip.StatusNotAcceptableHere)
}

// soundOver ends the leg of a seat, which may come back, and the call of others.
func (k *call) soundOver(p *party, code int) {
	if p.seat == "" {
		k.stop(PartySystem, "", CauseMedia, code)
		return
	}
	p.sess.Hangup(invite.Cause{By: invite.System, Reason: CauseMedia, Code: code})
}
