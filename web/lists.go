package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"hotline/search"
	"hotline/search/address"
	"hotline/ticketing"
)

// maxList bounds the body that carries a list, in which JSON escapes line ends.
const maxList = search.MaxList + search.MaxList/8

// ListName addresses one of the city's lists.
type ListName struct {
	Name string `path:"name" enum:"gazetteer,dictionary"`
}

// ListInput is a list as it is to be.
type ListInput struct {
	Version int64  `json:"version" minimum:"0" doc:"The version you saw; 0 where there was none"`
	Text    string `json:"text"`
}

// ListView is a list that the city edits as a whole.
type ListView struct {
	Name      string    `json:"name"`
	Version   int64     `json:"version" doc:"0: the city has given none yet"`
	Text      string    `json:"text" doc:"The gazetteer is CSV with name,aliases,kind,district,street,lon,lat. A line of the dictionary is words that stand for one another, joined by commas, or what is typed wrong => what is meant; # begins a remark"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

type saveListInput struct {
	ListName
	Body ListInput
}

func (s *Server) listRoutes() {
	op := func(method, id, summary string) operation {
		return operation{method: method, path: "/api/v1/lists/{name}", id: id, tag: "city", who: holding(ticketing.RightCatalogue), summary: summary, maxBody: maxList}
	}
	handle(s, op(http.MethodGet, "list", "A list that the city edits: its gazetteer, its dictionary"), s.getList)
	handle(s, op(http.MethodPut, "save-list", "Check a list and put it in force; 409 when somebody else did meanwhile"), s.saveList)
	s.placeRoutes()
}

func errNoLists() *Problem {
	return problem(http.StatusServiceUnavailable, "no_lists", "This node keeps no lists of the city.")
}

func (s *Server) getList(ctx context.Context, in *ListName) (*body[ListView], error) {
	if s.deps.Lists == nil {
		return nil, errNoLists()
	}
	l, err := s.deps.Lists.List(ctx, in.Name)
	if err != nil && !errors.Is(err, search.ErrNoList) {
		return nil, err
	}
	return answer(ListView{Name: in.Name, Version: l.Version, Text: l.Body, UpdatedAt: cst(l.UpdatedAt)}), nil
}

func (s *Server) saveList(ctx context.Context, in *saveListInput) (*body[ListView], error) {
	if s.deps.Lists == nil {
		return nil, errNoLists()
	}
	if len(in.Body.Text) > search.MaxList {
		return nil, problem(http.StatusUnprocessableEntity, "invalid", "use at most 8 MiB")
	}
	if err := s.checkList(ctx, in.Name, in.Body.Text); err != nil {
		return nil, problem(http.StatusUnprocessableEntity, "invalid", err.Error())
	}
	err := s.deps.Lists.SaveList(ctx, search.List{Name: in.Name, Version: in.Body.Version + 1, Body: in.Body.Text, UpdatedAt: s.opts.Now()})
	if errors.Is(err, search.ErrListChanged) {
		return nil, problem(http.StatusConflict, "version_conflict", "somebody else changed the list meanwhile; read it again and change that")
	}
	if err != nil {
		return nil, err
	}
	return s.getList(ctx, &in.ListName)
}

// checkList says what is wrong with a list before it is kept.
func (s *Server) checkList(ctx context.Context, name, text string) error {
	if name == search.ListDictionary {
		_, err := search.ParseDictionary(text)
		return err
	}
	places, err := address.Parse(strings.NewReader(text))
	if err != nil {
		return err
	}
	view, err := s.city.get(ctx)
	if err != nil {
		return err
	}
	return address.Check(convert(view.city.Districts, func(d ticketing.District) address.Area {
		return address.Area{Code: d.Code, Name: d.Name, Parent: d.Parent}
	}), places)
}
