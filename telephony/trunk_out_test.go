package telephony_test

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/invite"
	"hotline/telephony/media"
	"hotline/telephony/phone"
	"hotline/telephony/tlstest"
	"hotline/telephony/trunk"
)

const number = "13800138000" // that seats call in these tests

// operator is a gateway's far end, which does what a test says.
type operator struct {
	endpoint *invite.Endpoint
	call     func(*invite.Session)
	ping     atomic.Int32 // code that OPTIONS is answered with
	register func(*sip.Request, invite.Responder)
}

func (o *operator) Invite(s *invite.Session) { o.call(s) }

func (o *operator) Request(req *sip.Request, _ netip.AddrPort, tx invite.Responder) {
	if req.Method == sip.REGISTER {
		o.register(req, tx)
		return
	}
	_ = tx.Reply(int(o.ping.Load()), "")
}

func newOperator(t *testing.T, call func(*invite.Session)) *operator {
	t.Helper()
	o := &operator{call: call}
	o.start(t)
	return o
}

func (o *operator) start(t *testing.T) {
	t.Helper()
	o.ping.Store(200)
	var err error
	o.endpoint, err = invite.New(invite.Options{
		Listen: []invite.Listen{{Network: "udp", Addr: "127.0.0.1:0"}, {Network: "tcp", Addr: "127.0.0.1:0"}},
		Timers: invite.Timers{T1: quickT1}, Log: slog.New(slog.DiscardHandler),
	}, o)
	require.NoError(t, err)
	require.NoError(t, o.endpoint.Start(t.Context()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = o.endpoint.Stop(ctx)
	})
}

func (o *operator) host(network string) string { return o.endpoint.Addr(network).String() }

// refuses gives a far end that refuses calls, after a provisional response if asked.
func refuses(code, after int, headers ...sip.Header) func(*invite.Session) {
	return func(s *invite.Session) {
		if after != 0 {
			_ = s.Ring(after, nil)
		}
		_ = s.Reject(code, "", headers...)
	}
}

// blackHole is a socket that takes everything and never answers.
func blackHole(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn.LocalAddr().String()
}

// deadPort is an address that nobody listens at.
func deadPort(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer conn.Close()
	return conn.LocalAddr().String()
}

// citizen is a phone that takes every call that comes through a gateway.
func citizen(t *testing.T) (string, <-chan *phone.Call) {
	t.Helper()
	calls := make(chan *phone.Call, 16)
	p := started(t, phone.Options{User: number, Session: invite.SessionTimer{Min: time.Second}, OnCall: func(c *phone.Call) {
		calls <- c
		if c.Answer() == nil {
			<-c.Done()
		}
	}})
	return p.Addr().String(), calls
}

// twoGateways is a trunk with a first and a second gateway that learns of
// their state from calls alone.
func twoGateways(first telephony.Gateway, second string) rigOption {
	first.Name, first.Priority = "first", 1
	return func(c *telephony.Config) {
		c.TrunkList = []telephony.Trunk{{
			Name: "telecom", Patience: 150 * time.Millisecond, Ping: telephony.Ping{Interval: -1},
			Gateways: []telephony.Gateway{{Name: "second", Host: second, Priority: 2}, first},
		}}
	}
}

