package invite

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/stretchr/testify/require"
)

// answering is a handler that answers each call and hands the session over.
func answering(got chan<- *Session) handlerFuncs {
	return handlerFuncs{invite: func(s *Session) {
		_ = s.Ring(180, nil)
		_ = s.Answer([]byte(offerSDP))
		got <- s
	}}
}

func TestInboundCallAndBye(t *testing.T) {
	got := make(chan *Session, 1)
	e := startEndpoint(t, answering(got), nil)
	c := newPeer(t, e.Addr("udp")).call(1)
	c.p.send(c.invite())
	ringing := c.answers(180)
	ok := c.answers(200)
	require.Equal(t, toTag(ringing.msg.(*sip.Response)), c.toTag, "one tag in all responses")
	require.Contains(t, ok.raw, "m=audio")
	require.Contains(t, ok.header("Contact"), e.Addr("udp").String())
	s := <-got
	require.Equal(t, Inbound, s.Direction())
	require.Equal(t, c.p.addr(), s.Source().String())
	require.Contains(t, string(s.RemoteSDP()), "m=audio")
	c.p.send(c.ack())
	waitEvent[Confirmed](t, s)
	c.p.send(c.next("INFO", ""))
	c.p.expectStatus(200, "INFO")
	c.p.send(c.next("OPTIONS", ""))
	require.Contains(t, c.p.expectStatus(200, "OPTIONS").header("Allow"), "INVITE")
	c.p.send(c.next("UPDATE", ""))
	c.p.expectStatus(200, "UPDATE")
	c.p.send(c.next("MESSAGE", ""))
	c.p.expectStatus(405, "MESSAGE")
	c.p.send(c.next("FROBNICATE", ""))
	c.p.expectStatus(501, "FROBNICATE")
	c.p.send(c.next("BYE", ""))
	c.p.expectStatus(200, "BYE")
	end := waitEvent[Ended](t, s)
	require.Equal(t, Remote, end.Cause.By)
	<-s.Done()
	require.Error(t, s.Context().Err())
	c.p.send(c.next("BYE", ""))
	c.p.expectStatus(481, "BYE")
	nothingLeft(t, e)
}

func TestOutboundCallAndHangup(t *testing.T) {
	e := startEndpoint(t, handlerFuncs{}, nil)
	p := newPeer(t, e.Addr("udp"))
	s := dial(t, e, p, nil)
	inv := p.expectRequest("INVITE")
	require.True(t, strings.HasPrefix(inv.raw, "INVITE sip:8001@seat.invalid SIP/2.0"), inv.raw)
	for i := range 40 { // many provisional responses
		code := 180
		if i%2 == 1 {
			code = 183
		}
		p.send(respond(inv, code, "seat1", p.addr(), ""))
	}
	p.send(respond(inv, 200, "seat1", p.addr()+";x=1", offerSDP, "Record-Route: <sip:127.0.0.1:"+port(p)+";lr>"))
	ack := p.expectRequest("ACK")
	require.Contains(t, ack.header("To"), "tag=seat1")
	require.Contains(t, ack.header("Route"), ";lr")
	require.Equal(t, "1 ACK", ack.header("CSeq"))
	require.Contains(t, string(waitEvent[Answered](t, s).SDP), "m=audio")
	p.send(respond(inv, 200, "seat1", p.addr()+";x=1", offerSDP, "Record-Route: <sip:127.0.0.1:"+port(p)+";lr>"))
	require.Equal(t, ack.raw, p.expectRequest("ACK").raw, "a repeated 200 gets the same ACK")
	s.Hangup(Cause{By: Local, Reason: "test"})
	s.Hangup(Cause{By: Local, Reason: "twice"})
	bye := p.expectRequest("BYE")
	require.Equal(t, "2 BYE", bye.header("CSeq"))
	require.True(t, strings.HasPrefix(bye.raw, "BYE sip:seat@"+p.addr()+";x=1 SIP/2.0"), bye.raw)
	require.Equal(t, "test", waitEvent[Ended](t, s).Cause.Reason)
	p.send(respond(bye, 200, "", "", ""))
	nothingLeft(t, e)
}

func port(p *peer) string { return p.addr()[strings.LastIndexByte(p.addr(), ':')+1:] }

