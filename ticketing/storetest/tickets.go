package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/ticketing"
)

func testLife(t *testing.T, open Opener) {
	b := newBench(t, open)
	d := b.draft(lamps())
	require.Equal(t, ticketing.Draft, d.State)
	require.Empty(t, d.Number)
	require.Equal(t, "王**", d.Citizen.Name)
	require.Equal(t, "138****5678", d.Citizen.Phone)

	got := b.act(agent(), d.ID, ticketing.ActAccept, "")
	require.Equal(t, ticketing.Accepted, got.State)
	require.Equal(t, "20260302-000001", got.Number)
	require.EqualValues(t, 2, got.Version)
	b.route()
	b.now = b.now.Add(time.Minute)
	got = b.act(clerk("dept-a"), got.Number, ticketing.ActSign, "")
	require.Equal(t, ticketing.InProgress, got.State)
	require.Equal(t, "dept-a", got.Department)
	require.Len(t, got.Assignments, 1)
	require.Equal(t, b.now, got.Assignments[0].SignedAt)
	b.act(clerk("dept-a"), got.ID, ticketing.ActContact, `{"note":"已电话联系"}`)
	b.act(clerk("dept-a"), got.ID, ticketing.ActResolve, `{"answer":"已修"}`)
	got = b.act(head("dept-a"), got.ID, ticketing.ActRejectReview, `{"reason":"不完整"}`)
	require.Equal(t, ticketing.InProgress, got.State)
	require.Empty(t, got.Answer)
	b.act(clerk("dept-a"), got.ID, ticketing.ActResolve, `{"answer":"已修复并检查"}`)
	got = b.act(head("dept-a"), got.ID, ticketing.ActApproveReview, "")
	require.Equal(t, ticketing.InReview, got.State, "the centre approves it too")
	got = b.act(lead(), got.ID, ticketing.ActApproveReview, "")
	require.Equal(t, ticketing.FollowUp, got.State)
	got = b.act(lead(), got.ID, ticketing.ActFollowUp, `{"contacted":true,"solved":true,"rating":5}`)
	require.Equal(t, ticketing.Closed, got.State)
	require.Equal(t, "已修复并检查", got.Answer)

	events, err := b.svc.Timeline(b.ctx, agent(), got.ID)
	require.NoError(t, err)
	var types []string
	for i, e := range events {
		types = append(types, e.Type)
		require.EqualValues(t, i+1, e.Version)
	}
	require.Equal(t, []string{
		"created", "accepted", "dispatched", "signed", "contacted", "resolved", "review_rejected", "resolved", "review_endorsed", "review_approved", "followed_up",
	}, types)
	derived := keeper{}.Clocks(got, events)
	require.Len(t, got.Clocks, len(derived))
	for i, c := range derived {
		require.Equal(t, c, got.Clocks[i], "clocks derive again from the events")
	}
	explained, err := b.svc.Clocks(b.ctx, agent(), got.ID)
	require.NoError(t, err)
	require.Equal(t, "a hundred minutes", explained[0].Steps[0].En)
}

