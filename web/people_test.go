package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"

	"hotline/ticketing"
	"hotline/web"
)

type page[T any] struct {
	Items []T `json:"items"`
	Total int `json:"total"`
}

func (c *client) account(r reply) web.Account {
	c.w.t.Helper()
	var a web.Account
	r.json(&a)
	return a
}

func (c *client) entries(query string) []web.LedgerEntry {
	c.w.t.Helper()
	var p page[web.LedgerEntry]
	c.get("/api/v1/ledger?limit=500&" + query).want(http.StatusOK).json(&p)
	return p.Items
}

// signIn opens a session with any credentials.
func (w *world) signIn(login, password, code string) (*client, reply) {
	w.t.Helper()
	c := w.nobody()
	r := c.send("POST", "/api/v1/session", map[string]string{"login": login, "password": password, "code": code})
	if r.Status == http.StatusCreated {
		var s web.Session
		r.json(&s)
		c.token = s.Token
	}
	return c, r
}

// TestTheThreeAdministratorsDay plays it: one makes the account, the second
// gives it its rights, the third reads what both did; and none does another's part.
func TestTheThreeAdministratorsDay(t *testing.T) {
	w := newWorld(t, nil)
	w.user("admin", "", ticketing.RoleAdmin)
	admin, security, auditor := w.as("admin"), w.as("secadmin"), w.as("auditor")

	// Morning: a new clerk. The system administrator makes the account, which may nothing.
	made := admin.account(admin.send("POST", "/api/v1/users", map[string]any{"login": "Li.Na", "name": "李娜", "department": "CG", "phone": "13911112222"}).want(http.StatusCreated))
	require.Equal(t, "li.na", made.Login)
	require.Empty(t, made.Roles)
	require.False(t, made.HasPassword)
	require.Equal(t, "139****2222", made.Phone)
	at := "/api/v1/users/" + made.ID
	security.send("POST", "/api/v1/users", map[string]any{"login": "x", "name": "x"}).problem(http.StatusForbidden, "forbidden")
	admin.send("PUT", at+"/roles", map[string]any{"version": 1, "roles": []string{"clerk"}, "reason": "x"}).problem(http.StatusForbidden, "forbidden")
	admin.send("POST", at+"/password", nil).problem(http.StatusForbidden, "forbidden")
	auditor.send("PUT", at+"/roles", map[string]any{"version": 1, "roles": []string{"clerk"}, "reason": "x"}).problem(http.StatusForbidden, "forbidden")
	auditor.send("PATCH", at, map[string]any{"version": 1, "disabled": true}).problem(http.StatusForbidden, "forbidden")
	admin.send("POST", "/api/v1/users", map[string]any{"login": "li.na", "name": "李娜二"}).problem(http.StatusConflict, "login_taken")
	admin.send("POST", "/api/v1/users", map[string]any{"login": "wang", "name": "王", "department": "NOWHERE"}).problem(http.StatusUnprocessableEntity, "invalid")

	// The security administrator grants, and nothing that cannot be.
	grant := func(c *client, id string, version int64, roles ...string) reply {
		return c.send("PUT", "/api/v1/users/"+id+"/roles", map[string]any{"version": version, "roles": roles, "reason": "入职"})
	}
	grant(security, made.ID, 1, "clerk", "admin").problem(http.StatusUnprocessableEntity, "invalid")
	grant(security, "u-agent1", 1, "admin", "auditor").problem(http.StatusUnprocessableEntity, "invalid")
	grant(security, "u-agent1", 1, "secadmin", "agent").problem(http.StatusUnprocessableEntity, "invalid")
	grant(security, made.ID, 1, "agent").problem(http.StatusUnprocessableEntity, "invalid")
	grant(security, "u-secadmin", 1, "agent").problem(http.StatusForbidden, "forbidden")
	grant(security, "u-auditor", 1, "agent").problem(http.StatusConflict, "not_open")
	require.Equal(t, []ticketing.Role{"clerk"}, security.account(grant(security, made.ID, 1, "clerk").want(http.StatusOK)).Roles)
	grant(security, made.ID, 1, "head").problem(http.StatusConflict, "conflict")
	var issued web.IssuedPassword
	security.send("POST", at+"/password", nil).want(http.StatusOK).json(&issued)

	// The clerk's first sign-in leads to a password of the own, and nowhere else.
	clerk, r := w.signIn("li.na", issued.Password, "")
	r.want(http.StatusCreated)
	clerk.get("/api/v1/tickets").problem(http.StatusForbidden, "password_change_needed")
	var me web.Me
	clerk.get("/api/v1/me").want(http.StatusOK).json(&me)
	require.Equal(t, "password_change_needed", me.Todo)
	change := func(current, next string) reply {
		return clerk.send("PUT", "/api/v1/me/password", map[string]string{"current": current, "new": next})
	}
	change("wrong", "Lamps-on-9-streets").problem(http.StatusForbidden, "bad_credentials")
	for _, bad := range []string{"short1A!", "alllettersss", "Li.Na-2026-x!", "Password-123456", "aaaaaaaaaaaaaaaaaaaa", issued.Password} {
		change(issued.Password, bad).want(http.StatusUnprocessableEntity)
	}
	change(issued.Password, "Lamps-on-9-streets").want(http.StatusNoContent)
	clerk.get("/api/v1/tickets").want(http.StatusOK)
	change("Lamps-on-9-streets", issued.Password).want(http.StatusUnprocessableEntity)

	// Noon: she moves to another department; her rights end with the old one.
	moved := admin.account(admin.send("PATCH", at, map[string]any{"version": admin.account(admin.get(at)).Version, "department": "SW"}).want(http.StatusOK))
	require.Empty(t, moved.Roles)
	clerk.get("/api/v1/tickets").problem(http.StatusUnauthorized, "unauthenticated")
	grant(security, made.ID, moved.Version, "clerk").want(http.StatusOK)

	// Evening: she leaves. The last administrator of a kind stays.
	admin.send("PATCH", "/api/v1/users/u-admin", map[string]any{"version": 1, "disabled": true}).problem(http.StatusForbidden, "forbidden")
	admin.send("PATCH", "/api/v1/users/u-secadmin", map[string]any{"version": 1, "disabled": true}).problem(http.StatusConflict, "not_open")
	admin.send("PATCH", at, map[string]any{"version": moved.Version + 1, "disabled": true}).want(http.StatusOK)
	_, r = w.signIn("li.na", "Lamps-on-9-streets", "")
	r.problem(http.StatusUnauthorized, "bad_credentials")

	// The auditor reads what the two did and not what users did; the security
	// administrator what users and the auditor did; the system administrator nothing.
	admin.get("/api/v1/ledger").problem(http.StatusForbidden, "forbidden")
	w.as("agent1").get("/api/v1/ledger").problem(http.StatusForbidden, "forbidden")
	var actions []string
	for _, e := range auditor.entries("object=user:" + made.ID) {
		actions = append(actions, e.Action)
		require.Contains(t, []string{"admin", "secadmin"}, e.Class)
		require.NotEmpty(t, e.Address)
		require.Len(t, e.Trace, 32)
	}
	require.Equal(t, []string{"user.changed", "user.granted", "user.changed", "user.password_issued", "user.granted", "user.created"}, actions)
	require.Equal(t, "入职", auditor.entries("action=user.granted")[0].Reason)
	for _, e := range security.entries("") {
		require.NotContains(t, []string{"admin", "secadmin"}, e.Class)
	}
	require.NotEmpty(t, security.entries("actor=u-auditor&action=read.ledger"), "who reads the ledger is in it")
	refused := auditor.entries("actor=u-admin&result=refused")
	require.GreaterOrEqual(t, len(refused), 4, "what the system administrator was refused is on record")
	var own []string
	for _, e := range security.entries("actor=" + made.ID) {
		own = append(own, e.Action)
	}
	require.Subset(t, own, []string{"session.opened", "user.password_changed", "session.refused", "api.tickets"})
	report, err := w.store.VerifyLedger(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, report.Findings)
	require.NotContains(t, w.log.String(), issued.Password)
	require.NotContains(t, w.log.String(), "13911112222")
}

