package invite

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// standing makes an answered inbound call.
func standing(t *testing.T, e *Endpoint, got <-chan *Session) (*call, *Session) {
	t.Helper()
	c := newPeer(t, e.Addr("udp")).call(1)
	c.p.send(c.invite())
	c.answers(200)
	c.p.send(c.ack())
	s := <-got
	waitEvent[Confirmed](t, s)
	return c, s
}

func (c *call) hangUp(e *Endpoint) {
	c.p.send(c.next("BYE", ""))
	c.p.expectStatus(200, "BYE")
	nothingLeft(c.p.t, e)
}

func TestPeerReinvite(t *testing.T) {
	got := make(chan *Session, 1)
	e := startEndpoint(t, answering(got), nil)
	c, s := standing(t, e, got)
	hold := offerSDP + "a=sendonly\r\n"
	c.p.send(c.next("INVITE", hold))
	ev := waitEvent[Reoffered](t, s)
	require.Contains(t, string(ev.SDP), "sendonly")
	ev.Reply([]byte(offerSDP+"a=recvonly\r\n"), 200)
	ok := c.p.expect("200 to re-INVITE", func(m packet) bool { return m.status() == 200 && m.header("CSeq") == "2 INVITE" })
	require.Contains(t, ok.raw, "recvonly")
	// The ACK is lost: the 200 comes again.
	c.p.expect("repeated 200", func(m packet) bool { return m.status() == 200 && m.header("CSeq") == "2 INVITE" })
	c.p.send(c.ack())
	require.Eventually(t, func() bool { return e.Stats().Server <= 2 }, 10*time.Second, time.Millisecond)
	require.Contains(t, string(s.RemoteSDP()), "sendonly")
	// A refusal leaves the call as it was.
	c.p.send(c.next("INVITE", offerSDP))
	waitEvent[Reoffered](t, s).Reply(nil, 488)
	c.p.expectStatus(488, "INVITE")
	// An application that never replies refuses.
	c.p.send(c.next("INVITE", offerSDP))
	waitEvent[Reoffered](t, s)
	require.Contains(t, string(s.RemoteSDP()), "sendonly")
	c.hangUp(e)
}

func TestReinviteWithoutReplyIsRefused(t *testing.T) {
	got := make(chan *Session, 1)
	e := startEndpoint(t, answering(got), func(o *Options) { o.Timers.Reply = 3 * testT1 })
	c, s := standing(t, e, got)
	c.p.send(c.next("INVITE", offerSDP))
	waitEvent[Reoffered](t, s)
	c.p.expectStatus(500, "INVITE")
	c.hangUp(e)
}

func TestSecondReinviteAndOldCSeq(t *testing.T) {
	got := make(chan *Session, 1)
	e := startEndpoint(t, answering(got), nil)
	c, s := standing(t, e, got)
	c.p.send(c.next("INVITE", offerSDP))
	ev := waitEvent[Reoffered](t, s)
	c.p.send(c.next("INVITE", offerSDP)) // while the first is open
	m := c.p.expectStatus(500, "INVITE")
	require.NotEmpty(t, m.header("Retry-After"))
	ev.Reply([]byte(offerSDP), 200)
	c.p.expectStatus(200, "INVITE")
	c.p.send(c.request("ACK", 2, "z9hG4bK-re", ""))
	old := c.request("INVITE", 1, "z9hG4bK-old", offerSDP)
	c.p.send(old)
	c.p.expect("500 to an old CSeq", func(m packet) bool { return m.status() == 500 && m.header("CSeq") == "1 INVITE" })
	c.hangUp(e)
}

