package web

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"hotline/search"
	"hotline/ticketing"
)

// PhoneInput is a telephone number to look for. It is in no URL, where logs would keep it.
type PhoneInput struct {
	Phone string `json:"phone" minLength:"1" maxLength:"64"`
}

// TicketsOfNumber are the tickets of a telephone number.
type TicketsOfNumber struct {
	Items []Ticket `json:"items" nullable:"false"`
}

func (s *Server) storeSearchRoutes() {
	handle(s, operation{method: http.MethodPost, path: "/api/v1/search/phone", id: "search-phone", tag: "tickets", who: centre,
		summary: "The tickets of a telephone number, newest first, 50 at most; the look goes on record"}, s.ofNumber)
}

func (s *Server) ofNumber(ctx context.Context, in *struct{ Body PhoneInput }) (*body[TicketsOfNumber], error) {
	who := actorOf(ctx)
	list, err := s.deps.Tickets.OfNumber(ctx, who, in.Body.Phone)
	if err != nil {
		return nil, err
	}
	return answer(TicketsOfNumber{Items: convert(list, func(t ticketing.Ticket) Ticket { return s.ticketView(ctx, who, t) })}), nil
}

// unavailable reports whether the index does not answer, whatever the query is.
func unavailable(err error) bool {
	return errors.Is(err, search.ErrUnavailable) || errors.Is(err, search.ErrNeedsRebuild)
}

// ticketNumber is a ticket's number, with or without its dash.
var ticketNumber = regexp.MustCompile(`^(\d{8})-?(\d{6})$`)

// mostFromStore bounds the tickets that are read from the store for one query.
const mostFromStore = 50

// searchStore answers a query for a ticket's number, or for the last digits of a telephone
// number, from the store while the index does not.
func (s *Server) searchStore(ctx context.Context, who ticketing.Actor, q string, why error) (*body[SearchResult], error) {
	refs, err := s.fromStore(ctx, who, q)
	if err != nil {
		return nil, err
	}
	if refs == nil {
		return nil, why
	}
	out := SearchResult{Degraded: true, Facets: map[string][]search.Bucket{}, Histogram: []search.Bucket{}, Understood: []UnderstoodPart{}, Called: []UnderstoodPart{}}
	out.Items = []Hit{}
	for _, ref := range refs {
		t, err := s.deps.Tickets.Ticket(ctx, who, ref)
		if absent(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		v := s.ticketView(ctx, who, t)
		out.Items = append(out.Items, Hit{
			ID: v.ID, Number: v.Number, Version: v.Version, CreatedAt: v.CreatedAt, Title: []search.Segment{{Text: v.Appeal.Title}}, Body: []search.Segment{{Text: v.Appeal.Description}}, Ticket: &v,
		})
		if out.Total++; out.Total == mostFromStore {
			out.TotalCapped = true
			break
		}
	}
	return answer(out), nil
}

// fromStore names the tickets that a query asks for by what the store knows; nil when it
// asks for something else.
func (s *Server) fromStore(ctx context.Context, who ticketing.Actor, q string) ([]string, error) {
	if m := ticketNumber.FindStringSubmatch(strings.TrimSpace(q)); m != nil {
		return []string{m[1] + "-" + m[2]}, nil
	}
	digits, ok := search.Tail(q)
	if !ok || !who.Staff() {
		return nil, nil
	}
	ids, err := s.deps.Tickets.OfTail(ctx, who, digits)
	return append([]string{}, ids...), err
}
