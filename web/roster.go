package web

import (
	"context"
	"net/http"
	"time"

	"hotline/telephony"
)

// Shift is a time in which somebody should sit at a seat.
type Shift struct {
	User string    `json:"user" minLength:"1" maxLength:"64"`
	From time.Time `json:"from"`
	To   time.Time `json:"to" doc:"At most a day later"`
	Note string    `json:"note,omitempty" maxLength:"60"`
}

// Attendance is a shift, and what became of it as far as it has come.
type Attendance struct {
	Shift
	UserName  string  `json:"user_name,omitempty"`
	PresentMS int64   `json:"present_ms" doc:"Within the shift, in any state but offline"`
	BreakMS   int64   `json:"break_ms" doc:"Of that"`
	LateMS    int64   `json:"late_ms" doc:"From its begin until the person came, or until now"`
	EarlyMS   int64   `json:"early_ms" doc:"From the person's leaving to its end; of shifts that are over"`
	Adherence float64 `json:"adherence" doc:"Present / what has passed of the shift"`
	Here      bool    `json:"here" doc:"It goes on, and the person sits at a seat"`
}

// Unscheduled is somebody who was at work outside the own shifts.
type Unscheduled struct {
	User      string `json:"user"`
	UserName  string `json:"user_name,omitempty"`
	PresentMS int64  `json:"present_ms"`
	Here      bool   `json:"here" doc:"Now"`
}

// Roster is who should sit at the seats, against who does.
type Roster struct {
	Shifts    []Attendance  `json:"shifts" nullable:"false"`
	Unplanned []Unscheduled `json:"unplanned" nullable:"false"`
}

// RosterTime is a time whose shifts are meant.
type RosterTime struct {
	From time.Time `query:"from" required:"true"`
	To   time.Time `query:"to" required:"true" doc:"At most 62 days later"`
}

// RosterPlan is all shifts that begin in a time.
type RosterPlan struct {
	Shifts []Shift `json:"shifts" maxItems:"5000"`
}

type planInput struct {
	RosterTime
	Body RosterPlan
}

func (s *Server) rosterRoutes() {
	op := func(method, id, summary string, who access) operation {
		return operation{method: method, path: "/api/v1/roster", id: id, tag: "calls", who: who, summary: summary}
	}
	handle(s, op(http.MethodGet, "roster", "Shifts in a time or reaching into it, each with who came and when; and who worked unplanned", centre), withCalls(s, s.roster))
	handle(s, op(http.MethodPut, "plan-roster", "Replace the shifts that begin in a time", floor), withCalls(s, s.planRoster))
}

func (s *Server) planRoster(ctx context.Context, in *planInput) (*body[Roster], error) {
	shifts := convert(in.Body.Shifts, func(x Shift) telephony.Shift {
		return telephony.Shift{User: x.User, From: x.From, To: x.To, Note: x.Note}
	})
	if _, err := s.deps.Calls.PlanShifts(ctx, in.From, in.To, shifts, identityOf(ctx).user.ID); err != nil {
		return nil, err
	}
	return s.roster(ctx, &in.RosterTime)
}

func (s *Server) roster(ctx context.Context, in *RosterTime) (*body[Roster], error) {
	r, err := s.deps.Calls.Attendances(ctx, in.From, in.To)
	if err != nil {
		return nil, err
	}
	return answer(Roster{
		Shifts: convert(r.Shifts, func(a telephony.Attendance) Attendance {
			return Attendance{
				Shift:    Shift{User: a.User, From: cst(a.From), To: cst(a.To), Note: a.Note},
				UserName: s.names.of(ctx, a.User), PresentMS: a.Present.Milliseconds(), BreakMS: a.Break.Milliseconds(),
				LateMS: a.Late.Milliseconds(), EarlyMS: a.Early.Milliseconds(), Adherence: a.Adherence(), Here: a.Here,
			}
		}),
		Unplanned: convert(r.Unplanned, func(u telephony.Unscheduled) Unscheduled {
			return Unscheduled{User: u.User, UserName: s.names.of(ctx, u.User), PresentMS: u.Present.Milliseconds(), Here: u.Here}
		}),
	}), nil
}
