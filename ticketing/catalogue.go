package ticketing

import (
	"context"
	"fmt"
)

// RouteSuggestion is the department that the catalogue names for a ticket, with what
// a dispatcher wants to know before following it.
type RouteSuggestion struct {
	Decision
	Loads    map[string]int // open tickets of each candidate; counting stops at CountCap
	Returned []string       // departments that gave the ticket back
	Hops     int
	HopLimit int
}

// Suggest names the department in charge of a ticket, with reasons, and changes nothing.
func (s *Service) Suggest(ctx context.Context, a Actor, ref string) (RouteSuggestion, error) {
	if !a.Staff() {
		return RouteSuggestion{}, ErrForbidden
	}
	t, err := s.load(ctx, a, ref)
	if err != nil {
		return RouteSuggestion{}, err
	}
	snap, err := s.snapshot(ctx)
	if err != nil {
		return RouteSuggestion{}, err
	}
	g := RouteSuggestion{Decision: snap.rules.Router.Route(t), Loads: map[string]int{}, Hops: t.Hops(), HopLimit: snap.process.HopLimit}
	for _, r := range t.Records {
		if r.Kind == RecordReturn && r.State == RecordApproved {
			g.Returned = append(g.Returned, r.Department)
		}
	}
	for _, candidate := range g.Candidates {
		page, err := s.store.Tickets(ctx, Query{Now: s.clock(), Partition: t.Partition, Filter: Filter{
			Departments: []string{candidate}, States: []State{Dispatched, InProgress, Suspended, InReview}, Sort: SortNewest, Limit: 1,
		}})
		if err != nil {
			return g, fmt.Errorf("suggest: %w", err)
		}
		g.Loads[candidate] = page.Total
	}
	return g, nil
}

// CataloguePreview is what a new catalogue would do to the tickets that wait
// for their dispatch, and to the newest that were dispatched.
type CataloguePreview struct {
	Version  int // the catalogue's after the change
	Added    []CatalogueEntry
	Removed  []CatalogueEntry
	Changed  []CatalogueEntry // as they will be
	Gaps     []string         // leaves of the classification that no entry covers
	Examined int
	Moves    []CatalogueMove
}

// CatalogueMove is a ticket that would go elsewhere.
type CatalogueMove struct {
	Ticket   string // number
	Title    string
	Waiting  bool // it waits now; else it went there and stays
	From, To string
	Reason   string
}

// previewed bounds how many tickets a preview looks at.
const previewed = 200

func mayChangeCatalogue(a Actor) bool {
	return a.Department == "" && a.hasAny([]Role{RoleAdmin, RoleLead, RoleDispatcher, RoleSystem})
}

// PreviewCatalogue checks a catalogue and says what it would change. Nothing is written.
func (s *Service) PreviewCatalogue(ctx context.Context, a Actor, c Catalogue) (CataloguePreview, error) {
	if !mayChangeCatalogue(a) {
		return CataloguePreview{}, ErrForbidden
	}
	snap, err := s.snapshot(ctx)
	if err != nil {
		return CataloguePreview{}, err
	}
	next := snap.index.city
	c.Version = next.Catalogue.Version + 1
	p := compare(next.Catalogue, c)
	next.Catalogue = c
	if err := ValidateCity(next); err != nil {
		return p, err
	}
	rules, err := s.rules(next)
	if err != nil {
		return p, invalid("catalogue", err.Error(), "派单目录有误："+err.Error())
	}
	p.Gaps = gaps(next)
	for _, states := range [][]State{{Accepted}, {Dispatched, InProgress, Suspended}} {
		page, err := s.store.Tickets(ctx, Query{Now: s.clock(), Filter: Filter{States: states, Sort: SortNewest, Limit: previewed}})
		if err != nil {
			return p, fmt.Errorf("preview: %w", err)
		}
		for _, t := range page.Items {
			t.Records = nil // as if it came in now
			was, will := snap.rules.Router.Route(t), rules.Router.Route(t)
			p.Examined++
			if was.Department != will.Department {
				p.Moves = append(p.Moves, CatalogueMove{
					Ticket: t.Number, Title: a.view(t).Appeal.Title, Waiting: states[0] == Accepted, From: was.Department, To: will.Department, Reason: will.Reason,
				})
			}
		}
	}
	return p, nil
}

func compare(old, next Catalogue) CataloguePreview {
	type key struct{ category, district string }
	p := CataloguePreview{Version: next.Version}
	was := map[key]CatalogueEntry{}
	for _, e := range old.Entries {
		was[key{e.Category, e.District}] = e
	}
	for _, e := range next.Entries {
		before, had := was[key{e.Category, e.District}]
		delete(was, key{e.Category, e.District})
		switch {
		case !had:
			p.Added = append(p.Added, e)
		case before.Department != e.Department:
			p.Changed = append(p.Changed, e)
		}
	}
	for _, e := range old.Entries {
		if _, gone := was[key{e.Category, e.District}]; gone {
			p.Removed = append(p.Removed, e)
		}
	}
	return p
}

// gaps are the leaves that neither an entry of their own nor of a family covers.
func gaps(c City) []string {
	x := newCityIndex(0, c)
	covered := map[string]bool{}
	for _, e := range c.Catalogue.Entries {
		covered[e.Category] = true
	}
	var list []string
	for _, category := range c.Categories {
		if !x.leaves[category.Code] {
			continue
		}
		found := false
		for _, node := range x.path(category.Code) {
			found = found || covered[node]
		}
		if !found {
			list = append(list, category.Code)
		}
	}
	return list
}

// SaveCatalogue puts a catalogue in force as the next version. Its version must
// be the one that the actor saw.
func (s *Service) SaveCatalogue(ctx context.Context, a Actor, c Catalogue) error {
	if !mayChangeCatalogue(a) {
		return ErrForbidden
	}
	return s.changeCity(ctx, a.UserID, func(now *City) error {
		if c.Version != now.Catalogue.Version {
			return &Error{
				Code: CodeConflict, Message: fmt.Sprintf("the catalogue is at version %d by now; read it again", now.Catalogue.Version),
				Zh: fmt.Sprintf("派单目录已更新至第 %d 版，请刷新后重试", now.Catalogue.Version),
			}
		}
		next := c
		next.Version++
		now.Catalogue = next
		return nil
	})
}

// CityVersions lists who changed the reference data when, the newest first.
func (s *Service) CityVersions(ctx context.Context, a Actor) ([]CityVersion, error) {
	if !a.Staff() {
		return nil, ErrForbidden
	}
	return s.store.CityVersions(ctx, 200)
}
