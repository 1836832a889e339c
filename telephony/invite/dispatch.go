package invite

import (
	"net/netip"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// freshINVITE marks an INVITE that came without To tag and was given ours
// before sipgo's goroutines see it, so that every response of its
// transaction, also the 487 that sipgo sends by itself, carries one tag
// (RFC 3261 section 8.2.6.2). The mark uses the destination of the message,
// which means nothing for a request that was received.
const freshINVITE = "hotline:fresh"

// onMessage sees each message in the order of arrival, before any goroutine
// is made for it.
func (e *Endpoint) onMessage(msg sip.Message) {
	e.streams.identify(msg)
	req, ok := msg.(*sip.Request)
	if !ok {
		return
	}
	if via := req.Via(); via != nil && via.Params.Has("rport") && !connected(networkOf(req)) {
		// RFC 3581 section 4: received goes with rport. sipgo adds it too.
	} else if via != nil {
		if src, err := netip.ParseAddrPort(req.Source()); err == nil && via.Host != src.Addr().String() {
			via.Params.Add("received", src.Addr().String()) // RFC 3261 section 18.2.1
		}
	}
	if req.IsInvite() {
		if to := req.To(); to != nil && !to.Params.Has("tag") {
			to.Params.Add("tag", sip.GenerateTagN(12))
			req.SetDestination(freshINVITE)
		}
	}
}

// onRequest takes a request that no transaction knows. It runs on a goroutine
// of its own.
func (e *Endpoint) onRequest(req *sip.Request, tx *sip.ServerTx) {
	if req.IsAck() {
		tx.Terminate() // an ACK to a 2xx has no transaction
		if wellFormed(req) {
			e.onAck(req)
		}
		return
	}
	if network := networkOf(req); e.opts.Admit != nil && connected(network) {
		if src, err := netip.ParseAddrPort(req.Source()); err == nil && !e.opts.Admit(src, network) {
			e.refused.Add(1)
			tx.Terminate()
			return
		}
	}
	crowd := e.track(tx, false)
	r := &responder{e: e, req: req, tx: tx}
	defer func() {
		if p := recover(); p != nil {
			e.log.Error("sip request handling panicked", "method", string(req.Method), "panic", p, "stack", string(debug.Stack()))
			r.settle(sip.StatusInternalServerError)
		}
	}()
	if !wellFormed(req) {
		e.refused.Add(1)
		_ = r.Reply(sip.StatusBadRequest, "")
		return
	}
	if !strings.EqualFold(req.SipVersion, "SIP/2.0") {
		_ = r.Reply(sip.StatusVersionNotSupported, "")
		return
	}
	if fresh := req.MessageData.Destination() == freshINVITE || toTagOf(req) == ""; fresh &&
		crowd > e.opts.Limits.Transactions && req.Method != sip.CANCEL {
		e.refused.Add(1)
		_ = r.Reply(sip.StatusServiceUnavailable, "", sip.NewHeader("Retry-After", "5"))
		tx.Terminate()
		return
	}
	switch {
	case req.Method == sip.INVITE && req.MessageData.Destination() == freshINVITE:
		e.onInvite(r)
	case req.Method == sip.CANCEL:
		e.onCancel(r)
	default:
		if tag, _ := req.To().Params.Get("tag"); tag != "" {
			e.onInDialog(r, tag)
			return
		}
		e.onOutOfDialog(r)
	}
}

// onInvite makes a session, or refuses.
func (e *Endpoint) onInvite(r *responder) {
	req := r.req
	// At once: it stops the peer's retransmissions, and sipgo's own timer for
	// it could overwrite a final response.
	_ = r.Reply(sip.StatusTrying, "")
	if code, headers := e.unacceptable(req); code != 0 {
		_ = r.Reply(code, "", headers...)
		return
	}
	old, code := e.replaced(req)
	if code != 0 {
		_ = r.Reply(code, "")
		return
	}
	s := newInbound(e, r)
	s.replaces = old
	branch := branchOf(req)
	mergeKey := initialKey(req)
	e.mu.Lock()
	switch {
	case e.phase != serving:
		e.mu.Unlock()
		_ = r.Reply(sip.StatusServiceUnavailable, "", sip.NewHeader("Retry-After", "30"))
		return
	case len(e.sessions) >= e.opts.Limits.Sessions:
		e.mu.Unlock()
		e.refused.Add(1)
		_ = r.Reply(sip.StatusServiceUnavailable, "", sip.NewHeader("Retry-After", "5"))
		return
	case e.initial[mergeKey] != nil:
		e.mu.Unlock()
		_ = r.Reply(sip.StatusLoopDetected, "") // RFC 3261 section 8.2.2.2
		return
	}
	if early, ok := e.parked[branch]; ok {
		delete(e.parked, branch)
		close(early)
		e.mu.Unlock()
		_ = r.Reply(sip.StatusRequestTerminated, "")
		return
	}
	e.sessions[s.key] = s
	e.initial[mergeKey] = s
	e.branches[branch] = s
	s.branch, s.mergeKey = branch, mergeKey
	e.active.Add(1)
	e.total.Add(1)
	e.tasks.Add(3)
	e.running.Add(3)
	e.mu.Unlock()
	go s.loop()
	go s.watch(r)
	if !r.tx.OnCancel(func(*sip.Request) { r.cancelled(); s.post(message{in: inCancelled, from: r}) }) {
		r.cancelled()
		s.post(message{in: inCancelled, from: r})
	}
	go s.serve()
}

// unacceptable checks what RFC 3261 section 8.2 asks of a request.
func (e *Endpoint) unacceptable(req *sip.Request) (int, []sip.Header) {
	switch strings.ToLower(req.Recipient.Scheme) {
	case "sip", "sips", "tel", "":
	default:
		return 416, nil
	}
	if code, headers := e.unsupported(req); code != 0 {
		return code, headers
	}
	if code, headers := e.tooBrief(req); code != 0 {
		return code, headers
	}
	if len(req.Body()) == 0 {
		return 0, nil
	}
	ct := ""
	if h := req.ContentType(); h != nil {
		ct = strings.ToLower(strings.TrimSpace(strings.SplitN(h.Value(), ";", 2)[0]))
	}
	if ct != "application/sdp" || req.GetHeader("Content-Encoding") != nil {
		return sip.StatusUnsupportedMediaType, []sip.Header{sip.NewHeader("Accept", "application/sdp")}
	}
	return 0, nil
}

// onCancel takes a CANCEL whose INVITE has no transaction. As sipgo hands
// messages over in goroutines the INVITE may be a moment behind, so the CANCEL
// waits for it before it is refused.
func (e *Endpoint) onCancel(r *responder) {
	branch := branchOf(r.req)
	e.mu.Lock()
	if s, ok := e.branches[branch]; ok {
		e.mu.Unlock()
		_ = r.Reply(sip.StatusOK, "")
		s.post(message{in: inCancelled, from: s.first, refuse: true})
		return
	}
	const maxParked = 1000
	if _, twice := e.parked[branch]; twice || len(e.parked) >= maxParked {
		e.mu.Unlock()
		_ = r.Reply(sip.StatusCallTransactionDoesNotExists, "")
		return
	}
	came := make(chan struct{})
	e.parked[branch] = came
	e.mu.Unlock()
	timer := time.NewTimer(e.timers.T1 / 2)
	defer timer.Stop()
	select {
	case <-came:
		_ = r.Reply(sip.StatusOK, "")
		return
	case <-timer.C:
	case <-e.ctx.Done():
	}
	e.mu.Lock()
	_, left := e.parked[branch]
	delete(e.parked, branch)
	e.mu.Unlock()
	if !left {
		_ = r.Reply(sip.StatusOK, "")
		return
	}
	_ = r.Reply(sip.StatusCallTransactionDoesNotExists, "")
}

func (e *Endpoint) onAck(req *sip.Request) {
	if s := e.find(req); s != nil {
		s.post(message{in: inAck, req: req})
	}
}

// find looks the session of an in-dialog request up.
func (e *Endpoint) find(req *sip.Request) *Session {
	tag, _ := req.To().Params.Get("tag")
	e.mu.Lock()
	s := e.sessions[dialogKey{req.CallID().Value(), tag}]
	e.mu.Unlock()
	if s == nil {
		return nil
	}
	peer, _ := req.From().Params.Get("tag")
	if known := s.peerTag(); known != "" && known != peer {
		return nil
	}
	return s
}

func (e *Endpoint) onInDialog(r *responder, tag string) {
	s := e.find(r.req)
	if s == nil {
		_ = r.Reply(sip.StatusCallTransactionDoesNotExists, "")
		return
	}
	m := message{in: inRequest, req: r.req, from: r}
	switch r.req.Method {
	case sip.BYE:
		m.in = inBye
	case sip.INVITE:
		_ = r.Reply(sip.StatusTrying, "")
		if code, headers := e.unacceptable(r.req); code != 0 {
			_ = r.Reply(code, "", headers...)
			return
		}
		m.in = inReinvite
	default:
		if code, headers := e.unsupported(r.req); code != 0 {
			_ = r.Reply(code, "", headers...)
			return
		}
	}
	if !s.post(m) {
		r.settle(sip.StatusCallTransactionDoesNotExists)
	}
}

// Allowed is the Allow header of what sessions understand.
const Allowed = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, REGISTER, PRACK, UPDATE, REFER, NOTIFY"

func (e *Endpoint) onOutOfDialog(r *responder) {
	method := r.req.Method
	switch {
	case method == sip.REGISTER, method == sip.OPTIONS, slices.Contains(e.opts.Methods, method):
		src, _ := netip.ParseAddrPort(r.req.Source())
		e.h.Request(r.req, src, r)
		r.settle(sip.StatusInternalServerError)
	case slices.Contains([]sip.RequestMethod{sip.BYE, sip.INFO, sip.UPDATE, sip.PRACK, sip.INVITE}, method):
		_ = r.Reply(sip.StatusCallTransactionDoesNotExists, "")
	case slices.Contains([]sip.RequestMethod{sip.SUBSCRIBE, sip.NOTIFY, sip.REFER, sip.MESSAGE, sip.PUBLISH}, method):
		_ = r.Reply(sip.StatusMethodNotAllowed, "", sip.NewHeader("Allow", Allowed))
	default:
		_ = r.Reply(sip.StatusNotImplemented, "", sip.NewHeader("Allow", Allowed))
	}
}

// branchOf names the client transaction of a request apart from its method,
// which is what CANCEL and INVITE share (RFC 3261 section 9.2).
func branchOf(req *sip.Request) string {
	via := req.Via()
	branch, _ := via.Params.Get("branch")
	return branch + " " + via.Host + " " + strconv.Itoa(via.Port)
}

// initialKey recognises merged requests (RFC 3261 section 8.2.2.2).
func initialKey(req *sip.Request) string {
	tag, _ := req.From().Params.Get("tag")
	return req.CallID().Value() + " " + tag + " " + strconv.FormatUint(uint64(req.CSeq().SeqNo), 10)
}

// supported is the Supported header of our requests.
func (e *Endpoint) supported() string {
	list := []string{"100rel"}
	if e.timing() {
		list = append(list, "timer")
	}
	if e.replacer != nil {
		list = append(list, "replaces")
	}
	return strings.Join(append(list, "norefersub"), ", ")
}

// unsupported refuses a request that requires an extension that there is not,
// and names it (RFC 3261 section 8.2.2.3).
func (e *Endpoint) unsupported(req *sip.Request) (int, []sip.Header) {
	var unknown []string
	have := strings.Split(e.supported(), ", ")
	for _, t := range tokens(req, "Require", "") {
		if !slices.Contains(have, t) {
			unknown = append(unknown, t)
		}
	}
	if len(unknown) == 0 {
		return 0, nil
	}
	return sip.StatusBadExtension, []sip.Header{sip.NewHeader("Unsupported", strings.Join(unknown, ", "))}
}
