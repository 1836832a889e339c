package telephony

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"hotline/telephony/invite"
	"hotline/telephony/media"
)

// trunks is the way to and from the public network while the centre runs.
type trunks struct {
	all       []*carrier
	endpoint  *invite.Endpoint // before Start
	names     names
	log       *slog.Logger
	changed   func(trunk string)
	failovers atomic.Int64 // times that a call went on to another gateway

	leaving context.Context // of the registrations
	leave   context.CancelFunc
	members sync.WaitGroup
}

// carrier is one trunk at work.
type carrier struct {
	Trunk
	codecs   []media.Codec
	rw       rewriters
	gateways []*gateway
	member   *membership // nil: it does not register

	mu      sync.Mutex
	in, out int // calls now
}

// newTrunks makes the trunks of a valid configuration.
func newTrunks(cfg Config, r Resolver, now func() time.Time, log *slog.Logger, changed func(string)) (*trunks, error) {
	t := &trunks{names: names{r}, log: log, changed: changed}
	t.leaving, t.leave = context.WithCancel(context.Background())
	for _, one := range cfg.trunkList() {
		cr := &carrier{Trunk: one}
		var err error
		if cr.codecs, err = codecs(one.Codecs); err != nil {
			return nil, err
		}
		if cr.rw, err = compileRewrites(one.Rewrite); err != nil {
			return nil, err
		}
		for _, g := range one.Gateways {
			gw, err := newGateway(g, one.Ping.thresholds(), now)
			if err != nil {
				return nil, err
			}
			cr.gateways = append(cr.gateways, gw)
		}
		if one.Register.Registrar != "" {
			if cr.member, err = newMembership(one, now); err != nil {
				return nil, err
			}
		}
		t.all = append(t.all, cr)
	}
	return t, nil
}

// join registers the trunks that register.
func (t *trunks) join() {
	for _, cr := range t.all {
		if cr.member != nil {
			t.members.Go(func() { t.register(t.leaving, cr) })
		}
	}
}

// withdraw takes the registrations back: the operators send no more calls.
func (t *trunks) withdraw() {
	t.leave()
	t.members.Wait()
}

// run watches the gateways until ctx ends.
func (t *trunks) run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, cr := range t.all {
		for _, gw := range cr.gateways {
			wg.Go(func() { t.watch(ctx, cr, gw) })
		}
	}
	wg.Wait()
}

// trusted tells whether calls from outside may come from an address.
func (t *trunks) trusted(a netip.Addr) bool {
	a = a.Unmap()
	for _, cr := range t.all {
		if cr.reach(a) >= 0 {
			return true
		}
	}
	return false
}

// from finds the trunk that a call from an address belongs to: the one with
// the narrowest prefix; of several, the first that the call fits.
func (t *trunks) from(a netip.Addr, fits func(*carrier) bool) *carrier {
	a = a.Unmap()
	var best *carrier
	bits, fit := -1, false
	for _, cr := range t.all {
		n := cr.reach(a)
		if n < 0 || n < bits {
			continue
		}
		if ok := fits(cr); n > bits || ok && !fit {
			best, bits, fit = cr, n, ok
		}
	}
	return best
}

// reach is the length of the narrowest prefix that an address falls under, or -1.
func (cr *carrier) reach(a netip.Addr) int {
	bits := -1
	for _, p := range cr.From {
		if p.Contains(a) {
			bits = max(bits, p.Bits())
		}
	}
	if cr.member != nil && cr.member.hop.has(a) {
		return a.BitLen()
	}
	return bits
}

// carries tells whether the trunk is there for a line.
func (cr *carrier) carries(line string) bool {
	if len(cr.Lines) == 0 {
		return true
	}
	for _, l := range cr.Lines {
		if l == line {
			return true
		}
	}
	return false
}

// takeIn takes a channel for a call that came; false when all are in use.
func (cr *carrier) takeIn() bool { return cr.take(&cr.in, cr.MaxIn) }

// takeOut takes a channel for a call that goes out.
func (cr *carrier) takeOut() bool { return cr.take(&cr.out, cr.MaxOut) }

func (cr *carrier) take(n *int, most int) bool {
	cr.mu.Lock()
	defer cr.mu.Unlock()
	if most > 0 && *n >= most {
		return false
	}
	*n++
	return true
}

func (cr *carrier) giveIn() { cr.give(&cr.in) }

func (cr *carrier) giveOut() { cr.give(&cr.out) }

func (cr *carrier) give(n *int) {
	cr.mu.Lock()
	defer cr.mu.Unlock()
	*n--
}

// TrunkState is a trunk as it is now.
type TrunkState struct {
	Name          string
	Lines         []string // empty: all
	In, Out       int      // calls now
	MaxIn, MaxOut int      // 0: no bound
	Gateways      []GatewayState
	Registration  *RegistrationState // nil: it does not register
}

// Trunks lists the trunks in the order of the configuration.
func (c *Center) Trunks() []TrunkState {
	all := make([]TrunkState, len(c.trunks.all))
	for i, cr := range c.trunks.all {
		all[i] = cr.state()
	}
	return all
}

// Failovers counts how often a call went on to another gateway.
func (c *Center) Failovers() int64 { return c.trunks.failovers.Load() }

func (cr *carrier) state() TrunkState {
	cr.mu.Lock()
	s := TrunkState{Name: cr.Name, Lines: cr.Lines, In: cr.in, Out: cr.out, MaxIn: cr.MaxIn, MaxOut: cr.MaxOut}
	cr.mu.Unlock()
	for _, gw := range cr.gateways {
		s.Gateways = append(s.Gateways, gw.stateNow())
	}
	if cr.member != nil {
		now := cr.member.now()
		s.Registration = &now
	}
	return s
}

// trunkChanged tells the observer behind the caller's back.
func (c *Center) trunkChanged(name string) {
	c.board.mark(&c.board.routes, name)
}

// tellTrunks tells the observer of trunks that changed.
func (b *board) tellTrunks(ctx context.Context) {
	changed := b.take(&b.routes)
	if b.trunks == nil {
		return
	}
	for _, cr := range b.c.trunks.all {
		if changed[cr.Name] {
			b.trunks.TrunkChanged(ctx, cr.state())
		}
	}
}
