package invite

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
	"github.com/stretchr/testify/require"
)

func (c *call) refer(extra ...string) {
	c.seq++
	c.p.send(c.request("REFER", c.seq, "z9hG4bK-r-"+sip.GenerateTagN(8), "", extra...))
}

// A REFER makes a subscription of its own; the NOTIFYs come in order, the
// last one ends it (RFC 3515 section 2.4).
func TestPeerRefers(t *testing.T) {
	got := make(chan *Session, 1)
	e := startEndpoint(t, answering(got), nil)
	c, s := standing(t, e, got)
	notified := func(code string) packet {
		m := c.p.expectRequest("NOTIFY")
		require.Contains(t, m.raw, "SIP/2.0 "+code)
		require.Contains(t, m.header("Content-Type"), "message/sipfrag")
		require.NotEmpty(t, m.header("Contact"))
		c.p.send(respond(m, 200, "", "", ""))
		return m
	}
	ctx := context.Background()
	require.NoError(t, s.Notify(ctx, 180, ""), "nobody listens")
	c.refer()
	c.p.expectStatus(400, "REFER")
	c.refer("Refer-To: <sip:1@x;method=BYE>")
	c.p.expectStatus(400, "REFER")
	c.refer("Refer-To: <sip:8002@hotline.invalid?Replaces=" + url.QueryEscape("call@x;to-tag=a;from-tag=b;early-only") + ">")
	ev := waitEvent[Referred](t, s)
	require.Equal(t, "8002", ev.To.User)
	require.Equal(t, Replaces{"call@x", "a", "b", true}, *ev.Replaces)
	c.refer("Refer-To: <sip:8003@hotline.invalid>")
	c.p.expectStatus(491, "REFER")
	ev.Reply(603)
	c.p.expectStatus(603, "REFER")

	c.refer("Refer-To: sip:8003@hotline.invalid")
	ev = waitEvent[Referred](t, s)
	require.Nil(t, ev.Replaces)
	ev.Reply(202)
	c.p.expectStatus(202, "REFER")
	require.Equal(t, "refer", notified("100 Trying").header("Event"))
	told := make(chan error, 2)
	go func() {
		told <- s.Notify(ctx, 180, "")
		told <- s.Notify(ctx, 486, "")
	}()
	require.Contains(t, notified("180 Ringing").header("Subscription-State"), "active")
	require.Contains(t, notified("486 Busy Here").header("Subscription-State"), "terminated")
	require.NoError(t, <-told)
	require.NoError(t, <-told)

	// A second one is told apart by its id; a peer that does not listen ends it.
	c.refer("Refer-To: <tel:12345>")
	waitEvent[Referred](t, s).Reply(202)
	m := c.p.expectRequest("NOTIFY")
	require.Equal(t, "refer;id="+itoa(c.seq), m.header("Event"))
	c.p.send(respond(m, 481, "", "", ""))
	require.NoError(t, s.Notify(ctx, 200, ""))

	// Without a subscription (RFC 4488).
	c.refer("Refer-To: <sip:8003@hotline.invalid>", "Refer-Sub: false")
	waitEvent[Referred](t, s).Reply(202)
	require.Equal(t, "false", c.p.expectStatus(202, "REFER").header("Refer-Sub"))
	require.NoError(t, s.Notify(ctx, 200, ""))
	c.p.send(c.next("NOTIFY", ""))
	c.p.expectStatus(489, "NOTIFY")
	c.seq++
	c.p.send(c.request("NOTIFY", c.seq, "z9hG4bK-nosub", "", "Event: refer"))
	c.p.expectStatus(481, "NOTIFY")
	c.p.send(c.next("SUBSCRIBE", ""))
	c.p.expectStatus(405, "SUBSCRIBE")
	c.hangUp(e)
}

// An application that does not decide refuses; a BYE ends what is open.
func TestReferUndecided(t *testing.T) {
	got := make(chan *Session, 1)
	e := startEndpoint(t, answering(got), func(o *Options) { o.Timers.Reply = 3 * testT1 })
	c, s := standing(t, e, got)
	c.refer("Refer-To: <sip:8003@hotline.invalid>")
	waitEvent[Referred](t, s)
	c.p.expectStatus(500, "REFER")
	c.refer("Refer-To: <sip:8003@hotline.invalid>")
	waitEvent[Referred](t, s).Reply(202)
	c.p.expectRequest("NOTIFY")
	told := make(chan error, 1)
	go func() { told <- s.Notify(context.Background(), 200, "") }()
	require.Eventually(t, func() bool { return len(s.box.wake) == 0 }, waitLong, waitStep)
	c.p.send(c.next("BYE", ""))
	c.p.expectStatus(200, "BYE")
	require.ErrorIs(t, <-told, ErrEnded)
	nothingLeft(t, e)
}

