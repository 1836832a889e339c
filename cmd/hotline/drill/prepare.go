package drill

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"time"

	"hotline/cmd/city"
	"hotline/cmd/hotline/accounts"
	"hotline/cmd/hotline/config"
	"hotline/cmd/hotline/engines"
	"hotline/telephony"
	"hotline/ticketing"
)

// realm is the default of hotline serve; the seats' secrets depend on it.
const realm = "hotline"

// Config is what the node of a setup runs with, as far as the engines need it.
func (s Setup) Config() config.Config {
	c := config.Config{
		Data: s.Data, KeyFile: s.Keys, Store: s.Store, Queue: s.Queue, Search: s.Search, Blobs: "file://" + filepath.Join(s.Data, "blobs"),
		Roles: []config.Role{config.Web}, Realm: realm,
	}
	if c.Store == "" {
		c.Store = "sqlite://" + filepath.Join(s.Data, "hotline.db")
	}
	if c.Queue == "" {
		c.Queue = "mem://"
	}
	if c.Search == "" {
		c.Search = "fts://" + filepath.Join(s.Data, "search.db")
	}
	return c
}

// Open opens the engines of a setup, beside a node or without one.
func (s Setup) Open(ctx context.Context) (*engines.Engines, error) {
	return engines.Open(ctx, s.Config(), slog.New(slog.DiscardHandler))
}

// Prepare puts a city in force, with the demo's users and seats from 8001 on.
func (s Setup) Prepare(ctx context.Context, c ticketing.City, seats int) (err error) {
	e, err := s.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	if err := e.Tickets.ImportCity(ctx, ticketing.SystemActor(), c); err != nil {
		return fmt.Errorf("city: %w", err)
	}
	if err := accounts.Demo(ctx, e.Store, e.Calls, city.Sample(), realm, time.Now()); err != nil {
		return err
	}
	for n := 1; n <= seats; n++ {
		seat, err := e.Calls.Seat(ctx, strconv.Itoa(8000+n))
		if err != nil && n <= 10 {
			return err
		}
		if n > 10 {
			id := strconv.Itoa(8000 + n)
			seat = telephony.Seat{ID: id, Algorithm: telephony.MD5, HA1: telephony.HA1(telephony.MD5, id, realm, accounts.DemoPassword)}
		}
		if seat.User == "" { // whoever sits there is ready as soon as the phone registers
			seat.User = "sits-at-" + seat.ID
		}
		seat.AutoReady = true
		if err := e.Calls.SaveSeat(ctx, seat); err != nil {
			return err
		}
	}
	return nil
}
