package web

import (
	"context"
	"net/http"
	"time"

	"hotline/search"
	"hotline/ticketing"
)

// similarWithin is how far back tickets on the same matter are looked for.
const similarWithin = 90 * 24 * time.Hour

// SimilarInput is a ticket as far as it is written.
type SimilarInput struct {
	Title       string `json:"title,omitempty" maxLength:"400"`
	Description string `json:"description,omitempty" maxLength:"10000"`
	Address     string `json:"address,omitempty" maxLength:"400"`
	Category    string `json:"category,omitempty" maxLength:"64" doc:"Code; where it is left out, the one that is proposed counts if it is sure"`
	Without     string `json:"without,omitempty" maxLength:"64" doc:"Id of the ticket itself"`
	Limit       int    `json:"limit,omitempty" minimum:"0" maximum:"20" doc:"5 when left out"`
}

// SimilarTicket is a ticket that may be on the same matter.
type SimilarTicket struct {
	Ticket    Ticket   `json:"ticket"`
	Score     float64  `json:"score" doc:"0 to 1"`
	Likely    bool     `json:"likely" doc:"Whether it is more likely than not the same matter"`
	Words     []string `json:"words" nullable:"false" doc:"That both have and that tell the most"`
	SamePlace bool     `json:"same_place"`
	Metres    *int     `json:"metres,omitempty" doc:"Between the two places, where both are known"`
}

// SimilarList are the tickets that may be on the same matter, the likeliest first.
type SimilarList struct {
	Items []SimilarTicket `json:"items" nullable:"false"`
}

func (s *Server) similarRoutes() {
	handle(s, operation{method: http.MethodPost, path: "/api/v1/similar", id: "similar", tag: "tickets", who: handlers, quiet: true,
		summary:     "Tickets of the last 90 days on the same matter as one that is being written: near in words, place and time",
		description: "Nothing is stored. What the user may not see is not among them."}, s.similar)
	handle(s, operation{method: http.MethodGet, path: "/api/v1/tickets/{number}/similar", id: "ticket-similar", tag: "tickets", who: handlers,
		summary: "More like this: tickets since a year before it on the same matter"}, s.similarTo)
}

func (s *Server) similar(ctx context.Context, in *struct{ Body SimilarInput }) (*body[SimilarList], error) {
	who := actorOf(ctx)
	now := s.opts.Now()
	return s.alike(ctx, who, in.Body, now.Add(-similarWithin), now)
}

// similarYear is how far before a ticket more like it are looked for.
const similarYear = 365 * 24 * time.Hour

type similarToInput struct {
	Ref
	Limit int `query:"limit" minimum:"1" maximum:"20" default:"5"`
}

func (s *Server) similarTo(ctx context.Context, in *similarToInput) (*body[SimilarList], error) {
	who := actorOf(ctx)
	t, err := s.deps.Tickets.Ticket(ctx, who, in.Number)
	if err != nil {
		return nil, err
	}
	like := SimilarInput{Title: t.Appeal.Title, Description: t.Appeal.Description, Address: t.Appeal.Address, Category: t.Appeal.Category, Without: t.ID, Limit: in.Limit}
	return s.alike(ctx, who, like, t.CreatedAt.Add(-similarYear), s.opts.Now())
}

// alike finds tickets since a moment on the same matter as a text.
func (s *Server) alike(ctx context.Context, who ticketing.Actor, in SimilarInput, since, now time.Time) (*body[SimilarList], error) {
	index, err := s.indexFor(who)
	if err != nil {
		return nil, err
	}
	q := search.SimilarQuery{Title: in.Title, Text: in.Description, Category: in.Category, Without: in.Without, Since: since, Now: now, Scope: scopeOf(who), Limit: in.Limit}
	s.understand(&q, in)
	found, err := index.Similar(ctx, q)
	if err != nil {
		return nil, err
	}
	out := SimilarList{Items: []SimilarTicket{}}
	for _, f := range found {
		t, err := s.deps.Tickets.Ticket(ctx, who, f.ID)
		if absent(err) {
			continue // the index is behind: what may not be seen any more is left out
		}
		if err != nil {
			return nil, err
		}
		one := SimilarTicket{Ticket: s.ticketView(ctx, who, t), Score: f.Score, Likely: f.Likely(), Words: append([]string{}, f.Words...), SamePlace: f.SamePlace}
		if f.Metres >= 0 {
			metres := int(f.Metres)
			one.Metres = &metres
		}
		out.Items = append(out.Items, one)
	}
	return answer(out), nil
}

// understand adds the place that a text speaks of and the category that is proposed for it.
func (s *Server) understand(q *search.SimilarQuery, in SimilarInput) {
	if p := s.readPlace(in.Address, in.Title, in.Description).Place; p != nil {
		q.Place, q.Location = p.Key(), &search.Point{Lon: p.Lon, Lat: p.Lat}
	}
	if q.Category == "" && s.deps.Classifier != nil {
		if p, _, _, ok := s.deps.Classifier.Classify(FieldCategory, in.Title+"\n"+in.Description); ok && p.Sure {
			q.Category = p.Label
		}
	}
}

// indexFor is the index that holds what a person may see.
func (s *Server) indexFor(who ticketing.Actor) (Index, error) {
	index := s.deps.Index
	if who.Partition != "" {
		index = s.deps.Sealed
	}
	if index == nil {
		return nil, problem(http.StatusServiceUnavailable, "search_off", "This node has no search. Ask another node, or list tickets with filters.").after(30)
	}
	return index, nil
}
