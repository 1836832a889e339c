package phone

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"

	"hotline/telephony/invite"
)

// registration is a binding that is kept alive.
type registration struct {
	callID string
	seq    uint32
	stop   context.CancelFunc
	done   chan struct{}
}

// Register binds the phone's address at the registrar and refreshes the binding at half of the time that the server grants,
// until Unregister or Stop. expires is rounded to seconds; 0 asks for an hour. Errors: *RefusedError, ErrNoRegistrar, and
// those of the network.
func (p *Phone) Register(ctx context.Context, expires time.Duration) error {
	if expires <= 0 {
		expires = time.Hour
	}
	p.regMu.Lock()
	defer p.regMu.Unlock()
	p.stopRefresh()
	if p.registered == nil {
		p.registered = &registration{callID: sip.GenerateTagN(24)}
	}
	granted, err := p.register(ctx, p.registered, expires)
	if err != nil {
		return err
	}
	refresh, stop := context.WithCancel(p.ctx)
	r := p.registered
	r.stop, r.done = stop, make(chan struct{})
	p.tasks.Add(1)
	go func() {
		defer p.tasks.Done()
		defer close(r.done)
		p.refresh(refresh, r, expires, granted)
	}()
	return nil
}

// Unregister removes the binding. Without one it does nothing.
func (p *Phone) Unregister(ctx context.Context) error {
	p.regMu.Lock()
	defer p.regMu.Unlock()
	if p.registered == nil {
		return nil
	}
	p.stopRefresh()
	_, err := p.register(ctx, p.registered, 0)
	p.registered = nil
	return err
}

// stopRefresh ends the refreshing goroutine. The caller holds regMu.
func (p *Phone) stopRefresh() {
	if r := p.registered; r != nil && r.stop != nil {
		r.stop()
		<-r.done
		r.stop = nil
	}
}

func (p *Phone) refresh(ctx context.Context, r *registration, expires, granted time.Duration) {
	for {
		timer := time.NewTimer(max(granted/2, time.Second))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		next, err := p.register(ctx, r, expires)
		if err != nil {
			if ctx.Err() == nil {
				p.log.Warn("registration not refreshed", "user", p.opts.User, "err", err)
			}
			// Soon again, before the binding ends.
			granted = max(granted/2, 2*time.Second)
			continue
		}
		granted = next
	}
}

// register sends one REGISTER and returns the time granted.
func (p *Phone) register(ctx context.Context, r *registration, expires time.Duration) (time.Duration, error) {
	if !p.registrar.IsValid() {
		return 0, ErrNoRegistrar
	}
	dest := p.registrar.String()
	home := sip.Uri{Scheme: "sip", Host: p.opts.Domain}
	if home.Host == p.registrar.Addr().String() {
		home.Port = int(p.registrar.Port())
	}
	account := home
	account.User = p.opts.User
	req := sip.NewRequest(sip.REGISTER, home)
	req.SetTransport(p.opts.Network)
	req.SetDestination(dest)
	from := &sip.FromHeader{DisplayName: p.opts.Name, Address: account}
	from.Params.Add("tag", sip.GenerateTagN(12))
	req.AppendHeader(from)
	req.AppendHeader(&sip.ToHeader{Address: account})
	id := sip.CallIDHeader(r.callID)
	req.AppendHeader(&id)
	// One more is left for the request that answers the challenge (RFC 3261 §10.2: the numbers of a Call-ID rise).
	r.seq += 2
	req.AppendHeader(&sip.CSeqHeader{SeqNo: r.seq - 1, MethodName: sip.REGISTER})
	contact := &sip.ContactHeader{Address: p.endpoint.ContactURI(p.opts.User, p.opts.Network, dest)}
	if p.opts.Instance != "" {
		contact.Params.Add("+sip.instance", `"<`+p.opts.Instance+`>"`)
		contact.Params.Add("reg-id", "1")
		req.AppendHeader(sip.NewHeader("Supported", "path, outbound"))
	}
	req.AppendHeader(contact)
	invite.SetServerName(req, p.serverName())
	seconds := sip.ExpiresHeader(expires / time.Second)
	req.AppendHeader(&seconds)
	res, err := p.endpoint.DoWith(ctx, req, invite.Credentials{User: p.opts.User, Secret: p.opts.Secret})
	if err != nil {
		return 0, fmt.Errorf("phone: register: %w", err)
	}
	if res.StatusCode != sip.StatusOK {
		return 0, &RefusedError{Code: res.StatusCode, Reason: res.Reason}
	}
	return grantedTime(res, expires), nil
}

// grantedTime reads the lifetime of the binding: the Contact's parameter before the header (RFC 3261 §10.3 step 8).
func grantedTime(res *sip.Response, asked time.Duration) time.Duration {
	values := make([]string, 0, 2)
	if contact := res.Contact(); contact != nil {
		if v, ok := contact.Params.Get("expires"); ok {
			values = append(values, v)
		}
	}
	if h := res.GetHeader("Expires"); h != nil {
		values = append(values, h.Value())
	}
	for _, v := range values {
		if seconds, err := strconv.ParseUint(v, 10, 31); err == nil && seconds > 0 {
			return min(asked, time.Duration(seconds)*time.Second)
		}
	}
	return asked
}
