package invite

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Reliability says when provisional responses of ours are sent reliably
// (RFC 3262). A peer that requires it always gets them so.
type Reliability uint8

// The choices.
const (
	ReliableSDP   Reliability = iota // where the peer supports it and the response has a session description
	ReliableAll                      // wherever the peer supports it
	ReliableAsked                    // only where the peer requires it
)

// reliable is the state of our reliable provisional responses. One is on its
// way at a time (RFC 3262 section 3).
type reliable struct {
	seq   uint32        // RSeq of the newest, 0 before the first
	out   *sip.Response // not acknowledged yet
	sdp   bool          // it carries a session description
	every time.Duration
	queue []*wish // responses that wait for it
	held  *wish   // the 2xx that waits for it
}

// maxReliable bounds the responses that wait for a PRACK.
const maxReliable = 16

// bargain is where offer and answer of the first INVITE stand (RFC 6337 section 2).
type bargain struct {
	ours   bool // our offer has no answer yet
	theirs bool // the peer's offer has no answer of ours yet
	early  bool // both were there before the 2xx
}

// reliably tells whether a provisional response is to be acknowledged.
func (s *Session) reliably(sdp []byte) bool {
	if slices.Contains(tokens(s.first.req, "Require", ""), "100rel") {
		return true
	}
	if !slices.Contains(tokens(s.first.req, "Supported", "k"), "100rel") {
		return false
	}
	return s.e.opts.Reliable == ReliableAll || s.e.opts.Reliable == ReliableSDP && len(sdp) > 0
}

// ringReliably sends a provisional response that the peer must acknowledge,
// or queues it behind one that is not acknowledged yet.
func (s *Session) ringReliably(w *wish) {
	r := &s.rel
	if r.out != nil {
		if len(r.queue) >= maxReliable {
			w.grant(ErrState)
			return
		}
		r.queue = append(r.queue, w)
		w.grant(nil)
		return
	}
	if r.seq == 0 {
		r.seq = rand.Uint32N(1 << 30) //nolint:gosec // RFC 3262 section 3: spread, not secret
	}
	r.seq++
	sdp := w.sdp
	if s.bargain.early {
		sdp = nil // the answer has been given
	}
	res := s.first.response(w.code, "")
	s.localContact(res)
	res.AppendHeader(sip.NewHeader("Require", "100rel"))
	res.AppendHeader(sip.NewHeader("RSeq", strconv.FormatUint(uint64(r.seq), 10)))
	attach(res, sdp)
	if err := s.outcome(s.first.Respond(res)); err != nil {
		w.grant(err)
		return
	}
	if sdp != nil {
		s.localSDP = sdp
		s.bargain.ours = !s.bargain.theirs // an offer where the INVITE had none
		s.bargain.theirs, s.bargain.early = false, true
	}
	r.out, r.sdp, r.every = res, sdp != nil, s.e.timers.T1
	s.arm(timerPrack, r.every)
	s.arm(timerPrackLate, s.e.timers.transaction())
	w.grant(nil)
}

// prackResend repeats the response at doubling intervals (RFC 3262 section 3).
func (s *Session) prackResend() {
	if s.rel.out == nil || s.first.Respond(s.rel.out) != nil {
		return
	}
	s.rel.every *= 2
	s.arm(timerPrack, s.rel.every)
}

// mustWait tells that a 2xx may not go yet: a description of ours is not
// acknowledged (RFC 3262 section 3), or an offer of the peer not answered.
func (s *Session) mustWait() bool {
	return s.rel.out != nil && s.rel.sdp || s.re.theirs != nil || s.re.updating
}

// holdAnswer keeps the 2xx until the PRACK.
func (s *Session) holdAnswer(w *wish) {
	if s.rel.held != nil {
		w.grant(ErrState)
		return
	}
	s.rel.held = w
}

// release lets a 2xx go that was held.
func (s *Session) release() {
	w := s.rel.held
	if w == nil || s.mustWait() {
		return
	}
	s.rel.held = nil
	if !s.post(message{in: inAnswer, wish: w}) {
		w.grant(ErrEnded)
	}
}

