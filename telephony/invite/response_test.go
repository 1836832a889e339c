package invite

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A peer that says nothing ends the call early; a word that comes late is
// answered with CANCEL, and a late 200 with ACK and BYE.
func TestResponseTimeout(t *testing.T) {
	e := startEndpoint(t, handlerFuncs{}, nil)
	p := newPeer(t, e.Addr("udp"))
	bounded := func(o *Outgoing) { o.ResponseTimeout = 2 * testT1 }

	s := dial(t, e, p, bounded)
	inv := p.expectRequest("INVITE")
	cause := waitEvent[Ended](t, s).Cause
	require.Equal(t, Cause{By: System, Code: 408, Reason: "no response", At: cause.At}, cause)
	p.send(respond(inv, 180, "a", p.addr(), ""))
	p.send(respond(p.expectRequest("CANCEL"), 200, "a", "", ""))
	p.send(respond(inv, 487, "a", "", ""))
	nothingLeft(t, e)

	s = dial(t, e, p, bounded)
	inv = p.expect("INVITE", func(m packet) bool { return m.method() == "INVITE" && m.header("Call-ID") == s.CallID() })
	waitEvent[Ended](t, s)
	p.send(respond(inv, 200, "b", p.addr(), offerSDP))
	p.expect("ACK", func(m packet) bool { return m.method() == "ACK" && m.header("Call-ID") == s.CallID() })
	p.send(respond(p.expectRequest("BYE"), 200, "", "", ""))
	nothingLeft(t, e)
}

// Any response is a response; the wish of one that refuses is told.
func TestResponseTimeoutIsOverWithTheFirstResponse(t *testing.T) {
	e := startEndpoint(t, handlerFuncs{}, nil)
	p := newPeer(t, e.Addr("udp"))
	s := dial(t, e, p, func(o *Outgoing) { o.ResponseTimeout = 5 * testT1 })
	inv := p.expectRequest("INVITE")
	p.send(respond(inv, 100, "", "", ""))
	time.Sleep(8 * testT1) // past the bound
	p.send(respond(inv, 503, "c", "", "", "Retry-After: 120 (maintenance);duration=60"))
	cause := waitEvent[Ended](t, s).Cause
	require.Equal(t, 503, cause.Code)
	require.Equal(t, Remote, cause.By)
	require.Equal(t, 2*time.Minute, cause.RetryAfter)
	nothingLeft(t, e)
}