func TestFailover(t *testing.T) {
	for name, test := range map[string]struct {
		first   func(t *testing.T) telephony.Gateway
		code    int
		outcome string
		state   trunk.State
	}{
		"black hole": {func(t *testing.T) telephony.Gateway { return telephony.Gateway{Host: blackHole(t)} },
			408, telephony.OutcomeUnreachable, trunk.Suspect},
		"dead port": {func(t *testing.T) telephony.Gateway { return telephony.Gateway{Host: deadPort(t)} },
			408, telephony.OutcomeUnreachable, trunk.Suspect},
		"refused connection": {func(t *testing.T) telephony.Gateway { return telephony.Gateway{Host: deadPort(t), Transport: "tcp"} },
			503, telephony.OutcomeUnreachable, trunk.Suspect},
		"503": {func(t *testing.T) telephony.Gateway {
			return telephony.Gateway{Host: newOperator(t, refuses(503, 0)).host("udp")}
		}, 503, telephony.OutcomeFailed, trunk.Up},
		"500 over TCP": {func(t *testing.T) telephony.Gateway {
			return telephony.Gateway{Host: newOperator(t, refuses(500, 0)).host("tcp"), Transport: "tcp"}
		}, 500, telephony.OutcomeFailed, trunk.Up},
		"504 after 183": {func(t *testing.T) telephony.Gateway {
			return telephony.Gateway{Host: newOperator(t, refuses(504, 183)).host("udp")}
		}, 504, telephony.OutcomeFailed, trunk.Up},
		"408": {func(t *testing.T) telephony.Gateway {
			return telephony.Gateway{Host: newOperator(t, refuses(408, 0)).host("udp")}
		}, 408, telephony.OutcomeNoAnswer, trunk.Up},
	} {
		t.Run(name, func(t *testing.T) {
			second, calls := citizen(t)
			r := newRig(t, twoGateways(test.first(t), second))
			seat, _ := r.seat("8001")
			c, err := seat.Dial(t.Context(), number)
			require.NoError(t, err)
			require.NoError(t, c.WaitAnswered(r.ctx()))
			require.Equal(t, "12345", r.next(calls).Remote())
			states := r.center.Trunks()[0].Gateways
			require.Equal(t, test.state, states[1].State)
			c.Hangup()
			cdr := r.endedCall()
			require.Len(t, cdr.Tried, 2)
			for i := range cdr.Tried {
				require.False(t, cdr.Tried[i].EndedAt.Before(cdr.Tried[i].StartedAt))
			}
			t.Logf("next gateway tried after %v, answered after %v", cdr.Tried[1].StartedAt.Sub(cdr.Tried[0].StartedAt),
				cdr.Tried[1].EndedAt.Sub(cdr.Tried[0].StartedAt))
			require.Equal(t, "first", cdr.Tried[0].Gateway)
			require.Equal(t, test.code, cdr.Tried[0].Code)
			require.Equal(t, test.outcome, cdr.Tried[0].Outcome)
			require.Equal(t, "second", cdr.Tried[1].Gateway)
			require.Equal(t, telephony.OutcomeAnswered, cdr.Tried[1].Outcome)
			require.Equal(t, "telecom", cdr.Trunk)
			require.Equal(t, "second", cdr.Gateway)
			require.Equal(t, "12345", cdr.Line)
			require.EqualValues(t, 1, r.center.Failovers())
			r.awaitClean()
			require.Zero(t, r.center.Trunks()[0].Out)
		})
	}
}

// What the called party answered is final, and so is everything after the
// called party's phone rang.
func TestNoFailover(t *testing.T) {
	for name, test := range map[string]struct {
		code  int
		rings bool
		cause string
	}{
		"busy":             {486, false, telephony.CauseRejected},
		"declined":         {603, true, telephony.CauseRejected},
		"no such number":   {404, false, telephony.CauseRejected},
		"failed after 180": {503, true, telephony.CauseRejected},
		"not there":        {480, true, telephony.CauseNoAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			second, calls := citizen(t)
			rung := make(chan struct{})
			far := newOperator(t, func(s *invite.Session) {
				if test.rings {
					_ = s.Ring(180, nil)
					<-rung // datagrams may overtake each other
				}
				_ = s.Reject(test.code, "")
			})
			r := newRig(t, twoGateways(telephony.Gateway{Host: far.host("udp")}, second))
			seat, _ := r.seat("8001")
			c, err := seat.Dial(t.Context(), number)
			require.NoError(t, err)
			if test.rings {
				r.await("ringing", func() bool { l := r.center.Live(); return len(l) == 1 && !l[0].RingingAt.IsZero() })
				close(rung)
			}
			r.done(c)
			require.Equal(t, test.code, c.Cause().Code)
			cdr := r.endedCall()
			require.Len(t, cdr.Tried, 1)
			require.Equal(t, test.cause, cdr.Cause)
			require.Empty(t, calls)
			r.awaitClean()
		})
	}
}

