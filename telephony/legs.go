package telephony

import (
	"net/netip"

	"hotline/telephony/invite"
	"hotline/telephony/media"
)

// openLeg takes a port for a party that calls.
func (k *call) openLeg(who Party, signal netip.Addr, codecs ...media.Codec) (*media.Leg, error) {
	return k.openLegOver("", who, signal, false, codecs...)
}

// openLegOver takes a port for a party that is called over a transport of SIP; secure: with SRTP and nothing else.
func (k *call) openLegOver(transport string, who Party, signal netip.Addr, secure bool, codecs ...media.Codec) (*media.Leg, error) {
	return k.c.ports.Open(k.legOptions(transport, who, signal, secure, codecs))
}

// openLegFor takes a port for a party that is called. The call goes on without one that was added to it when its sound fails.
func (k *call) openLegFor(p *party, out invite.Outgoing, secure bool, codecs ...media.Codec) (*media.Leg, error) {
	who := p.who
	if p.seat != "" {
		who = PartySeat
	}
	opts := k.legOptions(out.Transport, who, addrOf(out.Destination), secure, codecs)
	if p.fails != nil {
		opts.OnFail = func(error) { p.fails() }
	}
	return k.c.ports.Open(opts)
}

func (k *call) legOptions(transport string, who Party, signal netip.Addr, secure bool, codecs []media.Codec) media.LegOptions {
	opts := media.LegOptions{Codecs: codecs, SignalIP: signal, Name: string(who) + "/" + k.id}
	// Keys in the SDP are worth what the signalling is.
	if secure || k.c.cfg.SecureSeats && who == PartySeat && transport == "tls" {
		opts.Security = media.RequireSRTP
	}
	// A phone on a WebSocket is a browser (RFC 7118), which takes nothing else.
	if who == PartySeat && (transport == "ws" || transport == "wss") {
		opts.WebRTC = media.OfferWebRTC
	}
	opts.OnFail = func(error) { k.stop(PartySystem, "", CauseMedia, 488) }
	return opts
}
