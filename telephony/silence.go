package telephony

import (
	"time"

	"hotline/telephony/media"
)

// checkMedia ends a conversation whose sound is dead. A phone may send nothing while its user is silent, so one side alone
// counts only after long, or when it used to send reports (RTCP) and does so no more: those come whatever is said. Times are those of the
// legs' clock.
func (k *call) checkMedia(began time.Time) {
	now := k.c.ports.Now()
	if now.Sub(began) > k.c.cfg.LongestTalk {
		k.stop(PartySystem, "", CauseMedia, 0)
		return
	}
	k.mu.Lock()
	held := k.holdings > 0
	k.mu.Unlock()
	limits := k.c.cfg
	caller, callerDead := k.silent(k.caller, began, now)
	peer, peerDead := k.silent(k.peer, began, now)
	switch {
	case k.merged || k.moving != nil || k.losing != nil: // who talks is about to change
	case held: // one of the phones may rest; which, only its user knows
		if callerDead && peerDead || min(caller, peer) > limits.OneSideTimeout {
			k.stop(PartySystem, "", CauseMedia, 0)
		}
	case min(caller, peer) > limits.MediaTimeout:
		k.stop(PartySystem, "", CauseMedia, 0)
	case callerDead, caller > limits.OneSideTimeout:
		k.soundOver(k.caller, 0)
	case peerDead, peer > limits.OneSideTimeout:
		k.soundOver(k.peer, 0)
	}
}

// silent is how long nothing has come from a party, neither sound nor report; dead tells that its reports stopped.
func (k *call) silent(p *party, began, now time.Time) (silence time.Duration, dead bool) {
	st := p.leg.Stats()
	last := began
	for _, at := range []time.Time{st.LastPacket, st.LastReport} {
		if at.After(last) {
			last = at
		}
	}
	silence = max(0, now.Sub(last))
	return silence, !st.LastReport.IsZero() && (silence > k.c.cfg.MediaTimeout || p.seat != "" && regular(st, began) && silence > k.c.cfg.SeatTimeout)
}

// regular tells whether reports came as often as RFC 3550 §6.2 has it for two parties: each 5 s, give or take a half.
func regular(st media.Stats, began time.Time) bool {
	const longest = 7500 * time.Millisecond
	return st.Reports > 1 && st.LastReport.Sub(began) <= longest*time.Duration(st.Reports)
}
