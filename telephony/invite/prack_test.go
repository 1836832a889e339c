package invite

import (
	"context"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
	"github.com/stretchr/testify/require"
)

// rack makes the RAck header for a reliable response.
func rack(m packet) string { return "RAck: " + m.header("RSeq") + " " + m.header("CSeq") }

// want renders an INVITE with further headers.
func (c *call) want(body string, extra ...string) string {
	return c.request("INVITE", c.seq, c.branch, body, extra...)
}

func (c *call) prack(m packet, body string) string {
	c.seq++
	return c.request("PRACK", c.seq, "z9hG4bK-p-"+sip.GenerateTagN(8), body, rack(m))
}

// ack1 acknowledges the 200 to the first INVITE.
func (c *call) ack1(body string) string {
	return c.request("ACK", 1, "z9hG4bK-a1-"+sip.GenerateTagN(8), body)
}

// The answer goes in a 183 that the peer must acknowledge; until it has, the
// response is repeated and the 200 held (RFC 3262 section 3).
func TestReliableResponseHoldsThe200(t *testing.T) {
	got := make(chan *Session, 1)
	e := startEndpoint(t, handlerFuncs{invite: func(s *Session) {
		_ = s.Ring(180, nil)
		_ = s.Ring(183, []byte(offerSDP))
		_ = s.Ring(182, nil)
		got <- s
		_ = s.Answer([]byte(offerSDP))
	}}, nil)
	c := newPeer(t, e.Addr("udp")).call(1)
	c.p.send(c.want(offerSDP, "Supported: 100rel"))
	require.Empty(t, c.answers(180).header("RSeq"), "no description, so nothing to lose")
	first := c.answers(183)
	require.Contains(t, first.header("Require"), "100rel")
	require.Contains(t, first.raw, "m=audio")
	again := c.answers(183)
	require.Equal(t, first.header("RSeq"), again.header("RSeq"))
	for _, m := range c.p.keep {
		require.NotEqual(t, 200, m.status(), "the 200 waits")
	}
	c.seq++
	c.p.send(c.request("PRACK", c.seq, "z9hG4bK-none", "", "RAck: 1 1 INVITE"))
	c.p.expectStatus(481, "PRACK")
	c.seq++
	c.p.send(c.request("PRACK", c.seq, "z9hG4bK-bad", "", "RAck: nonsense"))
	c.p.expectStatus(400, "PRACK")
	c.p.send(c.prack(first, ""))
	c.p.expectStatus(200, "PRACK")
	ok := c.answers(200)
	require.NotContains(t, ok.raw, "m=audio", "the answer was given (RFC 6337 section 3.1.1)")
	c.p.send(c.ack1(""))
	s := <-got
	require.Equal(t, 183, waitEvent[Acknowledged](t, s).Code)
	waitEvent[Confirmed](t, s)
	c.p.send(c.prack(first, ""))
	c.p.expectStatus(481, "PRACK")
	c.hangUp(e)
}

// A peer that requires 100rel gets all responses so, one after the other.
func TestReliableResponsesInOrder(t *testing.T) {
	e := startEndpoint(t, handlerFuncs{invite: func(s *Session) {
		_ = s.Ring(180, nil)
		_ = s.Ring(181, nil)
		_ = s.Ring(182, nil)
		<-s.Done()
	}}, nil)
	c := newPeer(t, e.Addr("udp")).call(1)
	c.p.send(c.want(offerSDP, "Require: 100rel"))
	var last packet
	for i, code := range []int{180, 181, 182} {
		m := c.answers(code)
		if i > 0 {
			require.Equal(t, number(t, last)+1, number(t, m))
		}
		for _, k := range c.p.keep {
			require.False(t, k.method() == "INVITE" && k.status() > code, "one at a time")
		}
		last = m
		c.p.send(c.prack(m, ""))
		c.p.expectStatus(200, "PRACK")
	}
	c.seq = 1
	c.p.send(c.cancel())
	c.answers(487)
	c.p.send(c.ackFinal())
	nothingLeft(t, e)
}

func number(t *testing.T, m packet) uint32 {
	res, ok := m.msg.(*sip.Response)
	require.True(t, ok)
	n, ok := reliableOf(res)
	require.True(t, ok)
	return n
}

