package sla_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/ticketing"
	"hotline/ticketing/sla"
)

type history struct {
	t      *testing.T
	events []ticketing.Event
}

func (h *history) at(when, kind string, facts *ticketing.Facts) *history {
	raw, err := json.Marshal(ticketing.EventData{Facts: facts})
	require.NoError(h.t, err)
	h.events = append(h.events, ticketing.Event{Version: int64(len(h.events) + 1), Type: kind, At: at(h.t, when), Data: raw})
	return h
}

func (h *history) clock(k *sla.Keeper, name ticketing.ClockName) ticketing.Clock {
	h.t.Helper()
	for _, c := range k.Explain(ticketing.Ticket{}, h.events) {
		if c.Name == name {
			return c
		}
	}
	h.t.Fatalf("no %s clock", name)
	return ticketing.Clock{}
}

func complaint() *ticketing.Facts {
	return &ticketing.Facts{Type: ticketing.Complaint, Urgency: ticketing.Normal, Category: []string{"urban-lamps", "urban"}}
}

func keeper() *sla.Keeper { return sla.NewKeeper(sla.DefaultPolicy(), sla.DefaultCalendar()) }

func TestResolveRunsFromTheFirstDispatch(t *testing.T) {
	h := (&history{t: t}).
		at("2025-09-26 16:00", ticketing.EventAccepted, complaint()).
		at("2025-09-26 16:30", ticketing.EventDispatched, complaint()).
		at("2025-09-28 09:00", ticketing.EventDispatched, complaint())
	c := h.clock(keeper(), ticketing.ClockResolve)
	require.Equal(t, at(t, "2025-09-26 16:30"), c.StartedAt)
	require.Equal(t, at(t, "2025-10-10 16:30"), c.DueAt)
	words := ""
	for _, s := range c.Steps {
		words += s.Zh + "\n"
	}
	for _, want := range []string{"09-27 周六 休息", "09-28 周日 国庆节", "调休上班 用 420 分钟", "10-01 周三", "放假", "到期:2025-10-10 周五 16:30:00"} {
		require.Contains(t, words, want)
	}
	require.Equal(t, at(t, "2025-09-28 09:00"), h.clock(keeper(), ticketing.ClockSign).StartedAt)
	require.Equal(t, at(t, "2025-09-26 16:30"), h.clock(keeper(), ticketing.ClockDispatch).StoppedAt)
}

func TestLimitsFollowTheDefaults(t *testing.T) {
	for name, test := range map[string]struct {
		facts ticketing.Facts
		clock ticketing.ClockName
		want  string
	}{
		"normal dispatch":    {ticketing.Facts{Type: ticketing.Complaint, Urgency: ticketing.Normal}, ticketing.ClockDispatch, "2025-09-27 02:30"},
		"urgent dispatch":    {ticketing.Facts{Type: ticketing.Complaint, Urgency: ticketing.Urgent}, ticketing.ClockDispatch, "2025-09-27 02:10"},
		"danger sign":        {ticketing.Facts{Type: ticketing.Help, Urgency: ticketing.Critical}, ticketing.ClockSign, "2025-09-27 02:20"},
		"water sign":         {ticketing.Facts{Type: ticketing.Help, Urgency: ticketing.Normal, Category: []string{"utility-water-outage", "utility"}}, ticketing.ClockSign, "2025-09-27 02:35"},
		"other sign":         {ticketing.Facts{Type: ticketing.Help, Urgency: ticketing.Normal}, ticketing.ClockSign, "2025-09-28 17:30"},
		"inquiry resolve":    {ticketing.Facts{Type: ticketing.Inquiry, Urgency: ticketing.Normal}, ticketing.ClockResolve, "2025-09-29 17:30"},
		"urgent resolve":     {ticketing.Facts{Type: ticketing.Inquiry, Urgency: ticketing.Urgent}, ticketing.ClockResolve, "2025-09-28 02:05"},
		"suggestion resolve": {ticketing.Facts{Type: ticketing.Suggestion, Urgency: ticketing.Normal}, ticketing.ClockResolve, "2025-10-10 17:30"},
	} {
		t.Run(name, func(t *testing.T) {
			h := (&history{t: t}).
				at("2025-09-27 02:00", ticketing.EventAccepted, &test.facts).
				at("2025-09-27 02:05", ticketing.EventDispatched, &test.facts)
			require.Equal(t, at(t, test.want), h.clock(keeper(), test.clock).DueAt.In(sla.Zone))
		})
	}
}

