package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/cmd/hotline/testbed"

	"hotline/cmd/hotline/accounts"
	"hotline/cmd/hotline/app"
	"hotline/telephony"
	"hotline/telephony/media"
	"hotline/telephony/phone"
)

const tenMegabytes = 10 << 20

// Whatever comes in is refused in the right way, and the same node then takes
// a call and a ticket as if nothing had been.
func TestBadInput(t *testing.T) {
	n := startNode(t, embedded, app.Options{Telephony: func(c *telephony.Config) {
		c.T1 = quickT1
		c.Prompts = shortPrompts(t)
	}})
	t.Run("malformed SIP", func(t *testing.T) { malformedSIP(t, n) })
	t.Run("session descriptions", func(t *testing.T) { badSDP(t, n) })
	t.Run("large datagrams", func(t *testing.T) { largeDatagrams(t, n) })
	t.Run("ten megabytes over TCP", func(t *testing.T) { muchOverTCP(t, n) })
	t.Run("wrong digests", func(t *testing.T) { wrongDigests(t, n) })
	t.Run("a storm of REGISTERs", func(t *testing.T) { registerStorm(t, n) })
	t.Run("HTTP", func(t *testing.T) { badHTTP(t, n) })
	testbed.Await(t, "the centre to be empty", func() bool { return n.Center.Counts() == telephony.Counts{} })
	t.Run("the server lives on", func(t *testing.T) { livesOn(t, n) })
}

func malformedSIP(t *testing.T, n *app.App) {
	p := newPeer(t, n.Center.Addr("udp"))
	good := p.request("OPTIONS", "12345", "whole", 1, "", "")
	rnd := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test that can be repeated
	for range 500 {                    // bytes turned over, cut off and doubled
		b := []byte(strings.Replace(good, "whole", fmt.Sprintf("m%d", rnd.Int()), 1))
		for range 1 + rnd.IntN(8) {
			b[rnd.IntN(len(b))] = byte(rnd.IntN(256))
		}
		switch rnd.IntN(4) {
		case 0:
			b = b[:rnd.IntN(len(b))]
		case 1:
			b = append(b, b...)
		}
		p.send(string(b))
	}
	for name, c := range map[string]struct {
		from, to string
		status   int
	}{
		"no CSeq number":        {"CSeq: 1 INVITE", "CSeq: one INVITE", 400},
		"method and CSeq":       {"CSeq: 1 INVITE", "CSeq: 1 BYE", 400},
		"another version":       {" SIP/2.0\r\nVia", " SIP/3.0\r\nVia", 505},
		"no From tag":           {";tag=f", ";gat=f", 400},
		"a line nobody answers": {"INVITE sip:12345", "INVITE sip:99999", 404},
	} {
		t.Run(name, func(t *testing.T) {
			id := strings.ReplaceAll(name, " ", "-")
			p.send(strings.Replace(p.request("INVITE", "12345", id, 1, "Content-Type: application/sdp\r\n", sdp(audio)), c.from, c.to, 1))
			require.Equal(t, c.status, p.answer(id).status())
		})
	}
	// A BYE for a call that never was, and a method that nobody knows.
	p.send(strings.Replace(p.request("BYE", "12345", "no-dialog", 1, "", ""), "To: <sip:12345@"+n.Center.Addr("udp").String()+">",
		"To: <sip:12345@"+n.Center.Addr("udp").String()+">;tag=x", 1))
	require.Equal(t, 481, p.answer("no-dialog").status())
	p.send(p.request("JUMP", "12345", "no-method", 1, "", ""))
	require.Contains(t, []int{405, 501}, p.answer("no-method").status())
}

func badSDP(t *testing.T, n *app.App) {
	p := newPeer(t, n.Center.Addr("udp"))
	for name, c := range map[string]struct {
		sdp    string
		status int
	}{
		"no audio":       {sdp("m=video 9 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n"), 488},
		"no media":       {sdp(""), 488},
		"unknown codecs": {sdp("m=audio 9 RTP/AVP 18 97\r\na=rtpmap:18 G729/8000\r\na=rtpmap:97 opus/48000/2\r\n"), 488},
		"only digits":    {sdp("m=audio 9 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n"), 488},
		"SRTP":           {sdp("m=audio 9 RTP/SAVP 8\r\n"), 488},
		"noise":          {"\x00\x01\x02", 400},
		"not an SDP":     {"<xml/>", 400},
	} {
		t.Run(name, func(t *testing.T) {
			id := "sdp-" + strings.ReplaceAll(name, " ", "-")
			invite := p.request("INVITE", "12345", id, 1, "Content-Type: application/sdp\r\n", c.sdp)
			p.send(invite)
			m := p.answer(id)
			require.Equal(t, c.status, m.status(), m.raw)
		})
	}
}

