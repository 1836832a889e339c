package invite

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/emiago/sipgo/sip"
)

// responder answers one request through its server transaction. It lets one
// final response through (2xx retransmissions apart) and forgets none.
type responder struct {
	e   *Endpoint
	req *sip.Request
	tx  *sip.ServerTx

	mu    sync.Mutex // one response at a time; never taken inside sipgo's callbacks
	final atomic.Bool
}

// errAnswered says that the request has its final response.
var errAnswered = errors.New("invite: the request has been answered")

// errCancelled says that the peer's CANCEL came first.
var errCancelled = errors.New("invite: the request was cancelled")

// Respond implements Responder.
func (r *responder) Respond(res *sip.Response) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.final.Load() {
		return errAnswered
	}
	if res.StatusCode >= 200 {
		r.final.Store(true)
	}
	return r.send(res)
}

// again sends a 2xx once more (RFC 6026 section 7.1: the transaction passes it on).
func (r *responder) again(res *sip.Response) { _ = r.tx.Respond(res) }

// send hands the response to the transaction. When CANCEL was faster the
// transaction has sent 487 but remembers our response as its last one; telling
// it 487 again repairs what it would retransmit.
func (r *responder) send(res *sip.Response) error {
	if res.IsSuccess() && (r.req.Method == sip.REGISTER || r.req.IsInvite()) && connected(networkOf(r.req)) {
		r.e.streams.keep(r.req.Source())
	}
	err := r.tx.Respond(res)
	if r.req.IsCancel() {
		r.tx.Terminate() // sipgo answers CANCEL past its state machine and would keep it
	}
	if err == nil {
		return nil
	}
	r.final.Store(true)
	if errors.Is(err, sip.ErrTransactionCanceled) {
		_ = r.tx.Respond(r.response(sip.StatusRequestTerminated, ""))
		return errCancelled
	}
	r.tx.Terminate()
	return fmt.Errorf("invite: send response: %w", err)
}

// Reply implements Responder.
func (r *responder) Reply(code int, reason string, headers ...sip.Header) error {
	res := r.response(code, reason)
	for _, h := range headers {
		res.AppendHeader(h)
	}
	return r.Respond(res)
}

func (r *responder) response(code int, reason string) *sip.Response {
	if reason == "" {
		reason = phrase(code)
	}
	res := sip.NewResponseFromRequest(r.req, code, reason, nil)
	if r.e.opts.UserAgent != "" && code > 100 {
		res.AppendHeader(sip.NewHeader("Server", r.e.opts.UserAgent))
	}
	return res
}

// settle makes sure of a final response.
func (r *responder) settle(code int) {
	if !r.final.Load() {
		_ = r.Reply(code, "")
	}
}

// cancelled marks the request as answered by the transaction itself. It is
// called while sipgo holds the transaction's lock.
func (r *responder) cancelled() { r.final.Store(true) }
