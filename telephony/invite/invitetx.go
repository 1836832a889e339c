package invite

import (
	"context"
	"sync"

	"github.com/emiago/sipgo/sip"
)

// inviteTx is one INVITE of ours. It outlives its session when it must: every
// 2xx that arrives within 64*T1 is acknowledged here, and the dialogs that
// nobody wants are ended.
type inviteTx struct {
	e   *Endpoint
	s   *Session
	req *sip.Request
	re  bool // a re-INVITE

	mu    sync.Mutex
	tx    *sip.ClientTx
	final bool
	acks  map[string]*sip.Request // ACKs sent, by To tag
}

// maxForks bounds how many dialogs one INVITE may make.
const maxForks = 32

func newInviteTx(s *Session, req *sip.Request, re bool) *inviteTx {
	return &inviteTx{e: s.e, s: s, req: req, re: re, acks: map[string]*sip.Request{}}
}

// run sends the INVITE and reads its responses up to the final one.
func (v *inviteTx) run() {
	ctx, cancel := context.WithTimeout(v.s.sending, v.e.timers.transaction())
	defer cancel()
	err := v.e.reach(ctx, v.req)
	var tx *sip.ClientTx
	if err == nil {
		tx, err = v.e.txl.NewClientTransaction(ctx, v.req)
	}
	if err != nil {
		v.s.post(message{in: inTxFail, inv: v, err: err})
		return
	}
	v.e.track(tx, true)
	tx.OnRetransmission(v.success)
	v.mu.Lock()
	v.tx = tx
	v.mu.Unlock()
	if err := tx.Init(); err != nil {
		tx.Terminate()
		v.s.post(message{in: inTxFail, inv: v, err: err})
		return
	}
	for {
		select {
		case res := <-tx.Responses():
			if v.take(res) {
				return
			}
		case <-tx.Done():
			v.s.post(message{in: inTxFail, inv: v, err: tx.Err()})
			return
		}
	}
}

// take handles one response and says whether it was final.
func (v *inviteTx) take(res *sip.Response) bool {
	switch {
	case res.IsProvisional():
		v.s.post(message{in: inProvisional, inv: v, res: res})
		return false
	case res.IsSuccess():
		v.success(res)
	default:
		v.mu.Lock()
		v.final = true
		v.mu.Unlock()
		v.s.post(message{in: inFailure, inv: v, res: res})
	}
	return true
}

// success acknowledges a 2xx: the first goes on to the session, a repeated
// one gets its ACK again, and one of another fork is ended (RFC 3261 section
// 13.2.2.4).
func (v *inviteTx) success(res *sip.Response) {
	if res.From() == nil || res.To() == nil || res.CallID() == nil || res.CSeq() == nil {
		return
	}
	tag := toTag(res)
	v.mu.Lock()
	ack, again := v.acks[tag]
	first := len(v.acks) == 0
	if !again {
		if len(v.acks) >= maxForks {
			v.mu.Unlock()
			return
		}
		ack = v.e.acknowledge(v.req, res)
		v.acks[tag] = ack
	}
	v.final = true
	v.mu.Unlock()
	v.e.write(ack.Clone())
	switch {
	case again:
	case first && v.s.post(message{in: inSuccess, inv: v, res: res}):
	case v.re: // the dialog of a re-INVITE is ended by its session
	default:
		v.e.forks.Add(1)
		d := outboundDialog(res, v.req.Recipient, v.req.MessageData.Destination())
		d.mark = v.req.MessageData.Source()
		v.e.endDialog(d, v.s.out.Credentials)
	}
}

// drop ends the transaction if no final response has come.
func (v *inviteTx) drop() {
	v.mu.Lock()
	tx, final := v.tx, v.final
	v.mu.Unlock()
	if tx != nil && !final {
		tx.Terminate()
	}
}

// endDialog sends BYE in a dialog that has no session.
func (e *Endpoint) endDialog(d dialog, c *Credentials) {
	key := d.callID + " " + d.localTag + " " + d.remoteTag
	const maxStrays = 1000
	e.mu.Lock()
	_, ending := e.strays[key]
	if ending || len(e.strays) >= maxStrays || e.phase == stopped {
		e.mu.Unlock()
		return
	}
	e.strays[key] = struct{}{}
	e.mu.Unlock()
	e.task(func() {
		e.bye(e.ctx, d, e.request(&d, sip.BYE), c)
		e.mu.Lock()
		delete(e.strays, key)
		e.mu.Unlock()
	})
}

// onStrayResponse takes responses that match no transaction. Only a 2xx to an
// INVITE of ours asks for anything: it is acknowledged, and its dialog ended
// unless a session lives in it.
func (e *Endpoint) onStrayResponse(res *sip.Response) {
	if !res.IsSuccess() || res.CSeq() == nil || res.CSeq().MethodName != sip.INVITE ||
		res.From() == nil || res.To() == nil || res.CallID() == nil || !e.ownCallID(res.CallID().Value()) {
		return
	}
	d := outboundDialog(res, res.To().Address, "")
	d.mark = onlyFlow
	ack := e.requestSeq(&d, sip.ACK, d.localSeq)
	e.mu.Lock()
	s := e.sessions[dialogKey{d.callID, d.localTag}]
	e.mu.Unlock()
	e.write(ack)
	if s == nil || (s.peerTag() != "" && s.peerTag() != d.remoteTag) {
		e.crossed.Add(1)
		e.endDialog(d, nil)
	}
}