func TestDialContextEnds(t *testing.T) {
	e := startEndpoint(t, handlerFuncs{}, nil)
	p := newPeer(t, e.Addr("udp"))
	ctx, cancel := context.WithCancel(context.Background())
	s, err := e.Dial(ctx, Outgoing{To: sip.Uri{User: "8001", Host: "127.0.0.1"}, Destination: p.addr(), Offer: []byte(offerSDP)})
	require.NoError(t, err)
	inv := p.expectRequest("INVITE")
	p.send(respond(inv, 180, "x", p.addr(), ""))
	waitEvent[Progress](t, s)
	cancel()
	can := p.expectRequest("CANCEL")
	require.Equal(t, inv.header("Via"), can.header("Via"))
	<-s.Done()
	p.send(respond(can, 200, "x", "", ""))
	p.send(respond(inv, 487, "x", "", ""))
	p.expectRequest("ACK")
	nothingLeft(t, e)
}

func TestCancelBeforeAnyResponseIsHeldBack(t *testing.T) {
	e := startEndpoint(t, handlerFuncs{}, nil)
	p := newPeer(t, e.Addr("udp"))
	s := dial(t, e, p, nil)
	inv := p.expectRequest("INVITE")
	s.Hangup(Cause{By: Local})
	<-s.Done()
	p.expectRequest("INVITE") // retransmission: no CANCEL before a response
	for _, m := range p.keep {
		require.NotEqual(t, "CANCEL", m.method())
	}
	p.send(respond(inv, 100, "", "", ""))
	can := p.expectRequest("CANCEL")
	p.send(respond(can, 200, "x", "", ""))
	p.send(respond(inv, 487, "x", "", ""))
	nothingLeft(t, e)
}

func TestRingTimeout(t *testing.T) {
	e := startEndpoint(t, handlerFuncs{}, nil)
	p := newPeer(t, e.Addr("udp"))
	s := dial(t, e, p, func(o *Outgoing) { o.RingTimeout = 3 * testT1 })
	inv := p.expectRequest("INVITE")
	p.send(respond(inv, 180, "x", p.addr(), ""))
	p.expectRequest("CANCEL")
	require.Equal(t, 408, waitEvent[Ended](t, s).Cause.Code)
	require.Equal(t, System, s.Cause().By)
	nothingLeft(t, e) // no answer to CANCEL: given up after 64*T1
}

func TestTimerC(t *testing.T) {
	e := startEndpoint(t, handlerFuncs{}, func(o *Options) { o.Timers.TimerC = 5 * testT1 })
	p := newPeer(t, e.Addr("udp"))
	s := dial(t, e, p, nil)
	inv := p.expectRequest("INVITE")
	p.send(respond(inv, 180, "x", p.addr(), ""))
	can := p.expectRequest("CANCEL")
	p.send(respond(can, 200, "x", "", ""))
	p.send(respond(inv, 487, "x", "", ""))
	require.Equal(t, 408, waitEvent[Ended](t, s).Cause.Code)
	nothingLeft(t, e)
}

func TestNoResponseAtAll(t *testing.T) {
	e := startEndpoint(t, handlerFuncs{}, nil)
	p := newPeer(t, e.Addr("udp"))
	s := dial(t, e, p, nil)
	end := waitEvent[Ended](t, s)
	require.Equal(t, 408, end.Cause.Code)
	nothingLeft(t, e)
}

func TestRefusalIsTold(t *testing.T) {
	e := startEndpoint(t, handlerFuncs{}, nil)
	p := newPeer(t, e.Addr("udp"))
	s := dial(t, e, p, nil)
	inv := p.expectRequest("INVITE")
	p.send(respond(inv, 486, "x", "", ""))
	p.expectRequest("ACK")
	end := waitEvent[Ended](t, s)
	require.Equal(t, Remote, end.Cause.By)
	require.Equal(t, 486, end.Cause.Code)
	_, open := <-s.Events()
	require.False(t, open)
	nothingLeft(t, e)
}

func TestLostACKIsGivenUpWithBye(t *testing.T) {
	got := make(chan *Session, 1)
	e := startEndpoint(t, answering(got), nil)
	c := newPeer(t, e.Addr("udp")).call(1)
	start := time.Now()
	c.p.send(c.invite())
	c.answers(200)
	bye := c.p.expectRequest("BYE")
	require.GreaterOrEqual(t, time.Since(start), 64*testT1)
	repeats := 0
	for _, m := range c.p.keep {
		if m.status() == 200 {
			repeats++
		}
	}
	// T1, 2T1, 4T1, 8T1 and then every T2 = 8T1 up to 64T1: about ten copies.
	require.Greater(t, repeats, 5)
	require.Less(t, repeats, 14)
	c.p.send(respond(bye, 200, "", "", ""))
	s := <-got
	require.Equal(t, System, s.Cause().By)
	require.EqualValues(t, 1, e.Stats().NoACK)
	nothingLeft(t, e)
}

