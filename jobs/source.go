package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"hotline/search"
	"hotline/ticketing"
)

// sourcePage is how many tickets Documents reads at a time.
const sourcePage = 500

// Tickets is what [Source] reads; ticketing.Store has it.
type Tickets interface {
	// Ticket reads one by id; ticketing.ErrAbsent when there is none.
	Ticket(ctx context.Context, ref string) (ticketing.Ticket, error)
	// Scan reads the tickets of a partition in order of id after a given id.
	Scan(ctx context.Context, partition, after string, limit int) ([]ticketing.Ticket, error)
	// City reads the newest reference data; ticketing.ErrAbsent before the first import.
	City(ctx context.Context) (ticketing.CityVersion, error)
	CityVersion(ctx context.Context) (int64, error)
}

// Source reads the ticket store for the index. Drafts without a number and
// sealed partitions are not part of it; names and phones are left out.
func Source(tickets Tickets, where Where) search.Source { return newSource(tickets, where, "") }

// SealedSource reads the sealed partitions for the index that they have of their
// own. Its documents carry departments as [ticketing.Within] writes them.
func SealedSource(tickets Tickets, where Where) search.Source {
	return newSource(tickets, where, ticketing.AnySealed)
}

// Where says which place an address and a text speak of: its key, and where it is; ""
// and nil where none is understood.
type Where func(address, text string) (place string, at *search.Point)

func newSource(tickets Tickets, where Where, partition string) *source {
	if where == nil {
		where = func(string, string) (string, *search.Point) { return "", nil }
	}
	return &source{tickets: tickets, where: where, partition: partition}
}

type source struct {
	tickets   Tickets
	where     Where
	partition string // as of ticketing.Query

	mu      sync.Mutex
	loaded  bool
	version int64
	city    trees
}

// trees knows each category's and department's parent, by code.
type trees struct{ categories, departments, districts map[string]string }

// Documents implements search.Source.
func (s *source) Documents(ctx context.Context, after string, yield func([]search.Document) error) error {
	for {
		page, err := s.tickets.Scan(ctx, s.partition, after, sourcePage)
		if err != nil {
			return fmt.Errorf("scan tickets: %w", err)
		}
		if len(page) == 0 {
			return nil
		}
		city, err := s.trees(ctx)
		if err != nil {
			return err
		}
		docs := make([]search.Document, 0, len(page))
		for _, t := range page {
			if s.indexed(t) {
				docs = append(docs, s.document(t, city))
			}
		}
		if len(docs) > 0 {
			if err := yield(docs); err != nil {
				return err
			}
		}
		after = page[len(page)-1].ID
	}
}

// Document implements search.Source.
func (s *source) Document(ctx context.Context, id string) (search.Document, bool, error) {
	t, err := s.tickets.Ticket(ctx, id)
	if errors.Is(err, ticketing.ErrAbsent) || errors.Is(err, ticketing.ErrNotFound) {
		return search.Document{}, false, nil
	}
	if err != nil {
		return search.Document{}, false, fmt.Errorf("read ticket: %w", err)
	}
	if !s.indexed(t) {
		return search.Document{}, false, nil
	}
	city, err := s.trees(ctx)
	if err != nil {
		return search.Document{}, false, err
	}
	return s.document(t, city), true, nil
}

// ticketsByID is a Tickets that reads several at once; ticketing/sqlstore has it.
type ticketsByID interface {
	TicketsByID(ctx context.Context, ids []string) ([]ticketing.Ticket, error)
}

// documentsByID is a search.Source that reads several documents at once.
type documentsByID interface {
	// documentsByID reads them afresh; those that do not belong in the index are
	// left out. A nil map tells that they have to be read one by one.
	documentsByID(ctx context.Context, ids []string) (map[string]search.Document, error)
}

func (s *source) documentsByID(ctx context.Context, ids []string) (map[string]search.Document, error) {
	together, ok := s.tickets.(ticketsByID)
	if !ok {
		return nil, nil
	}
	list, err := together.TicketsByID(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("read tickets: %w", err)
	}
	city, err := s.trees(ctx)
	if err != nil {
		return nil, err
	}
	docs := make(map[string]search.Document, len(list))
	for _, t := range list {
		if s.indexed(t) {
			docs[t.ID] = s.document(t, city)
		}
	}
	return docs, nil
}

