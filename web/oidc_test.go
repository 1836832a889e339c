package web_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/crypto"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"hotline/ticketing"
	"hotline/web"
	"hotline/web/sso"
)

// identityProvider is a real one, with people of the test.
type identityProvider struct {
	*storage.Storage
	url string

	mu     sync.Mutex
	people map[string]*storage.User
	told   map[string]map[string]any // beside the standard claims, by subject
}

func (p *identityProvider) GetUserByID(id string) *storage.User { return p.people[id] }

func (p *identityProvider) GetUserByUsername(name string) *storage.User {
	for _, u := range p.people {
		if u.Username == name {
			return u
		}
	}
	return nil
}

func (p *identityProvider) ExampleClientID() string { return "hotline" }

func (p *identityProvider) SetUserinfoFromToken(ctx context.Context, info *oidc.UserInfo, tokenID, subject, origin string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, value := range p.told[subject] {
		info.AppendClaims(name, value)
	}
	return p.Storage.SetUserinfoFromToken(ctx, info, tokenID, subject, origin)
}

func (p *identityProvider) tell(subject string, claims map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told[subject] = claims
}

func newProvider(t *testing.T) *identityProvider {
	t.Helper()
	p := &identityProvider{told: map[string]map[string]any{}, people: map[string]*storage.User{}}
	for id, login := range map[string]string{"s1": "li.na@city", "s2": "wang.wei", "s3": "agent1", "s4": "prepared"} {
		p.people[id] = &storage.User{ID: id, Username: login, Password: "verysecure", FirstName: "李", LastName: "娜"}
	}
	p.Storage = storage.NewStorage(p)
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	p.url = server.URL
	handler = exampleop.SetupServer(p.url, p, slog.New(slog.DiscardHandler), false)
	return p
}

// federated is a world whose people may sign in at a provider.
func federated(t *testing.T, roles map[string][]ticketing.Role) (*world, *identityProvider) {
	t.Helper()
	p := newProvider(t)
	provider := &lateProvider{}
	w := newWorld(t, func(d *web.Deps, o *web.Options) {
		d.SSO = provider
		o.SSO = web.SSOOptions{Name: "统一身份认证", Roles: roles, Home: "http://home.example"}
		o.SignInPerAddress = web.Rate{Burst: 1000, Per: time.Minute}
	})
	callback := w.base + "/api/v1/session/oidc/callback"
	storage.RegisterClients(storage.WebClient("hotline", "secret", callback))
	p.Storage = storage.NewStorage(p)
	provider.Provider = sso.New(sso.Config{
		Issuer: p.url, Client: "hotline", Secret: "secret", Callback: callback, Scopes: []string{"profile"}, Groups: "groups", Department: "dept",
	})
	return w, p
}

// lateProvider is known once the server's port is.
type lateProvider struct{ *sso.Provider }

// browser follows the sign-in as a person's would.
type browser struct {
	t *testing.T
	w *world
	http.Client
}

func (w *world) browser() *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(w.t, err)
	b := &browser{t: w.t, w: w}
	b.Jar, b.Timeout = jar, 20*time.Second
	b.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/desk/login" || strings.HasSuffix(r.URL.Path, "/callback") && r.URL.Host == strings.TrimPrefix(w.base, "http://") {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return b
}

var hiddenID = regexp.MustCompile(`name="id" value="([^"]+)"`)

// atProvider begins and signs in at the provider; it returns the address that the
// provider sends the browser back to.
func (b *browser) atProvider(next, login, password string) string {
	b.t.Helper()
	resp, err := b.Get(b.w.base + "/api/v1/session/oidc?next=" + url.QueryEscape(next))
	require.NoError(b.t, err)
	page, err := io.ReadAll(resp.Body)
	require.NoError(b.t, err)
	require.NoError(b.t, resp.Body.Close())
	id := hiddenID.FindSubmatch(page)
	require.NotNil(b.t, id, string(page))
	form := url.Values{"username": {login}, "password": {password}, "id": {string(id[1])}}
	resp, err = b.PostForm(resp.Request.URL.Scheme+"://"+resp.Request.URL.Host+"/login/username", form)
	require.NoError(b.t, err)
	require.NoError(b.t, resp.Body.Close())
	return resp.Header.Get("Location")
}

// back follows the provider's word; where the platform leads the browser then.
func (b *browser) back(to string) string {
	b.t.Helper()
	once := b.Client
	once.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := once.Get(to)
	require.NoError(b.t, err)
	require.NoError(b.t, resp.Body.Close())
	require.Equal(b.t, http.StatusSeeOther, resp.StatusCode)
	return resp.Header.Get("Location")
}

