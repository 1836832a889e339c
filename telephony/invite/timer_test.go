package invite

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/stretchr/testify/require"
)

func itoa(n int) string { return strconv.Itoa(n) }

func asError(err error, target **StatusError) bool { return errors.As(err, target) }

func isGlare(err error) bool { return errors.Is(err, ErrGlare) }

func dialEndpoint(t *testing.T, caller, callee *Endpoint) *Session {
	t.Helper()
	s, err := caller.Dial(context.Background(), Outgoing{
		To: sip.Uri{Scheme: "sip", User: "8001", Host: "127.0.0.1"}, Destination: callee.Addr("udp").String(), Offer: []byte(offerSDP),
	})
	require.NoError(t, err)
	return s
}

func brief(o *Options) { o.Session = SessionTimer{Interval: 2 * time.Second, Min: time.Second} }

// What is granted for what is asked (RFC 4028 section 9, table 2).
func TestSessionTimerIsNegotiated(t *testing.T) {
	for name, c := range map[string]struct {
		ask  []string
		want string
		code int
	}{
		"not supported":       {[]string{"Session-Expires: 600"}, "", 200},
		"asked by the caller": {[]string{"Supported: timer", "Session-Expires: 600;refresher=uac"}, "600;refresher=uac", 200},
		"asked of us":         {[]string{"k: timer", "x: 600;refresher=uas"}, "600;refresher=uas", 200},
		"left to us":          {[]string{"Supported: timer"}, "1800;refresher=uac", 200},
		"shortened":           {[]string{"Supported: timer", "Session-Expires: 7200"}, "1800;refresher=uac", 200},
		"not below Min-SE":    {[]string{"Supported: timer", "Session-Expires: 7200", "Min-SE: 3600"}, "3600;refresher=uac", 200},
		"too brief":           {[]string{"Supported: timer", "Session-Expires: 60"}, "", 422},
	} {
		t.Run(name, func(t *testing.T) {
			got := make(chan *Session, 1)
			e := startEndpoint(t, answering(got), nil)
			cl := newPeer(t, e.Addr("udp")).call(1)
			cl.p.send(cl.want(offerSDP, c.ask...))
			m := cl.answers(c.code)
			require.Equal(t, c.want, m.header("Session-Expires"))
			if c.code == 422 {
				require.Equal(t, "90", m.header("Min-SE"))
				cl.p.send(cl.ackFinal())
				nothingLeft(t, e)
				return
			}
			cl.p.send(cl.ack())
			waitEvent[Confirmed](t, <-got)
			cl.hangUp(e)
		})
	}
}

// A 422 raises what our INVITE asks for (RFC 4028 section 7.3).
func TestTooBriefIsRaised(t *testing.T) {
	e := startEndpoint(t, handlerFuncs{}, nil)
	p := newPeer(t, e.Addr("udp"))
	s := dial(t, e, p, nil)
	inv := p.expectRequest("INVITE")
	require.Equal(t, "1800", inv.header("Session-Expires"))
	require.Contains(t, inv.header("Supported"), "timer")
	p.send(respond(inv, 422, "x", "", "", "Min-SE: 4000"))
	again := p.expect("second INVITE", func(m packet) bool { return m.header("CSeq") == "2 INVITE" && m.status() == 0 })
	require.Equal(t, "4000", again.header("Session-Expires"))
	require.Equal(t, "4000", again.header("Min-SE"))
	require.Equal(t, inv.header("Call-ID"), again.header("Call-ID"))
	p.send(respond(again, 422, "x", "", "")) // without saying how long
	require.Equal(t, 422, waitEvent[Ended](t, s).Cause.Code)
	nothingLeft(t, e)
}

