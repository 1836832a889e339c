package web

import (
	"context"
	"net/http"
	"slices"
	"time"

	"hotline/search/classify"
	"hotline/ticketing"
)

// Classifier proposes categories of a text.
type Classifier interface {
	// Classify says which category a text has, by a model of so many texts, learned
	// when; false while there is none.
	Classify(text string) (p classify.Prediction, texts int, at time.Time, ok bool)
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
	Texts     int              `json:"texts" doc:"That were learned from"`
	LearnedAt time.Time        `json:"learned_at,omitzero"`
}

func (s *Server) classifyRoutes() {
	handle(s, operation{method: http.MethodPost, path: "/api/v1/classify", id: "classify", tag: "tickets", who: handlers, quiet: true,
		summary: "Which category a text has and which place it speaks of, as far as it is written; nothing is stored"}, s.classify)
}

func (s *Server) classify(ctx context.Context, in *struct{ Body TextInput }) (*body[CategoryProposal], error) {
	out := CategoryProposal{Choices: []CategoryChoice{}, Because: []string{}}
	out.Place = s.placeIn(in.Body)
	if s.deps.Classifier == nil {
		return answer(out), nil
	}
	p, texts, at, ok := s.deps.Classifier.Classify(in.Body.Title + "\n" + in.Body.Description)
	if !ok {
		return answer(out), nil
	}
	city, err := s.deps.Tickets.City(ctx)
	if err != nil {
		return nil, err
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
