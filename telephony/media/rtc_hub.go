package media

import (
	"crypto/rand"
	"encoding/base64"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/stun/v3"
)

// hubBuffer is what the shared socket asks the system for, in bytes: all its legs share it.
const hubBuffer = 4 << 20

// hub is the socket of all WebRTC legs that are the server's. One goroutine reads it and carries each packet all the way, as with other
// legs. Packets find their leg by the user name in a check of ICE, and from then on by the address that the check came from.
type hub struct {
	ports *Ports
	conn  *net.UDPConn
	port  uint16
	tasks sync.WaitGroup

	work sync.Mutex // held while packets are worked on

	mu    sync.RWMutex
	users map[string]*rtcTransport         // by this side's user fragment
	paths map[netip.AddrPort]*rtcTransport // by the address that a check came from; at most maxPaths for a leg

	request, response stun.Message // of the reading goroutine
}

func newHub(ports *Ports, conn *net.UDPConn) *hub {
	h := &hub{ports: ports, conn: conn, port: localPort(conn), users: make(map[string]*rtcTransport), paths: make(map[netip.AddrPort]*rtcTransport)}
	// Where the system allows less it gives what it has.
	_ = conn.SetReadBuffer(hubBuffer)
	_ = conn.SetWriteBuffer(hubBuffer)
	h.tasks.Go(h.read)
	return h
}

func (h *hub) close() {
	_ = h.conn.Close()
	h.tasks.Wait()
}

// take makes a leg one of the hub's.
func (h *hub) take(r *rtcTransport) error {
	sock, err := sharedSocket(h.conn)
	if err != nil {
		return err
	}
	r.sock, r.own = sock, []credentials{h.credentials(r)}
	return nil
}

// drop returns when no packet of the leg is being worked on, and none will be.
func (h *hub) drop(r *rtcTransport) {
	r.mu.Lock()
	h.mu.Lock()
	for _, c := range r.own {
		delete(h.users, c.fragment)
	}
	for _, src := range r.paths {
		if h.paths[src] == r {
			delete(h.paths, src)
		}
	}
	h.mu.Unlock()
	r.mu.Unlock()
	h.work.Lock()
	defer h.work.Unlock()
}

// credentials are ICE's (RFC 8445 §5.3), which print without the password.
type credentials struct {
	fragment, password string
	integrity          stun.MessageIntegrity
}

// String implements fmt.Stringer.
func (c credentials) String() string { return c.fragment }

// GoString implements fmt.GoStringer.
func (c credentials) GoString() string { return c.fragment }

// credentials makes new ones for a leg.
func (h *hub) credentials(r *rtcTransport) credentials {
	var b [24]byte
	// crypto/rand.Read never fails since Go 1.24; it ends the program instead.
	_, _ = rand.Read(b[:])
	c := credentials{fragment: base64.RawStdEncoding.EncodeToString(b[:6]), password: base64.RawStdEncoding.EncodeToString(b[6:])}
	c.integrity = stun.NewShortTermIntegrity(c.password)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.users[c.fragment] = r
	return c
}

func (h *hub) find(fragment string) *rtcTransport {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.users[fragment]
}

func (h *hub) path(src netip.AddrPort) *rtcTransport {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.paths[src]
}

// datagram takes one packet off the socket, on the reading goroutine (RFC 7983 §7: STUN's first byte is 0 to 3).
func (h *hub) datagram(data []byte, src netip.AddrPort, now time.Time, packet *rtp.Packet, pcm []int16) {
	if len(data) > 0 && data[0] <= 3 {
		h.check(data, src, now)
	} else if r := h.path(src); r != nil {
		r.arrived(data, now, packet, pcm)
	}
}

