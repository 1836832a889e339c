package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"hotline/cmd/hotline/accounts"
	"hotline/cmd/hotline/bridge"
	"hotline/cmd/hotline/certs"
	"hotline/cmd/hotline/config"
	"hotline/cmd/hotline/engines"
	"hotline/jobs"
	"hotline/jobs/notify"
	"hotline/search/assist"
	"hotline/search/gather"
	"hotline/telephony"
	"hotline/telephony/cluster"
	"hotline/telephony/prompts"
	"hotline/ticketing"
	"hotline/ticketing/sla"
	"hotline/web"
	"hotline/web/sso"
)

// Options are what a program or a test may set beside the configuration.
type Options struct {
	Log       *slog.Logger
	Version   string
	Telephony func(*telephony.Config) // last word on the call centre's settings
	Web       func(*web.Options)      // last word on the web server's
	// Prepare runs on the opened engines before any role starts; nil makes those
	// of the three administrators who are missing.
	Prepare func(ctx context.Context, cfg config.Config, e *engines.Engines) ([]accounts.Issued, error)
}

// App is one node.
type App struct {
	cfg  config.Config
	opts Options
	log  *slog.Logger
	care indexCare

	Engines  *engines.Engines
	Center   *telephony.Center
	Runner   *jobs.Runner
	Server   *web.Server
	certs    *certs.Source
	gatherer *gather.Gatherer
	Issued   []accounts.Issued // passwords made up at the first start, to be shown once

	teardown []func(context.Context) error // last started, first stopped
}

// New makes a node; Start brings it up.
func New(cfg config.Config, opts Options) *App {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Prepare == nil {
		opts.Prepare = Administrators
	}
	return &App{cfg: cfg, opts: opts, log: opts.Log, care: defaultIndexCare()}
}

// Start opens the engines and starts the node's roles.
func (a *App) Start(ctx context.Context) error {
	if err := a.start(ctx); err != nil {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		return errors.Join(err, a.Stop(stop))
	}
	return nil
}

func (a *App) start(ctx context.Context) error {
	opened, err := engines.Open(ctx, a.cfg, a.log)
	if err != nil {
		return err
	}
	a.Engines = opened
	a.teardown = append(a.teardown, func(context.Context) error { return opened.Close() })
	if a.cfg.Has(config.SIP) { // its spool is there
		unlock, err := lockData(a.cfg.Data)
		if err != nil {
			return err
		}
		a.teardown = append(a.teardown, func(context.Context) error { return unlock() })
	}
	if a.Issued, err = a.opts.Prepare(ctx, a.cfg, opened); err != nil {
		return err
	}
	a.keepLists(ctx)
	a.gatherer = a.newGatherer()
	if err := a.loadCertificate(); err != nil {
		return err
	}
	if a.cfg.Has(config.Worker) {
		if err := a.eraseAgain(ctx); err != nil {
			return err
		}
		a.keepSealed(ctx)
	}
	a.keepIndex(ctx, a.Engines.Index, a.Engines.Source)
	a.keepIndex(ctx, a.Engines.Sealed, a.Engines.Closed)
	registry := prometheus.NewRegistry()
	// Memory, goroutines and descriptors: whether they stay flat is the first question about a node that runs for months.
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, startRole := range []struct {
		role  config.Role
		start func(context.Context, *prometheus.Registry) error
	}{{config.Worker, a.startWorkers}, {config.SIP, a.startCenter}, {config.Web, a.startWeb}} {
		if !a.cfg.Has(startRole.role) {
			continue
		}
		if err := startRole.start(ctx, registry); err != nil {
			return err
		}
	}
	return nil
}

// grace is what each part may take to end when the time to stop is over: a
// call that goes on to the last moment must not cost the others their end.
const grace = 5 * time.Second

// Stop ends the node: no new calls, then those that run, during which the web
// serves their operators, then requests, then the engines.
func (a *App) Stop(ctx context.Context) error {
	var errs []error
	if a.Center != nil {
		a.Center.Drain(ctx)
	}
	for i := len(a.teardown) - 1; i >= 0; i-- {
		errs = append(errs, stopPart(ctx, a.teardown[i]))
	}
	a.teardown = nil
	return errors.Join(errs...)
}

