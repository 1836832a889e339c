package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"
	"github.com/stretchr/testify/require"

	"hotline/telephony/invite"
	"hotline/telephony/media"
	"hotline/telephony/phone"
)

// exchange is a small server: seats register with digest, a call is answered at once and bridged to the next seat.
type exchange struct {
	t        *testing.T
	endpoint *invite.Endpoint
	ports    *media.Ports

	mu    sync.Mutex
	seats []sip.Uri
	next  int
}

func newExchange(t *testing.T) *exchange {
	t.Helper()
	ports, err := media.NewPorts(media.PortOptions{})
	require.NoError(t, err)
	x := &exchange{t: t, ports: ports}
	x.endpoint, err = invite.New(invite.Options{Listen: []invite.Listen{{Network: "udp", Addr: "127.0.0.1:0"}, {Network: "tcp", Addr: "127.0.0.1:0"}}}, x)
	require.NoError(t, err)
	require.NoError(t, x.endpoint.Start(context.Background()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, x.endpoint.Stop(ctx))
		require.Zero(t, ports.InUse(), "no RTP port is left")
		ports.Close()
	})
	return x
}

func (x *exchange) addr() string { return x.endpoint.Addr("udp").String() }

func (x *exchange) Request(req *sip.Request, _ netip.AddrPort, tx invite.Responder) {
	chal := digest.Challenge{Realm: "test", Nonce: "n1", Algorithm: "MD5", QOP: []string{"auth"}}
	h := req.GetHeader("Authorization")
	if h == nil {
		_ = tx.Reply(sip.StatusUnauthorized, "", sip.NewHeader("WWW-Authenticate", chal.String()))
		return
	}
	got, err := digest.ParseCredentials(h.Value())
	if err == nil {
		var want *digest.Credentials
		want, err = digest.Digest(&chal, digest.Options{Method: "REGISTER", URI: got.URI, Username: got.Username, Password: "hotline-demo", Cnonce: got.Cnonce, Count: got.Nc})
		if err == nil && want.Response != got.Response {
			_ = tx.Reply(sip.StatusForbidden, "")
			return
		}
	}
	if err != nil {
		_ = tx.Reply(sip.StatusBadRequest, "")
		return
	}
	x.mu.Lock()
	if req.GetHeader("Expires").Value() != "0" {
		x.seats = append(x.seats, req.Contact().Address)
	}
	x.mu.Unlock()
	_ = tx.Reply(sip.StatusOK, "")
}

func (x *exchange) Invite(s *invite.Session) {
	x.mu.Lock()
	if len(x.seats) == 0 {
		x.mu.Unlock()
		_ = s.Reject(sip.StatusTemporarilyUnavailable, "")
		return
	}
	seat := x.seats[x.next%len(x.seats)]
	x.next++
	x.mu.Unlock()
	in, err := x.ports.Open(media.LegOptions{})
	if err != nil {
		return
	}
	defer in.Close()
	out, err := x.ports.Open(media.LegOptions{})
	if err != nil {
		return
	}
	defer out.Close()
	answer, err := in.Answer(s.RemoteSDP())
	if err != nil || s.Answer(answer) != nil {
		return
	}
	called, err := x.endpoint.Dial(s.Context(), invite.Outgoing{To: seat, Offer: out.Offer()})
	if err != nil {
		s.Hangup(invite.Cause{By: invite.Local})
		return
	}
	for event := range called.Events() {
		if e, ok := event.(invite.Answered); ok && out.Accept(e.SDP) == nil {
			media.Connect(in, out)
		}
	}
	s.Hangup(invite.Cause{By: invite.Local})
	for range s.Events() {
		continue
	}
}

func runCommand(t *testing.T, args ...string) (Summary, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var stdout, stderr bytes.Buffer
	code := execute(ctx, args, &stdout, &stderr)
	var s Summary
	if code != 2 {
		require.NoError(t, json.Unmarshal(stdout.Bytes(), &s), "stdout %q stderr %q", stdout.String(), stderr.String())
		t.Log(stdout.String())
	} else {
		require.NotEmpty(t, stderr.String())
	}
	return s, code
}

func TestLoadWithSeats(t *testing.T) {
	x := newExchange(t)
	s, code := runCommand(t, "load", "--target", x.addr(), "--calls", "8", "--rate", "20", "--concurrency", "4", "--seats", "8001-8004",
		"--ring", "20ms", "--talk", "500ms", "--details", "--from", "14200000007")
	require.Zero(t, code)
	require.True(t, s.OK)
	require.Equal(t, CallCounts{Started: 8, Answered: 8, Connected: 8, Peak: s.Calls.Peak}, *s.Calls)
	require.LessOrEqual(t, s.Calls.Peak, 4)
	require.Equal(t, Audio{CallerHeard: 8, SeatHeard: 8}, *s.Audio)
	require.Equal(t, 4, s.Seats.Registered)
	require.Equal(t, 8, s.Seats.Answered)
	require.Zero(t, s.RTP.Lost)
	require.Positive(t, s.RTP.Received)
	require.Equal(t, 8, s.Connect.N)
	require.Len(t, s.Details, 8)
	seen := make(map[string]bool)
	for _, d := range s.Details {
		seen[d.From] = true
	}
	require.True(t, seen["14200000007"] && seen["14200000014"])
}