// prack takes a PRACK of the peer.
func (s *Session) prack(m message) {
	r := &s.rel
	rseq, cseq, ok := readRAck(m.req)
	switch {
	case !ok:
		_ = m.from.Reply(sip.StatusBadRequest, "Bad RAck")
		return
	case s.first == nil || r.out == nil || rseq != r.seq || cseq != s.first.req.CSeq().SeqNo:
		_ = m.from.Reply(sip.StatusCallTransactionDoesNotExists, "")
		return
	}
	s.d.remoteSeq = max(s.d.remoteSeq, m.req.CSeq().SeqNo)
	code := r.out.StatusCode
	r.out = nil
	s.disarm(timerPrack)
	s.disarm(timerPrackLate)
	sdp := body(m.req)
	switch {
	case s.bargain.ours:
		s.bargain.ours = false
		s.setRemoteSDP(sdp)
		_ = m.from.Reply(sip.StatusOK, "")
		s.emit(Acknowledged{Code: code, SDP: sdp})
	case sdp != nil && s.bargain.early && s.state == incoming:
		s.takeOffer(m) // RFC 3262 section 5: the answer goes with the 200
	case sdp != nil:
		_ = m.from.Reply(sip.StatusNotAcceptableHere, "")
		s.emit(Acknowledged{Code: code})
	default:
		_ = m.from.Reply(sip.StatusOK, "")
		s.emit(Acknowledged{Code: code})
	}
	if s.state == incoming && len(r.queue) > 0 {
		w := r.queue[0]
		r.queue = r.queue[1:]
		s.ringReliably(w)
	}
	s.release()
}

// prackLate refuses the INVITE of a peer that does not acknowledge.
func (s *Session) prackLate() {
	s.refuse(sip.StatusGatewayTimeout, "", nil)
	s.finish(Cause{By: System, Code: sip.StatusGatewayTimeout, Reason: "no PRACK"})
}

// stopReliable ends retransmission; a PRACK may still come.
func (s *Session) stopReliable() {
	s.disarm(timerPrack)
	s.disarm(timerPrackLate)
	s.rel.queue = nil
	if w := s.rel.held; w != nil && s.over {
		s.rel.held = nil
		w.grant(ErrEnded)
	}
}

// readRAck reads "RSeq CSeq INVITE".
func readRAck(req *sip.Request) (rseq, cseq uint32, ok bool) {
	h := req.GetHeader("RAck")
	if h == nil {
		return 0, 0, false
	}
	f := strings.Fields(h.Value())
	if len(f) != 3 || !strings.EqualFold(f[2], string(sip.INVITE)) {
		return 0, 0, false
	}
	a, err := strconv.ParseUint(f[0], 10, 32)
	b, err2 := strconv.ParseUint(f[1], 10, 32)
	return uint32(a), uint32(b), err == nil && err2 == nil
}

// reliableOf is the RSeq of a provisional response that wants a PRACK.
func reliableOf(res *sip.Response) (uint32, bool) {
	h := res.GetHeader("RSeq")
	if h == nil || res.StatusCode <= 100 || !slices.Contains(tokens(res, "Require", ""), "100rel") {
		return 0, false
	}
	n, err := strconv.ParseUint(strings.TrimSpace(h.Value()), 10, 32)
	return uint32(n), err == nil && n > 0
}

// acknowledgeEarly sends the PRACK for a response that is next in its early
// dialog. A repeated one, or one that is ahead of the order, says false and is
// dropped (RFC 3262 section 4).
func (s *Session) acknowledgeEarly(f *fork, rseq uint32) bool {
	if f.rseq != 0 && rseq != f.rseq+1 {
		return false
	}
	f.rseq = rseq
	req := s.requestIn(f, sip.PRACK)
	req.AppendHeader(sip.NewHeader("RAck", fmt.Sprintf("%d %d INVITE", rseq, s.inv.req.CSeq().SeqNo)))
	s.converse(s.e.ctx, req, func(res *sip.Response, err error) {
		if err != nil || !res.IsSuccess() { // the peer repeats its response, or ends the call
			s.log.Debug("sip prack refused", "error", err)
		}
	})
	return true
}

// tokens are the comma-separated values of a header in lower case, under its
// name and its compact form.
func tokens(m sip.Message, name, compact string) []string {
	hs := slices.Clone(m.GetHeaders(name))
	if compact != "" {
		hs = append(hs, m.GetHeaders(compact)...)
	}
	var out []string
	for _, h := range hs {
		for _, t := range strings.Split(h.Value(), ",") {
			if t = strings.ToLower(strings.TrimSpace(t)); t != "" {
				out = append(out, t)
			}
		}
	}
	return out
}
