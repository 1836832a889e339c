package web

import (
	"context"
	"maps"
	"slices"
	"time"

	"hotline/ticketing"
)

type analysisPeopleInput struct {
	Type       []string  `query:"type,explode" maxItems:"20"`
	Category   []string  `query:"category,explode" maxItems:"100" doc:"A node stands for itself and all below it"`
	District   []string  `query:"district,explode" maxItems:"100"`
	Department []string  `query:"department,explode" maxItems:"100"`
	Channel    []string  `query:"channel,explode" maxItems:"20"`
	From       time.Time `query:"from" doc:"Created at or after"`
	To         time.Time `query:"to" doc:"Created before"`
}

// AnalysisPeople says how many people are behind tickets. It tells of nobody who it is.
type AnalysisPeople struct {
	Tickets       int             `json:"tickets"`
	Unknown       int             `json:"unknown" doc:"Tickets of nobody who is known"`
	People        int             `json:"people"`
	Repeat        int             `json:"repeat" doc:"People with two tickets or more"`
	RepeatTickets int             `json:"repeat_tickets" doc:"Tickets of those"`
	Sizes         []AnalysisGroup `json:"sizes" nullable:"false" doc:"People by how many tickets they have, by that number"`
}

// AnalysisGroup is people who have so many tickets each.
type AnalysisGroup struct {
	Tickets int `json:"tickets"`
	People  int `json:"people"`
}

func (s *Server) analysisPeople(ctx context.Context, in *analysisPeopleInput) (*body[AnalysisPeople], error) {
	figures, err := s.deps.Tickets.People(ctx, actorOf(ctx), ticketing.Filter{
		Types: list[ticketing.AppealType](in.Type), Categories: list[string](in.Category), Districts: list[string](in.District),
		Departments: list[string](in.Department), Channels: list[ticketing.Channel](in.Channel), From: in.From, To: in.To,
	})
	if err != nil {
		return nil, err
	}
	out := AnalysisPeople{Tickets: figures.Tickets, Unknown: figures.Unknown, People: figures.People, Sizes: []AnalysisGroup{}}
	for _, n := range slices.Sorted(maps.Keys(figures.Sizes)) {
		people := figures.Sizes[n]
		out.Sizes = append(out.Sizes, AnalysisGroup{Tickets: n, People: people})
		if n > 1 {
			out.Repeat += people
			out.RepeatTickets += n * people
		}
	}
	return answer(out), nil
}
