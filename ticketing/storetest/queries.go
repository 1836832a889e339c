package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/ticketing"
)

func testPaging(t *testing.T, open Opener) {
	b := newBench(t, open)
	const tickets = 23
	var want []string
	for i := range tickets {
		if i%3 == 0 {
			b.now = b.now.Add(time.Minute) // several share a moment
		}
		want = append(want, b.accepted().ID)
	}
	for _, sort := range []ticketing.Sort{ticketing.SortNewest, ticketing.SortDue} {
		var got []string
		f := ticketing.Filter{Sort: sort, Limit: 5}
		for {
			page, err := b.svc.Tickets(b.ctx, lead(), f)
			require.NoError(t, err)
			require.Equal(t, tickets, page.Total)
			require.False(t, page.TotalCapped)
			for _, v := range page.Items {
				got = append(got, v.ID)
			}
			if page.NextCursor == "" {
				break
			}
			require.Len(t, page.Items, 5)
			f.Cursor = page.NextCursor
		}
		require.Len(t, got, tickets, sort)
		slices.Sort(got)
		sorted := slices.Clone(want)
		slices.Sort(sorted)
		require.Equal(t, sorted, got, "each once")
	}
	page, err := b.svc.Tickets(b.ctx, lead(), ticketing.Filter{Limit: 200})
	require.NoError(t, err)
	for i := 1; i < len(page.Items); i++ {
		require.False(t, page.Items[i].CreatedAt.After(page.Items[i-1].CreatedAt), "newest first")
	}
	page, err = b.svc.Tickets(b.ctx, lead(), ticketing.Filter{Sort: ticketing.SortDue, Limit: 200})
	require.NoError(t, err)
	for i := 1; i < len(page.Items); i++ {
		require.False(t, page.Items[i].Clocks[0].DueAt.Before(page.Items[i-1].Clocks[0].DueAt), "due first")
	}
	for _, cursor := range []string{"x", "bmV3ZXN0", "bmV3ZXN0IHggeQ"} {
		_, err := b.svc.Tickets(b.ctx, lead(), ticketing.Filter{Cursor: cursor})
		require.Equal(t, ticketing.CodeInvalid, ticketing.CodeOf(err), cursor)
	}
	var seen []string
	for after := ""; ; {
		list, err := b.Scan(b.ctx, "", after, 7)
		require.NoError(t, err)
		if len(list) == 0 {
			break
		}
		for _, v := range list {
			require.Greater(t, v.ID, after)
			require.Empty(t, v.WithoutPerson().Citizen)
			after = v.ID
			seen = append(seen, v.ID)
		}
	}
	require.Len(t, seen, tickets)
	together, err := b.TicketsByID(b.ctx, append([]string{"no-such-ticket"}, seen...))
	require.NoError(t, err)
	var found []string
	for _, v := range together {
		found = append(found, v.ID)
	}
	require.ElementsMatch(t, seen, found, "what is not there is left out")
}

func testFilters(t *testing.T, open Opener) {
	b := newBench(t, open)
	put := func(change func(*ticketing.DraftInput)) ticketing.Ticket {
		in := lamps()
		change(&in)
		return b.draft(in)
	}
	put(func(in *ticketing.DraftInput) { in.Appeal.Type = ticketing.Inquiry })
	put(func(in *ticketing.DraftInput) { in.Appeal.Category = "noise" })
	put(func(in *ticketing.DraftInput) { in.Appeal.District = "west" })
	put(func(in *ticketing.DraftInput) { in.Line = "12315"; in.Urgency = ticketing.Urgent })
	put(func(in *ticketing.DraftInput) { in.Channel = ticketing.ByWeChat })
	b.now = b.now.Add(time.Hour)
	b.accepted()
	b.route()
	b.accepted()
	for i, test := range []struct {
		f    ticketing.Filter
		want int
	}{
		{ticketing.Filter{}, 7},
		{ticketing.Filter{States: []ticketing.State{ticketing.Draft}}, 5},
		{ticketing.Filter{States: []ticketing.State{ticketing.Accepted, ticketing.Dispatched}}, 2},
		{ticketing.Filter{Types: []ticketing.AppealType{ticketing.Inquiry}}, 1},
		{ticketing.Filter{Categories: []string{"noise"}}, 1},
		{ticketing.Filter{Districts: []string{"west", "nowhere"}}, 1},
		{ticketing.Filter{Departments: []string{"dept-a"}}, 1},
		{ticketing.Filter{Channels: []ticketing.Channel{ticketing.ByWeChat}}, 1},
		{ticketing.Filter{Urgencies: []ticketing.Urgency{ticketing.Urgent}, Line: "12315"}, 1},
		{ticketing.Filter{Operator: "agent1", States: []ticketing.State{ticketing.Dispatched}}, 1},
		{ticketing.Filter{From: b.now}, 2},
		{ticketing.Filter{To: b.now}, 5},
		{ticketing.Filter{From: start(), To: start()}, 0},
		{ticketing.Filter{Categories: []string{"' OR 1=1 --"}}, 0},
	} {
		page, err := b.svc.Tickets(b.ctx, lead(), test.f)
		require.NoError(t, err, i)
		require.Len(t, page.Items, test.want, "filter %d", i)
		require.Equal(t, test.want, page.Total, "filter %d", i)
	}
	for _, f := range []ticketing.Filter{{Limit: 201}, {Limit: -1}, {Sort: "upside-down"}, {Districts: make([]string, 201)}} {
		_, err := b.svc.Tickets(b.ctx, lead(), f)
		require.Equal(t, ticketing.CodeInvalid, ticketing.CodeOf(err))
	}
}

