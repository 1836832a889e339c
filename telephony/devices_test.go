package telephony_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/media"
	"hotline/telephony/phone"
)

// A seat with a desk phone, a softphone in a browser and an app: all ring, the
// first that answers has the call, and the others stop.
func TestEveryDeviceRings(t *testing.T) {
	r := everyTransport(t)
	_, desk := r.seat("8001")
	_, browser := r.seat("8001", func(o *phone.Options) { o.Network = "wss" })
	_, app := r.seat("8001", func(o *phone.Options) { o.Network = "tls" })
	c := r.dial(r.phone(phone.Options{}))
	require.NoError(t, c.SendDigits(r.ctx(), "0"))
	first, at, third := r.next(desk), r.next(browser), r.next(app)
	require.NoError(t, at.Answer())
	r.done(first)
	r.done(third)
	at.Play(media.Tone(toneSeat, -10, 0), false)
	require.NoError(t, c.WaitTone(r.ctx(), toneSeat))
	c.Hangup()
	r.done(at)
	cdr := r.endedCall()
	require.Equal(t, "8001", cdr.Seat)
	require.Len(t, cdr.Legs, 2, "the devices that did not answer have no sound in the record")
	require.Equal(t, 1, len(cdr.Offers))
	r.awaitClean()
}

// Two devices that answer at once: one has the call, and the other is ended.
func TestDevicesAnswerAtOnce(t *testing.T) {
	r := everyTransport(t)
	answer := func(o *phone.Options) { o.OnCall = func(c *phone.Call) { _ = c.Answer(); <-c.Done() } }
	_, _ = r.seat("8001", answer)
	_, _ = r.seat("8001", answer, func(o *phone.Options) { o.Network = "ws" })
	for range 5 {
		c := r.dial(r.phone(phone.Options{}))
		require.NoError(t, c.SendDigits(r.ctx(), "0"))
		r.await("the call is talking", func() bool {
			live := r.center.Live()
			return len(live) == 1 && live[0].State == telephony.CallTalking
		})
		r.await("two legs are left", func() bool { return r.center.Counts().Sessions == 2 })
		c.Hangup()
		require.Equal(t, telephony.CauseHangup, r.endedCall().Cause)
		r.awaitClean()
	}
}

// A device that is busy leaves the others ringing; one whose user declines
// ends all.
func TestDevicesRefuse(t *testing.T) {
	r := everyTransport(t)
	_, one := r.seat("8001")
	_, two := r.seat("8001", func(o *phone.Options) { o.Network = "tcp" })
	c := r.dial(r.phone(phone.Options{}))
	require.NoError(t, c.SendDigits(r.ctx(), "0"))
	a, b := r.next(one), r.next(two)
	a.Reject(486)
	r.done(a)
	require.NoError(t, b.Answer())
	r.await("the other has the call", func() bool { return r.center.Live()[0].State == telephony.CallTalking })
	b.Hangup()
	r.done(c)
	r.endedCall()
	r.awaitClean()

	c = r.dial(r.phone(phone.Options{}))
	require.NoError(t, c.SendDigits(r.ctx(), "0"))
	a, b = r.next(one), r.next(two)
	a.Reject(603)
	r.done(b)
	r.await("the offer came to nothing", func() bool {
		offers := r.center.Live()[0].Offers
		return len(offers) > 0 && !offers[0].EndedAt.IsZero()
	})
	c.Hangup()
	cdr := r.endedCall()
	require.Equal(t, telephony.OutcomeRejected, cdr.Offers[0].Outcome)
	r.awaitClean()
}

// A connection that breaks takes its device with it, at once.
func TestDeviceGoesWithItsConnection(t *testing.T) {
	r := everyTransport(t)
	for _, network := range []string{"tcp", "tls", "ws", "wss"} {
		p, _ := r.seat("8001", func(o *phone.Options) { o.Network = network })
		require.True(t, r.center.Agents()[0].Registered)
		ctx := r.ctx()
		require.NoError(t, p.Stop(ctx)) // without a word to the registrar
		r.await("the seat has no phone", func() bool { return !r.center.Agents()[0].Registered })
	}
	r.awaitClean()
}