// A gateway that is slow but alive keeps the call: its 100 is a response.
func TestSlowGatewayKeepsTheCall(t *testing.T) {
	second, calls := citizen(t)
	waiting := make(chan *invite.Session, 1)
	slow := newOperator(t, func(s *invite.Session) {
		waiting <- s
		<-s.Done()
	})
	r := newRig(t, twoGateways(telephony.Gateway{Host: slow.host("udp")}, second))
	seat, _ := r.seat("8001")
	c, err := seat.Dial(t.Context(), number)
	require.NoError(t, err)
	s := <-waiting
	time.Sleep(4 * 150 * time.Millisecond) // more than the patience with a gateway that says nothing
	require.NoError(t, s.Ring(180, nil))
	require.Len(t, r.center.Live()[0].Tried, 1)
	require.Empty(t, calls)
	c.Hangup()
	cdr := r.endedCall()
	require.Equal(t, telephony.OutcomeWithdrawn, cdr.Tried[0].Outcome)
	require.Len(t, cdr.Tried, 1)
	r.awaitClean()
}

// A gateway that failed is tried after the others, one that asks to be left
// alone as well; when nothing else is left it is tried all the same.
func TestFailedGatewayIsTriedLast(t *testing.T) {
	second, calls := citizen(t)
	first := newOperator(t, refuses(503, 0, sip.NewHeader("Retry-After", "60 (busy)")))
	r := newRig(t, twoGateways(telephony.Gateway{Host: first.host("udp")}, second))
	seat, _ := r.seat("8001")
	tried := func() []string {
		c, err := seat.Dial(t.Context(), number)
		require.NoError(t, err)
		require.NoError(t, c.WaitAnswered(r.ctx()))
		r.next(calls).Hangup()
		r.done(c)
		var names []string
		for _, one := range r.endedCall().Tried {
			names = append(names, one.Gateway)
		}
		return names
	}
	require.Equal(t, []string{"first", "second"}, tried())
	require.Equal(t, []string{"second"}, tried())
	state := r.center.Trunks()[0].Gateways[1]
	require.Equal(t, trunk.Up, state.State)
	require.False(t, state.AvoidedUntil.IsZero())
	r.awaitClean()
}

func TestEveryGatewayFails(t *testing.T) {
	r := newRig(t, twoGateways(telephony.Gateway{Host: blackHole(t)}, newOperator(t, refuses(503, 0)).host("udp")))
	seat, _ := r.seat("8001")
	for range 2 {
		c, err := seat.Dial(t.Context(), number)
		require.NoError(t, err)
		r.done(c)
		require.Contains(t, []int{408, 480, 503}, c.Cause().Code)
		require.Len(t, r.endedCall().Tried, 2)
	}
	r.awaitClean()
}

// A trunk with all channels in use is passed over; when none is left the seat is told.
func TestOutboundChannels(t *testing.T) {
	first, firstCalls := citizen(t)
	second, secondCalls := citizen(t)
	r := newRig(t, func(c *telephony.Config) {
		c.TrunkList = []telephony.Trunk{
			{Name: "one", MaxOut: 1, Gateways: []telephony.Gateway{{Host: first, Priority: 1}}},
			{Name: "two", MaxOut: 1, Gateways: []telephony.Gateway{{Host: second, Priority: 2}}},
		}
	})
	dial := func(id string) *phone.Call {
		seat, _ := r.seat(id)
		c, err := seat.Dial(t.Context(), number)
		require.NoError(t, err)
		return c
	}
	a := dial("8001")
	r.next(firstCalls)
	b := dial("8002")
	r.next(secondCalls)
	third := dial("8003")
	r.done(third)
	require.Equal(t, 503, third.Cause().Code)
	require.Empty(t, r.endedCall().Tried)
	require.Equal(t, 1, r.center.Trunks()[0].Out)
	a.Hangup()
	b.Hangup()
	r.endedCall()
	r.endedCall()
	r.awaitClean()
	require.Zero(t, r.center.Trunks()[0].Out)
}

