package telephony

import (
	"net/netip"
	"sync"

	"hotline/telephony/media"
)

// trunks is the way to and from the public network while the centre runs.
type trunks struct {
	all []*carrier
}

// carrier is one trunk at work.
type carrier struct {
	Trunk
	codecs []media.Codec
	rw     rewriters

	mu      sync.Mutex
	in, out int // calls now
}

// newTrunks makes the trunks of a valid configuration.
func newTrunks(cfg Config) (*trunks, error) {
	t := &trunks{}
	for _, one := range cfg.trunkList() {
		cr := &carrier{Trunk: one}
		var err error
		if cr.codecs, err = codecs(one.Codecs); err != nil {
			return nil, err
		}
		if cr.rw, err = compileRewrites(one.Rewrite); err != nil {
			return nil, err
		}
		t.all = append(t.all, cr)
	}
	return t, nil
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
}

// Trunks lists the trunks in the order of the configuration.
func (c *Center) Trunks() []TrunkState {
	all := make([]TrunkState, len(c.trunks.all))
	for i, cr := range c.trunks.all {
		all[i] = cr.state()
	}
	return all
}

func (cr *carrier) state() TrunkState {
	cr.mu.Lock()
	defer cr.mu.Unlock()
	return TrunkState{Name: cr.Name, Lines: cr.Lines, In: cr.in, Out: cr.out, MaxIn: cr.MaxIn, MaxOut: cr.MaxOut}
}
