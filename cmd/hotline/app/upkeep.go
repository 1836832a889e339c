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
)

// schedules is the regular upkeep, done by one node at a time.
func (a *App) schedules() []jobs.Schedule {
	store := a.Engines.Store
	return []jobs.Schedule{
		{Name: "prune-live-events", Every: 10 * time.Minute, Run: func(ctx context.Context) error {
			return store.PruneLiveEvents(ctx, time.Now().Add(-keepLiveEvents))
		}},
		{Name: "prune-sessions", Every: time.Hour, Run: func(ctx context.Context) error {
			return store.PruneSessions(ctx, time.Now().Add(-keepSessions))
		}},
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
