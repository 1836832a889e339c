package web_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/ticketing"
	"hotline/web"
)

func TestSignInMeSignOut(t *testing.T) {
	w := newWorld(t, nil)
	c := w.nobody()
	r := c.send("POST", "/api/v1/session", map[string]string{"login": " Agent1 ", "password": password}).want(http.StatusCreated)
	var s web.Session
	r.json(&s)
	require.Equal(t, "agent1", s.User.Login)
	require.Equal(t, "8001", s.User.Seat)
	cookie := r.Header.Get("Set-Cookie")
	for _, part := range []string{"hotline_session=" + s.Token, "HttpOnly", "SameSite=Lax", "Path=/"} {
		require.Contains(t, cookie, part)
	}
	require.NotContains(t, cookie, "Secure", "not over TLS")
	require.Equal(t, "no-store", r.Header.Get("Cache-Control"))

	c.token = s.Token
	var me web.Me
	c.get("/api/v1/me").want(http.StatusOK).json(&me)
	require.Equal(t, "u-agent1", me.User.ID)
	require.Equal(t, []web.MenuItem{{Key: "work", Path: "/work"}, {Key: "tickets", Path: "/tickets"}, {Key: "kb", Path: "/kb"}, {Key: "quality", Path: "/quality"}}, me.Menu)
	require.WithinDuration(t, time.Now(), me.Now, 10*time.Second)

	byCookie := w.nobody()
	byCookie.send("GET", "/api/v1/me", nil, "Cookie", "hotline_session="+s.Token).want(http.StatusOK)
	stored, err := w.store.Session(context.Background(), s.Token)
	require.Error(t, err, "the token itself is not stored: %v", stored)

	out := c.send("DELETE", "/api/v1/session", nil).want(http.StatusNoContent)
	require.Contains(t, out.Header.Get("Set-Cookie"), "Max-Age=0")
	c.get("/api/v1/me").problem(http.StatusUnauthorized, "unauthenticated")
	byCookie.send("GET", "/api/v1/me", nil, "Cookie", "hotline_session="+s.Token).problem(http.StatusUnauthorized, "unauthenticated")
}

func TestRevokedExpiredAndDisabled(t *testing.T) {
	now := time.Now()
	clock := func() time.Time { return now }
	w := newWorld(t, func(_ *web.Deps, o *web.Options) { o.Now = clock; o.SessionLife = time.Hour })
	ctx := context.Background()

	c := w.as("agent1")
	c.get("/api/v1/me").want(http.StatusOK)
	now = now.Add(time.Hour)
	c.get("/api/v1/me").problem(http.StatusUnauthorized, "unauthenticated")

	c = w.as("agent1")
	c.get("/api/v1/me").want(http.StatusOK)
	u, err := w.store.User(ctx, "u-agent1")
	require.NoError(t, err)
	u.Disabled = true
	require.NoError(t, w.store.SaveUser(ctx, u, ticketing.Change{}))
	now = now.Add(3 * time.Second) // longer than a session is kept at hand
	c.get("/api/v1/me").problem(http.StatusUnauthorized, "unauthenticated")
	w.nobody().send("POST", "/api/v1/session", map[string]string{"login": "agent1", "password": password}).problem(http.StatusUnauthorized, "bad_credentials")

	c = w.as("agent2")
	c.get("/api/v1/me").want(http.StatusOK)
	require.NoError(t, w.store.RevokeSessions(ctx, "u-agent2", now)) // by another node
	now = now.Add(3 * time.Second)
	c.get("/api/v1/me").problem(http.StatusUnauthorized, "unauthenticated")

	for _, header := range []string{"Bearer ", "Bearer x", "Bearer " + strings.Repeat("x", 5000), "Basic YWdlbnQxOng=", "Bearer \xff\xfe"} {
		w.nobody().send("GET", "/api/v1/me", nil, "Authorization", header).problem(http.StatusUnauthorized, "unauthenticated")
	}
}

