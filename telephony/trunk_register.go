package telephony

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"hotline/telephony/invite"
)

// Registration binds the centre at the trunk's operator, with Trunk.Auth
// (RFC 3261 section 10.2). Calls are then also taken from the registrar's
// addresses.
type Registration struct {
	Registrar string        // "host:port" or "host"; "": the trunk does not register
	Domain    string        // of the address that is registered; "" is the registrar's host
	Proxy     string        // outbound proxy, "host:port" or "host", that requests go through
	Transport string        // "udp" ("" too), "tcp" or "tls"
	Expires   time.Duration // asked for; 0 is 10 min
}

// RegistrationState is a registration as it is now.
type RegistrationState struct {
	Registered bool
	Until      time.Time // unless refreshed
	Code       int       // of the last answer; 0 for none
	Failures   int       // in a row
}

func (r Registration) withDefaults() Registration {
	if r.Registrar == "" {
		return r
	}
	if r.Domain == "" {
		r.Domain, _, _ = splitGateway(r.Registrar)
	}
	if r.Transport == "" {
		r.Transport = "udp"
	}
	if r.Expires == 0 {
		r.Expires = 10 * time.Minute
	}
	return r
}

// nextHop is where requests to the operator are sent.
func (r Registration) nextHop() string {
	if r.Proxy != "" {
		return r.Proxy
	}
	return r.Registrar
}

const (
	shortestExpires = time.Second
	longestExpires  = 24 * time.Hour // also of what a registrar may demand
)

func (r Registration) problems(a TrunkAuth) []error {
	if r.Registrar == "" {
		if r != (Registration{}) {
			return []error{errors.New("registration: name the registrar")}
		}
		return nil
	}
	var errs []error
	for _, host := range []string{r.Registrar, r.nextHop()} {
		if h, _, err := splitGateway(host); err != nil || h == "" {
			errs = append(errs, fmt.Errorf("registration: %q: want host:port or host", host))
		}
	}
	if a.User == "" {
		errs = append(errs, errors.New("registration: give user and secret"))
	}
	if r.Expires < shortestExpires || r.Expires > longestExpires {
		errs = append(errs, fmt.Errorf("registration: it cannot last %v: want 1s to 24h", r.Expires))
	}
	if r.Transport != "udp" && r.Transport != "tcp" && r.Transport != "tls" {
		errs = append(errs, fmt.Errorf("registration: transport %q: want udp, tcp or tls", r.Transport))
	}
	return errs
}

// membership is a trunk's registration at work.
type membership struct {
	Registration
	user   string
	secret string
	hop    *gateway // where requests are sent
	callID string   // one for all (RFC 3261 section 10.2.4)
	seq    uint32   // owned by the goroutine that registers

	mu    sync.Mutex
	state RegistrationState
}

func newMembership(t Trunk, now func() time.Time) (*membership, error) {
	hop, err := newGateway(Gateway{Name: "registrar", Host: t.Register.nextHop(), Transport: t.Register.Transport}, t.Ping.thresholds(), now)
	if err != nil {
		return nil, err
	}
	return &membership{
		Registration: t.Register, user: t.Auth.User, secret: string(t.Auth.Secret), hop: hop, callID: sip.GenerateTagN(24),
	}, nil
}

func (m *membership) now() RegistrationState {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.state
	s.Registered = s.Registered && m.hop.now().Before(s.Until)
	return s
}

// Waits after failures: from the first to the longest, doubled each time
// (RFC 5626 section 4.5 has the same shape).
const (
	firstBackoff   = 2 * time.Second
	longestBackoff = 5 * time.Minute
)

