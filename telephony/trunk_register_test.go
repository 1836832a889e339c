package telephony_test

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"
	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/invite"
)

// registrar is an operator's, which challenges and remembers.
type registrar struct {
	*operator
	mu       sync.Mutex
	granted  []int // seconds of each accepted REGISTER
	contact  sip.Uri
	callIDs  map[string]bool
	routes   []string
	shortest int // Min-Expires
	longest  int
	refuse   int // code for all
	asked    int // requests
}

func newRegistrar(t *testing.T) *registrar {
	g := &registrar{callIDs: map[string]bool{}, longest: 3600}
	g.operator = &operator{call: refuses(486, 0), register: g.take}
	g.start(t)
	return g
}

func (g *registrar) take(req *sip.Request, tx invite.Responder) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked++
	if g.refuse != 0 {
		_ = tx.Reply(g.refuse, "")
		return
	}
	h := req.GetHeader("Authorization")
	if h == nil {
		_ = tx.Reply(401, "", sip.NewHeader("WWW-Authenticate", `Digest realm="operator", nonce="n1", algorithm=MD5, qop="auth"`))
		return
	}
	got, err := digest.ParseCredentials(h.Value())
	if err != nil {
		_ = tx.Reply(400, "")
		return
	}
	want, err := digest.Digest(&digest.Challenge{Realm: "operator", Nonce: "n1", Algorithm: "MD5", QOP: []string{"auth"}},
		digest.Options{Method: "REGISTER", URI: got.URI, Username: "8800", Password: "operator-secret", Cnonce: got.Cnonce, Count: got.Nc})
	if err != nil || want.Response != got.Response {
		_ = tx.Reply(403, "")
		return
	}
	asked, _ := strconv.Atoi(req.GetHeader("Expires").Value())
	if asked > 0 && asked < g.shortest {
		_ = tx.Reply(423, "", sip.NewHeader("Min-Expires", strconv.Itoa(g.shortest)))
		return
	}
	asked = min(asked, g.longest)
	g.granted = append(g.granted, asked)
	g.contact = req.Contact().Address
	g.callIDs[req.CallID().Value()] = true
	if h := req.GetHeader("Route"); h != nil {
		g.routes = append(g.routes, h.Value())
	}
	_ = tx.Reply(200, "", sip.NewHeader("Contact", "<sip:other@192.0.2.9>;expires=7, <"+g.contact.String()+">;expires="+strconv.Itoa(asked)))
}

// with reads or changes what the registrar does.
func (g *registrar) with(fn func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	fn()
}

func (g *registrar) accepted() []int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]int{}, g.granted...)
}

func (g *registrar) requests() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.asked
}

func registering(g *registrar, change func(*telephony.Trunk)) rigOption {
	return func(c *telephony.Config) {
		c.Trunks = nil // calls come from the registrar alone
		tr := telephony.Trunk{
			Name: "operator", Auth: telephony.TrunkAuth{User: "8800", Secret: "operator-secret"}, DIDs: map[string]string{"8800": "12345"},
			Register: telephony.Registration{Registrar: g.host("udp"), Expires: time.Minute},
		}
		if change != nil {
			change(&tr)
		}
		c.TrunkList = []telephony.Trunk{tr}
	}
}

func (r *rig) awaitRegistered() telephony.RegistrationState {
	r.t.Helper()
	r.await("registered", func() bool { return r.center.Trunks()[0].Registration.Registered })
	return *r.center.Trunks()[0].Registration
}

// A trunk registers, is called at its contact, calls through its registrar,
// and takes the registration back when the centre stops.
func TestTrunkRegisters(t *testing.T) {
	g := newRegistrar(t)
	g.with(func() { g.shortest = 90 })
	r := newRig(t, registering(g, nil))
	state := r.awaitRegistered()
	require.Equal(t, 200, state.Code)
	require.Equal(t, []int{90}, g.accepted(), "60 s were too brief for the registrar")

	offer := "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"
	var contact sip.Uri
	g.with(func() { contact = g.contact })
	in, err := g.endpoint.Dial(t.Context(), invite.Outgoing{To: contact, From: sip.Uri{User: "13800138000", Host: "operator.example"}, Offer: []byte(offer)})
	require.NoError(t, err)
	for ev := range in.Events() {
		if _, ok := ev.(invite.Answered); ok {
			in.Hangup(invite.Cause{})
		}
	}
	cdr := r.endedCall()
	require.Equal(t, "operator", cdr.Trunk)
	require.Equal(t, "12345", cdr.Line)
	require.False(t, cdr.AnsweredAt.IsZero())

	seat, _ := r.seat("8001")
	c, err := seat.Dial(t.Context(), number)
	require.NoError(t, err)
	r.done(c)
	require.Equal(t, 486, c.Cause().Code, "what the operator says to each call")
	require.Equal(t, "registrar", r.endedCall().Tried[0].Gateway)
	r.awaitClean()
	require.NoError(t, r.center.Stop(context.WithoutCancel(t.Context())))
	require.Equal(t, []int{90, 0}, g.accepted())
}

// A registration is refreshed in time, with one Call-ID, through the proxy.
func TestTrunkRefreshesItsRegistration(t *testing.T) {
	g := newRegistrar(t)
	g.with(func() { g.longest = 1 })
	r := newRig(t, registering(g, func(tr *telephony.Trunk) {
		tr.Register.Proxy, tr.Register.Registrar = tr.Register.Registrar, "operator.example"
	}))
	r.await("three registrations", func() bool { return len(g.accepted()) >= 3 })
	r.awaitRegistered()
	g.mu.Lock()
	defer g.mu.Unlock()
	require.Len(t, g.callIDs, 1)
	require.True(t, strings.HasPrefix(g.routes[0], "<sip:127.0.0.1:") && strings.Contains(g.routes[0], ";lr"), g.routes[0])
	require.Equal(t, "8800", g.contact.User)
}

// A wrong secret is not tried again and again, and what it was stays out of the log.
func TestTrunkIsNotRegistered(t *testing.T) {
	g := newRegistrar(t)
	r := newRig(t, registering(g, func(tr *telephony.Trunk) { tr.Auth.Secret = "wrong" }))
	r.await("refused", func() bool { return r.center.Trunks()[0].Registration.Code == 403 })
	state := r.center.Trunks()[0].Registration
	require.False(t, state.Registered)
	require.Equal(t, 1, state.Failures)
	require.Equal(t, 2, g.requests(), "the challenge and the answer to it")
}

// A registrar that is away is tried again, later and later.
func TestTrunkBacksOff(t *testing.T) {
	g := newRegistrar(t)
	g.with(func() { g.refuse = 503 })
	r := newRig(t, registering(g, nil))
	r.await("a second try", func() bool { return r.center.Trunks()[0].Registration.Failures >= 2 })
	g.with(func() { g.refuse = 0 })
	r.awaitRegistered()
	require.Equal(t, []int{60}, g.accepted())
}
