package web

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"time"

	"hotline/search"
	"hotline/ticketing"
)

// AnalysisValue is a row or a column.
type AnalysisValue struct {
	Key    string `json:"key" doc:"Code, or a day, a week by its Monday, a month, an hour of the day, a day of the week (1 is Monday)"`
	Name   string `json:"name,omitempty" doc:"Of a place"`
	Count  int    `json:"count"`
	Before int    `json:"before" doc:"In the period that is compared with; 0 where none is"`
}

// AnalysisTable counts tickets by one or two axes.
type AnalysisTable struct {
	Rows        []AnalysisValue  `json:"rows" nullable:"false" doc:"The most frequent first; those of time by time, the newest"`
	Columns     []AnalysisValue  `json:"columns" nullable:"false"`
	Cells       [][]int          `json:"cells" nullable:"false" doc:"By row and column"`
	Total       int              `json:"total"`
	Without     int              `json:"without" doc:"Tickets that have no value of the rows' axis"`
	MoreRows    int              `json:"more_rows" doc:"Rows that are not shown"`
	MoreColumns int              `json:"more_columns"`
	BeforeTotal int              `json:"before_total"`
	Before      *AnalysisPeriod  `json:"before,omitempty"`
	Query       AnalysisQuestion `json:"query"`
}

// AnalysisPeriod is a time.
type AnalysisPeriod struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// AnalysisQuestion is what was counted.
type AnalysisQuestion struct {
	Text        string           `json:"text"`
	Understood  []UnderstoodPart `json:"understood" nullable:"false"`
	Filters     AnalysisFilters  `json:"filters"`
	Rows        string           `json:"rows,omitempty"`
	Columns     string           `json:"columns,omitempty"`
	Everything  bool             `json:"everything" doc:"All tickets that are in the index; else those of the departments"`
	Departments []string         `json:"departments" nullable:"false"`
}

// AnalysisFilters are those that were given beside the text.
type AnalysisFilters struct {
	Types       []string  `json:"types,omitempty"`
	Categories  []string  `json:"categories,omitempty"`
	Districts   []string  `json:"districts,omitempty"`
	Departments []string  `json:"departments,omitempty"`
	States      []string  `json:"states,omitempty"`
	Channels    []string  `json:"channels,omitempty"`
	From        time.Time `json:"from,omitzero"`
	To          time.Time `json:"to,omitzero"`
	Near        string    `json:"near,omitempty"`
	Within      string    `json:"within,omitempty"`
}

// AnalysisHeat is where tickets are.
type AnalysisHeat struct {
	Tiles   []AnalysisTile   `json:"tiles" nullable:"false" doc:"The fullest first, 1,000 at most"`
	Total   int              `json:"total"`
	Without int              `json:"without" doc:"Tickets of which nobody knows where"`
	Query   AnalysisQuestion `json:"query"`
}

// AnalysisTile is a tile of the slippy map.
type AnalysisTile struct {
	Tile  string  `json:"tile" example:"14/13674/6482"`
	Lon   float64 `json:"lon" doc:"Of its middle, GCJ-02"`
	Lat   float64 `json:"lat"`
	Count int     `json:"count"`
}

// AnalysisWords are what titles say.
type AnalysisWords struct {
	Words  []AnalysisWord   `json:"words" nullable:"false"`
	Titles int              `json:"titles" doc:"How many were read, the newest, 2,000 at most"`
	Query  AnalysisQuestion `json:"query"`
}

// AnalysisWord is a word and how many of the titles have it.
type AnalysisWord struct {
	Word  string `json:"word"`
	Count int    `json:"count"`
}

type analysisTableInput struct {
	SearchFilter
	Rows    string `query:"rows" required:"true" enum:"type,category,family,district,department,state,channel,place,day,week,month,hour,weekday" doc:"family is the topmost above a category"`
	Columns string `query:"columns" enum:"type,category,family,district,department,state,channel,place,day,week,month,hour,weekday" doc:"Left out: one axis alone"`
	Compare string `query:"compare" enum:"previous,year" doc:"With the period of the same length just before, or a year earlier; needs from and to"`
	Shown   int    `query:"shown" minimum:"1" maximum:"1000" default:"20" doc:"Rows and columns"`
}

