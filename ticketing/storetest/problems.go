package storetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/ticketing"
	"hotline/ticketing/sla"
)

// What users of such systems report, and must not find here.

func testPausesSurvive(t *testing.T, open Opener) {
	b := newTown(t, open)
	id := b.signed().ID
	b.act(clerk("dept-a"), id, ticketing.ActRequestSuspension, fmt.Sprintf(`{"until":%q,"reason":"等待供电"}`, b.now.Add(48*time.Hour).Format(time.RFC3339)))
	b.act(dispatcher(), id, ticketing.ActApproveSuspension, "")
	b.now = b.now.Add(24 * time.Hour)
	b.act(clerk("dept-a"), id, ticketing.ActResume, "")
	before := b.clock(id, ticketing.ClockResolve)
	b.act(dispatcher(), id, ticketing.ActEdit, `{"urgency":"urgent"}`)
	urgent := b.clock(id, ticketing.ClockResolve)
	require.Equal(t, before.StartedAt.Add(48*time.Hour), urgent.DueAt.UTC(), "24 hours, and the 24 that were suspended")
	b.act(dispatcher(), id, ticketing.ActEdit, `{"urgency":"normal"}`)
	require.Equal(t, before.DueAt, b.clock(id, ticketing.ClockResolve).DueAt)
}

func testClosedClocks(t *testing.T, open Opener) {
	b := newTown(t, open)
	id := b.signed().ID
	b.answered(id)
	b.act(lead(), id, ticketing.ActFollowUp, `{"contacted":true,"solved":true,"rating":5}`)
	closed, err := b.Ticket(b.ctx, id)
	require.NoError(t, err)
	explained, err := b.svc.Clocks(b.ctx, lead(), id)
	require.NoError(t, err)

	c := place()
	c.Policy = json.RawMessage(strings.ReplaceAll(string(sla.DefaultPolicyDocument()), `"5wd"`, `"9wd"`))
	require.NoError(t, b.svc.ImportCity(b.ctx, ticketing.SystemActor(), c))
	after, err := b.Ticket(b.ctx, id)
	require.NoError(t, err)
	require.Equal(t, closed, after)
	again, err := b.svc.Clocks(b.ctx, lead(), id)
	require.NoError(t, err)
	for i, clock := range again {
		require.Equal(t, explained[i].Steps, clock.Steps[len(clock.Steps)-len(explained[i].Steps):], "%s is explained by the policy of its time", clock.Name)
	}
}

func testMakeUpWorkdays(t *testing.T, open Opener) {
	b := newTown(t, open)
	b.now = at(t, "2025-09-26 16:30")
	id := b.signed().ID
	require.Equal(t, at(t, "2025-10-10 16:30").UTC(), b.clock(id, ticketing.ClockResolve).DueAt)
}

func testOneMessage(t *testing.T, open Opener) {
	b := newTown(t, open)
	filing := ticketing.Filing{
		Channel: ticketing.ByWeChat, Appeal: ticketing.Appeal{Type: ticketing.Complaint, Description: "路灯不亮"}, Citizen: ticketing.Citizen{Phone: "13812345678"},
		Idempotency: "wechat-message-0000001",
	}
	numbers := make([]string, 8)
	var wg sync.WaitGroup
	for i := range numbers {
		wg.Go(func() {
			filed, err := b.svc.File(b.ctx, filing)
			if err == nil {
				numbers[i] = filed.Ticket.Number
			}
		})
	}
	wg.Wait()
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(numbers))), 1, "%v", numbers)
	page, err := b.svc.Tickets(b.ctx, lead(), ticketing.Filter{})
	require.NoError(t, err)
	require.Equal(t, 1, page.Total)
	accept := b.clock(page.Items[0].ID, ticketing.ClockAccept)
	require.True(t, accept.Running(), "an online draft is to be accepted in time")
}

func testMergedQuiet(t *testing.T, open Opener) {
	b := newTown(t, open)
	main := b.signed()
	b.now = b.now.Add(time.Minute)
	repeat := b.signed()
	b.act(dispatcher(), repeat.ID, ticketing.ActMerge, `{"ticket":"`+main.Number+`","reason":"同一盏灯"}`)
	b.now = b.now.Add(30 * 24 * time.Hour)
	_, err := b.svc.FireDeadlines(b.ctx, b.now, 1000)
	require.NoError(t, err)
	all := []string{"department:dept-a", "role:supervisor", "role:dispatcher"}
	require.Contains(t, b.told(main.ID, all...), "deadline.overdue resolve")
	for _, kind := range b.told(repeat.ID, all...) {
		require.NotContains(t, kind, "deadline", "the main ticket warns")
	}
	kept := b.clock(repeat.ID, ticketing.ClockResolve)
	require.True(t, kept.Running(), "the citizen keeps the own clock")
	page, err := b.svc.Tickets(b.ctx, lead(), ticketing.Filter{Overdue: true})
	require.NoError(t, err)
	require.Equal(t, 1, page.Total)
}

