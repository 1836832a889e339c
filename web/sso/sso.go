package sso

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Errors of the package. They are wrapped; compare with errors.Is.
var (
	// ErrUnavailable says that the provider does not answer.
	ErrUnavailable = errors.New("sso: the identity provider does not answer")
	// ErrRefused says that what came back is not what was asked for.
	ErrRefused = errors.New("sso: the sign-in does not hold")
)

// patience bounds what the provider may take for one answer.
const patience = 10 * time.Second

// Config says who the provider is, and what of its claims means what here.
type Config struct {
	Issuer     string // URL; discovery is below it
	Client     string // id of this platform at the provider
	Secret     string // of a confidential client; empty for a public one
	Callback   string // URL that the provider sends the browser back to
	Scopes     []string
	Groups     string // claim with the groups of a person
	Department string // claim with the code of a department; empty: everybody is of the centre
}

// Person is who signed in, as the provider says.
type Person struct {
	Subject    string // issuer and subject, the same for ever
	Login      string
	Name       string
	Groups     []string
	Department string
}

// Attempt is one sign-in that has begun.
type Attempt struct {
	State    string    `json:"state"`
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"`
	Next     string    `json:"next"` // page to go on to
	Until    time.Time `json:"until"`
}

// Provider is the identity provider.
type Provider struct {
	config Config
	client *http.Client

	mu    sync.Mutex
	found *discovered
}

type discovered struct {
	provider *oidc.Provider
	oauth    oauth2.Config
	verifier *oidc.IDTokenVerifier
	logout   string // end_session_endpoint
}

// New makes a provider; nobody is asked yet.
func New(c Config) *Provider {
	return &Provider{config: c, client: &http.Client{Timeout: patience}}
}

// Allowed is how long a person may take at the provider.
const Allowed = 10 * time.Minute

// Begin makes an attempt and the address to send the browser to. Errors: ErrUnavailable.
func (p *Provider) Begin(ctx context.Context, next string, now time.Time) (string, Attempt, error) {
	d, err := p.discover(ctx)
	if err != nil {
		return "", Attempt{}, err
	}
	a := Attempt{State: oauth2.GenerateVerifier(), Nonce: oauth2.GenerateVerifier(), Verifier: oauth2.GenerateVerifier(), Next: next, Until: now.Add(Allowed)}
	return d.oauth.AuthCodeURL(a.State, oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier)), a, nil
}