func largeDatagrams(t *testing.T, n *app.App) {
	p := newPeer(t, n.Center.Addr("udp"))
	const most = 65507 // octets of UDP payload over IPv4
	invite := p.request("INVITE", "12345", "large", 1, "Content-Type: application/sdp\r\nX-Fill: \r\n", sdp(audio))
	invite = strings.Replace(invite, "X-Fill: ", "X-Fill: "+strings.Repeat("z", most-len(invite)), 1)
	require.Len(t, invite, most)
	p.send(invite)
	require.Equal(t, 513, p.answer("large").status())
	for range 50 {
		p.send(strings.Repeat("A", most))
		p.send("INVITE sip:" + strings.Repeat("1", most-11))
	}
	p.send(p.request("OPTIONS", "12345", "after-large", 1, "", ""))
	require.Equal(t, 200, p.answer("after-large").status())
}

func muchOverTCP(t *testing.T, n *app.App) {
	p := newPeer(t, n.Center.Addr("udp"))
	node := n.Center.Addr("tcp")
	invite := strings.Replace(p.request("INVITE", "12345", "much", 1, "", ""), "SIP/2.0/UDP", "SIP/2.0/TCP", 1)
	for name, head := range map[string]string{
		"one line":     "",
		"a body":       strings.Replace(invite, "Content-Length: 0", fmt.Sprintf("Content-Length: %d", tenMegabytes), 1),
		"many headers": strings.SplitN(invite, "Max-Forwards", 2)[0],
		"a TLS hello":  "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
	} {
		t.Run(name, func(t *testing.T) {
			fill := []byte(strings.Repeat("X-Fill: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", tenMegabytes/56))
			if name == "one line" {
				fill = bytes.Repeat([]byte("a"), tenMegabytes)
			}
			ctx, cancel := context.WithTimeout(t.Context(), testbed.Patience)
			defer cancel()
			sent, _, err := overTCP(ctx, node, append([]byte(head), fill...))
			require.NoError(t, ctx.Err(), "the connection is closed, not left hanging")
			t.Logf("%d octets went out before the connection was closed: %v", sent, err)
			require.Error(t, err, "nobody reads ten megabytes")
		})
	}
}

func wrongDigests(t *testing.T, n *app.App) {
	p := newPeerAt(t, n.Center.Addr("udp"), "127.0.0.71")
	require.Equal(t, 403, p.register("8001", "not-the-secret"))
	require.Equal(t, 403, p.register("9999", accounts.DemoPassword), "a seat that is none looks the same")
	for i, auth := range []string{"Basic YTpi", "Digest", `Digest username="8001"`, "Digest " + strings.Repeat(`a="b",`, 500),
		`Digest username="8001", realm="hotline", nonce="made-up", uri="sip:x", response="00000000000000000000000000000000"`} {
		id := fmt.Sprintf("digest-%d", i)
		p.send(p.request("REGISTER", "8001", id, 1, "Authorization: "+auth+"\r\n", ""))
		require.Contains(t, []int{400, 401, 403}, p.answer(id).status(), auth)
	}
	for _, a := range n.Center.Agents() {
		require.False(t, a.Registered, a.Seat)
	}
}

// registerStorm sends far more than one address may: it is told to wait, or
// not answered, and seats elsewhere register as ever.
func registerStorm(t *testing.T, n *app.App) {
	storm := newPeerAt(t, n.Center.Addr("udp"), "127.0.0.66")
	const many = 10_000
	for i := range many {
		storm.send(storm.request("REGISTER", fmt.Sprint(8001+i%10), fmt.Sprintf("storm-%d", i), 1, "Expires: 600\r\n", ""))
	}
	// A seat at another address is served in the midst of it.
	p := newPeerAt(t, n.Center.Addr("udp"), "127.0.0.72")
	require.Equal(t, 200, p.register("8010", accounts.DemoPassword))
	challenged, refused := 0, 0
	for quiet := false; !quiet; {
		select {
		case m := <-storm.in:
			switch m.status() {
			case 401:
				challenged++
			case 503:
				refused++
				require.NotEmpty(t, m.header("Retry-After"))
			default:
				require.Fail(t, "another answer", m.raw)
			}
		case <-time.After(2 * time.Second):
			quiet = true
		}
	}
	t.Logf("%d REGISTERs: %d challenged, %d told to wait, %d not answered", many, challenged, refused, many-challenged-refused)
	require.Positive(t, refused)
	require.Less(t, challenged, many/2)
}

