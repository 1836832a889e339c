package engines

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hotline/cmd/hotline/config"
	"hotline/jobs"
	"hotline/search"
	"hotline/search/esindex"
	"hotline/search/ftsindex"
	alertstore "hotline/search/sqlstore"
	"hotline/telephony"
	callstore "hotline/telephony/sqlstore"
	"hotline/ticketing"
	"hotline/ticketing/blobs"
	"hotline/ticketing/keyring"
	"hotline/ticketing/routing"
	"hotline/ticketing/sealing"
	"hotline/ticketing/sla"
	ticketstore "hotline/ticketing/sqlstore"
)

// Engines are the opened parts of one node.
type Engines struct {
	Store   *ticketstore.Store
	Keys    *keyring.Ring
	Calls   *callstore.Store
	Alerts  *alertstore.Store
	Tickets *ticketing.Service
	Lists   *Lists
	Index   *search.Index
	Source  search.Source
	Sealed  *search.Index // of the sealed partitions
	Closed  search.Source // what Sealed copies
	Queue   *jobs.Queue   // nil without the worker role, where the node is alone
	Blobs   blobs.Store   // of every role
	Cipher  sealing.Cipher

	closers []func() error // last opened, first closed
}

// Open opens what the node's roles need. Its errors say what to do.
func Open(ctx context.Context, c config.Config, log *slog.Logger) (*Engines, error) {
	e := &Engines{}
	if err := e.open(ctx, c, log); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

func (e *Engines) open(ctx context.Context, c config.Config, log *slog.Logger) error {
	if err := prepareData(c); err != nil {
		return err
	}
	if err := e.OpenStore(ctx, c, log); err != nil {
		return err
	}
	if err := e.OpenIndex(ctx, c, log); err != nil {
		return err
	}
	if c.Has(config.Worker) || c.Has(config.SIP) && c.Node != "" {
		queue, err := jobs.OpenQueue(c.Queue, jobs.QueueOptions{Log: log})
		if err != nil {
			return fmt.Errorf("--queue: %w", err)
		}
		e.Queue = queue
		e.closers = append(e.closers, queue.Close)
	}
	if c.Has(config.SIP) || c.Has(config.Web) || c.Has(config.Worker) {
		files, err := blobs.Open(c.Blobs)
		if err != nil {
			return fmt.Errorf("--blobs: %w", err)
		}
		e.Blobs = files
		e.closers = append(e.closers, files.Close)
	}
	return nil
}

// OpenStore opens the database alone, for commands that need no more.
func (e *Engines) OpenStore(ctx context.Context, c config.Config, log *slog.Logger) error {
	keys, err := openKeys(c)
	if err != nil {
		return err
	}
	store, err := ticketstore.Open(ctx, c.Store, ticketstore.Options{Log: log, Keys: keys, Cipher: c.Cipher})
	if err != nil {
		return fmt.Errorf("--store: %w", err)
	}
	e.Store, e.Keys, e.Cipher = store, keys, cmp.Or(c.Cipher, sealing.AES)
	e.closers = append(e.closers, store.Close)
	if err := store.KeysFit(ctx); err != nil {
		return fmt.Errorf("--key-file: %w", err)
	}
	if e.Calls, err = callstore.New(ctx, store.DB(), callstore.Options{Numbers: store}); err != nil {
		return fmt.Errorf("--store: tables of calls: %w", err)
	}
	if e.Alerts, err = alertstore.New(ctx, store.DB()); err != nil {
		return fmt.Errorf("--store: tables of alerts: %w", err)
	}
	options := ticketing.Options{Log: log}
	if dir := AnchorsOf(c); dir != "" {
		options.Erased = func(person string) error { return noteErased(dir, person, time.Now()) }
	}
	e.Tickets = ticketing.NewService(store, rules, options)
	e.Lists = newLists(e.Alerts, e.Tickets)
	return nil
}

// Service is the work orders on a store, with the rules of the city.
func Service(store ticketing.Store, log *slog.Logger) *ticketing.Service {
	return ticketing.NewService(store, rules, ticketing.Options{Log: log})
}

// ServiceAt is the same by another clock: a history is written with it.
func ServiceAt(store ticketing.Store, now func() time.Time) *ticketing.Service {
	return ticketing.NewService(store, rules, ticketing.Options{Now: now})
}

// AnchorsOf is the folder outside the database for what must survive it; empty
// when the configuration was put together by hand and has no data folder.
func AnchorsOf(c config.Config) string {
	if c.Anchors == "" && c.Data != "" {
		return filepath.Join(c.Data, "ledger")
	}
	return c.Anchors
}

// openKeys reads the installation's keys, or makes them at the first start.
func openKeys(c config.Config) (*keyring.Ring, error) {
	if c.KeyFile == "" && c.Data == "" { // an engine that is put together by hand and soon gone
		return keyring.Random()
	}
	c.KeyFile = cmp.Or(c.KeyFile, filepath.Join(c.Data, "keys"))
	if filepath.Dir(c.KeyFile) == c.Data {
		if err := makeData(c.Data); err != nil {
			return nil, err
		}
	}
	keys, err := keyring.Open(c.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("--key-file: %w; name another file, or let this user read and make it", err)
	}
	return keys, nil
}

// OpenIndex opens the search engine. It needs the store.
func (e *Engines) OpenIndex(ctx context.Context, c config.Config, log *slog.Logger) error {
	if err := e.Lists.Refresh(ctx); err != nil { // a list that cannot be read must not keep a node from answering
		log.Error("the city's lists cannot be read: places are not understood", "error", err)
	}
	driver, err := openDriver(ctx, c.Search, log)
	if err != nil {
		return fmt.Errorf("--search: %w", err)
	}
	e.Index = search.New(driver, search.Options{})
	e.Source = jobs.Source(e.Store, e.Lists.where)
	e.closers = append(e.closers, e.Index.Close)
	if driver, err = openDriver(ctx, sealedURL(c.Search), log); err != nil {
		return fmt.Errorf("--search: index of the sealed partitions: %w", err)
	}
	e.Sealed = search.New(driver, search.Options{})
	e.Closed = jobs.SealedSource(e.Store, e.Lists.where)
	e.closers = append(e.closers, e.Sealed.Close)
	return nil
}

// sealedURL is where the index of the sealed partitions is: a file or an index
// of its own beside the other.
func sealedURL(rawURL string) string {
	if path, embedded := strings.CutSuffix(rawURL, ".db"); embedded {
		return path + "-sealed.db"
	}
	scheme, rest, _ := strings.Cut(rawURL, "://")
	hosts, prefix, _ := strings.Cut(rest, "/")
	if prefix = strings.Trim(prefix, "/"); prefix == "" && scheme != ftsindex.Scheme {
		prefix = esindex.DefaultPrefix
	}
	return scheme + "://" + hosts + "/" + prefix + "-sealed"
}

func openDriver(ctx context.Context, rawURL string, log *slog.Logger) (search.Driver, error) {
	switch scheme, _, _ := strings.Cut(rawURL, "://"); scheme {
	case "fts":
		return ftsindex.Open(ctx, rawURL, ftsindex.Options{Log: log})
	case "elasticsearch+http", "elasticsearch+https":
		return esindex.Open(ctx, rawURL, esindex.Options{Log: log})
	default:
		return nil, fmt.Errorf("unknown engine %q; use fts:///path or elasticsearch+http(s)://host:port", scheme)
	}
}

// rules are what a city's reference data means for its tickets.
func rules(c ticketing.City) (ticketing.Rules, error) {
	keeper, err := sla.FromCity(c)
	if err != nil {
		return ticketing.Rules{}, err
	}
	return ticketing.Rules{Clocks: keeper, Router: routing.New(c)}, nil
}

// prepareData makes the data folder when an embedded engine lives in it.
func prepareData(c config.Config) error {
	needed := c.Has(config.SIP)
	for _, engine := range []string{c.Store, c.Search, c.Blobs} {
		if u, err := url.Parse(engine); err == nil && strings.HasPrefix(u.Path, c.Data) {
			needed = true
		}
	}
	if !needed {
		return nil
	}
	return makeData(c.Data)
}

func makeData(dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("--data: cannot make the folder %s (%w); name another, or make it and give it to this user", dir, err)
	}
	return nil
}

// Close closes everything, last opened first.
func (e *Engines) Close() error {
	var errs []error
	for i := len(e.closers) - 1; i >= 0; i-- {
		errs = append(errs, e.closers[i]())
	}
	e.closers = nil
	return errors.Join(errs...)
}

// CallBlobs lets the call centre keep recordings in the blob store.
func (e *Engines) CallBlobs() telephony.Blobs { return callBlobs{e.Blobs, e.Store, e.Cipher} }