func TestWarningsAreSharesOfTheClocksOwnTime(t *testing.T) {
	h := (&history{t: t}).
		at("2025-09-24 09:00", ticketing.EventAccepted, complaint()).
		at("2025-09-24 09:00", ticketing.EventDispatched, complaint())
	sign := h.clock(keeper(), ticketing.ClockSign)
	require.Equal(t, at(t, "2025-09-24 14:00"), sign.YellowAt, "210 of 420 minutes, lunch left out")
	require.Equal(t, at(t, "2025-09-24 16:06"), sign.RedAt)
	require.Equal(t, at(t, "2025-09-24 17:30"), sign.DueAt)
}

func TestRejectedReplyLetsTheClockRunOn(t *testing.T) {
	h := (&history{t: t}).
		at("2025-09-24 09:00", ticketing.EventAccepted, complaint()).
		at("2025-09-24 09:00", ticketing.EventDispatched, complaint()).
		at("2025-09-24 10:00", ticketing.EventSigned, nil).
		at("2025-09-24 11:00", ticketing.EventResolved, nil)
	stopped := h.clock(keeper(), ticketing.ClockResolve)
	require.Equal(t, at(t, "2025-09-24 11:00"), stopped.StoppedAt)
	h.at("2025-09-25 10:00", ticketing.EventReviewRejected, nil)
	again := h.clock(keeper(), ticketing.ClockResolve)
	require.True(t, again.StoppedAt.IsZero())
	require.Equal(t, stopped.DueAt, again.DueAt)
}

func TestRelabellingChangesRunningClocksOnly(t *testing.T) {
	inquiry := complaint()
	inquiry.Type = ticketing.Inquiry
	h := (&history{t: t}).
		at("2025-09-24 09:00", ticketing.EventAccepted, complaint()).
		at("2025-09-24 09:00", ticketing.EventDispatched, complaint()).
		at("2025-09-24 10:00", ticketing.EventResolved, nil).
		at("2025-09-24 11:00", ticketing.EventEdited, inquiry)
	require.Equal(t, at(t, "2025-09-29 17:30"), h.clock(keeper(), ticketing.ClockResolve).DueAt)
}

func TestNthDayConvention(t *testing.T) {
	policy := sla.DefaultPolicy()
	policy.Convention = sla.NthDay
	h := (&history{t: t}).
		at("2025-09-26 09:00", ticketing.EventAccepted, complaint()).
		at("2025-09-26 16:30", ticketing.EventDispatched, complaint())
	c := h.clock(sla.NewKeeper(policy, sla.DefaultCalendar()), ticketing.ClockResolve)
	require.Equal(t, at(t, "2025-10-10 17:30"), c.DueAt)
	require.True(t, c.YellowAt.Before(c.RedAt) && c.RedAt.Before(c.DueAt))
}

func TestEveryClockNeedsARuleForAll(t *testing.T) {
	_, err := sla.ParsePolicy([]byte(`{"version":1,"rules":[{"clock":"sign","limit":"1wd"}]}`))
	require.ErrorContains(t, err, "the dispatch clock has no rule for all tickets")
	_, err = sla.ParsePolicy([]byte(strings.Replace(string(sla.DefaultPolicyDocument()), `"limit": "1wd"`, `"limit": "1wk"`, 1)))
	require.ErrorContains(t, err, `"1wk" is not a limit such as 30min, 24h, 7d or 5wd`)
}

func BenchmarkClocks(b *testing.B) {
	raw, err := json.Marshal(ticketing.EventData{Facts: complaint()})
	require.NoError(b, err)
	start := at(b, "2025-09-26 16:30")
	var events []ticketing.Event
	for i, kind := range []string{ticketing.EventAccepted, ticketing.EventDispatched, ticketing.EventSigned} {
		events = append(events, ticketing.Event{Version: int64(i), Type: kind, At: start.Add(time.Duration(i) * time.Hour), Data: raw})
	}
	k := keeper()
	for b.Loop() {
		k.Clocks(ticketing.Ticket{}, events)
	}
}