func testRepeatAnswered(t *testing.T, open Opener) {
	b := newTown(t, open)
	main := b.signed()
	b.now = b.now.Add(time.Minute)
	repeat, other := b.signed(), b.signed()
	merge := `{"ticket":"` + main.Number + `","reason":"同一盏灯"}`
	b.refuse(dispatcher(), main.ID, ticketing.ActMerge, `{"ticket":"`+repeat.Number+`","reason":"x"}`, "is due later")
	b.refuse(dispatcher(), main.ID, ticketing.ActMerge, merge, "the ticket itself")
	b.act(dispatcher(), repeat.ID, ticketing.ActMerge, merge)
	b.act(dispatcher(), other.ID, ticketing.ActMerge, merge)
	b.now = b.now.Add(time.Hour)
	b.act(clerk("dept-a"), main.ID, ticketing.ActResolve, `{"answer":"已修"}`)
	resolved := b.now
	b.now = b.now.Add(time.Hour)
	b.act(head("dept-a"), main.ID, ticketing.ActApproveReview, "")
	b.act(lead(), main.ID, ticketing.ActApproveReview, "")
	b.live()
	for _, id := range []string{repeat.ID, other.ID} {
		got, err := b.Ticket(b.ctx, id)
		require.NoError(t, err)
		require.Equal(t, ticketing.FollowUp, got.State, "each has a follow-up of its own")
		require.Equal(t, "已修", got.Answer)
		require.Equal(t, resolved, b.clock(id, ticketing.ClockResolve).StoppedAt, "resolved when the main ticket was")
		require.True(t, b.clock(id, ticketing.ClockFollowUp).Running())
	}

	main = b.signed()
	b.now = b.now.Add(time.Minute)
	repeat = b.signed()
	b.act(dispatcher(), repeat.ID, ticketing.ActMerge, `{"ticket":"`+main.Number+`","reason":"同一盏灯"}`)
	b.act(agent(), main.ID, ticketing.ActRequestWithdrawal, `{"reason":"误报"}`)
	b.act(lead(), main.ID, ticketing.ActApproveWithdrawal, "")
	b.live()
	got, err := b.Ticket(b.ctx, repeat.ID)
	require.NoError(t, err)
	require.Equal(t, ticketing.Accepted, got.State, "the repeat does not end with the main ticket")
	require.True(t, got.AtDesk)
}

func testConfidential(t *testing.T, open Opener) {
	b := newTown(t, open)
	in := lamps()
	in.Confidential = true
	in.Appeal.Title, in.Appeal.Description = "王建国反映路灯", "我是王建国，电话 138-1234-5678"
	in.Citizen.Proxy = &ticketing.Proxy{Name: "李秀英", Phone: "13912345678", Relation: "子女"}
	id := b.act(agent(), b.draft(in).ID, ticketing.ActAccept, "").ID
	b.route()
	b.act(clerk("dept-a"), id, ticketing.ActSign, "")
	b.act(dispatcher(), id, ticketing.ActCoHandle, `{"department":"dept-b","reason":"王建国说也归乙局"}`)
	b.act(lead(), id, ticketing.ActUrge, `{"reason":"王建国又来电，李秀英也催"}`)
	for _, who := range []ticketing.Actor{clerk("dept-a"), head("dept-a"), clerk("dept-b")} {
		seen, err := b.svc.Ticket(b.ctx, who, id)
		require.NoError(t, err)
		events, err := b.svc.Timeline(b.ctx, who, id)
		require.NoError(t, err)
		page, err := b.svc.Tickets(b.ctx, who, ticketing.Filter{})
		require.NoError(t, err)
		records, err := b.svc.Records(b.ctx, who, ticketing.RecordFilter{})
		require.NoError(t, err)
		notes, err := b.svc.Notifications(b.ctx, who)
		require.NoError(t, err)
		require.NotEmpty(t, records.Items)
		everything, err := json.Marshal([]any{seen, events, page, records, notes})
		require.NoError(t, err)
		for _, secret := range []string{"王建国", "李秀英", "13812345678", "138-1234-5678", "13912345678", "138****5678"} {
			require.NotContains(t, string(everything), secret, "%s sees it", who.UserID)
		}
		_, err = b.svc.Reveal(b.ctx, who, id, "想看")
		require.ErrorContains(t, err, "confidentiality")
	}
	stored, err := b.Ticket(b.ctx, id)
	require.NoError(t, err)
	indexed, err := json.Marshal(stored.WithoutPerson())
	require.NoError(t, err)
	for _, secret := range []string{"王建国", "李秀英", "13812345678", "138-1234-5678", "13912345678"} {
		require.NotContains(t, string(indexed), secret, "nor is it put into an index")
	}
}

