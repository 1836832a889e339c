package invite

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Requests within the dialog go through the proxies that recorded themselves:
// a loose router is named in Route, a strict one in the Request-URI with the
// target last (RFC 3261 section 12.2.1.1), also in early dialogs and for ACK.
func TestRecordRoutes(t *testing.T) {
	for _, strict := range []bool{false, true} {
		e := startEndpoint(t, handlerFuncs{}, nil)
		p, far := newPeer(t, e.Addr("udp")), newPeer(t, e.Addr("udp"))
		near, mid := "sip:127.0.0.1:"+port(p)+";lr", "sip:proxy2.invalid;lr"
		if strict {
			near = "sip:127.0.0.1:" + port(p)
		}
		routes := "Record-Route: <" + mid + ">, <" + near + ">" // reversed for the caller
		s := dial(t, e, p, nil)
		inv := p.expectRequest("INVITE")
		check := func(m packet, what string) {
			t.Helper()
			var names []string
			for _, h := range m.msg.GetHeaders("Route") {
				names = append(names, h.Value())
			}
			uri, path := "sip:seat@"+far.addr(), []string{"<" + near + ">", "<" + mid + ">"}
			if strict {
				uri, path = near, []string{"<" + mid + ">", "<sip:seat@" + far.addr() + ">"}
			}
			require.True(t, strings.HasPrefix(m.raw, what+" "+uri+" SIP/2.0"), m.raw)
			require.Equal(t, strings.Join(path, ", "), strings.Join(names, ", "))
		}
		p.send(respond(inv, 183, "x", far.addr(), offerSDP, routes, "Require: 100rel", "RSeq: 1"))
		m := p.expectRequest("PRACK")
		check(m, "PRACK")
		p.send(respond(m, 200, "", "", ""))
		p.send(respond(inv, 200, "x", far.addr(), "", routes, "Allow: UPDATE"))
		check(p.expectRequest("ACK"), "ACK")
		waitEvent[Answered](t, s)
		done := make(chan error, 1)
		go func() {
			_, err := s.Update(context.Background(), nil)
			done <- err
		}()
		m = p.expectRequest("UPDATE")
		check(m, "UPDATE")
		p.send(respond(m, 200, "", far.addr(), ""))
		require.NoError(t, <-done)
		s.Hangup(Cause{By: Local})
		m = p.expectRequest("BYE")
		check(m, "BYE")
		p.send(respond(m, 200, "", "", ""))
		nothingLeft(t, e)
	}
}
