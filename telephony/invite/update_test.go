package invite

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// An UPDATE that meets an offer of ours gets 491, one that meets an
// unanswered offer of the peer 500 (RFC 3311 section 5.2).
func TestUpdateGlare(t *testing.T) {
	got := make(chan *Session, 1)
	e := startEndpoint(t, answering(got), nil)
	c, s := standing(t, e, got)
	done := make(chan error, 1)
	go func() {
		_, err := s.Update(context.Background(), []byte(offerSDP))
		done <- err
	}()
	ours := c.p.expectRequest("UPDATE")
	require.NotEmpty(t, ours.header("Contact"))
	c.p.send(c.next("UPDATE", offerSDP))
	c.p.expectStatus(491, "UPDATE")
	c.p.send(c.next("INVITE", offerSDP))
	c.p.expectStatus(491, "INVITE")
	c.p.send(c.next("UPDATE", "")) // without an offer there is no glare
	c.p.expectStatus(200, "UPDATE")
	c.p.send(respond(ours, 491, "", "", ""))
	again := c.p.expect("second attempt", func(m packet) bool {
		return m.status() == 0 && m.method() == "UPDATE" && m.header("CSeq") != ours.header("CSeq")
	})
	c.p.send(respond(again, 200, "", c.p.addr()+";moved=2", offerSDP))
	require.NoError(t, <-done)

	c.p.send(c.next("UPDATE", offerSDP+"a=inactive\r\n"))
	ev := waitEvent[Reoffered](t, s)
	c.p.send(c.next("UPDATE", offerSDP))
	m := c.p.expectStatus(500, "UPDATE")
	require.NotEmpty(t, m.header("Retry-After"))
	c.p.send(c.next("INVITE", offerSDP))
	require.NotEmpty(t, c.p.expectStatus(500, "INVITE").header("Retry-After"))
	_, err := s.Update(context.Background(), []byte(offerSDP))
	require.ErrorIs(t, err, ErrGlare)
	ev.Reply([]byte(offerSDP), 200)
	require.NotEmpty(t, c.p.expectStatus(200, "UPDATE").header("Contact"))
	require.Contains(t, string(s.RemoteSDP()), "inactive")

	// Refused offers leave the description as it was.
	c.p.send(c.next("UPDATE", offerSDP))
	waitEvent[Reoffered](t, s).Reply(nil, 488)
	c.p.expectStatus(488, "UPDATE")
	require.Contains(t, string(s.RemoteSDP()), "inactive")

	// The target that the peer gave last is where the next request goes.
	c.p.send(c.request("UPDATE", c.seq+1, "z9hG4bK-tgt", "", "Contact: <sip:moved@"+c.p.addr()+">"))
	c.p.expectStatus(200, "UPDATE")
	c.seq++
	go func() {
		_, err := s.Update(context.Background(), nil)
		done <- err
	}()
	m = c.p.expectRequest("UPDATE")
	c.p.send(respond(m, 405, "", "", ""))
	var refusal *StatusError
	require.ErrorAs(t, <-done, &refusal)
	require.Equal(t, 405, refusal.Code)
	c.hangUp(e)
}

// Before an answer was given reliably no UPDATE may carry an offer.
func TestUpdateBeforeTheAnswer(t *testing.T) {
	got := make(chan *Session, 1)
	e := startEndpoint(t, handlerFuncs{invite: func(s *Session) {
		_, err := s.Update(context.Background(), nil)
		if err == nil {
			t.Error("there is no early dialog yet")
		}
		_ = s.Ring(180, nil)
		got <- s
		<-s.Done()
	}}, nil)
	c := newPeer(t, e.Addr("udp")).call(1)
	c.p.send(c.invite())
	c.answers(180)
	s := <-got
	_, err := s.Update(context.Background(), []byte(offerSDP))
	require.ErrorIs(t, err, ErrState)
	c.p.send(c.next("UPDATE", offerSDP))
	require.NotEmpty(t, c.p.expectStatus(500, "UPDATE").header("Retry-After"))
	c.p.send(c.next("UPDATE", ""))
	c.p.expectStatus(200, "UPDATE")
	c.p.send(c.next("BYE", ""))
	c.p.expectStatus(200, "BYE")
	nothingLeft(t, e)

	p := newPeer(t, e.Addr("udp"))
	out := dial(t, e, p, nil)
	inv := p.expectRequest("INVITE")
	p.send(respond(inv, 180, "x", p.addr(), ""))
	waitEvent[Progress](t, out)
	_, err = out.Update(context.Background(), []byte(offerSDP))
	require.ErrorIs(t, err, ErrState)
	up := func(tag, body string) packet {
		to, from := inv.header("From"), "<sip:8001@seat.invalid>;tag="+tag
		p.send("UPDATE sip:x@" + e.Addr("udp").String() + " SIP/2.0\r\nVia: SIP/2.0/UDP " + p.addr() + ";branch=z9hG4bK" + tag + body[:min(1, len(body))] +
			"\r\nMax-Forwards: 70\r\nFrom: " + from + "\r\nTo: " + to + "\r\nCall-ID: " + inv.header("Call-ID") +
			"\r\nCSeq: 9 UPDATE\r\nContact: <sip:x@" + p.addr() + ">\r\n" + content(body))
		return p.expect("answer to UPDATE", func(m packet) bool { return m.status() > 0 && m.method() == "UPDATE" })
	}
	require.Equal(t, 481, up("other", "").status())
	require.Equal(t, 491, up("x", offerSDP).status(), "our first offer has no answer yet")
	require.Equal(t, 200, up("x", "").status())
	out.Hangup(Cause{By: Local})
	p.send(respond(p.expectRequest("CANCEL"), 200, "x", "", ""))
	p.send(respond(inv, 487, "x", "", ""))
	nothingLeft(t, e)
}

func content(body string) string {
	if body == "" {
		return "Content-Length: 0\r\n\r\n"
	}
	return "Content-Type: application/sdp\r\nContent-Length: " + itoa(len(body)) + "\r\n\r\n" + body
}

// Both sides offer at the same moment, again and again: in the end both have
// their answer.
func TestUpdatesOfBothSidesAtOnce(t *testing.T) {
	got := make(chan *Session, 1)
	callee := startEndpoint(t, answering(got), nil)
	caller := startEndpoint(t, handlerFuncs{}, nil)
	out := dialEndpoint(t, caller, callee)
	waitEvent[Answered](t, out)
	in := <-got
	waitEvent[Confirmed](t, in)
	for _, s := range []*Session{in, out} {
		go func() {
			for ev := range s.Events() {
				if re, ok := ev.(Reoffered); ok {
					re.Reply([]byte(offerSDP), 200)
				}
			}
		}()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	results := make(chan error, 2)
	for _, s := range []*Session{in, out} {
		go func() {
			for i := 0; i < 10; {
				ask := s.Reoffer
				if i%2 == 0 {
					ask = s.Update
				}
				_, err := ask(ctx, []byte(offerSDP))
				var refusal *StatusError
				switch {
				case err == nil:
					i++
				case ctx.Err() != nil, !asError(err, &refusal) && !isGlare(err):
					results <- err
					return
				}
			}
			results <- nil
		}()
	}
	require.NoError(t, <-results)
	require.NoError(t, <-results)
	out.Hangup(Cause{By: Local})
	nothingLeft(t, caller)
	nothingLeft(t, callee)
}
