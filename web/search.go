package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"hotline/search"
	"hotline/ticketing"
)

// SearchFilter says which tickets.
type SearchFilter struct {
	Q          string    `query:"q" maxLength:"200" doc:"Words and \"phrases\", all of which must occur; a minus before one excludes it, | joins ways to say one. Fields 状态: 区划: 单位: 分类: 类型: 渠道: 地点: 标题: by name, code or pinyin; 尾号1234, the last digits of the phone, in the centre alone; days 今天, 上周, 最近三天, 2026-11, 11月1日至11月9日. Empty finds all"`
	Type       []string  `query:"type,explode" maxItems:"20"`
	Category   []string  `query:"category,explode" maxItems:"100" doc:"Leaf or family"`
	District   []string  `query:"district,explode" maxItems:"100"`
	Department []string  `query:"department,explode" maxItems:"100"`
	State      []string  `query:"state,explode" maxItems:"20"`
	Channel    []string  `query:"channel,explode" maxItems:"20"`
	From       time.Time `query:"from" doc:"Created at or after"`
	To         time.Time `query:"to" doc:"Created before"`
	Near       string    `query:"near" maxLength:"80" doc:"lon,lat,metres: only what lies within so many metres of a point, degrees in GCJ-02" example:"123.08577,36.17372,500"`
	Within     string    `query:"within" maxLength:"4000" doc:"lon,lat;lon,lat;…: only what lies within these corners, named in order"`
}

type searchInput struct {
	SearchFilter
	Sort      string   `query:"sort" enum:"newest,relevance" default:"newest"`
	Limit     int      `query:"limit" minimum:"1" maximum:"200" default:"20"`
	Cursor    string   `query:"cursor" maxLength:"500"`
	Facets    []string `query:"facets,explode" maxItems:"6" doc:"type, category, district, department, state, channel"`
	Histogram bool     `query:"histogram" doc:"Hits per day"`
	Tickets   bool     `query:"tickets" doc:"Add the ticket to each hit"`
}

// Hit is one ticket found.
type Hit struct {
	ID        string           `json:"id"`
	Number    string           `json:"number"`
	Version   int64            `json:"version"`
	Score     float64          `json:"score"`
	CreatedAt time.Time        `json:"created_at"`
	Title     []search.Segment `json:"title" nullable:"false"`
	Body      []search.Segment `json:"body" nullable:"false" doc:"A fragment around the first match"`
	Ticket    *Ticket          `json:"ticket,omitempty"`
}

// SearchResult is a page of hits with counts.
type SearchResult struct {
	Page[Hit]
	Facets     map[string][]search.Bucket `json:"facets" nullable:"false"`
	Histogram  []search.Bucket            `json:"histogram" nullable:"false"`
	Understood []UnderstoodPart           `json:"understood" nullable:"false" doc:"Parts of the query that name a field or days, or that stand for more than their own words"`
	Called     []UnderstoodPart           `json:"called" nullable:"false" doc:"Departments, categories, districts and places that the whole query is a name of, or a part of one: what to narrow to; on the first page"`
	TookMS     int64                      `json:"took_ms"`
	Degraded   bool                       `json:"degraded,omitempty" doc:"The index does not answer: what the number of a ticket, or the last digits of a phone, name was looked up in the store"`
}

// UnderstoodPart is what a part of a query was taken for.
type UnderstoodPart struct {
	Text   string    `json:"text" doc:"As it was typed"`
	Field  string    `json:"field,omitempty" enum:"type,category,district,department,state,channel,place,phone,title,date" doc:"Left out for words"`
	Not    bool      `json:"not,omitempty" doc:"What has it is left out"`
	Values []string  `json:"values" nullable:"false" doc:"Codes of the field"`
	Words  []string  `json:"words" nullable:"false" doc:"In which it was looked for"`
	From   time.Time `json:"from,omitzero"`
	To     time.Time `json:"to,omitzero"`
}

func (s *Server) searchRoutes() {
	handle(s, operation{
		method: http.MethodGet, path: "/api/v1/search", id: "search", tag: "tickets", who: handlers,
		summary:     "Find tickets by words, filters and counts",
		description: "A ticket is found within moments of its change; what the user may not see is in no hit and no count.",
	}, s.search)
	s.similarRoutes()
	s.storeSearchRoutes()
	s.savedRoutes()
}

