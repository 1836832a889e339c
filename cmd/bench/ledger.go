package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"hotline/cmd/city"
	"hotline/cmd/hotline/accounts"
	"hotline/cmd/hotline/drill"
	"hotline/cmd/hotline/engines"
	"hotline/ticketing"
	"hotline/ticketing/ledger"
	"hotline/ticketing/sqlstore"
	"hotline/web"
)

// benchLedger measures how long the ledger takes to verify, and what keeping it
// costs those who accept tickets over HTTP: the same server on the same database,
// once with a store that drops the entries, in turns.
func benchLedger(ctx context.Context, r *run) (err error) {
	dir, err := r.folder("ledger")
	if err != nil {
		return err
	}
	e, err := (drill.Setup{Data: filepath.Join(dir, "data")}).Open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	sample := city.Sample()
	if err := e.Tickets.ImportCity(ctx, ticketing.SystemActor(), sample); err != nil {
		return err
	}
	if err := accounts.Demo(ctx, e.Store, e.Calls, sample, "hotline", time.Now()); err != nil {
		return err
	}
	if err := costOfLedger(ctx, r, e); err != nil {
		return err
	}
	return verifyLedger(ctx, r, e)
}

// withoutLedger is the store without the record.
type withoutLedger struct{ *sqlstore.Store }

func (s withoutLedger) Commit(ctx context.Context, c ticketing.Change) error {
	c.Ledger = nil
	for i := range c.With {
		c.With[i].Ledger = nil
	}
	return s.Store.Commit(ctx, c)
}

func costOfLedger(ctx context.Context, r *run, e *engines.Engines) error {
	const rounds, each = 20, 1_000
	ids, err := drafts(ctx, e, 2*rounds*each)
	if err != nil {
		return err
	}
	var costs, rates []float64
	for i := range rounds {
		var took [2]time.Duration
		for n := range took { // who is first changes from round to round
			side := (i + n) % 2
			if took[side], err = acceptBy(ctx, e, []ticketing.Store{e.Store, withoutLedger{e.Store}}[side], ids[:each]); err != nil {
				return fmt.Errorf("round %d: %w", i, err)
			}
			ids = ids[each:]
		}
		costs = append(costs, 100*(1-took[1].Seconds()/took[0].Seconds()))
		rates = append(rates, each/took[1].Seconds())
	}
	slices.Sort(costs)
	slices.Sort(rates)
	r.add(Figure{
		Name: "ledger_cost", Value: costs[rounds/2], Unit: "% of tickets accepted over HTTP, median of 20 rounds", Goal: 10,
		Baseline: rates[rounds/2], BaselineName: "tickets/s without a ledger",
	})
	return nil
}

// acceptBy accepts tickets by a server on a store, over HTTP.
func acceptBy(ctx context.Context, e *engines.Engines, store ticketing.Store, ids []string) (took time.Duration, err error) {
	service := engines.Service(store, nil)
	server, err := web.New(web.Deps{Tickets: service, Users: e.Store, Ledger: service, Keys: e.Keys, Live: e.Store}, web.Options{Addr: "127.0.0.1:0"})
	if err != nil {
		return 0, err
	}
	if err := server.Start(ctx); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, server.Stop(ctx)) }()
	c := newClient("http://" + server.Addr().String())
	defer c.http.CloseIdleConnections() // a server that stops waits for them
	if err := c.signIn(ctx, "agent1"); err != nil {
		return 0, err
	}
	began := time.Now()
	err = each(64, len(ids), c.accepting(ctx, ids))
	return time.Since(began), err
}

func verifyLedger(ctx context.Context, r *run, e *engines.Engines) error {
	const entries, together = 100_000, 500
	err := each(8, entries/together, func(i int) error {
		var c ticketing.Change
		for n := range together {
			c.Ledger = append(c.Ledger, ledger.Entry{
				At: time.Now(), Actor: "bench", Class: ledger.User, Address: "10.0.0.1", Trace: fmt.Sprintf("%032d", i), Action: "read.person",
				Object: fmt.Sprintf("ticket:%d", n), Result: ledger.Done, Reason: "核对诉求人信息", Data: []byte(`{"call":"0198"}`),
			})
		}
		return e.Store.Commit(ctx, c)
	})
	if err != nil {
		return err
	}
	if err := e.Store.Chain(ctx); err != nil {
		return err
	}
	began := time.Now()
	if _, err := e.Store.Ledger(ctx, ticketing.LedgerFilter{Limit: entries}); err != nil {
		return err
	}
	read := time.Since(began)
	began = time.Now()
	report, err := e.Store.VerifyLedger(ctx, nil)
	if err != nil {
		return err
	}
	took := time.Since(began).Seconds() * entries / float64(report.Entries)
	if !report.Whole() {
		return fmt.Errorf("the ledger is not whole: %+v", report.Findings[0])
	}
	r.add(Figure{
		Name: "ledger_verify", Value: took, Unit: "s for 100,000 entries", Goal: 5,
		Baseline: read.Seconds(), BaselineName: "reading as many without a check, s",
	})
	return nil
}
