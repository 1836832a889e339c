package app

import (
	"context"
	"fmt"
	"time"

	"hotline/cmd/city"
	"hotline/cmd/hotline/accounts"
	"hotline/cmd/hotline/config"
	"hotline/cmd/hotline/engines"
	"hotline/ticketing"
)

// Administrators makes the three administrators of an empty store.
func Administrators(ctx context.Context, _ config.Config, e *engines.Engines) ([]accounts.Issued, error) {
	issued, err := accounts.FirstStart(ctx, e.Store, time.Now())
	if err != nil {
		return nil, fmt.Errorf("first start: %w", err)
	}
	return issued, nil
}

// SampleCity puts the sample city in force, with the demo's users and seats.
func SampleCity(ctx context.Context, c config.Config, e *engines.Engines) ([]accounts.Issued, error) {
	sample := city.Sample()
	if err := e.Tickets.ImportCity(ctx, ticketing.SystemActor(), sample); err != nil {
		return nil, fmt.Errorf("sample city: %w", err)
	}
	if _, err := city.SavePlaces(ctx, e.Alerts, sample, string(city.GazetteerDocument()), time.Now()); err != nil {
		return nil, fmt.Errorf("sample city: %w", err)
	}
	if err := city.SaveDictionary(ctx, e.Alerts, city.DictionaryDocument(), time.Now()); err != nil {
		return nil, fmt.Errorf("sample city: %w", err)
	}
	return nil, accounts.Demo(ctx, e.Store, e.Calls, sample, c.Realm, time.Now())
}
