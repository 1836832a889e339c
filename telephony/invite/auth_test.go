package invite

import (
	"context"
	"net/netip"
	"testing"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"
	"github.com/stretchr/testify/require"
)

// verify checks the credentials of a request as a server would.
func verify(t *testing.T, m packet, header, nonce, user, secret string) {
	t.Helper()
	got, err := digest.ParseCredentials(m.header(header))
	require.NoError(t, err)
	require.Equal(t, nonce, got.Nonce)
	want, err := digest.Digest(&digest.Challenge{Realm: got.Realm, Nonce: nonce, Algorithm: got.Algorithm, QOP: []string{"auth"}},
		digest.Options{Method: m.method(), URI: got.URI, Username: user, Password: secret, Cnonce: got.Cnonce, Count: got.Nc})
	require.NoError(t, err)
	require.Equal(t, want.Response, got.Response)
}

func TestDialAnswersChallenges(t *testing.T) {
	for _, algorithm := range []string{"MD5", "SHA-256"} {
		t.Run(algorithm, func(t *testing.T) {
			e := startEndpoint(t, handlerFuncs{}, nil)
			p := newPeer(t, e.Addr("udp"))
			s := dial(t, e, p, func(o *Outgoing) { o.Credentials = &Credentials{User: "8001", Secret: "geheim"} })
			inv := p.expectRequest("INVITE")
			p.send(respond(inv, 407, "p", "", "", `Proxy-Authenticate: Digest realm="hotline", nonce="n1", algorithm=`+algorithm+`, qop="auth"`))
			p.expectRequest("ACK")
			inv = p.expect("second INVITE", func(m packet) bool { return m.header("CSeq") == "2 INVITE" })
			verify(t, inv, "Proxy-Authorization", "n1", "8001", "geheim")
			p.send(respond(inv, 401, "q", "", "", `WWW-Authenticate: Digest realm="hotline", nonce="n2", algorithm=`+algorithm+`, qop="auth"`))
			inv = p.expect("third INVITE", func(m packet) bool { return m.header("CSeq") == "3 INVITE" })
			verify(t, inv, "Authorization", "n2", "8001", "geheim")
			p.send(respond(inv, 200, "x", p.addr(), offerSDP))
			ack := p.expect("ACK", func(m packet) bool { return m.header("CSeq") == "3 ACK" })
			require.NotEmpty(t, ack.header("Authorization"))
			waitEvent[Answered](t, s)
			s.Hangup(Cause{})
			p.send(respond(p.expectRequest("BYE"), 200, "", "", ""))
			nothingLeft(t, e)
		})
	}
}

func TestChallengeWithoutOrWithWrongCredentials(t *testing.T) {
	e := startEndpoint(t, handlerFuncs{}, nil)
	p := newPeer(t, e.Addr("udp"))
	challenge := `WWW-Authenticate: Digest realm="hotline", nonce="n1", algorithm=MD5, qop="auth"`
	s := dial(t, e, p, nil)
	p.send(respond(p.expectRequest("INVITE"), 401, "p", "", "", challenge))
	require.Equal(t, 401, waitEvent[Ended](t, s).Cause.Code)

	s = dial(t, e, p, func(o *Outgoing) { o.Credentials = &Credentials{User: "8001", Secret: "wrong"} })
	for _, seq := range []string{"1 INVITE", "2 INVITE", "3 INVITE"} {
		inv := p.expect(seq, func(m packet) bool { return m.header("CSeq") == seq && m.header("Call-ID") == s.CallID() })
		p.send(respond(inv, 401, "p", "", "", challenge))
	}
	require.Equal(t, 401, waitEvent[Ended](t, s).Cause.Code)

	s = dial(t, e, p, func(o *Outgoing) { o.Credentials = &Credentials{User: "8001", Secret: "x"} })
	inv := p.expect("INVITE", func(m packet) bool { return m.header("Call-ID") == s.CallID() && m.method() == "INVITE" })
	p.send(respond(inv, 401, "p", "", "", `WWW-Authenticate: Digest realm="h", nonce="n", algorithm=AKAv1-MD5`))
	require.Equal(t, 401, waitEvent[Ended](t, s).Cause.Code)
	nothingLeft(t, e)
}

func TestRegisterThroughDoWith(t *testing.T) {
	const challenge = `Digest realm="hotline", nonce="n1", algorithm=SHA-256, qop="auth"`
	server := startEndpoint(t, handlerFuncs{request: func(req *sip.Request, _ netip.AddrPort, tx Responder) {
		if req.GetHeader("Authorization") == nil {
			_ = tx.Reply(401, "", sip.NewHeader("WWW-Authenticate", `Digest realm="x", nonce="n", algorithm=AKAv1-MD5`),
				sip.NewHeader("WWW-Authenticate", challenge))
			return
		}
		_ = tx.Reply(200, "")
	}}, nil)
	client := startEndpoint(t, handlerFuncs{}, nil)
	for _, network := range []string{"udp", "tcp"} {
		req := sip.NewRequest(sip.REGISTER, sip.Uri{Scheme: "sip", Host: "127.0.0.1"})
		req.SetTransport(network)
		req.SetDestination(server.Addr(network).String())
		res, err := client.DoWith(context.Background(), req, Credentials{User: "8001", Secret: "s"})
		require.NoError(t, err)
		require.Equal(t, 200, res.StatusCode, network)
	}
	nothingLeft(t, server)
	nothingLeft(t, client)
}
