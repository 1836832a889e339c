package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/ticketing"
)

// testTails: the last digits of a number find its tickets, newest first, within a
// partition, for those alone to whom numbers are shown with them, until it is erased.
func testTails(t *testing.T, open Opener) {
	b := newTown(t, open)
	of := func(phone string) ticketing.DraftInput {
		in := lamps()
		in.Citizen = ticketing.Citizen{Name: "李四", Phone: phone}
		return in
	}
	first := b.closed(of("13812345678"))
	b.now = b.now.Add(time.Minute)
	second := b.closed(of("13999995678"))
	b.closed(of("13812345679"))
	b.closed(of("86605678")) // a mask shows two digits of it
	b.closed(of(""))
	in := of("13700005678")
	in.Line = "12388"
	sealed, err := b.svc.OpenDraft(b.ctx, ticketing.SystemActor(), in)
	require.NoError(t, err)

	find := func(a ticketing.Actor, digits string) []string {
		t.Helper()
		ids, err := b.svc.OfTail(b.ctx, a, digits)
		require.NoError(t, err)
		return ids
	}
	require.Equal(t, []string{second.ID, first.ID}, find(agent(), "5678"))
	require.Empty(t, find(agent(), "0000"))
	require.Equal(t, []string{sealed.ID}, find(inside(agent()), "5678"))
	newest, err := b.OfTail(b.ctx, "", "5678", 1)
	require.NoError(t, err)
	require.Equal(t, []string{second.ID}, newest)
	for _, digits := range []string{"", "567", "45678", "567x", "５６７８"} {
		_, err = b.svc.OfTail(b.ctx, agent(), digits)
		require.Equal(t, ticketing.CodeInvalid, ticketing.CodeOf(err), digits)
	}
	for _, a := range []ticketing.Actor{clerk("dept-a"), head("dept-a")} {
		_, err = b.svc.OfTail(b.ctx, a, "5678")
		require.ErrorIs(t, err, ticketing.ErrForbidden)
	}

	_, err = b.svc.ErasePerson(b.ctx, supervisor(), first.ID, "本人申请")
	require.NoError(t, err)
	b.live()
	require.Equal(t, []string{second.ID}, find(agent(), "5678"))
	b.now = b.now.Add(time.Minute)
	again := b.closed(of("13812345678"))
	require.Equal(t, []string{again.ID, second.ID}, find(agent(), "5678"))
}
