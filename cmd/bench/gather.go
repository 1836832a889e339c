package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"hotline/search"
	"hotline/search/gather"
	alertstore "hotline/search/sqlstore"
	"hotline/search/topic"
	"hotline/ticketing"
	"hotline/ticketing/sqlstore"
)

// arriving is how many tickets come between two looks.
const arriving = 50

// filed are tickets in the order in which they came, for topics to be made of.
type filed struct {
	list []gather.Report
	byID map[string]gather.Report
	came int
}

func (f *filed) After(_ context.Context, number string, limit int) (list []gather.Report, err error) {
	for _, r := range f.list[:f.came] {
		if r.Number > number && len(list) < limit {
			list = append(list, r)
		}
	}
	return list, nil
}

func (f *filed) Reports(_ context.Context, ids []string) (list []gather.Report, err error) {
	for _, id := range ids {
		if r, ok := f.byID[id]; ok {
			list = append(list, r)
		}
	}
	return list, nil
}

func filedOf(reports []topic.Report) *filed {
	f := &filed{byID: map[string]gather.Report{}}
	for i, r := range reports {
		one := gather.Report{
			ID: r.ID, Number: fmt.Sprintf("20260101-%06d", i), Person: r.User, Title: r.Title, Text: r.Body, Category: r.Category, Place: r.Place, PlaceName: r.Place, At: r.Time, Accepted: r.Time,
		}
		f.list = append(f.list, one)
		f.byID[one.ID] = one
	}
	return f
}

// benchGather gathers the same tickets as the service does: a few at a time, through an
// index and a store.
func benchGather(ctx context.Context, r *run, engine string, index *search.Index, reports []topic.Report, truth []string, whole float64) (err error) {
	dir, err := r.folder("topics-" + engine)
	if err != nil {
		return err
	}
	tickets, err := sqlstore.Open(ctx, "sqlite://"+filepath.Join(dir, "hotline.db"), sqlstore.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tickets.Close()) }()
	store, err := alertstore.New(ctx, tickets.DB())
	if err != nil {
		return err
	}
	source := filedOf(reports)
	gatherer := gather.New(source, index, store, gather.Settings{NewID: ticketing.NewID})
	took := time.Duration(0)
	for source.came < len(source.list) {
		some := source.list[source.came:min(source.came+arriving, len(source.list))]
		docs := make([]search.Document, len(some))
		for i, x := range some {
			docs[i] = search.Document{ID: x.ID, Number: x.Number, Version: 1, Title: x.Title, Body: x.Text, Categories: []string{x.Category}, Place: x.Place, CreatedAt: x.At}
		}
		if err := index.Put(ctx, docs...); err != nil {
			return err
		}
		if err := index.Refresh(ctx); err != nil {
			return err
		}
		source.came += len(some)
		began := time.Now()
		if err := gatherer.Look(ctx, some[len(some)-1].At); err != nil {
			return err
		}
		took += time.Since(began)
	}
	found := make([]string, len(reports))
	for i, x := range reports {
		known, err := store.Memberships(ctx, []string{x.ID})
		if err != nil {
			return err
		}
		if len(known) != 1 {
			return fmt.Errorf("%s was not gathered", x.ID)
		}
		if found[i] = known[0].Topic; found[i] == "" {
			found[i] = x.ID // alone
		}
	}
	r.add(Figure{
		Name: "topics_gathered_f1_" + engine, Value: pairwiseF1(truth, found), Goal: 0.94, HigherIsBetter: true,
		Baseline: whole, BaselineName: "all of them compared with all topics, in memory",
	})
	r.say("topics on %s: %.0f tickets gathered a second", engine, float64(len(reports))/took.Seconds())
	return nil
}
