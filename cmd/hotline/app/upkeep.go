package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hotline/jobs"
	"hotline/search"
)

// How long things that only serve the moment are kept.
const (
	keepLiveEvents = 48 * time.Hour
	keepSessions   = 7 * 24 * time.Hour // after their end
	keepReceipts   = 48 * time.Hour     // a request sent again later counts as new
	keepOutbox     = 7 * 24 * time.Hour // after the effect
)

// schedules is the regular upkeep, done by one node at a time.
func (a *App) schedules() []jobs.Schedule {
	store := a.Engines.Store
	prune := func(name string, every, keep time.Duration, run func(context.Context, time.Time) error) jobs.Schedule {
		return jobs.Schedule{Name: name, Every: every, Run: func(ctx context.Context) error { return run(ctx, time.Now().Add(-keep)) }}
	}
	return []jobs.Schedule{
		prune("prune-live-events", 10*time.Minute, keepLiveEvents, store.PruneLiveEvents),
		prune("prune-sessions", time.Hour, keepSessions, store.PruneSessions),
		prune("prune-receipts", time.Hour, keepReceipts, store.PruneReceipts),
		prune("prune-outbox", time.Hour, keepOutbox, store.PruneOutbox),
	}
}

// repairIndex rebuilds an index that was lost or has another layout. It runs
// beside the service: searches answer from what is there already.
func (a *App) repairIndex(ctx context.Context) error {
	err := a.Engines.Index.Ready(ctx)
	if err == nil || !errors.Is(err, search.ErrNeedsRebuild) {
		if err != nil {
			a.log.Warn("search does not answer; it is tried again with every query", "error", err)
		}
		return nil
	}
	a.log.Info("rebuilding the index from the database", "because", err)
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := a.Engines.Index.Rebuild(background, a.Engines.Source); err != nil && background.Err() == nil {
			a.log.Error("the index could not be rebuilt; run hotline reindex", "error", err)
		}
	}()
	a.teardown = append(a.teardown, func(ctx context.Context) error {
		cancel()
		select {
		case <-done:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("rebuilding the index: %w", ctx.Err())
		}
	})
	return nil
}
