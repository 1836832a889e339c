package web

import (
	"context"
	"net/http"
	"sync"
	"time"

	"hotline/telephony"
	"hotline/ticketing"
)

const cityLife = 10 * time.Second

// cityCache keeps the reference data at hand; a live event or its age makes it read again.
type cityCache struct {
	source Tickets
	now    func() time.Time

	mu   sync.Mutex
	view *cityView
	at   time.Time
}

// cityView is the reference data with its names looked up.
type cityView struct {
	city        ticketing.City
	departments map[string]string
	categories  map[string]string
	districts   map[string]string
}

func (c *cityCache) get(ctx context.Context) (*cityView, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.view != nil && c.now().Sub(c.at) < cityLife {
		return c.view, nil
	}
	city, err := c.source.City(ctx)
	if err != nil && !absent(err) {
		return nil, err
	}
	v := &cityView{city: city, departments: map[string]string{}, categories: map[string]string{}, districts: map[string]string{}}
	for _, d := range city.Departments {
		v.departments[d.Code] = d.Name
	}
	for _, d := range city.Categories {
		v.categories[d.Code] = d.Name
	}
	for _, d := range city.Districts {
		v.districts[d.Code] = d.Name
	}
	c.view, c.at = v, c.now()
	return v, nil
}

func (c *cityCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.view = nil
}

// below is a department and all under it.
func (v *cityView) below(code string) []string {
	children := map[string][]string{}
	for _, d := range v.city.Departments {
		children[d.Parent] = append(children[d.Parent], d.Code)
	}
	return underneath(code, children)
}

// belowDistrict is a district and all under it.
func (v *cityView) belowDistrict(code string) []string {
	children := map[string][]string{}
	for _, d := range v.city.Districts {
		children[d.Parent] = append(children[d.Parent], d.Code)
	}
	return underneath(code, children)
}

// underneath is a code, first, and all under it.
func underneath(code string, children map[string][]string) []string {
	all, seen := []string{}, map[string]bool{}
	for queue := []string{code}; len(queue) > 0; queue = queue[1:] {
		if c := queue[0]; !seen[c] {
			seen[c] = true
			all = append(all, c)
			queue = append(queue, children[c]...)
		}
	}
	return all
}

// Line is a number that citizens call.
type Line struct {
	Number string `json:"number"`
	Name   string `json:"name"`
	Queue  string `json:"queue"`
}

func (s *Server) cityRoutes() {
	list := func(name, summary string, who access) operation {
		return operation{method: http.MethodGet, path: "/api/v1/" + name, id: name, tag: "city", who: who, summary: summary}
	}
	handle(s, list("departments", "Units that must act, as a tree", signedIn),
		func(ctx context.Context, _ *struct{}) (*body[Page[ticketing.Department]], error) {
			v, err := s.city.get(ctx)
			if err != nil {
				return nil, err
			}
			return page(v.city.Departments), nil
		})
	handle(s, list("categories", "Classification, as a tree; a leaf has no children", signedIn),
		func(ctx context.Context, _ *struct{}) (*body[Page[ticketing.Category]], error) {
			v, err := s.city.get(ctx)
			if err != nil {
				return nil, err
			}
			return page(v.city.Categories), nil
		})
	handle(s, list("districts", "Areas of the city, as a tree", signedIn),
		func(ctx context.Context, _ *struct{}) (*body[Page[ticketing.District]], error) {
			v, err := s.city.get(ctx)
			if err != nil {
				return nil, err
			}
			return page(v.city.Districts), nil
		})
	handle(s, list("lines", "Numbers that citizens call", signedIn),
		func(context.Context, *struct{}) (*body[Page[Line]], error) {
			if s.deps.Calls == nil {
				return nil, errNoCalls()
			}
			return page(convert(s.deps.Calls.Lines(), func(l telephony.Line) Line {
				return Line{Number: l.Number, Name: l.Name, Queue: l.Queue}
			})), nil
		})
}
