package bridge

import (
	"context"
	"slices"
	"strings"

	"hotline/telephony/prompts"
	"hotline/ticketing"
)

// CitizenTickets is what is known of citizens by their number; *ticketing.Service has it.
type CitizenTickets interface {
	OfCaller(ctx context.Context, who ticketing.Actor, phone string) ([]ticketing.Ticket, error)
}

// Callers is the telephony.Callers of a node.
type Callers struct{ tickets CitizenTickets }

// NewCallers knows citizens by their tickets.
func NewCallers(tickets CitizenTickets) Callers { return Callers{tickets} }

// factTicket is true of who has a ticket that is being worked on.
const factTicket = "ticket"

// Facts implements telephony.Callers.
func (c Callers) Facts(ctx context.Context, number string) ([]string, error) {
	tickets, err := c.tickets.OfCaller(ctx, ticketing.SystemActor(), number)
	if slices.ContainsFunc(tickets, func(t ticketing.Ticket) bool { return t.Number != "" && !t.State.Final() }) {
		return []string{factTicket}, err
	}
	return nil, err
}

// Progress implements telephony.Callers. A ticket is meant by the digits of its number, or by the last six of them: the newest that ends so.
func (c Callers) Progress(ctx context.Context, number, ticket string) ([]string, error) {
	tickets, err := c.tickets.OfCaller(ctx, ticketing.SystemActor(), number)
	if err != nil || len(ticket) < serialDigits {
		return nil, err
	}
	for _, t := range tickets {
		if digits := strings.ReplaceAll(t.Number, "-", ""); t.Number != "" && (digits == ticket || digits[len(digits)-serialDigits:] == ticket) {
			return progressOf(t.State), nil
		}
	}
	return nil, nil
}

// serialDigits are at the end of a ticket's number, after the day.
const serialDigits = 6

func progressOf(s ticketing.State) []string {
	switch s {
	case ticketing.Accepted, ticketing.Dispatched:
		return []string{prompts.ProgressAccepted}
	case ticketing.InProgress, ticketing.InReview, ticketing.Suspended:
		return []string{prompts.ProgressProcessing}
	case ticketing.FollowUp, ticketing.Closed, ticketing.Archived:
		return []string{prompts.ProgressAnswered}
	}
	return nil
}
