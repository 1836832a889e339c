package web_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/ticketing"
	"hotline/web"
)

// TestAForeignCookieIsNotTakenOver: who plants a session in a browser does not get the one that begins there.
func TestAForeignCookieIsNotTakenOver(t *testing.T) {
	w := newWorld(t, nil)
	planted := "planted-token-of-somebody-else-000000000000"
	r := w.nobody().send("POST", "/api/v1/session", map[string]string{"login": "agent1", "password": password}, "Cookie", "hotline_session="+planted)
	r.want(http.StatusCreated)
	require.NotContains(t, r.Header.Get("Set-Cookie"), planted)
	w.nobody().send("GET", "/api/v1/me", nil, "Cookie", "hotline_session="+planted).problem(http.StatusUnauthorized, "unauthenticated")
	// And a session that was there before a sign-in is another one after it.
	first := w.as("agent1")
	second := w.nobody()
	var s web.Session
	second.send("POST", "/api/v1/session", map[string]string{"login": "agent1", "password": password}, "Cookie", "hotline_session="+first.token).want(http.StatusCreated).json(&s)
	require.NotEqual(t, first.token, s.Token)
}

// TestWhoIsThereIsNotTold: an unknown login, a wrong password, a disabled account
// and one without a password all get one answer.
func TestWhoIsThereIsNotTold(t *testing.T) {
	w := newWorld(t, func(_ *web.Deps, o *web.Options) { o.SignInPerAddress = web.Rate{Burst: 100, Per: time.Second} })
	for _, u := range []ticketing.User{{ID: "off", Login: "off", Name: "x", PasswordHash: w.hash, Disabled: true}, {ID: "none", Login: "none", Name: "x"}} {
		u.CreatedAt = time.Now()
		require.NoError(t, w.store.SaveUser(t.Context(), u, ticketing.Change{}))
	}
	var answers []string
	for _, c := range [][2]string{{"nobody-at-all", password}, {"agent1", "wrong"}, {"off", password}, {"none", password}, {"none", ""}, {"a\u0000b", password}} {
		r := w.nobody().send("POST", "/api/v1/session", map[string]string{"login": c[0], "password": c[1]})
		if c[1] == "" {
			r.problem(http.StatusUnprocessableEntity, "invalid")
			continue
		}
		p := r.problem(http.StatusUnauthorized, "bad_credentials")
		p.TraceID = ""
		answers = append(answers, p.Detail+p.Title+p.Type)
		require.Empty(t, r.Header.Get("Set-Cookie"))
	}
	require.Len(t, slices.Compact(answers), 1)
}

// TestNobodyReachesAnothersTicketByItsName asks every address that names a ticket,
// as a department that has nothing to do with it.
func TestNobodyReachesAnothersTicketByItsName(t *testing.T) {
	w := newWorld(t, nil)
	ticket := w.as("agent1").accepted()
	w.as("dispatcher1").send("POST", "/api/v1/tickets/"+ticket.Number+"/actions", map[string]any{"action": "dispatch", "department": "CG", "reason": "路灯"}).want(http.StatusOK)
	stranger := w.as("clerk-sw")
	asked := 0
	for _, e := range endpoints(t) {
		if !strings.Contains(e.path, "{number}") || e.public {
			continue
		}
		for _, ref := range []string{ticket.Number, ticket.ID} {
			at := strings.ReplaceAll(e.at("x"), "/tickets/x", "/tickets/"+ref)
			require.Contains(t, at, ref, e.path)
			for _, body := range []any{map[string]any{}, map[string]any{"reason": "x", "action": "sign", "version": 3}} {
				var sent any
				if e.method != http.MethodGet && e.method != http.MethodDelete {
					sent = body
				}
				r := stranger.send(e.method, at, sent)
				asked++
				require.Contains(t, []int{403, 404, 415, 422, 503}, r.Status, "%s %s: %s", e.method, at, r.Body)
				require.NotContains(t, string(r.Body), "路灯", e.id)
				require.NotContains(t, string(r.Body), "兴隆街", e.id)
			}
		}
	}
	require.Greater(t, asked, 40)
	after := w.as("agent1").ticket(w.as("agent1").get("/api/v1/tickets/" + ticket.Number))
	require.EqualValues(t, 3, after.Version, "nothing was changed")
}

