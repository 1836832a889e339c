package app

import (
	"context"
	"errors"
	"time"

	"hotline/cmd/hotline/config"
	"hotline/cmd/hotline/engines"
	"hotline/jobs"
	"hotline/search"
)

// How long things that only serve the moment are kept.
const (
	keepLiveEvents = 48 * time.Hour
	keepSessions   = 7 * 24 * time.Hour // after their end
	keepReceipts   = 48 * time.Hour     // a request sent again later counts as new
	keepOutbox     = 7 * 24 * time.Hour // after the effect
	keepFormDrafts = 7 * 24 * time.Hour // after the last change
)

// archivedAtOnce bounds how many tickets one run archives: the writer has others to serve.
const archivedAtOnce = 2000

// retainedAtOnce bounds what one run of the retention takes out by one rule.
const retainedAtOnce = 20_000

// schedules is the regular upkeep, done by one node at a time.
func (a *App) schedules() []jobs.Schedule {
	store := a.Engines.Store
	prune := func(name string, every, keep time.Duration, run func(context.Context, time.Time) error) jobs.Schedule {
		return jobs.Schedule{Name: name, Every: every, Run: func(ctx context.Context) error { return run(ctx, time.Now().Add(-keep)) }}
	}
	return []jobs.Schedule{
		a.earlyWarning(),
		a.gatherTopics(),
		a.scanPlaces(),
		prune("prune-live-events", 10*time.Minute, keepLiveEvents, store.PruneLiveEvents),
		prune("prune-sessions", time.Hour, keepSessions, store.PruneSessions),
		prune("prune-receipts", time.Hour, keepReceipts, store.PruneReceipts),
		prune("prune-outbox", time.Hour, keepOutbox, store.PruneOutbox),
		prune("prune-form-drafts", time.Hour, keepFormDrafts, store.PruneFormDrafts),
		{Name: "anchor-ledger", Every: anchorEvery, Run: func(ctx context.Context) error {
			now := time.Now()
			return errors.Join(
				WriteAnchor(ctx, a.Engines, engines.AnchorsOf(a.cfg), now),
				a.Engines.KeepErased(ctx, engines.AnchorsOf(a.cfg), now.Add(-7*24*time.Hour), now),
			)
		}},
		{Name: "retention", Every: 24 * time.Hour, Run: func(ctx context.Context) error {
			report, err := a.Engines.Tickets.Retain(ctx, a.Engines.Recordings(), retainedAtOnce, false)
			for _, row := range report.Rows {
				a.log.Info("retention", "class", row.Class, "types", row.Types, "days", row.Days, "done", row.Done, "held", row.Held, "left", row.Left)
			}
			return err
		}},
		{Name: "archive-closed", Every: 10 * time.Minute, Run: func(ctx context.Context) error {
			n, err := a.Engines.Tickets.ArchiveClosed(ctx, archivedAtOnce)
			if n > 0 {
				a.log.Info("archived closed tickets", "count", n)
			}
			return err
		}},
	}
}

// indexCare is when the index is looked after.
type indexCare struct {
	look   time.Duration // between two looks whether it is there and whole
	first  time.Duration // from the start to the first comparison with the database
	again  time.Duration // between two comparisons
	patrol time.Duration // most that one look may take

	learning time.Duration // most that learning words may take
}

func defaultIndexCare() indexCare {
	return indexCare{look: 10 * time.Second, first: time.Minute, again: 24 * time.Hour, patrol: 10 * time.Second, learning: time.Minute}
}

// keepIndex looks after an index beside the service, where searches answer
// from what is there: one that was lost, then or later, or that has another
// layout is rebuilt. A worker also compares it with the database now and then,
// and after every change of the city or its places: documents hold the ancestors of
// their departments, which decide who finds them, and the place they speak of.
func (a *App) keepIndex(ctx context.Context, index *search.Index, source search.Source) {
	err := index.Ready(ctx)
	if err != nil && !errors.Is(err, search.ErrNeedsRebuild) {
		a.log.Warn("search does not answer; it is tried again with every query", "error", err)
	}
	a.beside(ctx, "looking after the index", func(ctx context.Context) { a.watchIndex(ctx, index, source, err) })
}

// watchIndex looks after the index until ctx ends; state is what Ready said.
func (a *App) watchIndex(ctx context.Context, index *search.Index, source search.Source, state error) {
	city, next := a.knownOfCity(ctx), time.Now().Add(a.care.first)
	wait := a.care.look
	for {
		if state == nil {
			a.learnWords(ctx, index)
		}
		switch now := a.knownOfCity(ctx); {
		case errors.Is(state, search.ErrNeedsRebuild):
			a.log.Info("rebuilding the index from the database", "because", state)
			if err := index.Rebuild(ctx, source); err != nil && ctx.Err() == nil {
				wait = min(2*wait, 5*time.Minute)
				a.log.Error("the index could not be rebuilt and is tried again", "in", wait, "error", err)
			} else {
				wait = a.care.look
			}
		case state != nil || !a.cfg.Has(config.Worker):
		case now != city || time.Now().After(next):
			if a.compareIndex(ctx, index, source) {
				city, next = now, time.Now().Add(a.care.again)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		look, cancel := context.WithTimeout(ctx, a.care.patrol)
		state = index.Ready(look)
		cancel()
	}
}

// learnWords has the index know how common words are before somebody asks.
func (a *App) learnWords(ctx context.Context, index *search.Index) {
	bounded, cancel := context.WithTimeout(ctx, a.care.learning)
	defer cancel()
	if err := index.Learn(bounded); err != nil && ctx.Err() == nil {
		a.log.Warn("how common words are could not be learned and is tried again", "error", err)
	}
}

// compareIndex repairs what differs between index and database.
func (a *App) compareIndex(ctx context.Context, index *search.Index, source search.Source) bool {
	report, err := index.Verify(ctx, source, true)
	switch {
	case err != nil && ctx.Err() == nil:
		a.log.Warn("index and database could not be compared, trying again", "error", err)
	case err == nil && !report.Clean():
		a.log.Info("the index differed from the database and was repaired", "missing", report.Missing, "stale", report.Stale,
			"extra", report.Extra, "ahead", report.Ahead, "doubled", report.Doubled)
	}
	return err == nil
}

// knownOfCity are the versions of what documents are made of besides tickets: of the city
// and of its places.
func (a *App) knownOfCity(ctx context.Context) [2]int64 {
	return [2]int64{a.cityVersion(ctx), a.Engines.Lists.PlacesVersion()}
}

// cityVersion is 0 while it cannot be read: once it can, the index is compared.
func (a *App) cityVersion(ctx context.Context) int64 {
	version, err := a.Engines.Tickets.CityVersion(ctx)
	if err != nil {
		return 0
	}
	return version
}
