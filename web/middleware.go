package web

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"
)

// request is what the server knows of a request besides its own data.
type request struct {
	trace  string
	addr   netip.Addr // of the client, past trusted proxies
	secure bool       // over TLS, here or at a trusted proxy
	user   string     // id, once known; for the log
	cause  error      // of a 5xx; for the log
	path   string     // for the ledger alone: it may name people
}

type requestKey struct{}

func requestOf(ctx context.Context) *request {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r
	}
	return &request{}
}

// observe gives the request its trace id, its context and its headers, turns a
// panic into a problem, and logs and counts the outcome.
func (s *Server) observe(c *fiber.Ctx) (err error) {
	began := time.Now()
	r := &request{trace: traceID(c.Get("Traceparent"))}
	r.addr, r.secure = s.client(c)
	c.SetUserContext(context.WithValue(s.base, requestKey{}, r))
	securityHeaders(c, r)
	defer func() {
		if v := recover(); v != nil {
			// The value of a panic can hold anything, personal data too: only its
			// type is logged, with the stack, which names code and not data.
			s.opts.Log.Error("panic in a request", "trace_id", r.trace, "panic_type", fmt.Sprintf("%T", v), "stack", stack())
			err = s.onError(c, internal(errors.New("panic")))
		}
		s.record(c, r, time.Since(began))
	}()
	if err := c.Next(); err != nil {
		return s.onError(c, err)
	}
	return nil
}

// stack is the call stack without the arguments' values.
func stack() string {
	var b strings.Builder
	for line := range strings.Lines(string(debug.Stack())) {
		if strings.HasPrefix(line, "\t") {
			line, _, _ = strings.Cut(strings.TrimSpace(line), " ")
			b.WriteString(line + " ")
		}
		if b.Len() > 3000 {
			break
		}
	}
	return b.String()
}

func (s *Server) record(c *fiber.Ctx, r *request, took time.Duration) {
	status := c.Response().StatusCode()
	route := routeOf(c, status)
	s.metrics.request(c.Method(), route, status, took)
	level := slog.LevelInfo
	switch {
	case status >= 500:
		level = slog.LevelError
	case route == "/healthz" || route == "/readyz" || route == "/metrics" || strings.HasPrefix(route, "/assets"):
		level = slog.LevelDebug
	}
	attrs := []slog.Attr{
		slog.String("trace_id", r.trace), slog.String("method", c.Method()), slog.String("route", route),
		slog.Int("status", status), slog.Duration("took", took), slog.String("address", r.addr.String()),
	}
	if r.user != "" {
		attrs = append(attrs, slog.String("user", r.user))
	}
	if r.cause != nil {
		attrs = append(attrs, slog.String("error", mask(r.cause.Error())))
	}
	s.opts.Log.LogAttrs(context.Background(), level, "request", attrs...)
}

// routeOf is the pattern of the matched route: the path itself may name people.
func routeOf(c *fiber.Ctx, status int) string {
	path := c.Path()
	if strings.HasPrefix(path, "/assets/") {
		return "/assets"
	}
	if p := c.Route().Path; p != "/" && p != "" {
		return p
	}
	if status == http.StatusNotFound || status == http.StatusMethodNotAllowed {
		return "none"
	}
	return "page"
}

// onError writes the problem of an error.
func (s *Server) onError(c *fiber.Ctx, err error) error {
	p := *fromFiber(err)
	r := requestOf(c.UserContext())
	if r.trace == "" { // refused before any handler ran
		r = &request{trace: traceID("")}
		r.addr, r.secure = s.client(c)
		securityHeaders(c, r)
		s.metrics.request(c.Method(), "none", p.Status, 0)
		s.opts.Log.Info("request refused", "trace_id", r.trace, "status", p.Status, "address", r.addr.String())
	}
	p.TraceID = r.trace
	if p.Status >= 500 {
		r.cause = p.cause
	}
	if p.Status == http.StatusRequestEntityTooLarge {
		lingerOn(c.Context().Conn())
		c.Context().SetConnectionClose()
	}
	if p.retryAfter > 0 {
		c.Set(fiber.HeaderRetryAfter, fmt.Sprint(p.retryAfter))
	}
	c.Status(p.Status)
	return c.JSON(p, problemType)
}

