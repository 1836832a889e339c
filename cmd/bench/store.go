package main

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"hotline/cmd/city"
	"hotline/cmd/hotline/drill"
	"hotline/ticketing"
)

// benchStore measures tickets accepted per second through the service, on the
// embedded database with synchronous FULL. Drafts are opened before. The
// baseline is one caller at a time, so that no two share a commit.
func benchStore(ctx context.Context, r *run) (err error) {
	dir, err := r.folder("store")
	if err != nil {
		return err
	}
	e, err := (drill.Setup{Data: filepath.Join(dir, "data")}).Open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	if err := e.Tickets.ImportCity(ctx, ticketing.SystemActor(), city.Sample()); err != nil {
		return err
	}
	const alone, together = 3_000, 30_000
	ids, err := drafts(ctx, e, alone+together)
	if err != nil {
		return err
	}
	accept := func(ids []string, callers int) (float64, error) {
		began := time.Now()
		err := each(callers, len(ids), func(i int) error {
			_, err := e.Tickets.Act(ctx, agent(), ids[i], ticketing.Command{Action: ticketing.ActAccept, Version: 1})
			return err
		})
		return float64(len(ids)) / time.Since(began).Seconds(), err
	}
	baseline, err := accept(ids[:alone], 1)
	if err != nil {
		return err
	}
	value, err := accept(ids[alone:], 128)
	if err != nil {
		return err
	}
	r.add(Figure{
		Name: "store_accept", Value: value, Unit: "tickets/s", Goal: 5000, HigherIsBetter: true,
		Baseline: baseline, BaselineName: "the same without group commit: one caller at a time",
	})
	return nil
}