func (s *Server) search(ctx context.Context, in *searchInput) (*body[SearchResult], error) {
	who := actorOf(ctx)
	index, err := s.indexFor(who)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	q, err := s.queryOf(who, in.SearchFilter)
	if err != nil {
		return nil, err
	}
	q.Sort, q.Limit, q.Cursor, q.Facets, q.Histogram = search.Sort(in.Sort), in.Limit, in.Cursor, list[string](in.Facets), in.Histogram
	res, err := index.Search(ctx, q)
	if unavailable(err) {
		return s.searchStore(ctx, who, in.Q, err)
	}
	if err != nil {
		return nil, err
	}
	out := SearchResult{Understood: understoodParts(res.Understood), Facets: map[string][]search.Bucket{}, Histogram: append([]search.Bucket{}, res.Histogram...)}
	out.Called = []UnderstoodPart{}
	if in.Cursor == "" {
		out.Called = understoodParts(q.Vocabulary.Called(in.Q))
	}
	out.NextCursor, out.Total, out.TotalCapped = res.NextCursor, res.Total, res.TotalCapped
	for k, v := range res.Facets {
		out.Facets[k] = append([]search.Bucket{}, v...)
	}
	out.Items = make([]Hit, 0, len(res.Hits))
	for _, h := range res.Hits {
		hit := Hit{
			ID: h.ID, Number: h.Number, Version: h.Version, Score: h.Score, CreatedAt: cst(h.CreatedAt),
			Title: append([]search.Segment{}, h.Title...), Body: append([]search.Segment{}, h.Body...),
		}
		if in.Tickets {
			t, err := s.deps.Tickets.Ticket(ctx, who, h.ID)
			if absent(err) {
				continue // the index is behind: what may not be seen any more is left out
			}
			if err != nil {
				return nil, err
			}
			v := s.ticketView(ctx, who, t)
			hit.Ticket = &v
		}
		out.Items = append(out.Items, hit)
	}
	out.TookMS = time.Since(began).Milliseconds()
	return answer(out), nil
}

// queryOf is what a user looks for among what the user may see.
func (s *Server) queryOf(who ticketing.Actor, in SearchFilter) (search.Query, error) {
	near, err := readCircle(in.Near)
	if err != nil {
		return search.Query{}, err
	}
	within, err := readCorners(in.Within)
	if err != nil {
		return search.Query{}, err
	}
	var vocabulary *search.Vocabulary
	if s.deps.Vocabulary != nil {
		vocabulary = s.deps.Vocabulary()
	}
	if who.Partition != "" {
		vocabulary = vocabulary.WithDepartments(func(code string) string { return ticketing.Within(who.Partition, code) })
	}
	var ofTail func(context.Context, string) ([]string, error)
	if who.Staff() {
		ofTail = func(ctx context.Context, digits string) ([]string, error) {
			return s.deps.Tickets.OfTail(ctx, who, digits)
		}
	}
	return search.Query{
		OfTail: ofTail, Vocabulary: vocabulary, Now: s.opts.Now(), Text: in.Q, Scope: scopeOf(who),
		Filters: search.Filters{
			Types: list[string](in.Type), Categories: list[string](in.Category), Districts: list[string](in.District),
			Departments: withinAll(who.Partition, list[string](in.Department)), States: list[string](in.State), Channels: list[string](in.Channel),
			From: in.From, To: in.To, Near: near, Within: within,
		},
	}, nil
}

func understoodParts(list []search.Understood) []UnderstoodPart {
	return convert(list, func(u search.Understood) UnderstoodPart {
		return UnderstoodPart{Text: u.Text, Field: u.Field, Not: u.Not, Values: append([]string{}, u.Values...), Words: append([]string{}, u.Words...), From: cst(u.From), To: cst(u.To)}
	})
}

// scopeOf bounds a search: staff find everything, a department what it and its
// units have, others nothing. Documents carry the ancestors of their departments.
func scopeOf(who ticketing.Actor) search.Scope {
	switch {
	case who.Staff() && len(who.Areas()) > 0:
		return search.Scope{Departments: who.Areas()}
	case who.Staff() && who.Partition == "":
		return search.Scope{All: true}
	case who.Staff():
		return search.Scope{Departments: withinAll(who.Partition, []string{""})}
	case who.Department != "" && (who.Has(ticketing.RoleClerk) || who.Has(ticketing.RoleHead)):
		return search.Scope{Departments: withinAll(who.Partition, []string{who.Department})}
	}
	return search.Scope{}
}

// withinAll names departments as the index of the sealed partitions does.
func withinAll(partition string, departments []string) []string {
	if partition == "" {
		return departments
	}
	return convert(departments, func(d string) string { return ticketing.Within(partition, d) })
}

// searchProblem maps the errors of package search.
func searchProblem(err error) *Problem {
	var q *search.QueryError
	switch {
	case errors.As(err, &q):
		p := problem(http.StatusUnprocessableEntity, "bad_query", "The query cannot be used: "+strings.TrimSuffix(q.Reason, ".")+".").because(err)
		p.Errors = []FieldError{{Location: "query." + strings.ToLower(q.Field), Message: q.Reason}}
		return p
	case unavailable(err):
		return problem(http.StatusServiceUnavailable, "search_unavailable", "Search is not available at the moment; tickets are safe, lists work, and tickets are found by their number and by the citizen's phone. Try again shortly.").after(5).because(err)
	}
	return nil
}