// We refresh at half the interval: by UPDATE where the peer allows it, else by
// re-INVITE with our description; without an answer the call ends.
func TestWeRefresh(t *testing.T) {
	for _, allow := range []string{"Allow: INVITE, ACK, BYE, UPDATE", "Allow: INVITE, ACK, BYE"} {
		t.Run(allow, func(t *testing.T) {
			e := startEndpoint(t, handlerFuncs{}, brief)
			p := newPeer(t, e.Addr("udp"))
			s := dial(t, e, p, nil)
			inv := p.expectRequest("INVITE")
			p.send(respond(inv, 200, "x", p.addr(), offerSDP, allow, "Session-Expires: 2;refresher=uac", "Require: timer"))
			waitEvent[Answered](t, s)
			method := "INVITE"
			if allow[len(allow)-6:] == "UPDATE" {
				method = "UPDATE"
			}
			m := p.expect("refresh", func(m packet) bool {
				return m.status() == 0 && m.method() == method && m.header("CSeq") != "1 INVITE"
			})
			require.Equal(t, "2;refresher=uac", m.header("Session-Expires"))
			body, changed := "", ""
			if method == "INVITE" {
				require.Contains(t, m.raw, "m=audio")
				changed = offerSDP + "a=mid:new\r\n"
				body = changed
			}
			p.send(respond(m, 200, "", p.addr(), body, "Session-Expires: 2;refresher=uac"))
			if changed != "" {
				require.Equal(t, changed, string(waitEvent[Refreshed](t, s).SDP))
			}
			// The next one finds no dialog.
			last := m.header("CSeq")
			m = p.expect("second refresh", func(m packet) bool {
				return m.status() == 0 && m.method() == method && m.header("CSeq") != last && m.header("CSeq") != "1 INVITE"
			})
			p.send(respond(m, 481, "", "", ""))
			p.send(respond(p.expectRequest("BYE"), 481, "", "", ""))
			require.Equal(t, 481, waitEvent[Ended](t, s).Cause.Code)
			nothingLeft(t, e)
		})
	}
}

// A peer that promised to refresh and does not loses the call.
func TestSessionRunsOut(t *testing.T) {
	got := make(chan *Session, 1)
	e := startEndpoint(t, answering(got), brief)
	c := newPeer(t, e.Addr("udp")).call(1)
	c.p.send(c.want(offerSDP, "Supported: timer", "Session-Expires: 2;refresher=uac"))
	c.answers(200)
	c.p.send(c.ack())
	s := <-got
	waitEvent[Confirmed](t, s)
	c.p.send(c.next("UPDATE", "")) // does not say that it supports timers any more: none is left
	require.Empty(t, c.p.expectStatus(200, "UPDATE").header("Session-Expires"))
	c.seq++
	c.p.send(c.request("UPDATE", c.seq, "z9hG4bK-t", "", "Supported: timer", "Session-Expires: 2;refresher=uac"))
	require.NotEmpty(t, c.p.expectStatus(200, "UPDATE").header("Session-Expires"))
	c.p.send(respond(c.p.expectRequest("BYE"), 200, "", "", ""))
	end := waitEvent[Ended](t, s).Cause
	require.Equal(t, System, end.By)
	require.Contains(t, end.Reason, "session timer")
	nothingLeft(t, e)
}

// Two endpoints keep a session for several intervals.
func TestSessionIsKept(t *testing.T) {
	got := make(chan *Session, 1)
	callee := startEndpoint(t, answering(got), brief)
	caller := startEndpoint(t, handlerFuncs{}, brief)
	out := dialEndpoint(t, caller, callee)
	waitEvent[Answered](t, out)
	in := <-got
	waitEvent[Confirmed](t, in)
	select {
	case <-out.Done():
		t.Fatal("ended: ", out.Cause())
	case <-in.Done():
		t.Fatal("ended: ", in.Cause())
	case <-time.After(3 * time.Second): // twice the time after which it would have run out
	}
	out.Hangup(Cause{By: Local})
	nothingLeft(t, caller)
	nothingLeft(t, callee)
}