// guard refuses what no handler should see.
func (s *Server) guard(c *fiber.Ctx) error {
	// fiber unpacks bodies without a bound: a kilobyte could become gigabytes.
	if enc := c.Get(fiber.HeaderContentEncoding); enc != "" && enc != "identity" {
		return byStatus(http.StatusUnsupportedMediaType)
	}
	// No name and no value of ours holds such bytes, and PostgreSQL takes none.
	for name, value := range c.Context().QueryArgs().All() {
		if !plainText(name) || !plainText(value) {
			return byStatus(http.StatusBadRequest)
		}
	}
	return c.Next()
}

func plainText(b []byte) bool { return utf8.Valid(b) && bytes.IndexByte(b, 0) < 0 }

// client is the address of who asks, and whether the way to them is encrypted.
// X-Forwarded-For counts from the right, as far as trusted proxies wrote it.
func (s *Server) client(c *fiber.Ctx) (netip.Addr, bool) {
	addr, _ := netip.ParseAddrPort(c.Context().RemoteAddr().String())
	ip, secure := addr.Addr().Unmap(), c.Context().IsTLS()
	if !within(ip, s.opts.TrustedProxies) {
		return ip, secure
	}
	secure = secure || c.Get(fiber.HeaderXForwardedProto) == "https"
	// A proxy may add a line of its own below the client's: all lines are one list (RFC 9110 section 5.3).
	var hops []string
	for _, line := range c.Request().Header.PeekAll(fiber.HeaderXForwardedFor) {
		hops = append(hops, strings.Split(string(line), ",")...)
	}
	for i := len(hops) - 1; i >= 0 && within(ip, s.opts.TrustedProxies); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		ip = next.Unmap()
	}
	return ip, secure
}

// source is what limits per address count by: an IPv6 client has at least a /64
// to choose its addresses from.
func (r *request) source() string {
	if r.addr.Is6() {
		if p, err := r.addr.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return r.addr.String()
}

func within(ip netip.Addr, prefixes []netip.Prefix) bool {
	for _, p := range prefixes {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// traceID takes the trace id of a W3C traceparent header, or makes one.
func traceID(parent string) string {
	if p := strings.Split(parent, "-"); len(p) == 4 && len(p[1]) == 32 {
		if b, err := hex.DecodeString(p[1]); err == nil && strings.Trim(string(b), "\x00") != "" {
			return strings.ToLower(p[1])
		}
	}
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}

// pagePolicy lets the pages load only what this server serves. Libraries for
// tables and charts set style attributes; style elements stay forbidden.
const pagePolicy = "default-src 'self'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; " +
	"img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self'; " +
	"object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

func securityHeaders(c *fiber.Ctx, r *request) {
	c.Set("X-Trace-Id", r.trace)
	c.Set("X-Content-Type-Options", "nosniff")
	c.Set("Referrer-Policy", "same-origin")
	c.Set("X-Frame-Options", "DENY")
	c.Set("Cross-Origin-Opener-Policy", "same-origin")
	c.Set("Cross-Origin-Resource-Policy", "same-origin")
	c.Set("Permissions-Policy", "camera=(), geolocation=(self), microphone=(self)")
	c.Set("Content-Security-Policy", pagePolicy)
	if strings.HasPrefix(c.Path(), "/api/") {
		c.Set("Cache-Control", "no-store")
		c.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	}
	if r.secure {
		c.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// sameOrigin says whether a browser sent the request from one of our own pages;
// requests without browser headers cannot ride on somebody's cookie.
func sameOrigin(site, origin, host string) bool {
	switch site {
	case "same-origin", "none":
		return true
	case "":
	default:
		return false
	}
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, host)
}
