package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"hotline/cmd/city"
	"hotline/cmd/hotline/accounts"
	"hotline/cmd/hotline/drill"
)

// client speaks to one node as one user, over connections that stay open.
type client struct {
	base, token string
	http        *http.Client
}

func newClient(base string) *client {
	return &client{base: base, http: &http.Client{
		Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConns: 256, MaxIdleConnsPerHost: 256},
	}}
}

func (c *client) signIn(ctx context.Context, login string) error {
	var out struct {
		Token string `json:"token"`
	}
	err := c.do(ctx, http.MethodPost, "/api/v1/session", map[string]string{"login": login, "password": accounts.DemoPassword}, &out)
	c.token = out.Token
	return err
}

// do sends a request and fails on an answer that is not a success.
func (c *client) do(ctx context.Context, method, path string, in, out any) error {
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
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 8<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s: status %d: %.300s", method, path, resp.StatusCode, raw)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(raw, out)
}

// accepting accepts fresh drafts, one a call.
func (c *client) accepting(ctx context.Context, ids []string) func(i int) error {
	return func(i int) error {
		return c.do(ctx, http.MethodPost, "/api/v1/tickets/"+ids[i]+"/actions", map[string]any{"action": "accept", "version": 1}, nil)
	}
}

// benchHTTP measures tickets accepted per second over HTTP by a server in its
// own process, workers at work. Drafts are opened before, as calls open them.
// The baseline is the server's lightest request.
func benchHTTP(ctx context.Context, r *run) (err error) {
	s, err := r.setup(ctx, "http")
	if err != nil {
		return err
	}
	const warm, counted = 500, 10_000
	ids, err := prepared(ctx, s, warm+counted)
	if err != nil {
		return err
	}
	server, err := s.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	c := newClient(server.URL())
	if err := c.signIn(ctx, "agent1"); err != nil {
		return err
	}
	const clients = 64
	rate := func(n int, do func(i int) error) (float64, error) {
		began := time.Now()
		err := each(clients, n, do)
		return float64(n) / time.Since(began).Seconds(), err
	}
	baseline, err := rate(counted, func(int) error { return c.do(ctx, http.MethodGet, "/healthz", nil, nil) })
	if err != nil {
		return err
	}
	if _, err := rate(warm, c.accepting(ctx, ids[:warm])); err != nil {
		return err
	}
	value, err := rate(counted, c.accepting(ctx, ids[warm:]))
	if err != nil {
		return err
	}
	r.add(Figure{
		Name: "http_accept", Value: value, Unit: "tickets/s", Goal: 1500, HigherIsBetter: true,
		Baseline: baseline, BaselineName: "GET /healthz on the same server",
	})
	return nil
}

// prepared fills a setup's database with the sample city and n drafts.
func prepared(ctx context.Context, s drill.Setup, n int) (ids []string, err error) {
	if err := s.Prepare(ctx, city.Sample(), 0); err != nil {
		return nil, err
	}
	e, err := s.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	return drafts(ctx, e, n)
}
