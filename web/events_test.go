package web_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/ticketing"
	"hotline/web"
)

// sse is one open stream.
type sse struct {
	t    *testing.T
	resp *http.Response
	r    *bufio.Reader
	end  context.CancelFunc
}

type message struct{ id, name, data string }

func (c *client) listen(headers ...string) *sse {
	c.w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.w.base+"/api/v1/events", nil)
	require.NoError(c.w.t, err)
	req.Header.Set("Authorization", "Bearer "+c.token)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultTransport.(*http.Transport).Clone().RoundTrip(req)
	require.NoError(c.w.t, err)
	s := &sse{t: c.w.t, resp: resp, r: bufio.NewReader(resp.Body), end: cancel}
	c.w.t.Cleanup(s.close)
	return s
}

func (s *sse) close() { s.end(); _ = s.resp.Body.Close() }

// next reads one message; ok is false when the stream has ended.
func (s *sse) next() (m message, ok bool) {
	s.t.Helper()
	for {
		line, err := s.r.ReadString('\n')
		if err != nil {
			return m, false
		}
		line = strings.TrimSuffix(line, "\n")
		field, value, _ := strings.Cut(line, ": ")
		switch field {
		case "id":
			m.id = value
		case "event":
			m.name = value
		case "data":
			m.data = value
		case "":
			if m.data != "" {
				return m, true
			}
		}
	}
}

// until reads on to the next message of a name; "" are ordinary events.
func (s *sse) until(name string) message {
	s.t.Helper()
	for {
		m, ok := s.next()
		require.True(s.t, ok, "the stream ended before %q", name)
		if m.name == name {
			return m
		}
	}
}

func (m message) live(t *testing.T) (e web.LiveEvent) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(m.data), &e))
	return e
}

func TestLiveEvents(t *testing.T) {
	w := newWorld(t, nil)
	agent, clerk := w.as("agent1"), w.as("clerk-CG")
	s := agent.listen()
	require.Equal(t, http.StatusOK, s.resp.StatusCode)
	require.Equal(t, "text/event-stream; charset=utf-8", s.resp.Header.Get("Content-Type"))
	hello := s.until("heartbeat")
	var beat struct {
		Now time.Time `json:"now"`
	}
	require.NoError(t, json.Unmarshal([]byte(hello.data), &beat))
	require.WithinDuration(t, time.Now(), beat.Now, 10*time.Second)
	require.Empty(t, hello.id, "a heartbeat does not move Last-Event-ID")
	second := agent.listen() // another tab
	second.until("heartbeat")
	department := clerk.listen()
	department.until("heartbeat")

	tk := agent.ticket(agent.send("POST", "/api/v1/tickets", draftBody).want(http.StatusCreated))
	m := s.until("")
	e := m.live(t)
	require.Equal(t, "ticket.created", e.Type)
	require.Equal(t, tk.ID, e.ID)
	require.NotContains(t, m.data, "138")
	require.Equal(t, m.data, second.until("").data)

	// An offer goes to one person; the department hears only of its own.
	require.NoError(t, w.service.OfferDraft(context.Background(), ticketing.SystemActor(), tk.ID, "c9", "u-agent1"))
	require.Equal(t, "call.offered", s.until("").live(t).Type)
	other := w.as("agent2").listen("Last-Event-ID", m.id)
	require.NoError(t, w.store.PublishLive(context.Background(), ticketing.LiveEvent{Type: "queue.changed", Subject: "q", Audience: "staff", At: time.Now()}))
	require.Equal(t, "queue.changed", other.until("").live(t).Type)
	require.NoError(t, w.store.PublishLive(context.Background(), ticketing.LiveEvent{Type: "ticket.changed", Subject: "its-own", Audience: "department:CG1", At: time.Now()}))
	require.Equal(t, "its-own", department.until("").live(t).ID)
}