func stopPart(ctx context.Context, stop func(context.Context) error) error {
	if ctx.Err() != nil {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
		ctx = late
	}
	return stop(ctx)
}

func (a *App) startWorkers(ctx context.Context, registry *prometheus.Registry) error {
	store, tickets := a.Engines.Store, a.Engines.Tickets
	var senders []notify.Sender
	if a.cfg.Webhook != "" {
		webhook, err := notify.NewWebhook(a.cfg.Webhook, a.cfg.Secret, notify.WebhookOptions{})
		if err != nil {
			return fmt.Errorf("--notify-webhook: %w", err)
		}
		senders = append(senders, webhook)
	}
	a.Runner = jobs.New(a.Engines.Queue, jobs.Deps{
		Outbox: store,
		Topics: map[string]jobs.TopicHandler{
			ticketing.TopicRoute:  jobs.RouteHandler(tickets),
			ticketing.TopicLife:   jobs.LifeHandler(tickets),
			ticketing.TopicIndex:  jobs.IndexHandler(a.Engines.Index, a.Engines.Source),
			ticketing.TopicSealed: jobs.IndexHandler(a.Engines.Sealed, a.Engines.Closed),
			ticketing.TopicNotify: jobs.NotifyHandler(tickets, senders...),
		},
		Deadlines: tickets,
		Schedules: a.schedules(),
	}, jobs.Options{Log: a.log})
	if err := a.Runner.Start(ctx); err != nil {
		return fmt.Errorf("workers: %w", err)
	}
	a.teardown = append(a.teardown, a.Runner.Stop)
	registry.MustRegister(workerMetrics{a.Runner})
	return nil
}

// CallCentre is the call centre's part of a configuration, without its certificates.
func CallCentre(c config.Config) telephony.Config {
	cfg := telephony.Config{
		Listen: c.SIP, PublicIP: c.PublicIP, RTPLow: c.RTPLow, RTPHigh: c.RTPHigh,
		Trunks: c.Trunks, Realm: c.Realm, SpoolDir: c.Spool(), Lines: lines(c.Lines, c.QueueOf), Queues: c.Queues,
		Gateway: c.Gateway, TrunkList: c.TrunkList, NoRecording: c.NoRecord, SecureSeats: c.SRTP, RTCPort: c.RTCPort,
		MediaTimeout: c.MediaTimeout, OneSideTimeout: c.OneSideTimeout, LongestTalk: c.LongestTalk, SeatTimeout: c.SeatTimeout, SeatReturn: c.SeatReturn,
	}
	cfg.Flows, cfg.Zone, cfg.Workday = c.Flows, sla.Zone, sla.DefaultCalendar().Workday
	if c.Prompts != "" {
		cfg.Prompts = prompts.Over(os.DirFS(c.Prompts))
	}
	cfg.RecordingKeys = c.RecordingKeys
	cfg.Origins, cfg.Scanners = c.Origins, c.Scanners
	return cfg
}

func (a *App) startCenter(ctx context.Context, registry *prometheus.Registry) error {
	cfg := CallCentre(a.cfg)
	if a.certs != nil {
		cfg.TLS = a.certs.TLS()
	}
	if a.opts.Telephony != nil {
		a.opts.Telephony(&cfg)
	}
	cfg.Workday = newWorkdays(a.Engines.Tickets, a.log, time.Now).Workday
	calls := bridge.New(a.Engines.Tickets, a.Engines.Store, a.log, nil)
	opts := telephony.Options{Log: a.log, Callers: bridge.NewCallers(a.Engines.Tickets)}
	if a.cfg.Node != "" {
		shared := a.Engines.Queue.Client()
		opts.Cluster = &telephony.Cluster{Node: a.cfg.Node, HTTP: a.cfg.NodeURL, Log: cluster.NewLog(shared, a.log)}
		opts.Locations = cluster.NewLocations(shared, a.log)
	}
	center, err := telephony.New(cfg, a.Engines.Calls, calls, a.Engines.CallBlobs(), opts)
	if err != nil {
		return fmt.Errorf("call centre: %w", err)
	}
	if err := center.Start(ctx); errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("call centre: the port is taken by another process; stop it or choose another --sip: %w", err)
	} else if err != nil {
		return fmt.Errorf("call centre: %w", err)
	}
	a.Center = center
	a.teardown = append(a.teardown, center.Stop)
	registry.MustRegister(callMetrics{center})
	return nil
}

