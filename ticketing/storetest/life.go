package storetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/ticketing"
)

func testSuspensionEnds(t *testing.T, open Opener) {
	b := newTown(t, open)
	id := b.signed().ID
	until := b.now.Add(48 * time.Hour)
	b.act(clerk("dept-a"), id, ticketing.ActRequestSuspension, fmt.Sprintf(`{"until":%q,"reason":"等待供电"}`, until.Format(time.RFC3339)))
	b.act(dispatcher(), id, ticketing.ActApproveSuspension, "")
	due := b.clock(id, ticketing.ClockResolve).DueAt
	b.now = until.Add(time.Second)
	_, err := b.svc.FireDeadlines(b.ctx, b.now, 1000)
	require.NoError(t, err)
	b.live()
	got, err := b.Ticket(b.ctx, id)
	require.NoError(t, err)
	require.Equal(t, ticketing.InProgress, got.State)
	require.Equal(t, due, b.clock(id, ticketing.ClockResolve).DueAt, "a worker that comes late costs nobody time")
	events, err := b.Events(b.ctx, id)
	require.NoError(t, err)
	require.Equal(t, 1, count(events, ticketing.EventResumed))
}

func count(events []ticketing.Event, typ string) int {
	n := 0
	for _, e := range events {
		if e.Type == typ {
			n++
		}
	}
	return n
}

func testRulings(t *testing.T, open Opener) {
	b := newTown(t, open)
	disputed := b.signed()
	b.act(dispatcher(), disputed.ID, ticketing.ActOpenDispute, `{"departments":["dept-a","dept-b"],"reason":"互推"}`)
	b.act(clerk("dept-b"), disputed.ID, ticketing.ActStateCase, `{"answer":"属甲局"}`)
	b.act(supervisor(), disputed.ID, ticketing.ActRule, `{"department":"dept-b","reason":"以乙局为主","basis":"条例第三条","amend":true}`)
	b.live()
	city, err := b.svc.City(b.ctx)
	require.NoError(t, err)
	require.Equal(t, 2, city.Catalogue.Version)
	require.Len(t, city.Catalogue.Rulings, 1)
	require.Equal(t, disputed.Number, city.Catalogue.Rulings[0].ID)
	later := b.accepted()
	b.route()
	got, err := b.Ticket(b.ctx, later.ID)
	require.NoError(t, err)
	require.Equal(t, "dept-b", got.Department)
	require.Contains(t, got.Assignments[0].Reason, "裁定 "+disputed.Number)
	require.NoError(t, b.svc.ImportCity(b.ctx, ticketing.SystemActor(), place()))
	city, err = b.svc.City(b.ctx)
	require.NoError(t, err)
	require.Len(t, city.Catalogue.Rulings, 1, "a city file that knows of none does not take it back")
}

func testArchive(t *testing.T, open Opener) {
	b := newTown(t, open)
	closed := func(rating int) string {
		id := b.signed().ID
		b.answered(id)
		b.act(lead(), id, ticketing.ActFollowUp, fmt.Sprintf(`{"contacted":true,"solved":true,"rating":%d}`, rating))
		return id
	}
	good, bad := closed(5), closed(1)
	b.now = b.now.Add(29 * 24 * time.Hour)
	n, err := b.svc.ArchiveClosed(b.ctx, 100)
	require.NoError(t, err)
	require.Zero(t, n)
	b.now = b.now.Add(25 * time.Hour)
	n, err = b.svc.ArchiveClosed(b.ctx, 100)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	for id, want := range map[string]ticketing.State{good: ticketing.Archived, bad: ticketing.Closed} {
		got, err := b.Ticket(b.ctx, id)
		require.NoError(t, err)
		require.Equal(t, want, got.State, "what is still to be rectified stays")
	}
	b.act(clerk("dept-a"), bad, ticketing.ActRectify, `{"answer":"已整改"}`)
	n, err = b.svc.ArchiveClosed(b.ctx, 100)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	b.refuse(lead(), good, ticketing.ActReopen, `{"reason":"x"}`, "not open")
}

func testLeastLoaded(t *testing.T, open Opener) {
	b := newTown(t, open)
	for _, id := range []string{"u1", "u2"} {
		require.NoError(t, b.SaveUser(b.ctx, ticketing.User{
			ID: id, Login: id, Name: id, Roles: []ticketing.Role{ticketing.RoleClerk}, Department: "dept-a", PasswordHash: "x", CreatedAt: b.now,
		}, ticketing.Change{}))
	}
	require.NoError(t, b.SaveUser(b.ctx, ticketing.User{ID: "h", Login: "h", Name: "h", Roles: []ticketing.Role{ticketing.RoleHead}, Department: "dept-a", PasswordHash: "x", CreatedAt: b.now}, ticketing.Change{}))
	var handlers []string
	for range 4 {
		id := b.accepted().ID
		b.route()
		got, err := b.Ticket(b.ctx, id)
		require.NoError(t, err)
		handlers = append(handlers, got.Handler)
	}
	slices.Sort(handlers)
	require.Equal(t, []string{"u1", "u1", "u2", "u2"}, handlers)
	page, err := b.svc.Tickets(b.ctx, lead(), ticketing.Filter{Handler: "u1"})
	require.NoError(t, err)
	require.Equal(t, 2, page.Total)
}

