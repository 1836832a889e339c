package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
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
	"hotline/telephony"
	"hotline/ticketing"
	"hotline/ticketing/routing"
	"hotline/ticketing/sla"
	"hotline/ticketing/sqlstore"
	"hotline/web"
)

const password = "hotline-test"

// world is a server on a real database and a real index; only the call centre is made up.
type world struct {
	t       *testing.T
	store   *sqlstore.Store
	service *ticketing.Service
	index   *search.Index
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
	store, err := sqlstore.Open(ctx, "sqlite://"+filepath.Join(dir, "hotline.db"), sqlstore.Options{})
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
	registry := prometheus.NewRegistry()
	deps := web.Deps{Tickets: w.service, Users: store, Live: store, Index: index, Calls: w.calls, Metrics: registry,
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
	}))
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

// centre is a call centre with the calls it is given.
type centre struct {
	mu       sync.Mutex
	calls    map[string]telephony.CDR
	sound    []byte
	hungUp   []string
	statuses []string
	skills   map[string]telephony.Skills
	told     []string // transfers and supervision
	block    telephony.Block
}

func newCentre() *centre {
	at := time.Date(2026, 11, 22, 6, 0, 0, 123e6, time.UTC)
	return &centre{sound: bytes.Repeat([]byte("RIFFdata"), 5000), calls: map[string]telephony.CDR{
		"c1": {ID: "c1", Direction: telephony.Inbound, Caller: "13812345678", Called: "12345", Line: "12345", Seat: "8001", User: "u-agent1", StartedAt: at, QueuedAt: at.Add(time.Second), SeatAt: at.Add(4 * time.Second), BridgedAt: at.Add(4 * time.Second)},
		"c2": {ID: "c2", Direction: telephony.Inbound, Caller: "13900001111", Line: "12345", User: "u-agent2", StartedAt: at, EndedAt: at.Add(time.Minute), EndedBy: telephony.PartyCaller},
	}}
}

func (c *centre) Calls(_ context.Context, f telephony.CallFilter) (telephony.CallPage, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var p telephony.CallPage
	for _, id := range []string{"c1", "c2"} {
		if cdr := c.calls[id]; f.User == "" || f.User == cdr.User {
			p.Items = append(p.Items, cdr)
		}
	}
	p.Total = len(p.Items)
	return p, nil
}

func (c *centre) Call(_ context.Context, id string) (telephony.CDR, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cdr, ok := c.calls[id]
	if !ok {
		return cdr, fmt.Errorf("call: %w", telephony.ErrNotFound)
	}
	return cdr, nil
}

func (c *centre) offer(id, user string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cdr := c.calls[id]
	cdr.Offers = append(cdr.Offers, telephony.Offered{Seat: "8002", User: user})
	c.calls[id] = cdr
}

type sound struct{ *bytes.Reader }

func (sound) Close() error { return nil }

func (c *centre) Recording(ctx context.Context, id string) (io.ReadSeekCloser, telephony.Recording, error) {
	if _, err := c.Call(ctx, id); err != nil {
		return nil, telephony.Recording{}, err
	}
	return sound{bytes.NewReader(c.sound)}, telephony.Recording{State: telephony.RecordingStored, SHA256: "abc"}, nil
}

func (c *centre) Hangup(_ context.Context, id, user string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hungUp = append(c.hungUp, id+" by "+user)
	cdr := c.calls[id]
	cdr.EndedAt = time.Now()
	c.calls[id] = cdr
	return nil
}

func (c *centre) AddParty(_ context.Context, id, number, user string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cdr, ok := c.calls[id]
	if !ok || !cdr.EndedAt.IsZero() {
		return "", telephony.ErrConflict
	}
	cdr.Parties = append(cdr.Parties, telephony.Added{ID: "1", Number: number, User: user, CalledAt: time.Now()})
	c.calls[id] = cdr
	return "1", nil
}

func (c *centre) DropParty(_ context.Context, id, party, user string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.calls[id].Parties {
		if p := &c.calls[id].Parties[i]; p.ID == party {
			p.DroppedBy, p.LeftAt = user, time.Now()
			return nil
		}
	}
	return telephony.ErrNotFound
}

func (c *centre) Transfer(_ context.Context, id, number, user string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if number == "8009" {
		return telephony.ErrConflict
	}
	c.told = append(c.told, fmt.Sprintf("transfer %s to %s by %s", id, number, user))
	return nil
}

func (c *centre) AskRating(_ context.Context, id, user string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told = append(c.told, fmt.Sprintf("rating of %s asked by %s", id, user))
	return nil
}

func (c *centre) Supervise(_ context.Context, id, user, seat string, how telephony.Supervision) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.calls[id]; !ok {
		return "", telephony.ErrNotFound
	}
	c.told = append(c.told, fmt.Sprintf("%s %s by %s at %s", how, id, user, seat))
	return "1", nil
}

