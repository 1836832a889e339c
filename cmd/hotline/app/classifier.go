package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"hotline/cmd/hotline/whole"
	"hotline/search/classify"
	"hotline/ticketing"
)

// How the model of categories is kept: learned anew once a day from the newest
// tickets whose category people gave.
const (
	learnEvery = 24 * time.Hour
	learnAgain = 10 * time.Minute // where there was too little to learn from, or it failed
	learnFirst = time.Minute      // after the start: it has other things to do
	learnFrom  = 20_000
)

// classifier proposes categories; it is what web needs of a model.
type classifier struct {
	path string
	now  atomic.Pointer[learned]
}

type learned struct {
	model *classify.Model
	at    time.Time
}

// Classify says which category a text has; false while nothing was learned.
func (c *classifier) Classify(text string) (p classify.Prediction, texts int, at time.Time, ok bool) {
	l := c.now.Load()
	if l == nil {
		return classify.Prediction{}, 0, time.Time{}, false
	}
	return l.model.Predict(text), l.model.Texts, l.at, true
}

// load reads the model of an earlier run.
func (c *classifier) load() error {
	f, err := os.Open(c.path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	m, err := classify.Read(f)
	if err == nil {
		c.now.Store(&learned{m, info.ModTime()})
	}
	return err
}

// save keeps a model for the next start.
func (c *classifier) save(m *classify.Model) error {
	if err := os.MkdirAll(filepath.Dir(c.path), 0o750); err != nil {
		return err
	}
	return whole.Write(c.path, m.Write)
}

// keepClassifier learns beside the service.
func (a *App) keepClassifier(ctx context.Context) *classifier {
	c := &classifier{path: filepath.Join(a.cfg.Data, "models", "category")}
	if err := c.load(); err != nil && !errors.Is(err, os.ErrNotExist) {
		a.log.Warn("the model of categories cannot be read and is learned anew", "error", err)
	}
	a.beside(ctx, "learning categories", func(ctx context.Context) { a.learnOn(ctx, c) })
	return c
}

func (a *App) learnOn(ctx context.Context, c *classifier) {
	wait := learnFirst
	if l := c.now.Load(); l != nil {
		wait = max(wait, time.Until(l.at.Add(learnEvery)))
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = learnEvery
		switch err := a.learn(ctx, c); {
		case ctx.Err() != nil:
			return
		case errors.Is(err, classify.ErrTooFew):
			wait = learnAgain
		case err != nil:
			wait = learnAgain
			a.log.Error("categories could not be learned and are tried again", "in", wait, "error", err)
		}
	}
}

// learn makes a model of the newest tickets that are over: people have looked at
// their categories by then.
func (a *App) learn(ctx context.Context, c *classifier) error {
	var examples []classify.Example
	q := ticketing.Query{Filter: ticketing.Filter{
		States: []ticketing.State{ticketing.FollowUp, ticketing.Closed, ticketing.Archived}, Sort: ticketing.SortNewest, Limit: 200,
	}}
	for len(examples) < learnFrom {
		page, err := a.Engines.Store.Tickets(ctx, q)
		if err != nil {
			return err
		}
		for _, t := range page.Items {
			if t.Appeal.Category != "" {
				t.Confidential = true // so that nobody's name is learned
				t = t.WithoutPerson()
				examples = append(examples, classify.Example{Label: t.Appeal.Category, Text: t.Appeal.Title + "\n" + t.Appeal.Description})
			}
		}
		if q.Cursor = page.NextCursor; q.Cursor == "" {
			break
		}
	}
	began := time.Now()
	m, err := classify.Learn(examples)
	if err != nil {
		return err
	}
	if err := c.save(m); err != nil {
		return err
	}
	c.now.Store(&learned{m, time.Now()})
	a.log.Info("learned categories", "texts", m.Texts, "categories", len(m.Labels), "seconds", time.Since(began).Seconds())
	return nil
}
