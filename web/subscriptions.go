package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"hotline/search"
	"hotline/ticketing"
)

// How subscribed searches are looked at.
const (
	subscriptionEvery = time.Minute
	subscriptionBack  = 2 * time.Hour // a ticket is accepted, and found, some time after it was begun
	subscribedAtOnce  = 500
)

func (s *Server) subscribeSearch(ctx context.Context, in *SavedSearchRef) (*body[SavedSearchList], error) {
	return s.subscribe(ctx, in.ID, s.opts.Now())
}

func (s *Server) unsubscribeSearch(ctx context.Context, in *SavedSearchRef) (*body[SavedSearchList], error) {
	return s.subscribe(ctx, in.ID, time.Time{})
}

func (s *Server) subscribe(ctx context.Context, id string, at time.Time) (*body[SavedSearchList], error) {
	if s.deps.Saved == nil {
		return nil, errNoLists()
	}
	owner := actorOf(ctx).UserID
	found, err := s.deps.Saved.Subscribe(ctx, owner, id, at)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, problem(http.StatusNotFound, "not_found", "You keep no such search.")
	}
	if !at.IsZero() { // what it finds now is not new
		list, err := s.deps.Saved.Searches(ctx, owner)
		if err != nil {
			return nil, err
		}
		for _, v := range list {
			if v.ID == id {
				if _, err := s.lookAgain(ctx, v, at.Add(time.Millisecond)); err != nil {
					return nil, err
				}
			}
		}
	}
	return s.savedSearches(ctx, nil)
}

// TellSubscribers looks at the searches that tell and were not looked at for a minute, and
// tells their owners of tickets that they had not found before. Any number of nodes may do so.
func (s *Server) TellSubscribers(ctx context.Context) error {
	if s.deps.Saved == nil {
		return nil
	}
	now := s.opts.Now()
	list, err := s.deps.Saved.Subscribed(ctx, now.Add(-subscriptionEvery), subscribedAtOnce)
	if err != nil {
		return err
	}
	var errs []error
	for _, v := range list {
		found, err := s.lookAgain(ctx, v, now)
		if err == nil && found {
			err = s.deps.Tickets.Tell(ctx, ticketing.LiveSearchFound, v.ID, "user:"+v.Owner)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("saved search %s: %w", v.ID, err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}

// lookAgain notes what a search finds of late, and reports whether some of it is new.
func (s *Server) lookAgain(ctx context.Context, v search.Saved, now time.Time) (found bool, err error) {
	ids, err := s.lately(ctx, v, now)
	if err != nil {
		return false, err
	}
	won, err := s.deps.Saved.Told(ctx, v, now, ids)
	if err != nil || !won {
		return false, err
	}
	return slices.ContainsFunc(ids, func(id string) bool { return !slices.Contains(v.Seen, id) }), nil
}

// lately are the tickets of the last hours that a saved search finds for its owner.
func (s *Server) lately(ctx context.Context, v search.Saved, now time.Time) ([]string, error) {
	user, err := s.deps.Users.User(ctx, v.Owner)
	if absent(err) || err == nil && user.Disabled {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	who, err := s.actor(ctx, user)
	if err != nil {
		return nil, err
	}
	index, err := s.indexFor(who)
	if err != nil {
		return nil, err
	}
	filter, err := savedFilter(v.Query)
	if err != nil {
		return nil, err
	}
	if from := now.Add(-subscriptionBack); filter.From.Before(from) {
		filter.From = from
	}
	q, err := s.queryOf(who, filter)
	if err != nil {
		return nil, err
	}
	q.Limit = search.MaxLimit
	res, err := index.Search(ctx, q)
	var wrong *search.QueryError
	if errors.As(err, &wrong) {
		return nil, nil // it names what the city has no more; whoever opens it is told
	}
	if err != nil {
		return nil, err
	}
	return convert(res.Hits, func(h search.Hit) string { return h.ID }), nil
}

// savedFilter reads a query as the URL of the search has it.
func savedFilter(query string) (SearchFilter, error) {
	v, err := url.ParseQuery(query)
	if err != nil {
		return SearchFilter{}, fmt.Errorf("saved query: %w", err)
	}
	f := SearchFilter{
		Q: v.Get("q"), Type: v["type"], Category: v["category"], District: v["district"], Department: v["department"], State: v["state"], Channel: v["channel"],
		Near: v.Get("near"), Within: v.Get("within"),
	}
	for name, into := range map[string]*time.Time{"from": &f.From, "to": &f.To} {
		if text := v.Get(name); text != "" {
			if *into, err = time.Parse(time.RFC3339, text); err != nil {
				return f, fmt.Errorf("saved query: %s: %w", name, err)
			}
		}
	}
	return f, nil
}
