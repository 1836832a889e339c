package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"hotline/cmd/hotline/whole"
	"hotline/ticketing"
	"hotline/web"
)

// acceptedDays is over how many measurements, one a day, acceptance is told.
const acceptedDays = 30

// acceptance is how proposals of categories fared: those of a model with the tickets that
// came after it was learned.
type acceptance struct {
	path string
	mu   sync.Mutex
	days []acceptedDay
}

type acceptedDay struct {
	At time.Time               `json:"at"`
	Of map[string]web.Accepted `json:"of"` // by category that people gave
}

func newAcceptance(path string) *acceptance { return &acceptance{path: path} }

func (a *acceptance) load() error {
	raw, err := os.ReadFile(a.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &a.days)
	}
	if err != nil {
		return fmt.Errorf("acceptance of proposals: %w", err)
	}
	return nil
}

// add keeps the counts of a day and forgets those of long ago.
func (a *acceptance) add(d acceptedDay) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.days = append(a.days, d)
	a.days = a.days[max(0, len(a.days)-acceptedDays):]
	if err := os.MkdirAll(filepath.Dir(a.path), 0o750); err != nil {
		return err
	}
	return whole.Write(a.path, func(w io.Writer) error { return json.NewEncoder(w).Encode(a.days) })
}

// sum is over all days, by category.
func (a *acceptance) sum() []web.Accepted {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := map[string]web.Accepted{}
	for _, d := range a.days {
		for category, n := range d.Of {
			s := all[category]
			all[category] = web.Accepted{Category: category, Tickets: s.Tickets + n.Tickets, Proposed: s.Proposed + n.Proposed, Accepted: s.Accepted + n.Accepted}
		}
	}
	list := make([]web.Accepted, 0, len(all))
	for _, category := range slices.Sorted(maps.Keys(all)) {
		list = append(list, all[category])
	}
	return list
}

// measure sees how the model of categories fared with tickets that came after it was learned.
func (c *classifier) measure(tickets []ticketing.Ticket, now time.Time) error {
	l := c.models[web.FieldCategory].Load()
	if l == nil {
		return nil
	}
	day := acceptedDay{At: now, Of: map[string]web.Accepted{}}
	for _, t := range tickets {
		if t.Appeal.Category == "" || t.CreatedAt.Before(l.at.Truncate(time.Millisecond)) {
			continue
		}
		n := day.Of[t.Appeal.Category]
		n.Category = t.Appeal.Category
		n.Tickets++
		if p := l.model.Predict(textOf(t)); p.Sure {
			n.Proposed++
			if p.Label == t.Appeal.Category {
				n.Accepted++
			}
		}
		day.Of[t.Appeal.Category] = n
	}
	if len(day.Of) == 0 {
		return nil
	}
	return c.kept.add(day)
}