func testCountCap(t *testing.T, open Opener, fill Fill) {
	b := newBench(t, open)
	fill(t, b.Store, ticketing.CountCap+5)
	page, err := b.svc.Tickets(b.ctx, lead(), ticketing.Filter{Limit: 3})
	require.NoError(t, err)
	require.Equal(t, ticketing.CountCap, page.Total)
	require.True(t, page.TotalCapped)
	require.Len(t, page.Items, 3)
	require.NotEmpty(t, page.NextCursor)
}

func testVisibility(t *testing.T, open Opener) {
	b := newBench(t, open)
	d := b.accepted()
	b.route()
	secret := lamps()
	secret.Confidential = true
	secret.Appeal.Description = "我是王建国，电话13812345678"
	s := b.act(agent(), b.draft(secret).ID, ticketing.ActAccept, "")
	b.route()
	for name, test := range map[string]struct {
		actor ticketing.Actor
		sees  int
	}{
		"the department":                  {clerk("dept-a"), 2},
		"the department above":            {clerk("city", "dept-a", "dept-z"), 2},
		"another department":              {clerk("dept-b"), 0},
		"the centre":                      {lead(), 2},
		"the auditor":                     {ticketing.Actor{UserID: "auditor", Roles: []ticketing.Role{ticketing.RoleAuditor}}, 0},
		"nobody":                          {ticketing.Actor{}, 0},
		"a clerk without a department":    {ticketing.Actor{UserID: "c", Roles: []ticketing.Role{ticketing.RoleClerk}}, 0},
		"an agent lent to the department": {ticketing.Actor{UserID: "a", Roles: []ticketing.Role{ticketing.RoleAgent}, Department: "dept-b"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			page, err := b.svc.Tickets(b.ctx, test.actor, ticketing.Filter{})
			require.NoError(t, err)
			require.Equal(t, test.sees, page.Total)
			_, err = b.svc.Ticket(b.ctx, test.actor, d.Number)
			_, timeline := b.svc.Timeline(b.ctx, test.actor, d.ID)
			_, act := b.svc.Act(b.ctx, test.actor, d.ID, ticketing.Command{Action: ticketing.ActCancel, Fields: []byte(`{"reason":"x"}`)})
			if test.sees > 0 {
				require.NoError(t, err)
				require.NoError(t, timeline)
				return
			}
			require.Equal(t, ticketing.ErrNotFound, err)
			require.Equal(t, ticketing.ErrNotFound, timeline)
			require.Equal(t, ticketing.ErrNotFound, act)
		})
	}
	_, err := b.svc.Ticket(b.ctx, lead(), "no-such-ticket")
	require.Equal(t, ticketing.ErrNotFound, err, "the same answer as for one that may not be seen")
	got, err := b.svc.Ticket(b.ctx, clerk("dept-a"), s.ID)
	require.NoError(t, err)
	require.Empty(t, got.Citizen)
	require.Equal(t, "我是***，电话***", got.Appeal.Description)
	_, err = b.svc.Reveal(b.ctx, clerk("dept-a"), s.ID, "联系")
	require.ErrorIs(t, err, ticketing.ErrForbidden)
	who, err := b.svc.Reveal(b.ctx, lead(), s.ID, "核实")
	require.NoError(t, err)
	require.Equal(t, "王建国", who.Name)
	byID, err := b.TicketsByID(b.ctx, []string{s.ID})
	require.NoError(t, err)
	require.Len(t, byID, 1)
	require.Equal(t, "我是***，电话***", byID[0].WithoutPerson().Appeal.Description)
}

