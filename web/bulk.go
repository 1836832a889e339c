package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"hotline/ticketing"
)

// BulkInput is one action on many tickets, with the action's own fields beside.
type BulkInput struct {
	_        struct{} `additionalProperties:"true"`
	Action   string   `json:"action" minLength:"1" maxLength:"40" example:"sign"`
	Tickets  []string `json:"tickets" minItems:"1" maxItems:"200" doc:"Numbers or ids"`
	Versions []int64  `json:"versions,omitempty" maxItems:"200" doc:"The versions you saw, in the order of tickets"`
	DryRun   bool     `json:"dry_run,omitempty" doc:"Say what would happen and change nothing"`
}

type bulkInput struct {
	Key
	Body    BulkInput
	RawBody []byte
}

// BulkOutcome is what became, or would become, of one ticket.
type BulkOutcome struct {
	Ticket   string          `json:"ticket" doc:"As it was asked for"`
	Number   string          `json:"number"`
	Done     bool            `json:"done" doc:"Of a dry run: it would be"`
	State    ticketing.State `json:"state,omitempty"`
	Version  int64           `json:"version,omitempty"`
	Code     string          `json:"code,omitempty" doc:"Of the problem"`
	Reason   string          `json:"reason,omitempty" doc:"Why not, in Chinese"`
	ReasonEn string          `json:"reason_en,omitempty"`
}

// BulkReport is what became of a bulk action.
type BulkReport struct {
	DryRun bool          `json:"dry_run"`
	Done   int           `json:"done"`
	Failed int           `json:"failed"`
	Items  []BulkOutcome `json:"items" nullable:"false"`
}

func (s *Server) bulkRoutes() {
	handle(s, operation{
		method: http.MethodPost, path: "/api/v1/tickets/bulk", id: "bulk", tag: "tickets", who: handlers,
		summary:     "Do an action on many tickets, or say what it would do",
		description: "Each ticket by itself: what fails for one has no effect on the others. With an Idempotency-Key a repeat has the effect once.",
	}, s.bulk)
}

func (s *Server) bulk(ctx context.Context, in *bulkInput) (*body[BulkReport], error) {
	who := actorOf(ctx)
	if n := len(in.Body.Versions); n > 0 && n != len(in.Body.Tickets) {
		return nil, problem(http.StatusUnprocessableEntity, "invalid", "versions has to have one for each of tickets, or be left out.")
	}
	own, err := ownFields(in.RawBody, "action", "tickets", "versions", "dry_run")
	if err != nil {
		return nil, err
	}
	report := BulkReport{DryRun: in.Body.DryRun, Items: make([]BulkOutcome, 0, len(in.Body.Tickets))}
	for i, ref := range in.Body.Tickets {
		cmd := ticketing.Command{Action: ticketing.Action(in.Body.Action), Fields: own}
		if len(in.Body.Versions) > 0 {
			cmd.Version = in.Body.Versions[i]
		}
		if in.Idempotency != "" {
			cmd.Idempotency = fmt.Sprintf("%s/%s", in.Idempotency, ref)
		}
		outcome, err := s.bulkOne(ctx, who, ref, cmd, in.Body.DryRun)
		if err != nil {
			return nil, err
		}
		if outcome.Done {
			report.Done++
		} else {
			report.Failed++
		}
		report.Items = append(report.Items, outcome)
	}
	return answer(report), nil
}

// bulkOne does one of a bulk; the error is one that ends the whole.
func (s *Server) bulkOne(ctx context.Context, who ticketing.Actor, ref string, cmd ticketing.Command, dry bool) (BulkOutcome, error) {
	do := s.deps.Tickets.Act
	if dry {
		do = s.deps.Tickets.Try
	}
	t, err := do(ctx, who, ref, cmd)
	if err == nil {
		return BulkOutcome{Ticket: ref, Number: t.Number, Done: true, State: t.State, Version: t.Version}, nil
	}
	outcome := BulkOutcome{Ticket: ref, Code: string(ticketing.CodeOf(err))}
	var known *ticketing.Error
	switch {
	case errors.Is(err, ticketing.ErrUnavailable), ticketing.CodeOf(err) == ticketing.CodeInternal:
		return outcome, err
	case errors.As(err, &known):
		outcome.Reason, outcome.ReasonEn = known.Zh, known.Error()
	default:
		outcome.Reason, outcome.ReasonEn = ticketing.ErrConflict.Zh, ticketing.ErrConflict.Message
	}
	if now, err := s.deps.Tickets.Ticket(ctx, who, ref); err == nil {
		outcome.Number, outcome.State, outcome.Version = now.Number, now.State, now.Version
	}
	return outcome, nil
}