func testEveryField(t *testing.T, open Opener) {
	b := newBench(t, open)
	want := ticketing.Ticket{
		ID: ticketing.NewID(b.now), Number: "20260302-000077", Version: 1, State: ticketing.InProgress, Channel: ticketing.ByWeChat,
		Urgency: ticketing.Critical, Confidential: true, Line: "12315", Digit: "0",
		Appeal: ticketing.Appeal{
			Type: ticketing.Report, Title: "标题'\"\\?", Description: "多行\n文字 🙂", Category: "c", District: "d", Address: "路 1 号",
			Location: &ticketing.Point{Lon: 119.97, Lat: 31.81, Datum: "gcj02"},
		},
		Citizen:     ticketing.Citizen{Name: "欧阳", Phone: "051986601234", Anonymous: true},
		Department:  "dept-x",
		Assignments: []ticketing.Assignment{{Department: "dept-x", Lead: true, DispatchedAt: b.now, DispatchedBy: "system", Reason: "r", SignedAt: b.now, SignedBy: "u"}},
		Clocks: []ticketing.Clock{{
			Name: ticketing.ClockResolve, StartedAt: b.now, YellowAt: b.now.Add(time.Hour), RedAt: b.now.Add(2 * time.Hour),
			DueAt: b.now.Add(3 * time.Hour), Steps: []ticketing.Step{{Zh: "一", En: "one"}},
		}},
		Calls: []string{"call-1", "call-2"}, Operator: "agent1", Answer: "答复", Reopened: 3, AtDesk: true,
		CreatedAt: b.now, UpdatedAt: b.now.Add(1 * time.Millisecond), AcceptedAt: b.now.Add(2 * time.Millisecond),
		ResolvedAt: b.now.Add(3 * time.Millisecond), ClosedAt: b.now.Add(4 * time.Millisecond),
	}
	require.NoError(t, b.Commit(b.ctx, ticketing.Change{Ticket: &want}))
	for _, ref := range []string{want.ID, want.Number} {
		got, err := b.Ticket(b.ctx, ref)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	next := want
	next.Version, next.State, next.Department, next.Answer = 2, ticketing.FollowUp, "dept-y", ""
	next.Appeal.Title, next.Citizen.Phone, next.Confidential = "新标题", "13900000000", false
	require.NoError(t, b.Commit(b.ctx, ticketing.Change{Ticket: &next, PrevVersion: 1, Edited: true, Moved: true}))
	got, err := b.Ticket(b.ctx, want.ID)
	require.NoError(t, err)
	require.Equal(t, next, got)
	twin := want
	twin.Number = "20260302-000078"
	require.ErrorIs(t, b.Commit(b.ctx, ticketing.Change{Ticket: &twin}), ticketing.ErrExists)
	twin = want
	twin.ID = ticketing.NewID(b.now)
	require.ErrorIs(t, b.Commit(b.ctx, ticketing.Change{Ticket: &twin}), ticketing.ErrNumberTaken)
	_, err = b.Ticket(b.ctx, "absent")
	require.ErrorIs(t, err, ticketing.ErrAbsent)
}

func testConflict(t *testing.T, open Opener) {
	b := newBench(t, open)
	d := b.draft(lamps())
	title := "改过的标题"
	_, err := b.svc.Edit(b.ctx, agent(), d.ID, 1, ticketing.Patch{Title: &title})
	require.NoError(t, err)
	_, err = b.svc.Edit(b.ctx, agent(), d.ID, 1, ticketing.Patch{Title: &title})
	var conflict *ticketing.ConflictError
	require.ErrorAs(t, err, &conflict)
	require.EqualValues(t, 2, conflict.Current.Version)
	require.Equal(t, "王**", conflict.Current.Citizen.Name, "masked in a conflict too")

	// A stale change leaves nothing of itself behind.
	now, err := b.Ticket(b.ctx, d.ID)
	require.NoError(t, err)
	stale := now
	stale.Version = 9
	err = b.Commit(b.ctx, ticketing.Change{
		Ticket: &stale, PrevVersion: 8,
		Events: []ticketing.Event{{TicketID: d.ID, Version: 9, Type: "never", At: b.now}},
		Outbox: []ticketing.OutboxItem{{Topic: "t", Key: "never", CreatedAt: b.now}},
	})
	require.ErrorIs(t, err, ticketing.ErrStale)
	events, err := b.Events(b.ctx, d.ID)
	require.NoError(t, err)
	require.Len(t, events, 2)
	items, err := b.PendingOutbox(b.ctx, "t", 10)
	require.NoError(t, err)
	require.Empty(t, items)
}

func testManyAtOnce(t *testing.T, open Opener) {
	b := newBench(t, open)
	d := b.draft(lamps())
	const callers = 24
	var wins, conflicts int
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			title := fmt.Sprintf("标题 %d", i)
			_, err := b.svc.Edit(b.ctx, agent(), d.ID, 1, ticketing.Patch{Title: &title})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				wins++
			case errors.Is(err, ticketing.ErrConflict):
				conflicts++
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	require.Equal(t, 1, wins)
	require.Equal(t, callers-1, conflicts)
	got, err := b.Ticket(b.ctx, d.ID)
	require.NoError(t, err)
	require.EqualValues(t, 2, got.Version)
}

func testIdempotency(t *testing.T, open Opener) {
	b := newBench(t, open)
	in := lamps()
	in.Idempotency = "draft-1"
	first := b.draft(in)
	require.Equal(t, first.ID, b.draft(in).ID)
	in.Line = "12315"
	_, err := b.svc.OpenDraft(b.ctx, agent(), in)
	require.ErrorIs(t, err, ticketing.ErrIdempotencyMismatch)

	cmd := ticketing.Command{Action: ticketing.ActAccept, Version: 1, Idempotency: "accept-1"}
	const callers = 16
	numbers := make([]string, callers)
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			got, err := b.svc.Act(b.ctx, agent(), first.ID, cmd)
			if err != nil {
				t.Error(err)
			}
			numbers[i] = got.Number
		})
	}
	all.Wait()
	for _, n := range numbers {
		require.Equal(t, numbers[0], n)
	}
	got, err := b.Ticket(b.ctx, first.ID)
	require.NoError(t, err)
	require.EqualValues(t, 2, got.Version, "accepted once")
	cmd.Fields = []byte(`{"reason":"x"}`)
	cmd.Action, cmd.Version = ticketing.ActCancel, 0
	_, err = b.svc.Act(b.ctx, lead(), first.ID, cmd)
	require.NoError(t, err, "another user's key is another key")
	cmd.Action = ticketing.ActAnswer
	_, err = b.svc.Act(b.ctx, agent(), first.ID, cmd)
	require.ErrorIs(t, err, ticketing.ErrIdempotencyMismatch)

	require.NoError(t, b.PruneReceipts(b.ctx, b.now.Add(time.Hour)))
	_, err = b.Receipt(b.ctx, "user:agent1", "x")
	require.ErrorIs(t, err, ticketing.ErrAbsent)
	fresh := lamps()
	fresh.Idempotency = "draft-1"
	require.NotEqual(t, first.ID, b.draft(fresh).ID, "forgotten keys count as new")
}