func testRecords(t *testing.T, open Opener) {
	b := newTown(t, open)
	var ids []string
	for range 5 {
		b.now = b.now.Add(time.Second)
		id := b.signed().ID
		b.act(clerk("dept-a"), id, ticketing.ActRequestExtension, `{"days":2,"reason":"采购"}`)
		ids = append(ids, id)
	}
	b.act(dispatcher(), ids[0], ticketing.ActApproveExtension, "")
	waiting := ticketing.RecordFilter{Kinds: []ticketing.RecordKind{ticketing.RecordExtension}, States: []ticketing.RecordState{ticketing.RecordRequested}, Limit: 3}
	first, err := b.svc.Records(b.ctx, dispatcher(), waiting)
	require.NoError(t, err)
	waiting.Cursor = first.NextCursor
	second, err := b.svc.Records(b.ctx, dispatcher(), waiting)
	require.NoError(t, err)
	require.Empty(t, second.NextCursor)
	var got []string
	for _, item := range append(first.Items, second.Items...) {
		got = append(got, item.Ticket.ID)
		require.Equal(t, 2, item.Record.Days)
	}
	require.Equal(t, ids[1:], got, "the oldest first")
	for who, want := range map[string]int{"dept-a": 5, "dept-b": 0} {
		page, err := b.svc.Records(b.ctx, clerk(who), ticketing.RecordFilter{})
		require.NoError(t, err)
		require.Len(t, page.Items, want, who)
	}
	_, err = b.svc.Records(b.ctx, dispatcher(), ticketing.RecordFilter{Cursor: "nonsense"})
	require.Equal(t, ticketing.CodeInvalid, ticketing.CodeOf(err))
}

func testLeases(t *testing.T, open Opener) {
	b := newTown(t, open)
	id := b.accepted().ID
	mine, err := b.svc.TakeLease(b.ctx, dispatcher(), id)
	require.NoError(t, err)
	require.Equal(t, "dispatcher1", mine.UserID)
	theirs, err := b.svc.TakeLease(b.ctx, lead(), id)
	require.NoError(t, err)
	require.Equal(t, "dispatcher1", theirs.UserID, "somebody was first")
	require.NoError(t, b.svc.EndLease(b.ctx, lead(), id), "another's stays")
	b.now = b.now.Add(3 * time.Minute)
	none, err := b.svc.LeaseOf(b.ctx, lead(), id)
	require.NoError(t, err)
	require.Empty(t, none.UserID, "it runs out")
	theirs, err = b.svc.TakeLease(b.ctx, lead(), id)
	require.NoError(t, err)
	require.Equal(t, lead().UserID, theirs.UserID)
	require.NoError(t, b.svc.EndLease(b.ctx, lead(), id))
	none, err = b.svc.LeaseOf(b.ctx, dispatcher(), id)
	require.NoError(t, err)
	require.Empty(t, none.UserID)
	_, err = b.svc.TakeLease(b.ctx, clerk("dept-b"), id)
	require.ErrorIs(t, err, ticketing.ErrNotFound)
}

func testFormDrafts(t *testing.T, open Opener) {
	b := newTown(t, open)
	save := func(seq int64, body string) ticketing.FormDraft {
		d, err := b.svc.SaveFormDraft(b.ctx, agent(), ticketing.FormDraft{Key: "ticket:1:resolve", Seq: seq, Body: json.RawMessage(body)})
		require.NoError(t, err)
		return d
	}
	save(2, `{"a":"二"}`)
	require.JSONEq(t, `{"a":"二"}`, string(save(1, `{"a":"一"}`).Body), "what comes late never replaces what is newer")
	require.JSONEq(t, `{"a":"三"}`, string(save(3, `{"a":"三"}`).Body))
	_, err := b.svc.FormDraft(b.ctx, lead(), "ticket:1:resolve")
	require.Equal(t, ticketing.CodeNotFound, ticketing.CodeOf(err), "each has the own")
	list, err := b.svc.FormDrafts(b.ctx, agent())
	require.NoError(t, err)
	require.Len(t, list, 1)
	_, err = b.svc.SaveFormDraft(b.ctx, agent(), ticketing.FormDraft{Key: "k", Seq: 1, Body: make([]byte, 65<<10)})
	require.Equal(t, ticketing.CodeInvalid, ticketing.CodeOf(err))
	require.NoError(t, b.svc.DropFormDraft(b.ctx, agent(), "ticket:1:resolve"))
	list, err = b.svc.FormDrafts(b.ctx, agent())
	require.NoError(t, err)
	require.Empty(t, list)
}

