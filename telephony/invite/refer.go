package invite

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// ReferOptions of a transfer; the zero value is a blind one.
type ReferOptions struct {
	// Replaces is another session of ours that the referred party is to take
	// over at the target (RFC 3891).
	Replaces *Session
	// NoSubscription asks for no NOTIFY (RFC 4488): Refer then returns when
	// the peer has accepted.
	NoSubscription bool
	// By is told as Referred-By (RFC 3892); not sent when Host is empty.
	By sip.Uri
}

// transfers are the REFERs of a session. There is one of each kind at a time.
type transfers struct {
	theirs *responder // the application has not decided yet
	taken  bool       // a REFER of the peer is accepted, its last NOTIFY not sent
	event  string     // Event header of our NOTIFYs
	seen   int        // REFERs accepted so far
	queue  []*wish    // NOTIFYs to send, the first is on its way
	ours   *wish      // our REFER, until its last NOTIFY
	silent bool       // without NOTIFYs
	agreed bool       // it was accepted
}

// maxNotifies bounds the NOTIFYs that wait.
const maxNotifies = 16

// Refer asks the peer to call to (RFC 3515) and returns when that call was
// answered. A refusal of REFER or of the call is a *StatusError; ErrEnded says
// that the peer ended this session before it told. Events bring Notified.
func (s *Session) Refer(ctx context.Context, to sip.Uri, opts ReferOptions) error {
	target := *to.Clone()
	if opts.Replaces != nil {
		v, ok := opts.Replaces.replacesValue()
		if !ok {
			return fmt.Errorf("invite: the session to replace has no dialog: %w", ErrState)
		}
		target.Headers = append(target.Headers, sip.HeaderKV{K: "Replaces", V: url.QueryEscape(v)})
	}
	headers := []sip.Header{sip.NewHeader("Refer-To", "<"+target.String()+">")}
	if opts.By.Host != "" {
		headers = append(headers, sip.NewHeader("Referred-By", "<"+opts.By.String()+">"))
	}
	if opts.NoSubscription {
		headers = append(headers, sip.NewHeader("Refer-Sub", "false"))
	}
	return s.askContext(ctx, inReferWish, &wish{ctx: ctx, headers: headers, code: btoi(opts.NoSubscription)})
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Notify tells the peer how the transfer goes that it asked for, by the status
// of the new call; a final one ends the subscription. It returns when the peer
// has heard. Without a subscription it does nothing.
func (s *Session) Notify(ctx context.Context, code int, reason string) error {
	if code < 100 || code > 699 {
		return ErrState
	}
	return s.askContext(ctx, inNotifyWish, &wish{ctx: ctx, code: code, reason: reason})
}

// refer takes a REFER of the peer.
func (s *Session) refer(m message) {
	x := &s.xfer
	s.d.remoteSeq = max(s.d.remoteSeq, m.req.CSeq().SeqNo)
	ev, ok := readRefer(m.req)
	switch {
	case !ok:
		_ = m.from.Reply(sip.StatusBadRequest, "Bad Refer-To")
		return
	case x.theirs != nil || x.taken:
		_ = m.from.Reply(sip.StatusRequestPending, "")
		return
	}
	r := m.from
	x.theirs = r
	ev.Reply = func(code int) { s.post(message{in: inReferReply, from: r, code: code}) }
	s.arm(timerRefer, s.e.timers.Reply)
	s.emit(ev)
}

// readRefer reads the one Refer-To that RFC 3515 section 2.4.2 asks for.
func readRefer(req *sip.Request) (Referred, bool) {
	hs := append(req.GetHeaders("Refer-To"), req.GetHeaders("r")...)
	if len(hs) != 1 {
		return Referred{}, false
	}
	var ev Referred
	var params sip.HeaderParams
	if _, err := sip.ParseAddressValue(hs[0].Value(), &ev.To, &params); err != nil || ev.To.Host == "" && ev.To.Scheme != "tel" {
		return Referred{}, false
	}
	if method := ev.To.UriParams.GetOr("method", "INVITE"); !strings.EqualFold(method, "INVITE") {
		return Referred{}, false
	}
	ev.To.UriParams.Remove("method")
	for _, h := range ev.To.Headers {
		if !strings.EqualFold(h.K, "Replaces") {
			continue
		}
		v, err := url.PathUnescape(h.V)
		r, ok := ParseReplaces(v)
		if err != nil || !ok {
			return Referred{}, false
		}
		ev.Replaces = &r
	}
	ev.To.Headers = nil
	return ev, true
}

// referReply sends the application's verdict on a REFER.
func (s *Session) referReply(m message) {
	x := &s.xfer
	r := x.theirs
	if r == nil || !m.timed && m.from != r {
		return
	}
	x.theirs = nil
	s.disarm(timerRefer)
	switch {
	case m.timed:
		_ = r.Reply(sip.StatusInternalServerError, "")
	case m.code >= 300 && m.code <= 699:
		_ = r.Reply(m.code, "")
	default:
		s.acceptRefer(r)
	}
}

func (s *Session) acceptRefer(r *responder) {
	x := &s.xfer
	silent := false
	for _, t := range tokens(r.req, "Refer-Sub", "") {
		silent = silent || t == "false"
	}
	res := r.response(sip.StatusAccepted, "")
	s.localContact(res)
	if silent { // RFC 4488 section 4
		res.AppendHeader(sip.NewHeader("Refer-Sub", "false"))
	}
	if r.Respond(res) != nil || silent {
		return
	}
	x.taken, x.seen = true, x.seen+1
	x.event = "refer"
	if x.seen > 1 { // RFC 3515 section 2.4.6
		x.event += ";id=" + strconv.FormatUint(uint64(r.req.CSeq().SeqNo), 10)
	}
	s.notifyWish(&wish{code: sip.StatusTrying})
}

// notifyWish queues a NOTIFY.
func (s *Session) notifyWish(w *wish) {
	x := &s.xfer
	switch {
	case !x.taken:
		w.grant(nil)
		return
	case len(x.queue) >= maxNotifies:
		w.grant(ErrState)
		return
	}
	x.queue = append(x.queue, w)
	if len(x.queue) == 1 {
		s.sendNotify()
	}
}

func (s *Session) sendNotify() {
	x := &s.xfer
	w := x.queue[0]
	req := s.e.request(&s.d, sip.NOTIFY)
	req.AppendHeader(sip.NewHeader("Event", x.event))
	life := "active;expires=" + inSeconds(s.e.timers.TimerC)
	if w.code >= 200 {
		life = "terminated;reason=noresource"
	}
	req.AppendHeader(sip.NewHeader("Subscription-State", life))
	req.AppendHeader(sip.NewHeader("Content-Type", "message/sipfrag;version=2.0"))
	req.SetBody([]byte("SIP/2.0 " + statusLine(w.code, w.reason) + "\r\n"))
	s.converse(s.e.ctx, req, func(res *sip.Response, err error) {
		s.post(message{in: inNotifyDone, res: res, err: err, wish: w})
	})
}

// notifyDone takes the answer to our NOTIFY and sends the next.
func (s *Session) notifyDone(m message) {
	x := &s.xfer
	if len(x.queue) == 0 || x.queue[0] != m.wish {
		return
	}
	x.queue = x.queue[1:]
	if m.wish.code >= 200 || m.err != nil || m.res.StatusCode == sip.StatusCallTransactionDoesNotExists {
		x.taken = false // told, or the peer does not listen
	}
	m.wish.grant(m.err)
	for !x.taken && len(x.queue) > 0 {
		x.queue[0].grant(nil)
		x.queue = x.queue[1:]
	}
	if len(x.queue) > 0 {
		s.sendNotify()
	}
}

// referWish sends a REFER of the application.
func (s *Session) referWish(w *wish) {
	x := &s.xfer
	if x.ours != nil {
		w.grant(ErrGlare)
		return
	}
	x.ours, x.silent, x.agreed = w, w.code == 1, false
	req := s.e.request(&s.d, sip.REFER)
	for _, h := range w.headers {
		req.AppendHeader(sip.HeaderClone(h))
	}
	s.arm(timerNotify, s.e.timers.transaction()+s.e.timers.TimerC)
	s.converse(s.e.ctx, req, func(res *sip.Response, err error) {
		s.post(message{in: inReferDone, res: res, err: err, wish: w})
	})
}

func (s *Session) endRefer(err error) {
	if w := s.xfer.ours; w != nil {
		s.xfer.ours = nil
		s.disarm(timerNotify)
		w.grant(err)
	}
}

// referDone takes the answer to our REFER, or that no NOTIFY came.
func (s *Session) referDone(m message) {
	x := &s.xfer
	if x.ours == nil || !m.timed && x.ours != m.wish {
		return
	}
	switch {
	case m.timed:
		s.endRefer(&StatusError{Code: sip.StatusRequestTimeout})
	case m.err != nil:
		s.endRefer(m.err)
	case m.res.IsSuccess():
		x.agreed = true
		if h := m.res.GetHeader("Refer-Sub"); h != nil && strings.HasPrefix(strings.ToLower(h.Value()), "false") || x.silent {
			s.endRefer(nil)
		}
	default:
		s.endRefer(&StatusError{Code: m.res.StatusCode, Reason: m.res.Reason})
		s.checkLost(m.res.StatusCode)
	}
}

// statusBadEvent refuses a NOTIFY of an event nobody subscribed to (RFC 6665).
const statusBadEvent = 489

// notified takes a NOTIFY of the peer.
func (s *Session) notified(m message) {
	s.d.remoteSeq = max(s.d.remoteSeq, m.req.CSeq().SeqNo)
	event := ""
	if h := m.req.GetHeader("Event"); h != nil {
		event, _, _ = strings.Cut(h.Value(), ";")
	} else if h := m.req.GetHeader("o"); h != nil {
		event, _, _ = strings.Cut(h.Value(), ";")
	}
	if !strings.EqualFold(strings.TrimSpace(event), "refer") {
		_ = m.from.Reply(statusBadEvent, "", sip.NewHeader("Allow-Events", "refer"))
		return
	}
	if s.xfer.ours == nil {
		_ = m.from.Reply(sip.StatusCallTransactionDoesNotExists, "")
		return
	}
	_ = m.from.Reply(sip.StatusOK, "")
	code, reason := readFragment(m.req.Body())
	over := code >= 200
	if h := m.req.GetHeader("Subscription-State"); h != nil {
		over = over || strings.HasPrefix(strings.ToLower(strings.TrimSpace(h.Value())), "terminated")
	}
	s.emit(Notified{Code: code, Reason: reason, Final: over})
	switch {
	case code >= 200 && code <= 299:
		s.endRefer(nil)
	case over:
		s.endRefer(&StatusError{Code: code, Reason: reason})
	}
}

// readFragment reads the status line of a message/sipfrag (RFC 3420), 0
// without one.
func readFragment(b []byte) (code int, reason string) {
	line, _, _ := strings.Cut(string(b[:min(len(b), 256)]), "\n")
	rest, ok := strings.CutPrefix(strings.TrimSpace(line), "SIP/2.0 ")
	if !ok {
		return 0, ""
	}
	digits, reason, _ := strings.Cut(rest, " ")
	code, err := strconv.Atoi(digits)
	if err != nil || code < 100 || code > 699 {
		return 0, ""
	}
	return code, reason
}

// dropTransfers settles what is open when the session ends.
func (s *Session) dropTransfers() {
	x := &s.xfer
	if x.theirs != nil {
		_ = x.theirs.Reply(sip.StatusRequestTerminated, "")
		x.theirs = nil
	}
	s.disarm(timerRefer)
	for _, w := range x.queue {
		w.grant(ErrEnded)
	}
	x.queue, x.taken = nil, false
	s.endRefer(ErrEnded)
}
