package web

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"hotline/ticketing"
	"hotline/ticketing/ledger"
	"hotline/web/sso"
)

// SSO lets people sign in at an identity provider; *sso.Provider has it.
type SSO interface {
	Begin(ctx context.Context, next string, now time.Time) (string, sso.Attempt, error)
	Finish(ctx context.Context, a sso.Attempt, state, code string, now time.Time) (sso.Person, error)
	LogoutURL(ctx context.Context, back string) string
	LoggedOut(ctx context.Context, token string) (subject string, err error)
}

// SSOOptions say what a sign-in at the provider means here.
type SSOOptions struct {
	Name  string                      // of the provider, on the button
	Roles map[string][]ticketing.Role // group → roles; empty: roles are granted here
	Home  string                      // URL of the platform, to come back to after signing out
}

const (
	attemptCookie = "hotline_attempt"
	attemptPath   = "/api/v1/session/oidc"
	deskPage      = "/desk"
	wayOIDC       = "oidc"
)

// SignInWays are how people may sign in.
type SignInWays struct {
	Provider string `json:"provider,omitempty" doc:"Name of the identity provider; left out when there is none"`
}

type beginInput struct {
	Next string `query:"next" maxLength:"500" doc:"Page to go on to; of this platform"`
}

type finishInput struct {
	State   string      `query:"state" maxLength:"200"`
	Code    string      `query:"code" maxLength:"4000"`
	Error   string      `query:"error" maxLength:"200"`
	Attempt http.Cookie `cookie:"hotline_attempt" hidden:"true"`
	Agent   string      `header:"User-Agent" hidden:"true"`
}

type redirect struct {
	Status    int
	Location  string        `header:"Location"`
	SetCookie []http.Cookie `header:"Set-Cookie"`
}

func (s *Server) oidcRoutes() {
	handle(s, operation{method: http.MethodGet, path: "/api/v1/session/ways", id: "sign-in-ways", tag: "session", who: anyone, summary: "How people may sign in"}, s.signInWays)
	handle(s, operation{method: http.MethodGet, path: attemptPath, id: "begin-oidc", tag: "session", who: anyone, status: http.StatusFound,
		summary: "Sign in at the identity provider (OpenID Connect, authorization code with PKCE): leads the browser there"}, s.beginOIDC)
	handle(s, operation{method: http.MethodGet, path: attemptPath + "/callback", id: "finish-oidc", tag: "session", who: anyone, status: http.StatusSeeOther,
		summary: "Where the identity provider sends the browser back to; opens a session"}, s.finishOIDC)
}

// oidcPlain is what the provider calls itself, with a form as it has to be.
func (s *Server) oidcPlain() {
	s.app.Post(attemptPath+"/logout", func(c *fiber.Ctx) error {
		return s.loggedOut(c.UserContext(), c)
	})
}

func (s *Server) signInWays(context.Context, *struct{}) (*body[SignInWays], error) {
	if s.deps.SSO == nil {
		return answer(SignInWays{}), nil
	}
	name := s.opts.SSO.Name
	def(&name, "OpenID Connect")
	return answer(SignInWays{Provider: name}), nil
}

func (s *Server) beginOIDC(ctx context.Context, in *beginInput) (*redirect, error) {
	if s.deps.SSO == nil {
		return nil, byStatus(http.StatusNotFound)
	}
	r := requestOf(ctx)
	if err := s.limit(ctx, "oidc:"+r.source(), s.opts.SignInPerAddress); err != nil {
		return nil, err
	}
	to, attempt, err := s.deps.SSO.Begin(ctx, ownPage(in.Next), s.opts.Now())
	if err != nil {
		s.opts.Log.Warn("the identity provider does not answer", "trace_id", r.trace, "error", err)
		return s.backToSignIn("unavailable", r), nil
	}
	raw, err := json.Marshal(attempt)
	if err != nil {
		return nil, err
	}
	sealed, err := s.deps.Keys.Seal(raw, attemptCookie)
	if err != nil {
		return nil, err
	}
	c := s.attemptCookie(base64.RawURLEncoding.EncodeToString(sealed), int(sso.Allowed.Seconds()), r.secure)
	return &redirect{Status: http.StatusFound, Location: to, SetCookie: []http.Cookie{c}}, nil
}