func testTemplates(t *testing.T, open Opener) {
	b := newTown(t, open)
	made, err := b.svc.SaveTemplate(b.ctx, head("dept-a"), ticketing.Template{Action: ticketing.ActResolve, Name: "路灯", Body: "已修复", Department: "dept-a"})
	require.NoError(t, err)
	_, err = b.svc.SaveTemplate(b.ctx, clerk("dept-a"), ticketing.Template{Action: ticketing.ActResolve, Name: "x", Body: "y", Department: "dept-a"})
	require.ErrorIs(t, err, ticketing.ErrForbidden)
	_, err = b.svc.SaveTemplate(b.ctx, lead(), ticketing.Template{Action: ticketing.ActAnswer, Name: "中心", Body: "您好"})
	require.NoError(t, err)
	own, err := b.svc.Templates(b.ctx, clerk("dept-a"))
	require.NoError(t, err)
	require.Len(t, own, 2)
	others, err := b.svc.Templates(b.ctx, clerk("dept-b"))
	require.NoError(t, err)
	require.Len(t, others, 1)
	made.Body = "已修复,感谢"
	next, err := b.svc.SaveTemplate(b.ctx, head("dept-a"), made)
	require.NoError(t, err)
	require.EqualValues(t, 2, next.Version)
	_, err = b.svc.SaveTemplate(b.ctx, head("dept-a"), made)
	require.Equal(t, ticketing.CodeConflict, ticketing.CodeOf(err), "somebody else changed it")
	require.ErrorIs(t, b.svc.DropTemplate(b.ctx, head("dept-b"), made.ID), ticketing.ErrForbidden)
	require.NoError(t, b.svc.DropTemplate(b.ctx, head("dept-a"), made.ID))
}

func testTry(t *testing.T, open Opener) {
	b := newTown(t, open)
	d := b.draft(lamps())
	would, err := b.svc.Try(b.ctx, agent(), d.ID, ticketing.Command{Action: ticketing.ActAccept})
	require.NoError(t, err)
	require.Equal(t, ticketing.Accepted, would.State)
	require.Empty(t, would.Number, "no number is used up")
	_, err = b.svc.Try(b.ctx, agent(), d.ID, ticketing.Command{Action: ticketing.ActSign})
	require.Equal(t, ticketing.CodeNotOpen, ticketing.CodeOf(err))
	now, err := b.Ticket(b.ctx, d.ID)
	require.NoError(t, err)
	require.Equal(t, ticketing.Draft, now.State)
	require.EqualValues(t, 1, now.Version)
	require.Equal(t, "20260302-000001", b.act(agent(), d.ID, ticketing.ActAccept, "").Number)
}

func testCitizens(t *testing.T, open Opener) {
	b := newTown(t, open)
	file := func() ticketing.Filed {
		filed, err := b.svc.File(b.ctx, ticketing.Filing{
			Appeal: ticketing.Appeal{Type: ticketing.Complaint, Description: "路灯不亮", Category: "lamps"}, Citizen: ticketing.Citizen{Phone: "13812345678"},
		})
		require.NoError(t, err)
		return filed
	}
	do := func(f ticketing.Filed, action ticketing.Action, fields string) (ticketing.Progress, error) {
		return b.svc.CitizenAct(b.ctx, f.Ticket.Number, f.QueryCode, ticketing.Command{Action: action, Fields: json.RawMessage(fields)})
	}
	f := file()
	_, err := b.svc.CitizenAct(b.ctx, f.Ticket.Number, "WRONG234", ticketing.Command{Action: ticketing.ActUrge, Fields: json.RawMessage(`{"reason":"快"}`)})
	require.ErrorIs(t, err, ticketing.ErrWrongQueryCode)
	_, err = do(f, ticketing.ActUrge, `{"reason":"快"}`)
	require.Equal(t, ticketing.CodeNotOpen, ticketing.CodeOf(err), "nobody is on it yet")
	_, err = do(f, ticketing.ActDispatch, `{"department":"dept-a"}`)
	require.Equal(t, ticketing.CodeNotOpen, ticketing.CodeOf(err), "nor is it a citizen's")
	b.act(agent(), f.Ticket.Number, ticketing.ActAccept, "")
	b.route()
	_, err = do(f, ticketing.ActUrge, `{"reason":"快"}`)
	require.NoError(t, err)
	_, err = do(f, ticketing.ActUrge, `{"reason":"快"}`)
	require.ErrorContains(t, err, "urged within the last 24 hours")
	b.act(clerk("dept-a"), f.Ticket.Number, ticketing.ActSign, "")
	b.answered(f.Ticket.Number)
	p, err := do(f, ticketing.ActRate, `{"rating":2,"note":"太慢"}`)
	require.NoError(t, err)
	require.Equal(t, 2, p.Rating)
	require.True(t, b.clock(f.Ticket.ID, ticketing.ClockRectify).Running(), "a bad rating is put right in time")
	b.act(lead(), f.Ticket.ID, ticketing.ActFollowUp, `{"contacted":true,"solved":true,"rating":5}`)
	got, err := b.Ticket(b.ctx, f.Ticket.ID)
	require.NoError(t, err)
	require.Equal(t, 2, got.Rating, "what citizens give with their own hand goes before what is written down")

	f = file()
	_, err = do(f, ticketing.ActCancel, `{"reason":"已解决"}`)
	require.NoError(t, err)
	got, err = b.Ticket(b.ctx, f.Ticket.ID)
	require.NoError(t, err)
	require.Equal(t, ticketing.Cancelled, got.State)
}