// trees returns the city's trees, read again when the city has a new version.
func (s *source) trees(ctx context.Context) (trees, error) {
	v, err := s.tickets.CityVersion(ctx)
	if err != nil && !errors.Is(err, ticketing.ErrAbsent) {
		return trees{}, fmt.Errorf("read the city's version: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loaded && s.version == v {
		return s.city, nil
	}
	cv, err := s.tickets.City(ctx)
	if errors.Is(err, ticketing.ErrAbsent) {
		return trees{}, nil
	}
	if err != nil {
		return trees{}, fmt.Errorf("read the city: %w", err)
	}
	t := trees{categories: map[string]string{}, departments: map[string]string{}, districts: map[string]string{}}
	for _, c := range cv.City.Categories {
		t.categories[c.Code] = c.Parent
	}
	for _, d := range cv.City.Departments {
		t.departments[d.Code] = d.Parent
	}
	for _, d := range cv.City.Districts {
		t.districts[d.Code] = d.Parent
	}
	s.city, s.version, s.loaded = t, v, true
	return t, nil
}

// indexed says whether a ticket belongs in the index.
func (s *source) indexed(t ticketing.Ticket) bool {
	return t.Number != "" && (t.Partition != "") == (s.partition != "")
}

// document is what the index keeps of a ticket. A citizen's own number that was
// written into the text is masked there; of a confidential ticket the name too.
func (s *source) document(t ticketing.Ticket, city trees) search.Document {
	phone := t.Citizen.Phone
	t.Confidential = t.Confidential || t.Partition != ""
	t = t.WithoutPerson()
	body := make([]string, 0, 3)
	for _, part := range []string{t.Appeal.Description, t.Appeal.Address, t.Answer} {
		if part != "" {
			body = append(body, hide(part, phone))
		}
	}
	d := search.Document{
		ID: t.ID, Number: t.Number, Version: t.Version,
		Title: hide(t.Appeal.Title, phone), Body: strings.Join(body, "\n"),
		Type: string(t.Appeal.Type), Category: t.Appeal.Category, District: t.Appeal.District,
		Department: t.Department, State: string(t.State), Channel: string(t.Channel),
		Urgency: string(t.Urgency), CreatedAt: t.CreatedAt,
	}
	d.Categories = withAncestors(nil, t.Appeal.Category, city.categories)
	d.Departments = withAncestors(nil, t.Department, city.departments)
	for _, unit := range t.Units() { // and nobody who had it once and gave it back
		d.Departments = withAncestors(d.Departments, unit, city.departments)
	}
	if t.Partition != "" {
		for i, code := range d.Departments {
			d.Departments[i] = ticketing.Within(t.Partition, code)
		}
		d.Departments = append(d.Departments, ticketing.Within(t.Partition, ""))
	} else { // whose bounds let it through finds it by these
		d.Departments = append(d.Departments, ticketing.Areas(withAncestors(nil, t.Appeal.District, city.districts), t.Line)...)
	}
	d.Place, d.Location = s.placeOf(t)
	for _, c := range t.Clocks {
		if c.Name == ticketing.ClockResolve && c.StoppedAt.IsZero() {
			d.DueAt = c.DueAt
		}
	}
	return d
}

// placeOf is where a ticket's matter is. A point on the map is better than the middle of
// a place.
func (s *source) placeOf(t ticketing.Ticket) (place string, at *search.Point) {
	place, at = s.where(t.Appeal.Address, t.Appeal.Title+"。"+t.Appeal.Description)
	if t.Appeal.Location != nil {
		p := t.Appeal.Location.GCJ02()
		at = &search.Point{Lon: p.Lon, Lat: p.Lat}
	}
	return place, at
}

// withAncestors appends a code and its ancestors, each once. A loop in the
// parents ends at the first code that is there already.
func withAncestors(list []string, code string, parent map[string]string) []string {
	for code != "" {
		for _, have := range list {
			if have == code {
				return list
			}
		}
		list = append(list, code)
		code = parent[code]
	}
	return list
}

// hide masks a phone number inside a text as 138****5678.
func hide(text, phone string) string {
	if len(phone) < 7 {
		return text
	}
	return strings.ReplaceAll(text, phone, phone[:3]+strings.Repeat("*", len(phone)-7)+phone[len(phone)-4:])
}
