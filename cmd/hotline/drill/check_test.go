package drill

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/cmd/hotline/engines"
	"hotline/search/gather"
	"hotline/telephony"
	"hotline/telephony/media"
	"hotline/ticketing"
	"hotline/ticketing/routing"
)

// counts are the figures of one drill.
type counts struct {
	tickets, dispatched, toDesk, fired, calls, crashed, recordings int
}

func (c counts) String() string {
	return fmt.Sprintf("%d tickets, %d dispatched, %d to the desk, %d deadlines fired, %d calls of which %d died with the server, %d recordings",
		c.tickets, c.dispatched, c.toDesk, c.fired, c.calls, c.crashed, c.recordings)
}

// checkTickets holds the store against what the load was told and against itself.
func checkTickets(t *testing.T, e *engines.Engines, told *book, sample ticketing.City, settled time.Time) counts {
	t.Helper()
	ctx := t.Context()
	for _, list := range []map[string]string{told.accepted, told.filed} {
		for title, number := range list {
			ticket, err := e.Store.Ticket(ctx, number)
			require.NoError(t, err, "the citizen was told %s", number)
			require.Equal(t, title, ticket.Appeal.Title, "the ticket of number %s", number)
		}
	}
	var c counts
	router, titles, numbers := routing.New(sample), map[string]string{}, map[string]string{}
	for after := ""; ; {
		page, err := e.Store.Scan(ctx, "", after, 500)
		require.NoError(t, err)
		if len(page) == 0 {
			return c
		}
		for _, ticket := range page {
			c.tickets++
			checkTicket(t, e, router, ticket, settled, &c)
			if title := ticket.Appeal.Title; ticket.Number != "" && title != "" {
				require.Empty(t, titles[title], "one request made two tickets: %s", title)
				titles[title] = ticket.Number
				require.Empty(t, numbers[ticket.Number], "two tickets have one number")
				numbers[ticket.Number] = title
			}
		}
		after = page[len(page)-1].ID
	}
}

// clockLevel names a deadline; a clock that starts anew warns anew.
type clockLevel struct {
	clock ticketing.ClockName
	level ticketing.Level
	due   int64
}

func checkTicket(t *testing.T, e *engines.Engines, router *routing.Router, ticket ticketing.Ticket, settled time.Time, c *counts) {
	t.Helper()
	events, err := e.Store.Events(t.Context(), ticket.ID)
	require.NoError(t, err)
	times, told := map[string]int{}, map[clockLevel]int{}
	for _, ev := range events {
		times[ev.Type]++
		if ev.Type == ticketing.EventDeadline {
			d := ev.Decode()
			told[clockLevel{d.Clock, d.Level, d.DueAt.UnixMilli()}]++
		}
	}
	accepted := times[ticketing.EventAccepted]
	require.LessOrEqual(t, accepted, 1, "ticket %s was accepted %d times", ticket.ID, accepted)
	desk := router.Route(ticket).Desk
	if desk {
		require.Equal(t, accepted, times[ticketing.EventToDesk], "ticket %s on the desk", ticket.ID)
		require.Zero(t, times[ticketing.EventDispatched], "ticket %s has no entry in the catalogue", ticket.ID)
	} else {
		require.Equal(t, accepted, times[ticketing.EventDispatched], "ticket %s dispatched", ticket.ID)
		require.Zero(t, times[ticketing.EventToDesk], "ticket %s has an entry in the catalogue", ticket.ID)
	}
	c.dispatched += times[ticketing.EventDispatched]
	c.toDesk += times[ticketing.EventToDesk]
	deadlines, err := e.Store.Deadlines(t.Context(), ticket.ID)
	require.NoError(t, err)
	fired := map[clockLevel]int{}
	for _, d := range deadlines {
		at := clockLevel{d.Clock, d.Level, d.DueAt.UnixMilli()}
		if !d.FiredAt.IsZero() {
			fired[at]++
			c.fired++
			require.False(t, d.FiredAt.Before(d.DueAt), "ticket %s: %v before its time", ticket.ID, at)
		} else {
			require.False(t, d.DueAt.Before(settled), "ticket %s: %v has not fired", ticket.ID, at)
		}
	}
	for at, n := range told {
		require.Equal(t, 1, n, "ticket %s: %v told %d times", ticket.ID, at, n)
	}
	require.Equal(t, fired, told, "ticket %s: what fired has an event each", ticket.ID)
}

// checkCalls sees that every call is closed and every recording can be read.
func checkCalls(t *testing.T, e *engines.Engines, c *counts) {
	t.Helper()
	ctx := t.Context()
	open, err := e.Calls.OpenCalls(ctx, "", 100)
	require.NoError(t, err)
	require.Empty(t, open, "calls that nobody closed")
	filter := telephony.CallFilter{Limit: 200}
	for {
		page, err := e.Calls.Calls(ctx, filter)
		require.NoError(t, err)
		for _, call := range page.Items {
			checkCall(ctx, t, e, call, c)
		}
		if filter.Cursor = page.NextCursor; filter.Cursor == "" {
			return
		}
	}
}

func checkCall(ctx context.Context, t *testing.T, e *engines.Engines, call telephony.CDR, c *counts) {
	t.Helper()
	c.calls++
	require.False(t, call.EndedAt.IsZero(), "call %s has no end", call.ID)
	if call.Cause == telephony.CauseCrash {
		c.crashed++
	}
	switch call.Recording.State {
	case telephony.RecordingStored:
		file, _, err := e.CallBlobs().Open(ctx, call.Recording.Name)
		require.NoError(t, err, "recording of call %s", call.ID)
		defer file.Close()
		wav, err := media.ReadWAV(file)
		require.NoError(t, err, "recording of call %s", call.ID)
		require.Len(t, wav.Channels, 2)
		size, err := file.Seek(0, io.SeekEnd)
		require.NoError(t, err)
		require.Equal(t, call.Recording.Size, size)
		c.recordings++
	case telephony.RecordingNone:
		require.True(t, call.BridgedAt.IsZero(), "call %s was bridged and has no recording", call.ID)
	default:
		require.Fail(t, "recording", "call %s: %+v", call.ID, call.Recording)
	}
}

// checkTopics holds the topics against their tickets: what was gathered when the process
// died is whole.
func checkTopics(t *testing.T, e *engines.Engines) {
	t.Helper()
	gathered := 0
	for f := (gather.Filter{Least: 1, Sort: gather.Newest, Limit: 200}); ; {
		page, err := e.Alerts.Topics(t.Context(), f)
		require.NoError(t, err)
		for _, topic := range page.Items {
			members, total, err := e.Alerts.Members(t.Context(), topic.ID, 200)
			require.NoError(t, err)
			require.Equal(t, total, topic.Members, "topic %s counts other tickets than it has", topic.ID)
			for _, m := range members {
				ticket, err := e.Store.Ticket(t.Context(), m.Ticket)
				require.NoError(t, err)
				require.Equal(t, ticket.Number, m.Number)
			}
			gathered += total
		}
		if f.Cursor = page.Next; f.Cursor == "" {
			t.Logf("%d topics of %d tickets", page.Total, gathered)
			return
		}
	}
}
