package app

import (
	"context"
	"path/filepath"
	"time"

	"hotline/cmd/hotline/engines"
)

// How rows from before there were keys of persons are sealed: a little at a
// time, so that those who write are not kept waiting.
const (
	sealedAtOnce = 200
	sealPause    = 50 * time.Millisecond
	sealAgain    = time.Minute // after a failure
)

// keepSealed seals what is in the clear beside the service, until nothing is left.
func (a *App) keepSealed(ctx context.Context) {
	a.beside(ctx, "sealing what is in the clear", func(ctx context.Context) { a.sealAll(ctx) })
}

func (a *App) sealAll(ctx context.Context) {
	total := 0
	for ctx.Err() == nil {
		n, err := a.sealSome(ctx)
		total += n
		wait := sealPause
		switch {
		case err != nil && ctx.Err() == nil:
			a.log.Error("rows from before persons had keys, or were found by last digits, could not be brought up to date and are tried again", "in", sealAgain, "error", err)
			wait = sealAgain
		case err == nil && n == 0:
			if total > 0 {
				a.log.Info("brought rows of persons up to date", "rows", total)
			}
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

func (a *App) sealSome(ctx context.Context) (int, error) {
	for _, some := range []func(context.Context, int) (int, error){a.Engines.Store.SealClear, a.Engines.Calls.HideClear, a.Engines.Store.FillTails} {
		if n, err := some(ctx, sealedAtOnce); err != nil || n > 0 {
			return n, err
		}
	}
	return 0, nil
}

// eraseAgain orders anew what the list of the erased says and a restored
// database does not know.
func (a *App) eraseAgain(ctx context.Context) error {
	dir := engines.AnchorsOf(a.cfg)
	if dir == "" { // put together by hand, and soon gone
		return nil
	}
	if err := a.Engines.KeepErased(ctx, dir, time.Time{}, time.Now()); err != nil {
		return err
	}
	persons, err := engines.ReadErased(filepath.Join(dir, engines.ErasedList))
	if err != nil {
		return err
	}
	n, err := a.Engines.Tickets.Restored(ctx, persons)
	if n > 0 {
		a.log.Warn("the database is from before some persons were erased: they are erased again", "persons", n)
	}
	return err
}
