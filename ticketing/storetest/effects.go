package storetest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/ticketing"
)

func testRouting(t *testing.T, open Opener) {
	b := newBench(t, open)
	d := b.accepted()
	items, err := b.PendingOutbox(b.ctx, ticketing.TopicRoute, 10)
	require.NoError(t, err)
	require.Len(t, items, 1)
	require.Equal(t, d.ID+":0", items[0].Key)

	// However many workers get the row, the ticket is dispatched once.
	var all sync.WaitGroup
	for range 12 {
		all.Go(func() {
			if err := b.svc.RouteTicket(b.ctx, items[0]); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	got, err := b.Ticket(b.ctx, d.ID)
	require.NoError(t, err)
	require.Equal(t, ticketing.Dispatched, got.State)
	require.Len(t, got.Assignments, 1)
	require.EqualValues(t, 3, got.Version)
	backlog, err := b.OutboxBacklog(b.ctx)
	require.NoError(t, err)
	require.Zero(t, backlog[ticketing.TopicRoute])
	require.Equal(t, 2, backlog[ticketing.TopicIndex], "versions 2 and 3")
	require.Equal(t, 1, backlog[ticketing.TopicNotify])

	other := lamps()
	other.Appeal.Category = "unknown"
	o := b.act(agent(), b.draft(other).ID, ticketing.ActAccept, "")
	b.route()
	got, err = b.Ticket(b.ctx, o.ID)
	require.NoError(t, err)
	require.Equal(t, ticketing.Accepted, got.State)
	require.True(t, got.AtDesk)
	b.route()
	page, err := b.svc.Tickets(b.ctx, lead(), ticketing.Filter{AtDesk: true})
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
	got = b.act(lead(), o.ID, ticketing.ActDispatch, `{"department":"dept-b","reason":"人工"}`)
	require.False(t, got.AtDesk)
	require.Equal(t, "dept-b", got.Department)

	// A person was faster than the worker: the row is settled without effect.
	c := b.accepted()
	items, err = b.PendingOutbox(b.ctx, ticketing.TopicRoute, 10)
	require.NoError(t, err)
	require.Len(t, items, 1)
	b.act(lead(), c.ID, ticketing.ActDispatch, `{"department":"dept-c"}`)
	require.NoError(t, b.svc.RouteTicket(b.ctx, items[0]))
	got, err = b.Ticket(b.ctx, c.ID)
	require.NoError(t, err)
	require.Equal(t, "dept-c", got.Department)
	require.Error(t, b.svc.RouteTicket(b.ctx, ticketing.OutboxItem{Topic: ticketing.TopicRoute, Key: "nonsense"}))
}

func testOutbox(t *testing.T, open Opener) {
	b := newBench(t, open)
	var owed []ticketing.OutboxItem
	for i := range 5 {
		owed = append(owed, ticketing.OutboxItem{Topic: "x", Key: fmt.Sprint(i), CreatedAt: b.now})
	}
	require.NoError(t, b.Commit(b.ctx, ticketing.Change{Outbox: owed}))
	require.NoError(t, b.Commit(b.ctx, ticketing.Change{Outbox: owed[:2]}), "a key that is there stays as it is")
	pending, err := b.PendingOutbox(b.ctx, "x", 3)
	require.NoError(t, err)
	require.Len(t, pending, 3)
	require.Equal(t, "0", pending[0].Key)
	require.Equal(t, b.now, pending[0].CreatedAt)

	require.NoError(t, b.MarkEnqueued(b.ctx, pending, b.now))
	left, err := b.PendingOutbox(b.ctx, "x", 10)
	require.NoError(t, err)
	require.Len(t, left, 2)
	stale, err := b.StaleOutbox(b.ctx, "x", b.now, 10)
	require.NoError(t, err)
	require.Empty(t, stale, "queued at that moment is not before it")
	stale, err = b.StaleOutbox(b.ctx, "x", b.now.Add(time.Millisecond), 10)
	require.NoError(t, err)
	require.Equal(t, pending, stale)

	require.NoError(t, b.ReopenOutbox(b.ctx, stale[:1]))
	require.NoError(t, b.ReopenOutbox(b.ctx, stale[:1]), "of a generation that is past: nothing")
	left, err = b.PendingOutbox(b.ctx, "x", 10)
	require.NoError(t, err)
	require.Len(t, left, 3)
	require.Equal(t, 1, left[0].Gen)
	require.NoError(t, b.MarkEnqueued(b.ctx, pending[:1], b.now), "of a generation that is past: nothing")
	again, err := b.PendingOutbox(b.ctx, "x", 10)
	require.NoError(t, err)
	require.Equal(t, left, again)

	require.NoError(t, b.FinishOutbox(b.ctx, left[0]))
	require.NoError(t, b.FinishOutbox(b.ctx, left[0]))
	require.NoError(t, b.FinishOutboxItems(b.ctx, stale))
	require.ErrorIs(t, b.Commit(b.ctx, ticketing.Change{Finish: &stale[0]}), ticketing.ErrFinished)
	require.NoError(t, b.ReopenOutbox(b.ctx, stale), "done rows stay done")
	backlog, err := b.OutboxBacklog(b.ctx)
	require.NoError(t, err)
	require.Equal(t, map[string]int{"x": 2}, backlog)
	oldest, err := b.OldestOwed(b.ctx)
	require.NoError(t, err)
	require.Len(t, oldest, 1, "only what is owed")
	require.WithinDuration(t, b.now, oldest["x"], time.Hour)
	require.NoError(t, b.PruneOutbox(b.ctx, time.Now().Add(time.Hour)))
	backlog, err = b.OutboxBacklog(b.ctx)
	require.NoError(t, err)
	require.Equal(t, map[string]int{"x": 2}, backlog, "what is owed is never pruned")
}

// fired counts the deadline events of each ticket, clock and level.
func (b *bench) fired(ids ...string) map[string]int {
	b.t.Helper()
	counts := map[string]int{}
	for _, id := range ids {
		events, err := b.Events(b.ctx, id)
		require.NoError(b.t, err)
		for _, e := range events {
			if e.Type == ticketing.EventDeadline {
				d := e.Decode()
				counts[id+" "+string(d.Clock)+" "+string(d.Level)]++
			}
		}
	}
	return counts
}

func testDeadlinesOnce(t *testing.T, open Opener) {
	one, two := newBench(t, open), newBench(t, open)
	const tickets = 30
	var ids []string
	for range tickets {
		ids = append(ids, one.accepted().ID)
	}
	next, ok, err := one.svc.NextDeadline(one.ctx)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, one.now.Add(limit/2), next)
	n, err := one.svc.FireDeadlines(one.ctx, next.Add(-time.Millisecond), 100)
	require.NoError(t, err)
	require.Zero(t, n)

	later := one.now.Add(limit)
	one.now, two.now = later, later
	var total atomic.Int64
	var all sync.WaitGroup
	for i := range 6 {
		b := []*bench{one, two}[i%2]
		all.Go(func() {
			for {
				n, err := b.svc.FireDeadlines(b.ctx, later, 7)
				if err != nil {
					t.Error(err)
					return
				}
				total.Add(int64(n))
				_, left, err := b.svc.NextDeadline(b.ctx)
				if err != nil || !left {
					return
				}
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 3*tickets, total.Load())
	counts := one.fired(ids...)
	require.Len(t, counts, 3*tickets)
	for what, n := range counts {
		require.Equal(t, 1, n, what)
	}
	backlog, err := one.OutboxBacklog(one.ctx)
	require.NoError(t, err)
	require.Equal(t, 5*tickets, backlog[ticketing.TopicNotify], "yellow to the dispatchers, red and overdue to the supervisors too")
	page, err := one.svc.Tickets(one.ctx, lead(), ticketing.Filter{Overdue: true})
	require.NoError(t, err)
	require.Equal(t, tickets, page.Total)
}

func testDeadlinesReplaced(t *testing.T, open Opener) {
	b := newBench(t, open)
	d := b.accepted()
	b.now = b.now.Add(limit / 2)
	n, err := b.svc.FireDeadlines(b.ctx, b.now, 100)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	b.route() // the dispatch clock stops half-way: red and overdue are off; sign and resolve begin
	list, err := b.Deadlines(b.ctx, d.ID)
	require.NoError(t, err)
	require.Len(t, list, 1+3+3)
	b.now = b.now.Add(limit)
	n, err = b.svc.FireDeadlines(b.ctx, b.now, 100)
	require.NoError(t, err)
	require.Equal(t, 6, n)
	require.Equal(t, map[string]int{
		d.ID + " dispatch yellow": 1,
		d.ID + " sign yellow":     1, d.ID + " sign red": 1, d.ID + " sign overdue": 1,
		d.ID + " resolve yellow": 1, d.ID + " resolve red": 1, d.ID + " resolve overdue": 1,
	}, b.fired(d.ID))
	list, err = b.Deadlines(b.ctx, d.ID)
	require.NoError(t, err)
	for _, v := range list {
		require.False(t, v.FiredAt.IsZero())
	}
	_, ok, err := b.svc.NextDeadline(b.ctx)
	require.NoError(t, err)
	require.False(t, ok)

	// A cancelled ticket warns nobody.
	c := b.accepted()
	b.act(lead(), c.ID, ticketing.ActCancel, `{"reason":"误报"}`)
	n, err = b.svc.FireDeadlines(b.ctx, b.now.Add(10*limit), 100)
	require.NoError(t, err)
	require.Zero(t, n)

	// A deadline that is put again moves while it has not fired, and never fires twice.
	put := ticketing.Deadline{TicketID: d.ID, Clock: "x", Level: ticketing.Red, Run: start(), DueAt: b.now.Add(time.Hour)}
	require.NoError(t, b.Commit(b.ctx, ticketing.Change{Deadlines: []ticketing.Deadline{put}}))
	put.DueAt = b.now
	require.NoError(t, b.Commit(b.ctx, ticketing.Change{Deadlines: []ticketing.Deadline{put}}))
	for _, want := range []int{1, 0} {
		n, err = b.svc.FireDeadlines(b.ctx, b.now, 100)
		require.NoError(t, err)
		require.Equal(t, want, n)
		require.NoError(t, b.Commit(b.ctx, ticketing.Change{Deadlines: []ticketing.Deadline{put}}))
	}
}

func testLive(t *testing.T, open Opener) {
	b := newBench(t, open)
	last, err := b.LastLiveEvent(b.ctx)
	require.NoError(t, err)
	require.Zero(t, last)
	in := lamps()
	in.CallID, in.ForUser = "call-1", "agent1"
	d := b.draft(in)
	require.NoError(t, b.svc.OfferDraft(b.ctx, ticketing.SystemActor(), d.ID, "call-1", "agent2"))
	b.act(agent(), d.ID, ticketing.ActAccept, "")
	b.route()
	require.NoError(t, b.PublishLive(b.ctx, ticketing.LiveEvent{Type: "seat.changed", Subject: "8001", Audience: "staff", Data: []byte(`{"a":1}`), At: b.now}))
	events, err := b.LiveEvents(b.ctx, 0, 100)
	require.NoError(t, err)
	var got []string
	for i, e := range events {
		got = append(got, e.Type+" "+e.Audience)
		if i > 0 {
			require.Greater(t, e.ID, events[i-1].ID)
		}
		require.NotContains(t, string(e.Data), "1381234")
	}
	require.Equal(t, []string{
		"ticket.created staff", "call.offered user:agent1", "call.offered user:agent2", "ticket.changed staff",
		"ticket.changed staff", "ticket.changed department:dept-a", "notification.created department:dept-a", "seat.changed staff",
	}, got)
	require.JSONEq(t, `{"ticket":"`+d.ID+`","call":"call-1"}`, string(events[1].Data))
	require.JSONEq(t, `{"a":1}`, string(events[7].Data))
	last, err = b.LastLiveEvent(b.ctx)
	require.NoError(t, err)
	require.Equal(t, events[7].ID, last)
	rest, err := b.LiveEvents(b.ctx, events[4].ID, 2)
	require.NoError(t, err)
	require.Equal(t, events[5:7], rest)
	require.NoError(t, b.PruneLiveEvents(b.ctx, b.now.Add(time.Hour)))
	require.NoError(t, b.PublishLive(b.ctx, ticketing.LiveEvent{Type: "after", Audience: "staff"}))
	rest, err = b.LiveEvents(b.ctx, last, 10)
	require.NoError(t, err)
	require.Len(t, rest, 1, "ids go on after pruning")
}

// testLiveOrder: a reader that remembers the last id misses nothing, although
// transactions commit in another order than they began.
func testLiveOrder(t *testing.T, open Opener) {
	b := newBench(t, open)
	const writers, each = 8, 30
	var all sync.WaitGroup
	var running atomic.Int64
	running.Store(writers)
	for w := range writers {
		all.Go(func() {
			defer running.Add(-1)
			for i := range each {
				if err := b.PublishLive(b.ctx, ticketing.LiveEvent{Type: "x", Subject: fmt.Sprintf("%d-%d", w, i), Audience: "staff"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	seen := map[string]bool{}
	var after int64
	for {
		over := running.Load() == 0
		events, err := b.LiveEvents(b.ctx, after, 17)
		require.NoError(t, err)
		for _, e := range events {
			require.Greater(t, e.ID, after)
			after = e.ID
			seen[e.Subject] = true
		}
		if over && len(events) == 0 {
			break
		}
	}
	all.Wait()
	require.Len(t, seen, writers*each)
}

func await(t *testing.T, wake <-chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	select {
	case <-wake:
	case <-ctx.Done():
		t.Fatal("not woken")
	}
}

func testWake(t *testing.T, open Opener) {
	b := newBench(t, open)
	route, stopRoute := b.Subscribe(ticketing.TopicRoute)
	live, stopLive := b.Subscribe("live")
	defer stopLive()
	b.accepted()
	await(t, route)
	items, err := b.PendingOutbox(b.ctx, ticketing.TopicRoute, 1)
	require.NoError(t, err)
	require.Len(t, items, 1, "woken after the commit")
	await(t, live)
	require.NoError(t, b.ReopenOutbox(b.ctx, items))
	await(t, route)
	stopRoute()
}

func testWakeOther(t *testing.T, open Opener) {
	one, two := newBench(t, open), newBench(t, open)
	if !one.Shared() {
		return // nodes do not share this engine
	}
	wake, stop := two.Subscribe("other-node")
	defer stop()
	// Until its connection listens a node may miss a wake-up; then it is told at once.
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			err := one.Commit(one.ctx, ticketing.Change{Outbox: []ticketing.OutboxItem{{Topic: "other-node", Key: fmt.Sprint(i), CreatedAt: one.now}}})
			if err != nil {
				return
			}
			select {
			case <-wake:
				return
			case <-one.ctx.Done():
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	await(t, done)
}