// A peer that never acknowledges is refused after 64*T1 (RFC 3262 section 3).
func TestNoPrackIsRefused(t *testing.T) {
	got := make(chan *Session, 1)
	failed := make(chan error, 1)
	e := startEndpoint(t, handlerFuncs{invite: func(s *Session) {
		got <- s
		_ = s.Ring(183, []byte(offerSDP))
		failed <- s.Answer([]byte(offerSDP))
	}}, nil)
	c := newPeer(t, e.Addr("udp")).call(1)
	c.p.send(c.want(offerSDP, "Supported: 100rel"))
	c.answers(504)
	c.p.send(c.ackFinal())
	require.ErrorIs(t, <-failed, ErrEnded)
	s := <-got
	<-s.Done()
	require.Equal(t, 504, s.Cause().Code)
	nothingLeft(t, e)
}

// Without an offer in the INVITE ours is in the 183 and the answer in the PRACK.
func TestAnswerInPrack(t *testing.T) {
	got := make(chan *Session, 1)
	e := startEndpoint(t, handlerFuncs{invite: func(s *Session) {
		got <- s
		_ = s.Ring(183, []byte(offerSDP))
		_ = s.Answer([]byte(offerSDP))
	}}, nil)
	c := newPeer(t, e.Addr("udp")).call(1)
	c.p.send(c.want("", "Supported: 100rel"))
	m := c.answers(183)
	require.Contains(t, m.raw, "m=audio")
	answer := offerSDP + "a=recvonly\r\n"
	c.p.send(c.prack(m, answer))
	c.p.expectStatus(200, "PRACK")
	require.NotContains(t, c.answers(200).raw, "m=audio")
	s := <-got
	require.Equal(t, answer, string(waitEvent[Acknowledged](t, s).SDP))
	c.p.send(c.ack1(""))
	require.Nil(t, waitEvent[Confirmed](t, s).SDP)
	require.Equal(t, answer, string(s.RemoteSDP()))
	c.hangUp(e)
}

// An offer in a PRACK is answered in its 200, and the 200 to the INVITE waits.
func TestOfferInPrack(t *testing.T) {
	for _, code := range []int{200, 488} {
		got := make(chan *Session, 1)
		e := startEndpoint(t, handlerFuncs{invite: func(s *Session) {
			got <- s
			_ = s.Ring(183, []byte(offerSDP))
			_ = s.Answer([]byte(offerSDP))
		}}, nil)
		c := newPeer(t, e.Addr("udp")).call(1)
		c.p.send(c.want(offerSDP, "Supported: 100rel"))
		m := c.answers(183)
		c.p.send(c.prack(m, offerSDP+"a=sendonly\r\n"))
		s := <-got
		ev := waitEvent[Reoffered](t, s)
		require.Equal(t, "PRACK", ev.Method)
		require.Contains(t, string(ev.SDP), "sendonly")
		ev.Reply([]byte(offerSDP+"a=recvonly\r\n"), code)
		require.Equal(t, code == 200, strings.Contains(c.p.expectStatus(code, "PRACK").raw, "recvonly"))
		c.answers(200)
		c.p.send(c.ack1(""))
		c.hangUp(e)
	}
}