func (s *Server) attemptCookie(value string, seconds int, secure bool) http.Cookie {
	return http.Cookie{Name: attemptCookie, Value: value, Path: attemptPath, MaxAge: seconds, HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode}
}

// ownPage is a page of this platform, or the desk's first one.
func ownPage(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return deskPage
	}
	return next
}

// backToSignIn leads to the page of the sign-in, which says what happened.
func (s *Server) backToSignIn(why string, r *request) *redirect {
	return &redirect{
		Status: http.StatusSeeOther, Location: deskPage + "/login?fault=" + why, SetCookie: []http.Cookie{s.attemptCookie("", -1, r.secure)},
	}
}

// attemptOf opens what the browser brought; the zero Attempt when it is none.
func (s *Server) attemptOf(c http.Cookie) (a sso.Attempt) {
	sealed, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		return sso.Attempt{}
	}
	raw, err := s.deps.Keys.Open(sealed, attemptCookie)
	if err != nil || json.Unmarshal(raw, &a) != nil {
		return sso.Attempt{}
	}
	return a
}

func (s *Server) finishOIDC(ctx context.Context, in *finishInput) (*redirect, error) {
	if s.deps.SSO == nil {
		return nil, byStatus(http.StatusNotFound)
	}
	r := requestOf(ctx)
	limit := keyRate{"oidc:" + r.source(), s.opts.SignInPerAddress}
	if err := s.limit(ctx, limit.key, limit.rate); err != nil {
		return nil, err
	}
	attempt := s.attemptOf(in.Attempt)
	if in.Error != "" || in.Code == "" {
		return s.refuseOIDC(ctx, ticketing.User{}, "refused", errors.New("the provider sent the browser back without a code"))
	}
	person, err := s.deps.SSO.Finish(ctx, attempt, in.State, in.Code, s.opts.Now())
	switch {
	case errors.Is(err, sso.ErrUnavailable):
		return s.refuseOIDC(ctx, ticketing.User{}, "unavailable", err)
	case err != nil:
		return s.refuseOIDC(ctx, ticketing.User{}, "refused", err)
	}
	user, why, err := s.userOf(ctx, person)
	if err != nil {
		return nil, err
	}
	if why != "" {
		return s.refuseOIDC(ctx, user, why, errors.New("no account that this person may sign in to"))
	}
	out, err := s.openSession(ctx, user, r, wayOIDC, in.Agent)
	if err != nil {
		return nil, err
	}
	s.metrics.signIn("ok")
	s.giveBack(ctx, []keyRate{limit})
	return &redirect{Status: http.StatusSeeOther, Location: ownPage(attempt.Next), SetCookie: []http.Cookie{out.SetCookie, s.attemptCookie("", -1, r.secure)}}, nil
}

func (s *Server) refuseOIDC(ctx context.Context, user ticketing.User, why string, because error) (*redirect, error) {
	r := requestOf(ctx)
	s.metrics.signIn("refused")
	s.opts.Log.Warn("sign-in refused", "trace_id", r.trace, "address", r.addr.String(), "way", wayOIDC, "error", because)
	if err := s.signedOn(ctx, user, "session.refused", ledger.Refused, why); err != nil {
		return nil, err
	}
	return s.backToSignIn(why, r), nil
}

// userOf is the account of a person: the one that is bound to the subject, or one
// of the same login that never had a password, or a new one. Where the city maps
// groups, the account has the roles of its groups. why says what stands against it.
func (s *Server) userOf(ctx context.Context, p sso.Person) (u ticketing.User, why string, err error) {
	u, err = s.deps.Users.UserBySubject(ctx, p.Subject)
	if absent(err) {
		u, why, err = s.bound(ctx, p)
	}
	if err != nil || why != "" {
		return u, why, err
	}
	if u.Disabled {
		return u, "disabled", nil
	}
	return s.granted(ctx, u, p)
}