// Finish gives the person of an attempt for the code that came back with a
// state. Errors: ErrRefused, ErrUnavailable.
func (p *Provider) Finish(ctx context.Context, a Attempt, state, code string, now time.Time) (Person, error) {
	switch {
	case a.State == "" || subtle.ConstantTimeCompare([]byte(a.State), []byte(state)) != 1:
		return Person{}, fmt.Errorf("%w: another browser began it", ErrRefused)
	case !now.Before(a.Until):
		return Person{}, fmt.Errorf("%w: it took too long", ErrRefused)
	}
	d, err := p.discover(ctx)
	if err != nil {
		return Person{}, err
	}
	ctx = oidc.ClientContext(ctx, p.client)
	token, err := d.oauth.Exchange(ctx, code, oauth2.VerifierOption(a.Verifier))
	var refused *oauth2.RetrieveError
	switch {
	case errors.As(err, &refused):
		return Person{}, fmt.Errorf("%w: the provider does not take the code (%s)", ErrRefused, refused.ErrorCode)
	case err != nil:
		return Person{}, fmt.Errorf("%w: %w", ErrUnavailable, withoutURL(err))
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return Person{}, fmt.Errorf("%w: no token of identity came with it", ErrRefused)
	}
	id, err := d.verifier.Verify(ctx, raw)
	if err != nil {
		return Person{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(a.Nonce)) != 1 {
		return Person{}, fmt.Errorf("%w: the token is of another attempt", ErrRefused)
	}
	claims := map[string]any{}
	if err := id.Claims(&claims); err != nil {
		return Person{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if err := p.more(ctx, d, token, id.Subject, claims); err != nil {
		return Person{}, err
	}
	return p.person(id, claims), nil
}

// more adds what the provider tells of a person beside the token.
func (p *Provider) more(ctx context.Context, d *discovered, token *oauth2.Token, subject string, claims map[string]any) error {
	if d.provider.UserInfoEndpoint() == "" {
		return nil
	}
	info, err := d.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, withoutURL(err))
	}
	if info.Subject != subject { // OpenID Connect Core 1.0, 5.3.2
		return fmt.Errorf("%w: the provider tells of somebody else", ErrRefused)
	}
	told := map[string]any{}
	if err := info.Claims(&told); err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	for name, value := range told {
		if _, signed := claims[name]; !signed {
			claims[name] = value
		}
	}
	return nil
}

func (p *Provider) person(id *oidc.IDToken, claims map[string]any) Person {
	text := func(names ...string) string {
		for _, name := range names {
			if s, ok := claims[name].(string); ok && name != "" && s != "" {
				return s
			}
		}
		return ""
	}
	who := Person{
		Subject: id.Issuer + " " + id.Subject, Login: text("preferred_username", "email", "sub"), Name: text("name", "preferred_username"),
		Department: text(p.config.Department),
	}
	switch groups := claims[p.config.Groups].(type) {
	case string:
		who.Groups = []string{groups}
	case []any:
		for _, g := range groups {
			if s, ok := g.(string); ok {
				who.Groups = append(who.Groups, s)
			}
		}
	}
	return who
}

// LogoutURL is where the browser goes to end the provider's session too; empty
// when the provider has no such place, or does not answer.
func (p *Provider) LogoutURL(ctx context.Context, back string) string {
	d, err := p.discover(ctx)
	if err != nil || d.logout == "" {
		return ""
	}
	u, err := url.Parse(d.logout)
	if err != nil {
		return ""
	}
	q := u.Query()
	q.Set("client_id", p.config.Client)
	q.Set("post_logout_redirect_uri", back)
	u.RawQuery = q.Encode()
	return u.String()
}

// LoggedOut checks what the provider says of a person who signed out there
// (OpenID Connect Back-Channel Logout 1.0), and tells the subject. Errors:
// ErrRefused, ErrUnavailable.
func (p *Provider) LoggedOut(ctx context.Context, raw string) (string, error) {
	d, err := p.discover(ctx)
	if err != nil {
		return "", err
	}
	token, err := d.verifier.VerifyLogout(oidc.ClientContext(ctx, p.client), raw)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if token.Subject == "" {
		return "", fmt.Errorf("%w: it names nobody", ErrRefused)
	}
	return token.Issuer + " " + token.Subject, nil
}

// discover asks the provider for its addresses and keys, once.
func (p *Provider) discover(ctx context.Context) (*discovered, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return p.found, nil
	}
	// The provider's keys are fetched later with this context: it must not end with the request.
	ctx = oidc.ClientContext(context.WithoutCancel(ctx), p.client)
	provider, err := oidc.NewProvider(ctx, p.config.Issuer)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, withoutURL(err))
	}
	var more struct {
		Logout string `json:"end_session_endpoint"`
	}
	if err := provider.Claims(&more); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	scopes := append([]string{oidc.ScopeOpenID}, slices.DeleteFunc(slices.Clone(p.config.Scopes), func(s string) bool { return s == oidc.ScopeOpenID })...)
	p.found = &discovered{
		provider: provider, verifier: provider.Verifier(&oidc.Config{ClientID: p.config.Client}), logout: more.Logout,
		oauth: oauth2.Config{ClientID: p.config.Client, ClientSecret: p.config.Secret, Endpoint: provider.Endpoint(), RedirectURL: p.config.Callback, Scopes: scopes},
	}
	return p.found, nil
}

// withoutURL takes the address off an error of net/http: a query may have a code.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