func TestSecondFactor(t *testing.T) {
	now := time.Now()
	var offset atomic.Int64
	clock := func() time.Time { return now.Add(time.Duration(offset.Load())) }
	w := newWorld(t, func(_ *web.Deps, o *web.Options) {
		o.Now = clock
		o.SecondFactor = []ticketing.Role{ticketing.RoleSecAdmin}
		o.SignInPerLogin = web.Rate{Burst: 8, Per: time.Hour}
	})
	pass := func(d time.Duration) { offset.Add(int64(d)) }
	c := w.as("secadmin")
	c.get("/api/v1/users").problem(http.StatusForbidden, "second_factor_needed")
	c.send("PUT", "/api/v1/me/second-factor", map[string]string{"code": "123456"}).problem(http.StatusConflict, "not_open")
	var proposed web.ProposedFactor
	c.send("POST", "/api/v1/me/second-factor", nil).want(http.StatusOK).json(&proposed)
	u, err := url.Parse(proposed.URI)
	require.NoError(t, err)
	require.Equal(t, proposed.Secret, u.Query().Get("secret"))
	code := func() string {
		v, err := totp.GenerateCode(proposed.Secret, clock())
		require.NoError(t, err)
		return v
	}
	c.send("PUT", "/api/v1/me/second-factor", map[string]string{"code": "000000"}).want(http.StatusUnprocessableEntity)
	var backups web.BackupCodes
	c.send("PUT", "/api/v1/me/second-factor", map[string]string{"code": code()}).want(http.StatusOK).json(&backups)
	require.Len(t, backups.Codes, 10)
	c.get("/api/v1/users").want(http.StatusOK)
	stored, err := w.store.User(t.Context(), "u-secadmin")
	require.NoError(t, err)
	require.NotContains(t, string(stored.Second.Sealed), proposed.Secret)

	_, r := w.signIn("secadmin", password, "")
	r.problem(http.StatusUnauthorized, "second_factor_needed")
	_, r = w.signIn("secadmin", "wrong-password", code())
	r.problem(http.StatusUnauthorized, "bad_credentials")
	_, r = w.signIn("secadmin", password, code())
	r.problem(http.StatusUnauthorized, "bad_credentials") // the code that set it up is used
	pass(31 * time.Second)
	replayed := code()
	_, r = w.signIn("secadmin", password, replayed)
	r.want(http.StatusCreated)
	_, r = w.signIn("secadmin", password, replayed)
	r.problem(http.StatusUnauthorized, "bad_credentials")

	// One code, many at once: one gets in.
	pass(31 * time.Second)
	raced := code()
	var in atomic.Int32
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if _, r := w.signIn("secadmin", password, raced); r.Status == http.StatusCreated {
				in.Add(1)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 1, in.Load())

	// A backup code works once, in any case of letters.
	pass(2 * time.Hour)
	_, r = w.signIn("secadmin", password, strings.ToUpper(backups.Codes[3]))
	r.want(http.StatusCreated)
	_, r = w.signIn("secadmin", password, backups.Codes[3])
	r.problem(http.StatusUnauthorized, "bad_credentials")

	// Guessing ends soon, and says how long to wait.
	for i := range 20 {
		if _, r = w.signIn("secadmin", password, fmt.Sprintf("%06d", i)); r.Status == http.StatusTooManyRequests {
			break
		}
	}
	r.problem(http.StatusTooManyRequests, "too_many_requests")
	require.NotEmpty(t, r.Header.Get("Retry-After"))
	require.NotContains(t, w.log.String(), proposed.Secret)
}

