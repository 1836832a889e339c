package ticketing

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"

	"hotline/ticketing/ledger"
)

// City reads the reference data in force; the zero City before the first import.
func (s *Service) City(ctx context.Context) (City, error) {
	snap, err := s.snapshot(ctx)
	if err != nil {
		return City{}, err
	}
	return snap.index.city, nil
}

// CityVersion is the version of the reference data in force; 0 before the first import.
func (s *Service) CityVersion(ctx context.Context) (int64, error) {
	snap, err := s.snapshot(ctx)
	if err != nil {
		return 0, err
	}
	return snap.index.version, nil
}

// ImportCity checks the reference data and puts it in force as the next
// version. The same data again changes nothing. The clocks of open tickets
// are derived again, each that moves with an event of its own.
func (s *Service) ImportCity(ctx context.Context, a Actor, c City) error {
	if !a.hasAny([]Role{RoleAdmin, RoleSystem}) {
		return ErrForbidden
	}
	return s.changeCity(ctx, a.UserID, func(now *City) error {
		if c.Catalogue.Rulings == nil { // a file that knows of none does not take back what was ruled
			c.Catalogue.Rulings = validRulings(c, now.Catalogue.Rulings)
		}
		*now = c
		return nil
	})
}

// validRulings are those whose category, district and department a city still has.
func validRulings(c City, rulings []Ruling) []Ruling {
	var kept []Ruling
	for _, r := range rulings {
		alone := c
		alone.Catalogue.Rulings = []Ruling{r}
		if ValidateCity(alone) == nil {
			kept = append(kept, r)
		}
	}
	return kept
}

// changeCity puts the next version of the reference data in force: what change
// makes of the newest. The clocks of open tickets are derived again when limits
// or working time changed.
func (s *Service) changeCity(ctx context.Context, by string, change func(*City) error) error {
	moved := true
	for try := 0; ; try++ {
		old, err := s.store.City(ctx)
		if err != nil && !errors.Is(err, ErrAbsent) {
			return fmt.Errorf("change city: %w", err)
		}
		c := old.City
		if err := change(&c); err != nil {
			return err
		}
		hash, err := s.checkCity(c)
		if err != nil {
			return err
		}
		if old.Hash == hash {
			break
		}
		now := s.clock()
		next := CityVersion{Version: old.Version + 1, City: c, Hash: hash, At: now, By: by}
		live := []LiveEvent{{Type: LiveCityChanged, Subject: strconv.FormatInt(next.Version, 10), Version: next.Version, Audience: AudienceStaff, At: now}}
		err = s.store.SaveCity(ctx, next, old.Version, Change{Live: live, Ledger: []ledger.Entry{s.entry(ctx, by, "setting.city", "city:"+strconv.FormatInt(next.Version, 10), "")}})
		if err == nil {
			moved = !sameLimits(old.City, c)
			break
		}
		if !errors.Is(err, ErrStale) || try == attempts {
			return fmt.Errorf("change city: %w", err)
		}
	}
	if err := s.reload(ctx); err != nil || !moved {
		return err
	}
	return s.RecalculateClocks(ctx)
}

// sameLimits tells whether nothing that clocks depend on differs.
func sameLimits(a, b City) bool {
	return bytes.Equal(a.Policy, b.Policy) && bytes.Equal(a.Calendar, b.Calendar) && reflect.DeepEqual(a.Categories, b.Categories)
}

// checkCity checks reference data and names its version by a hash.
func (s *Service) checkCity(c City) (string, error) {
	if err := ValidateCity(c); err != nil {
		return "", err
	}
	if _, err := s.rules(c); err != nil {
		return "", invalid("city", err.Error(), "政策或日历有误："+err.Error())
	}
	raw, err := json.Marshal(c)
	if err != nil {
		return "", invalid("city", "has a policy or calendar that is not JSON", "政策或日历不是 JSON")
	}
	return hashHex(string(raw)), nil
}