func (c *centre) SetSupervision(_ context.Context, id, party, user string, how telephony.Supervision) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if party != "1" {
		return telephony.ErrNotFound
	}
	c.told = append(c.told, fmt.Sprintf("%s %s/%s by %s", how, id, party, user))
	return nil
}

func (c *centre) EndSupervision(ctx context.Context, id, party, user string) error {
	return c.SetSupervision(ctx, id, party, user, "end")
}

func (c *centre) TakeOver(ctx context.Context, id, party string) error {
	return c.SetSupervision(ctx, id, party, "", "take over")
}

func (c *centre) ProposeBlock(_ context.Context, id, user, reason string) (telephony.Block, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.block = telephony.Block{ID: "b1", Caller: c.calls[id].Caller, CallID: id, Reason: reason, ProposedBy: user, ProposedAt: time.Now()}
	return c.block, nil
}

func (c *centre) ConfirmBlock(_ context.Context, id, lead string, term time.Duration) (telephony.Block, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if id != "b1" {
		return telephony.Block{}, telephony.ErrNotFound
	}
	c.block.ConfirmedBy, c.block.Until = lead, time.Now().Add(term)
	return c.block, nil
}

func (c *centre) LiftBlock(_ context.Context, _, lead, reason string) (telephony.Block, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.block.LiftedAt.IsZero() {
		return c.block, telephony.ErrConflict
	}
	c.block.LiftedBy, c.block.LiftedAt, c.block.LiftReason = lead, time.Now(), reason
	return c.block, nil
}

func (c *centre) Blocks(context.Context, telephony.BlockFilter) (telephony.BlockPage, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return telephony.BlockPage{Items: []telephony.Block{c.block}, Total: 1}, nil
}

func (c *centre) PauseRecording(_ context.Context, id, user string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	cdr, ok := c.calls[id]
	if !ok || !cdr.EndedAt.IsZero() {
		return telephony.ErrConflict
	}
	cdr.Pauses = append(cdr.Pauses, telephony.Pause{From: time.Now(), By: user})
	c.calls[id] = cdr
	return nil
}

func (c *centre) ResumeRecording(_ context.Context, id, user string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.calls[id].Pauses {
		c.calls[id].Pauses[i].To, c.calls[id].Pauses[i].ResumedBy = time.Now(), user
	}
	return nil
}

func (c *centre) SetStatus(_ context.Context, user, seat string, s telephony.Status) error {
	if seat == "9999" {
		return telephony.ErrNotFound
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.statuses = append(c.statuses, fmt.Sprintf("%s %s %s %s", user, seat, s.Presence, s.Reason))
	return nil
}

func (c *centre) ForceStatus(ctx context.Context, lead, seat string, s telephony.Status) error {
	return c.SetStatus(ctx, "by "+lead, seat, s)
}

func (c *centre) SetSkills(_ context.Context, user string, s telephony.Skills, lead string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s["a b"] != 0 {
		return telephony.ErrInvalid
	}
	c.skills = map[string]telephony.Skills{user: s}
	return nil
}

func (c *centre) Skills(context.Context) (map[string]telephony.Skills, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.skills, nil
}

func (c *centre) Agents() []telephony.AgentState {
	return []telephony.AgentState{{Seat: "8001", User: "u-agent1", Presence: telephony.Ready, Registered: true}}
}

func (c *centre) Queues() []telephony.QueueState {
	return []telephony.QueueState{{Name: "default", Waiting: 1, Callers: []telephony.QueueCaller{{CallID: "c9", Position: 1, Since: time.Now()}}}}
}

func (c *centre) Lines() []telephony.Line {
	return []telephony.Line{{Number: "12345", Name: "12345", Queue: "default"}}
}

func (c *centre) Missed(context.Context, telephony.MissedFilter) (telephony.MissedPage, error) {
	return telephony.MissedPage{Items: []telephony.MissedCall{{CallID: "c3", Caller: "13700002222", Line: "12345", Waited: 1500 * time.Millisecond}}, Total: 1}, nil
}

func (c *centre) HandleMissed(_ context.Context, id, _ string) error {
	if id != "c3" {
		return telephony.ErrConflict
	}
	return nil
}

func (c *centre) Stats(_ context.Context, from, to time.Time, opts telephony.StatsOptions) (telephony.CallStats, error) {
	return telephony.CallStats{From: from, To: to, Total: telephony.CallFigures{Calls: 3, Queued: 2, Answered: 1, WaitTotal: 3 * time.Second},
		Seats: map[string]telephony.CallFigures{"=8001": {Queued: 2}}}, nil
}

// builtPages are pages as the UI's build leaves them.
var builtPages = fstest.MapFS{
	"desk.html": {Data: []byte("<!doctype html><title>desk</title>" + strings.Repeat(" ", 500))}, "portal.html": {Data: []byte("<!doctype html><title>portal</title>")},
	"wall.html": {Data: []byte("<!doctype html><title>wall</title>")}, "assets/app-1a2b.js": {Data: []byte("console.log(1)")}, ".gitkeep": {Data: []byte("x")},
}
