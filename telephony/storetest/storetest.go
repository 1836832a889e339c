package storetest

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/acd"
)

var t0 = time.Date(2026, 3, 2, 1, 0, 0, 123e6, time.UTC)

func at(sec int) time.Time { return t0.Add(time.Duration(sec) * time.Second) }

// Run checks a store; open returns an empty one each time.
func Run(t *testing.T, open func(t *testing.T) telephony.Store) {
	for name, test := range map[string]func(*testing.T, telephony.Store){
		"call round trip":          callRoundTrip,
		"calls by filter":          callsByFilter,
		"paging":                   paging,
		"open calls":               openCalls,
		"missed calls":             missedCalls,
		"events in order":          eventsInOrder,
		"events by period":         eventsByPeriod,
		"events and calls":         logInOneGo,
		"seats' states":            seatStates,
		"seats":                    seats,
		"skills":                   skills,
		"blocks":                   blocks,
		"callbacks":                callbacks,
		"campaigns":                campaigns,
		"contacts":                 contactsOfACampaign,
		"taking contacts":          takingContacts,
		"numbers not to be called": noCalls,
		"announcements":            announcements,
		"shifts":                   shifts,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func sample(n int) telephony.CDR {
	return telephony.CDR{
		ID: fmt.Sprintf("call-%04d", n), Direction: telephony.Inbound, SIPCallID: "x@y", Source: "127.0.0.1:5060",
		Caller: "13800138000", Called: "12345", Line: "12345", Queue: "default", Digit: "2",
		StartedAt: at(n), Offers: []telephony.Offered{}, Legs: []telephony.LegInfo{},
	}
}

func callRoundTrip(t *testing.T, s telephony.Store) {
	ctx := t.Context()
	c := sample(1)
	c.AnsweredAt, c.SeatAt, c.BridgedAt = at(2), at(9), at(9)
	c.Offers = []telephony.Offered{{Seat: "8001", User: "u1", Attempt: 1, OfferedAt: at(5), RingingAt: at(6), AnsweredAt: at(9), Outcome: "answered"}}
	c.Legs = []telephony.LegInfo{{Party: telephony.PartyCaller, Codec: "PCMA", Received: 500, Sent: 499, Lost: 1, JitterMS: 1.25}}
	require.NoError(t, s.SaveCall(ctx, c, nil))
	got, err := s.Call(ctx, c.ID)
	require.NoError(t, err)
	require.Equal(t, c, got)
	c.EndedAt, c.EndedBy, c.Cause, c.Seat, c.User = at(60), telephony.PartySeat, telephony.CauseHangup, "8001", "u1"
	c.Recording = telephony.Recording{State: telephony.RecordingStored, Name: "a.wav", Size: 7, SHA256: "00", DurationMS: 51000}
	require.NoError(t, s.SaveCall(ctx, c, nil))
	got, err = s.Call(ctx, c.ID)
	require.NoError(t, err)
	require.Equal(t, c, got)
	require.Equal(t, 51*time.Second, got.Talk())
	_, err = s.Call(ctx, "none")
	require.ErrorIs(t, err, telephony.ErrNotFound)
}

func callsByFilter(t *testing.T, s telephony.Store) {
	ctx := t.Context()
	for n := range 6 {
		c := sample(n)
		c.Missed = n%2 == 0
		c.Seat, c.User = fmt.Sprintf("800%d", n%3), fmt.Sprintf("u%d", n%3)
		c.EndedAt = at(n + 10)
		if n == 5 {
			c.Direction, c.Line, c.Queue, c.Caller = telephony.Outbound, "12315", "other", "8002"
		}
		require.NoError(t, s.SaveCall(ctx, c, nil))
	}
	yes, no := true, false
	for _, tc := range []struct {
		name string
		f    telephony.CallFilter
		want []int // newest first
	}{
		{"all", telephony.CallFilter{}, []int{5, 4, 3, 2, 1, 0}},
		{"from", telephony.CallFilter{From: at(4)}, []int{5, 4}},
		{"to is open", telephony.CallFilter{To: at(2)}, []int{1, 0}},
		{"missed", telephony.CallFilter{Missed: &yes}, []int{4, 2, 0}},
		{"not missed", telephony.CallFilter{Missed: &no}, []int{5, 3, 1}},
		{"seat", telephony.CallFilter{Seat: "8001"}, []int{4, 1}},
		{"user", telephony.CallFilter{User: "u2", Direction: telephony.Inbound}, []int{2}},
		{"line", telephony.CallFilter{Line: "12315"}, []int{5}},
		{"without a line", telephony.CallFilter{NotLines: []string{"12315", "12388"}}, []int{4, 3, 2, 1, 0}},
		{"queue", telephony.CallFilter{Queue: "other"}, []int{5}},
		{"caller", telephony.CallFilter{Caller: "13800138000", From: at(3)}, []int{4, 3}},
		{"no such", telephony.CallFilter{Caller: "1' OR '1'='1"}, []int{}},
	} {
		page, err := s.Calls(ctx, tc.f)
		require.NoError(t, err, tc.name)
		ids := []int{}
		for _, c := range page.Items {
			n := 0
			_, err := fmt.Sscanf(c.ID, "call-%d", &n)
			require.NoError(t, err)
			ids = append(ids, n)
		}
		require.Equal(t, tc.want, ids, tc.name)
		require.Equal(t, len(tc.want), page.Total, tc.name)
		require.False(t, page.TotalCapped)
	}
}

func paging(t *testing.T, s telephony.Store) {
	ctx := t.Context()
	for n := range 23 {
		c := sample(n)
		c.StartedAt = at(n / 4) // ties
		require.NoError(t, s.SaveCall(ctx, c, &telephony.MissedCall{CallID: c.ID, EndedAt: at(n / 4), StartedAt: c.StartedAt}))
	}
	seen := map[string]bool{}
	f := telephony.CallFilter{Limit: 5}
	for pages := 0; ; pages++ {
		require.Less(t, pages, 6)
		page, err := s.Calls(ctx, f)
		require.NoError(t, err)
		require.Equal(t, 23, page.Total)
		for _, c := range page.Items {
			require.False(t, seen[c.ID], "%s twice", c.ID)
			seen[c.ID] = true
		}
		if f.Cursor = page.NextCursor; f.Cursor == "" {
			break
		}
	}
	require.Len(t, seen, 23)
	missed := 0
	mf := telephony.MissedFilter{Limit: 10}
	for {
		page, err := s.Missed(ctx, mf)
		require.NoError(t, err)
		missed += len(page.Items)
		if mf.Cursor = page.NextCursor; mf.Cursor == "" {
			break
		}
	}
	require.Equal(t, 23, missed)
	for _, bad := range []string{"x", "!.a", "1.", "zzzzzzzzzzzzzzzzzzzzzzz.a"} {
		_, err := s.Calls(ctx, telephony.CallFilter{Cursor: bad})
		require.ErrorIs(t, err, telephony.ErrInvalid, bad)
	}
}

func openCalls(t *testing.T, s telephony.Store) {
	ctx := t.Context()
	for n := range 4 {
		c := sample(n)
		if n%2 == 1 {
			c.EndedAt = at(100)
		}
		require.NoError(t, s.SaveCall(ctx, c, nil))
	}
	open, err := s.OpenCalls(ctx, "a", 10)
	require.NoError(t, err)
	require.Len(t, open, 2)
	require.Equal(t, "call-0000", open[0].ID)
	require.Equal(t, "call-0002", open[1].ID)
	mine := open[0]
	mine.Node = "b"
	require.NoError(t, s.SaveCall(ctx, mine, nil))
	open, err = s.OpenCalls(ctx, "a", 10)
	require.NoError(t, err)
	require.Len(t, open, 1, "calls of another node that may go on")
	open, err = s.OpenCalls(ctx, "b", 10)
	require.NoError(t, err)
	require.Len(t, open, 2)
	require.Equal(t, mine, open[0])
}

func missedCalls(t *testing.T, s telephony.Store) {
	ctx := t.Context()
	var want []telephony.MissedCall
	for n := range 3 {
		c := sample(n)
		c.Missed, c.EndedAt = true, at(20+n)
		m := telephony.MissedCall{
			CallID: c.ID, Caller: c.Caller, Line: c.Line, Queue: c.Queue, Digit: "1",
			StartedAt: c.StartedAt, EndedAt: c.EndedAt, Waited: 1500 * time.Millisecond, Offers: 2, Cause: telephony.CauseAbandoned,
		}
		require.NoError(t, s.SaveCall(ctx, c, &m))
		require.NoError(t, s.SaveCall(ctx, c, &m), "twice has one effect")
		want = append([]telephony.MissedCall{m}, want...)
	}
	page, err := s.Missed(ctx, telephony.MissedFilter{NotLines: []string{"12345"}})
	require.NoError(t, err)
	require.NotContains(t, linesOf(page.Items), "12345")
	page, err = s.Missed(ctx, telephony.MissedFilter{})
	require.NoError(t, err)
	require.Equal(t, want, page.Items)
	require.Equal(t, 3, page.Total)
	require.NoError(t, s.HandleMissed(ctx, "call-0001", "u1", at(99)))
	require.ErrorIs(t, s.HandleMissed(ctx, "call-0001", "u2", at(100)), telephony.ErrConflict)
	require.ErrorIs(t, s.HandleMissed(ctx, "none", "u2", at(100)), telephony.ErrNotFound)
	page, err = s.Missed(ctx, telephony.MissedFilter{Open: true, From: at(21), Line: "12345"})
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
	require.Equal(t, "call-0002", page.Items[0].CallID)
	page, err = s.Missed(ctx, telephony.MissedFilter{To: at(22), From: at(21)})
	require.NoError(t, err)
	require.Equal(t, "u1", page.Items[0].HandledBy)
	require.Equal(t, at(99), page.Items[0].HandledAt)
}

func logInOneGo(t *testing.T, s telephony.Store) {
	ctx := t.Context()
	require.NoError(t, s.WriteLog(ctx, nil, nil))
	var events []telephony.Event
	var records []telephony.CallRecord
	for n := range 120 {
		c := sample(n)
		events = append(events, telephony.Event{At: at(n), CallID: c.ID, Type: "started"}, telephony.Event{At: at(n), CallID: c.ID, Type: "ended"})
		r := telephony.CallRecord{CDR: c}
		if n%3 == 0 {
			r.CDR.Missed, r.CDR.EndedAt = true, at(200)
			r.Missed = &telephony.MissedCall{CallID: c.ID, StartedAt: c.StartedAt, EndedAt: at(200), Cause: telephony.CauseAbandoned}
		}
		records = append(records, r)
	}
	require.NoError(t, s.WriteLog(ctx, events[:100], records[:50]))
	records[7].CDR.Seat = "8001"
	require.NoError(t, s.WriteLog(ctx, events[100:], append(records[50:], records[:10]...)))
	got, err := s.Call(ctx, "call-0007")
	require.NoError(t, err)
	require.Equal(t, records[7].CDR, got)
	page, err := s.Calls(ctx, telephony.CallFilter{})
	require.NoError(t, err)
	require.Equal(t, 120, page.Total)
	missed, err := s.Missed(ctx, telephony.MissedFilter{})
	require.NoError(t, err)
	require.Equal(t, 40, missed.Total)
	list, err := s.Events(ctx, telephony.EventFilter{Limit: 1000})
	require.NoError(t, err)
	require.Len(t, list, 240)
	for i, e := range list {
		require.Equal(t, events[i].CallID, e.CallID)
	}
}

func eventsInOrder(t *testing.T, s telephony.Store) {
	ctx := t.Context()
	require.NoError(t, s.AppendEvents(ctx, nil))
	var want []telephony.Event
	for n := range 30 {
		e := telephony.Event{At: at(n), CallID: fmt.Sprintf("c%d", n%3), Seat: "8001", User: "u", Type: "started"}
		if n%2 == 0 {
			e.Data = json.RawMessage(fmt.Sprintf(`{"n":%d,"text":"中文 ' ?"}`, n))
		}
		want = append(want, e)
	}
	require.NoError(t, s.AppendEvents(ctx, want[:7]))
	require.NoError(t, s.AppendEvents(ctx, want[7:]))
	got, err := s.Events(ctx, telephony.EventFilter{Limit: 100})
	require.NoError(t, err)
	require.Len(t, got, 30)
	last := int64(0)
	for i, e := range got {
		require.Greater(t, e.ID, last)
		last = e.ID
		want[i].ID = e.ID
		require.Equal(t, want[i], e)
	}
	got, err = s.Events(ctx, telephony.EventFilter{CallID: "c1"})
	require.NoError(t, err)
	require.Len(t, got, 10)
	got, err = s.Events(ctx, telephony.EventFilter{After: want[9].ID, Limit: 5})
	require.NoError(t, err)
	require.Equal(t, want[10:15], got)
}

func eventsByPeriod(t *testing.T, s telephony.Store) {
	ctx := t.Context()
	for n := range 4 {
		c := sample(n)
		require.NoError(t, s.SaveCall(ctx, c, nil))
		require.NoError(t, s.AppendEvents(ctx, []telephony.Event{
			{At: at(n), CallID: c.ID, Type: "started"},
			{At: at(n + 50), CallID: c.ID, Type: "ended"},
		}))
	}
	got, err := s.Events(ctx, telephony.EventFilter{From: at(1), To: at(3)})
	require.NoError(t, err)
	require.Len(t, got, 4, "all events of the two calls, also those after the period")
	for _, e := range got {
		require.Contains(t, []string{"call-0001", "call-0002"}, e.CallID)
	}
}

func seatStates(t *testing.T, s telephony.Store) {
	ctx := t.Context()
	c := sample(1)
	require.NoError(t, s.SaveCall(ctx, c, nil))
	require.NoError(t, s.AppendEvents(ctx, []telephony.Event{
		{At: at(1), Seat: "8001", Type: telephony.EvState},
		{At: at(2), CallID: c.ID, Type: telephony.EvStarted},
		{At: at(3), CallID: c.ID, Seat: "8001", Type: telephony.EvState},
		{At: at(4), Seat: "8002", Type: telephony.EvState},
	}))
	got, err := s.Events(ctx, telephony.EventFilter{States: true, From: at(1), To: at(4)})
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.Equal(t, []time.Time{at(1), at(3)}, []time.Time{got[0].At, got[1].At})
	got, err = s.Events(ctx, telephony.EventFilter{States: true, From: at(3), After: got[1].ID})
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.Equal(t, "8002", got[0].Seat)
}

func seats(t *testing.T, s telephony.Store) {
	ctx := t.Context()
	a := telephony.Seat{ID: "8001", User: "agent1", Algorithm: telephony.MD5, HA1: "aa", AutoReady: true}
	b := telephony.Seat{ID: "8002", User: "agent2", Algorithm: telephony.SHA256, HA1: "bb"}
	require.NoError(t, s.SaveSeat(ctx, b))
	require.NoError(t, s.SaveSeat(ctx, a))
	got, err := s.Seats(ctx)
	require.NoError(t, err)
	require.Equal(t, []telephony.Seat{a, b}, got)
	a.Disabled, a.AutoReady, a.HA1 = true, false, "cc"
	require.NoError(t, s.SaveSeat(ctx, a))
	one, err := s.Seat(ctx, "8001")
	require.NoError(t, err)
	require.Equal(t, a, one)
	require.NoError(t, s.DeleteSeat(ctx, "8001"))
	require.ErrorIs(t, s.DeleteSeat(ctx, "8001"), telephony.ErrNotFound)
	_, err = s.Seat(ctx, "8001")
	require.ErrorIs(t, err, telephony.ErrNotFound)
}

func skills(t *testing.T, s telephony.Store) {
	ctx := t.Context()
	all, err := s.Skills(ctx)
	require.NoError(t, err)
	require.Empty(t, all)
	require.NoError(t, s.SaveSkills(ctx, "agent1", telephony.Skills{"方言": 2, "english": 1}))
	require.NoError(t, s.SaveSkills(ctx, "agent2", telephony.Skills{"english": 9}))
	require.NoError(t, s.SaveSkills(ctx, "agent1", telephony.Skills{"方言": 3, "tax": 1}))
	all, err = s.Skills(ctx)
	require.NoError(t, err)
	require.Equal(t, map[string]telephony.Skills{"agent1": {"方言": 3, "tax": 1}, "agent2": {"english": 9}}, all)
	require.NoError(t, s.SaveSkills(ctx, "agent1", nil))
	require.NoError(t, s.SaveSkills(ctx, "nobody", nil))
	all, err = s.Skills(ctx)
	require.NoError(t, err)
	require.Equal(t, map[string]telephony.Skills{"agent2": {"english": 9}}, all)
}

func blocks(t *testing.T, s telephony.Store) {
	ctx := t.Context()
	_, err := s.Block(ctx, "none")
	require.ErrorIs(t, err, telephony.ErrNotFound)
	var all []telephony.Block
	for n := range 5 {
		b := telephony.Block{ID: fmt.Sprintf("b%d", n), Caller: "13800138000", CallID: "c", Line: "12345", Reason: "反复辱骂", ProposedBy: "agent1", ProposedAt: at(n)}
		require.NoError(t, s.SaveBlock(ctx, b))
		all = append([]telephony.Block{b}, all...)
	}
	ids := func(f telephony.BlockFilter) (ids []string) {
		for {
			page, err := s.Blocks(ctx, f)
			require.NoError(t, err)
			for _, b := range page.Items {
				ids = append(ids, b.ID)
			}
			if f.Cursor = page.NextCursor; f.Cursor == "" {
				return ids
			}
		}
	}
	require.Equal(t, []string{"b4", "b3", "b2", "b1", "b0"}, ids(telephony.BlockFilter{Limit: 2}))
	over, lifted, inForce := all[0], all[1], all[2]
	over.ConfirmedBy, over.ConfirmedAt, over.Until = "lead1", at(10), at(20)
	inForce.ConfirmedBy, inForce.ConfirmedAt, inForce.Until = "lead1", at(10), at(40)
	lifted.LiftedBy, lifted.LiftedAt, lifted.LiftReason = "lead1", at(30), "误拨"
	for _, b := range []telephony.Block{over, lifted, inForce} {
		require.NoError(t, s.SaveBlock(ctx, b))
		got, err := s.Block(ctx, b.ID)
		require.NoError(t, err)
		require.Equal(t, b, got)
	}
	require.Equal(t, []string{"b2", "b1", "b0"}, ids(telephony.BlockFilter{Open: true, At: at(30)}))
	page, err := s.Blocks(ctx, telephony.BlockFilter{Open: true, At: at(40)})
	require.NoError(t, err)
	require.Equal(t, 2, page.Total)
	require.Empty(t, ids(telephony.BlockFilter{NotLines: []string{"12345"}}))
	_, err = s.Blocks(ctx, telephony.BlockFilter{Cursor: "nonsense"})
	require.ErrorIs(t, err, telephony.ErrInvalid)
}

func callbacks(t *testing.T, s telephony.Store) {
	ctx := t.Context()
	_, err := s.Callback(ctx, "none")
	require.ErrorIs(t, err, telephony.ErrNotFound)
	var all []telephony.Callback
	for n := range 5 {
		c := telephony.Callback{
			ID: fmt.Sprintf("b%d", n), Number: "13800138000", CallID: "c", Line: "12345", Queue: "q", Needs: acd.Needs{"dialect": 2}, Priority: 1,
			Prefer: "agent1", Since: at(n), By: telephony.CallbackAsked, CreatedAt: at(n), State: telephony.CallbackWaiting,
		}
		require.NoError(t, s.SaveCallback(ctx, c))
		all = append([]telephony.Callback{c}, all...)
	}
	ids := func(f telephony.CallbackFilter) (ids []string) {
		for {
			page, err := s.Callbacks(ctx, f)
			require.NoError(t, err)
			for _, c := range page.Items {
				ids = append(ids, c.ID)
			}
			if f.Cursor = page.NextCursor; f.Cursor == "" {
				return ids
			}
		}
	}
	require.Equal(t, []string{"b4", "b3", "b2", "b1", "b0"}, ids(telephony.CallbackFilter{Limit: 2}))
	reached, tried := all[0], all[1]
	reached.Calls, reached.State, reached.EndedAt, reached.EndedBy = []string{"c1", "c2"}, telephony.CallbackReached, at(20), "agent1"
	tried.Calls, tried.NotUntil = []string{"c3"}, at(30)
	for _, c := range []telephony.Callback{reached, tried} {
		require.NoError(t, s.SaveCallback(ctx, c))
		got, err := s.Callback(ctx, c.ID)
		require.NoError(t, err)
		require.Equal(t, c, got)
	}
	require.Equal(t, []string{"b3", "b2", "b1", "b0"}, ids(telephony.CallbackFilter{Open: true}))
	require.Empty(t, ids(telephony.CallbackFilter{NotLines: []string{"12388", "12345"}}))
	require.Len(t, ids(telephony.CallbackFilter{NotLines: []string{"12388"}}), 5)
	page, err := s.Callbacks(ctx, telephony.CallbackFilter{Open: true})
	require.NoError(t, err)
	require.Equal(t, 4, page.Total)
	_, err = s.Callbacks(ctx, telephony.CallbackFilter{Cursor: "nonsense"})
	require.ErrorIs(t, err, telephony.ErrInvalid)
}

func announcements(t *testing.T, s telephony.Store) {
	ctx := t.Context()
	all, err := s.Announcements(ctx)
	require.NoError(t, err)
	require.Empty(t, all)
	require.NoError(t, s.DeleteAnnouncement(ctx, "12345"), "there is none")
	one := telephony.Announcement{Line: "12345", Say: []string{"holiday", "festivals/spring"}, From: at(1), Until: at(9), By: "lead1"}
	other := telephony.Announcement{Line: "12315", Say: []string{"emergency"}, From: at(2), Ends: true, By: "admin"}
	require.NoError(t, s.SaveAnnouncement(ctx, other))
	require.NoError(t, s.SaveAnnouncement(ctx, telephony.Announcement{Line: "12345", Say: []string{"old"}, From: at(0), By: "lead2"}))
	require.NoError(t, s.SaveAnnouncement(ctx, one))
	all, err = s.Announcements(ctx)
	require.NoError(t, err)
	require.Equal(t, []telephony.Announcement{other, one}, all)
	require.NoError(t, s.DeleteAnnouncement(ctx, "12345"))
	all, err = s.Announcements(ctx)
	require.NoError(t, err)
	require.Equal(t, []telephony.Announcement{other}, all)
}

func linesOf(missed []telephony.MissedCall) (lines []string) {
	for _, m := range missed {
		lines = append(lines, m.Line)
	}
	return lines
}

func shifts(t *testing.T, s telephony.Store) {
	ctx := t.Context()
	shift := func(id, user string, from, to int) telephony.Shift {
		return telephony.Shift{ID: id, User: user, From: at(from), To: at(to), Note: "早班", By: "lead1"}
	}
	early, late, other := shift("s1", "u1", 0, 10), shift("s2", "u1", 10, 20), shift("s3", "u2", 10, 30)
	require.NoError(t, s.ReplaceShifts(ctx, at(0), at(20), []telephony.Shift{late, other, early}))
	get := func(from, to int) []telephony.Shift {
		t.Helper()
		found, err := s.Shifts(ctx, at(from), at(to))
		require.NoError(t, err)
		return found
	}
	require.Equal(t, []telephony.Shift{early, late, other}, get(0, 40))
	require.Equal(t, []telephony.Shift{late, other}, get(10, 11), "the end of one is not in it")
	require.Equal(t, []telephony.Shift{other}, get(25, 26), "it reaches into it")
	require.Empty(t, get(30, 40))
	anew := shift("s4", "u3", 12, 13)
	require.NoError(t, s.ReplaceShifts(ctx, at(10), at(20), []telephony.Shift{anew}))
	require.Equal(t, []telephony.Shift{early, anew}, get(0, 40))
	require.NoError(t, s.ReplaceShifts(ctx, at(0), at(40), nil))
	require.Empty(t, get(0, 40))
}
