package media

// rules are which audio lines the leg takes now: one that is of WebRTC stays so, and no other becomes so.
func (l *Leg) rules() lineRules {
	rtc := l.rtc.Load() != nil
	return lineRules{
		security: l.opts.Security, plain: !rtc,
		rtc: rtc || (l.opts.WebRTC != RefuseWebRTC && l.tx.Load() == nil),
	}
}

// offerRTC prepares what an offer of WebRTC says; part in DTLS is for the party to choose (RFC 8842 §5.2).
func (n *negotiation) offerRTC() {
	if !n.agreed {
		n.rtc = rtcLines{mids: []string{"0"}, bundle: true}
	}
	n.rtc.setup = ""
	n.proto, n.keys, n.mux = rtcProto, nil, true
}

// answerRTC begins the connection with a party that offers WebRTC. The caller holds negMu.
func (l *Leg) answerRTC(remote *remoteMedia) error {
	// A browser makes noise of its own, and says nothing of it.
	l.opts.Noise = RefuseNoise
	r, err := l.openRTC()
	if err != nil {
		return err
	}
	setup, err := r.start(remote.rtc, false)
	if err != nil {
		return err
	}
	l.neg.rtc = remote.rtcLines
	l.neg.rtc.setup = setup
	l.neg.proto, l.neg.keys = rtcProto, nil
	return nil
}

// WebRTC tells whether the leg goes over ICE and DTLS.
func (l *Leg) WebRTC() bool { return l.rtc.Load() != nil }
