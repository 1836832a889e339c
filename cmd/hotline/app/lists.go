package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hotline/cmd/city"
	"hotline/cmd/hotline/engines"
	"hotline/search"
	"hotline/search/address"
)

// listsEvery is the time between two looks at whether another node changed a list.
const listsEvery = 10 * time.Second

// cityLists are the lists that the city edits, in the form in which they are used.
type cityLists struct {
	search.Lists
	engines *engines.Engines

	refreshing sync.Mutex
	seen       map[string]int64 // version by list; that of the city itself by ""
	gazetteer  atomic.Pointer[address.Gazetteer]
}

func newCityLists(e *engines.Engines) *cityLists {
	l := &cityLists{Lists: e.Alerts, engines: e, seen: map[string]int64{}}
	l.gazetteer.Store(address.New(nil, nil))
	return l
}

// Places is the city's gazetteer.
func (l *cityLists) Places() *address.Gazetteer { return l.gazetteer.Load() }

// SaveList writes a list and puts it to use.
func (l *cityLists) SaveList(ctx context.Context, list search.List) error {
	if err := l.Lists.SaveList(ctx, list); err != nil {
		return err
	}
	return l.refresh(ctx)
}

// refresh reads what was changed.
func (l *cityLists) refresh(ctx context.Context) error {
	l.refreshing.Lock()
	defer l.refreshing.Unlock()
	now := map[string]int64{}
	var err error
	if now[""], err = l.engines.Tickets.CityVersion(ctx); err != nil {
		return fmt.Errorf("version of the city: %w", err)
	}
	for _, name := range []string{search.Gazetteer} {
		if now[name], err = l.ListVersion(ctx, name); err != nil {
			return err
		}
	}
	if now[search.Gazetteer] != l.seen[search.Gazetteer] || now[""] != l.seen[""] {
		if err := l.readPlaces(ctx); err != nil {
			return err
		}
	}
	l.seen = now
	return nil
}

func (l *cityLists) readPlaces(ctx context.Context) error {
	c, err := l.engines.Tickets.City(ctx)
	if err != nil {
		return fmt.Errorf("districts: %w", err)
	}
	list, err := l.List(ctx, search.Gazetteer)
	if errors.Is(err, search.ErrNoList) {
		l.gazetteer.Store(city.Addresses(c, nil))
		return nil
	}
	if err != nil {
		return err
	}
	places, err := address.Parse(strings.NewReader(list.Body))
	if err != nil {
		return err
	}
	l.gazetteer.Store(city.Addresses(c, places))
	return nil
}

// keepLists follows what other nodes change.
func (a *App) keepLists(ctx context.Context) *cityLists {
	l := newCityLists(a.Engines)
	refresh := func(ctx context.Context) {
		if err := l.refresh(ctx); err != nil && ctx.Err() == nil {
			a.log.Error("the city's lists could not be read and are tried again", "in", listsEvery, "error", err)
		}
	}
	refresh(ctx)
	a.beside(ctx, "following the city's lists", func(ctx context.Context) {
		tick := time.NewTicker(listsEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				refresh(ctx)
			}
		}
	})
	return l
}
