package telephony

import "time"

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
	case k.merged || k.moving != nil: // a transfer is about to change who talks
	case held: // one of the phones may rest; which, only its user knows
		if callerDead && peerDead || min(caller, peer) > limits.OneSideTimeout {
			k.stop(PartySystem, "", CauseMedia, 0)
		}
	case callerDead, peerDead, min(caller, peer) > limits.MediaTimeout, max(caller, peer) > limits.OneSideTimeout:
		k.stop(PartySystem, "", CauseMedia, 0)
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
	return silence, !st.LastReport.IsZero() && silence > k.c.cfg.MediaTimeout
}
