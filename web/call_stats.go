package web

import (
	"context"
	"time"

	"hotline/telephony"
)

// CallFigures are figures of a set of inbound calls; docs/figures.md has their definitions.
type CallFigures struct {
	Calls           int     `json:"calls"`
	Queued          int     `json:"queued" doc:"Asked for a person"`
	Offered         int     `json:"offered"`
	Answered        int     `json:"answered" doc:"By a seat"`
	Abandoned       int     `json:"abandoned" doc:"Left the queue before a seat answered"`
	ShortAbandon    int     `json:"short_abandon" doc:"Of these within 5 s"`
	Within15        int     `json:"within_15" doc:"Answered within 15 s of queueing"`
	WithinX         int     `json:"within_x" doc:"Answered within the asked seconds of queueing"`
	Missed          int     `json:"missed"`
	ConnectRate     float64 `json:"connect_rate" doc:"answered / queued"`
	ServiceLevel    float64 `json:"service_level" doc:"within_15 / queued"`
	ServiceLevelNet float64 `json:"service_level_net" doc:"within_15 / (queued - short_abandon)"`
	ServiceLevelX   float64 `json:"service_level_x" doc:"within_x / queued"`
	AbandonRate     float64 `json:"abandon_rate" doc:"abandoned / queued"`
	ASAMS           int64   `json:"asa_ms" doc:"Average speed of answer"`
	AverageTalkMS   int64   `json:"average_talk_ms"`
	AverageHoldMS   int64   `json:"average_hold_ms" doc:"Of the times on hold"`
	WaitLongestMS   int64   `json:"wait_longest_ms"`
	TalkTotalMS     int64   `json:"talk_total_ms"`
	Holds           int     `json:"holds"`
	HoldTotalMS     int64   `json:"hold_total_ms"`
	Transfers       int     `json:"transfers"`
	ThreeWay        int     `json:"three_way" doc:"Calls in which an added party talked with both"`
	Callbacks       int     `json:"callbacks" doc:"The caller asked to be called back, and hung up"`
	CallbackTries   int     `json:"callback_tries" doc:"Calls to citizens who are to be called back, asked for or missed"`
	CalledBack      int     `json:"called_back" doc:"Of these: the citizen was reached"`
	Rated           int     `json:"rated"`
	RatingAverage   float64 `json:"rating_average" doc:"1 to 5"`
	Satisfied       float64 `json:"satisfied" doc:"Rated 3 to 5 / rated"`
}

// SeatTimes are how long a seat was in each of its states.
type SeatTimes struct {
	ReadyMS    int64   `json:"ready_ms"`
	RingingMS  int64   `json:"ringing_ms"`
	TalkingMS  int64   `json:"talking_ms"`
	WrapUpMS   int64   `json:"wrap_up_ms"`
	BreakMS    int64   `json:"break_ms"`
	SetAsideMS int64   `json:"set_aside_ms"`
	StaffedMS  int64   `json:"staffed_ms" doc:"All of these but breaks"`
	Occupancy  float64 `json:"occupancy" doc:"(talking + wrap-up) / staffed"`
	AHTMS      int64   `json:"aht_ms" doc:"Average handling time of the calls answered: talk, holds included, and wrap-up"`
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
	Times  map[string]SeatTimes   `json:"times" nullable:"false" doc:"By seat"`
	Staff  SeatTimes              `json:"staff" doc:"Of all seats together"`
	Hours  []HourFigures          `json:"hours" nullable:"false"`
}

// CallStatsInput asks for figures of calls.
type CallStatsInput struct {
	Period
	Within int `query:"within" minimum:"1" maximum:"3600" default:"20" doc:"Seconds of within_x"`
}

func (in CallStatsInput) options() telephony.StatsOptions {
	return telephony.StatsOptions{Within: time.Duration(in.Within) * time.Second}
}

func (s *Server) callStats(ctx context.Context, in *CallStatsInput) (*body[CallStatistics], error) {
	f, err := s.countCalls(ctx, in)
	if err != nil {
		return nil, err
	}
	return answer(statistics(f)), nil
}

func (s *Server) countCalls(ctx context.Context, in *CallStatsInput) (telephony.CallStats, error) {
	from, to, err := in.bounds(s.opts.Now())
	if err != nil {
		return telephony.CallStats{}, err
	}
	opts := in.options()
	opts.NotLines = s.sealedFrom(ctx)
	return s.deps.Calls.Stats(ctx, from, to, opts)
}

func statistics(f telephony.CallStats) CallStatistics {
	st := CallStatistics{
		From: cst(f.From), To: cst(f.To), Total: figures(f.Total), Lines: each(f.Lines), Queues: each(f.Queues), Seats: each(f.Seats),
		Times: map[string]SeatTimes{},
		Hours: convert(f.Hours, func(h telephony.HourFigures) HourFigures {
			return HourFigures{Hour: cst(h.Hour), CallFigures: figures(h.CallFigures)}
		}),
	}
	var all telephony.SeatTimes
	for seat, t := range f.Times {
		st.Times[seat] = times(t, f.Seats[seat].Answered)
		all = all.Add(t)
	}
	st.Staff = times(all, f.Total.Answered)
	return st
}

func each(m map[string]telephony.CallFigures) map[string]CallFigures {
	out := make(map[string]CallFigures, len(m))
	for k, v := range m {
		out[k] = figures(v)
	}
	return out
}

func figures(f telephony.CallFigures) CallFigures {
	out := CallFigures{
		Calls: f.Calls, Queued: f.Queued, Offered: f.Offered, Answered: f.Answered, Abandoned: f.Abandoned, ShortAbandon: f.ShortAbandon,
		Within15: f.Within15, WithinX: f.WithinX, Missed: f.Missed, ConnectRate: f.ConnectRate(), ServiceLevel: f.ServiceLevel15(),
		ServiceLevelNet: f.ServiceLevelNet(), ServiceLevelX: f.ServiceLevelX(), AbandonRate: f.AbandonRate(),
		ASAMS: f.ASA().Milliseconds(), AverageTalkMS: f.AverageTalk().Milliseconds(), AverageHoldMS: f.AverageHold().Milliseconds(),
		WaitLongestMS: f.WaitLongest.Milliseconds(), TalkTotalMS: f.TalkTotal.Milliseconds(), Holds: f.Holds, HoldTotalMS: f.HoldTotal.Milliseconds(),
		Transfers: f.Transfers, ThreeWay: f.ThreeWay, Callbacks: f.Callbacks, CallbackTries: f.CallbackTries, CalledBack: f.CalledBack, Rated: f.Rated, Satisfied: f.Satisfied(),
	}
	if f.Rated > 0 {
		out.RatingAverage = float64(f.RatingTotal) / float64(f.Rated)
	}
	return out
}

func times(t telephony.SeatTimes, answered int) SeatTimes {
	return SeatTimes{
		ReadyMS: t.Ready.Milliseconds(), RingingMS: t.Ringing.Milliseconds(), TalkingMS: t.Talking.Milliseconds(), WrapUpMS: t.WrapUp.Milliseconds(),
		BreakMS: t.Break.Milliseconds(), SetAsideMS: t.SetAside.Milliseconds(), StaffedMS: t.Staffed().Milliseconds(), Occupancy: t.Occupancy(),
		AHTMS: t.AHT(answered).Milliseconds(),
	}
}
