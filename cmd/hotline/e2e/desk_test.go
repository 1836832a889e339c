package e2e

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/cmd/hotline/testbed"

	"hotline/cmd/hotline/accounts"
)

// desk is one user's session with the HTTP API.
type desk struct {
	t     *testing.T
	base  string
	token string
	user  string // id
}

func signIn(t *testing.T, base, login string) *desk {
	t.Helper()
	d := &desk{t: t, base: base}
	var out struct {
		Token string `json:"token"`
		User  struct {
			ID string `json:"id"`
		} `json:"user"`
	}
	d.call(http.MethodPost, "/api/v1/session", map[string]string{"login": login, "password": accounts.DemoPassword}, &out)
	d.token, d.user = out.Token, out.User.ID
	return d
}

// send makes a request and returns what came.
func (d *desk) send(method, path string, body io.Reader) (status int, header http.Header, raw []byte) {
	d.t.Helper()
	req, err := http.NewRequestWithContext(testbed.Within(d.t), method, d.base+path, body)
	require.NoError(d.t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", rand.Text())
	if d.token != "" {
		req.Header.Set("Authorization", "Bearer "+d.token)
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(d.t, err)
	defer func() { _ = res.Body.Close() }()
	raw, err = io.ReadAll(res.Body)
	require.NoError(d.t, err)
	return res.StatusCode, res.Header, raw
}

// call makes a request that must succeed.
func (d *desk) call(method, path string, in, out any) {
	d.t.Helper()
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		require.NoError(d.t, err)
		body = bytes.NewReader(raw)
	}
	status, _, raw := d.send(method, path, body)
	require.Less(d.t, status, 300, "%s %s: %s", method, path, raw)
	if out != nil {
		require.NoError(d.t, json.Unmarshal(raw, out), "%s", raw)
	}
}

// live is an event as the stream told it.
type live struct {
	Type string    `json:"type"`
	ID   string    `json:"id"`
	At   time.Time `json:"at"`
	came time.Time
}

// listen opens the user's stream of live events.
func (d *desk) listen() <-chan live {
	d.t.Helper()
	ctx, cancel := context.WithCancel(d.t.Context())
	d.t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.base+"/api/v1/events", nil)
	require.NoError(d.t, err)
	req.Header.Set("Authorization", "Bearer "+d.token)
	res, err := http.DefaultClient.Do(req)
	require.NoError(d.t, err)
	require.Equal(d.t, http.StatusOK, res.StatusCode)
	out := make(chan live, 1000)
	go func() {
		defer close(out)
		defer func() { _ = res.Body.Close() }()
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			data, ok := strings.CutPrefix(lines.Text(), "data:")
			e := live{came: time.Now()}
			if ok && json.Unmarshal([]byte(data), &e) == nil && e.Type != "" {
				out <- e
			}
		}
	}()
	return out
}

// await takes events until one of a type comes.
func awaitLive(t *testing.T, events <-chan live, kind string) live {
	t.Helper()
	for {
		if e := testbed.Next(t, kind, events); e.Type == kind {
			return e
		}
	}
}

// ticket is a work order as the API shows it.
type ticket struct {
	ID      string `json:"id"`
	Number  string `json:"number"`
	Version int64  `json:"version"`
	State   string `json:"state"`
	Channel string `json:"channel"`
	Line    string `json:"line"`
	Digit   string `json:"digit"`
	Appeal  struct {
		Type string `json:"type"`
	} `json:"appeal"`
	Citizen struct {
		Phone string `json:"phone"`
	} `json:"citizen"`
	Department  string `json:"department"`
	Assignments []struct {
		Department   string    `json:"department"`
		DispatchedAt time.Time `json:"dispatched_at"`
		DispatchedBy string    `json:"dispatched_by"`
	} `json:"assignments"`
	Clocks     []clock   `json:"clocks"`
	Calls      []string  `json:"calls"`
	AcceptedAt time.Time `json:"accepted_at"`
}

type clock struct {
	Name      string    `json:"name"`
	State     string    `json:"state"`
	Running   bool      `json:"running"`
	StartedAt time.Time `json:"started_at"`
	YellowAt  time.Time `json:"yellow_at"`
	RedAt     time.Time `json:"red_at"`
	DueAt     time.Time `json:"due_at"`
	StoppedAt time.Time `json:"stopped_at"`
}

func (k ticket) clock(t *testing.T, name string) clock {
	t.Helper()
	for _, c := range k.Clocks {
		if c.Name == name {
			return c
		}
	}
	require.FailNow(t, "the ticket has no clock "+name)
	return clock{}
}

// call is a call record as the API shows it.
type call struct {
	ID         string    `json:"id"`
	Caller     string    `json:"caller"`
	Line       string    `json:"line"`
	Digit      string    `json:"digit"`
	Seat       string    `json:"seat"`
	User       string    `json:"user"`
	StartedAt  time.Time `json:"started_at"`
	AnsweredAt time.Time `json:"answered_at"`
	QueuedAt   time.Time `json:"queued_at"`
	RingingAt  time.Time `json:"ringing_at"`
	SeatAt     time.Time `json:"seat_at"`
	BridgedAt  time.Time `json:"bridged_at"`
	EndedAt    time.Time `json:"ended_at"`
	TalkMS     int64     `json:"talk_ms"`
	EndedBy    string    `json:"ended_by"`
	Cause      string    `json:"cause"`
	Legs       []struct {
		Party    string `json:"party"`
		Codec    string `json:"codec"`
		Received int64  `json:"received"`
		Sent     int64  `json:"sent"`
		Lost     int64  `json:"lost"`
	} `json:"legs"`
	Recording struct {
		State      string `json:"state"`
		DurationMS int64  `json:"duration_ms"`
	} `json:"recording"`
}
