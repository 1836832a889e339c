package web

import (
	"time"

	"hotline/telephony"
)

// Call is the record of one call; numbers of citizens are masked.
type Call struct {
	ID         string              `json:"id"`
	Direction  telephony.Direction `json:"direction"`
	Caller     string              `json:"caller" example:"138****5678"`
	Called     string              `json:"called"`
	Line       string              `json:"line"`
	Queue      string              `json:"queue"`
	Digit      string              `json:"digit"`
	Seat       string              `json:"seat"`
	User       string              `json:"user"`
	UserName   string              `json:"user_name,omitempty"`
	StartedAt  time.Time           `json:"started_at"`
	AnsweredAt time.Time           `json:"answered_at,omitzero" doc:"The centre answered"`
	QueuedAt   time.Time           `json:"queued_at,omitzero"`
	RingingAt  time.Time           `json:"ringing_at,omitzero"`
	SeatAt     time.Time           `json:"seat_at,omitzero" doc:"A seat answered"`
	BridgedAt  time.Time           `json:"bridged_at,omitzero" doc:"Both could talk"`
	EndedAt    time.Time           `json:"ended_at,omitzero"`
	WaitMS     int64               `json:"wait_ms" doc:"In the queue until a seat answered or the call ended"`
	TalkMS     int64               `json:"talk_ms"`
	Rating     int                 `json:"rating,omitempty" doc:"The citizen's, of the call: 5 very satisfied to 1 very dissatisfied"`
	EndedBy    telephony.Party     `json:"ended_by,omitempty" doc:"caller, seat, system, supervisor"`
	EndedUser  string              `json:"ended_user,omitempty"`
	Cause      string              `json:"cause,omitempty"`
	Code       int                 `json:"code,omitempty" doc:"SIP status, where one was the reason"`
	Callback   string              `json:"callback,omitempty" doc:"That the call is a try of"`
	Campaign   string              `json:"campaign,omitempty" doc:"That the call is of"`
	Contact    string              `json:"contact,omitempty" doc:"Of the campaign, that was called"`
	Missed     bool                `json:"missed"`
	Offers     []CallOffer         `json:"offers" nullable:"false"`
	Legs       []telephony.LegInfo `json:"legs" nullable:"false"`
	Parties    []CallParty         `json:"parties" nullable:"false" doc:"Who was added to the two"`
	Transfers  []CallTransfer      `json:"transfers" nullable:"false"`
	Holds      []telephony.Span    `json:"holds" nullable:"false" doc:"One without an end goes on"`
	Message    *telephony.Span     `json:"message,omitempty" doc:"A message that the citizen left; the recording has it"`
	Mutes      []telephony.Span    `json:"mutes" nullable:"false" doc:"While the seat was not heard"`
	Losses     []telephony.Loss    `json:"losses" nullable:"false" doc:"Times without its seat, whose phone or browser failed; one without an end goes on"`
	Recording  CallRecording       `json:"recording"`
	Pauses     []telephony.Pause   `json:"pauses" nullable:"false" doc:"Kept out of the recording; one without an end goes on"`
}

// CallTransfer is one transfer of a call.
type CallTransfer struct {
	At      time.Time `json:"at"`
	Seat    string    `json:"seat" doc:"Who transferred, or took over"`
	User    string    `json:"user"`
	Kind    string    `json:"kind" doc:"blind, attended, replaced (another device), taken (by a supervisor)"`
	To      string    `json:"to" doc:"Seat, or number: masked"`
	CallID  string    `json:"call_id,omitempty" doc:"Attended: the call that was joined with this one"`
	EndedAt time.Time `json:"ended_at,omitzero"`
	Outcome string    `json:"outcome,omitempty"`
	Code    int       `json:"code,omitempty" doc:"SIP status of a failure"`
}

// shortest is the least number of digits of a subscriber's number; shorter ones are seats and services.
const shortest = 7

func transferView(t telephony.Transfer) CallTransfer {
	v := CallTransfer{
		At: cst(t.At), Seat: t.Seat, User: t.User, Kind: t.Kind, To: t.To, CallID: t.CallID, EndedAt: cst(t.EndedAt), Outcome: t.Outcome, Code: t.Code,
	}
	if len(v.To) >= shortest {
		v.To = maskPhone(v.To)
	}
	return v
}

