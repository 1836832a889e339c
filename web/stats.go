package web

import (
	"context"
	"net/http"
	"time"

	"hotline/telephony"
	"hotline/ticketing"
)

type period struct {
	From time.Time `query:"from" doc:"At or after"`
	To   time.Time `query:"to" doc:"Before"`
}

const maxPeriod = 3 * 366 * 24 * time.Hour

// bounds is the period asked for, or today in Shanghai.
func (p period) bounds(now time.Time) (from, to time.Time, err error) {
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

func (s *Server) ticketStats(ctx context.Context, in *period) (*body[TicketFigures], error) {
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

// CallFigures are figures of a set of inbound calls.
type CallFigures struct {
	Calls         int     `json:"calls"`
	Queued        int     `json:"queued" doc:"Asked for a person"`
	Offered       int     `json:"offered"`
	Answered      int     `json:"answered" doc:"By a seat"`
	Abandoned     int     `json:"abandoned" doc:"Left the queue before a seat answered"`
	ShortAbandon  int     `json:"short_abandon" doc:"Of these within 5 s"`
	Within15      int     `json:"within_15" doc:"Answered within 15 s of queueing"`
	Missed        int     `json:"missed"`
	ConnectRate   float64 `json:"connect_rate" doc:"answered / queued"`
	ServiceLevel  float64 `json:"service_level" doc:"within_15 / queued"`
	AbandonRate   float64 `json:"abandon_rate" doc:"abandoned / queued"`
	ASAMS         int64   `json:"asa_ms" doc:"Average speed of answer"`
	AverageTalkMS int64   `json:"average_talk_ms"`
	WaitLongestMS int64   `json:"wait_longest_ms"`
	TalkTotalMS   int64   `json:"talk_total_ms"`
}

// HourFigures are the figures of one hour.
type HourFigures struct {
	Hour time.Time `json:"hour"`
	CallFigures
}

// CallStatistics are figures of the inbound calls started in a period.
type CallStatistics struct {
	From   time.Time              `json:"from"`
	To     time.Time              `json:"to"`
	Total  CallFigures            `json:"total"`
	Lines  map[string]CallFigures `json:"lines" nullable:"false"`
	Queues map[string]CallFigures `json:"queues" nullable:"false"`
	Seats  map[string]CallFigures `json:"seats" nullable:"false"`
	Hours  []HourFigures          `json:"hours" nullable:"false"`
}

func (s *Server) callStats(ctx context.Context, in *period) (*body[CallStatistics], error) {
	from, to, err := in.bounds(s.opts.Now())
	if err != nil {
		return nil, err
	}
	f, err := s.deps.Calls.Stats(ctx, from, to)
	if err != nil {
		return nil, err
	}
	each := func(m map[string]telephony.CallFigures) map[string]CallFigures {
		out := make(map[string]CallFigures, len(m))
		for k, v := range m {
			out[k] = figures(v)
		}
		return out
	}
	return answer(CallStatistics{
		From: cst(from), To: cst(to), Total: figures(f.Total), Lines: each(f.Lines), Queues: each(f.Queues), Seats: each(f.Seats),
		Hours: convert(f.Hours, func(h telephony.HourFigures) HourFigures {
			return HourFigures{Hour: cst(h.Hour), CallFigures: figures(h.CallFigures)}
		}),
	}), nil
}

func figures(f telephony.CallFigures) CallFigures {
	return CallFigures{
		Calls: f.Calls, Queued: f.Queued, Offered: f.Offered, Answered: f.Answered, Abandoned: f.Abandoned, ShortAbandon: f.ShortAbandon,
		Within15: f.Within15, Missed: f.Missed, ConnectRate: f.ConnectRate(), ServiceLevel: f.ServiceLevel15(), AbandonRate: f.AbandonRate(),
		ASAMS: f.ASA().Milliseconds(), AverageTalkMS: f.AverageTalk().Milliseconds(), WaitLongestMS: f.WaitLongest.Milliseconds(),
		TalkTotalMS: f.TalkTotal.Milliseconds(),
	}
}
