package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"

	"hotline/telephony"
	"hotline/ticketing"
	"hotline/ticketing/ledger"
)

// CallRef addresses one call.
type CallRef struct {
	ID string `path:"id" minLength:"1" maxLength:"64"`
}

type callsInput struct {
	Line      string    `query:"line" maxLength:"20"`
	Queue     string    `query:"queue" maxLength:"64"`
	Seat      string    `query:"seat" maxLength:"20"`
	User      string    `query:"user" maxLength:"64"`
	Direction string    `query:"direction" enum:"inbound,outbound,internal"`
	Missed    string    `query:"missed" enum:"true,false"`
	From      time.Time `query:"from" doc:"Started at or after"`
	To        time.Time `query:"to" doc:"Started before"`
	Limit     int       `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor    string    `query:"cursor" maxLength:"500"`
}

type missedInput struct {
	Line   string    `query:"line" maxLength:"20"`
	Open   bool      `query:"open" doc:"Only those not yet called back"`
	From   time.Time `query:"from"`
	To     time.Time `query:"to"`
	Limit  int       `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor string    `query:"cursor" maxLength:"500"`
}

type recordingInput struct {
	CallRef
	Range  string `header:"Range" doc:"One range of bytes"`
	Reason string `query:"reason" maxLength:"500" doc:"Why; it is put on record"`
}

// everyCall may see every call; others of the centre see their own.
var everyCall = holding(ticketing.RightCallReadAll)

// listeners may hear every recording; an agent hears the own ones.
var listeners = holding(ticketing.RightRecordingAny)

func errNotYourCall() *Problem {
	return problem(http.StatusForbidden, "not_your_call", "This is not a call of yours. Ask a shift lead.")
}

func errNoCalls() *Problem {
	return problem(http.StatusServiceUnavailable, "telephony_off", "This node takes no calls. Ask a node with the role sip.").after(30)
}

func (s *Server) callRoutes() {
	op := func(method, path, id, summary string, who access) operation {
		return operation{method: method, path: "/api/v1" + path, id: id, tag: "calls", who: who, summary: summary}
	}
	handle(s, op(http.MethodGet, "/calls", "calls", "Call records, newest first; agents see their own", centre), withCalls(s, s.listCalls))
	handle(s, op(http.MethodGet, "/calls/{id}", "call", "One call record; agents those that they had or were offered", centre), withCalls(s, s.getCall))
	handle(s, op(http.MethodGet, "/calls/{id}/recording", "recording", "Stereo WAV: left the caller, right the seat; listening is put on record",
		holding(ticketing.RightRecording)), withCalls(s, s.recording))
	handle(s, op(http.MethodPost, "/calls/{id}/hangup", "hangup", "End a running call; agents their own", operators), withCalls(s, s.hangup))
	s.controlRoutes()
	s.conferenceRoutes()
	s.supervisionRoutes()
	s.blockRoutes()
	s.callbackRoutes()
	s.announcementRoutes()
	s.rosterRoutes()
	s.campaignRoutes()
	s.pauseRoutes()
	handle(s, op(http.MethodGet, "/missed-calls", "missed-calls", "Calls that nobody answered, newest first", centre), withCalls(s, s.missedCalls))
	handle(s, op(http.MethodPost, "/missed-calls/{id}/handled", "handle-missed-call", "Mark a missed call as called back", centre), withCalls(s, s.handleMissed))
	handle(s, op(http.MethodGet, "/queues", "queues", "Queues as they stand now", centre), withCalls(s, s.queues))
	s.agentRoutes()
	stats := op(http.MethodGet, "/stats/calls", "stats-calls", "Figures of inbound calls started in a period; today when none is given", centre)
	stats.tag = "figures"
	handle(s, stats, withCalls(s, s.callStats))
	table := op(http.MethodGet, "/stats/calls.csv", "stats-calls-table", "The same figures as a table", centre)
	table.export = true
	table.tag = "figures"
	handle(s, table, withCalls(s, s.callTable))
	sheet := op(http.MethodGet, "/stats/calls.xlsx", "stats-calls-sheet", "The same table as a workbook", centre)
	sheet.export = true
	sheet.tag = "figures"
	handle(s, sheet, withCalls(s, s.callSheet))
}

// withCalls answers 503 on a node without telephony.
func withCalls[I, O any](s *Server, h func(context.Context, *I) (*O, error)) func(context.Context, *I) (*O, error) {
	return func(ctx context.Context, in *I) (*O, error) {
		if s.deps.Calls == nil {
			return nil, errNoCalls()
		}
		return h(ctx, in)
	}
}

func (s *Server) listCalls(ctx context.Context, in *callsInput) (*body[Page[Call]], error) {
	f := telephony.CallFilter{
		From: in.From, To: in.To, Line: in.Line, Queue: in.Queue, Seat: in.Seat, User: in.User,
		Direction: telephony.Direction(in.Direction), NotLines: s.sealedFrom(ctx), Limit: in.Limit, Cursor: in.Cursor,
	}
	if in.Missed != "" {
		missed := in.Missed == "true"
		f.Missed = &missed
	}
	if id := identityOf(ctx); !everyCall.allows(id.user.Roles) {
		if f.User != "" && f.User != id.user.ID {
			return nil, byStatus(http.StatusForbidden)
		}
		f.User = id.user.ID
	}
	p, err := s.deps.Calls.Calls(ctx, f)
	if err != nil {
		return nil, err
	}
	return answer(Page[Call]{
		Items:      convert(p.Items, func(c telephony.CDR) Call { return s.callView(c, s.names.of(ctx, c.User)) }),
		NextCursor: p.NextCursor, Total: p.Total, TotalCapped: p.TotalCapped,
	}), nil
}