type analysisHeatInput struct {
	SearchFilter
	Zoom int `query:"zoom" minimum:"1" maximum:"20" default:"14" doc:"The world is 2^zoom tiles wide"`
}

type analysisWordsInput struct {
	SearchFilter
	Most int `query:"most" minimum:"1" maximum:"200" default:"50"`
}

func (s *Server) analysisRoutes() {
	op := func(path, id, summary string) operation {
		return operation{method: http.MethodGet, path: "/api/v1/analysis/" + path, id: id, tag: "figures", who: holding(ticketing.RightFigures), scope: ticketing.ScopeFigure, summary: summary}
	}
	handle(s, op("table", "analysis-table", "Count tickets by one or two axes, and compare periods: rankings, cross tables, flows between departments and categories"), s.analysisTable)
	handle(s, op("heat", "analysis-heat", "Count tickets by tiles of the map"), s.analysisHeat)
	handle(s, op("words", "analysis-words", "The words that many titles have and few tickets in all"), s.analysisWords)
	handle(s, op("people", "analysis-people", "How many people are behind tickets, and how many came again"), s.analysisPeople)
}

// familyAxis is counted by categories.
const familyAxis = "family"

func (s *Server) analysisTable(ctx context.Context, in *analysisTableInput) (*body[AnalysisTable], error) {
	who := actorOf(ctx)
	index, err := s.indexFor(who)
	if err != nil {
		return nil, err
	}
	q, err := s.tableOf(ctx, who, in)
	if err != nil {
		return nil, err
	}
	t, err := index.Tabulate(ctx, q)
	if err != nil {
		return nil, err
	}
	out := AnalysisTable{
		Cells: t.Cells, Total: t.Total, Without: t.Without, MoreRows: t.MoreRow, MoreColumns: t.MoreCol, Query: questionOf(in.SearchFilter, q.Query, t.Understood),
		Rows: s.valuesOf(who, in.Rows, t.Rows), Columns: s.valuesOf(who, in.Columns, t.Columns),
	}
	out.Query.Rows, out.Query.Columns = in.Rows, in.Columns
	if in.Compare != "" {
		if err := s.compare(ctx, index, q, in, &out); err != nil {
			return nil, err
		}
	}
	return answer(out), nil
}

func (s *Server) tableOf(ctx context.Context, who ticketing.Actor, in *analysisTableInput) (search.TableQuery, error) {
	base, err := s.queryOf(who, in.SearchFilter)
	if err != nil {
		return search.TableQuery{}, err
	}
	q := search.TableQuery{Query: base, Rows: search.Axis{Name: in.Rows}, Columns: search.Axis{Name: in.Columns}, Shown: in.Shown}
	if in.Rows != familyAxis && in.Columns != familyAxis {
		return q, nil
	}
	city, err := s.deps.Tickets.City(ctx)
	if err != nil {
		return q, err
	}
	families := city.Families()
	family := func(category string) string { return cmp.Or(families[category], category) }
	if in.Rows == familyAxis {
		q.Rows.Name, q.RowGroup = "category", family
	}
	if in.Columns == familyAxis {
		q.Columns.Name, q.ColumnGroup = "category", family
	}
	return q, nil
}

// valuesOf names places, and departments without the partition that the index has before them.
func (s *Server) valuesOf(who ticketing.Actor, axis string, list []search.Bucket) []AnalysisValue {
	return convert(list, func(b search.Bucket) AnalysisValue {
		v := AnalysisValue{Key: b.Key, Count: b.Count}
		if axis == search.ByPlace && s.deps.Places != nil {
			if p, ok := s.deps.Places().Place(b.Key); ok {
				v.Name = p.Name
			}
		}
		if axis == "department" && who.Partition != "" {
			v.Key = strings.TrimPrefix(b.Key, ticketing.Within(who.Partition, ""))
		}
		return v
	})
}