func badHTTP(t *testing.T, n *app.App) {
	agent := signIn(t, n.URL(), "agent1")
	public := &desk{t: t, base: n.URL()}
	problem := func(d *desk, status int, method, path, body string) {
		t.Helper()
		got, header, raw := d.send(method, path, strings.NewReader(body))
		require.Equal(t, status, got, "%s %s %.80s: %.300s", method, path, body, raw)
		require.Equal(t, "application/problem+json", header.Get("Content-Type"))
		var p struct {
			Status  int    `json:"status"`
			Code    string `json:"code"`
			Detail  string `json:"detail"`
			TraceID string `json:"trace_id"`
		}
		require.NoError(t, json.Unmarshal(raw, &p))
		require.Equal(t, status, p.Status)
		require.NotEmpty(t, p.Code)
		require.NotEmpty(t, p.Detail, "it says what to do")
		require.NotContains(t, string(raw), "13812345678", "what was sent is not repeated")
	}
	for _, body := range []string{
		`[]`, `"text"`, `7`, `null`, `{"appeal":[]}`, `{"appeal":{"title":7}}`, `{"citizen":{"phone":{"13812345678":1}}}`,
		`{"appeal":{"location":{"lon":"east"}}}`, `{"urgency":"13812345678"}`,
	} {
		problem(agent, http.StatusUnprocessableEntity, http.MethodPost, "/api/v1/tickets", body)
	}
	problem(agent, http.StatusBadRequest, http.MethodPost, "/api/v1/tickets", `{"appeal":`)
	problem(agent, http.StatusUnprocessableEntity, http.MethodPost, "/api/v1/tickets/20260101-000001/actions", `{"action":7}`)
	problem(public, http.StatusUnprocessableEntity, http.MethodPost, "/api/public/v1/appeals", `{"appeal":{"type":"shout"},"citizen":{"phone":"13812345678"}}`)
	huge := `{"appeal":{"description":"` + strings.Repeat("长", tenMegabytes/3) + `"}}`
	problem(agent, http.StatusRequestEntityTooLarge, http.MethodPost, "/api/v1/tickets", huge)
	problem(public, http.StatusRequestEntityTooLarge, http.MethodPost, "/api/public/v1/appeals", huge)
	problem(public, http.StatusRequestEntityTooLarge, http.MethodPost, "/api/v1/session", huge)
	problem(public, http.StatusUnauthorized, http.MethodGet, "/api/v1/tickets", "")
}

// livesOn makes an ordinary call and files an ordinary ticket.
func livesOn(t *testing.T, n *app.App) {
	node := n.Center.Addr("udp").String()
	answered := make(chan *phone.Call, 1)
	newPhone := func(o phone.Options) *phone.Phone {
		o.Registrar = node
		p, err := phone.New(o)
		require.NoError(t, err)
		require.NoError(t, p.Start(t.Context()))
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), testbed.Patience)
			defer cancel()
			require.NoError(t, p.Stop(ctx))
		})
		return p
	}
	seat := newPhone(phone.Options{User: "8001", Secret: accounts.DemoPassword, Listen: "127.0.0.73:0", OnCall: func(c *phone.Call) {
		if c.Answer() == nil {
			c.Play(media.Tone(toneSeat, -12, 0), true)
			answered <- c
		}
		<-c.Done()
	}})
	require.NoError(t, seat.Register(testbed.Within(t), time.Hour))
	agent := signIn(t, n.URL(), "agent1")
	agent.call(http.MethodPut, "/api/v1/agents/me/status", map[string]string{"status": "ready"}, nil)
	citizen := newPhone(phone.Options{User: "14200000001"})
	c, err := citizen.Dial(testbed.Within(t), "12345")
	require.NoError(t, err)
	require.NoError(t, c.WaitAnswered(testbed.Within(t)))
	require.NoError(t, c.SendDigits(testbed.Within(t), "1"))
	c.Play(media.Tone(toneCitizen, -12, 0), true)
	other := testbed.Next(t, "the seat's answer", answered)
	require.NoError(t, c.WaitTone(testbed.Within(t), toneSeat))
	require.NoError(t, other.WaitTone(testbed.Within(t), toneCitizen))
	c.Hangup()
	closed(t, c.Done())

	var filed struct {
		Number string `json:"number"`
		Code   string `json:"query_code"`
	}
	public := &desk{t: t, base: n.URL()}
	public.call(http.MethodPost, "/api/public/v1/appeals", map[string]any{
		"appeal":  map[string]any{"type": "complaint", "description": "小区门口的井盖缺失,存在安全隐患。", "district": "zhonglan"},
		"citizen": map[string]any{"name": "王先生", "phone": "14200000002"},
	}, &filed)
	require.Regexp(t, `^\d{8}-\d{6}$`, filed.Number)
	var progress struct {
		State string `json:"state"`
	}
	public.call(http.MethodGet, "/api/public/v1/appeals/"+filed.Number+"?code="+filed.Code, nil, &progress)
	require.Equal(t, "draft", progress.State)
	testbed.Await(t, "the centre to be empty", func() bool { return n.Center.Counts() == telephony.Counts{} })
}

// closed waits until a channel is closed.
func closed(t *testing.T, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(testbed.Patience):
		require.FailNow(t, "it does not end")
	}
}