// TestNoForeignPageChangesAnything sends every change as a browser would on behalf
// of another site.
func TestNoForeignPageChangesAnything(t *testing.T) {
	w := newWorld(t, nil)
	c := w.as("lead1")
	cookie := "hotline_session=" + c.token
	asked := 0
	for _, e := range endpoints(t) {
		if e.method == http.MethodGet || e.public && e.id != "sign-in" {
			continue
		}
		for _, headers := range [][]string{
			{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"},
		} {
			body := any(map[string]any{})
			if e.id == "sign-in" {
				body = map[string]string{"login": "agent1", "password": password}
			}
			w.nobody().send(e.method, e.at("x"), body, append([]string{"Cookie", cookie}, headers...)...).problem(http.StatusForbidden, "cross_site")
			asked++
		}
	}
	require.Greater(t, asked, 200)
	c.get("/api/v1/me").want(http.StatusOK) // the session was not ended either
}

// TestNothingIsInjectedIntoHeaders puts line breaks wherever a value could reach a header.
func TestNothingIsInjectedIntoHeaders(t *testing.T) {
	w := newWorld(t, nil)
	lead := w.as("lead1")
	for _, e := range endpoints(t) {
		if e.method != http.MethodGet || e.id == "events" {
			continue
		}
		at := strings.NewReplacer("/x", "/x%0d%0aX-Injected:%201").Replace(e.at("x"))
		for _, query := range []string{"", "?cursor=%0d%0aX-Injected:%201", "?q=%0d%0aX-Injected:%201&from=%0d%0aX-Injected:%201"} {
			r := lead.send("GET", at+query, nil)
			require.Empty(t, r.Header.Get("X-Injected"), e.id)
			require.Less(t, r.Status, 600)
		}
	}
	r := lead.send("POST", "/api/v1/session", map[string]string{"login": "x\r\nSet-Cookie: a=b", "password": "x"})
	r.problem(http.StatusUnauthorized, "bad_credentials")
	require.Empty(t, r.Header.Get("Set-Cookie"))
}

// TestMoreFieldsThanThereAreGiveNothing: what a client may not set is refused or ignored.
func TestMoreFieldsThanThereAreGiveNothing(t *testing.T) {
	w := newWorld(t, nil)
	w.user("admin", "", ticketing.RoleAdmin)
	admin, agent := w.as("admin"), w.as("agent1")
	for _, extra := range []map[string]any{
		{"roles": []string{"secadmin"}}, {"partition": "12388"}, {"password": "Long-enough-1"}, {"password_hash": w.hash}, {"id": "u-secadmin"}, {"version": 9}, {"must_change_password": false},
	} {
		body := map[string]any{"login": "mass", "name": "某"}
		for k, v := range extra {
			body[k] = v
		}
		admin.send("POST", "/api/v1/users", body).problem(http.StatusUnprocessableEntity, "invalid")
		patch := map[string]any{"version": 1}
		for k, v := range extra {
			if k != "version" {
				patch[k] = v
			}
		}
		if len(patch) > 1 {
			admin.send("PATCH", "/api/v1/users/u-agent2", patch).problem(http.StatusUnprocessableEntity, "invalid")
		}
	}
	for _, extra := range []string{"number", "state", "partition", "operator", "department", "accepted_at", "id"} {
		body := map[string]any{extra: "20260101-000001"}
		for k, v := range draftBody {
			body[k] = v
		}
		agent.send("POST", "/api/v1/tickets", body).problem(http.StatusUnprocessableEntity, "invalid")
	}
	d := agent.ticket(agent.send("POST", "/api/v1/tickets", draftBody).want(http.StatusCreated))
	agent.send("PATCH", "/api/v1/tickets/"+d.ID, map[string]any{"version": d.Version, "state": "closed"}).problem(http.StatusUnprocessableEntity, "invalid")
	agent.send("POST", "/api/v1/tickets/"+d.ID+"/actions", map[string]any{"action": "accept", "version": d.Version, "department": "CG"}).problem(http.StatusUnprocessableEntity, "invalid")
	u, err := w.store.User(t.Context(), "u-agent2")
	require.NoError(t, err)
	require.Equal(t, []ticketing.Role{ticketing.RoleAgent}, u.Roles)
}

// TestEachOfManyLooksAtOnceIsOnRecord: no race shows a person without an entry.
func TestEachOfManyLooksAtOnceIsOnRecord(t *testing.T) {
	w := newWorld(t, nil)
	agent := w.as("agent1")
	ticket := agent.accepted()
	const each, callers = 10, 8
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for range each {
				agent.send("POST", "/api/v1/tickets/"+ticket.Number+"/reveal", map[string]string{"reason": "核对"}).want(http.StatusOK)
			}
		})
	}
	all.Wait()
	entries, err := w.store.Ledger(t.Context(), ticketing.LedgerFilter{Object: "ticket:" + ticket.ID, Actions: []string{"read.person"}, Limit: 1000})
	require.NoError(t, err)
	require.Len(t, entries, each*callers)
	report, err := w.store.VerifyLedger(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, report.Findings)
}

// TestOneUserDoesNotTakeAll: who sends too much waits, and others do not.
func TestOneUserDoesNotTakeAll(t *testing.T) {
	w := newWorld(t, func(_ *web.Deps, o *web.Options) { o.PerUser = web.Rate{Burst: 20, Per: time.Hour} })
	greedy, other := w.as("agent1"), w.as("agent2")
	for range 20 {
		greedy.get("/api/v1/me").want(http.StatusOK)
	}
	r := greedy.get("/api/v1/me")
	r.problem(http.StatusTooManyRequests, "too_many_requests")
	require.NotEmpty(t, r.Header.Get("Retry-After"))
	w.as("agent1").get("/api/v1/me").problem(http.StatusTooManyRequests, "too_many_requests") // another session is no way around
	other.get("/api/v1/me").want(http.StatusOK)
}
