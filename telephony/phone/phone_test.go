package phone

import (
	"context"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"
	"github.com/stretchr/testify/require"

	"hotline/telephony/invite"
	"hotline/telephony/media"
	"hotline/telephony/tlstest"
)

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func started(t *testing.T, opts Options) *Phone {
	t.Helper()
	p, err := New(opts)
	require.NoError(t, err)
	require.NoError(t, p.Start(testContext(t)))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, p.Stop(ctx))
		require.Zero(t, p.Ports().InUse(), "no RTP port is left")
		require.Zero(t, p.Endpoint().Sessions(), "no session is left")
	})
	return p
}

func TestTwoPhonesTalk(t *testing.T) {
	ca, err := tlstest.NewAuthority()
	require.NoError(t, err)
	certificate, err := ca.Server("127.0.0.1")
	require.NoError(t, err)
	for _, network := range []string{"udp", "tcp", "tls", "ws", "wss"} {
		t.Run(network, func(t *testing.T) {
			ctx := testContext(t)
			incoming := make(chan *Call, 1)
			callee := started(t, Options{User: "8001", Network: network, Listen: "127.0.0.1:0", Certificate: certificate, Codecs: []media.Codec{media.PCMU, media.PCMA}, OnCall: func(c *Call) {
				incoming <- c
				require.NoError(t, c.Answer())
			}})
			caller := started(t, Options{User: "13800005678", Network: network, TLS: ca.Client()})
			out, err := caller.Dial(ctx, callee.URI())
			require.NoError(t, err)
			require.NoError(t, out.WaitAnswered(ctx))
			in := <-incoming
			require.Equal(t, "13800005678", in.Remote())
			out.Play(media.Tone(440, -10, 0), true)
			in.Play(media.Tone(1000, -10, 0), true)
			require.NoError(t, out.WaitTone(ctx, 1000))
			require.NoError(t, in.WaitTone(ctx, 440))
			require.InDelta(t, 1000, out.Tone(), 10)
			require.Less(t, out.Hears(440), 0.01)
			require.NoError(t, out.SendDigits(ctx, "1*"))
			require.Equal(t, '1', (<-in.Digits()).Rune)
			require.Equal(t, '*', (<-in.Digits()).Rune)

			require.NoError(t, in.Hold(ctx, true))
			require.True(t, out.Leg().RemoteHold())
			require.NoError(t, in.Hold(ctx, false))
			require.False(t, out.Leg().RemoteHold())
			require.NoError(t, in.WaitTone(ctx, 440))

			out.Hangup()
			<-out.Done()
			<-in.Done()
			require.Equal(t, invite.Local, out.Cause().By)
			require.Equal(t, invite.Remote, in.Cause().By)
			for _, s := range []Stats{out.Stats(), in.Stats()} {
				require.Zero(t, s.Media.Lost)
				require.Zero(t, s.Media.Malformed)
				require.Positive(t, s.Sound)
				require.Positive(t, s.Answer)
				require.Positive(t, s.FirstSound)
				require.Positive(t, s.Talk)
			}
			require.LessOrEqual(t, out.Stats().Setup, out.Stats().Answer)
			require.Empty(t, caller.Calls())
			require.ErrorIs(t, out.WaitSound(ctx), nil)
			require.ErrorIs(t, out.WaitTone(ctx, 333), ErrEnded)
		})
	}
}

func TestCallsThatAreNotTaken(t *testing.T) {
	ctx := testContext(t)
	for _, c := range []struct {
		name   string
		onCall func(*Call)
		codecs []media.Codec
		code   int
	}{
		{"nobody there", nil, nil, sip.StatusBusyHere},
		{"rejected", func(c *Call) { c.Reject(sip.StatusGlobalDecline) }, nil, sip.StatusGlobalDecline},
		{"ignored", func(*Call) {}, nil, sip.StatusTemporarilyUnavailable},
		{"no common codec", func(c *Call) { _ = c.Answer() }, []media.Codec{media.PCMU}, sip.StatusNotAcceptableHere},
	} {
		t.Run(c.name, func(t *testing.T) {
			callee := started(t, Options{User: "8001", OnCall: c.onCall, Codecs: c.codecs})
			caller := started(t, Options{Codecs: []media.Codec{media.PCMA}})
			call, err := caller.Dial(ctx, callee.URI())
			require.NoError(t, err)
			require.ErrorIs(t, call.WaitAnswered(ctx), ErrEnded)
			require.Equal(t, c.code, call.Cause().Code)
			require.Equal(t, invite.Remote, call.Cause().By)
			require.Zero(t, call.Stats().Answer)
		})
	}
}