// How an outbound call is shown, addressed and authorised is the trunk's policy.
func TestOutboundPolicy(t *testing.T) {
	invites := make(chan *sip.Request, 4)
	far := newOperator(t, func(s *invite.Session) {
		req := s.Request()
		if req.GetHeader("Proxy-Authorization") == nil {
			_ = s.Reject(407, "", sip.NewHeader("Proxy-Authenticate", `Digest realm="operator", nonce="n", algorithm=MD5, qop="auth"`))
			return
		}
		invites <- req
		_ = s.Reject(486, "")
	})
	base := telephony.Trunk{
		Name: "telecom", Auth: telephony.TrunkAuth{User: "8800", Secret: "operator-secret"},
		Gateways: []telephony.Gateway{{Host: far.host("udp")}},
	}
	for name, test := range map[string]struct {
		present  telephony.Presentation
		rewrite  telephony.Rewrites
		uri      string
		from     string
		asserted string
		privacy  string
	}{
		"plain":  {telephony.Presentation{}, telephony.Rewrites{}, "13800138000", "<sip:12345@127.0.0.1", "", ""},
		"E.164":  {telephony.Presentation{Form: telephony.E164Form, Number: "01012345678", Domain: "city.example"}, telephony.Rewrites{}, "+8613800138000", "<sip:+861012345678@city.example>", "", ""},
		"rules":  {telephony.Presentation{}, telephony.Rewrites{CalledOut: []trunk.Rule{{Match: `1\d{10}`, Replace: "90$0"}}, CallerOut: []trunk.Rule{{Prefix: "1", Replace: "0101"}}}, "9013800138000", "<sip:01012345@127.0.0.1", "", ""},
		"vouch":  {telephony.Presentation{Name: "City 12345", Domain: "city.example", Asserted: true}, telephony.Rewrites{}, "13800138000", `"City 12345" <sip:12345@city.example>`, `"City 12345" <sip:12345@city.example>`, ""},
		"hidden": {telephony.Presentation{Domain: "city.example", Withhold: true}, telephony.Rewrites{}, "13800138000", `"Anonymous" <sip:anonymous@anonymous.invalid>`, "<sip:12345@city.example>", "id"},
	} {
		t.Run(name, func(t *testing.T) {
			tr := base
			tr.Present, tr.Rewrite = test.present, test.rewrite
			r := newRig(t, func(c *telephony.Config) { c.TrunkList = []telephony.Trunk{tr} })
			seat, _ := r.seat("8001")
			c, err := seat.Dial(t.Context(), "+8613800138000")
			require.NoError(t, err)
			r.done(c)
			req := <-invites
			header := func(name string) string {
				if h := req.GetHeader(name); h != nil {
					return h.Value()
				}
				return ""
			}
			require.Equal(t, test.uri, req.Recipient.User)
			require.True(t, strings.HasPrefix(header("From"), test.from), header("From"))
			require.Equal(t, test.asserted, header("P-Asserted-Identity"))
			require.Equal(t, test.privacy, header("Privacy"))
			require.Contains(t, header("Proxy-Authorization"), `username="8800"`)
			r.endedCall()
			r.awaitClean()
		})
	}
}