func filing() ticketing.Filing {
	in := lamps()
	return ticketing.Filing{Channel: ticketing.ByWeb, Appeal: in.Appeal, Citizen: in.Citizen}
}

func testFilingReplay(t *testing.T, open Opener) {
	b := newBench(t, open)
	in := filing()
	in.Idempotency = "b3c0"
	const callers = 8
	filed := make([]ticketing.Filed, callers)
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			var err error
			if filed[i], err = b.svc.File(b.ctx, in); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	first := 0
	for _, f := range filed {
		require.Equal(t, filed[0].Ticket.Number, f.Ticket.Number)
		require.Equal(t, filed[0].QueryCode, f.QueryCode)
		if !f.Replayed {
			first++
		}
	}
	require.Equal(t, 1, first)
	p, err := b.svc.Progress(b.ctx, filed[0].Ticket.Number, filed[0].QueryCode)
	require.NoError(t, err)
	require.Equal(t, "路灯不亮", p.Title)
	_, wrongCode := b.svc.Progress(b.ctx, filed[0].Ticket.Number, "AAAAAAAA")
	_, wrongNumber := b.svc.Progress(b.ctx, "20200101-000001", filed[0].QueryCode)
	require.ErrorIs(t, wrongCode, ticketing.ErrWrongQueryCode)
	require.Equal(t, wrongCode, wrongNumber, "one answer, whichever is wrong")
	in.Appeal.Title = "另一件事"
	_, err = b.svc.File(b.ctx, in)
	require.ErrorIs(t, err, ticketing.ErrIdempotencyMismatch)
	stored, err := b.QueryCode(b.ctx, filed[0].Ticket.Number)
	require.NoError(t, err)
	require.NotContains(t, string(stored.Hash), filed[0].QueryCode)
}

func testNumbers(t *testing.T, open Opener) {
	b := newBench(t, open)
	const callers, each = 8, 25
	var mu sync.Mutex
	seen := map[string]bool{}
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			last := ""
			for range each {
				n, err := b.NextNumber(b.ctx, "20260302")
				if err != nil {
					t.Error(err)
					return
				}
				if n <= last {
					t.Errorf("%s after %s", n, last)
				}
				last = n
				mu.Lock()
				if seen[n] {
					t.Errorf("%s twice", n)
				}
				seen[n] = true
				mu.Unlock()
			}
		})
	}
	all.Wait()
	require.Len(t, seen, callers*each)
	n, err := b.NextNumber(b.ctx, "20260303")
	require.NoError(t, err)
	require.Equal(t, "20260303-000001", n)
	_, err = b.NextNumber(b.ctx, "2026")
	require.Error(t, err)
}

func testNumbersOfTwoNodes(t *testing.T, open Opener) {
	one, two := newBench(t, open), newBench(t, open)
	var mu sync.Mutex
	seen := map[string]bool{}
	var all sync.WaitGroup
	for _, b := range []*bench{one, two} {
		for range 4 {
			all.Go(func() {
				for range 5 {
					f, err := b.svc.File(b.ctx, filing())
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					if seen[f.Ticket.Number] {
						t.Errorf("%s twice", f.Ticket.Number)
					}
					seen[f.Ticket.Number] = true
					mu.Unlock()
				}
			})
		}
	}
	all.Wait()
	require.Len(t, seen, 40)
}

func testDurable(t *testing.T, open Opener) {
	b := newBench(t, open)
	got := b.accepted()
	require.NoError(t, b.Ready(b.ctx))
	require.NoError(t, b.Close())
	again := newBench(t, open)
	same, err := again.Ticket(again.ctx, got.Number)
	require.NoError(t, err)
	require.Equal(t, ticketing.Accepted, same.State)
	n, err := again.NextNumber(again.ctx, "20260302")
	require.NoError(t, err)
	require.Greater(t, n, got.Number)
	require.Error(t, b.Commit(b.ctx, ticketing.Change{Live: []ticketing.LiveEvent{{Type: "x"}}}), "closed")
}
