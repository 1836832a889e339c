package telephony_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/icholy/digest"
	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/acd"
	"hotline/telephony/invite"
	"hotline/telephony/phone"
)

// wire speaks SIP by hand.
type wire struct {
	t    *testing.T
	conn net.Conn
	n    int
}

func (r *rig) wire() *wire {
	conn, err := (&net.Dialer{}).DialContext(r.t.Context(), "udp", r.center.Addr("udp").String())
	require.NoError(r.t, err)
	r.t.Cleanup(func() { _ = conn.Close() })
	return &wire{t: r.t, conn: conn}
}

// send sends a request and returns the first final response to it.
func (w *wire) send(method, user string, extra ...string) string {
	w.t.Helper()
	w.n++
	local := w.conn.LocalAddr().String()
	host := w.conn.RemoteAddr().String()
	uri := "sip:" + host
	if method == "INVITE" {
		uri = "sip:" + user + "@" + host
		user = "13900139000"
	}
	body := ""
	if len(extra) > 0 && strings.HasPrefix(extra[len(extra)-1], "v=0") {
		body, extra = extra[len(extra)-1], extra[:len(extra)-1]
	}
	branch := fmt.Sprintf("z9hG4bK%s%d", strings.ReplaceAll(local, ":", "x"), w.n)
	msg := fmt.Sprintf("%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=%s;rport\r\nMax-Forwards: 70\r\nFrom: <sip:%s@%s>;tag=t%d\r\nTo: <sip:%s@%s>\r\nCall-ID: c%d-%s\r\nCSeq: %d %s\r\n%s",
		method, uri, local, branch, user, host, w.n, user, host, w.n, local, w.n, method, strings.Join(extra, ""))
	if body != "" {
		msg += "Content-Type: application/sdp\r\n"
	}
	msg += fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
	_, err := w.conn.Write([]byte(msg))
	require.NoError(w.t, err)
	return w.final(branch)
}

func (w *wire) final(branch string) string {
	w.t.Helper()
	buf := make([]byte, 65535)
	for {
		require.NoError(w.t, w.conn.SetReadDeadline(time.Now().Add(patience)))
		n, err := w.conn.Read(buf)
		require.NoError(w.t, err)
		res := string(buf[:n])
		if strings.Contains(res, branch) && !strings.HasPrefix(res, "SIP/2.0 1") {
			return res
		}
	}
}

func status(res string) string {
	line, _, _ := strings.Cut(res, "\r\n")
	return strings.Fields(line)[1]
}

