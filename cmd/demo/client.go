package demo

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// maxReply bounds what is read of one answer, in bytes.
const maxReply = 8 << 20

// client speaks to the HTTP API, each user with a session of the own.
type client struct {
	base     string
	password string
	http     *http.Client

	mu     sync.Mutex
	logins map[string]*login
}

// login is one user's session; its lock keeps the user from signing in twice
// at once, and nobody else from signing in.
type login struct {
	mu    sync.Mutex
	token string
}

// refused is an answer that is not a success.
type refused struct {
	status int
	code   string
	detail string
	wait   time.Duration // from Retry-After
}

func (e *refused) Error() string {
	return fmt.Sprintf("status %d %s: %s", e.status, e.code, e.detail)
}

func newClient(base, password string) *client {
	t := &http.Transport{MaxIdleConnsPerHost: 16, IdleConnTimeout: 30 * time.Second}
	return &client{base: strings.TrimSuffix(base, "/"), password: password, http: &http.Client{Transport: t}, logins: map[string]*login{}}
}

func (c *client) close() { c.http.CloseIdleConnections() }

// from is a client at a loopback address of its own, as citizens have; the
// limits of public intake count by address. Where the system knows only
// 127.0.0.1 it is the ordinary one.
func (c *client) from(address string) *client {
	probe, err := net.Listen("tcp", net.JoinHostPort(address, "0")) //nolint:noctx // the address is tried and given back at once
	if err != nil {
		return c
	}
	_ = probe.Close()
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}, Timeout: 5 * time.Second}
	return &client{base: c.base, http: &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}}, logins: map[string]*login{}}
}

// do sends a request as a user; an empty login is nobody. A session that the
// server has forgotten is opened anew once.
func (c *client) do(ctx context.Context, name, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	token := ""
	if name != "" {
		var err error
		if token, err = c.token(ctx, name); err != nil {
			return fmt.Errorf("sign in as %s: %w", name, err)
		}
	}
	err := c.send(ctx, token, method, path, in, out)
	var r *refused
	if name != "" && errors.As(err, &r) && r.status == http.StatusUnauthorized {
		c.forget(name, token)
		if token, err = c.token(ctx, name); err != nil {
			return fmt.Errorf("sign in as %s: %w", name, err)
		}
		err = c.send(ctx, token, method, path, in, out)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

func (c *client) user(name string) *login {
	c.mu.Lock()
	defer c.mu.Unlock()
	u := c.logins[name]
	if u == nil {
		u = &login{}
		c.logins[name] = u
	}
	return u
}

// token signs a user in on first use.
func (c *client) token(ctx context.Context, name string) (string, error) {
	u := c.user(name)
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.token != "" {
		return u.token, nil
	}
	var out struct {
		Token string `json:"token"`
	}
	err := c.send(ctx, "", http.MethodPost, "/api/v1/session", map[string]string{"login": name, "password": c.password}, &out)
	if err != nil {
		return "", err
	}
	u.token = out.Token
	return out.Token, nil
}

func (c *client) forget(name, token string) {
	u := c.user(name)
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.token == token {
		u.token = ""
	}
}

func (c *client) send(ctx context.Context, token, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if method == http.MethodPost {
		req.Header.Set("Idempotency-Key", rand.Text())
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return refusal(resp, raw)
	}
	if out == nil || len(raw) == 0 {
		return nil
	}
	return json.Unmarshal(raw, out)
}

func refusal(resp *http.Response, raw []byte) error {
	var p struct {
		Code   string `json:"code"`
		Detail string `json:"detail"`
	}
	_ = json.Unmarshal(raw, &p) // an answer of another shape has its status still
	e := &refused{status: resp.StatusCode, code: p.Code, detail: p.Detail}
	if s, err := time.ParseDuration(resp.Header.Get("Retry-After") + "s"); err == nil {
		e.wait = s
	}
	return e
}

// event is what the stream of live events tells.
type event struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

// listen reads a user's live events until the stream or ctx ends.
func (c *client) listen(ctx context.Context, name string, fn func(event)) error {
	token, err := c.token(ctx, name)
	if err != nil {
		return fmt.Errorf("sign in as %s: %w", name, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/api/v1/events", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("live events: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		if resp.StatusCode == http.StatusUnauthorized {
			c.forget(name, token)
		}
		return fmt.Errorf("live events: status %d", resp.StatusCode)
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data:")
		if !ok {
			continue
		}
		var e event
		if json.Unmarshal([]byte(data), &e) == nil && e.Type != "" {
			fn(e)
		}
	}
	return lines.Err()
}