func (s *Server) bound(ctx context.Context, p sso.Person) (ticketing.User, string, error) {
	login, _, _ := strings.Cut(strings.ToLower(p.Login), "@")
	u, err := s.deps.Users.UserByLogin(ctx, login)
	switch {
	case absent(err):
		now := s.opts.Now()
		u = ticketing.User{ID: ticketing.NewID(now), Login: login, Name: p.Name, Subject: p.Subject, CreatedAt: now}
	case err != nil:
		return u, "", err
	case u.PasswordHash != "" || u.Subject != "":
		return u, "taken", nil // somebody of that login has signed in here: a name alone proves nothing
	default:
		u.Subject = p.Subject
	}
	if !sound(u) {
		return u, "no_account", nil
	}
	return u, "", s.saveSigned(ctx, &u, "user.linked")
}

// granted gives an account the roles of the person's groups. Administrators are made here alone.
func (s *Server) granted(ctx context.Context, u ticketing.User, p sso.Person) (ticketing.User, string, error) {
	if len(s.opts.SSO.Roles) == 0 || slices.ContainsFunc(u.Roles, func(r ticketing.Role) bool { return slices.Contains(ticketing.Administrators(), r) }) {
		return u, "", nil
	}
	next := u
	next.Roles = nil
	for _, role := range ticketing.GrantableRoles() { // in the order of the table, each once
		if slices.ContainsFunc(p.Groups, func(g string) bool { return slices.Contains(s.opts.SSO.Roles[g], role) }) {
			next.Roles = append(next.Roles, role)
		}
	}
	if len(next.Roles) == 0 {
		return u, "no_rights", nil
	}
	next.Department = ""
	if slices.ContainsFunc(next.Roles, func(r ticketing.Role) bool { return r == ticketing.RoleClerk || r == ticketing.RoleHead }) {
		next.Department = p.Department
	}
	if known, err := s.departmentIsKnown(ctx, next.Department); err != nil || !known {
		return u, "no_rights", err
	}
	if !sound(next) {
		return u, "no_rights", nil
	}
	if slices.Equal(next.Roles, u.Roles) && next.Department == u.Department {
		return u, "", nil
	}
	if err := s.saveSigned(ctx, &next, "user.granted"); err != nil {
		return u, "", err
	}
	return next, "", s.endSessions(ctx, next.ID, "") // those of the rights before
}

func sound(u ticketing.User) bool { return ticketing.CheckUser(u) == nil }

func (s *Server) departmentIsKnown(ctx context.Context, code string) (bool, error) {
	if code == "" {
		return true, nil
	}
	city, err := s.deps.Tickets.City(ctx)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(city.Departments, func(d ticketing.Department) bool { return d.Code == code }), nil
}

// saveSigned stores what the provider says of an account, and puts it on record.
func (s *Server) saveSigned(ctx context.Context, u *ticketing.User, action string) error {
	e := ticketing.EntryOf(ctx, s.opts.Now(), ticketing.SystemActor().UserID, action, "user:"+u.ID, "")
	var err error
	if e.Data, err = json.Marshal(map[string]any{"by": wayOIDC, "login": u.Login, "roles": u.Roles, "department": u.Department}); err != nil {
		return err
	}
	if err := s.deps.Users.SaveUser(ctx, *u, ticketing.Change{Ledger: []ledger.Entry{e}}); err != nil {
		return err
	}
	u.Version++
	return nil
}

// loggedOut ends the sessions of whoever signed out at the provider.
func (s *Server) loggedOut(ctx context.Context, c *fiber.Ctx) error {
	if s.deps.SSO == nil {
		return byStatus(http.StatusNotFound)
	}
	r := requestOf(ctx)
	if err := s.limit(ctx, "oidc-logout:"+r.source(), s.opts.SignInPerAddress); err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	subject, err := s.deps.SSO.LoggedOut(ctx, c.FormValue("logout_token"))
	if errors.Is(err, sso.ErrUnavailable) {
		return byStatus(http.StatusServiceUnavailable).because(err)
	}
	if err != nil {
		return byStatus(http.StatusBadRequest).because(err)
	}
	u, err := s.deps.Users.UserBySubject(ctx, subject)
	if absent(err) {
		return c.SendStatus(http.StatusOK) // nobody of ours: nothing is left to end
	}
	if err != nil {
		return err
	}
	if err := s.endSessions(ctx, u.ID, ""); err != nil {
		return err
	}
	if err := s.signedOn(ctx, u, "session.closed", ledger.Done, "身份认证平台注销"); err != nil {
		return err
	}
	return c.SendStatus(http.StatusOK)
}
