package app

import (
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/ticketing"
	"hotline/ticketing/sla"
)

// The hours of lines follow the calendar that the city has imported, at most ten seconds later.
func TestTheCitysOwnWorkdays(t *testing.T) {
	node, _ := startNode(t, indexCare{})
	now := time.Now()
	days := newWorkdays(node.Engines.Tickets, slog.New(slog.DiscardHandler), func() time.Time { return now })
	fair := time.Date(2026, 3, 3, 12, 0, 0, 0, sla.Zone) // a Tuesday
	require.True(t, days.Workday(fair))
	city := testCity("A")
	city.Calendar = json.RawMessage(`{"version": 1, "schedule": ["09:00-12:00", "13:30-17:30"], "off": {"2026-03-03": "庙会"}, "work": {}, "provisional": []}`)
	require.NoError(t, node.Engines.Tickets.ImportCity(t.Context(), ticketing.SystemActor(), city))
	require.True(t, days.Workday(fair), "it was looked at a moment ago")
	now = now.Add(freshCalendar)
	require.False(t, days.Workday(fair))
	require.True(t, days.Workday(fair.AddDate(0, 0, 1)))
}