func TestWeRefer(t *testing.T) {
	got := make(chan *Session, 1)
	e := startEndpoint(t, answering(got), nil)
	c, s := standing(t, e, got)
	done := make(chan error, 1)
	refer := func(opts ReferOptions) packet {
		go func() {
			done <- s.Refer(context.Background(), sip.Uri{Scheme: "sip", User: "8002", Host: "h.invalid"}, opts)
		}()
		return c.p.expectRequest("REFER")
	}
	notify := func(state, fragment string) {
		c.seq++
		c.p.send(strings.Replace(c.request("NOTIFY", c.seq, "z9hG4bK-n-"+sip.GenerateTagN(8), fragment, "Event: refer",
			"Subscription-State: "+state), "application/sdp", "message/sipfrag", 1))
		c.p.expectStatus(200, "NOTIFY")
	}
	m := refer(ReferOptions{By: sip.Uri{Scheme: "sip", User: "8001", Host: "h.invalid"}})
	require.Equal(t, "<sip:8002@h.invalid>", m.header("Refer-To"))
	require.Contains(t, m.header("Referred-By"), "8001")
	require.ErrorIs(t, s.Refer(context.Background(), sip.Uri{Host: "x"}, ReferOptions{}), ErrGlare)
	notify("active;expires=60", "SIP/2.0 100 Trying\r\n") // before the 202
	c.p.send(respond(m, 202, "", "", ""))
	require.Equal(t, 100, waitEvent[Notified](t, s).Code)
	notify("active;expires=60", "SIP/2.0 180 Ringing\r\n")
	notify("terminated;reason=noresource", "SIP/2.0 200 OK\r\n")
	require.NoError(t, <-done)
	require.Equal(t, 180, waitEvent[Notified](t, s).Code)
	require.True(t, waitEvent[Notified](t, s).Final)

	m = refer(ReferOptions{})
	c.p.send(respond(m, 202, "", "", ""))
	notify("terminated;reason=noresource", "SIP/2.0 486 Busy Here\r\n")
	var refusal *StatusError
	require.ErrorAs(t, <-done, &refusal)
	require.Equal(t, 486, refusal.Code)

	m = refer(ReferOptions{})
	c.p.send(respond(m, 403, "", "", ""))
	require.ErrorAs(t, <-done, &refusal)
	require.Equal(t, 403, refusal.Code)

	m = refer(ReferOptions{NoSubscription: true})
	require.Equal(t, "false", m.header("Refer-Sub"))
	c.p.send(respond(m, 200, "", "", "", "Refer-Sub: false"))
	require.NoError(t, <-done)

	m = refer(ReferOptions{})
	c.p.send(respond(m, 202, "", "", ""))
	c.p.send(c.next("BYE", ""))
	c.p.expectStatus(200, "BYE")
	require.ErrorIs(t, <-done, ErrEnded)
	nothingLeft(t, e)
}

// replacing is a handler that grants each Replaces.
type replacing struct {
	handlerFuncs
	granted chan *Session
}

func (r replacing) Replace(old, s *Session) {
	if s.Answer([]byte(offerSDP)) == nil {
		old.Hangup(Cause{By: Local, Reason: "replaced"})
		r.granted <- s
		return
	}
}

// An INVITE with Replaces takes over the call that it names, or is refused as
// RFC 3891 section 3 says.
func TestInviteReplaces(t *testing.T) {
	got := make(chan *Session, 8)
	h := replacing{handlerFuncs{invite: func(s *Session) {
		if strings.HasPrefix(s.CallID(), "call-7@") {
			_ = s.Ring(180, nil)
			got <- s
			<-s.Done()
			return
		}
		_ = s.Answer([]byte(offerSDP))
		got <- s
	}}, make(chan *Session, 8)}
	e := startEndpoint(t, h, nil)
	c, s := standing(t, e, got)
	p2 := newPeer(t, e.Addr("udp"))
	n := 20
	ask := func(replaces string, code int) packet {
		n++
		c2 := p2.call(n)
		c2.p.send(c2.want(offerSDP, "Replaces: "+replaces, "Require: replaces"))
		m := c2.answers(code)
		if code >= 300 {
			c2.p.send(c2.ackFinal())
		} else {
			c2.p.send(c2.ack())
		}
		return m
	}
	name := c.id + ";to-tag=" + c.toTag + ";from-tag=" + c.tag
	ask("nonsense", 400)
	ask("other;to-tag=a;from-tag=b", 481)
	ask(c.id+";to-tag="+c.toTag+";from-tag=wrong", 481)
	ask(name+";early-only", 486)
	early := newPeer(t, e.Addr("udp")).call(7)
	early.p.send(early.invite())
	early.answers(180)
	<-got
	ask(early.id+";to-tag="+early.toTag+";from-tag="+early.tag, 481) // ringing, and not our call
	early.p.send(early.cancel())
	early.answers(487)
	early.p.send(early.ackFinal())
	ask(name, 200)
	next := <-h.granted
	waitEvent[Confirmed](t, next)
	bye := c.p.expectRequest("BYE")
	require.Equal(t, "replaced", waitEvent[Ended](t, s).Cause.Reason)
	ask(name, 603) // it has ended
	c.p.send(respond(bye, 200, "", "", ""))
	next.Hangup(Cause{By: Local})
	p2.send(respond(p2.expectRequest("BYE"), 200, "", "", ""))
	nothingLeft(t, e)
}