func TestPasswordsGrowOld(t *testing.T) {
	var late atomic.Int64
	now := time.Now()
	w := newWorld(t, func(_ *web.Deps, o *web.Options) {
		o.PasswordAge = 90 * 24 * time.Hour
		o.Now = func() time.Time { return now.Add(time.Duration(late.Load())) }
	})
	u, err := w.store.User(t.Context(), "u-agent1")
	require.NoError(t, err)
	u.PasswordAt = now
	require.NoError(t, w.store.SaveUser(t.Context(), u, ticketing.Change{}))
	w.as("agent1").get("/api/v1/tickets").want(http.StatusOK)
	late.Store(int64(91 * 24 * time.Hour))
	c := w.as("agent1")
	c.get("/api/v1/tickets").problem(http.StatusForbidden, "password_change_needed")
	c.send("PUT", "/api/v1/me/password", map[string]string{"current": password, "new": "A-new-one-for-91-days"}).want(http.StatusNoContent)
	c.get("/api/v1/tickets").want(http.StatusOK)
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	w := newWorld(t, nil)
	one, two, three := w.as("agent1"), w.as("agent1"), w.as("agent1")
	var p page[web.OpenSession]
	one.get("/api/v1/me/sessions").want(http.StatusOK).json(&p)
	require.Len(t, p.Items, 3)
	current := 0
	for _, s := range p.Items {
		require.Equal(t, "password", s.Way)
		require.Equal(t, "127.0.0.1", s.Address)
		require.Contains(t, s.Agent, "Go-http-client")
		if s.Current {
			current++
			continue
		}
	}
	require.Equal(t, 1, current)
	var newest page[web.OpenSession]
	three.get("/api/v1/me/sessions").want(http.StatusOK).json(&newest)
	for _, s := range newest.Items {
		if s.Current {
			w.as("agent2").send("DELETE", "/api/v1/me/sessions/"+s.ID, nil).problem(http.StatusNotFound, "not_found")
			one.send("DELETE", "/api/v1/me/sessions/"+s.ID, nil).want(http.StatusNoContent)
		}
	}
	three.get("/api/v1/me").problem(http.StatusUnauthorized, "unauthenticated")
	two.get("/api/v1/me").want(http.StatusOK)
	security := w.as("secadmin")
	security.get("/api/v1/users/u-agent1/sessions").want(http.StatusOK).json(&p)
	require.Len(t, p.Items, 2)
	security.send("DELETE", "/api/v1/users/u-agent1/sessions", nil).want(http.StatusNoContent)
	one.get("/api/v1/me").problem(http.StatusUnauthorized, "unauthenticated")
	two.get("/api/v1/me").problem(http.StatusUnauthorized, "unauthenticated")
	// A session of before a sign-in is never taken over by it: each has a token of its own.
	again := w.as("agent1")
	require.NotEqual(t, one.token, again.token)
}

