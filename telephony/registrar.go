package telephony

import (
	"context"
	"errors"
	"hash/crc32"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"hotline/telephony/invite"
)

// registrar keeps the accounts of the seats, and the bindings of their devices
// in Locations (RFC 3261 §10.3). Its size is bounded by the number of accounts.
type registrar struct {
	realm    string
	min, max time.Duration
	now      func() time.Time
	nonces   *nonces
	throttle *throttle
	changed  func(seat string) // it has its first device, or none any more; called without the lock
	log      *slog.Logger
	where    Locations
	node     string
	editing  [64]sync.Mutex       // by seat: changes are told in the order they are made
	stands   func(b Binding) bool // whether a binding's connection is there

	mu       sync.Mutex
	accounts map[string]Seat
	has      map[string]bool          // seats with a device
	awaited  map[chan struct{}]string // seats whose registrations somebody waits for
	flows    map[flowKey]map[string]bool
	refusing bool // the node is being emptied
}

// flowKey names a connection.
type flowKey struct {
	peer    netip.AddrPort
	network string
}

// locating bounds each question to Locations.
const locating = 2 * time.Second

// Costs of what a source asks for, in tokens of its bucket.
const (
	registerRate  = 200 // tokens per second
	registerBurst = 2000
	costRequest   = 1
	costWrong     = 20 // a wrong password: ten a second for long
	maxSources    = 10000
)

func newRegistrar(cfg Config, node string, now func() time.Time, changed func(string), where Locations, log *slog.Logger) *registrar {
	if where == nil {
		where = NewMemoryLocations()
	}
	return &registrar{
		node:  node,
		realm: cfg.Realm, min: cfg.MinExpires, max: cfg.MaxExpires, now: now,
		nonces: newNonces(now), throttle: newThrottle(registerRate, registerBurst, maxSources, now),
		changed: changed, log: log, where: where, stands: func(Binding) bool { return true },
		accounts: map[string]Seat{}, has: map[string]bool{}, awaited: map[chan struct{}]string{}, flows: map[flowKey]map[string]bool{},
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
	r.mu.Unlock()
	if s.Disabled {
		if _, err := r.edit(s.ID, func([]Binding) ([]Binding, error) { return nil, nil }); err != nil {
			r.log.Error("a seat that was taken out of use keeps its devices", "seat", s.ID, "error", err)
		}
	}
}

// lookup returns the bindings of a seat, the preferred first.
func (r *registrar) lookup(seat string) []Binding {
	ctx, cancel := context.WithTimeout(context.Background(), locating)
	defer cancel()
	all, _, err := r.where.Bindings(ctx, seat)
	if err != nil {
		r.log.Error("where a seat's devices are is not known", "seat", seat, "error", err)
		return nil
	}
	return alive(all, r.now())
}

// registered tells whether a seat has a device. It asks nobody.
func (r *registrar) registered(seat string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.has[seat]
}

// seatAt tells whether a device of the seat is registered from this address,
// or from behind the proxy at it. The seat is still asked for its password.
func (r *registrar) seatAt(seat string, src netip.AddrPort) bool {
	if !r.registered(seat) {
		return false
	}
	return slices.ContainsFunc(r.lookup(seat), func(b Binding) bool {
		return b.Source == src || len(b.Path) > 0 && b.Source.Addr() == src.Addr()
	})
}

// edit changes the bindings of a seat, again when somebody else was faster,
// and tells when its first device came or its last one went.
func (r *registrar) edit(seat string, fn func(have []Binding) ([]Binding, error)) ([]Binding, error) {
	lock := &r.editing[crc32.ChecksumIEEE([]byte(seat))%uint32(len(r.editing))]
	lock.Lock()
	defer lock.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), locating)
	defer cancel()
	for {
		have, version, err := r.where.Bindings(ctx, seat)
		if err != nil {
			return nil, err
		}
		all, err := fn(have)
		if err != nil {
			return nil, err
		}
		if len(have) > 0 || len(all) > 0 {
			err = r.where.Replace(ctx, seat, version, all)
		}
		if errors.Is(err, ErrConflict) && ctx.Err() == nil {
			continue
		}
		if err != nil {
			return nil, err
		}
		r.note(seat, len(have) > 0, all)
		return all, nil
	}
}

// note remembers which connections a seat depends on, and whether it has a device; had: it had one before, by whatever node.
func (r *registrar) note(seat string, had bool, all []Binding) {
	r.mu.Lock()
	for _, b := range all {
		if key := (flowKey{b.Source, b.Transport}); b.own(r.node) {
			if r.flows[key] == nil {
				r.flows[key] = map[string]bool{}
			}
			r.flows[key][seat] = true
		}
	}
	for came, whose := range r.awaited {
		if whose == seat {
			select {
			case came <- struct{}{}:
			default:
			}
		}
	}
	has := len(all) > 0
	if has {
		r.has[seat] = true
	} else {
		delete(r.has, seat)
	}
	r.mu.Unlock()
	if had != has {
		r.changed(seat)
	}
}