func (s *Server) getCall(ctx context.Context, in *CallRef) (*body[Call], error) {
	c, err := s.callOf(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	me := identityOf(ctx).user
	mine := c.User == me.ID || slices.ContainsFunc(c.Offers, func(o telephony.Offered) bool { return o.User == me.ID })
	if !mine && !everyCall.allows(me.Roles) {
		return nil, errNotYourCall()
	}
	return answer(s.callView(c, s.names.of(ctx, c.User))), nil
}

// ownCall reads a call that the user may act on: anyone's with the roles, else the own.
func (s *Server) ownCall(ctx context.Context, id string, others access) (telephony.CDR, error) {
	c, err := s.callOf(ctx, id)
	if err != nil {
		return c, err
	}
	if me := identityOf(ctx); !others.allows(me.user.Roles) && c.User != me.user.ID {
		return c, errNotYourCall()
	}
	return c, nil
}

func (s *Server) hangup(ctx context.Context, in *CallRef) (*struct{}, error) {
	c, err := s.ownCall(ctx, in.ID, floor)
	if err != nil {
		return nil, err
	}
	if !c.EndedAt.IsZero() {
		return nil, nil // over: the wish is fulfilled, also when it is sent twice
	}
	return nil, s.deps.Calls.Hangup(ctx, in.ID, identityOf(ctx).user.ID)
}

func (s *Server) missedCalls(ctx context.Context, in *missedInput) (*body[Page[MissedCall]], error) {
	p, err := s.deps.Calls.Missed(ctx, telephony.MissedFilter{
		From: in.From, To: in.To, Line: in.Line, NotLines: s.sealedFrom(ctx), Open: in.Open, Limit: in.Limit, Cursor: in.Cursor,
	})
	if err != nil {
		return nil, err
	}
	return answer(Page[MissedCall]{Items: convert(p.Items, missedView), NextCursor: p.NextCursor, Total: p.Total, TotalCapped: p.TotalCapped}), nil
}

func (s *Server) handleMissed(ctx context.Context, in *CallRef) (*struct{}, error) {
	if _, err := s.callOf(ctx, in.ID); err != nil {
		return nil, err
	}
	return nil, s.deps.Calls.HandleMissed(ctx, in.ID, identityOf(ctx).user.ID)
}

func (s *Server) queues(ctx context.Context, _ *struct{}) (*body[Page[Queue]], error) {
	hidden := map[string]bool{}
	for _, line := range s.deps.Calls.Lines() {
		if s.there(ctx, line.Number) != nil {
			hidden[line.Queue] = true
		}
	}
	shown := slices.DeleteFunc(s.deps.Calls.Queues(), func(q telephony.QueueState) bool { return hidden[q.Name] })
	return page(convert(shown, queueView)), nil
}

// recording streams the WAV. The look is on record before the first byte leaves.
func (s *Server) recording(ctx context.Context, in *recordingInput) (*huma.StreamResponse, error) {
	c, err := s.ownCall(ctx, in.ID, listeners)
	if err != nil {
		return nil, err
	}
	file, info, err := s.deps.Calls.Recording(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	f, err := serveRange(file, in.Range)
	if err == nil {
		err = s.recordListening(ctx, c.ID, in.Reason)
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", "audio/wav")
		hc.SetHeader("Content-Disposition", `inline; filename="recording.wav"`)
		hc.SetHeader("Accept-Ranges", "bytes")
		if info.SHA256 != "" {
			hc.SetHeader("ETag", `"`+info.SHA256+`"`)
		}
		f.send(hc, humafiber.Unwrap(hc))
	}}, nil
}

// recordListening puts the look on the record of each ticket of the call; a
// player that fetches in pieces makes one entry in ten minutes.
func (s *Server) recordListening(ctx context.Context, callID, reason string) error {
	who, now := actorOf(ctx), s.opts.Now()
	key := who.UserID + " " + callID
	if s.heard.has(key, now) {
		return nil
	}
	def(&reason, "收听录音")
	tickets, err := s.deps.Tickets.ByCall(ctx, who, callID)
	if err != nil {
		return err
	}
	who.CallID = callID
	for _, t := range tickets {
		if err := s.deps.Tickets.RecordRead(ctx, who, t.ID, "recording", reason); err != nil {
			return err
		}
	}
	if len(tickets) == 0 {
		if err := s.deps.Ledger.Record(ctx, ledger.Entry{Actor: who.UserID, Action: "read.recording", Object: "call:" + callID, Reason: reason}); err != nil {
			return err
		}
	}
	s.heard.add(key, now)
	s.opts.Log.Info("recording heard", "trace_id", requestOf(ctx).trace, "user", who.UserID, "call_id", callID, "tickets", len(tickets))
	return nil
}

// callProblem maps the errors of package telephony.
func callProblem(err error) *Problem {
	switch {
	case errors.Is(err, telephony.ErrNotFound):
		return byStatus(http.StatusNotFound).because(err)
	case errors.Is(err, telephony.ErrInvalid):
		return byStatus(http.StatusUnprocessableEntity).because(err)
	case errors.Is(err, telephony.ErrConflict):
		return problem(http.StatusConflict, "not_open", "The call or seat is in a state that does not allow this. Look at it again.").because(err)
	case errors.Is(err, telephony.ErrStopping):
		return byStatus(http.StatusServiceUnavailable).because(err)
	}
	return nil
}