func testCatalogue(t *testing.T, open Opener) {
	b := newTown(t, open)
	id := b.signed().ID
	city, err := b.svc.City(b.ctx)
	require.NoError(t, err)
	next := city.Catalogue
	next.Entries = []ticketing.CatalogueEntry{{Category: "lamps", Department: "dept-b"}}
	_, err = b.svc.PreviewCatalogue(b.ctx, clerk("dept-a"), next)
	require.ErrorIs(t, err, ticketing.ErrForbidden)
	p, err := b.svc.PreviewCatalogue(b.ctx, dispatcher(), next)
	require.NoError(t, err)
	require.Equal(t, 2, p.Version)
	require.Len(t, p.Changed, 1)
	require.Equal(t, []string{"water"}, p.Gaps)
	require.Len(t, p.Moves, 1)
	require.Equal(t, "dept-b", p.Moves[0].To)
	require.False(t, p.Moves[0].Waiting)
	wrong := next
	wrong.Entries = []ticketing.CatalogueEntry{{Category: "lamps", Department: "nobody"}}
	_, err = b.svc.PreviewCatalogue(b.ctx, dispatcher(), wrong)
	require.Equal(t, ticketing.CodeInvalid, ticketing.CodeOf(err))
	require.NoError(t, b.svc.SaveCatalogue(b.ctx, dispatcher(), next))
	require.Equal(t, ticketing.CodeConflict, ticketing.CodeOf(b.svc.SaveCatalogue(b.ctx, dispatcher(), next)), "somebody was faster")
	g, err := b.svc.Suggest(b.ctx, dispatcher(), id)
	require.NoError(t, err)
	require.Equal(t, "dept-b", g.Department)
	require.Contains(t, g.Reason, "派单目录第 2 版")
	versions, err := b.svc.CityVersions(b.ctx, lead())
	require.NoError(t, err)
	require.Equal(t, "dispatcher1", versions[0].By)
}

func testEscalation(t *testing.T, open Opener) {
	b := newTown(t, open)
	c := place()
	c.Process = &ticketing.Process{Escalation: []ticketing.Escalation{
		{Clock: ticketing.ClockResolve, Level: ticketing.Overdue, Audiences: []string{"handler", "superior", "user:mayor", "user:mayor"}},
	}}
	require.NoError(t, b.svc.ImportCity(b.ctx, ticketing.SystemActor(), c))
	id := b.signed().ID
	b.act(clerk("dept-a"), id, ticketing.ActDispatchDown, `{"department":"dept-a1","reason":"下派"}`)
	b.act(supervisor(), id, ticketing.ActSupervise, fmt.Sprintf(`{"reason":"督办","until":%q,"escalation":["user:chief"]}`, b.now.Add(time.Hour).Format(time.RFC3339)))
	b.now = b.now.Add(30 * 24 * time.Hour)
	_, err := b.svc.FireDeadlines(b.ctx, b.now, 1000)
	require.NoError(t, err)
	require.Equal(t, []string{"deadline.overdue resolve"}, b.told(id, "user:mayor"), "once")
	require.Contains(t, b.told(id, "department:dept-a"), "deadline.overdue resolve", "the superior")
	require.Contains(t, b.told(id, "department:dept-a1"), "deadline.yellow resolve", "what the city does not name is as by default")
	require.Equal(t, []string{"deadline.overdue supervise"}, b.told(id, "user:chief"))
	c.Process.Escalation[0].Audiences = []string{"everybody"}
	require.Equal(t, ticketing.CodeInvalid, ticketing.CodeOf(b.svc.ImportCity(b.ctx, ticketing.SystemActor(), c)))
}
