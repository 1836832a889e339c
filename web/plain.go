package web

import (
	"bytes"
	"context"
	"embed"
	"io/fs"
	"net/http"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

//go:embed apidocs
var apidocs embed.FS

// plainRoutes are the addresses that are no API operations. They come last:
// what no route takes is a page.
func (s *Server) plainRoutes() {
	s.oidcPlain()
	s.app.Get("/healthz", func(c *fiber.Ctx) error { return c.JSON(health{Status: "ok"}) })
	s.app.Get("/readyz", s.ready)
	gatherer := s.deps.Metrics
	if gatherer == nil {
		gatherer = prometheus.NewRegistry()
	}
	s.metrics.watch(s.hub)
	scrape := promhttp.HandlerFor(gatherer, promhttp.HandlerOpts{DisableCompression: true, MaxRequestsInFlight: 4})
	s.app.Get("/metrics", func(c *fiber.Ctx) error {
		if !within(requestOf(c.UserContext()).addr, s.opts.MetricsFrom) {
			return byStatus(http.StatusForbidden)
		}
		return serveStandard(c, scrape)
	})
	s.app.Get("/openapi.json", func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentType, "application/openapi+json;version=3.1")
		c.Set(fiber.HeaderCacheControl, "no-cache")
		return c.Send(s.document)
	})
	docs, err := fs.Sub(apidocs, "apidocs")
	if err != nil { // cannot happen: the name is a constant and embedded
		docs = apidocs
	}
	manual := &files{source: docs}
	s.app.Get("/docs", func(c *fiber.Ctx) error { return manual.serve(c, "index.html") })
	s.app.Get("/docs/:file", func(c *fiber.Ctx) error { return manual.serve(c, c.Params("file")) })
	s.app.Use((&pages{files: &files{source: s.deps.Pages}}).serve)
}

type health struct {
	Status string            `json:"status"`
	Parts  map[string]string `json:"parts,omitempty"`
}

// essential are the parts without which a node cannot do its work. Without the
// others it does all the rest, and a load balancer had better keep it.
var essential = []string{"store", "sip"}

// ready tells which parts are well: 503 when an essential one is not,
// "degraded" when another is not. Why stands in the log: it may name addresses
// and accounts.
func (s *Server) ready(c *fiber.Ctx) error {
	ctx, cancel := context.WithTimeout(c.UserContext(), 3*time.Second)
	defer cancel()
	out, status := health{Status: "ok", Parts: map[string]string{}}, http.StatusOK
	if s.deps.Health != nil {
		for part, err := range s.deps.Health(ctx) {
			out.Parts[part] = "ok"
			if err == nil {
				continue
			}
			out.Parts[part] = "unavailable"
			if slices.Contains(essential, part) {
				out.Status, status = "unavailable", http.StatusServiceUnavailable
			} else if status == http.StatusOK {
				out.Status = "degraded"
			}
			s.opts.Log.Warn("a part is not well", "part", part, "error", mask(err.Error()))
		}
	}
	return c.Status(status).JSON(out)
}

// standardWriter collects the answer of a handler of net/http.
type standardWriter struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *standardWriter) Header() http.Header         { return w.header }
func (w *standardWriter) WriteHeader(status int)      { w.status = status }
func (w *standardWriter) Write(b []byte) (int, error) { return w.body.Write(b) }

// serveStandard runs a handler of net/http on a request of its own: fasthttp
// uses its requests again, and must not be held by what such a handler starts.
func serveStandard(c *fiber.Ctx, h http.Handler) error {
	r, err := http.NewRequestWithContext(c.UserContext(), c.Method(), c.Path(), nil)
	if err != nil {
		return byStatus(http.StatusBadRequest)
	}
	r.Header.Set(fiber.HeaderAccept, c.Get(fiber.HeaderAccept))
	w := &standardWriter{header: http.Header{}, status: http.StatusOK}
	h.ServeHTTP(w, r)
	for name := range w.header {
		c.Set(name, w.header.Get(name))
	}
	return c.Status(w.status).Send(w.body.Bytes())
}
