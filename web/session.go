package web

import (
	"context"
	"net/http"
	"strings"
	"time"

	"hotline/ticketing"
	"hotline/ticketing/ledger"
)

// User is a person as the API shows them.
type User struct {
	ID         string `json:"id"`
	Login      string `json:"login"`
	Name       string `json:"name"`
	Department string `json:"department,omitempty" doc:"Code; empty for the centre"`
	Seat       string `json:"seat,omitempty"`
}

// MenuItem is a page that the user may open.
type MenuItem struct {
	Key  string `json:"key" example:"tickets"`
	Path string `json:"path" example:"/tickets"`
}

// Session is the answer to a sign-in.
type Session struct {
	Token     string           `json:"token" doc:"For Authorization: Bearer; browsers use the cookie instead"`
	User      User             `json:"user"`
	Roles     []ticketing.Role `json:"roles" nullable:"false"`
	ExpiresAt time.Time        `json:"expires_at"`
}

// Me is who is signed in.
type Me struct {
	User      User             `json:"user"`
	Roles     []ticketing.Role `json:"roles" nullable:"false"`
	Menu      []MenuItem       `json:"menu" nullable:"false"`
	ExpiresAt time.Time        `json:"expires_at"`
	Now       time.Time        `json:"now" doc:"The server's clock"`
	Todo      string           `json:"todo,omitempty" doc:"What has to be done before anything else: password_change_needed or second_factor_needed"`
	Partition string           `json:"partition,omitempty"`
	Second    bool             `json:"second_factor"`
	Assist    bool             `json:"assist" doc:"Whether there is a language model to ask"`
	LogoutURL string           `json:"logout_url,omitempty" doc:"Where the browser goes after the sign-out, to end the session at the identity provider too"`
}

// Credentials are what a person signs in with.
type Credentials struct {
	Login    string `json:"login" minLength:"1" maxLength:"64"`
	Password string `json:"password" minLength:"1" maxLength:"256"`
	Code     string `json:"code,omitempty" maxLength:"32" doc:"Of the authenticator, or a backup code; needed when a second factor is set up"`
}

type signInInput struct {
	Site   string `header:"Sec-Fetch-Site" hidden:"true"`
	Origin string `header:"Origin" hidden:"true"`
	Host   string `header:"Host" hidden:"true"`
	Agent  string `header:"User-Agent" hidden:"true"`
	Body   Credentials
}

type signInOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      Session
}

type signOutOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}

func (s *Server) sessionRoutes() {
	handle(s, operation{
		method: http.MethodPost, path: "/api/v1/session", id: "sign-in", tag: "session", who: anyone, status: http.StatusCreated,
		summary: "Sign in", maxBody: 4 << 10,
		description: "Sets the session cookie and answers the token. One answer whichever of login and password is wrong; 429 with Retry-After after too many failures.",
	}, s.signIn)
	handle(s, operation{
		method: http.MethodDelete, path: "/api/v1/session", id: "sign-out", tag: "session", who: signedIn, early: true, status: http.StatusNoContent,
		summary: "Sign out; the session is revoked",
	}, s.signOut)
	handle(s, operation{
		method: http.MethodGet, path: "/api/v1/me", id: "me", tag: "session", who: signedIn, early: true, summary: "Who is signed in, with roles and menu",
	}, s.me)
}