func TestHangupBeforeACKWaitsForIt(t *testing.T) {
	got := make(chan *Session, 1)
	e := startEndpoint(t, answering(got), nil)
	c := newPeer(t, e.Addr("udp")).call(1)
	c.p.send(c.invite())
	c.answers(200)
	s := <-got
	s.Hangup(Cause{By: Local})
	<-s.Done()
	c.answers(200) // still repeated
	for _, m := range c.p.keep {
		require.NotEqual(t, "BYE", m.method(), "RFC 3261 section 15: no BYE before the ACK")
	}
	c.p.send(c.ack())
	bye := c.p.expectRequest("BYE")
	c.p.send(respond(bye, 200, "", "", ""))
	nothingLeft(t, e)
}

func TestByeOvertakesACK(t *testing.T) {
	got := make(chan *Session, 1)
	e := startEndpoint(t, answering(got), nil)
	c := newPeer(t, e.Addr("udp")).call(1)
	c.p.send(c.invite())
	c.answers(200)
	ack := c.ack()
	c.p.send(c.next("BYE", ""))
	c.p.send(ack)
	c.p.expectStatus(200, "BYE")
	require.Equal(t, Remote, waitEvent[Ended](t, <-got).Cause.By)
	nothingLeft(t, e)
}

func TestCancelOvertakesInvite(t *testing.T) {
	e := startEndpoint(t, handlerFuncs{invite: func(s *Session) { <-s.Done() }}, func(o *Options) {
		o.Timers.T1 = testT1
	})
	c := newPeer(t, e.Addr("udp")).call(1)
	c.p.send(c.cancel())
	c.p.send(c.invite())
	c.p.expectStatus(200, "CANCEL")
	c.p.send(c.ackFinal())
	nothingLeft(t, e)
	require.Zero(t, e.Stats().Sessions)
}

func TestCancelOfNothing(t *testing.T) {
	e := startEndpoint(t, handlerFuncs{}, nil)
	c := newPeer(t, e.Addr("udp")).call(1)
	c.p.send(c.cancel())
	c.p.expectStatus(481, "CANCEL")
	nothingLeft(t, e)
}

func TestInboundCancel(t *testing.T) {
	got := make(chan *Session, 1)
	e := startEndpoint(t, handlerFuncs{invite: func(s *Session) {
		_ = s.Ring(180, nil)
		got <- s
		<-s.Done()
	}}, nil)
	c := newPeer(t, e.Addr("udp")).call(1)
	c.p.send(c.invite())
	ringing := c.answers(180)
	c.p.send(c.cancel())
	c.p.expectStatus(200, "CANCEL")
	final := c.p.expectStatus(487, "INVITE")
	require.Equal(t, toTag(ringing.msg.(*sip.Response)), toTag(final.msg.(*sip.Response)))
	c.p.send(c.ackFinal())
	s := <-got
	end := waitEvent[Ended](t, s)
	require.Equal(t, Cause{By: Remote, Code: 487, Reason: "Request Terminated", At: end.Cause.At}, end.Cause)
	require.ErrorIs(t, s.Answer([]byte(offerSDP)), ErrEnded)
	nothingLeft(t, e)
}

func TestHandlerThatLeavesRefuses(t *testing.T) {
	e := startEndpoint(t, handlerFuncs{}, nil)
	c := newPeer(t, e.Addr("udp")).call(1)
	c.p.send(c.invite())
	c.answers(500)
	c.p.send(c.ackFinal())
	nothingLeft(t, e)
}

func TestHandlerThatPanics(t *testing.T) {
	e := startEndpoint(t, handlerFuncs{invite: func(*Session) { panic("boom") }}, nil)
	c := newPeer(t, e.Addr("udp")).call(1)
	c.p.send(c.invite())
	c.answers(500)
	c.p.send(c.ackFinal())
	nothingLeft(t, e)
}

func TestMergedInvite(t *testing.T) {
	e := startEndpoint(t, handlerFuncs{invite: func(s *Session) { _ = s.Ring(180, nil); <-s.Done() }}, nil)
	c := newPeer(t, e.Addr("udp")).call(1)
	c.p.send(c.invite())
	c.answers(180)
	second := *c
	second.branch, second.toTag = "z9hG4bK-other", ""
	c.p.send(second.invite())
	second.answers(482)
	c.p.send(second.ackFinal())
	c.p.send(c.cancel())
	c.p.expectStatus(487, "INVITE")
	c.p.send(c.ackFinal())
	nothingLeft(t, e)
}
