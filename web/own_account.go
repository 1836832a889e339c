package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"hotline/ticketing"
)

const (
	codePeriod  = 30 // seconds; RFC 6238 section 5.2
	codeSkew    = 1  // periods before and after now
	backupCodes = 10
)

// PasswordChange is a person's own change of password.
type PasswordChange struct {
	Current string `json:"current" minLength:"1" maxLength:"256"`
	New     string `json:"new" minLength:"1" maxLength:"256"`
}

// ProposedFactor is a secret for an authenticator; it counts once a code of it was given.
type ProposedFactor struct {
	Secret string `json:"secret" doc:"Base32"`
	URI    string `json:"uri" doc:"otpauth://, for a QR code"`
}

// FactorCode is a code of an authenticator.
type FactorCode struct {
	Code string `json:"code" minLength:"6" maxLength:"6" pattern:"^[0-9]{6}$"`
}

// FactorOff takes the second factor off.
type FactorOff struct {
	Password string `json:"password" minLength:"1" maxLength:"256"`
}

// BackupCodes work once each in place of a code; they are told once.
type BackupCodes struct {
	Codes []string `json:"codes" nullable:"false"`
}

// OpenSession is one of a person's sessions.
type OpenSession struct {
	ID        string    `json:"id"`
	Address   string    `json:"address"`
	Agent     string    `json:"agent"`
	Way       string    `json:"way" doc:"password, totp or backup"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
	Current   bool      `json:"current"`
}

type (
	passwordInput   struct{ Body PasswordChange }
	codeInput       struct{ Body FactorCode }
	factorOffInput  struct{ Body FactorOff }
	sessionRefInput struct {
		ID string `path:"id" minLength:"1" maxLength:"64"`
	}
)

func (s *Server) ownAccountRoutes() {
	op := func(method, path, id, summary string) operation {
		return operation{method: method, path: "/api/v1/me" + path, id: id, tag: "session", who: signedIn, summary: summary, early: true, maxBody: 4 << 10}
	}
	handle(s, op(http.MethodPut, "/password", "change-password", "Change the own password; the other sessions end"), s.changePassword)
	handle(s, op(http.MethodPost, "/second-factor", "propose-second-factor", "A new secret for an authenticator (TOTP); it counts once PUT gave a code of it"), s.proposeFactor)
	handle(s, op(http.MethodPut, "/second-factor", "confirm-second-factor", "Give a first code; the answer has backup codes"), s.confirmFactor)
	handle(s, op(http.MethodPost, "/second-factor/off", "end-second-factor", "Take the second factor off"), s.endFactor)
	handle(s, op(http.MethodGet, "/sessions", "own-sessions", "My open sessions"), s.ownSessions)
	handle(s, op(http.MethodDelete, "/sessions/{id}", "end-own-session", "End one of my sessions"), s.endOwnSession)
}

// again asks for the own password once more; failures count as those of a sign-in.
func (s *Server) again(ctx context.Context, password string) (ticketing.User, error) {
	u, err := s.deps.Users.User(ctx, identityOf(ctx).user.ID)
	if err != nil {
		return u, err
	}
	limit := s.signInLimits(strings.ToLower(u.Login), requestOf(ctx).source())[0]
	if err := s.limit(ctx, limit.key, limit.rate); err != nil {
		return u, err
	}
	ok, err := s.verifier.check(ctx, u.PasswordHash, password)
	if err != nil {
		return u, err
	}
	if !ok {
		return u, problem(http.StatusForbidden, "bad_credentials", "The current password is wrong.")
	}
	_ = s.opts.Limiter.Give(ctx, limit.key, limit.rate) // a count too many does no harm
	return u, nil
}

func (s *Server) changePassword(ctx context.Context, in *passwordInput) (*struct{}, error) {
	u, err := s.again(ctx, in.Body.Current)
	if err != nil {
		return nil, err
	}
	if err := ticketing.CheckPassword(in.Body.New, u); err != nil {
		return nil, err
	}
	for _, old := range append([]string{u.PasswordHash}, u.OldHashes...) {
		same, err := s.verifier.check(ctx, old, in.Body.New)
		if err != nil {
			return nil, err
		}
		if same {
			return nil, invalidField("body.new", "was used before; take another")
		}
	}
	next := u
	next.OldHashes = append([]string{u.PasswordHash}, u.OldHashes...)
	next.OldHashes = next.OldHashes[:min(len(next.OldHashes), ticketing.RememberedPasswords)]
	if next.PasswordHash, err = HashPassword(in.Body.New); err != nil {
		return nil, err
	}
	next.MustChange, next.PasswordAt = false, s.opts.Now()
	if err := s.saveUser(ctx, next, "user.password_changed", "", nil); err != nil {
		return nil, err
	}
	return nil, s.endSessions(ctx, u.ID, identityOf(ctx).session.TokenHash)
}

func (s *Server) proposeFactor(ctx context.Context, _ *struct{}) (*body[ProposedFactor], error) {
	u, err := s.deps.Users.User(ctx, identityOf(ctx).user.ID)
	if err != nil {
		return nil, err
	}
	if u.Second.On {
		return nil, problem(http.StatusConflict, "not_open", "A second factor is set up already. Take it off first.")
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: "hotline 12345", AccountName: u.Login, Period: codePeriod, SecretSize: 20})
	if err != nil {
		return nil, err
	}
	sealed, err := s.deps.Keys.Seal([]byte(key.Secret()), ticketing.AboutSecond(u.ID))
	if err != nil {
		return nil, err
	}
	u.Second = ticketing.SecondFactor{Sealed: sealed}
	if err := s.saveUser(ctx, u, "user.second_factor_proposed", "", nil); err != nil {
		return nil, err
	}
	return answer(ProposedFactor{Secret: key.Secret(), URI: key.URL()}), nil
}

func (s *Server) confirmFactor(ctx context.Context, in *codeInput) (*body[BackupCodes], error) {
	u, err := s.deps.Users.User(ctx, identityOf(ctx).user.ID)
	if err != nil {
		return nil, err
	}
	if u.Second.On || len(u.Second.Sealed) == 0 {
		return nil, problem(http.StatusConflict, "not_open", "No second factor is proposed. POST /api/v1/me/second-factor first.")
	}
	limit := keyRate{"factor:" + u.ID, s.opts.SignInPerLogin}
	if err := s.limit(ctx, limit.key, limit.rate); err != nil {
		return nil, err
	}
	ok, err := s.checkCode(ctx, u, in.Body.Code)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, invalidField("body.code", "is not the code of this moment; check the authenticator's clock")
	}
	codes := make([]string, backupCodes)
	u.Second.On, u.Second.Backups = true, nil
	for i := range codes {
		raw := make([]byte, 10)
		_, _ = rand.Read(raw) // never fails (crypto/rand)
		codes[i] = strings.ToLower(base32.StdEncoding.EncodeToString(raw))
		u.Second.Backups = append(u.Second.Backups, hashBackup(codes[i]))
	}
	if err := s.saveUser(ctx, u, "user.second_factor_on", "", nil); err != nil {
		return nil, err
	}
	s.sessions.forget(u.ID)
	return answer(BackupCodes{Codes: codes}), nil
}

func (s *Server) endFactor(ctx context.Context, in *factorOffInput) (*struct{}, error) {
	u, err := s.again(ctx, in.Body.Password)
	if err != nil {
		return nil, err
	}
	u.Second = ticketing.SecondFactor{}
	if err := s.saveUser(ctx, u, "user.second_factor_off", "", nil); err != nil {
		return nil, err
	}
	return nil, s.endSessions(ctx, u.ID, identityOf(ctx).session.TokenHash)
}

func hashBackup(code string) string {
	sum := sha256.Sum256([]byte("backup code " + code))
	return hex.EncodeToString(sum[:])
}

// checkCode tells whether a code is of this moment and was not used before
// (RFC 6238 section 5.2).
func (s *Server) checkCode(ctx context.Context, u ticketing.User, code string) (bool, error) {
	secret, err := s.deps.Keys.Open(u.Second.Sealed, ticketing.AboutSecond(u.ID))
	if err != nil {
		return false, err
	}
	now := s.opts.Now()
	for skew := -codeSkew; skew <= codeSkew; skew++ {
		at := now.Add(time.Duration(skew*codePeriod) * time.Second)
		fits, err := totp.ValidateCustom(code, string(secret), at, totp.ValidateOpts{Period: codePeriod, Digits: otp.DigitsSix})
		if err != nil || !fits {
			continue // a code of the wrong length is an error there
		}
		return s.deps.Users.UseStep(ctx, u.ID, at.Unix()/codePeriod)
	}
	return false, nil
}

// useBackup takes a backup code; it is gone afterwards.
func (s *Server) useBackup(ctx context.Context, u ticketing.User, code string) (bool, error) {
	at := slices.Index(u.Second.Backups, hashBackup(strings.ToLower(strings.TrimSpace(code))))
	if at < 0 {
		return false, nil
	}
	u.Second.Backups = slices.Delete(slices.Clone(u.Second.Backups), at, at+1)
	err := s.saveUser(ctx, u, "user.backup_code_used", "", nil)
	var p *Problem
	if errors.As(err, &p) && p.Status == http.StatusConflict { // somebody used it at the same moment
		return false, nil
	}
	return err == nil, err
}

func (s *Server) sessionViews(ctx context.Context, userID string) (*body[Page[OpenSession]], error) {
	all, err := s.deps.Users.Sessions(ctx, userID, s.opts.Now())
	if err != nil {
		return nil, err
	}
	own := identityOf(ctx).session.TokenHash
	return page(convert(all, func(v ticketing.Session) OpenSession {
		return OpenSession{ID: v.ID, Address: v.Address, Agent: v.Agent, Way: v.Way, CreatedAt: cst(v.CreatedAt), ExpiresAt: cst(v.ExpiresAt), Current: v.TokenHash == own}
	})), nil
}

func (s *Server) ownSessions(ctx context.Context, _ *struct{}) (*body[Page[OpenSession]], error) {
	return s.sessionViews(ctx, identityOf(ctx).user.ID)
}

func (s *Server) userSessions(ctx context.Context, in *AccountRef) (*body[Page[OpenSession]], error) {
	if _, err := s.userByID(ctx, in.User); err != nil {
		return nil, err
	}
	return s.sessionViews(ctx, in.User)
}

func (s *Server) endOwnSession(ctx context.Context, in *sessionRefInput) (*struct{}, error) {
	all, err := s.deps.Users.Sessions(ctx, identityOf(ctx).user.ID, s.opts.Now())
	if err != nil {
		return nil, err
	}
	for _, v := range all {
		if v.ID != "" && v.ID == in.ID {
			return nil, s.endSession(ctx, v.TokenHash)
		}
	}
	return nil, byStatus(http.StatusNotFound)
}

func (s *Server) endUserSessions(ctx context.Context, in *AccountRef) (*struct{}, error) {
	if _, err := s.userByID(ctx, in.User); err != nil {
		return nil, err
	}
	return nil, s.endSessions(ctx, in.User, "")
}

// endSessions ends a user's sessions but one.
func (s *Server) endSessions(ctx context.Context, userID, but string) error {
	all, err := s.deps.Users.Sessions(ctx, userID, s.opts.Now())
	if err != nil {
		return err
	}
	now := s.opts.Now()
	if but == "" { // those too that are beyond what a list shows
		if err := s.deps.Users.RevokeSessions(ctx, userID, now); err != nil {
			return err
		}
	}
	for _, v := range all {
		switch {
		case v.TokenHash == but:
		case but == "":
			s.ended(v.TokenHash, now)
		default:
			if err := s.endSession(ctx, v.TokenHash); err != nil {
				return err
			}
		}
	}
	s.sessions.forget(userID)
	return nil
}

func (s *Server) endSession(ctx context.Context, hash string) error {
	now := s.opts.Now()
	if err := s.deps.Users.RevokeSession(ctx, hash, now); err != nil && !absent(err) {
		return err
	}
	s.ended(hash, now)
	return nil
}

// ended forgets a session that was revoked and closes its streams.
func (s *Server) ended(hash string, now time.Time) {
	s.sessions.drop(hash, now)
	s.hub.endSession(hash)
}
