package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"hotline/ticketing"
)

const (
	cookieName = "hotline_session"
	// cacheLife bounds for how long a session that another node revoked is still
	// taken here; a revocation on this node counts at once.
	cacheLife    = 2 * time.Second
	maxCached    = 20_000
	maxTokenSize = 128
)

// identity is who asks.
type identity struct {
	user    ticketing.User
	session ticketing.Session
	actor   ticketing.Actor
	cookie  bool
	key     *ticketing.APIKey // of another system; nil for people
}

type identityKey struct{}

// identityOf is there in every operation that is not public.
func identityOf(ctx context.Context) identity {
	id, _ := ctx.Value(identityKey{}).(identity)
	return id
}

func actorOf(ctx context.Context) ticketing.Actor { return identityOf(ctx).actor }

var errUnauthenticated = byStatus(http.StatusUnauthorized)

// identify finds the session of a request by bearer token or cookie.
func (s *Server) identify(ctx context.Context, hc huma.Context) (identity, error) {
	token, byCookie := "", false
	if scheme, value, ok := strings.Cut(hc.Header("Authorization"), " "); ok && strings.EqualFold(scheme, "bearer") {
		token = strings.TrimSpace(value)
	} else if c, err := huma.ReadCookie(hc, cookieName); err == nil && hc.Header("Authorization") == "" {
		token, byCookie = c.Value, true
	}
	if token == "" || len(token) > maxTokenSize {
		return identity{}, errUnauthenticated
	}
	if byCookie && !safeMethod(hc.Method()) && !sameOrigin(hc.Header("Sec-Fetch-Site"), hc.Header("Origin"), hc.Host()) {
		return identity{}, crossSite()
	}
	if strings.HasPrefix(token, keyPrefix) {
		return s.system(ctx, token, requestOf(ctx).addr)
	}
	id, err := s.session(ctx, hashToken(token))
	id.cookie = byCookie
	return id, err
}

// limited says what somebody has to do before anything else: nil when nothing.
func (s *Server) limited(id identity) *Problem {
	u := id.user
	switch {
	case id.key != nil, id.session.Way == wayOIDC: // the provider sees to passwords and factors
		return nil
	case u.MustChange, u.PasswordExpired(s.opts.Now(), s.opts.PasswordAge):
		return problem(http.StatusForbidden, "password_change_needed", "Change your password first: PUT /api/v1/me/password.")
	case !u.Second.On && slices.ContainsFunc(u.Roles, func(r ticketing.Role) bool { return slices.Contains(s.opts.SecondFactor, r) }):
		return problem(http.StatusForbidden, "second_factor_needed", "Your role needs a second factor. Set it up first: POST /api/v1/me/second-factor.")
	}
	return nil
}

func safeMethod(m string) bool { return m == http.MethodGet || m == http.MethodHead }

func crossSite() *Problem {
	return problem(http.StatusForbidden, "cross_site", "A change with a session cookie must come from the platform's own pages. Use a bearer token elsewhere.")
}

// session looks a session up by the hash of its token.
func (s *Server) session(ctx context.Context, hash string) (identity, error) {
	now := s.opts.Now()
	if id, ok := s.sessions.get(hash, now); ok {
		return id, nil
	}
	sess, err := s.deps.Users.Session(ctx, hash)
	if absent(err) {
		return identity{}, errUnauthenticated
	}
	if err != nil {
		return identity{}, err
	}
	if !sess.RevokedAt.IsZero() || !now.Before(sess.ExpiresAt) {
		return identity{}, errUnauthenticated
	}
	user, err := s.deps.Users.User(ctx, sess.UserID)
	if absent(err) || (err == nil && user.Disabled) {
		return identity{}, errUnauthenticated
	}
	if err != nil {
		return identity{}, err
	}
	actor, err := s.actor(ctx, user)
	if err != nil {
		return identity{}, err
	}
	id := identity{user: user, session: sess, actor: actor}
	s.sessions.put(hash, id, now)
	return id, nil
}

// actor is the user as ticketing wants it, with the departments below.
func (s *Server) actor(ctx context.Context, u ticketing.User) (ticketing.Actor, error) {
	a := ticketing.Actor{UserID: u.ID, Roles: slices.Clone(u.Roles), Department: u.Department, Name: u.Name, Phone: u.Phone, Partition: u.Partition, Lines: slices.Clone(u.Lines)}
	if u.Department == "" && u.District == "" {
		return a, nil
	}
	city, err := s.city.get(ctx)
	if err != nil {
		return a, err
	}
	if u.Department != "" {
		a.Departments = city.below(u.Department)
	}
	if u.District != "" {
		a.Districts = city.belowDistrict(u.District)
	}
	return a, nil
}

func absent(err error) bool {
	return errors.Is(err, ticketing.ErrAbsent) || errors.Is(err, ticketing.ErrNotFound)
}

func newToken() (string, error) {
	var b [32]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}

func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// sessionCache spares two reads per request.
type sessionCache struct {
	mu   sync.Mutex
	byID map[string]cachedSession
	gone map[string]time.Time // revoked here while a look-up may be under way
}

type cachedSession struct {
	id    identity
	until time.Time
}

func newSessionCache() *sessionCache {
	return &sessionCache{byID: make(map[string]cachedSession), gone: make(map[string]time.Time)}
}

func (c *sessionCache) get(hash string, now time.Time) (identity, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.byID[hash]
	if !ok || !now.Before(e.until) || !now.Before(e.id.session.ExpiresAt) {
		return identity{}, false
	}
	return e.id, true
}

func (c *sessionCache) put(hash string, id identity, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, revoked := c.gone[hash]; revoked {
		return
	}
	if len(c.byID) >= maxCached {
		clear(c.byID)
	}
	c.byID[hash] = cachedSession{id: id, until: now.Add(cacheLife)}
}

// forget makes a user's sessions be read again.
func (c *sessionCache) forget(userID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for hash, e := range c.byID {
		if e.id.user.ID == userID {
			delete(c.byID, hash)
		}
	}
}

// drop forgets a session for good.
func (c *sessionCache) drop(hash string, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.byID, hash)
	for h, at := range c.gone {
		if now.Sub(at) > time.Minute {
			delete(c.gone, h)
		}
	}
	c.gone[hash] = now
}
