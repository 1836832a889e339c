package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"hotline/search"
	"hotline/ticketing"
)

// SavedSearchInput is a search to keep.
type SavedSearchInput struct {
	Name  string `json:"name" minLength:"1" maxLength:"60" doc:"One of the same name is replaced"`
	Query string `json:"query" minLength:"1" maxLength:"2000" doc:"As the URL of the search has it after the question mark, without cursor and limit" example:"q=路灯&state=closed"`
}

// SavedSearch is a search that the user keeps under a name.
type SavedSearch struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Query     string    `json:"query"`
	UpdatedAt time.Time `json:"updated_at"`
	Tells     bool      `json:"tells" doc:"Whether new tickets are told of"`
}

// SavedSearchList are the user's own.
type SavedSearchList struct {
	Items []SavedSearch `json:"items" nullable:"false"`
}

// SavedSearchRef addresses one.
type SavedSearchRef struct {
	ID string `path:"id" minLength:"1" maxLength:"64"`
}

func (s *Server) savedRoutes() {
	op := func(method, path, id, summary string, status int) operation {
		return operation{method: method, path: "/api/v1/searches" + path, id: id, tag: "tickets", who: handlers, quiet: true, summary: summary, status: status}
	}
	handle(s, op(http.MethodGet, "", "saved-searches", "The searches that I keep, by name", 0), s.savedSearches)
	handle(s, op(http.MethodPost, "", "save-search", "Keep a search under a name; 50 at most", 0), s.saveSearch)
	handle(s, op(http.MethodDelete, "/{id}", "drop-search", "Forget a search of mine", 0), s.dropSearch)
	handle(s, op(http.MethodPut, "/{id}/subscription", "subscribe-search", "Be told of new tickets that a search of mine finds", 0), s.subscribeSearch)
	handle(s, op(http.MethodDelete, "/{id}/subscription", "unsubscribe-search", "Be told no more", 0), s.unsubscribeSearch)
}

func (s *Server) savedSearches(ctx context.Context, _ *struct{}) (*body[SavedSearchList], error) {
	out := SavedSearchList{Items: []SavedSearch{}}
	if s.deps.Saved == nil {
		return answer(out), nil
	}
	list, err := s.deps.Saved.Searches(ctx, actorOf(ctx).UserID)
	if err != nil {
		return nil, err
	}
	out.Items = convert(list, func(v search.Saved) SavedSearch {
		return SavedSearch{ID: v.ID, Name: v.Name, Query: v.Query, UpdatedAt: cst(v.UpdatedAt), Tells: !v.ToldAt.IsZero()}
	})
	return answer(out), nil
}

// savedKeys are the parameters of a search that may be kept.
var savedKeys = []string{"q", "type", "category", "district", "department", "state", "channel", "from", "to", "sort", "near", "within"}

func (s *Server) saveSearch(ctx context.Context, in *struct{ Body SavedSearchInput }) (*body[SavedSearchList], error) {
	if s.deps.Saved == nil {
		return nil, errNoLists()
	}
	name := strings.TrimSpace(in.Body.Name)
	values, err := url.ParseQuery(in.Body.Query)
	if err != nil || name == "" || len(values) == 0 {
		return nil, problem(http.StatusUnprocessableEntity, "invalid", "Give a name, and the query as the URL of the search has it, such as q=路灯&state=closed.")
	}
	for key := range values {
		if !slices.Contains(savedKeys, key) {
			return nil, problem(http.StatusUnprocessableEntity, "invalid", "A search is kept by "+strings.Join(savedKeys, ", ")+" alone.")
		}
	}
	err = s.deps.Saved.SaveSearch(ctx, search.Saved{ID: ticketing.NewID(s.opts.Now()), Owner: actorOf(ctx).UserID, Name: name, Query: values.Encode(), UpdatedAt: s.opts.Now()})
	if errors.Is(err, search.ErrManySaved) {
		return nil, problem(http.StatusUnprocessableEntity, "too_many", "You keep 50 searches. Drop one first.")
	}
	if err != nil {
		return nil, err
	}
	return s.savedSearches(ctx, nil)
}

func (s *Server) dropSearch(ctx context.Context, in *SavedSearchRef) (*body[SavedSearchList], error) {
	if s.deps.Saved == nil {
		return nil, errNoLists()
	}
	dropped, err := s.deps.Saved.DropSearch(ctx, actorOf(ctx).UserID, in.ID)
	if err != nil {
		return nil, err
	}
	if !dropped {
		return nil, problem(http.StatusNotFound, "not_found", "You keep no such search.")
	}
	return s.savedSearches(ctx, nil)
}