func TestKeysOfOtherSystems(t *testing.T) {
	w := newWorld(t, nil)
	security := w.as("secadmin")
	make := func(scopes, sources []string) web.NewAPIKey {
		var k web.NewAPIKey
		security.send("POST", "/api/v1/api-keys", map[string]any{"name": "省平台", "scopes": scopes, "sources": sources, "days": 30}).want(http.StatusCreated).json(&k)
		return k
	}
	w.as("agent1").send("POST", "/api/v1/api-keys", map[string]any{"name": "x", "scopes": []string{"tickets:read"}, "sources": []string{"10.0.0.1"}, "days": 1}).problem(http.StatusForbidden, "forbidden")
	security.send("POST", "/api/v1/api-keys", map[string]any{"name": "x", "scopes": []string{"everything"}, "sources": []string{"10.0.0.1"}, "days": 1}).want(http.StatusUnprocessableEntity)
	security.send("POST", "/api/v1/api-keys", map[string]any{"name": "x", "scopes": []string{"tickets:read"}, "sources": []string{"nowhere"}, "days": 1}).want(http.StatusUnprocessableEntity)
	ticket := w.as("agent1").accepted()

	read := make([]string{"tickets:read"}, []string{"127.0.0.0/8"})
	c := &client{w: w, token: read.Key}
	c.get("/api/v1/tickets").want(http.StatusOK)
	got := c.ticket(c.get("/api/v1/tickets/" + ticket.Number).want(http.StatusOK))
	require.Equal(t, "王**", got.Citizen.Name)
	for _, e := range [][2]string{{"GET", "/api/v1/stats/tickets"}, {"GET", "/api/v1/me"}, {"GET", "/api/v1/users"}, {"GET", "/api/v1/events"}, {"POST", "/api/v1/tickets/" + ticket.Number + "/reveal"}, {"GET", "/api/v1/calls"}, {"POST", "/api/public/v1/appeals"}} {
		c.send(e[0], e[1], map[string]any{}).problem(http.StatusForbidden, "scope")
	}
	file := &client{w: w, token: make([]string{"appeals:file"}, []string{"127.0.0.1"}).Key}
	file.send("POST", "/api/public/v1/appeals", map[string]any{"appeal": map[string]any{"type": "complaint", "description": "路灯不亮"}, "citizen": map[string]any{"phone": "13800001111"}}, "Idempotency-Key", "0123456789abcdef").want(http.StatusCreated)
	elsewhere := &client{w: w, token: make([]string{"tickets:read"}, []string{"10.9.0.0/16"}).Key}
	elsewhere.get("/api/v1/tickets").problem(http.StatusForbidden, "wrong_source")
	(&client{w: w, token: "hlk_" + strings.Repeat("A", 43)}).get("/api/v1/tickets").problem(http.StatusUnauthorized, "unauthenticated")

	require.NotEmpty(t, security.entries("class=key&action=read.ticket&actor=key:"+read.ID))
	require.NotEmpty(t, security.entries("class=key&action=ticket.filed"))
	security.send("DELETE", "/api/v1/api-keys/"+read.ID, nil).want(http.StatusNoContent)
	c.get("/api/v1/tickets").problem(http.StatusUnauthorized, "unauthenticated")
	require.NotContains(t, w.log.String(), read.Key)
}

