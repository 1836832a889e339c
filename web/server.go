package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"hotline/web/ui"
)

// Server is the HTTP side of one node.
type Server struct {
	deps     Deps
	opts     Options
	app      *fiber.App
	api      huma.API
	hub      *hub
	verifier *verifier
	metrics  *metrics
	sessions *sessionCache
	city     *cityCache
	names    *names
	heard    *recently
	peers    *http.Client // to other nodes
	document []byte       // the OpenAPI document

	operations []operation

	base   context.Context // cancelled when the server stops
	cancel context.CancelFunc
	ln     net.Listener
	served chan error

	stopOnce sync.Once
	stopErr  error
}

// New builds the server; nothing listens yet.
func New(deps Deps, opts Options) (*Server, error) {
	opts = opts.withDefaults()
	if deps.Tickets == nil || deps.Users == nil || deps.Live == nil || deps.Ledger == nil || deps.Keys == nil {
		return nil, errors.New("web: Tickets, Users, Ledger, Keys and Live are needed")
	}
	if (opts.TLSCert == "") != (opts.TLSKey == "") {
		return nil, errors.New("web: --tls-cert and --tls-key go together; give both or none")
	}
	return build(deps, opts)
}

func build(deps Deps, opts Options) (*Server, error) {
	if deps.Pages == nil {
		deps.Pages = ui.FS()
	}
	v, err := newVerifier(opts.HashesAtOnce)
	if err != nil {
		return nil, err
	}
	s := &Server{deps: deps, opts: opts, verifier: v, metrics: newMetrics(opts.Registerer), sessions: newSessionCache()}
	s.names = &names{source: deps.Users, now: opts.Now, byID: map[string]name{}}
	s.peers = &http.Client{Timeout: passOn, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	s.heard = &recently{at: map[string]time.Time{}}
	s.city = &cityCache{source: deps.Tickets, now: opts.Now}
	s.base, s.cancel = context.WithCancel(context.Background())
	s.hub = newHub(deps.Live, hubOptions{
		now: opts.Now, log: opts.Log, buffer: opts.StreamBuffer, perUser: opts.StreamsPerUser, total: opts.Streams,
	})
	s.app = fiber.New(fiber.Config{
		AppName: "hotline", DisableStartupMessage: true, Immutable: true, StrictRouting: true, CaseSensitive: true,
		BodyLimit: opts.BodyLimit, ReadBufferSize: 16 << 10, ReadTimeout: 15 * time.Second, IdleTimeout: 75 * time.Second,
		ErrorHandler: s.onError, DisablePreParseMultipartForm: true, Concurrency: 20_000,
	})
	s.app.Use(s.observe, s.guard, s.forward)
	s.refuseUnknownMethods()
	s.boundBodies()
	s.api = newAPI(s.app, opts.Version)
	s.routes()
	if s.document, err = document(s.api); err != nil {
		return nil, err
	}
	s.plainRoutes()
	return s, nil
}

// refuseUnknownMethods gives a method that fiber does not know a problem, where
// fiber itself would answer with plain text.
func (s *Server) refuseUnknownMethods() {
	inner := s.app.Server().Handler
	s.app.Server().Handler = func(rc *fasthttp.RequestCtx) {
		if slices.Contains(fiber.DefaultMethods, string(rc.Method())) {
			inner(rc)
			return
		}
		c := s.app.AcquireCtx(rc)
		defer s.app.ReleaseCtx(c)
		_ = s.onError(c, byStatus(http.StatusMethodNotAllowed)) // writes into the response's buffer
	}
}

// routes registers every operation of the contract.
func (s *Server) routes() {
	s.sessionRoutes()
	s.ownAccountRoutes()
	s.peopleRoutes()
	s.apiKeyRoutes()
	s.ledgerRoutes()
	s.eventRoutes()
	s.ticketRoutes()
	s.exportRoutes()
	s.oidcRoutes()
	s.classifyRoutes()
	s.privacyRoutes()
	s.hotspotRoutes()
	s.topicRoutes()
	s.analysisRoutes()
	s.assistRoutes()
	s.listRoutes()
	s.bulkRoutes()
	s.recordRoutes()
	s.deskRoutes()
	s.catalogueRoutes()
	s.attachmentRoutes()
	s.searchRoutes()
	s.callRoutes()
	s.cityRoutes()
	s.publicRoutes()
}

// Start listens, then serves in the background. When it returns nil the server
// takes requests; a port in use is an error that says so.
func (s *Server) Start(ctx context.Context) error {
	conf := s.opts.TLS
	if conf == nil && s.opts.TLSCert != "" {
		var err error
		if conf, err = loadTLS(s.opts.TLSCert, s.opts.TLSKey); err != nil {
			return err
		}
	}
	ln, err := listen(ctx, s.opts.Addr)
	if err != nil {
		return err
	}
	if err := s.hub.start(ctx); err != nil {
		_ = ln.Close()
		return fmt.Errorf("web: live events: %w", err)
	}
	s.ln = ln
	if conf != nil {
		ln = tls.NewListener(ln, conf)
	}
	s.served = make(chan error, 1)
	go func() { s.served <- s.app.Listener(ln) }()
	return nil
}

// Addr is where the server listens, once started.
func (s *Server) Addr() netip.AddrPort {
	if s.ln == nil {
		return netip.AddrPort{}
	}
	if a, ok := s.ln.Addr().(*net.TCPAddr); ok {
		return a.AddrPort()
	}
	return netip.AddrPort{}
}

// Stop ends the streams, lets running requests finish until ctx ends, and
// closes. A second call answers what the first did.
func (s *Server) Stop(ctx context.Context) error {
	s.stopOnce.Do(func() { s.stopErr = s.stop(ctx) })
	return s.stopErr
}

func (s *Server) stop(ctx context.Context) error {
	s.hub.close()
	defer s.cancel()
	if s.ln == nil {
		return nil
	}
	err := s.app.ShutdownWithContext(ctx)
	_ = s.ln.Close()
	select {
	case served := <-s.served:
		err = errors.Join(err, served)
	case <-ctx.Done():
		err = errors.Join(err, ctx.Err())
	}
	if err != nil {
		return fmt.Errorf("web: stop: %w", err)
	}
	return nil
}