func TestWrongCredentialsLookAlike(t *testing.T) {
	w := newWorld(t, nil)
	c := w.nobody()
	wrong := c.send("POST", "/api/v1/session", map[string]string{"login": "agent1", "password": "nope"}).problem(http.StatusUnauthorized, "bad_credentials")
	unknown := c.send("POST", "/api/v1/session", map[string]string{"login": "nobody-of-that-name", "password": "nope"}).problem(http.StatusUnauthorized, "bad_credentials")
	wrong.TraceID, unknown.TraceID = "", ""
	require.Equal(t, wrong, unknown)
	require.NotContains(t, w.log.String(), "nobody-of-that-name")
	require.NotContains(t, w.log.String(), "nope")
}

func TestBruteForceIsStoppedAndOthersAreNot(t *testing.T) {
	now := time.Now()
	w := newWorld(t, func(_ *web.Deps, o *web.Options) {
		o.Now = func() time.Time { return now }
		o.SignInPerLogin = web.Rate{Burst: 3, Per: 9 * time.Minute}
		o.SignInPerAddress = web.Rate{Burst: 8, Per: 8 * time.Minute}
	})
	c := w.nobody()
	try := func(login, pw string) reply {
		return c.send("POST", "/api/v1/session", map[string]string{"login": login, "password": pw})
	}
	for _, login := range []string{"agent1", "no-such-user"} { // whether it exists makes no difference
		for range 3 {
			try(login, "wrong").problem(http.StatusUnauthorized, "bad_credentials")
		}
		r := try(login, "wrong")
		r.problem(http.StatusTooManyRequests, "too_many_requests")
		seconds, err := strconv.Atoi(r.Header.Get("Retry-After"))
		require.NoError(t, err)
		require.InDelta(t, 180, seconds, 2)
	}
	try("agent1", password).problem(http.StatusTooManyRequests, "too_many_requests") // the right one is no way round
	try("agent2", password).want(http.StatusCreated)
	now = now.Add(181 * time.Second)
	try("agent1", password).want(http.StatusCreated)

	// Success costs nothing: an office behind one address can sign in all day.
	for range 30 {
		try("agent2", password).want(http.StatusCreated)
	}
	// One address at many logins runs into the wider limit.
	limited := false
	for i := range 12 {
		limited = limited || try("user"+strconv.Itoa(i), "wrong").Status == http.StatusTooManyRequests
	}
	require.True(t, limited)
}

func TestCookieChangesMustComeFromOwnPages(t *testing.T) {
	w := newWorld(t, nil)
	token := w.as("agent1").token
	c := w.nobody()
	post := func(headers ...string) reply {
		return c.send("POST", "/api/v1/tickets", draftBody, append([]string{"Cookie", "hotline_session=" + token}, headers...)...)
	}
	post("Sec-Fetch-Site", "cross-site").problem(http.StatusForbidden, "cross_site")
	post("Sec-Fetch-Site", "same-site").problem(http.StatusForbidden, "cross_site")
	post("Origin", "https://evil.example").problem(http.StatusForbidden, "cross_site")
	post("Origin", "null").problem(http.StatusForbidden, "cross_site")
	post("Sec-Fetch-Site", "same-origin", "Origin", w.base).want(http.StatusCreated)
	post("Origin", w.base).want(http.StatusCreated)
	// A look is no change; a bearer token cannot ride along.
	c.send("GET", "/api/v1/me", nil, "Cookie", "hotline_session="+token, "Sec-Fetch-Site", "cross-site").want(http.StatusOK)
	c.send("POST", "/api/v1/tickets", draftBody, "Authorization", "Bearer "+token, "Sec-Fetch-Site", "cross-site").want(http.StatusCreated)
	c.send("POST", "/api/v1/session", map[string]string{"login": "agent1", "password": password}, "Sec-Fetch-Site", "cross-site").problem(http.StatusForbidden, "cross_site")
	var page struct {
		Total int `json:"total"`
	}
	w.as("agent1").get("/api/v1/tickets").json(&page)
	require.Equal(t, 3, page.Total)
}