// register keeps the trunk registered until ctx ends, then takes the
// registration back.
func (t *trunks) register(ctx context.Context, cr *carrier) {
	m := cr.member
	asked := m.Expires
	raised := false // by 423, since the last success
	for ctx.Err() == nil {
		granted, err := t.sendRegister(ctx, m, asked)
		var refused *registerError
		if errors.As(err, &refused) && refused.min > asked && !raised { // 423, RFC 3261 section 10.2.8
			asked, raised = min(refused.min, longestExpires), true
			continue
		}
		wait := t.registered(ctx, cr, granted, err)
		raised = raised && err != nil
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
	if m.now().Registered {
		brief, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if _, err := t.sendRegister(brief, m, 0); err != nil {
			t.log.Debug("registration not taken back", "trunk", cr.Name, "error", err)
		}
	}
}

// registered notes how a REGISTER ended and says when to send the next.
func (t *trunks) registered(ctx context.Context, cr *carrier, granted time.Duration, err error) time.Duration {
	if ctx.Err() != nil {
		return 0
	}
	m := cr.member
	was := m.now()
	var refused *registerError
	errors.As(err, &refused)
	m.mu.Lock()
	s := &m.state
	s.Code = 200
	if err == nil {
		s.Registered, s.Until, s.Failures = true, m.hop.now().Add(granted), 0
	} else {
		s.Failures++
		s.Code = 0
		if refused != nil {
			s.Code, s.Registered = refused.code, false
		}
	}
	failures := s.Failures
	m.mu.Unlock()
	wait := refreshAfter(granted)
	switch {
	case err == nil && !was.Registered:
		t.log.Info("a trunk is registered", "trunk", cr.Name, "seconds", int(granted.Seconds()))
	case err != nil:
		wait = backoff(failures)
		if refused != nil {
			wait = max(wait, min(refused.after, longestBackoff))
			if refused.denied() {
				wait = longestBackoff // the operator may lock an account that tries too often
			}
		}
		t.log.Warn("a trunk is not registered", "trunk", cr.Name, "error", err, "again_in", wait.Round(time.Second).String())
	}
	if was.Registered != m.now().Registered {
		t.changed(cr.Name)
	}
	return wait
}

// refreshAfter is when to refresh a registration: well before it ends.
func refreshAfter(granted time.Duration) time.Duration {
	wait := granted / 2
	if granted > 4*time.Minute {
		wait = granted - 2*time.Minute
	}
	return wait - rand.N(wait/10+1)
}

func backoff(failures int) time.Duration {
	wait := firstBackoff << min(max(failures-1, 0), 10)
	wait = min(wait, longestBackoff)
	return wait - rand.N(wait/4+1) // so that not all trunks come back at once
}

// registerError is a registrar's refusal.
type registerError struct {
	code   int
	reason string
	min    time.Duration // Min-Expires
	after  time.Duration // Retry-After
}

// Error implements error.
func (e *registerError) Error() string {
	hint := ""
	if e.denied() {
		hint = "; check the trunk's user and secret"
	}
	return "telephony: the registrar refused with " + strconv.Itoa(e.code) + " " + strconv.QuoteToASCII(e.reason) + hint
}

// denied tells a refusal that trying again does not mend.
func (e *registerError) denied() bool {
	return e.code == 401 || e.code == 403 || e.code == 404 || e.code == 407
}

// sendRegister sends one REGISTER and returns the time granted; 0 takes the
// registration back.
func (t *trunks) sendRegister(ctx context.Context, m *membership, expires time.Duration) (time.Duration, error) {
	if err := t.lookUp(ctx, m.hop); err != nil && len(m.hop.addrs()) == 0 {
		return 0, err
	}
	addr := m.hop.addrs()[0]
	bounded, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	contact := t.endpoint.ContactURI(m.user, m.Transport, addr.String())
	m.seq += 2 // one more is left for the answer to a challenge
	res, err := t.endpoint.DoWith(bounded, m.request(addr, contact, expires), invite.Credentials{User: m.user, Secret: m.secret})
	if err != nil {
		m.hop.demote(addr)
		return 0, err
	}
	if res.StatusCode != sip.StatusOK {
		return 0, &registerError{code: res.StatusCode, reason: res.Reason, min: headerSeconds(res, "Min-Expires"), after: headerSeconds(res, "Retry-After")}
	}
	return grantedTo(res, contact, expires), nil
}

func (m *membership) request(addr netip.AddrPort, contact sip.Uri, expires time.Duration) *sip.Request {
	home := sip.Uri{Scheme: "sip", Host: m.Domain}
	if host, port, err := splitGateway(m.Registrar); err == nil && host == m.Domain && port != sip.DefaultUdpPort {
		home.Port = port
	}
	account := sip.Uri{Scheme: "sip", User: m.user, Host: m.Domain}
	req := sip.NewRequest(sip.REGISTER, home)
	req.SetTransport(m.Transport)
	req.SetDestination(addr.String())
	if m.Proxy != "" {
		route := m.hop.uri("")
		route.UriParams.Add("lr", "")
		req.AppendHeader(&sip.RouteHeader{Address: route})
	}
	from := &sip.FromHeader{Address: account}
	from.Params.Add("tag", sip.GenerateTagN(12))
	req.AppendHeader(from)
	req.AppendHeader(&sip.ToHeader{Address: account})
	id := sip.CallIDHeader(m.callID)
	req.AppendHeader(&id)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: m.seq - 1, MethodName: sip.REGISTER})
	req.AppendHeader(&sip.ContactHeader{Address: contact})
	seconds := sip.ExpiresHeader(expires / time.Second)
	req.AppendHeader(&seconds)
	return req
}

// grantedTo reads how long the registrar keeps our contact: its own parameter
// before the header (RFC 3261 section 10.2.4).
func grantedTo(res *sip.Response, contact sip.Uri, asked time.Duration) time.Duration {
	for _, h := range res.GetHeaders("Contact") {
		c, ok := h.(*sip.ContactHeader)
		if !ok || !sameContact(c.Address, contact) {
			continue
		}
		if v, ok := c.Params.Get("expires"); ok {
			if d := seconds(v); d > 0 {
				return min(d, longestExpires)
			}
		}
	}
	if d := headerSeconds(res, "Expires"); d > 0 {
		return min(d, longestExpires)
	}
	return asked
}

func headerSeconds(res *sip.Response, name string) time.Duration {
	if h := res.GetHeader(name); h != nil {
		return seconds(h.Value())
	}
	return 0
}

// seconds reads a number of seconds, whatever follows it; 0 when there is none.
func seconds(v string) time.Duration {
	v = strings.TrimSpace(v)
	if end := strings.IndexFunc(v, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
		v = v[:end]
	}
	n, err := strconv.ParseUint(v, 10, 31)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Second
}