// Attended transfer between three endpoints: A has calls with B and C, and
// refers B to C in place of its own call.
func TestAttendedTransferOfThree(t *testing.T) {
	got := make(chan *Session, 8)
	a := startEndpoint(t, handlerFuncs{}, nil)
	b := startEndpoint(t, answering(got), nil)
	c := startEndpoint(t, replacing{answering(got), make(chan *Session, 1)}, nil)
	ab := dialEndpoint(t, a, b)
	waitEvent[Answered](t, ab)
	atB := <-got
	ac := dialEndpoint(t, a, c)
	waitEvent[Answered](t, ac)
	atC := <-got
	waitEvent[Confirmed](t, atC)
	done := make(chan error, 1)
	to := c.ContactURI("8003", "udp", c.Addr("udp").String())
	go func() { done <- ab.Refer(context.Background(), to, ReferOptions{Replaces: ac}) }()
	ev := waitEvent[Referred](t, atB)
	require.NotNil(t, ev.Replaces)
	require.Equal(t, atC, c.Lookup(*ev.Replaces))
	ev.Reply(202)
	bc, err := b.Dial(context.Background(), Outgoing{To: ev.To, Destination: c.Addr("udp").String(), Offer: []byte(offerSDP),
		Headers: []sip.Header{sip.NewHeader("Replaces", ev.Replaces.String())}})
	require.NoError(t, err)
	waitEvent[Answered](t, bc)
	require.NoError(t, atB.Notify(context.Background(), 200, ""))
	require.NoError(t, <-done)
	waitEvent[Ended](t, ac)
	ab.Hangup(Cause{By: Local})
	bc.Hangup(Cause{By: Local})
	nothingLeft(t, a)
	nothingLeft(t, b)
	nothingLeft(t, c)
}

// A 302 is followed where the application allows it, not to where the call
// has been, and not for ever.
func TestRedirect(t *testing.T) {
	e := startEndpoint(t, handlerFuncs{}, nil)
	p, p2 := newPeer(t, e.Addr("udp")), newPeer(t, e.Addr("udp"))
	allowOnly := func(dest string) func(sip.Uri) (string, bool) {
		return func(u sip.Uri) (string, bool) { return "", u.HostPort() == dest }
	}
	s := dial(t, e, p, func(o *Outgoing) { o.Redirect = allowOnly(p2.addr()) })
	inv := p.expectRequest("INVITE")
	p.send(respond(inv, 302, "x", "", "", "Contact: <sip:evil@192.0.2.1>", "Contact: <sip:next@"+p2.addr()+">"))
	p.expectRequest("ACK")
	inv2 := p2.expectRequest("INVITE")
	require.True(t, strings.HasPrefix(inv2.raw, "INVITE sip:next@"+p2.addr()+" SIP"), inv2.raw)
	require.Equal(t, inv.header("Call-ID"), inv2.header("Call-ID"))
	require.Equal(t, inv.header("From"), inv2.header("From"))
	require.Equal(t, "2 INVITE", inv2.header("CSeq"))
	p2.send(respond(inv2, 302, "y", "", "", "Contact: <sip:next@"+p2.addr()+">")) // a loop
	require.Equal(t, 302, waitEvent[Ended](t, s).Cause.Code)
	p2.expectRequest("ACK")

	s = dial(t, e, p, func(o *Outgoing) { o.Redirect = func(sip.Uri) (string, bool) { return p.addr(), true } })
	for i := range maxHops + 1 {
		inv := p.expect("INVITE", func(m packet) bool {
			return m.header("CSeq") == itoa(i+1)+" INVITE" && m.header("Call-ID") == s.CallID()
		})
		p.send(respond(inv, 302, "x", "", "", "Contact: <sip:hop"+itoa(i)+"@hop.invalid>"))
	}
	require.Equal(t, 302, waitEvent[Ended](t, s).Cause.Code)

	s = dial(t, e, p, nil) // nobody allowed it
	inv = p.expect("INVITE", func(m packet) bool { return m.method() == "INVITE" && m.header("Call-ID") == s.CallID() })
	p.send(respond(inv, 302, "x", "", "", "Contact: <sip:next@"+p2.addr()+">"))
	require.Equal(t, 302, waitEvent[Ended](t, s).Cause.Code)
	nothingLeft(t, e)
}
