package web

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
)

const (
	// forwardedBy marks what a node has passed on, so that it is not passed on again.
	forwardedBy = "Hotline-Forwarded"
	// passOn bounds a request to another node.
	passOn = 10 * time.Second
	// maxPassed bounds what another node may answer.
	maxPassed = 1 << 20
)

// notPassed are the headers of a connection, not of what goes along it (RFC 9110 §7.6.1).
var notPassed = map[string]bool{
	"Connection": true, "Keep-Alive": true, "Proxy-Connection": true, "Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
	"Content-Length": true, "Host": true, "Accept-Encoding": true,
}

// forward passes what is to be done to a call, or a callback, on to the node that has it. Who asks is judged there, by the same sessions.
func (s *Server) forward(c *fiber.Ctx) error {
	id := callNamed(c.Method(), c.Path())
	if id == "" || s.deps.Calls == nil || c.Get(forwardedBy) != "" {
		return c.Next()
	}
	node := s.deps.Calls.NodeOf(c.UserContext(), id)
	if node == "" {
		return c.Next()
	}
	target, err := url.Parse(node)
	if err != nil {
		return internal(err)
	}
	target.Path, target.RawQuery = c.Path(), string(c.Request().URI().QueryString())
	req, err := http.NewRequestWithContext(c.UserContext(), c.Method(), target.String(), bytes.NewReader(c.Body()))
	if err != nil {
		return internal(err)
	}
	for name, values := range c.GetReqHeaders() {
		if !notPassed[http.CanonicalHeaderKey(name)] {
			req.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	r := requestOf(c.UserContext())
	req.Host = c.Hostname()
	req.Header.Set(forwardedBy, "1")
	req.Header.Set("X-Forwarded-For", r.addr.String())
	req.Header.Set("Traceparent", "00-"+r.trace+"-0000000000000001-01")
	res, err := s.peers.Do(req)
	if err != nil {
		r.cause = err
		return problem(http.StatusBadGateway, "node_unreachable", "The node that has this call cannot be reached. Try again.").after(1)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxPassed))
	if err != nil {
		r.cause = err
		return problem(http.StatusBadGateway, "node_unreachable", "The node that has this call did not answer to the end. Look at the call before you try again.")
	}
	for _, name := range []string{"Content-Type", "Retry-After"} {
		if v := res.Header.Get(name); v != "" {
			c.Set(name, v)
		}
	}
	return c.Status(res.StatusCode).Send(body)
}

// callNamed is the call or callback that a request is to change; "" for any other request.
func callNamed(method, path string) string {
	if safeMethod(method) {
		return ""
	}
	for _, prefix := range []string{"/api/v1/calls/", "/api/v1/callbacks/"} {
		if rest, ok := strings.CutPrefix(path, prefix); ok {
			id, _, _ := strings.Cut(rest, "/")
			if len(id) <= 64 {
				return id
			}
		}
	}
	return ""
}