func (a *App) startWeb(ctx context.Context, registry *prometheus.Registry) error {
	deps := web.Deps{
		Tickets: a.Engines.Tickets, Users: a.Engines.Store, Ledger: a.Engines.Tickets, Keys: a.Engines.Keys, Live: a.Engines.Store, Index: a.Engines.Index, Sealed: a.Engines.Sealed, Alerts: a.Engines.Alerts, Saved: a.Engines.Alerts,
		Topics: a.Engines.Alerts, Gatherer: a.gatherer,
		Health: a.Health, Metrics: registry,
	}
	if a.Center != nil {
		deps.Calls = a.Center
	}
	deps.Lists, deps.Places, deps.Vocabulary = a.Engines.Lists, a.Engines.Lists.Places, a.Engines.Lists.Vocabulary
	if a.cfg.Data != "" {
		deps.Classifier = a.keepClassifier(ctx)
	}
	if a.cfg.OIDC.Issuer != "" {
		deps.SSO = sso.New(a.cfg.OIDC)
	}
	if a.cfg.Assist.URL != "" {
		model, err := assist.New(a.cfg.Assist)
		if err != nil {
			return err
		}
		deps.Assistant = model
	}
	if a.Engines.Blobs != nil {
		deps.Blobs = a.Engines.Attachments()
	}
	opts := web.Options{
		SSO:  web.SSOOptions{Name: a.cfg.OIDCName, Roles: a.cfg.OIDCRoles, Home: strings.TrimSuffix(a.cfg.OIDCHome, "/") + "/desk/login"},
		Addr: a.cfg.HTTP, Log: a.log, Version: a.opts.Version, Registerer: registry,
		TrustedProxies: a.cfg.Proxies, MetricsFrom: a.cfg.Scrapers,
		PerUser: web.Rate{Burst: a.cfg.UserRequests, Per: 10 * time.Second}, PasswordAge: time.Duration(a.cfg.PasswordDays) * 24 * time.Hour, SecondFactor: a.cfg.SecondFactor,
		Working: newWorkdays(a.Engines.Tickets, a.log, time.Now).Working,
	}
	if a.certs != nil {
		opts.TLS = a.certs.TLS("http/1.1")
	}
	if a.cfg.ClamAV != "" {
		var err error
		if opts.Scanner, err = web.NewClam(a.cfg.ClamAV); err != nil {
			return fmt.Errorf("--clamav: %w", err)
		}
	}
	if a.opts.Web != nil {
		a.opts.Web(&opts)
	}
	server, err := web.New(deps, opts)
	if err != nil {
		return err
	}
	if err := server.Start(ctx); err != nil {
		return err
	}
	a.Server = server
	a.teardown = append(a.teardown, server.Stop)
	a.keepSubscriptions(ctx)
	return nil
}

// HTTPAddr is where the web server listens; the zero AddrPort without that role.
func (a *App) HTTPAddr() netip.AddrPort {
	if a.Server == nil {
		return netip.AddrPort{}
	}
	return a.Server.Addr()
}

// URL is where browsers find the node; empty without the web role.
func (a *App) URL() string {
	if a.Server == nil {
		return ""
	}
	scheme := "http"
	if a.cfg.TLSCert != "" {
		scheme = "https"
	}
	return scheme + "://" + a.Server.Addr().String()
}

// Health tells how each part is; nil means well.
func (a *App) Health(ctx context.Context) map[string]error {
	parts := map[string]error{"store": a.Engines.Store.Ready(ctx), "search": a.Engines.Index.Ready(ctx)}
	if a.Runner != nil {
		parts["queue"] = a.Runner.Ready(ctx)
	}
	if a.Center != nil {
		parts["sip"] = a.Center.Ready(ctx)
	}
	return parts
}

func lines(numbers []string, queueOf map[string]string) []telephony.Line {
	all := make([]telephony.Line, len(numbers))
	for i, n := range numbers {
		all[i] = telephony.Line{Number: n, Name: n, Queue: queueOf[n]}
	}
	return all
}