func testCalls(t *testing.T, open Opener) {
	b := newBench(t, open)
	first := b.draft(lamps())
	b.now = b.now.Add(time.Minute)
	in := lamps()
	in.CallID, in.Citizen.Phone = "call-9", "+86 138-1234-5678"
	second := b.draft(in)
	require.NoError(t, b.svc.LinkCall(b.ctx, agent(), second.ID, "call-10"))
	require.NoError(t, b.svc.LinkCall(b.ctx, agent(), second.ID, "call-10"))
	got, err := b.svc.Ticket(b.ctx, agent(), second.ID)
	require.NoError(t, err)
	require.Equal(t, []string{"call-9", "call-10"}, got.Calls)
	require.EqualValues(t, 2, got.Version)
	for _, call := range got.Calls {
		list, err := b.svc.ByCall(b.ctx, agent(), call)
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Equal(t, second.ID, list[0].ID)
	}
	list, err := b.svc.Earlier(b.ctx, agent(), second.ID)
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, first.ID, list[0].ID)
	in.ID = second.ID
	again, err := b.svc.OpenDraft(b.ctx, agent(), in)
	require.NoError(t, err)
	require.EqualValues(t, 2, again.Version, "the draft of that id, as it is")
}

func testReads(t *testing.T, open Opener) {
	b := newBench(t, open)
	d := b.draft(lamps())
	_, err := b.svc.Reveal(b.ctx, agent(), d.ID, " ")
	require.Equal(t, ticketing.CodeInvalid, ticketing.CodeOf(err))
	who, err := b.svc.Reveal(b.ctx, agent(), d.ID, "回拨")
	require.NoError(t, err)
	require.Equal(t, "13812345678", who.Phone)
	onCall := agent()
	onCall.CallID = "call-1"
	require.NoError(t, b.svc.RecordRead(b.ctx, onCall, d.ID, "recording", ""))
	reads, err := b.svc.Reads(b.ctx, lead(), d.ID)
	require.NoError(t, err)
	require.Len(t, reads, 2)
	require.Equal(t, ticketing.Read{ID: reads[0].ID, TicketID: d.ID, UserID: "agent1", What: "person", Reason: "回拨", At: b.now}, reads[0])
	require.Equal(t, "call-1", reads[1].CallID)
	_, err = b.svc.Reads(b.ctx, agent(), d.ID)
	require.ErrorIs(t, err, ticketing.ErrForbidden)
}

func testNotifications(t *testing.T, open Opener) {
	b := newBench(t, open)
	d := b.accepted()
	b.route()
	list, err := b.svc.Notifications(b.ctx, clerk("dept-a"))
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, "dispatched", list[0].Kind)
	require.Equal(t, d.Number, list[0].Number)
	one, err := b.svc.Notification(b.ctx, list[0].ID)
	require.NoError(t, err)
	require.Equal(t, list[0], one)
	items, err := b.PendingOutbox(b.ctx, ticketing.TopicNotify, 10)
	require.NoError(t, err)
	require.Equal(t, list[0].ID, items[0].Key)
	list, err = b.svc.Notifications(b.ctx, clerk("dept-b"))
	require.NoError(t, err)
	require.Empty(t, list)
	_, err = b.svc.Notification(b.ctx, "absent")
	require.ErrorIs(t, err, ticketing.ErrNotFound)
}

func testStats(t *testing.T, open Opener) {
	b := newBench(t, open)
	b.draft(lamps())
	b.accepted()
	b.route()
	b.act(agent(), b.draft(lamps()).ID, ticketing.ActAnswer, `{"answer":"请拨 110"}`)
	b.now = b.now.Add(limit)
	_, err := b.svc.FireDeadlines(b.ctx, b.now, 100)
	require.NoError(t, err)
	stats, err := b.svc.Stats(b.ctx, lead(), start(), b.now)
	require.NoError(t, err)
	require.Equal(t, 3, stats.Created)
	require.Equal(t, 2, stats.Accepted)
	require.Equal(t, 1, stats.Direct)
	require.Equal(t, 1, stats.Dispatched)
	require.Equal(t, 1, stats.Closed)
	require.Equal(t, 1, stats.OverdueNow)
	require.Equal(t, map[ticketing.ClockName]int{ticketing.ClockSign: 1, ticketing.ClockResolve: 1}, stats.OverdueFired)
	require.Equal(t, map[string]int{"draft": 1, "dispatched": 1, "closed": 1}, stats.ByState)
	require.Equal(t, map[string]int{"dept-a": 1}, stats.ByDepartment)
	require.Equal(t, map[string]int{"2026-03-02": 3}, stats.ByDay)
	stats, err = b.svc.Stats(b.ctx, clerk("dept-b"), start(), b.now)
	require.NoError(t, err)
	require.Zero(t, stats.Created)
	_, err = b.svc.Stats(b.ctx, lead(), b.now, start())
	require.Equal(t, ticketing.CodeInvalid, ticketing.CodeOf(err))
}