func TestCancelledWhileRinging(t *testing.T) {
	ctx := testContext(t)
	ringing := make(chan *Call, 1)
	callee := started(t, Options{User: "8001", OnCall: func(c *Call) {
		ringing <- c
		<-c.Done()
	}})
	caller := started(t, Options{})
	call, err := caller.Dial(ctx, callee.URI())
	require.NoError(t, err)
	in := <-ringing
	call.Hangup()
	<-call.Done()
	<-in.Done()
	require.Equal(t, invite.Remote, in.Cause().By)
	require.Error(t, in.Answer())
	require.ErrorIs(t, call.WaitAnswered(ctx), ErrEnded)
}

func TestDialWithoutRegistrar(t *testing.T) {
	caller := started(t, Options{})
	_, err := caller.Dial(testContext(t), "12345")
	require.ErrorIs(t, err, ErrNoRegistrar)
	_, err = caller.Dial(testContext(t), "sip:@:x")
	require.Error(t, err)
	require.ErrorIs(t, caller.Register(testContext(t), time.Minute), ErrNoRegistrar)
	_, err = New(Options{Registrar: "no port"})
	require.Error(t, err)
}

// registrar is a server that challenges with one algorithm and remembers bindings.
type registrar struct {
	algorithm, secret string
	grant             string

	mu       sync.Mutex
	bindings map[string]string
	requests int
	seen     chan string // Expires of accepted requests
}

func (r *registrar) Invite(s *invite.Session) { _ = s.Reject(sip.StatusForbidden, "") }

func (r *registrar) Request(req *sip.Request, _ netip.AddrPort, tx invite.Responder) {
	chal := digest.Challenge{Realm: "test", Nonce: "n1", Algorithm: r.algorithm, QOP: []string{"auth"}}
	h := req.GetHeader("Authorization")
	if h == nil {
		_ = tx.Reply(sip.StatusUnauthorized, "", sip.NewHeader("WWW-Authenticate", chal.String()))
		return
	}
	got, err := digest.ParseCredentials(h.Value())
	if err != nil {
		_ = tx.Reply(sip.StatusBadRequest, "")
		return
	}
	want, err := digest.Digest(&chal, digest.Options{
		Method: "REGISTER", URI: got.URI, Username: "8001", Password: r.secret, Cnonce: got.Cnonce, Count: got.Nc,
	})
	if err != nil || want.Response != got.Response {
		_ = tx.Reply(sip.StatusForbidden, "")
		return
	}
	expires := req.GetHeader("Expires").Value()
	r.mu.Lock()
	r.requests++
	r.bindings[req.To().Address.User] = req.Contact().Address.HostPort()
	if expires == "0" {
		delete(r.bindings, req.To().Address.User)
	}
	r.mu.Unlock()
	_ = tx.Reply(sip.StatusOK, "", sip.NewHeader("Expires", r.grant))
	r.seen <- expires
}

func TestRegister(t *testing.T) {
	for _, algorithm := range []string{"MD5", "SHA-256"} {
		t.Run(algorithm, func(t *testing.T) {
			ctx := testContext(t)
			r := &registrar{algorithm: algorithm, secret: "s3cret", grant: "2", bindings: map[string]string{}, seen: make(chan string, 10)}
			server, err := invite.New(invite.Options{Listen: []invite.Listen{{Network: "udp", Addr: "127.0.0.1:0"}}}, r)
			require.NoError(t, err)
			require.NoError(t, server.Start(ctx))
			t.Cleanup(func() { require.NoError(t, server.Stop(context.Background())) })
			p := started(t, Options{User: "8001", Secret: "s3cret", Registrar: server.Addr("udp").String()})
			require.NoError(t, p.Register(ctx, time.Minute))
			require.Equal(t, "60", <-r.seen)
			r.mu.Lock()
			require.Equal(t, p.Addr().String(), r.bindings["8001"])
			r.mu.Unlock()
			require.Equal(t, "60", <-r.seen, "refreshed at half of the two seconds that were granted")
			require.NoError(t, p.Unregister(ctx))
			for expires := <-r.seen; expires != "0"; expires = <-r.seen {
			}
			r.mu.Lock()
			require.Empty(t, r.bindings)
			r.mu.Unlock()

			wrong := started(t, Options{User: "8001", Secret: "guess", Registrar: server.Addr("udp").String()})
			var refused *RefusedError
			require.ErrorAs(t, wrong.Register(ctx, time.Minute), &refused)
			require.Equal(t, sip.StatusForbidden, refused.Code)
		})
	}
}
