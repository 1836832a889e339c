package engines

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"hotline/cmd/city"
	"hotline/search"
	"hotline/search/address"
	"hotline/ticketing"
)

// Lists are the lists that the city edits, in the form in which they are used. A list is
// used from the first Refresh after it was saved on.
type Lists struct {
	search.Lists
	tickets *ticketing.Service

	refreshing sync.Mutex
	seen       map[string]int64 // version by list; that of the city itself by ""
	gazetteer  atomic.Pointer[address.Gazetteer]
}

func newLists(kept search.Lists, tickets *ticketing.Service) *Lists {
	l := &Lists{Lists: kept, tickets: tickets, seen: map[string]int64{}}
	l.gazetteer.Store(address.New(nil, nil))
	return l
}

// Places is the city's gazetteer.
func (l *Lists) Places() *address.Gazetteer { return l.gazetteer.Load() }

// SaveList writes a list and puts it to use.
func (l *Lists) SaveList(ctx context.Context, list search.List) error {
	if err := l.Lists.SaveList(ctx, list); err != nil {
		return err
	}
	return l.Refresh(ctx)
}

// Refresh reads what was changed.
func (l *Lists) Refresh(ctx context.Context) error {
	l.refreshing.Lock()
	defer l.refreshing.Unlock()
	now := map[string]int64{}
	var err error
	if now[""], err = l.tickets.CityVersion(ctx); err != nil {
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

func (l *Lists) readPlaces(ctx context.Context) error {
	c, err := l.tickets.City(ctx)
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

// where is the place that a ticket speaks of.
func (l *Lists) where(addressed, text string) (place string, at *search.Point) {
	p := l.Places().ReadBoth(addressed, text).Place
	if p == nil {
		return "", nil
	}
	return p.Key(), &search.Point{Lon: p.Lon, Lat: p.Lat}
}