// Responses of a callee are acknowledged in order, repeated ones and ones that
// run ahead are not (RFC 3262 section 4), each in its own early dialog; the
// description of the fork that answers counts.
func TestPracksOfForks(t *testing.T) {
	e := startEndpoint(t, handlerFuncs{}, nil)
	p := newPeer(t, e.Addr("udp"))
	s := dial(t, e, p, nil)
	inv := p.expectRequest("INVITE")
	require.Contains(t, inv.header("Supported"), "100rel")
	reliable := func(tag, rseq, body string) string {
		return respond(inv, 183, tag, p.addr()+";"+tag, body, "Require: 100rel", "RSeq: "+rseq)
	}
	sdpA, sdpB := offerSDP+"a=mid:a\r\n", offerSDP+"a=mid:b\r\n"
	p.send(reliable("a", "7", sdpA))
	m := p.expectRequest("PRACK")
	require.Equal(t, "7 1 INVITE", m.header("RAck"))
	require.Equal(t, "a", m.toTag())
	require.True(t, strings.HasPrefix(m.raw, "PRACK sip:seat@"+p.addr()+";a SIP"), m.raw)
	p.send(respond(m, 200, "", "", ""))
	p.send(reliable("b", "100", sdpB))
	m2 := p.expectRequest("PRACK")
	require.Equal(t, "100 1 INVITE", m2.header("RAck"))
	require.Equal(t, "b", m2.toTag())
	p.send(respond(m2, 200, "", "", ""))
	p.send(reliable("a", "7", sdpA)) // repeated
	p.send(reliable("a", "12", ""))  // ahead, in whatever order the three are handed over
	p.send(reliable("a", "8", ""))
	m3 := p.expectRequest("PRACK")
	require.Equal(t, "8 1 INVITE", m3.header("RAck"), "in order, once each")
	p.send(respond(m3, 200, "", "", ""))
	require.Equal(t, "a", waitEvent[Progress](t, s).Fork)
	require.Equal(t, "b", waitEvent[Progress](t, s).Fork)
	require.Nil(t, waitEvent[Progress](t, s).SDP)
	require.Equal(t, sdpB, string(s.RemoteSDP()))
	p.send(respond(inv, 200, "a", p.addr()+";a", ""))
	require.Equal(t, sdpA, string(waitEvent[Answered](t, s).SDP))
	require.Equal(t, sdpA, string(s.RemoteSDP()))
	require.Equal(t, "a", p.expectRequest("ACK").toTag())
	s.Hangup(Cause{By: Local})
	p.send(respond(p.expectRequest("BYE"), 200, "", "", ""))
	nothingLeft(t, e)
}

func TestRequireOfUnknownExtensions(t *testing.T) {
	e := startEndpoint(t, answering(make(chan *Session, 1)), nil)
	c := newPeer(t, e.Addr("udp")).call(1)
	c.p.send(c.want(offerSDP, "Require: 100rel, teleport"))
	m := c.answers(420)
	require.Equal(t, "teleport", m.header("Unsupported"))
	c.p.send(c.ackFinal())
	nothingLeft(t, e)
}

// Two endpoints of our own: early media, PRACK, UPDATE before and after the answer.
func TestEarlyMediaBetweenEndpoints(t *testing.T) {
	got := make(chan *Session, 1)
	proceed := make(chan struct{})
	callee := startEndpoint(t, handlerFuncs{invite: func(s *Session) {
		_ = s.Ring(183, []byte(offerSDP))
		got <- s
		<-proceed
		_ = s.Answer([]byte(offerSDP))
	}}, nil)
	caller := startEndpoint(t, handlerFuncs{}, nil)
	out, err := caller.Dial(context.Background(), Outgoing{
		To: sip.Uri{Scheme: "sip", User: "8001", Host: "127.0.0.1"}, Destination: callee.Addr("udp").String(), Offer: []byte(offerSDP),
	})
	require.NoError(t, err)
	require.Equal(t, offerSDP, string(waitEvent[Progress](t, out).SDP))
	in := <-got
	waitEvent[Acknowledged](t, in)
	held := offerSDP + "a=sendonly\r\n"
	updates := func(from, to *Session) {
		t.Helper()
		done := make(chan error, 1)
		go func() {
			answer, err := from.Update(context.Background(), []byte(held))
			if err == nil && string(answer) != offerSDP {
				err = ErrState
			}
			done <- err
		}()
		ev := waitEvent[Reoffered](t, to)
		require.Equal(t, "UPDATE", ev.Method)
		ev.Reply([]byte(offerSDP), 200)
		require.NoError(t, <-done)
		require.Equal(t, held, string(to.RemoteSDP()))
		_, err := from.Update(context.Background(), nil)
		require.NoError(t, err)
	}
	updates(out, in)
	updates(in, out)
	close(proceed)
	waitEvent[Answered](t, out)
	waitEvent[Confirmed](t, in)
	updates(out, in)
	updates(in, out)
	out.Hangup(Cause{By: Local})
	nothingLeft(t, caller)
	nothingLeft(t, callee)
}