func TestLoadWithCallersWhoGiveUp(t *testing.T) {
	x := newExchange(t)
	s, code := runCommand(t, "load", "--target", x.addr(), "--transport", "udp", "--calls", "6", "--rate", "50", "--seats", "8001,8002",
		"--ring", "300ms", "--abandon", "1")
	require.Zero(t, code)
	require.Equal(t, 6, s.Calls.Abandoned)
	require.Zero(t, s.Calls.Failed)
}

func answering(t *testing.T, onCall func(*phone.Call)) string {
	t.Helper()
	p, err := phone.New(phone.Options{User: "12345", OnCall: onCall})
	require.NoError(t, err)
	require.NoError(t, p.Start(context.Background()))
	t.Cleanup(func() { require.NoError(t, p.Stop(context.Background())) })
	return p.Addr().String()
}

func TestCall(t *testing.T) {
	digits := make(chan rune, 10)
	target := answering(t, func(c *phone.Call) {
		if c.Answer() != nil {
			return
		}
		c.Play(media.Tone(700, -10, 0), true)
		digits <- (<-c.Digits()).Rune
		digits <- (<-c.Digits()).Rune
	})
	s, code := runCommand(t, "call", "--target", target, "--digits", "2#", "--digits-after", "50ms", "--talk", "300ms", "--expect", "700")
	require.Zero(t, code)
	require.Equal(t, '2', <-digits)
	require.Equal(t, '#', <-digits)
	require.Equal(t, 1, s.Calls.Connected)
	require.Positive(t, s.Details[0].Connect)
	require.Positive(t, s.Details[0].Talk)
	require.Equal(t, "local", s.Details[0].EndedBy)
}

func TestCallsThatFail(t *testing.T) {
	rejecting := answering(t, nil)
	s, code := runCommand(t, "call", "--target", rejecting)
	require.Equal(t, 1, code)
	require.Equal(t, map[string]int{"486 Busy Here": 1}, s.Calls.Failures)

	silent := answering(t, func(c *phone.Call) { _ = c.Answer() })
	s, code = runCommand(t, "call", "--target", silent, "--wait", "300ms")
	require.Equal(t, 1, code)
	require.Equal(t, map[string]int{errPatience.Error(): 1}, s.Calls.Failures)

	x := newExchange(t)
	s, code = runCommand(t, "load", "--target", x.addr(), "--calls", "3", "--rate", "100")
	require.Equal(t, 1, code)
	require.Equal(t, 3, s.Calls.Failed)
	require.Equal(t, 3, s.Calls.Failures["480 Temporarily Unavailable"])
}

func TestSeatsAnswerUntilTheEnd(t *testing.T) {
	x := newExchange(t)
	done := make(chan struct{})
	var seats Summary
	var code int
	ctx, interrupt := context.WithCancel(context.Background())
	defer interrupt()
	go func() {
		defer close(done)
		var stdout, stderr bytes.Buffer
		code = execute(ctx, []string{"seats", "--target", x.addr(), "--seats", "8001-8002", "--ring", "10ms", "--talk", "200ms"}, &stdout, &stderr)
		if err := json.Unmarshal(stdout.Bytes(), &seats); err != nil {
			t.Errorf("%v: %s %s", err, stdout.String(), stderr.String())
		}
	}()
	require.Eventually(t, func() bool {
		x.mu.Lock()
		defer x.mu.Unlock()
		return len(x.seats) == 2
	}, 10*time.Second, 5*time.Millisecond)
	s, callCode := runCommand(t, "call", "--target", x.addr(), "--talk", "30s")
	require.Zero(t, callCode)
	require.Equal(t, "remote", s.Details[0].EndedBy, "the seat hangs up after its talk")
	interrupt()
	<-done
	require.Zero(t, code)
	require.Equal(t, 1, seats.Seats.Answered)
	require.Equal(t, 1, seats.Seats.Heard)
}

func TestWrongCommandLines(t *testing.T) {
	x := newExchange(t)
	for _, args := range [][]string{
		{"call", "--target", "192.0.2.1:5060"},
		{"call", "--target", "nonsense"},
		{"call", "--target", x.addr(), "--transport", "smoke"},
		{"call", "--target", x.addr(), "--codec", "opus"},
		{"call", "--target", x.addr(), "--digits", "12x"},
		{"load", "--target", x.addr(), "--calls", "0"},
		{"load", "--target", x.addr(), "--concurrency", "100000"},
		{"load", "--target", x.addr(), "--rate", "0"},
		{"load", "--target", x.addr(), "--abandon", "2"},
		{"seats", "--target", x.addr(), "--seats", "8010-8001"},
		{"seats", "--target", x.addr(), "--seats", "1-5000"},
		{"seats", "--target", x.addr(), "--seats", ""},
		{"seats", "--target", x.addr(), "--seats", "8001", "--secret", "wrong"},
		{"dance"},
	} {
		_, code := runCommand(t, args...)
		require.Equal(t, 2, code, "%v", args)
	}
}

func TestParseSeats(t *testing.T) {
	seats, err := parseSeats("0098-0101, 8001")
	require.NoError(t, err)
	require.Equal(t, []string{"0098", "0099", "0100", "0101", "8001"}, seats)
}

func TestDistribution(t *testing.T) {
	require.Nil(t, distribution(nil))
	values := make([]float64, 100)
	for i := range values {
		values[i] = float64(100 - i)
	}
	require.Equal(t, &Distribution{N: 100, Min: 1, Mean: 50.5, P50: 50, P95: 95, P99: 99, Max: 100}, distribution(values))
	require.Equal(t, &Distribution{N: 1, Min: 7, Mean: 7, P50: 7, P95: 7, P99: 7, Max: 7}, distribution([]float64{7}))
}
