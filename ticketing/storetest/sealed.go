package storetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/ticketing"
)

// inside is somebody of the sealed partition.
func inside(a ticketing.Actor) ticketing.Actor {
	a.UserID, a.Partition = a.UserID+"-12388", "12388"
	return a
}

// testSealed: what is in a sealed partition is nowhere for anybody else, and
// what is outside is nowhere for its people.
func testSealed(t *testing.T, open Opener) {
	b := newTown(t, open)
	in := lamps()
	in.Line, in.Citizen.Name = "12388", "金丝雀"
	in.Appeal.Description = "金丝雀举报某局长"
	secret, err := b.svc.OpenDraft(b.ctx, ticketing.SystemActor(), in)
	require.NoError(t, err)
	require.Equal(t, "12388", secret.Partition)
	_, err = b.svc.OpenDraft(b.ctx, agent(), in)
	require.Equal(t, ticketing.CodeInvalid, ticketing.CodeOf(err), "who is outside opens none there")
	own, err := b.svc.OpenDraft(b.ctx, inside(agent()), ticketing.DraftInput{Appeal: in.Appeal, Citizen: in.Citizen})
	require.NoError(t, err)
	require.Equal(t, "12388", own.Line)
	last, err := b.LastLiveEvent(b.ctx)
	require.NoError(t, err)
	insider, all := inside(agent()), []ticketing.Role{
		ticketing.RoleAgent, ticketing.RoleLead, ticketing.RoleDispatcher, ticketing.RoleQC, ticketing.RoleFollowUp, ticketing.RoleSupervisor, ticketing.RoleAnalyst, ticketing.RoleAdmin,
	}
	secret, err = b.svc.Act(b.ctx, insider, secret.ID, ticketing.Command{Action: ticketing.ActAccept})
	require.NoError(t, err)
	b.route()
	plain := b.accepted()

	strangers := []ticketing.Actor{clerk("dept-a"), head("dept-a"), {UserID: "sec", Roles: []ticketing.Role{ticketing.RoleSecAdmin}}, {UserID: "aud", Roles: []ticketing.Role{ticketing.RoleAuditor}}}
	for _, r := range all {
		strangers = append(strangers, ticketing.Actor{UserID: "u-" + string(r), Roles: []ticketing.Role{r}})
	}
	for _, who := range strangers {
		for _, ref := range []string{secret.ID, secret.Number, own.ID} {
			_, err = b.svc.Ticket(b.ctx, who, ref)
			require.ErrorIs(t, err, ticketing.ErrNotFound, who.UserID)
			_, err = b.svc.Reveal(b.ctx, who, ref, "x")
			require.ErrorIs(t, err, ticketing.ErrNotFound, who.UserID)
			_, err = b.svc.Timeline(b.ctx, who, ref)
			require.ErrorIs(t, err, ticketing.ErrNotFound, who.UserID)
			_, err = b.svc.Act(b.ctx, who, ref, ticketing.Command{Action: ticketing.ActMerge, Fields: json.RawMessage(`{"ticket":"` + plain.ID + `","reason":"x"}`)})
			require.ErrorIs(t, err, ticketing.ErrNotFound, who.UserID)
		}
		b.none(who, secret.ID, own.ID)
	}
	// Nor by the way of others: a merge names what it cannot see as what is not there.
	_, err = b.svc.Act(b.ctx, ticketing.Actor{UserID: "d", Roles: []ticketing.Role{ticketing.RoleDispatcher}}, plain.ID, ticketing.Command{Action: ticketing.ActMerge, Fields: json.RawMessage(`{"ticket":"` + secret.Number + `","reason":"x"}`)})
	require.Equal(t, ticketing.CodeInvalid, ticketing.CodeOf(err))

	// Inside, everything works and nothing else is there.
	page, err := b.svc.Tickets(b.ctx, insider, ticketing.Filter{})
	require.NoError(t, err)
	require.Equal(t, 2, page.Total)
	for _, item := range page.Items {
		require.Equal(t, "12388", item.Partition)
	}
	_, err = b.svc.Ticket(b.ctx, insider, plain.ID)
	require.ErrorIs(t, err, ticketing.ErrNotFound)
	stats, err := b.svc.Stats(b.ctx, insider, b.now.Add(-time.Hour), b.now.Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, 2, stats.Created)
	b.now = b.now.Add(3 * time.Hour)
	for {
		n, err := b.svc.FireDeadlines(b.ctx, b.now, 100)
		require.NoError(t, err)
		if n == 0 {
			break
		}
	}
	list, err := b.svc.Notifications(b.ctx, inside(ticketing.Actor{UserID: "d", Roles: []ticketing.Role{ticketing.RoleDispatcher, ticketing.RoleSupervisor, ticketing.RoleClerk}, Department: "dept-a"}))
	require.NoError(t, err)
	require.NotEmpty(t, list)
	for _, who := range strangers {
		b.none(who, secret.ID, own.ID)
	}
	b.apart(last, secret.ID, own.ID)
}