// testTallies: counts by time, district and category; drafts and sealed tickets are in none.
func testTallies(t *testing.T, open Opener) {
	b := newBench(t, open)
	b.draft(lamps())
	first := b.accepted()
	b.now = b.now.Add(90 * time.Minute)
	b.accepted()
	b.accepted()
	tally := func(unit time.Duration, from, to time.Time) map[string]int {
		list, err := b.Tallies(b.ctx, from, to, unit)
		require.NoError(t, err)
		counts := map[string]int{}
		for _, x := range list {
			require.Equal(t, first.Appeal.Category, x.Category)
			require.Equal(t, first.Appeal.District, x.District)
			counts[x.At.Format("01-02 15:04")] += x.Count
		}
		return counts
	}
	day, end := start().Add(-48*time.Hour), start().Add(48*time.Hour)
	begin := first.CreatedAt.In(ticketing.Shanghai())
	midnight := time.Date(begin.Year(), begin.Month(), begin.Day(), 0, 0, 0, 0, ticketing.Shanghai())
	require.Equal(t, map[string]int{midnight.Format("01-02 15:04"): 3}, tally(24*time.Hour, day, end))
	hours := tally(time.Hour, day, end)
	require.Len(t, hours, 2)
	require.Equal(t, 1, hours[begin.Truncate(time.Hour).Format("01-02 15:04")])
	require.Equal(t, 2, hours[begin.Add(90*time.Minute).Truncate(time.Hour).Format("01-02 15:04")])
	require.Empty(t, tally(time.Hour, day, first.CreatedAt))
	require.Len(t, tally(time.Minute, first.CreatedAt, end), 2)
}

// testNumberedAfter: tickets come by number, whatever order they were begun in; drafts do not.
func testNumberedAfter(t *testing.T, open Opener) {
	b := newBench(t, open)
	late := b.draft(lamps())
	var numbers []string
	for range 3 {
		numbers = append(numbers, b.accepted().Number)
	}
	accepted, err := b.svc.Act(b.ctx, agent(), late.ID, ticketing.Command{Action: ticketing.ActAccept})
	require.NoError(t, err)
	numbers = append(numbers, accepted.Number)
	b.draft(lamps())
	after := func(number string, limit int) (got []string) {
		list, err := b.NumberedAfter(b.ctx, number, limit)
		require.NoError(t, err)
		for _, x := range list {
			got = append(got, x.Number)
		}
		return got
	}
	require.Equal(t, numbers, after("", 10))
	require.Equal(t, numbers[:2], after("", 2))
	require.Equal(t, numbers[2:], after(numbers[1], 10))
	require.Equal(t, numbers, after(numbers[0][:8], 10), "a day stands before its numbers")
	require.Empty(t, after(numbers[3], 10))
}

// testPeople: who reports again is counted once, and nobody known is nobody.
func testPeople(t *testing.T, open Opener) {
	b := newBench(t, open)
	file := func(phone string, times int) {
		for range times {
			in := lamps()
			in.Citizen = ticketing.Citizen{Phone: phone}
			b.act(agent(), b.draft(in).ID, ticketing.ActAccept, "")
		}
	}
	file("14200000001", 1)
	file("14200000002", 3)
	file("14200000003", 3)
	figures, err := b.svc.People(b.ctx, lead(), ticketing.Filter{From: start(), To: b.now.Add(time.Hour)})
	require.NoError(t, err)
	require.Equal(t, ticketing.PeopleFigures{Tickets: 7, People: 3, Sizes: map[int]int{1: 1, 3: 2}}, figures)
	figures, err = b.svc.People(b.ctx, clerk("dept-b"), ticketing.Filter{})
	require.NoError(t, err)
	require.Zero(t, figures.Tickets, "what may not be seen is in no count")
	figures, err = b.svc.People(b.ctx, lead(), ticketing.Filter{From: b.now.Add(time.Hour)})
	require.NoError(t, err)
	require.Zero(t, figures.People)
}