// CallOffer is one offer of a call to a seat.
type CallOffer struct {
	Seat       string    `json:"seat"`
	User       string    `json:"user"`
	Attempt    int       `json:"attempt"`
	Reason     string    `json:"reason" doc:"Why this seat"`
	OfferedAt  time.Time `json:"offered_at"`
	RingingAt  time.Time `json:"ringing_at,omitzero"`
	AnsweredAt time.Time `json:"answered_at,omitzero"`
	EndedAt    time.Time `json:"ended_at,omitzero"`
	Outcome    string    `json:"outcome,omitempty"`
}

// CallRecording says whether the call can be listened to.
type CallRecording struct {
	State      string `json:"state" doc:"spooled, stored, lost; empty when nothing was recorded"`
	DurationMS int64  `json:"duration_ms"`
	Size       int64  `json:"size" doc:"Bytes"`
	SHA256     string `json:"sha256,omitempty"`
}

func (s *Server) callView(c telephony.CDR, userName string) Call {
	v := Call{
		ID: c.ID, Direction: c.Direction, Caller: c.Caller, Called: c.Called, Line: c.Line, Queue: c.Queue, Digit: c.Digit,
		Seat: c.Seat, User: c.User, UserName: userName, StartedAt: cst(c.StartedAt), AnsweredAt: cst(c.AnsweredAt),
		QueuedAt: cst(c.QueuedAt), RingingAt: cst(c.RingingAt), SeatAt: cst(c.SeatAt), BridgedAt: cst(c.BridgedAt),
		EndedAt: cst(c.EndedAt), WaitMS: c.Wait().Milliseconds(), TalkMS: c.Talk().Milliseconds(), Rating: c.Rating, Campaign: c.Campaign, Contact: c.Contact,
		EndedBy: c.EndedBy, EndedUser: c.EndedUser, Cause: c.Cause, Code: c.Code, Callback: c.Callback, Missed: c.Missed,
		Legs: append([]telephony.LegInfo{}, c.Legs...), Pauses: append([]telephony.Pause{}, c.Pauses...),
		Recording: CallRecording{
			State: string(c.Recording.State), DurationMS: c.Recording.DurationMS, Size: c.Recording.Size, SHA256: c.Recording.SHA256,
		},
	}
	if c.EndedAt.IsZero() { // it goes on: as of now
		now := s.opts.Now()
		if c.SeatAt.IsZero() && !c.QueuedAt.IsZero() {
			v.WaitMS = now.Sub(c.QueuedAt).Milliseconds()
		}
		if !c.BridgedAt.IsZero() && c.TalkEndedAt.IsZero() {
			v.TalkMS = now.Sub(c.BridgedAt).Milliseconds()
		}
	}
	switch c.Direction { // the citizen's side
	case telephony.Inbound:
		v.Caller = maskCaller(c.Caller)
	case telephony.Outbound:
		v.Called = maskPhone(c.Called)
	}
	v.Parties, v.Transfers, v.Holds = convert(c.Parties, partyView), convert(c.Transfers, transferView), append([]telephony.Span{}, c.Holds...)
	v.Message, v.Mutes = c.Message, append([]telephony.Span{}, c.Mutes...)
	v.Losses = append([]telephony.Loss{}, c.Losses...)
	v.Offers = convert(c.Offers, func(o telephony.Offered) CallOffer {
		return CallOffer{
			Seat: o.Seat, User: o.User, Attempt: o.Attempt, Reason: o.Reason, OfferedAt: cst(o.OfferedAt), RingingAt: cst(o.RingingAt),
			AnsweredAt: cst(o.AnsweredAt), EndedAt: cst(o.EndedAt), Outcome: o.Outcome,
		}
	})
	return v
}

// maskCaller is the form of a caller's number, or the word that there is none.
func maskCaller(s string) string {
	if s == telephony.Anonymous {
		return s
	}
	return maskPhone(s)
}