func (b *browser) me() (me web.Me, status int) {
	b.t.Helper()
	resp, err := b.Get(b.w.base + "/api/v1/me")
	require.NoError(b.t, err)
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusOK {
		require.NoError(b.t, json.NewDecoder(resp.Body).Decode(&me))
	}
	return me, resp.StatusCode
}

func TestSignInAtTheProvider(t *testing.T) {
	w, p := federated(t, map[string][]ticketing.Role{"hotline-agents": {ticketing.RoleAgent}, "hotline-leads": {ticketing.RoleLead, ticketing.RoleQC}, "units": {ticketing.RoleClerk}})
	var ways web.SignInWays
	w.nobody().get("/api/v1/session/ways").want(http.StatusOK).json(&ways)
	require.Equal(t, "统一身份认证", ways.Provider)
	security := w.as("secadmin")

	// Who belongs to none of the groups has no rights here.
	b := w.browser()
	require.Equal(t, "/desk/login?fault=no_rights", b.back(b.atProvider("/desk/tickets", "li.na@city", "verysecure")))
	_, status := b.me()
	require.Equal(t, http.StatusUnauthorized, status)

	p.tell("s1", map[string]any{"groups": []string{"others", "hotline-leads"}})
	require.Equal(t, "/desk/tickets?view=mine", b.back(b.atProvider("/desk/tickets?view=mine", "li.na@city", "verysecure")))
	me, _ := b.me()
	require.Equal(t, "li.na", me.User.Login)
	require.Equal(t, []ticketing.Role{ticketing.RoleLead, ticketing.RoleQC}, me.Roles)
	require.Contains(t, me.LogoutURL, p.url)
	require.Contains(t, me.LogoutURL, "post_logout_redirect_uri=http%3A%2F%2Fhome.example")
	require.Empty(t, me.Todo)

	// The provider takes a right away: the next sign-in ends what was open.
	p.tell("s1", map[string]any{"groups": "hotline-agents"})
	other := w.browser()
	require.Equal(t, "/desk", other.back(other.atProvider("https://evil.example/", "li.na@city", "verysecure")))
	_, status = b.me()
	require.Equal(t, http.StatusUnauthorized, status)
	me, _ = other.me()
	require.Equal(t, []ticketing.Role{ticketing.RoleAgent}, me.Roles)

	// A clerk needs a department that there is.
	p.tell("s2", map[string]any{"groups": "units", "dept": "nowhere"})
	clerk := w.browser()
	require.Equal(t, "/desk/login?fault=no_rights", clerk.back(clerk.atProvider("", "wang.wei", "verysecure")))
	p.tell("s2", map[string]any{"groups": "units", "dept": "CG"})
	require.Equal(t, "/desk", clerk.back(clerk.atProvider("", "wang.wei", "verysecure")))
	me, _ = clerk.me()
	require.Equal(t, "CG", me.User.Department)

	// All of it is on record.
	require.Len(t, security.entries("action=user.linked"), 2)
	require.Len(t, security.entries("action=user.granted"), 3)
	require.NotEmpty(t, security.entries("action=session.opened"))
	refused := security.entries("action=session.refused")
	require.Len(t, refused, 2)
	require.Equal(t, "no_rights", refused[0].Reason)
}

func TestWhoseAccountItIs(t *testing.T) {
	w, p := federated(t, nil)
	// A login that somebody signs in with here is not taken over by a name elsewhere.
	b := w.browser()
	require.Equal(t, "/desk/login?fault=taken", b.back(b.atProvider("", "agent1", "verysecure")))
	// One that was made and never got a password is bound, with the roles that it was granted.
	require.NoError(t, w.store.SaveUser(t.Context(), ticketing.User{ID: "u-prepared", Login: "prepared", Name: "备", Roles: []ticketing.Role{ticketing.RoleDispatcher}}, ticketing.Change{}))
	require.Equal(t, "/desk", b.back(b.atProvider("", "prepared", "verysecure")))
	me, _ := b.me()
	require.Equal(t, "u-prepared", me.User.ID)
	require.Equal(t, []ticketing.Role{ticketing.RoleDispatcher}, me.Roles)
	// The same person under another name is the same account.
	p.people["s4"].Username = "renamed"
	again := w.browser()
	require.Equal(t, "/desk", again.back(again.atProvider("", "renamed", "verysecure")))
	me, _ = again.me()
	require.Equal(t, "u-prepared", me.User.ID)
	// A new name has an account that may nothing yet.
	fresh := w.browser()
	require.Equal(t, "/desk", fresh.back(fresh.atProvider("", "wang.wei", "verysecure")))
	me, _ = fresh.me()
	require.Empty(t, me.Roles)
	resp, err := fresh.Get(w.base + "/api/v1/tickets")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusForbidden, resp.StatusCode)
	// One that was switched off stays out.
	u, err := w.store.User(t.Context(), "u-prepared")
	require.NoError(t, err)
	u.Disabled = true
	require.NoError(t, w.store.SaveUser(t.Context(), u, ticketing.Change{}))
	off := w.browser()
	require.Equal(t, "/desk/login?fault=disabled", off.back(off.atProvider("", "renamed", "verysecure")))
}

