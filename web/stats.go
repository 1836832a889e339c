package web

import (
	"context"
	"net/http"
	"time"

	"hotline/ticketing"
)

// Period is what figures are asked for.
type Period struct {
	From time.Time `query:"from" doc:"At or after"`
	To   time.Time `query:"to" doc:"Before"`
}

const maxPeriod = 3 * 366 * 24 * time.Hour

// bounds is the period asked for, or today in Shanghai.
func (p Period) bounds(now time.Time) (from, to time.Time, err error) {
	from, to = p.From, p.To
	if from.IsZero() {
		at := now
		if !to.IsZero() {
			at = to.Add(-time.Nanosecond)
		}
		y, m, d := at.In(shanghai).Date()
		from = time.Date(y, m, d, 0, 0, 0, 0, shanghai)
	}
	if to.IsZero() {
		to = now
		if !from.Before(to) {
			to = from.Add(24 * time.Hour)
		}
	}
	if !from.Before(to) || to.Sub(from) > maxPeriod {
		bad := byStatus(http.StatusUnprocessableEntity)
		bad.Errors = []FieldError{{Location: "query.to", Message: "must be after from, by three years at most", MessageZh: "结束时间应晚于开始时间，且不超过三年"}}
		return from, to, bad
	}
	return from, to, nil
}

// TicketFigures are figures of the tickets created in a period.
type TicketFigures struct {
	From         time.Time                   `json:"from"`
	To           time.Time                   `json:"to"`
	Created      int                         `json:"created"`
	Accepted     int                         `json:"accepted"`
	Direct       int                         `json:"direct" doc:"Answered directly"`
	Dispatched   int                         `json:"dispatched"`
	Resolved     int                         `json:"resolved"`
	Closed       int                         `json:"closed"`
	Cancelled    int                         `json:"cancelled"`
	OverdueNow   int                         `json:"overdue_now" doc:"Tickets with a limit that has passed, whenever created"`
	OverdueFired map[ticketing.ClockName]int `json:"overdue_fired" nullable:"false"`
	ByState      map[string]int              `json:"by_state" nullable:"false"`
	ByType       map[string]int              `json:"by_type" nullable:"false"`
	ByCategory   map[string]int              `json:"by_category" nullable:"false"`
	ByDistrict   map[string]int              `json:"by_district" nullable:"false"`
	ByDepartment map[string]int              `json:"by_department" nullable:"false"`
	ByChannel    map[string]int              `json:"by_channel" nullable:"false"`
	ByDay        map[string]int              `json:"by_day" nullable:"false" doc:"Day in Asia/Shanghai"`
}

func (s *Server) ticketStats(ctx context.Context, in *Period) (*body[TicketFigures], error) {
	from, to, err := in.bounds(s.opts.Now())
	if err != nil {
		return nil, err
	}
	f, err := s.deps.Tickets.Stats(ctx, actorOf(ctx), from, to)
	if err != nil {
		return nil, err
	}
	return answer(TicketFigures{
		From: cst(from), To: cst(to), Created: f.Created, Accepted: f.Accepted, Direct: f.Direct, Dispatched: f.Dispatched,
		Resolved: f.Resolved, Closed: f.Closed, Cancelled: f.Cancelled, OverdueNow: f.OverdueNow, OverdueFired: some(f.OverdueFired),
		ByState: some(f.ByState), ByType: some(f.ByType), ByCategory: some(f.ByCategory), ByDistrict: some(f.ByDistrict),
		ByDepartment: some(f.ByDepartment), ByChannel: some(f.ByChannel), ByDay: some(f.ByDay),
	}), nil
}

func some[K comparable](m map[K]int) map[K]int {
	if m == nil {
		return map[K]int{}
	}
	return m
}