// A gateway may send a call on to another of its trunk's own, and nowhere else.
func TestRedirectedByAGateway(t *testing.T) {
	moves := func(to string) telephony.Gateway {
		contact := &sip.ContactHeader{}
		require.NoError(t, sip.ParseUri("sip:"+number+"@"+to, &contact.Address))
		return telephony.Gateway{Host: newOperator(t, refuses(302, 0, contact)).host("udp")}
	}
	for name, test := range map[string]struct {
		allowed  bool
		to       func(owned string) string
		followed bool
	}{
		"to its own":           {true, func(owned string) string { return owned }, true},
		"not allowed":          {false, func(owned string) string { return owned }, false},
		"to a stranger":        {true, func(string) string { return "192.0.2.7:5060" }, false},
		"to a name":            {true, func(string) string { return "localhost:5060" }, false},
		"by another transport": {true, func(owned string) string { return owned + ";transport=tcp" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			owned, ownedCalls := citizen(t)
			second, secondCalls := citizen(t)
			configure := twoGateways(moves(test.to(owned)), second)
			r := newRig(t, configure, func(c *telephony.Config) { c.TrunkList[0].Redirects = test.allowed })
			seat, _ := r.seat("8001")
			c, err := seat.Dial(t.Context(), number)
			require.NoError(t, err)
			require.NoError(t, c.WaitAnswered(r.ctx()))
			answered := secondCalls
			if test.followed {
				answered = ownedCalls
			}
			r.next(answered)
			c.Hangup()
			cdr := r.endedCall()
			if test.followed {
				require.Len(t, cdr.Tried, 1)
				require.Equal(t, owned, cdr.Tried[0].MovedTo)
				require.Equal(t, telephony.OutcomeAnswered, cdr.Tried[0].Outcome)
			} else {
				require.Len(t, cdr.Tried, 2)
				require.Equal(t, 302, cdr.Tried[0].Code)
				require.Empty(t, cdr.Tried[0].MovedTo)
				require.Equal(t, "second", cdr.Gateway)
			}
			r.awaitClean()
		})
	}
}

// Calls to a gateway over TLS, whose certificate is checked, with encrypted sound where the trunk asks for it.
func TestOutboundOverTLS(t *testing.T) {
	ca, err := tlstest.NewAuthority()
	require.NoError(t, err)
	conf, err := ca.Server("127.0.0.1")
	require.NoError(t, err)
	other, err := tlstest.NewAuthority()
	require.NoError(t, err)
	for name, test := range map[string]struct {
		roots         *tls.Config
		srtp, refused bool
	}{
		"plain sound":                      {roots: ca.Client()},
		"SRTP":                             {roots: ca.Client(), srtp: true},
		"a certificate of somebody else's": {roots: other.Client(), refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			calls := make(chan *phone.Call, 1)
			far := started(t, phone.Options{
				User: number, Network: "tls", Listen: "127.0.0.1:0", Certificate: conf,
				OnCall: func(c *phone.Call) {
					_ = c.Answer()
					calls <- c
					<-c.Done()
				},
			})
			r := newRig(t, func(c *telephony.Config) {
				c.DialTLS = test.roots
				c.TrunkList = []telephony.Trunk{{Name: "telecom", SRTP: test.srtp, Ping: telephony.Ping{Interval: -1},
					Gateways: []telephony.Gateway{{Host: far.Addr().String(), Transport: "tls"}}}}
			})
			seat, _ := r.seat("8001")
			c, err := seat.Dial(t.Context(), number)
			require.NoError(t, err)
			if test.refused {
				r.done(c)
				require.Equal(t, 503, r.endedCall().Tried[0].Code)
				r.awaitClean()
				return
			}
			require.NoError(t, c.WaitAnswered(r.ctx()))
			at := r.next(calls)
			at.Play(media.Tone(toneCaller, -10, 0), false)
			require.NoError(t, c.WaitTone(r.ctx(), toneCaller))
			require.Equal(t, "tls", at.Session().Transport())
			require.Equal(t, test.srtp, at.Leg().Secure())
			c.Hangup()
			require.Equal(t, telephony.OutcomeAnswered, r.endedCall().Tried[0].Outcome)
			r.awaitClean()
		})
	}
}