func (s *Server) signIn(ctx context.Context, in *signInInput) (*signInOutput, error) {
	if !sameOrigin(in.Site, in.Origin, in.Host) {
		return nil, crossSite()
	}
	r := requestOf(ctx)
	login := strings.TrimSpace(in.Body.Login)
	limits := s.signInLimits(strings.ToLower(login), r.source())
	for _, l := range limits {
		if err := s.limit(ctx, l.key, l.rate); err != nil {
			s.metrics.signIn("limited")
			return nil, err
		}
	}
	user, err := s.deps.Users.UserByLogin(ctx, login)
	if lower := strings.ToLower(login); absent(err) && lower != login {
		user, err = s.deps.Users.UserByLogin(ctx, lower)
	}
	known := err == nil && !user.Disabled && user.PasswordHash != ""
	if err != nil && !absent(err) {
		return nil, err
	}
	hash := ""
	if known {
		hash = user.PasswordHash
	}
	ok, err := s.verifier.check(ctx, hash, in.Body.Password)
	if err != nil {
		return nil, err
	}
	way := wayPassword
	if ok && known && user.Second.On {
		if in.Body.Code == "" {
			s.giveBack(ctx, limits)
			return nil, problem(http.StatusUnauthorized, "second_factor_needed", "Give the code of your authenticator too, or a backup code.")
		}
		if way, ok, err = s.secondFactor(ctx, user, in.Body.Code); err != nil {
			return nil, err
		}
	}
	if !ok || !known {
		s.metrics.signIn("refused")
		if err := s.signedOn(ctx, user, "session.refused", ledger.Refused, ""); err != nil {
			return nil, err
		}
		s.opts.Log.Warn("sign-in refused", "trace_id", r.trace, "address", r.addr.String())
		return nil, problem(http.StatusUnauthorized, "bad_credentials", "Login, password or code is wrong. Check all; the security administrator can set a new password.")
	}
	out, err := s.openSession(ctx, user, r, way, in.Agent)
	if err != nil {
		return nil, err
	}
	s.metrics.signIn("ok")
	s.giveBack(ctx, limits)
	_ = s.opts.Limiter.Reset(ctx, limits[0].key)
	return out, nil
}

// giveBack undoes the count of an attempt that did not fail. A count too many
// does no harm, so errors are let pass.
func (s *Server) giveBack(ctx context.Context, limits []keyRate) {
	for _, l := range limits {
		_ = s.opts.Limiter.Give(ctx, l.key, l.rate)
	}
}

// Ways of signing in.
const (
	wayPassword = "password"
	wayTOTP     = "totp"
	wayBackup   = "backup"
)

// secondFactor checks a code of the authenticator, or a backup code.
func (s *Server) secondFactor(ctx context.Context, user ticketing.User, code string) (way string, ok bool, err error) {
	if len(code) == 6 {
		ok, err = s.checkCode(ctx, user, code)
		return wayTOTP, ok, err
	}
	ok, err = s.useBackup(ctx, user, code)
	return wayBackup, ok, err
}

type keyRate struct {
	key  string
	rate Rate
}

// signInLimits bound the failures of one login from one address, of one login
// from anywhere (wider, so that a stranger cannot lock a person out), and of one
// address at any login.
func (s *Server) signInLimits(login, addr string) []keyRate {
	who := hashToken(login)[:24]
	narrow := s.opts.SignInPerLogin
	return []keyRate{
		{"signin:" + who + ":" + addr, narrow},
		{"signin:" + who, Rate{narrow.Burst * 10, narrow.Per}},
		{"signin:" + addr, s.opts.SignInPerAddress},
	}
}

func (s *Server) openSession(ctx context.Context, user ticketing.User, r *request, way, agent string) (*signInOutput, error) {
	token, err := newToken()
	if err != nil {
		return nil, err
	}
	now := s.opts.Now()
	sess := ticketing.Session{
		ID: ticketing.NewID(now), Way: way, Agent: clip(agent, 200), TokenHash: hashToken(token), UserID: user.ID, Address: r.addr.String(),
		CreatedAt: now, ExpiresAt: now.Add(s.opts.SessionLife),
	}
	if err := s.deps.Users.SaveSession(ctx, sess); err != nil {
		return nil, err
	}
	r.user = user.ID
	if err := s.signedOn(ctx, user, "session.opened", ledger.Done, ""); err != nil {
		return nil, err
	}
	out := &signInOutput{Body: Session{Token: token, User: userView(user), Roles: append([]ticketing.Role{}, user.Roles...), ExpiresAt: cst(sess.ExpiresAt)}}
	out.SetCookie = s.cookie(token, int(s.opts.SessionLife.Seconds()), r.secure)
	return out, nil
}

