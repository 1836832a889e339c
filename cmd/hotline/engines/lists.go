package engines

import (
	"context"
	"errors"
	"fmt"
	"maps"
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
	vocabulary atomic.Pointer[search.Vocabulary]
}

func newLists(kept search.Lists, tickets *ticketing.Service) *Lists {
	l := &Lists{Lists: kept, tickets: tickets, seen: map[string]int64{}}
	l.gazetteer.Store(address.New(nil, nil))
	l.vocabulary.Store(search.NewVocabulary(nil, nil))
	return l
}

// Places is the city's gazetteer.
func (l *Lists) Places() *address.Gazetteer { return l.gazetteer.Load() }

// Vocabulary is what the city's people call things.
func (l *Lists) Vocabulary() *search.Vocabulary { return l.vocabulary.Load() }

// PlacesVersion is the version of the gazetteer that is in use here.
func (l *Lists) PlacesVersion() int64 {
	l.refreshing.Lock()
	defer l.refreshing.Unlock()
	return l.seen[search.ListGazetteer]
}

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
	for _, name := range []string{search.ListGazetteer, search.ListDictionary} {
		if now[name], err = l.ListVersion(ctx, name); err != nil {
			return err
		}
	}
	if maps.Equal(now, l.seen) {
		return nil
	}
	if err := l.read(ctx); err != nil {
		return err
	}
	l.seen = now
	return nil
}

func (l *Lists) read(ctx context.Context) error {
	c, err := l.tickets.City(ctx)
	if err != nil {
		return fmt.Errorf("districts: %w", err)
	}
	var places []address.Place
	list, err := l.List(ctx, search.ListGazetteer)
	if err == nil {
		places, err = address.Parse(strings.NewReader(list.Body))
	}
	if err != nil && !errors.Is(err, search.ErrNoList) {
		return err
	}
	dictionary, err := l.List(ctx, search.ListDictionary)
	if err != nil && !errors.Is(err, search.ErrNoList) {
		return err
	}
	words, err := search.ParseDictionary(dictionary.Body)
	if err != nil {
		return err
	}
	l.gazetteer.Store(city.Addresses(c, places))
	l.vocabulary.Store(vocabulary(c, places, words))
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
