package city

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"hotline/search"
	"hotline/search/address"
	"hotline/ticketing"
)

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
	l, err := lists.List(ctx, search.ListGazetteer)
	if err != nil && !errors.Is(err, search.ErrNoList) {
		return 0, err
	}
	if l.Body == csv {
		return len(parsed), nil
	}
	if err := lists.SaveList(ctx, search.List{Name: search.ListGazetteer, Version: l.Version + 1, Body: csv, UpdatedAt: now}); err != nil {
		return 0, fmt.Errorf("gazetteer: %w", err)
	}
	return len(parsed), nil
}