func TestReoffer(t *testing.T) {
	got := make(chan *Session, 1)
	e := startEndpoint(t, answering(got), nil)
	c, s := standing(t, e, got)
	type result struct {
		sdp []byte
		err error
	}
	done := make(chan result, 1)
	reoffer := func() {
		sdp, err := s.Reoffer(context.Background(), []byte(offerSDP+"a=inactive\r\n"))
		done <- result{sdp, err}
	}
	// Accepted, with a new Contact that later requests must use.
	go reoffer()
	inv := c.p.expectRequest("INVITE")
	require.Contains(t, inv.raw, "inactive")
	c.p.send(respond(inv, 200, "", c.p.addr()+";moved=1", offerSDP))
	c.p.expectRequest("ACK")
	r := <-done
	require.NoError(t, r.err)
	require.Equal(t, offerSDP, string(r.sdp))
	// Refused.
	go reoffer()
	inv = c.p.expectRequest("INVITE")
	require.Contains(t, inv.raw, ";moved=1 SIP/2.0")
	c.p.send(respond(inv, 488, "", "", ""))
	r = <-done
	var refusal *StatusError
	require.ErrorAs(t, r.err, &refusal)
	require.Equal(t, 488, refusal.Code)
	// Glare: both sides offer at once, both refuse with 491, ours is tried again.
	go reoffer()
	inv = c.p.expectRequest("INVITE")
	c.p.send(c.next("INVITE", offerSDP))
	c.p.expectStatus(491, "INVITE")
	c.p.send(respond(inv, 491, "", "", ""))
	first := inv.header("CSeq")
	inv = c.p.expect("second attempt", func(m packet) bool {
		return m.status() == 0 && m.method() == "INVITE" && m.header("CSeq") != first
	})
	c.p.send(respond(inv, 200, "", c.p.addr(), offerSDP))
	require.NoError(t, (<-done).err)
	// The peer has lost the dialog.
	go reoffer()
	inv = c.p.expectRequest("INVITE")
	c.p.send(respond(inv, 481, "", "", ""))
	require.Error(t, (<-done).err)
	bye := c.p.expectRequest("BYE")
	c.p.send(respond(bye, 481, "", "", ""))
	require.Equal(t, 481, waitEvent[Ended](t, s).Cause.Code)
	nothingLeft(t, e)
}

func TestHangupDuringReinvites(t *testing.T) {
	got := make(chan *Session, 1)
	e := startEndpoint(t, answering(got), nil)
	c, s := standing(t, e, got)
	c.p.send(c.next("INVITE", offerSDP))
	waitEvent[Reoffered](t, s)
	c.p.send(c.next("BYE", ""))
	c.p.expectStatus(487, "INVITE") // RFC 3261 section 15.1.2
	nothingLeft(t, e)

	c, s = standing(t, e, got)
	failed := make(chan error, 1)
	go func() {
		_, err := s.Reoffer(context.Background(), []byte(offerSDP))
		failed <- err
	}()
	inv := c.p.expectRequest("INVITE")
	s.Hangup(Cause{By: Local})
	require.ErrorIs(t, <-failed, ErrEnded)
	c.p.send(respond(c.p.expectRequest("BYE"), 200, "", "", ""))
	c.p.send(respond(inv, 200, "", c.p.addr(), offerSDP))
	c.p.expectRequest("ACK") // even now
	nothingLeft(t, e)
}

func TestInfo(t *testing.T) {
	got := make(chan *Session, 1)
	e := startEndpoint(t, answering(got), nil)
	c, s := standing(t, e, got)
	c.p.send(c.next("INFO", "Signal=5\r\n"))
	c.p.expectStatus(200, "INFO")
	require.Equal(t, "Signal=5\r\n", string(waitEvent[Info](t, s).Body))
	failed := make(chan error, 1)
	go func() { failed <- s.Info(context.Background(), "application/dtmf-relay", []byte("Signal=1")) }()
	m := c.p.expectRequest("INFO")
	require.Contains(t, m.raw, "Signal=1")
	c.p.send(respond(m, 200, "", "", ""))
	require.NoError(t, <-failed)
	c.hangUp(e)
}

// The answer to an offer of ours comes in the ACK (RFC 3261 section 14.2);
// to an offer of the peer's there is none.
func TestReinviteWithoutOffer(t *testing.T) {
	got := make(chan *Session, 1)
	e := startEndpoint(t, answering(got), nil)
	c, s := standing(t, e, got)
	c.p.send(c.next("INVITE", ""))
	ev := waitEvent[Reoffered](t, s)
	require.Nil(t, ev.SDP)
	ev.Reply([]byte(offerSDP), 200)
	c.p.expect("200 with our offer", func(m packet) bool { return m.status() == 200 && m.header("CSeq") == "2 INVITE" })
	moved := offerSDP + "a=recvonly\r\n"
	c.p.send(c.request("ACK", c.seq, "z9hG4bKmoved", moved))
	require.Equal(t, moved, string(waitEvent[Confirmed](t, s).SDP))
	require.Equal(t, moved, string(s.RemoteSDP()))
	c.hangUp(e)
}
