package web

import (
	"context"
	"net/http"
	"slices"
	"time"

	"hotline/search/classify"
	"hotline/ticketing"
)

// What is proposed of a text.
const (
	FieldCategory   = "category"
	FieldType       = "type"
	FieldUrgency    = "urgency"
	FieldDepartment = "department"
	FieldDistrict   = "district"
)

// Classifier proposes what a text says of the fields of a ticket.
type Classifier interface {
	// Classify says which value of a field a text has, by a model of so many texts, learned
	// when; false while there is none.
	Classify(field, text string) (p classify.Prediction, texts int, at time.Time, ok bool)
	// Acceptance says how proposals of categories fared of late, by category.
	Acceptance() []Accepted
}

// Accepted says how proposals fared with the tickets of a category: those of a model with
// tickets that came after it was learned.
type Accepted struct {
	Category string `json:"category" doc:"That people gave"`
	Tickets  int    `json:"tickets"`
	Proposed int    `json:"proposed" doc:"Of those, for how many something was proposed"`
	Accepted int    `json:"accepted" doc:"Of those, for how many it was this category"`
}

// AcceptedList is over the last thirty days on which models were learned.
type AcceptedList struct {
	Items    []Accepted `json:"items" nullable:"false" doc:"By category"`
	Tickets  int        `json:"tickets"`
	Proposed int        `json:"proposed"`
	Accepted int        `json:"accepted"`
}

// TextInput is what a citizen says, as far as it is written.
type TextInput struct {
	Title       string `json:"title,omitempty" maxLength:"400"`
	Description string `json:"description,omitempty" maxLength:"10000"`
	Address     string `json:"address,omitempty" maxLength:"400"`
}

// CategoryChoice is a category with its probability.
type CategoryChoice struct {
	Code        string  `json:"code"`
	Probability float64 `json:"probability"`
}

// CategoryProposal is what the texts that people put into categories say of one.
type CategoryProposal struct {
	Choices   []CategoryChoice `json:"choices" nullable:"false" doc:"The most probable first; none while nothing was learned"`
	Sure      bool             `json:"sure" doc:"Whether the first is worth proposing"`
	Because   []string         `json:"because" nullable:"false" doc:"Words of the text that speak for the first"`
	Place     *PlaceProposal   `json:"place,omitempty" doc:"The place of the city's gazetteer that the text speaks of"`
	Fields    []FieldProposal  `json:"fields" nullable:"false" doc:"Type, urgency and department, and the district of which no place tells, where one is sure"`
	Texts     int              `json:"texts" doc:"That were learned from"`
	LearnedAt time.Time        `json:"learned_at,omitzero"`
}

// FieldProposal is a value of a field that a text speaks for.
type FieldProposal struct {
	Field       string   `json:"field" enum:"type,urgency,department,district"`
	Code        string   `json:"code"`
	Probability float64  `json:"probability"`
	Because     []string `json:"because" nullable:"false"`
}

func (s *Server) classifyRoutes() {
	handle(s, operation{method: http.MethodPost, path: "/api/v1/classify", id: "classify", tag: "tickets", who: handlers, quiet: true,
		summary: "Which category a text has and which place it speaks of, as far as it is written; nothing is stored"}, s.classify)
	handle(s, operation{method: http.MethodGet, path: "/api/v1/classify/acceptance", id: "classify-acceptance", tag: "figures", who: holding(ticketing.RightFigures), scope: ticketing.ScopeFigure,
		summary: "How proposals of categories fared with tickets that came after the model was learned, by category"}, s.classifyAcceptance)
}

func (s *Server) classify(ctx context.Context, in *struct{ Body TextInput }) (*body[CategoryProposal], error) {
	out := CategoryProposal{Choices: []CategoryChoice{}, Because: []string{}, Fields: []FieldProposal{}}
	out.Place = s.placeIn(in.Body)
	if s.deps.Classifier == nil {
		return answer(out), nil
	}
	city, err := s.deps.Tickets.City(ctx)
	if err != nil {
		return nil, err
	}
	text := in.Body.Title + "\n" + in.Body.Description
	out.Fields = s.fieldsOf(text, city)
	if out.Place == nil {
		out.Fields = append(out.Fields, s.fieldOf(FieldDistrict, text+"\n"+in.Body.Address, func(code string) bool {
			return slices.ContainsFunc(city.Districts, func(d ticketing.District) bool { return d.Code == code })
		})...)
	}
	p, texts, at, ok := s.deps.Classifier.Classify(FieldCategory, text)
	if !ok {
		return answer(out), nil
	}
	out.Sure, out.Because, out.Texts, out.LearnedAt = p.Sure, p.Because, texts, cst(at)
	for _, c := range append([]classify.Choice{p.Choice}, p.Others...) {
		// The catalogue may have lost a category since.
		if slices.ContainsFunc(city.Categories, func(k ticketing.Category) bool { return k.Code == c.Label }) {
			out.Choices = append(out.Choices, CategoryChoice{c.Label, c.Probability})
		}
	}
	out.Sure = out.Sure && len(out.Choices) > 0 && out.Choices[0].Code == p.Label
	return answer(out), nil
}

// fieldsOf are the fields beside the category of which a model is sure.
func (s *Server) fieldsOf(text string, city ticketing.City) []FieldProposal {
	always := func(string) bool { return true }
	out := append([]FieldProposal{}, s.fieldOf(FieldType, text, always)...)
	out = append(out, s.fieldOf(FieldUrgency, text, always)...)
	return append(out, s.fieldOf(FieldDepartment, text, func(code string) bool {
		return slices.ContainsFunc(city.Departments, func(d ticketing.Department) bool { return d.Code == code })
	})...)
}

// fieldOf is the value of a field of which a model is sure, if there still is one.
func (s *Server) fieldOf(field, text string, there func(code string) bool) []FieldProposal {
	p, _, _, ok := s.deps.Classifier.Classify(field, text)
	if !ok || !p.Sure || !there(p.Label) {
		return nil
	}
	return []FieldProposal{{Field: field, Code: p.Label, Probability: p.Probability, Because: append([]string{}, p.Because...)}}
}

func (s *Server) classifyAcceptance(context.Context, *struct{}) (*body[AcceptedList], error) {
	out := AcceptedList{Items: []Accepted{}}
	if s.deps.Classifier != nil {
		out.Items = append(out.Items, s.deps.Classifier.Acceptance()...)
	}
	for _, n := range out.Items {
		out.Tickets, out.Proposed, out.Accepted = out.Tickets+n.Tickets, out.Proposed+n.Proposed, out.Accepted+n.Accepted
	}
	return answer(out), nil
}
