package invite

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"
)

// transact starts a client transaction. The caller must read its responses
// until it is done, or terminate it.
func (e *Endpoint) transact(ctx context.Context, req *sip.Request) (*sip.ClientTx, error) {
	if err := e.reach(ctx, req); err != nil {
		return nil, err
	}
	tx, err := e.txl.NewClientTransaction(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("invite: %s: %w", req.Method, err)
	}
	e.track(tx, true)
	if err := tx.Init(); err != nil {
		tx.Terminate()
		return nil, fmt.Errorf("invite: %s: %w", req.Method, err)
	}
	return tx, nil
}

// roundTrip sends a request that is not an INVITE and waits for its final response.
func (e *Endpoint) roundTrip(ctx context.Context, req *sip.Request) (*sip.Response, error) {
	// Timer F bounds it (64*T1); a peer that sends 100 for ever is bounded here.
	ctx, cancel := context.WithTimeout(ctx, e.timers.transaction()+e.timers.T2)
	defer cancel()
	stop := context.AfterFunc(e.ctx, cancel)
	defer stop()
	tx, err := e.transact(ctx, req)
	if err != nil {
		return nil, err
	}
	defer tx.Terminate()
	for {
		select {
		case res := <-tx.Responses():
			if !res.IsProvisional() {
				return res, nil
			}
		case <-tx.Done():
			return nil, fmt.Errorf("invite: %s: %w", req.Method, tx.Err())
		case <-ctx.Done():
			return nil, fmt.Errorf("invite: %s: %w", req.Method, ctx.Err())
		}
	}
}

// write sends a request outside any transaction: the ACK to a 2xx.
func (e *Endpoint) write(req *sip.Request) {
	ctx, cancel := context.WithTimeout(e.ctx, e.timers.transaction())
	defer cancel()
	if err := e.reach(ctx, req); err != nil {
		e.log.Debug("sip ack not sent", "error", err)
		return
	}
	conn, err := e.tpl.ClientRequestConnection(ctx, req)
	if err != nil {
		e.log.Debug("sip ack not sent", "error", err)
		return
	}
	defer func() { _, _ = conn.TryClose() }()
	if err := conn.WriteMsg(req); err != nil {
		e.log.Debug("sip ack not sent", "error", err)
	}
}

// Do sends a request that is not an INVITE outside a dialog and waits for its
// final response. Headers that RFC 3261 section 8.1.1 asks for are added
// where they are missing; Transport and Destination come from the request.
func (e *Endpoint) Do(ctx context.Context, req *sip.Request) (*sip.Response, error) {
	return e.do(ctx, req, nil)
}

// DoWith is Do that answers one digest challenge (401 or 407).
func (e *Endpoint) DoWith(ctx context.Context, req *sip.Request, c Credentials) (*sip.Response, error) {
	return e.do(ctx, req, &c)
}

func (e *Endpoint) do(ctx context.Context, req *sip.Request, c *Credentials) (*sip.Response, error) {
	e.mu.Lock()
	serving := e.phase == serving
	e.mu.Unlock()
	if !serving {
		return nil, ErrStopped
	}
	if req.IsInvite() || req.IsAck() || req.IsCancel() {
		return nil, fmt.Errorf("invite: Do cannot send %s: %w", req.Method, ErrState)
	}
	e.complete(req)
	res, err := e.roundTrip(ctx, req)
	if err != nil || c == nil || !challenged(res) {
		return res, err
	}
	again := req.Clone()
	again.CSeq().SeqNo++
	if err := authorize(again, res, *c); err != nil {
		return res, nil //nolint:nilerr // a challenge nobody can answer is the refusal it is
	}
	e.address(again, networkOf(again), again.Destination())
	return e.roundTrip(ctx, again)
}

// complete adds what a request outside a dialog lacks.
func (e *Endpoint) complete(req *sip.Request) {
	network := networkOf(req)
	e.address(req, network, req.Destination())
	if req.MaxForwards() == nil {
		hops := sip.MaxForwardsHeader(70)
		req.AppendHeader(&hops)
	}
	if req.From() == nil {
		from := &sip.FromHeader{Address: e.ContactURI("", network, req.Destination())}
		req.AppendHeader(from)
	}
	if !req.From().Params.Has("tag") {
		req.From().Params.Add("tag", sip.GenerateTagN(12))
	}
	if req.To() == nil {
		req.AppendHeader(&sip.ToHeader{Address: *req.Recipient.Clone()})
	}
	if req.CallID() == nil {
		id := sip.CallIDHeader(e.newCallID())
		req.AppendHeader(&id)
	}
	if req.CSeq() == nil {
		req.AppendHeader(&sip.CSeqHeader{SeqNo: 1, MethodName: req.Method})
	}
	if e.opts.UserAgent != "" && req.GetHeader("User-Agent") == nil {
		req.AppendHeader(sip.NewHeader("User-Agent", e.opts.UserAgent))
	}
	req.SetBody(req.Body())
}

// newCallID makes a Call-ID that the endpoint knows again as its own, so that
// a late 2xx can be ended without remembering every call.
func (e *Endpoint) newCallID() string {
	id := sip.GenerateTagN(20)
	return id + "-" + e.sign(id)
}

func (e *Endpoint) ownCallID(callID string) bool {
	id, sum, ok := strings.Cut(callID, "-")
	return ok && hmac.Equal([]byte(sum), []byte(e.sign(id)))
}

func (e *Endpoint) sign(id string) string {
	mac := hmac.New(sha256.New, e.secret)
	mac.Write([]byte(id))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

func challenged(res *sip.Response) bool {
	return res.StatusCode == sip.StatusUnauthorized || res.StatusCode == sip.StatusProxyAuthRequired
}

// authorize answers the first challenge that can be answered (RFC 8760
// section 2.4: the server lists them in its order of preference).
func authorize(req *sip.Request, res *sip.Response, c Credentials) error {
	ask, answer := "WWW-Authenticate", "Authorization"
	if res.StatusCode == sip.StatusProxyAuthRequired {
		ask, answer = "Proxy-Authenticate", "Proxy-Authorization"
	}
	err := errors.New("invite: the challenge has no usable algorithm")
	for _, h := range res.GetHeaders(ask) {
		chal, parseErr := digest.ParseChallenge(h.Value())
		if parseErr != nil || !digest.CanDigest(chal) {
			continue
		}
		cred, digestErr := digest.Digest(chal, digest.Options{
			Method: string(req.Method), URI: req.Recipient.String(), Username: c.User, Password: c.Secret,
		})
		if digestErr != nil {
			err = fmt.Errorf("invite: digest: %w", digestErr)
			continue
		}
		req.RemoveHeader(answer)
		req.AppendHeader(sip.NewHeader(answer, cred.String()))
		return nil
	}
	return err
}

// bye ends a dialog; it answers one challenge and gives up after 64*T1.
func (e *Endpoint) bye(ctx context.Context, d dialog, req *sip.Request, c *Credentials) {
	started := time.Now()
	res, err := e.roundTrip(ctx, req)
	if err != nil {
		e.log.Debug("sip bye unanswered", "error", err, "after", time.Since(started))
		return
	}
	if c == nil || !challenged(res) {
		return
	}
	again := e.requestSeq(&d, sip.BYE, req.CSeq().SeqNo+1)
	if authorize(again, res, *c) == nil {
		_, _ = e.roundTrip(ctx, again)
	}
}