// The rules of RFC 3261 section 10.3, RFC 5626 and RFC 3327, by hand.
func TestBindingsOnTheWire(t *testing.T) {
	r := newRig(t)
	w := r.wire()
	challenge := w.send("REGISTER", "8001")
	count := 0
	send := func(extra ...string) string {
		t.Helper()
		count++
		return w.send("REGISTER", "8001", append(extra, authorize(t, challenge, "8001", secret, count))...)
	}
	contacts := func(res string) (list []string) {
		for line := range strings.SplitSeq(res, "\r\n") {
			if v, ok := strings.CutPrefix(line, "Contact: "); ok {
				list = append(list, v)
			}
		}
		return list
	}
	const one = "Contact: <sip:a@192.0.2.1>;q=0.3;+sip.instance=\"<urn:uuid:1>\";reg-id=1\r\n"
	res := send(one, "Supported: outbound\r\n")
	require.Equal(t, "200", status(res), res)
	require.Equal(t, "outbound", header(res, "Require"))
	require.Contains(t, header(res, "Contact"), `;q=0.3;+sip.instance="<urn:uuid:1>";reg-id=1`)
	res = send("Contact: <sip:a@192.0.2.99>;+sip.instance=\"<urn:uuid:1>\";reg-id=1\r\n")
	require.Len(t, contacts(res), 1, "the same flow of the same instance from a new address")
	require.Contains(t, header(res, "Contact"), "192.0.2.99")
	res = send("Contact: <sip:a@192.0.2.99>;+sip.instance=\"<urn:uuid:2>\";reg-id=1\r\n", "Path: <sip:127.0.0.1:1;lr>, <sip:proxy2.example;lr>\r\n")
	require.Len(t, contacts(res), 2)
	require.Contains(t, res, "Path: <sip:127.0.0.1:1;lr>")
	require.Contains(t, res, "Path: <sip:proxy2.example;lr>")
	require.Equal(t, "400", status(send("Contact: *\r\n")), "a star needs Expires: 0")
	require.Equal(t, "400", status(send("Contact: <sip:a@192.0.2.1>\r\n", "Path: nonsense\r\n")))
	many := strings.Repeat("Contact: <sip:a@192.0.2.1>\r\n", 6)
	require.Equal(t, "403", status(send(many)))
	for n := range 12 {
		res = send(fmt.Sprintf("Contact: <sip:a@192.0.2.1:%d>;+sip.instance=\"<urn:uuid:x%d>\";reg-id=1\r\n", 1000+n, n))
		require.Equal(t, "200", status(res), res)
	}
	require.Len(t, contacts(res), 10, "a seat has so many devices and no more")
	require.NotContains(t, res, "urn:uuid:1>", "the one that was refreshed longest ago went")
	res = send("Contact: *\r\n", "Expires: 0\r\n")
	require.Equal(t, "200", status(res))
	require.Empty(t, contacts(res))
	require.False(t, r.center.Agents()[0].Registered)
}

// A proxy in front: a call goes to the proxy with the Path as its Route.
func TestSeatBehindProxy(t *testing.T) {
	r := newRig(t)
	proxy, w := r.wire(), r.wire()
	challenge := w.send("REGISTER", "8001")
	res := w.send("REGISTER", "8001", "Contact: <sip:8001@10.1.1.1:5060>\r\n", "Path: <sip:"+proxy.conn.LocalAddr().String()+";lr>\r\n",
		authorize(t, challenge, "8001", secret, 1))
	require.Equal(t, "200", status(res), res)
	require.NoError(t, r.center.SetStatus(r.ctx(), "agent1", "8001", telephony.Status{Presence: telephony.Ready}))
	c := r.dial(r.phone(phone.Options{}))
	require.NoError(t, c.SendDigits(r.ctx(), "0"))
	buf := make([]byte, 65535)
	require.NoError(t, proxy.conn.SetReadDeadline(time.Now().Add(patience)))
	n, err := proxy.conn.Read(buf)
	require.NoError(t, err)
	invite := string(buf[:n])
	require.True(t, strings.HasPrefix(invite, "INVITE sip:8001@10.1.1.1:5060 "), invite)
	require.Equal(t, "<sip:"+proxy.conn.LocalAddr().String()+";lr>", header(invite, "Route"))
	c.Hangup()
	r.endedCall()
}
