package engines

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"

	"hotline/search/warning"
	"hotline/ticketing"
)

// Counts is what the early warning sees of the tickets.
type Counts struct {
	Store   ticketing.Store
	Tickets *ticketing.Service
}

// Tallies implements warning.Source.
func (c Counts) Tallies(ctx context.Context, from, to time.Time, unit time.Duration) ([]warning.Tally, error) {
	list, err := c.Store.Tallies(ctx, from, to, unit)
	if err != nil {
		return nil, err
	}
	out := make([]warning.Tally, len(list))
	for i, t := range list {
		out[i] = warning.Tally(t)
	}
	return out, nil
}

// Members implements warning.Source. No person's name is in what it gives: texts are
// those that an index may keep.
func (c Counts) Members(ctx context.Context, s warning.Series, categories []string, from, to time.Time, limit int) ([]warning.Member, int, error) {
	f := ticketing.Filter{Categories: categories, From: from, To: to, Sort: ticketing.SortNewest, Limit: limit}
	if s.District != "" {
		f.Districts = []string{s.District}
	}
	page, err := c.Store.Tickets(ctx, ticketing.Query{Filter: f})
	if err != nil {
		return nil, 0, fmt.Errorf("tickets of a series: %w", err)
	}
	var members []warning.Member
	for _, t := range page.Items {
		if t.Number == "" || t.State == ticketing.Cancelled {
			page.Total--
			continue
		}
		t = t.Nameless()
		members = append(members, warning.Member{ID: t.ID, At: t.CreatedAt, Title: t.Appeal.Title, Text: t.Appeal.Description, Place: placeOf(t.Appeal.Address)})
	}
	return members, page.Total, nil
}

// placeOf is an address without the number of a house and what follows.
func placeOf(address string) string {
	if i := strings.IndexFunc(address, unicode.IsDigit); i >= 0 {
		address = address[:i]
	}
	return strings.TrimSpace(address)
}

// Families implements warning.Source: the topmost ancestor of each leaf.
func (c Counts) Families(ctx context.Context) (map[string]string, error) {
	city, err := c.Tickets.City(ctx)
	if err != nil {
		return nil, err
	}
	return city.Families(), nil
}