// compare adds what the rows had in an earlier period.
func (s *Server) compare(ctx context.Context, index Index, q search.TableQuery, in *analysisTableInput, out *AnalysisTable) error {
	if in.From.IsZero() || !in.From.Before(in.To) {
		return problem(http.StatusUnprocessableEntity, "invalid", "Periods are compared where from and to are given, from before to.")
	}
	if q.Rows.OfTime() {
		return problem(http.StatusUnprocessableEntity, "invalid", "Rows of time have no earlier period of their own; compare another axis.")
	}
	before := AnalysisPeriod{From: in.From.AddDate(-1, 0, 0), To: in.To.AddDate(-1, 0, 0)}
	if in.Compare == "previous" {
		before = AnalysisPeriod{From: in.From.Add(-in.To.Sub(in.From)), To: in.From}
	}
	q.Filters.From, q.Filters.To, q.Columns, q.Shown = before.From, before.To, search.Axis{}, search.MaxShown
	t, err := index.Tabulate(ctx, q)
	if err != nil {
		return err
	}
	counts := map[string]int{}
	for _, v := range s.valuesOf(actorOf(ctx), in.Rows, t.Rows) {
		counts[v.Key] = v.Count
	}
	for i := range out.Rows {
		out.Rows[i].Before = counts[out.Rows[i].Key]
	}
	before.From, before.To = cst(before.From), cst(before.To)
	out.Before, out.BeforeTotal = &before, t.Total
	return nil
}

func questionOf(in SearchFilter, q search.Query, understood []search.Understood) AnalysisQuestion {
	return AnalysisQuestion{
		Text: q.Text, Understood: understoodParts(understood), Filters: AnalysisFilters{
			Types: in.Type, Categories: in.Category, Districts: in.District, Departments: in.Department, States: in.State, Channels: in.Channel,
			From: cst(in.From), To: cst(in.To), Near: in.Near, Within: in.Within,
		}, Everything: q.Scope.All, Departments: append([]string{}, q.Scope.Departments...),
	}
}

func (s *Server) analysisHeat(ctx context.Context, in *analysisHeatInput) (*body[AnalysisHeat], error) {
	who := actorOf(ctx)
	index, err := s.indexFor(who)
	if err != nil {
		return nil, err
	}
	base, err := s.queryOf(who, in.SearchFilter)
	if err != nil {
		return nil, err
	}
	t, err := index.Tabulate(ctx, search.TableQuery{Query: base, Rows: search.Axis{Name: search.ByTile, Zoom: in.Zoom}, Shown: search.MaxShown})
	if err != nil {
		return nil, err
	}
	return answer(AnalysisHeat{Total: t.Total, Without: t.Without, Query: questionOf(in.SearchFilter, base, t.Understood), Tiles: convert(t.Rows, func(b search.Bucket) AnalysisTile {
		middle, _ := search.TileCentre(b.Key)
		return AnalysisTile{Tile: b.Key, Lon: middle.Lon, Lat: middle.Lat, Count: b.Count}
	})}), nil
}

func (s *Server) analysisWords(ctx context.Context, in *analysisWordsInput) (*body[AnalysisWords], error) {
	who := actorOf(ctx)
	index, err := s.indexFor(who)
	if err != nil {
		return nil, err
	}
	base, err := s.queryOf(who, in.SearchFilter)
	if err != nil {
		return nil, err
	}
	words, titles, err := index.Words(ctx, search.WordQuery{Query: base, Most: in.Most})
	if err != nil {
		return nil, err
	}
	return answer(AnalysisWords{Titles: titles, Query: questionOf(in.SearchFilter, base, nil), Words: convert(words, func(w search.Word) AnalysisWord {
		return AnalysisWord{Word: w.Text, Count: w.Count}
	})}), nil
}