// MissedCall is a call that ended before a seat answered.
type MissedCall struct {
	CallID    string    `json:"call_id"`
	Caller    string    `json:"caller"`
	Line      string    `json:"line"`
	Queue     string    `json:"queue"`
	Digit     string    `json:"digit"`
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at"`
	WaitMS    int64     `json:"wait_ms"`
	Offers    int       `json:"offers" doc:"Seats that were tried"`
	Cause     string    `json:"cause"`
	HandledAt time.Time `json:"handled_at,omitzero" doc:"Called back"`
	HandledBy string    `json:"handled_by,omitempty"`
}

func missedView(m telephony.MissedCall) MissedCall {
	return MissedCall{
		CallID: m.CallID, Caller: maskCaller(m.Caller), Line: m.Line, Queue: m.Queue, Digit: m.Digit, StartedAt: cst(m.StartedAt),
		EndedAt: cst(m.EndedAt), WaitMS: m.Waited.Milliseconds(), Offers: m.Offers, Cause: m.Cause,
		HandledAt: cst(m.HandledAt), HandledBy: m.HandledBy,
	}
}

// Agent is a seat and who sits there.
type Agent struct {
	Seat       string             `json:"seat"`
	User       string             `json:"user"`
	UserName   string             `json:"user_name,omitempty"`
	Status     telephony.Presence `json:"status" doc:"What the person says: ready, break, offline"`
	Reason     string             `json:"reason,omitempty"`
	Registered bool               `json:"registered" doc:"The phone can be reached"`
	State      string             `json:"state" doc:"offline, ready, ringing, talking, wrap_up, break, set_aside"`
	Since      time.Time          `json:"since,omitzero"`
	Until      time.Time          `json:"until,omitzero"`
	CallID     string             `json:"call_id,omitempty"`
	Lead       string             `json:"lead,omitempty" doc:"Who set the status in place of the person"`
	Skills     telephony.Skills   `json:"skills,omitempty" doc:"Levels from 1 to 9, by skill"`
	Calls      int                `json:"calls" doc:"Calls of queues since the person sat down"`
	TalkedMS   int64              `json:"talked_ms" doc:"Time in those calls"`
}

// Queue is a queue as it stands now.
type Queue struct {
	Name     string        `json:"name"`
	Waiting  int           `json:"waiting"`
	OldestAt time.Time     `json:"oldest_at,omitzero" doc:"When the longest waiting caller came"`
	Ready    int           `json:"ready" doc:"Seats that could take a call"`
	Busy     int           `json:"busy"`
	Away     int           `json:"away"`
	Callers  []QueueCaller `json:"callers" nullable:"false"`

	HandleMS      int64   `json:"handle_ms" doc:"Mean time that a call takes a seat, wrap-up included"`
	EstimateError float64 `json:"estimate_error" doc:"Median of |said − actual| ÷ actual of the newest estimates, over waits of 10 s and more"`
	Estimates     int     `json:"estimates" doc:"How many of them have been measured"`
}

// QueueCaller is one who waits.
type QueueCaller struct {
	CallID   string    `json:"call_id"`
	Position int       `json:"position"`
	Since    time.Time `json:"since"`
	Seat     string    `json:"seat,omitempty" doc:"Whose phone rings for this caller"`

	Callback   bool  `json:"callback,omitempty" doc:"Nobody is on the line: the seat will call"`
	EstimateMS int64 `json:"estimate_ms,omitempty" doc:"Of the wait that is left; missing: it cannot be said"`
}

func queueView(q telephony.QueueState) Queue {
	return Queue{
		Name: q.Name, Waiting: q.Waiting, OldestAt: cst(q.Oldest), Ready: q.Ready, Busy: q.Busy, Away: q.Away,
		Callers: convert(q.Callers, func(c telephony.QueueCaller) QueueCaller {
			return QueueCaller{
				CallID: c.CallID, Position: c.Position, Since: cst(c.Since), Seat: c.Seat, Callback: c.Callback, EstimateMS: c.Estimate.Milliseconds(),
			}
		}),
		HandleMS: q.Handle.Milliseconds(), EstimateError: q.EstimateError, Estimates: q.Estimates,
	}
}
