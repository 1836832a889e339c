package web

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"hotline/ticketing"
	"hotline/ticketing/ledger"
)

// keyPrefix tells a key of a system from a token of a person.
const keyPrefix = "hlk_"

// longestKey is how long a key may live.
const longestKey = 400 * 24 * time.Hour

// APIKey is a key of another system, without the key itself.
type APIKey struct {
	ID        string            `json:"id"`
	Name      string            `json:"name"`
	Scopes    []ticketing.Scope `json:"scopes" nullable:"false"`
	Sources   []string          `json:"sources" nullable:"false"`
	CreatedBy string            `json:"created_by"`
	CreatedAt time.Time         `json:"created_at"`
	ExpiresAt time.Time         `json:"expires_at"`
	RevokedAt *time.Time        `json:"revoked_at,omitempty"`
}

// APIKeyInput is a key to be made.
type APIKeyInput struct {
	Name    string   `json:"name" minLength:"1" maxLength:"64" doc:"Of the system that will use it"`
	Scopes  []string `json:"scopes" minItems:"1" maxItems:"3" enum:"appeals:file,tickets:read,figures:read" nullable:"false"`
	Sources []string `json:"sources" minItems:"1" maxItems:"50" nullable:"false" doc:"Addresses or prefixes that it may come from"`
	Days    int      `json:"days" minimum:"1" maximum:"400" doc:"How long it works"`
}

// NewAPIKey is told once.
type NewAPIKey struct {
	APIKey
	Key string `json:"key" doc:"For Authorization: Bearer; it is not stored and not told again"`
}

type (
	createKeyInput struct{ Body APIKeyInput }
	keyRefInput    struct {
		ID string `path:"id" minLength:"1" maxLength:"64"`
	}
)

func (s *Server) apiKeyRoutes() {
	op := func(method, path, id, summary string) operation {
		return operation{method: method, path: "/api/v1/api-keys" + path, id: id, tag: "people", who: security, summary: summary}
	}
	handle(s, op(http.MethodGet, "", "api-keys", "Keys of other systems, newest first"), s.apiKeys)
	create := op(http.MethodPost, "", "create-api-key", "Make a key for another system; it is told once")
	create.status = http.StatusCreated
	handle(s, create, s.createKey)
	handle(s, op(http.MethodDelete, "/{id}", "revoke-api-key", "End a key at once"), s.revokeKey)
}

func keyView(k ticketing.APIKey) APIKey {
	v := APIKey{
		ID: k.ID, Name: k.Name, Scopes: append([]ticketing.Scope{}, k.Scopes...), Sources: append([]string{}, k.Sources...),
		CreatedBy: k.CreatedBy, CreatedAt: cst(k.CreatedAt), ExpiresAt: cst(k.ExpiresAt),
	}
	if !k.RevokedAt.IsZero() {
		at := cst(k.RevokedAt)
		v.RevokedAt = &at
	}
	return v
}

func (s *Server) apiKeys(ctx context.Context, _ *struct{}) (*body[Page[APIKey]], error) {
	keys, err := s.deps.Users.APIKeys(ctx)
	if err != nil {
		return nil, err
	}
	return page(convert(keys, keyView)), nil
}

func (s *Server) createKey(ctx context.Context, in *createKeyInput) (*body[NewAPIKey], error) {
	token, err := newToken()
	if err != nil {
		return nil, err
	}
	now := s.opts.Now().UTC().Truncate(time.Millisecond)
	k := ticketing.APIKey{
		ID: ticketing.NewID(now), Name: strings.TrimSpace(in.Body.Name), Hash: hashToken(keyPrefix + token), CreatedBy: identityOf(ctx).user.ID,
		CreatedAt: now, ExpiresAt: now.Add(min(time.Duration(in.Body.Days)*24*time.Hour, longestKey)),
	}
	for _, scope := range in.Body.Scopes {
		if !slices.Contains(k.Scopes, ticketing.Scope(scope)) {
			k.Scopes = append(k.Scopes, ticketing.Scope(scope))
		}
	}
	for _, text := range in.Body.Sources {
		p, err := sourceOf(text)
		if err != nil {
			return nil, invalidField("body.sources", "has what is no address or prefix such as 10.1.2.0/24")
		}
		k.Sources = append(k.Sources, p.String())
	}
	if err := s.saveKey(ctx, k, "key.created"); err != nil {
		return nil, err
	}
	return answer(NewAPIKey{APIKey: keyView(k), Key: keyPrefix + token}), nil
}

func sourceOf(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	return netip.ParsePrefix(text)
}

func (s *Server) saveKey(ctx context.Context, k ticketing.APIKey, action string) error {
	e, err := s.entryOf(ctx, action, "key:"+k.ID, "", map[string]any{"name": k.Name, "scopes": k.Scopes, "sources": k.Sources})
	if err != nil {
		return err
	}
	if err := s.deps.Users.SaveAPIKey(ctx, k, ticketing.Change{Ledger: []ledger.Entry{e}}); err != nil {
		return err
	}
	ticketing.OriginOf(ctx).Note()
	return nil
}

func (s *Server) revokeKey(ctx context.Context, in *keyRefInput) (*struct{}, error) {
	keys, err := s.deps.Users.APIKeys(ctx)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if k.ID != in.ID {
			continue
		}
		if k.RevokedAt.IsZero() {
			k.RevokedAt = s.opts.Now()
			if err := s.saveKey(ctx, k, "key.revoked"); err != nil {
				return nil, err
			}
		}
		s.sessions.forget("key:" + k.ID)
		return nil, nil
	}
	return nil, byStatus(http.StatusNotFound)
}

// system finds the identity of another system by its key.
func (s *Server) system(ctx context.Context, key string, from netip.Addr) (identity, error) {
	now := s.opts.Now()
	hash := hashToken(key)
	id, known := s.sessions.get(hash, now)
	if !known {
		k, err := s.deps.Users.APIKey(ctx, hash)
		if absent(err) {
			return identity{}, errUnauthenticated
		}
		if err != nil {
			return identity{}, err
		}
		if !k.RevokedAt.IsZero() || !now.Before(k.ExpiresAt) {
			return identity{}, errUnauthenticated
		}
		user := ticketing.User{ID: "key:" + k.ID, Name: k.Name}
		id = identity{
			user: user, key: &k, session: ticketing.Session{UserID: user.ID, TokenHash: hash, ExpiresAt: k.ExpiresAt},
			// What a key may do is said by its scopes; what it sees is what an analyst sees, masked.
			actor: ticketing.Actor{UserID: user.ID, Roles: []ticketing.Role{ticketing.RoleAnalyst}},
		}
		s.sessions.put(hash, id, now)
	}
	for _, source := range id.key.Sources {
		if p, err := netip.ParsePrefix(source); err == nil && p.Contains(from) {
			return id, nil
		}
	}
	return identity{}, problem(http.StatusForbidden, "wrong_source", "This key does not work from this address. Ask the security administrator.")
}
