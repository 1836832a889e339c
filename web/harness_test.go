package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"hotline/search"
	"hotline/search/ftsindex"
	alertstore "hotline/search/sqlstore"
	"hotline/ticketing"
	"hotline/ticketing/keyring"
	"hotline/ticketing/routing"
	"hotline/ticketing/sla"
	"hotline/ticketing/sqlstore"
	"hotline/web"
)

const password = "hotline-test"

var keys = func() *keyring.Ring {
	ring, err := keyring.Random()
	if err != nil {
		panic(err)
	}
	return ring
}()

// world is a server on a real database and a real index; only the call centre is made up.
type world struct {
	t       *testing.T
	store   *sqlstore.Store
	service *ticketing.Service
	index   *search.Index
	alerts  *alertstore.Store
	calls   *centre
	server  *web.Server
	base    string
	log     *lockedBuffer
	hash    string
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func testCity() ticketing.City {
	return ticketing.City{
		Name:      "测试市",
		Districts: []ticketing.District{{Code: "TN", Name: "天宁区"}, {Code: "TN1", Name: "兰陵街道", Parent: "TN"}},
		Departments: []ticketing.Department{
			{Code: "CG", Name: "城管局"}, {Code: "CG1", Name: "城管一大队", Parent: "CG"}, {Code: "SW", Name: "水务局"},
		},
		Categories: []ticketing.Category{{Code: "A", Name: "市容"}, {Code: "A1", Name: "路灯", Parent: "A"}, {Code: "B", Name: "供水"}, {Code: "B1", Name: "停水", Parent: "B"}},
		Catalogue:  ticketing.Catalogue{Version: 1, Entries: []ticketing.CatalogueEntry{{Category: "A1", Department: "CG"}, {Category: "B1", Department: "SW"}}},
	}
}

func rules(c ticketing.City) (ticketing.Rules, error) {
	keeper, err := sla.FromCity(c)
	if err != nil {
		return ticketing.Rules{}, err
	}
	return ticketing.Rules{Clocks: keeper, Router: routing.New(c)}, nil
}

func newWorld(t *testing.T, change func(*web.Deps, *web.Options)) *world {
	t.Helper()
	ctx := context.Background()
	dir := t.TempDir()
	store, err := sqlstore.Open(ctx, "sqlite://"+filepath.Join(dir, "hotline.db"), sqlstore.Options{Keys: keys})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	driver, err := ftsindex.Open(ctx, "fts://"+filepath.Join(dir, "search.db"), ftsindex.Options{})
	require.NoError(t, err)
	index := search.New(driver, search.Options{})
	t.Cleanup(func() { require.NoError(t, index.Close()) })
	w := &world{t: t, store: store, index: index, calls: newCentre(), log: &lockedBuffer{}, service: ticketing.NewService(store, rules, ticketing.Options{})}
	require.NoError(t, w.service.ImportCity(ctx, ticketing.SystemActor(), testCity()))
	w.hash, err = web.HashPassword(password)
	require.NoError(t, err)
	w.user("agent1", "", ticketing.RoleAgent)
	w.user("agent2", "", ticketing.RoleAgent)
	w.user("lead1", "", ticketing.RoleLead)
	w.user("dispatcher1", "", ticketing.RoleDispatcher)
	w.user("qc1", "", ticketing.RoleQC)
	w.user("auditor", "", ticketing.RoleAuditor)
	w.user("secadmin", "", ticketing.RoleSecAdmin)
	w.user("clerk-CG", "CG", ticketing.RoleClerk)
	w.user("clerk-SW", "SW", ticketing.RoleClerk)
	w.user("head-CG", "CG", ticketing.RoleHead)
	w.alerts, err = alertstore.New(ctx, store.DB())
	require.NoError(t, err)
	registry := prometheus.NewRegistry()
	deps := web.Deps{Tickets: w.service, Users: store, Ledger: w.service, Keys: keys, Live: store, Index: index, Alerts: w.alerts, Lists: w.alerts, Saved: w.alerts, Topics: w.alerts, Gatherer: w.gatherer(), Calls: w.calls, Metrics: registry,
		Health: func(ctx context.Context) map[string]error { return map[string]error{"search": index.Ready(ctx)} }}
	opts := web.Options{Addr: "127.0.0.1:0", Registerer: registry, Log: slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	if change != nil {
		change(&deps, &opts)
	}
	w.server, err = web.New(deps, opts)
	require.NoError(t, err)
	require.NoError(t, w.server.Start(ctx))
	t.Cleanup(func() {
		stop, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		require.NoError(t, w.server.Stop(stop))
	})
	w.base = "http://" + w.server.Addr().String()
	return w
}

func (w *world) user(login, department string, roles ...ticketing.Role) {
	w.t.Helper()
	seat := ""
	if strings.HasPrefix(login, "agent") {
		seat = "800" + login[len(login)-1:]
	}
	require.NoError(w.t, w.store.SaveUser(context.Background(), ticketing.User{
		ID: "u-" + login, Login: strings.ToLower(login), Name: "用户 " + login, Roles: roles, Department: department, Seat: seat, PasswordHash: w.hash, CreatedAt: time.Now(),
	}, ticketing.Change{}))
}

// reply is an answer with its body read.
type reply struct {
	t      *testing.T
	Status int
	Header http.Header
	Body   []byte
}

func (r reply) json(into any) {
	r.t.Helper()
	require.NoError(r.t, json.Unmarshal(r.Body, into), string(r.Body))
}

func (r reply) want(status int) reply {
	r.t.Helper()
	require.Equal(r.t, status, r.Status, string(r.Body))
	return r
}

// problem checks that a refusal has the whole shape of one.
func (r reply) problem(status int, code string) web.Problem {
	r.t.Helper()
	require.Equal(r.t, status, r.Status, string(r.Body))
	require.Equal(r.t, "application/problem+json", r.Header.Get("Content-Type"))
	var p web.Problem
	r.json(&p)
	require.Equal(r.t, code, p.Code, string(r.Body))
	require.Equal(r.t, status, p.Status)
	require.NotEmpty(r.t, p.Detail)
	require.NotEmpty(r.t, p.Title)
	require.Len(r.t, p.TraceID, 32)
	require.Equal(r.t, p.TraceID, r.Header.Get("X-Trace-Id"))
	require.Equal(r.t, "nosniff", r.Header.Get("X-Content-Type-Options"))
	return p
}

// client is one signed-in person, or nobody.
type client struct {
	w     *world
	token string
	http  http.Client
}

func (w *world) nobody() *client { return &client{w: w} }

// as opens a session without the cost of a password.
func (w *world) as(login string) *client {
	w.t.Helper()
	c := w.nobody()
	var s web.Session
	c.send("POST", "/api/v1/session", map[string]string{"login": login, "password": password}).want(http.StatusCreated).json(&s)
	c.token = s.Token
	return c
}

func (c *client) send(method, path string, body any, headers ...string) reply {
	c.w.t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case []byte:
		r = bytes.NewReader(b)
	case string:
		r = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		require.NoError(c.w.t, err)
		r = bytes.NewReader(raw)
	}
	req, err := http.NewRequest(method, c.w.base+path, r)
	require.NoError(c.w.t, err)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.http.Do(req)
	require.NoError(c.w.t, err, "%s %s", method, path)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(c.w.t, err)
	return reply{t: c.w.t, Status: resp.StatusCode, Header: resp.Header, Body: b}
}

func (c *client) get(path string) reply { c.w.t.Helper(); return c.send("GET", path, nil) }

func (c *client) ticket(r reply) web.Ticket {
	c.w.t.Helper()
	var t web.Ticket
	r.json(&t)
	return t
}

var draftBody = map[string]any{
	"line": "12345", "appeal": map[string]any{"type": "complaint", "title": "路灯不亮", "description": "兴隆街12号路灯三天不亮", "category": "A1", "district": "TN", "address": "兴隆街12号"},
	"citizen": map[string]any{"name": "王建国", "phone": "13812345678"}, "urgency": "normal",
}

// accepted opens and accepts a ticket.
func (c *client) accepted() web.Ticket {
	c.w.t.Helper()
	t := c.ticket(c.send("POST", "/api/v1/tickets", draftBody).want(http.StatusCreated))
	return c.ticket(c.send("POST", "/api/v1/tickets/"+t.ID+"/actions", map[string]any{"action": "accept", "version": t.Version}).want(http.StatusOK))
}

// builtPages are pages as the UI's build leaves them.
var builtPages = fstest.MapFS{
	"desk.html": {Data: []byte("<!doctype html><title>desk</title>" + strings.Repeat(" ", 500))}, "portal.html": {Data: []byte("<!doctype html><title>portal</title>")},
	"wall.html": {Data: []byte("<!doctype html><title>wall</title>")}, "assets/app-1a2b.js": {Data: []byte("console.log(1)")}, ".gitkeep": {Data: []byte("x")},
}