func header(res, name string) string {
	for line := range strings.SplitSeq(res, "\r\n") {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.EqualFold(k, name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func (w *wire) contact(expires int) string {
	return fmt.Sprintf("Contact: <sip:x@%s>;expires=%d\r\n", w.conn.LocalAddr(), expires)
}

// authorize answers the challenge in a response.
func authorize(t *testing.T, res, user, password string, count int) string {
	t.Helper()
	chal, err := digest.ParseChallenge(header(res, "WWW-Authenticate"))
	require.NoError(t, err)
	cred, err := digest.Digest(chal, digest.Options{Method: "REGISTER", URI: "sip:hotline", Username: user, Password: password, Count: count})
	require.NoError(t, err)
	return "Authorization: " + cred.String() + "\r\n"
}

func TestRegisterDigest(t *testing.T) {
	r := newRig(t)
	for seat, alg := range map[string]string{"8001": "MD5", "8002": "SHA-256"} {
		w := r.wire()
		res := w.send("REGISTER", seat, w.contact(600))
		require.Equal(t, "401", status(res))
		require.Contains(t, header(res, "WWW-Authenticate"), "algorithm="+alg)
		auth := authorize(t, res, seat, secret, 1)
		ok := w.send("REGISTER", seat, w.contact(600), auth)
		require.Equal(t, "200", status(ok), ok)
		require.Contains(t, header(ok, "Contact"), "expires=600")
		// The same nonce with the same count is a replay.
		again := w.send("REGISTER", seat, w.contact(600), auth)
		require.Equal(t, "401", status(again))
		require.Contains(t, header(again, "WWW-Authenticate"), "stale=true")
		// Counted on it is good.
		require.Equal(t, "200", status(w.send("REGISTER", seat, w.contact(600), authorize(t, res, seat, secret, 2))))
		// Asking without a Contact tells the binding; 0 removes it.
		ask := w.send("REGISTER", seat, authorize(t, res, seat, secret, 3))
		require.Contains(t, header(ask, "Contact"), "sip:x@")
		gone := w.send("REGISTER", seat, w.contact(0), authorize(t, res, seat, secret, 4))
		require.Equal(t, "200", status(gone))
		require.Empty(t, header(gone, "Contact"))
	}
}

func TestRegisterRefusals(t *testing.T) {
	r := newRig(t)
	w := r.wire()
	challenge := w.send("REGISTER", "8001", w.contact(600))
	require.Equal(t, "403", status(w.send("REGISTER", "8001", w.contact(600), authorize(t, challenge, "8001", "guess", 1))))
	// Somebody else's good password is not a seat's own.
	require.Equal(t, "403", status(w.send("REGISTER", "8001", w.contact(600), authorize(t, challenge, "8003", secret, 1))))
	// A seat that does not exist looks the same.
	unknown := w.send("REGISTER", "9999", w.contact(600))
	require.Equal(t, "401", status(unknown))
	require.Equal(t, "403", status(w.send("REGISTER", "9999", w.contact(600), authorize(t, unknown, "9999", "", 1))))
	// A nonce of the sender's own making is challenged.
	forged := strings.Replace(challenge, `nonce="`, `nonce="00`, 1)
	require.Equal(t, "401", status(w.send("REGISTER", "8001", w.contact(600), authorize(t, forged, "8001", secret, 1))))
	brief := w.send("REGISTER", "8001", w.contact(5), authorize(t, challenge, "8001", secret, 2))
	require.Equal(t, "423", status(brief))
	require.Equal(t, "60", header(brief, "Min-Expires"))
	require.Equal(t, "400", status(w.send("REGISTER", "8001", "Contact: <sip:x@1.2.3.4>;expires=soon\r\n", authorize(t, challenge, "8001", secret, 3))))
	require.Equal(t, "401", status(w.send("REGISTER", "8001", w.contact(600), "Authorization: Basic eA==\r\n")))
	require.Equal(t, "401", status(w.send("REGISTER", "8001", w.contact(600), "Authorization: Digest "+strings.Repeat("x", 5000)+"\r\n")))
	require.Equal(t, "405", status(w.send("PUBLISH", "8001")))
	require.Equal(t, "200", status(w.send("OPTIONS", "8001")))
	for _, a := range r.center.Agents() {
		require.False(t, a.Registered)
	}
}

// A storm of REGISTERs is throttled with 503, and a phone of another address
// is not harmed.
func TestRegisterStorm(t *testing.T) {
	r := newRig(t)
	w := r.wire()
	challenge := w.send("REGISTER", "8001", w.contact(600))
	throttled := false
	for n := range 3000 {
		res := w.send("REGISTER", "8001", w.contact(600), authorize(t, challenge, "8001", "guess", n+1))
		if status(res) == "503" {
			require.NotEmpty(t, header(res, "Retry-After"))
			throttled = true
			break
		}
	}
	require.True(t, throttled)
	other, err := phone.New(phone.Options{User: "8002", Secret: secret, Registrar: r.center.Addr("udp").String(), Listen: "127.0.0.9:0", Timers: invite.Timers{T1: quickT1}})
	require.NoError(t, err)
	require.NoError(t, other.Start(t.Context()))
	defer func() { _ = other.Stop(context.Background()) }()
	require.NoError(t, other.Register(r.ctx(), time.Hour))
}

// A phone that goes away takes its seat out of the queue; the person's status
// stays as it was.
func TestDeviceApartFromPerson(t *testing.T) {
	r := newRig(t)
	p, _ := r.seat("8001")
	require.Equal(t, acd.StateReady, r.center.Agents()[0].State)
	require.NoError(t, p.Unregister(r.ctx()))
	a := r.center.Agents()[0]
	require.Equal(t, acd.StateOffline, a.State)
	require.Equal(t, telephony.Ready, a.Presence)
	require.NoError(t, p.Register(r.ctx(), time.Hour))
	require.Equal(t, acd.StateReady, r.center.Agents()[0].State)
	require.NoError(t, r.center.SetStatus(t.Context(), "agent1", "", telephony.Status{Presence: telephony.Break, Reason: "lunch"}))
	a = r.center.Agents()[0]
	require.Equal(t, acd.StateBreak, a.State)
	require.Equal(t, "lunch", a.Reason)
	require.ErrorIs(t, r.center.SetStatus(t.Context(), "agent1", "9999", telephony.Status{Presence: telephony.Ready}), telephony.ErrNotFound)
	require.ErrorIs(t, r.center.SetStatus(t.Context(), "agent1", "", telephony.Status{Presence: "asleep"}), telephony.ErrInvalid)
	r.await("the observer hears of it", func() bool {
		r.events.mu.Lock()
		defer r.events.mu.Unlock()
		n := len(r.events.seats)
		return n > 0 && r.events.seats[n-1].State == acd.StateBreak
	})
}

func TestSaveSeat(t *testing.T) {
	r := newRig(t)
	s := telephony.Seat{ID: "8009", User: "agent9", HA1: telephony.HA1(telephony.MD5, "8009", r.center.Realm(), secret), AutoReady: true}
	require.NoError(t, r.center.SaveSeat(t.Context(), s))
	p := r.phone(phone.Options{User: "8009", Secret: secret})
	require.NoError(t, p.Register(r.ctx(), time.Hour))
	last := func() telephony.AgentState { a := r.center.Agents(); return a[len(a)-1] }
	require.Equal(t, acd.StateReady, last().State, "ready without a word")
	require.NoError(t, r.center.SetStatus(t.Context(), "agent9", "", telephony.Status{Presence: telephony.Offline}))
	require.NoError(t, p.Unregister(r.ctx()))
	require.NoError(t, p.Register(r.ctx(), time.Hour))
	require.Equal(t, acd.StateOffline, last().State, "a phone does not bring back who went offline")
	s.Algorithm, s.Disabled = telephony.MD5, true
	require.NoError(t, r.center.SaveSeat(t.Context(), s))
	require.Error(t, p.Register(r.ctx(), time.Hour), "a disabled seat cannot register")
	for _, bad := range []telephony.Seat{
		{ID: "", HA1: s.HA1}, {ID: "a b", HA1: s.HA1}, {ID: "8010", HA1: "short"},
		{ID: "8010", HA1: s.HA1, Algorithm: telephony.SHA256}, {ID: "8010", HA1: s.HA1, Algorithm: "ROT13"},
	} {
		require.ErrorIs(t, r.center.SaveSeat(t.Context(), bad), telephony.ErrInvalid)
	}
}

const goodSDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"

func TestInviteRefusals(t *testing.T) {
	r := newRig(t)
	contact := "Contact: <sip:x@127.0.0.1:9>\r\n"
	for name, tc := range map[string]struct {
		line, sdp, want string
	}{
		"unknown line":  {"99999", goodSDP, "404"},
		"video only":    {"12345", strings.ReplaceAll(goodSDP, "m=audio", "m=video"), "488"},
		"unknown codec": {"12345", strings.ReplaceAll(strings.ReplaceAll(goodSDP, "RTP/AVP 8", "RTP/AVP 96"), "rtpmap:8 PCMA/8000", "rtpmap:96 opus/48000/2"), "488"},
		"broken sdp":    {"12345", "v=0\r\nm=audio x\r\n", "400"},
	} {
		t.Run(name, func(t *testing.T) {
			w := r.wire()
			extra := []string{contact}
			if tc.sdp != "" {
				extra = append(extra, tc.sdp)
			}
			require.Equal(t, tc.want, status(w.send("INVITE", tc.line, extra...)))
		})
	}
	r.awaitClean()
}

func TestStrangersAreRefused(t *testing.T) {
	r := newRig(t, func(c *telephony.Config) { c.Trunks = nil })
	w := r.wire()
	require.Equal(t, "403", status(w.send("INVITE", "12345", "Contact: <sip:x@127.0.0.1:9>\r\n", goodSDP)))
	r.awaitClean()
}

func TestTooManyCalls(t *testing.T) {
	r := newRig(t, func(c *telephony.Config) { c.MaxCalls = 1 })
	c := r.dial(r.phone(phone.Options{}))
	w := r.wire()
	res := w.send("INVITE", "12345", "Contact: <sip:x@127.0.0.1:9>\r\n", goodSDP)
	require.Equal(t, "503", status(res))
	require.Equal(t, "30", header(res, "Retry-After"))
	c.Hangup()
	r.endedCall()
	r.awaitClean()
}
