package web

import (
	"context"
	"net/http"

	"hotline/search/address"
)

// PlaceView is a place of the city's gazetteer.
type PlaceView struct {
	Name     string  `json:"name"`
	Kind     string  `json:"kind" doc:"One letter: r residential estate, d road, m market or mall, s school, h hospital, p park, t station, v village, f factory, o office, c construction site"`
	District string  `json:"district" doc:"Code of the district"`
	Street   string  `json:"street,omitempty" doc:"Code of the district one level below"`
	Lon      float64 `json:"lon" doc:"Degrees, GCJ-02"`
	Lat      float64 `json:"lat"`
}

// PlaceProposal is what a text says of where.
type PlaceProposal struct {
	District string      `json:"district" doc:"Code"`
	Street   string      `json:"street,omitempty" doc:"Code"`
	Place    *PlaceView  `json:"place,omitempty" doc:"Left out where only a district or a street is named"`
	Likeness float64     `json:"likeness" doc:"1: the name is there as the gazetteer has it"`
	Sure     bool        `json:"sure" doc:"Whether it is worth proposing without a question"`
	Others   []PlaceView `json:"others" nullable:"false" doc:"What else it may be"`
}

type placesInput struct {
	Query string `query:"q" required:"true" maxLength:"40" doc:"Characters of a name, or how it begins in pinyin: initials or in full"`
	Limit int    `query:"limit" minimum:"1" maximum:"50" default:"10"`
}

// PlaceList are places whose names match.
type PlaceList struct {
	Items []PlaceView `json:"items" nullable:"false"`
}

func (s *Server) placeRoutes() {
	handle(s, operation{method: http.MethodGet, path: "/api/v1/places", id: "places", tag: "city", who: handlers,
		summary: "Places of the gazetteer by what is typed of their names"}, s.completePlaces)
}

func placeView(p *address.Place) PlaceView {
	return PlaceView{Name: p.Name, Kind: p.Kind, District: p.District, Street: p.Street, Lon: p.Lon, Lat: p.Lat}
}

func (s *Server) completePlaces(_ context.Context, in *placesInput) (*body[PlaceList], error) {
	out := PlaceList{Items: []PlaceView{}}
	if s.deps.Places != nil {
		out.Items = convert(s.deps.Places().Complete(in.Query, in.Limit), placeView)
	}
	return answer(out), nil
}

// readPlace says where a matter is, of which somebody gives an address and tells.
func (s *Server) readPlace(at, title, description string) address.Reading {
	if s.deps.Places == nil {
		return address.Reading{}
	}
	return s.deps.Places().ReadBoth(at, title+"。"+description)
}

// placeIn is the place that a text speaks of; nil where there is none.
func (s *Server) placeIn(in TextInput) *PlaceProposal {
	r := s.readPlace(in.Address, in.Title, in.Description)
	if r.District == "" {
		return nil
	}
	p := &PlaceProposal{District: r.District, Street: r.Street, Likeness: r.Likeness, Sure: r.Sure, Others: convert(r.Others, placeView)}
	if r.Place != nil {
		view := placeView(r.Place)
		p.Place = &view
	}
	return p
}