func TestSignInsThatDoNotHold(t *testing.T) {
	w, p := federated(t, nil)
	victim, stranger := w.browser(), w.browser()
	to := stranger.atProvider("", "wang.wei", "verysecure")
	require.Equal(t, "/desk/login?fault=refused", victim.back(to), "a stranger's code is no sign-in of another browser")
	require.Equal(t, "/desk", stranger.back(to))
	require.Equal(t, "/desk/login?fault=refused", stranger.back(to), "a code counts once")
	to = stranger.atProvider("", "wang.wei", "verysecure")
	forged := regexp.MustCompile(`state=[^&]+`).ReplaceAllString(to, "state=forged")
	require.Equal(t, "/desk/login?fault=refused", stranger.back(forged))
	to = stranger.atProvider("", "wang.wei", "verysecure")
	forged = regexp.MustCompile(`code=[^&]+`).ReplaceAllString(to, "code=forged")
	require.Equal(t, "/desk/login?fault=refused", stranger.back(forged))
	require.Equal(t, "/desk/login?fault=refused", stranger.back(w.base+"/api/v1/session/oidc/callback?error=access_denied&state=x"))
	require.Empty(t, stranger.atProvider("", "wang.wei", "wrong"), "the provider refuses a wrong password itself")
	for _, next := range []string{"//evil.example", "/\\evil.example", "https:evil", "javascript:alert(1)", "/ok\r\nX: y"} {
		b := w.browser()
		require.Equal(t, "/desk", b.back(b.atProvider(next, "wang.wei", "verysecure")), next)
	}
	require.NotContains(t, w.log.String(), "code=")

	// Who signs out at the provider is out here.
	me, status := stranger.me()
	require.Equal(t, http.StatusOK, status)
	logout := func(claims map[string]any) int {
		key, err := p.SigningKey(t.Context())
		require.NoError(t, err)
		signer, err := op.SignerFromKey(key)
		require.NoError(t, err)
		token, err := crypto.Sign(claims, signer)
		require.NoError(t, err)
		resp, err := http.PostForm(w.base+"/api/v1/session/oidc/logout", url.Values{"logout_token": {token}})
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.StatusCode
	}
	claims := map[string]any{
		"iss": p.url, "aud": "hotline", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(), "jti": "1", "sub": "s2",
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}
	for name, bad := range map[string]any{"iss": "https://evil.example", "aud": "another", "exp": time.Now().Add(-time.Hour).Unix(), "events": map[string]any{}, "sub": ""} {
		kept := claims[name]
		claims[name] = bad
		require.Equal(t, http.StatusBadRequest, logout(claims), name)
		claims[name] = kept
	}
	_, status = stranger.me()
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, http.StatusOK, logout(claims))
	_, status = stranger.me()
	require.Equal(t, http.StatusUnauthorized, status)
	claims["sub"] = "nobody"
	require.Equal(t, http.StatusOK, logout(claims))
	require.NotEmpty(t, me.User.ID)
}

func TestWithoutAProvider(t *testing.T) {
	w := newWorld(t, nil)
	var ways web.SignInWays
	w.nobody().get("/api/v1/session/ways").want(http.StatusOK).json(&ways)
	require.Empty(t, ways.Provider)
	w.nobody().get("/api/v1/session/oidc").problem(http.StatusNotFound, "not_found")
	w.nobody().get("/api/v1/session/oidc/callback?code=x&state=y").problem(http.StatusNotFound, "not_found")
	w.nobody().send("POST", "/api/v1/session/oidc/logout", nil).problem(http.StatusNotFound, "not_found")

	// One that does not answer is said to, on the page of the sign-in.
	gone := newWorld(t, func(d *web.Deps, o *web.Options) {
		d.SSO = sso.New(sso.Config{Issuer: "http://127.0.0.1:1", Client: "hotline"})
		o.SSO = web.SSOOptions{}
	})
	b := gone.browser()
	require.Equal(t, "/desk/login?fault=unavailable", b.back(gone.base+"/api/v1/session/oidc"))
	resp, err := http.PostForm(gone.base+"/api/v1/session/oidc/logout", url.Values{"logout_token": {"x"}})
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
}
