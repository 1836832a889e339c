package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/ticketing"
)

// testBounds: somebody of the centre who is bound to a district or to lines sees
// those alone, by every way, and what the own hand took in.
func testBounds(t *testing.T, open Opener) {
	b := newTown(t, open)
	file := func(who ticketing.Actor, district, line string) ticketing.Ticket {
		in := lamps()
		in.Appeal.District, in.Line = district, line
		d, err := b.svc.OpenDraft(b.ctx, who, in)
		require.NoError(t, err)
		return b.act(who, d.ID, ticketing.ActAccept, "")
	}
	bound := func(id string, districts, lines []string) ticketing.Actor {
		return ticketing.Actor{UserID: id, Roles: []ticketing.Role{ticketing.RoleAgent, ticketing.RoleSupervisor}, Districts: districts, Lines: lines}
	}
	ofEast, ofLine, ofBoth := bound("e", []string{"east"}, nil), bound("l", nil, []string{"12315"}), bound("b", []string{"east"}, []string{"12315"})
	east, west := file(agent(), "east", "12345"), file(agent(), "west", "12345")
	eastLine, westLine := file(agent(), "east", "12315"), file(agent(), "west", "12315")
	own := file(ofBoth, "west", "12345")
	all := []ticketing.Ticket{east, west, eastLine, westLine, own}
	for _, c := range []struct {
		who  ticketing.Actor
		sees []ticketing.Ticket
	}{
		{ofEast, []ticketing.Ticket{east, eastLine}}, {ofLine, []ticketing.Ticket{eastLine, westLine}}, {ofBoth, []ticketing.Ticket{eastLine, own}},
		{bound("x", nil, nil), all},
	} {
		page, err := b.svc.Tickets(b.ctx, c.who, ticketing.Filter{})
		require.NoError(t, err)
		require.ElementsMatch(t, idsOf(c.sees), idsOf(page.Items), c.who.UserID)
		require.Equal(t, len(c.sees), page.Total)
		stats, err := b.svc.Stats(b.ctx, c.who, start().Add(-time.Hour), start().Add(time.Hour))
		require.NoError(t, err)
		require.Equal(t, len(c.sees), stats.Created, c.who.UserID)
		export, err := b.svc.ExportTickets(b.ctx, c.who, ticketing.Filter{}, "核查")
		require.NoError(t, err)
		require.ElementsMatch(t, idsOf(c.sees), idsOf(export.Tickets))
		for _, ticket := range all {
			_, err := b.svc.Ticket(b.ctx, c.who, ticket.ID)
			if slices.Contains(idsOf(c.sees), ticket.ID) {
				require.NoError(t, err, c.who.UserID)
				continue
			}
			require.ErrorIs(t, err, ticketing.ErrNotFound, c.who.UserID)
		}
	}
	b.now = b.now.Add(3 * time.Hour)
	for _, ticket := range all {
		b.act(lead(), ticket.ID, ticketing.ActDispatch, `{"department":"dept-a"}`)
		b.act(lead(), ticket.ID, ticketing.ActUrge, `{"reason":"催"}`)
	}
	records, err := b.svc.Records(b.ctx, ofEast, ticketing.RecordFilter{Kinds: []ticketing.RecordKind{ticketing.RecordUrge}})
	require.NoError(t, err)
	require.Len(t, records.Items, 2)
	late, err := b.svc.Tickets(b.ctx, ofEast, ticketing.Filter{Departments: []string{"dept-a"}, Sort: ticketing.SortDue})
	require.NoError(t, err)
	require.Equal(t, 2, late.Total)
	for who, areas := range map[string][2][]string{
		"e": {ofEast.Areas(), {"area:east|"}}, "l": {ofLine.Areas(), {"area:|12315"}}, "b": {ofBoth.Areas(), {"area:east|12315"}}, "x": {agent().Areas(), nil},
	} {
		require.Equal(t, areas[1], areas[0], who)
	}
}

func idsOf(tickets []ticketing.Ticket) []string {
	ids := make([]string, len(tickets))
	for i, t := range tickets {
		ids[i] = t.ID
	}
	return ids
}