// RecalculateClocks derives the clocks that run by the reference data in force.
// Clocks that have stopped stay as they are. It may be broken off and run again.
func (s *Service) RecalculateClocks(ctx context.Context) error {
	snap, err := s.snapshot(ctx)
	if err != nil {
		return err
	}
	for _, partition := range []string{"", AnySealed} {
		if err := s.recalculateAll(ctx, partition, snap); err != nil {
			return fmt.Errorf("recalculate: %w", err)
		}
	}
	return nil
}

func (s *Service) recalculateAll(ctx context.Context, partition string, snap *snapshot) error {
	q := Query{Filter: Filter{Sort: SortDue, Limit: 200}, Partition: partition, Now: s.clock()} // by due: the tickets with a running clock
	for {
		page, err := s.store.Tickets(ctx, q)
		if err != nil {
			return err
		}
		for _, t := range page.Items {
			if err := s.recalculate(ctx, t, snap); err != nil {
				return err
			}
		}
		if page.NextCursor == "" {
			return nil
		}
		q.Cursor = page.NextCursor
	}
}

func (s *Service) recalculate(ctx context.Context, t Ticket, snap *snapshot) error {
	for range attempts {
		history, err := s.store.Events(ctx, t.ID)
		if err != nil {
			return err
		}
		now := s.clock()
		next := t.clone()
		next.Version++
		next.UpdatedAt = now
		event := newEvent(next, EventRecalculated, SystemActor().UserID, now, EventData{Facts: &Facts{
			Type: t.Appeal.Type, Category: snap.index.path(t.Appeal.Category), Urgency: t.Urgency, Line: t.Line, City: snap.index.version,
		}})
		next.Clocks = freeze(t.Clocks, snap.rules.Clocks.Clocks(t, append(history, event)))
		if sameClocks(t.Clocks, next.Clocks) {
			return nil
		}
		err = s.commit(ctx, s.change(t, next, event, now))
		if !errors.Is(err, ErrStale) {
			return err
		}
		if t, err = s.store.Ticket(ctx, t.ID); err != nil {
			return err
		}
		if t.State.Final() {
			return nil
		}
	}
	return ErrConflict
}

func sameClocks(a, b []Clock) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Key() != b[i].Key() || !same(a[i], b[i]) {
			return false
		}
	}
	return true
}

// snapshot is the reference data in force, at most CityRefresh old.
func (s *Service) snapshot(ctx context.Context) (*snapshot, error) {
	have := s.city.Load()
	if have != nil {
		age := s.now().Sub(have.checked)
		if age >= 0 && age < s.refresh {
			return have, nil
		}
		if !s.loading.TryLock() { // somebody is looking already
			return have, nil
		}
		defer s.loading.Unlock()
		version, err := s.store.CityVersion(ctx)
		if err != nil {
			// What is known still holds; the store's own trouble shows where it is written.
			s.log.WarnContext(ctx, "reference data not checked", "error", err)
			return have, nil
		}
		if version == have.index.version {
			fresh := *have
			fresh.checked = s.now()
			s.city.Store(&fresh)
			return &fresh, nil
		}
		return s.read(ctx)
	}
	s.loading.Lock()
	defer s.loading.Unlock()
	if have = s.city.Load(); have != nil {
		return have, nil
	}
	return s.read(ctx)
}

func (s *Service) reload(ctx context.Context) error {
	s.loading.Lock()
	defer s.loading.Unlock()
	_, err := s.read(ctx)
	return err
}

func (s *Service) read(ctx context.Context) (*snapshot, error) {
	v, err := s.store.City(ctx)
	if err != nil && !errors.Is(err, ErrAbsent) {
		return nil, fmt.Errorf("city: %w", err)
	}
	rules, err := s.rules(v.City)
	if err != nil {
		return nil, fmt.Errorf("city version %d: %w", v.Version, err)
	}
	fresh := &snapshot{index: newCityIndex(v.Version, v.City), rules: rules, process: ProcessOf(v.City), checked: s.now()}
	s.city.Store(fresh)
	return fresh, nil
}
