package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"hotline/cmd/hotline/whole"
	"hotline/search/classify"
	"hotline/ticketing"
	"hotline/web"
)

// How the model of categories is kept: learned anew once a day from the newest
// tickets whose category people gave.
const (
	learnEvery = 24 * time.Hour
	learnAgain = 10 * time.Minute // where there was too little to learn from, or it failed
	learnFirst = time.Minute      // after the start: it has other things to do
	learnFrom  = 20_000
)

// field is how a model learns what it proposes: its value of a ticket, and the text that it is known by.
type field struct{ value, text func(ticketing.Ticket) string }

// fields are what models propose.
var fields = map[string]field{
	web.FieldCategory:   {func(t ticketing.Ticket) string { return t.Appeal.Category }, textOf},
	web.FieldType:       {func(t ticketing.Ticket) string { return string(t.Appeal.Type) }, textOf},
	web.FieldUrgency:    {func(t ticketing.Ticket) string { return string(t.Urgency) }, textOf},
	web.FieldDepartment: {func(t ticketing.Ticket) string { return t.Department }, textOf},
	web.FieldDistrict:   {func(t ticketing.Ticket) string { return t.Appeal.District }, whereOf},
}

// classifier proposes what a text says of the fields of a ticket; it is what web needs of models.
type classifier struct {
	dir    string
	models map[string]*atomic.Pointer[learned] // by field
	kept   *acceptance
}

type learned struct {
	model *classify.Model
	at    time.Time
}

func newClassifier(dir string) *classifier {
	c := &classifier{dir: dir, models: map[string]*atomic.Pointer[learned]{}, kept: newAcceptance(filepath.Join(dir, "acceptance.json"))}
	for field := range fields {
		c.models[field] = &atomic.Pointer[learned]{}
	}
	return c
}

// Classify says what a text says of a field; false while nothing was learned.
func (c *classifier) Classify(field, text string) (p classify.Prediction, texts int, at time.Time, ok bool) {
	l := c.models[field].Load()
	if l == nil {
		return classify.Prediction{}, 0, time.Time{}, false
	}
	return l.model.Predict(text), l.model.Texts, l.at, true
}

// Acceptance says how proposals of categories fared of late.
func (c *classifier) Acceptance() []web.Accepted { return c.kept.sum() }

// load reads the models of an earlier run; what was never learned is left out.
func (c *classifier) load() error {
	errs := []error{c.kept.load()}
	for field, now := range c.models {
		if err := c.loadField(field, now); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, fmt.Errorf("model of the %s: %w", field, err))
		}
	}
	return errors.Join(errs...)
}

func (c *classifier) loadField(field string, now *atomic.Pointer[learned]) error {
	f, err := os.Open(filepath.Join(c.dir, field))
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
		now.Store(&learned{m, info.ModTime()})
	}
	return err
}

// use keeps a model for the next start and proposes by it from now on.
func (c *classifier) use(field string, m *classify.Model) error {
	if err := os.MkdirAll(c.dir, 0o750); err != nil {
		return err
	}
	if err := whole.Write(filepath.Join(c.dir, field), m.Write); err != nil {
		return err
	}
	c.models[field].Store(&learned{m, time.Now()})
	return nil
}

// keepClassifier learns beside the service.
func (a *App) keepClassifier(ctx context.Context) *classifier {
	c := newClassifier(filepath.Join(a.cfg.Data, "models"))
	if err := c.load(); err != nil {
		a.log.Warn("a model cannot be read and is learned anew", "error", err)
	}
	a.beside(ctx, "learning categories", func(ctx context.Context) { a.learnOn(ctx, c) })
	return c
}

func (a *App) learnOn(ctx context.Context, c *classifier) {
	wait := learnFirst
	if l := c.models[web.FieldCategory].Load(); l != nil {
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

// learn makes models of the newest tickets that are over: people have looked at their
// fields by then. Before, it sees how the model of categories fared with those that came since.
func (a *App) learn(ctx context.Context, c *classifier) error {
	tickets, err := a.ticketsToLearn(ctx)
	if err != nil {
		return err
	}
	if err := c.measure(tickets, time.Now()); err != nil {
		return err
	}
	for field, of := range fields {
		examples := of.examples(tickets)
		began := time.Now()
		m, err := classify.Learn(examples)
		if errors.Is(err, classify.ErrTooFew) && field != web.FieldCategory {
			continue // a city may have one urgency alone
		}
		if err != nil {
			return fmt.Errorf("model of the %s: %w", field, err)
		}
		if err := c.use(field, m); err != nil {
			return err
		}
		a.log.InfoContext(ctx, "learned from tickets", "field", field, "texts", m.Texts, "labels", len(m.Labels), "seconds", time.Since(began).Seconds())
	}
	return nil
}

// ticketsToLearn are the newest that are over, without anybody's name.
func (a *App) ticketsToLearn(ctx context.Context) (list []ticketing.Ticket, err error) {
	q := ticketing.Query{Filter: ticketing.Filter{
		States: []ticketing.State{ticketing.FollowUp, ticketing.Closed, ticketing.Archived}, Sort: ticketing.SortNewest, Limit: 200,
	}}
	for len(list) < learnFrom {
		page, err := a.Engines.Store.Tickets(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, t := range page.Items {
			t = t.Nameless()
			list = append(list, ticketing.Ticket{ID: t.ID, CreatedAt: t.CreatedAt, Urgency: t.Urgency, Department: t.Department, Appeal: t.Appeal}) // no more is needed of so many
		}
		if q.Cursor = page.NextCursor; q.Cursor == "" {
			break
		}
	}
	return list, nil
}

func textOf(t ticketing.Ticket) string { return t.Appeal.Title + "\n" + t.Appeal.Description }

// whereOf is the text of a ticket with the address that was given.
func whereOf(t ticketing.Ticket) string { return textOf(t) + "\n" + t.Appeal.Address }

func (f field) examples(tickets []ticketing.Ticket) []classify.Example {
	var list []classify.Example
	for _, t := range tickets {
		if label := f.value(t); label != "" {
			list = append(list, classify.Example{Label: label, Text: f.text(t)})
		}
	}
	return list
}