func (s *Server) cookie(value string, seconds int, secure bool) http.Cookie {
	return http.Cookie{
		Name: cookieName, Value: value, Path: "/", MaxAge: seconds, HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
	}
}

func (s *Server) signOut(ctx context.Context, _ *struct{}) (*signOutOutput, error) {
	id := identityOf(ctx)
	now := s.opts.Now()
	if err := s.deps.Users.RevokeSession(ctx, id.session.TokenHash, now); err != nil && !absent(err) {
		return nil, err
	}
	if err := s.signedOn(ctx, id.user, "session.closed", ledger.Done, ""); err != nil {
		return nil, err
	}
	s.ended(id.session.TokenHash, now)
	return &signOutOutput{SetCookie: s.cookie("", -1, requestOf(ctx).secure)}, nil
}

func (s *Server) me(ctx context.Context, _ *struct{}) (*body[Me], error) {
	id := identityOf(ctx)
	todo := ""
	if p := s.limited(id); p != nil {
		todo = p.Code
	}
	logout := ""
	if id.session.Way == wayOIDC && s.deps.SSO != nil {
		logout = s.deps.SSO.LogoutURL(ctx, s.opts.SSO.Home)
	}
	return answer(Me{
		LogoutURL: logout, Todo: todo, Partition: id.user.Partition, Second: id.user.Second.On, Assist: s.deps.Assistant != nil,
		User: userView(id.user), Roles: append([]ticketing.Role{}, id.user.Roles...), Menu: menuOf(id.user.Roles),
		ExpiresAt: cst(id.session.ExpiresAt), Now: cst(s.opts.Now()),
	}), nil
}

// limit takes one from a key's allowance, or says how long to wait.
func (s *Server) limit(ctx context.Context, key string, rate Rate) error {
	ok, wait, err := s.opts.Limiter.Take(ctx, key, rate)
	if err != nil {
		return err
	}
	if !ok {
		return byStatus(http.StatusTooManyRequests).after(int((wait + time.Second - 1) / time.Second))
	}
	return nil
}

func userView(u ticketing.User) User {
	return User{ID: u.ID, Login: u.Login, Name: u.Name, Department: u.Department, Seat: u.Seat}
}

// menuOf lists the pages of the user's roles, in the order of the roles.
func menuOf(roles []ticketing.Role) []MenuItem {
	pages := map[ticketing.Role][]string{
		ticketing.RoleAgent:      {"work", "tickets", "kb", "quality"},
		ticketing.RoleDispatcher: {"dispatch", "tickets"},
		ticketing.RoleLead:       {"floor", "work", "tickets", "quality", "reports"},
		ticketing.RoleQC:         {"quality", "tickets"},
		ticketing.RoleFollowUp:   {"followup", "tickets"},
		ticketing.RoleClerk:      {"dept", "tickets", "kb"},
		ticketing.RoleHead:       {"dept", "tickets", "kb", "reports"},
		ticketing.RoleSupervisor: {"supervise", "tickets", "reports"},
		ticketing.RoleAnalyst:    {"hotspots", "reports", "tickets"},
		ticketing.RoleAdmin:      {"admin/telephony", "admin/rules", "admin/people", "tickets"},
		ticketing.RoleSecAdmin:   {"admin/people", "admin/audit"},
		ticketing.RoleAuditor:    {"admin/audit"},
	}
	menu := []MenuItem{}
	seen := map[string]bool{}
	for _, r := range roles {
		for _, p := range pages[r] {
			if !seen[p] {
				seen[p] = true
				menu = append(menu, MenuItem{Key: strings.ReplaceAll(p, "/", "."), Path: "/" + p})
			}
		}
	}
	return menu
}