func TestUnusualReading(t *testing.T) {
	w := newWorld(t, func(_ *web.Deps, o *web.Options) { o.Working = func(time.Time) bool { return false } })
	agent := w.as("agent1")
	ticket := agent.accepted()
	for range 31 {
		agent.send("POST", "/api/v1/tickets/"+ticket.Number+"/reveal", map[string]string{"reason": "核对"}).want(http.StatusOK)
	}
	u, err := w.store.User(t.Context(), "u-agent2")
	require.NoError(t, err)
	u.Phone = "13812345678"
	require.NoError(t, w.store.SaveUser(t.Context(), u, ticketing.Change{}))
	w.as("agent2").send("POST", "/api/v1/tickets/"+ticket.Number+"/reveal", map[string]string{"reason": "看看"}).want(http.StatusOK)
	w.as("dispatcher1").send("POST", "/api/v1/tickets/"+ticket.Number+"/actions", map[string]any{"action": "dispatch", "department": "CG", "reason": "路灯"}).want(http.StatusOK)
	w.as("clerk-cg").send("POST", "/api/v1/tickets/"+ticket.Number+"/reveal", map[string]string{"reason": "联系"}).want(http.StatusOK)
	stranger := w.as("clerk-sw")
	asked := []string{"ticket:" + ticket.ID}
	for range 5 {
		stranger.get("/api/v1/tickets/"+strings.TrimPrefix(asked[len(asked)-1], "ticket:")).problem(http.StatusNotFound, "not_found")
		asked = append(asked, "ticket:"+agent.accepted().ID)
	}
	agent.get("/api/v1/ledger/unusual").problem(http.StatusForbidden, "forbidden")
	var p page[web.Suspicion]
	w.as("auditor").get("/api/v1/ledger/unusual").want(http.StatusOK).json(&p)
	found := map[string]int{}
	for _, s := range p.Items {
		found[s.Kind+" "+s.User] = s.Count
		require.Subset(t, asked, s.Objects)
	}
	require.Equal(t, map[string]int{"many u-agent1": 31, "own u-agent2": 1, "after_hours u-clerk-CG": 1, "refused u-clerk-SW": 5}, found)
}