func TestReplayResyncAndEnd(t *testing.T) {
	w := newWorld(t, nil)
	ctx := context.Background()
	agent := w.as("agent1")
	s := agent.listen()
	s.until("heartbeat")
	publish := func(i int) {
		require.NoError(t, w.store.PublishLive(ctx, ticketing.LiveEvent{Type: "ticket.changed", Subject: fmt.Sprint(i), Version: int64(i), Audience: "staff", At: time.Now()}))
	}
	publish(1)
	last := s.until("").id
	s.close()
	for i := 2; i <= 40; i++ {
		publish(i)
	}
	again := agent.listen("Last-Event-ID", last)
	for i := 2; i <= 40; i++ {
		require.Equal(t, fmt.Sprint(i), again.until("").live(t).ID, "in order, none twice, none lost")
	}
	publish(41)
	require.Equal(t, "41", again.until("").live(t).ID)

	for _, lost := range []string{"999999999", "-1", "not-an-id", "99999999999999999999"} {
		l := agent.listen("Last-Event-ID", lost)
		m, ok := l.next()
		require.True(t, ok)
		require.Equal(t, "resync", m.name, lost)
		l.close()
	}
	// Sign-out ends the session's streams.
	agent.send("DELETE", "/api/v1/session", nil).want(http.StatusNoContent)
	for {
		if _, ok := again.next(); !ok {
			break
		}
	}
	require.NoError(t, w.server.Stop(ctx), "no stream keeps the server from stopping")
}

func TestStreamsPerUserAreBounded(t *testing.T) {
	w := newWorld(t, func(_ *web.Deps, o *web.Options) { o.StreamsPerUser = 2 })
	agent := w.as("agent1")
	one, two := agent.listen(), agent.listen()
	one.until("heartbeat")
	two.until("heartbeat")
	agent.get("/api/v1/events").problem(http.StatusTooManyRequests, "too_many_requests")
	w.as("agent2").listen().until("heartbeat")
}

func TestRevokedSessionEndsItsStream(t *testing.T) {
	w := newWorld(t, func(_ *web.Deps, o *web.Options) { o.Heartbeat = 50 * time.Millisecond })
	agent := w.as("agent1")
	s := agent.listen()
	s.until("heartbeat")
	require.NoError(t, w.store.RevokeSessions(context.Background(), "u-agent1", time.Now()))
	for {
		if _, ok := s.next(); !ok {
			return
		}
	}
}

// A client that reads nothing must neither hold others up nor make the server
// keep what it does not take.
func TestSlowClientIsDroppedAndOthersAreServed(t *testing.T) {
	w := newWorld(t, func(_ *web.Deps, o *web.Options) { o.StreamBuffer = 16 })
	ctx := context.Background()
	agent := w.as("agent1")
	slow, err := net.Dial("tcp", w.server.Addr().String())
	require.NoError(t, err)
	defer slow.Close()
	require.NoError(t, slow.(*net.TCPConn).SetReadBuffer(4096))
	_, err = fmt.Fprintf(slow, "GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", agent.token)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return strings.Contains(metric(w, "hotline_live_streams"), " 1") }, 20*time.Second, 10*time.Millisecond)

	fast := w.as("agent2").listen()
	fast.until("heartbeat")
	padding := json.RawMessage(`"` + strings.Repeat("x", 60_000) + `"`)
	sent := 0
	for ; strings.Contains(metric(w, "hotline_live_streams"), " 2"); sent++ {
		require.Less(t, sent, 5000, "the slow client was never dropped")
		require.NoError(t, w.store.PublishLive(ctx, ticketing.LiveEvent{Type: "ticket.changed", Subject: fmt.Sprint(sent), Audience: "staff", Data: padding, At: time.Now()}))
		require.Equal(t, fmt.Sprint(sent), fast.until("").live(t).ID)
	}
	require.Positive(t, sent)
	require.Contains(t, w.log.String(), "too slow")
}

func metric(w *world, name string) string {
	w.t.Helper()
	for _, line := range strings.Split(string(w.nobody().get("/metrics").want(http.StatusOK).Body), "\n") {
		if strings.HasPrefix(line, name) {
			return line
		}
	}
	return ""
}
