package telephony

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"hotline/telephony/invite"
)

// binding is where a seat's phone is reached: by the flow its REGISTER came
// over, for a Contact may name an address behind a NAT.
type binding struct {
	contact   sip.Uri
	source    netip.AddrPort
	transport string // "udp" or "tcp"
	callID    string
	cseq      uint32
	expires   time.Time
}

// registrar keeps the accounts of the seats and the newest binding of each
// (RFC 3261 §10.3). Its size is bounded by the number of accounts.
type registrar struct {
	realm    string
	min, max time.Duration
	now      func() time.Time
	nonces   *nonces
	throttle *throttle
	changed  func(seat string) // its phone came or went; called without the lock

	mu       sync.Mutex
	accounts map[string]Seat
	bindings map[string]binding
}

// Costs of what a source asks for, in tokens of its bucket.
const (
	registerRate  = 200 // tokens per second
	registerBurst = 2000
	costRequest   = 1
	costWrong     = 20 // a wrong password: ten a second for long
	maxSources    = 10000
)

func newRegistrar(cfg Config, now func() time.Time, changed func(string)) *registrar {
	return &registrar{
		realm: cfg.Realm, min: cfg.MinExpires, max: cfg.MaxExpires, now: now,
		nonces: newNonces(now), throttle: newThrottle(registerRate, registerBurst, maxSources, now),
		changed: changed, accounts: map[string]Seat{}, bindings: map[string]binding{},
	}
}

// account returns a seat's account. One that does not exist looks the same to
// a stranger: it is challenged, and every password is wrong.
func (r *registrar) account(id string) Seat {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s, ok := r.accounts[id]; ok {
		return s
	}
	return Seat{ID: id, Algorithm: MD5}
}

func (r *registrar) setAccount(s Seat) {
	r.mu.Lock()
	r.accounts[s.ID] = s
	_, bound := r.bindings[s.ID]
	if s.Disabled {
		delete(r.bindings, s.ID)
	}
	r.mu.Unlock()
	if s.Disabled && bound {
		r.changed(s.ID)
	}
}

// lookup returns the binding of a seat.
func (r *registrar) lookup(seat string) (binding, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b, ok := r.bindings[seat]
	if ok && !b.expires.After(r.now()) {
		return binding{}, false
	}
	return b, ok
}

// seatAt returns the seat whose phone is registered from this address.
func (r *registrar) seatAt(seat string, src netip.AddrPort) bool {
	b, ok := r.lookup(seat)
	return ok && b.source == src
}

// expire removes bindings whose time is over.
func (r *registrar) expire() {
	now := r.now()
	var gone []string
	r.mu.Lock()
	for id, b := range r.bindings {
		if !b.expires.After(now) {
			delete(r.bindings, id)
			gone = append(gone, id)
		}
	}
	r.mu.Unlock()
	for _, id := range gone {
		r.changed(id)
	}
}

// authorize judges a request for a seat; when it is not accepted the answer
// has the code and the headers to refuse with.
func (r *registrar) authorize(req *sip.Request, seat string, src netip.Addr) (ok bool, code int, headers []sip.Header) {
	s := r.account(seat)
	value := ""
	if h := req.GetHeader("Authorization"); h != nil {
		value = h.Value()
	}
	switch v := r.nonces.check(value, s, r.realm, req.Method.String()); v {
	case accepted:
		return true, 200, nil
	case wrong:
		r.throttle.charge(src, costWrong)
		return false, 403, nil
	default:
		return false, 401, []sip.Header{sip.NewHeader("WWW-Authenticate", r.nonces.header(r.realm, s.Algorithm, v == stale))}
	}
}

// register answers a REGISTER.
func (r *registrar) register(req *sip.Request, src netip.AddrPort, tx invite.Responder) error {
	if !r.throttle.take(src.Addr(), costRequest) {
		return tx.Reply(503, "", sip.NewHeader("Retry-After", "5"))
	}
	to := req.To()
	if to == nil || req.CSeq() == nil || req.CallID() == nil {
		return tx.Reply(400, "")
	}
	seat := to.Address.User
	ok, code, headers := r.authorize(req, seat, src.Addr())
	if !ok {
		return tx.Reply(code, "", headers...)
	}
	expires, code := r.expiry(req)
	switch code {
	case 400:
		return tx.Reply(400, "Bad Expires")
	case 423:
		return tx.Reply(423, "", sip.NewHeader("Min-Expires", strconv.Itoa(int(r.min.Seconds()))))
	}
	return r.bind(req, seat, src, expires, tx)
}

// expiry reads the wished lifetime: 0 removes; 423 when it is too brief.
func (r *registrar) expiry(req *sip.Request) (time.Duration, int) {
	value := ""
	if h := req.GetHeader("Expires"); h != nil {
		value = h.Value()
	}
	if c := req.Contact(); c != nil {
		if v, ok := c.Params.Get("expires"); ok {
			value = v
		}
	}
	if value == "" {
		return r.max, 200
	}
	n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 32)
	if err != nil {
		return 0, 400
	}
	d := time.Duration(n) * time.Second
	switch {
	case d == 0:
		return 0, 200
	case d < r.min:
		return 0, 423
	}
	return min(d, r.max), 200
}

// bind changes the seat's binding and tells it in the 200. A REGISTER without
// a Contact only asks.
func (r *registrar) bind(req *sip.Request, seat string, src netip.AddrPort, expires time.Duration, tx invite.Responder) error {
	now := r.now()
	contact := req.Contact()
	callID, cseq := req.CallID().Value(), req.CSeq().SeqNo
	r.mu.Lock()
	old, had := r.bindings[seat]
	if had && contact != nil && old.callID == callID && cseq < old.cseq {
		r.mu.Unlock()
		return tx.Reply(500, "CSeq out of order") // RFC 3261 §10.3 step 7
	}
	switch {
	case contact == nil:
	case expires == 0:
		// Another phone's farewell leaves the newer binding alone.
		if contact.Address.Wildcard || sameContact(old.contact, contact.Address) {
			delete(r.bindings, seat)
		}
	case contact.Address.Wildcard:
		r.mu.Unlock()
		return tx.Reply(400, "Bad Contact")
	default:
		r.bindings[seat] = binding{
			contact: contact.Address, source: src, transport: strings.ToLower(req.Transport()),
			callID: callID, cseq: cseq, expires: now.Add(expires),
		}
	}
	b, has := r.bindings[seat]
	r.mu.Unlock()
	if has != had {
		r.changed(seat)
	}
	if !has {
		return tx.Reply(200, "")
	}
	left := int(b.expires.Sub(now).Seconds())
	return tx.Reply(200, "", sip.NewHeader("Contact", fmt.Sprintf("<%s>;expires=%d", b.contact.String(), max(left, 0))))
}

func sameContact(a, b sip.Uri) bool {
	return a.User == b.User && strings.EqualFold(a.Host, b.Host) && a.Port == b.Port
}
