package invite

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/stretchr/testify/require"
)

// byeOf is the callee's BYE in the dialog of an INVITE of ours.
func byeOf(p *peer, inv packet, tag string) string {
	return strings.Join([]string{
		"BYE sip:hotline@" + p.to.String() + " SIP/2.0",
		"Via: SIP/2.0/UDP " + p.addr() + ";branch=z9hG4bK-bye-" + tag,
		"From: " + inv.header("To") + ";tag=" + tag, "To: " + inv.header("From"),
		"Call-ID: " + inv.header("Call-ID"), "CSeq: 1 BYE", "Max-Forwards: 70", "Content-Length: 0", "", "",
	}, "\r\n")
}

// A callee that hangs up as soon as it has the ACK may have its BYE read before the 2xx has reached the session: the call must end all
// the same, and not stay with a party that is gone.
func TestByeOvertakesAnswer(t *testing.T) {
	for _, rang := range []bool{false, true} {
		t.Run(fmt.Sprintf("rang %v", rang), func(t *testing.T) {
			e := startEndpoint(t, handlerFuncs{}, nil)
			p := newPeer(t, e.Addr("udp"))
			s := dial(t, e, p, nil)
			inv := p.expectRequest("INVITE")
			if rang {
				p.send(respond(inv, 180, "x", p.addr(), ""))
				waitEvent[Progress](t, s)
			}
			p.send(byeOf(p, inv, "x"))
			require.Eventually(t, func() bool { return e.Stats().Server == 1 }, 30*time.Second, 5*time.Millisecond)
			p.send(respond(inv, 200, "x", p.addr(), offerSDP))
			p.expectRequest("ACK")
			waitEvent[Answered](t, s)
			p.expectStatus(sip.StatusOK, "BYE")
			require.Equal(t, Remote, waitEvent[Ended](t, s).Cause.By)
			nothingLeft(t, e)
		})
	}
}

// A BYE that no answer follows gets its response when the call is over.
func TestByeWithoutAnswer(t *testing.T) {
	e := startEndpoint(t, handlerFuncs{}, nil)
	p := newPeer(t, e.Addr("udp"))
	s := dial(t, e, p, nil)
	inv := p.expectRequest("INVITE")
	p.send(byeOf(p, inv, "x"))
	require.Eventually(t, func() bool { return e.Stats().Server == 1 }, 30*time.Second, 5*time.Millisecond)
	p.send(respond(inv, 486, "x", "", ""))
	p.expectRequest("ACK")
	p.expectStatus(481, "BYE")
	require.Equal(t, 486, waitEvent[Ended](t, s).Cause.Code)
	nothingLeft(t, e)
}
