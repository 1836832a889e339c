package city

import (
	"context"
	_ "embed" // the sample city's dictionary
	"errors"
	"fmt"
	"strings"
	"time"

	"hotline/search"
	"hotline/search/address"
	"hotline/ticketing"
)

//go:embed data/words.txt
var sampleDictionary string

// DictionaryDocument is the sample city's dictionary, as a city's own may begin.
func DictionaryDocument() string { return sampleDictionary }

// Areas are a city's districts and streets as addresses name them.
func Areas(c ticketing.City) []address.Area {
	areas := make([]address.Area, len(c.Districts))
	for i, d := range c.Districts {
		areas[i] = address.Area{Code: d.Code, Name: d.Name, Parent: d.Parent}
	}
	return areas
}

// SavePlaces checks a gazetteer against a city and puts it in force over the one there is.
func SavePlaces(ctx context.Context, lists search.Lists, c ticketing.City, csv string, now time.Time) (places int, err error) {
	parsed, err := address.Parse(strings.NewReader(csv))
	if err != nil {
		return 0, err
	}
	if err := address.Check(Areas(c), parsed); err != nil {
		return 0, err
	}
	return len(parsed), save(ctx, lists, search.ListGazetteer, csv, now)
}

// SaveDictionary checks a dictionary and puts it in force over the one there is.
func SaveDictionary(ctx context.Context, lists search.Lists, text string, now time.Time) error {
	if _, err := search.ParseDictionary(text); err != nil {
		return err
	}
	return save(ctx, lists, search.ListDictionary, text, now)
}

func save(ctx context.Context, lists search.Lists, name, text string, now time.Time) error {
	if len(text) > search.MaxList {
		return fmt.Errorf("%s: use at most %d MiB", name, search.MaxList>>20)
	}
	l, err := lists.List(ctx, name)
	if err != nil && !errors.Is(err, search.ErrNoList) {
		return err
	}
	if l.Version > 0 && l.Body == text {
		return nil
	}
	if err := lists.SaveList(ctx, search.List{Name: name, Version: l.Version + 1, Body: text, UpdatedAt: now}); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