func testReturns(t *testing.T, open Opener) {
	b := newTown(t, open)
	id := b.signed().ID
	due := b.clock(id, ticketing.ClockResolve)
	b.now = b.now.Add(time.Hour)
	b.act(clerk("dept-a"), id, ticketing.ActRequestReturn, `{"reason":"不属本局","basis":"三定方案","proposed":"dept-b"}`)
	b.act(dispatcher(), id, ticketing.ActApproveReturn, "")
	require.Equal(t, due, b.clock(id, ticketing.ClockResolve), "it runs on as it ran")
	b.refuse(dispatcher(), id, ticketing.ActDispatch, `{"department":"dept-a"}`, "returned this ticket")
	b.now = b.now.Add(time.Hour)
	b.act(dispatcher(), id, ticketing.ActDispatch, `{"department":"dept-b","reason":"改派"}`)
	require.Equal(t, due, b.clock(id, ticketing.ClockResolve))
	b.now = b.now.Add(5 * 24 * time.Hour)
	b.refuse(clerk("dept-b"), id, ticketing.ActRequestReturn, `{"reason":"x","basis":"y"}`, "the time for a return has passed")
	left, err := b.svc.Ticket(b.ctx, clerk("dept-a"), id)
	require.ErrorIs(t, err, ticketing.ErrNotFound, "%s", left.ID)
	page, err := b.Tickets(b.ctx, ticketing.Query{Filter: ticketing.Filter{Sort: ticketing.SortNewest, Limit: 10}, ScopeOn: true, Scope: []string{"dept-a"}, Now: b.now})
	require.NoError(t, err)
	require.Empty(t, page.Items, "it is gone from the lists of who returned it")
}

func testRelabelling(t *testing.T, open Opener) {
	b := newTown(t, open)
	id := b.signed().ID
	before := b.clock(id, ticketing.ClockResolve)
	b.refuse(dispatcher(), id, ticketing.ActEdit, `{"type":"inquiry"}`, "reason")
	require.Equal(t, before, b.clock(id, ticketing.ClockResolve))
	b.act(dispatcher(), id, ticketing.ActEdit, `{"type":"inquiry","reason":"市民只是询问"}`)
	require.Contains(t, b.told(id, "role:supervisor"), "relabelled ")
	records, err := b.svc.Records(b.ctx, supervisor(), ticketing.RecordFilter{Kinds: []ticketing.RecordKind{ticketing.RecordRelabelling}})
	require.NoError(t, err)
	require.Len(t, records.Items, 1)
	require.Equal(t, ticketing.Complaint, records.Items[0].Record.From)
	require.Equal(t, "市民只是询问", records.Items[0].Record.Reason)
	b.act(dispatcher(), id, ticketing.ActEdit, `{"type":"complaint"}`)
	require.Equal(t, before.DueAt, b.clock(id, ticketing.ClockResolve).DueAt, "back to what it was")
}

func testContact(t *testing.T, open Opener) {
	b := newTown(t, open)
	id := b.signed().ID
	b.refuse(clerk("dept-a"), id, ticketing.ActContact, `{"call_id":"call-1"}`, "not a call of this ticket")
	b.act(clerk("dept-a"), id, ticketing.ActContact, `{"note":"已联系"}`)
	require.NoError(t, b.svc.LinkCall(b.ctx, clerk("dept-a"), id, "call-1"))
	b.act(clerk("dept-a"), id, ticketing.ActContact, `{"call_id":"call-1"}`)
	events, err := b.svc.Timeline(b.ctx, lead(), id)
	require.NoError(t, err)
	var proven []bool
	for _, e := range events {
		if e.Type == ticketing.EventContacted {
			proven = append(proven, *e.Decode().ByCall)
		}
	}
	require.Equal(t, []bool{false, true}, proven)
}

func testAskedForHelp(t *testing.T, open Opener) {
	b := newTown(t, open)
	for _, decided := range []func(id string){
		func(id string) { b.act(clerk("dept-a"), id, ticketing.ActWithdrawRequest, "") },
		func(string) {}, // it ends with the return
	} {
		id := b.signed().ID
		b.act(clerk("dept-a"), id, ticketing.ActRequestCoHandling, `{"department":"dept-b","reason":"涉水"}`)
		decided(id)
		b.act(clerk("dept-a"), id, ticketing.ActRequestReturn, `{"reason":"不属本局","basis":"三定方案"}`)
		b.act(dispatcher(), id, ticketing.ActApproveReturn, "")
		for _, unit := range []string{"dept-a", "dept-b"} {
			_, err := b.svc.Ticket(b.ctx, clerk(unit), id)
			require.ErrorIs(t, err, ticketing.ErrNotFound, "%s neither has it nor assists", unit)
			page, err := b.svc.Tickets(b.ctx, clerk(unit), ticketing.Filter{})
			require.NoError(t, err)
			require.Empty(t, page.Items, unit)
		}
	}
}