// await tells whenever the devices of a seat change, until forget is called.
func (r *registrar) await(seat string) (came <-chan struct{}, forget func()) {
	ch := make(chan struct{}, 1)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.awaited[ch] = seat
	return ch, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.awaited, ch)
	}
}

// own tells whether a binding lives as long as a connection of a node.
func (b Binding) own(node string) bool { return b.flows() && b.Node == node }

// flows tells whether a binding lives as long as a connection.
func (b Binding) flows() bool { return b.Transport != "udp" && len(b.Path) == 0 }

// flowClosed ends the bindings of a connection that is gone.
func (r *registrar) flowClosed(peer netip.AddrPort, network string) {
	r.mu.Lock()
	key := flowKey{peer, network}
	seats := r.flows[key]
	delete(r.flows, key)
	r.mu.Unlock()
	for seat := range seats {
		_, err := r.edit(seat, func(have []Binding) ([]Binding, error) {
			return slices.DeleteFunc(have, func(b Binding) bool {
				return b.own(r.node) && b.Source == peer && b.Transport == network
			}), nil
		})
		if err != nil {
			r.log.Error("a device that is gone stays registered", "seat", seat, "error", err)
		}
	}
}

// lost ends the bindings of connections to a node that is gone.
func (r *registrar) lost(node string) {
	r.mu.Lock()
	seats := slices.Sorted(maps.Keys(r.accounts))
	r.mu.Unlock()
	theirs := func(b Binding) bool { return b.own(node) }
	for _, seat := range seats {
		if !slices.ContainsFunc(r.lookup(seat), theirs) {
			continue
		}
		if _, err := r.edit(seat, func(have []Binding) ([]Binding, error) { return slices.DeleteFunc(have, theirs), nil }); err != nil {
			r.log.Error("a device that is gone stays registered", "seat", seat, "error", err)
		}
	}
}

// expire removes bindings whose time is over.
func (r *registrar) expire() {
	now := r.now()
	ctx, cancel := context.WithTimeout(context.Background(), locating)
	defer cancel()
	seats, err := r.where.Due(ctx, now, 1000)
	if err != nil {
		r.log.Error("which devices are gone is not known", "error", err)
		return
	}
	for _, seat := range seats {
		_, err := r.edit(seat, func(have []Binding) ([]Binding, error) {
			return slices.DeleteFunc(have, func(b Binding) bool { return !b.Expires.After(now) }), nil
		})
		if err != nil {
			r.log.Error("a device that is gone stays registered", "seat", seat, "error", err)
		}
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
	list, all, err := r.contacts(req)
	if err != nil {
		return r.refuse(tx, err)
	}
	if r.leaving() && slices.ContainsFunc(list, func(w wanted) bool { return !w.remove }) {
		return tx.Reply(503, "", elsewhere()) // what is registered stays so, for the calls that go on
	}
	return r.bind(req, seat, src, list, all, tx)
}

func (r *registrar) refuse(tx invite.Responder, err error) error {
	var no *refusal
	switch {
	case !errors.As(err, &no):
		r.log.Error("a device cannot be registered", "error", err)
		return tx.Reply(503, "", sip.NewHeader("Retry-After", "5"))
	case no.code == 423:
		return tx.Reply(423, "", sip.NewHeader("Min-Expires", strconv.Itoa(int(r.min.Seconds()))))
	}
	return tx.Reply(no.code, no.reason)
}

// drain refuses new registrations from now on.
func (r *registrar) drain() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refusing = true
}

func (r *registrar) leaving() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.refusing
}

// bind changes the seat's bindings and tells all of them in the 200. A
// REGISTER without a Contact only asks.
func (r *registrar) bind(req *sip.Request, seat string, src netip.AddrPort, list []wanted, all bool, tx invite.Responder) error {
	now := r.now()
	outbound := false
	for i := range list {
		b := &list[i].b
		b.Source, b.Transport = src, strings.ToLower(req.Transport())
		if b.flows() {
			b.Node = r.node
		}
		outbound = outbound || b.RegID != 0
	}
	have := r.lookup(seat)
	if len(list) > 0 || all {
		var err error
		have, err = r.edit(seat, func(have []Binding) ([]Binding, error) {
			return change(have, list, all, req.CallID().Value(), req.CSeq().SeqNo, now)
		})
		if err != nil {
			return r.refuse(tx, err)
		}
	}
	headers := make([]sip.Header, 0, len(have)+3)
	for _, b := range alive(have, now) {
		headers = append(headers, b.contactHeader(now))
	}
	if outbound {
		headers = append(headers, sip.NewHeader("Require", "outbound")) // RFC 5626 section 6
	}
	if len(list) > 0 {
		for _, p := range list[0].b.Path { // RFC 3327 section 5.3
			headers = append(headers, sip.NewHeader("Path", "<"+p+">"))
		}
	}
	if err := tx.Reply(200, "", headers...); err != nil {
		return err
	}
	if len(list) > 0 && !r.stands(Binding{Source: src, Transport: strings.ToLower(req.Transport())}) {
		r.flowClosed(src, strings.ToLower(req.Transport())) // it broke before there was anything to end
	}
	return nil
}
