package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/cmd/city"
	"hotline/cmd/hotline/app"
	"hotline/cmd/hotline/config"
)

// node starts the whole platform on loopback, at ports that are free.
func node(t *testing.T) *app.App {
	t.Helper()
	dir := t.TempDir()
	cfg := config.Config{
		Data: dir, HTTP: "127.0.0.1:0", SIP: []string{"127.0.0.1:0"}, Store: "sqlite://" + filepath.Join(dir, "hotline.db"), Queue: "mem://",
		Search: "fts://" + filepath.Join(dir, "search.db"), Blobs: "file://" + filepath.Join(dir, "blobs"),
		Roles: []config.Role{config.SIP, config.Web, config.Worker}, RTPLow: 20000, RTPHigh: 29999,
		Trunks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Lines: []string{"12345", "12315"}, Realm: "hotline",
	}
	n := app.New(cfg, app.Options{Prepare: app.SampleCity})
	require.NoError(t, n.Start(t.Context()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		require.NoError(t, n.Stop(ctx))
	})
	return n
}

// TestTheCityIsAlive runs the people against a real node until tickets of
// callers and of online citizens have gone all the way, then ends them.
func TestTheCityIsAlive(t *testing.T) {
	n := node(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	d := New(Options{HTTPBase: n.URL(), SIPAddr: n.Center.Addr("udp").String(), Seed: 1, Rate: 20, Online: 20, Pace: 100 * time.Millisecond, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))})
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()

	closed := func(channel string) int {
		var page struct {
			Items []ticket `json:"items"`
		}
		err := d.client.do(ctx, "supervisor1", http.MethodGet, "/api/v1/tickets?limit=200&state=closed&channel="+channel, nil, &page)
		require.NoError(t, err)
		dispatched := 0
		for _, k := range page.Items {
			require.NotEmpty(t, k.Number)
			if k.Department != "" {
				dispatched++
			}
		}
		return dispatched
	}
	for closed("phone") == 0 || closed("api") == 0 {
		require.True(t, wait(ctx, 200*time.Millisecond), "nothing went all the way in five minutes")
	}
	cancel()
	require.NoError(t, <-done)
	require.Zero(t, len(d.board.calls))
}

func TestRunRefusesWhatCannotWork(t *testing.T) {
	require.ErrorContains(t, New(Options{SIPAddr: "127.0.0.1:1"}).Run(t.Context()), "address of the web server")
	require.ErrorContains(t, New(Options{HTTPBase: "http://127.0.0.1:1"}).Run(t.Context()), "call centre")
}

// Without a server the people keep trying and end when they are told to.
func TestRunOutlivesADeadServer(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- New(Options{HTTPBase: "http://127.0.0.1:1", SIPAddr: "127.0.0.1:1", Pace: 5 * time.Millisecond, Rate: 6000, Online: 6000}).Run(ctx)
	}()
	select {
	case err := <-done:
		require.Fail(t, "it gave up", "%v", err)
	case <-time.After(300 * time.Millisecond):
	}
	cancel()
	require.NoError(t, <-done)
}

func TestScriptKnowsWhatATicketIsAbout(t *testing.T) {
	s, err := newScript(3, city.Sample(), time.Date(2025, 6, 1, 0, 0, 0, 0, time.UTC))
	require.NoError(t, err)
	defer s.close()
	for range 30_000 { // more than one stretch of history holds
		c, ok := s.draw(true)
		require.True(t, ok)
		require.NotNil(t, c.Call)
	}
	c, ok := s.draw(false)
	require.True(t, ok)
	require.Nil(t, c.Call)
	s.remember("a", c)
	got, ok := s.about("", "a")
	require.True(t, ok)
	require.Equal(t, c.ID, got.ID)
	for i := range remembered {
		s.remember(fmt.Sprint(i), c)
	}
	_, ok = s.about("a")
	require.False(t, ok, "the oldest is forgotten")
	require.Len(t, s.cases, remembered)
}

func TestEveryCallerHasAVoice(t *testing.T) {
	v, err := loadVoices()
	require.NoError(t, err)
	g, err := city.New(1, city.Sample(), city.Options{Count: 2000})
	require.NoError(t, err)
	for c := range g.All() {
		require.Len(t, v.citizen(c), 3, c.Appeal.Category)
		require.Len(t, v.farewell(c), 1)
	}
	for _, name := range []string{"operator-greeting", "operator-address", "operator-note", "operator-closing", "operator-answer"} {
		require.Len(t, v.pick(name), 1, name)
	}
}

func TestBoardBringsTwoTogether(t *testing.T) {
	b := newBoard()
	var c city.Case
	c.Citizen.Phone = "14200000001"
	v, ok := b.enter(c)
	require.True(t, ok)
	_, again := b.enter(c)
	require.False(t, again, "one person makes one call at a time")
	require.Nil(t, b.meet("14200000002"))
	require.Same(t, v, b.meet("14200000001"))
	<-v.met
	b.meet("14200000001")
	v.goodbye()
	v.goodbye()
	<-v.over
	b.leave(v)
	require.Nil(t, b.meet("14200000001"))
}

func TestRefusalsAreTold(t *testing.T) {
	n := node(t)
	c := newClient(n.URL(), "wrong")
	defer c.close()
	err := c.do(t.Context(), "lead1", http.MethodGet, "/api/v1/tickets", nil, nil)
	var r *refused
	require.True(t, errors.As(err, &r))
	require.Equal(t, http.StatusUnauthorized, r.status)
	require.Equal(t, "bad_credentials", r.code)
}
