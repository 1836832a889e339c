package telephony

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// Binding is one way to reach a device of a seat (RFC 3261 section 10): the
// flow that its REGISTER came over, for a Contact may name an address behind
// a NAT or, in a browser, none at all.
type Binding struct {
	Contact   string         `json:"contact"`            // URI
	Instance  string         `json:"instance,omitempty"` // +sip.instance (RFC 5626 section 4.1)
	RegID     int            `json:"reg_id,omitempty"`   // reg-id
	Q         int            `json:"q"`                  // preference in thousandths; 1000 when the phone gave none
	Path      []string       `json:"path,omitempty"`     // proxies on the way, first hop first (RFC 3327)
	Node      string         `json:"node,omitempty"`     // that the flow ends at
	Source    netip.AddrPort `json:"source"`
	Transport string         `json:"transport"` // as invite.Listen.Network
	CallID    string         `json:"call_id"`
	CSeq      uint32         `json:"cseq"`
	Since     time.Time      `json:"since"`   // of its last REGISTER
	Expires   time.Time      `json:"expires"` // when it ends
}

// Locations keeps the bindings of the seats. It decides nothing: what a
// REGISTER does to them is worked out by the centre, which writes all bindings
// of a seat at once under the version it read. Each call gets a deadline; an
// implementation is safe for concurrent use, and bounded by what is written.
type Locations interface {
	// Bindings of a seat, ended ones included, in the order they were written,
	// and their version; none and 0 for a seat that never had any.
	Bindings(ctx context.Context, seat string) ([]Binding, int64, error)
	// Replace writes all bindings of a seat; ErrConflict when the version is
	// not the present one any more. Without bindings the seat is forgotten.
	Replace(ctx context.Context, seat string, version int64, all []Binding) error
	// Due lists seats of which a binding ends at or before a time, earliest
	// first, at most limit.
	Due(ctx context.Context, at time.Time, limit int) ([]string, error)
}

// MemoryLocations are the bindings of a single node.
type MemoryLocations struct {
	mu    sync.Mutex
	last  int64 // version given last; a seat that comes back does not start afresh
	seats map[string]located
}

type located struct {
	version  int64
	bindings []Binding
}

// NewMemoryLocations makes an empty one.
func NewMemoryLocations() *MemoryLocations { return &MemoryLocations{seats: map[string]located{}} }

// Bindings implements Locations.
func (m *MemoryLocations) Bindings(_ context.Context, seat string) ([]Binding, int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := m.seats[seat]
	return append([]Binding(nil), at.bindings...), at.version, nil
}

// Replace implements Locations.
func (m *MemoryLocations) Replace(_ context.Context, seat string, version int64, all []Binding) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.seats[seat].version != version {
		return fmt.Errorf("bindings of seat %s changed meanwhile: %w", seat, ErrConflict)
	}
	if len(all) == 0 {
		delete(m.seats, seat)
		return nil
	}
	m.last++
	m.seats[seat] = located{version: m.last, bindings: append([]Binding(nil), all...)}
	return nil
}

// Due implements Locations.
func (m *MemoryLocations) Due(_ context.Context, at time.Time, limit int) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	type due struct {
		seat string
		at   time.Time
	}
	var all []due
	for seat, l := range m.seats {
		var first time.Time
		for _, b := range l.bindings {
			if first.IsZero() || b.Expires.Before(first) {
				first = b.Expires
			}
		}
		if !first.After(at) {
			all = append(all, due{seat, first})
		}
	}
	slices.SortFunc(all, func(a, b due) int {
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		return strings.Compare(a.seat, b.seat)
	})
	seats := make([]string, 0, min(len(all), limit))
	for _, d := range all[:min(len(all), limit)] {
		seats = append(seats, d.seat)
	}
	return seats, nil
}