// check answers a connectivity check as the lite side does (RFC 8445 §7.3): it never checks itself, and takes the path that the party
// nominates. What is not a check with the leg's password is dropped without an answer, so that the socket serves nobody as an amplifier.
func (h *hub) check(data []byte, src netip.AddrPort, now time.Time) {
	m := &h.request
	m.Raw = append(m.Raw[:0], data...)
	if !stun.IsMessage(data) || m.Decode() != nil || m.Type != stun.BindingRequest {
		return
	}
	name, err := m.Get(stun.AttrUsername)
	if err != nil {
		return
	}
	ours, theirs, ok := strings.Cut(string(name), ":")
	r := h.find(ours)
	if !ok || r == nil {
		return
	}
	integrity, expected := r.expects(ours)
	if integrity == nil || (expected != "" && expected != theirs) || integrity.Check(m) != nil || stun.Fingerprint.Check(m) != nil {
		return
	}
	if m.Contains(stun.AttrICEControlled) {
		// The lite side is the controlled one, always (RFC 8445 §6.1.1, §7.3.1.1).
		h.respond(m, src, integrity, stun.BindingError, stun.CodeRoleConflict)
		return
	}
	h.respond(m, src, integrity, stun.BindingSuccess, &stun.XORMappedAddress{IP: src.Addr().AsSlice(), Port: int(src.Port())})
	r.checked(src, ours, m.Contains(stun.AttrUseCandidate), now)
}

func (h *hub) respond(m *stun.Message, src netip.AddrPort, integrity stun.MessageIntegrity, kind stun.MessageType, what stun.Setter) {
	err := h.response.Build(stun.NewTransactionIDSetter(m.TransactionID), kind, what, integrity, stun.Fingerprint)
	if err == nil {
		// A check that stays without an answer is sent again.
		_, _ = h.conn.WriteToUDPAddrPort(h.response.Raw, src)
	}
}

// expects gives the password of a user fragment of this side, and the fragment that the party must show; "" while its description is not known
// yet, and for checks from before a restart.
func (r *rtcTransport) expects(fragment string) (integrity stun.MessageIntegrity, theirs string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, c := range r.own {
		if c.fragment == fragment && i == 0 {
			return c.integrity, r.theirs
		}
		if c.fragment == fragment {
			return c.integrity, ""
		}
	}
	return nil, ""
}

// checked notes a valid check from src; nominated: the party has chosen this path.
func (r *rtcTransport) checked(src netip.AddrPort, fragment string, nominated bool, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx.Err() != nil {
		return
	}
	h := r.host.hub
	// An address may pass from a leg whose party is gone to the party's next one.
	if h.path(src) != r || !slices.Contains(r.paths, src) {
		h.mu.Lock()
		h.paths[src] = r
		if !slices.Contains(r.paths, src) {
			r.paths = append(r.paths, src)
		}
		if len(r.paths) > maxPaths { // the oldest that is not in use is forgotten
			i := 0
			if r.paths[0] == r.selected {
				i = 1
			}
			if h.paths[r.paths[i]] == r {
				delete(h.paths, r.paths[i])
			}
			r.paths = slices.Delete(r.paths, i, i+1)
		}
		h.mu.Unlock()
	}
	if r.own[0].fragment == fragment {
		r.forgetFormer()
	}
	if r.connected.IsZero() {
		r.connected = now
	}
	r.heard = now
	if src != r.selected && (nominated || !r.selected.IsValid()) {
		r.selected = src
		if r.ready.Load() {
			r.aim()
		}
	}
	r.beginIfFound()
}

// forgetFormer takes credentials from before a restart out of use. The caller holds mu.
func (r *rtcTransport) forgetFormer() {
	if len(r.own) == 1 {
		return
	}
	h := r.host.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range r.own[1:] {
		delete(h.users, c.fragment)
	}
	r.own = r.own[:1]
}

// beginIfFound starts DTLS when there is a path and the party's certificate is known. The caller holds mu.
func (r *rtcTransport) beginIfFound() {
	if r.begin != nil && r.selected.IsValid() && r.ctx.Err() == nil {
		r.begin()
		r.begin = nil
	}
}

// aim sends along the selected path from now on. The caller holds mu.
func (r *rtcTransport) aim() {
	r.leg.outMu.Lock()
	defer r.leg.outMu.Unlock()
	r.sock.aim(r.selected)
}

// look fails a leg whose party takes too long.
func (r *rtcTransport) look(now time.Time) {
	if r.agent != nil {
		return // looks itself
	}
	r.mu.Lock()
	since, connected, heard := r.since, r.connected, r.heard
	r.mu.Unlock()
	switch {
	case since.IsZero():
	case connected.IsZero() && now.Sub(since) > rtcWait:
		r.fail(errNoCheck)
	case !connected.IsZero() && now.Sub(heard) > rtcSilent:
		r.fail(errNoCheck)
	}
}