// apart: live events and the tables keep the sealed tickets to themselves.
func (b *bench) apart(last int64, ids ...string) {
	t := b.t
	t.Helper()
	events, err := b.LiveEvents(b.ctx, last, 1000)
	require.NoError(t, err)
	for _, e := range events {
		require.Equal(t, slices.Contains(ids, e.Subject), strings.HasSuffix(e.Audience, "@12388"), "%+v", e)
		require.NotContains(t, string(e.Data), "金丝雀")
	}
	for topic, sealed := range map[string]bool{ticketing.TopicIndex: false, ticketing.TopicSealed: true} {
		owed, err := b.PendingOutbox(b.ctx, topic, 1000)
		require.NoError(t, err)
		require.NotEmpty(t, owed, topic)
		for _, item := range owed {
			id, _, _ := strings.Cut(item.Key, ":")
			require.Equal(t, sealed, slices.Contains(ids, id), item.Key)
		}
	}
	scanned, err := b.Scan(b.ctx, "", "", 1000)
	require.NoError(t, err)
	for _, s := range scanned {
		require.Empty(t, s.Partition)
	}
	scanned, err = b.Scan(b.ctx, ticketing.AnySealed, "", 1000)
	require.NoError(t, err)
	require.Len(t, scanned, 2)
}

// none looks for tickets in all that somebody can list.
func (b *bench) none(who ticketing.Actor, ids ...string) {
	b.t.Helper()
	var seen []string
	page, err := b.svc.Tickets(b.ctx, who, ticketing.Filter{Limit: 200})
	require.NoError(b.t, err)
	for _, item := range page.Items {
		seen = append(seen, item.ID)
	}
	require.Equal(b.t, len(page.Items), page.Total, "a count is a leak too")
	records, err := b.svc.Records(b.ctx, who, ticketing.RecordFilter{})
	require.NoError(b.t, err)
	for _, item := range records.Items {
		seen = append(seen, item.Ticket.ID)
	}
	notes, err := b.svc.Notifications(b.ctx, who)
	require.NoError(b.t, err)
	for _, n := range notes {
		seen = append(seen, n.TicketID)
	}
	stats, err := b.svc.Stats(b.ctx, who, b.now.Add(-24*time.Hour), b.now.Add(time.Hour))
	require.NoError(b.t, err)
	require.LessOrEqual(b.t, stats.Created, 1)
	require.LessOrEqual(b.t, stats.OverdueNow, 1)
	for _, t := range page.Items {
		earlier, err := b.svc.Earlier(b.ctx, who, t.ID)
		require.NoError(b.t, err)
		for _, e := range earlier {
			seen = append(seen, e.ID)
		}
	}
	require.NotContains(b.t, fmt.Sprint(page, records, notes), "金丝雀")
	for _, id := range ids {
		require.NotContains(b.t, seen, id, who.UserID)
	}
}
