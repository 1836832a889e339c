package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/ticketing"
)

// closed is a ticket that was answered directly.
func (b *bench) closed(in ticketing.DraftInput) ticketing.Ticket {
	b.t.Helper()
	return b.act(agent(), b.draft(in).ID, ticketing.ActAnswer, `{"answer":"王建国您好,已答复"}`)
}

// testErasure: nothing of a person is left anywhere once the order was carried
// out, and what happened stays.
func testErasure(t *testing.T, open Opener) {
	b := newTown(t, open)
	var noted []string
	b.svc = ticketing.NewService(b.Store, rules, ticketing.Options{
		Now: func() time.Time { return b.now }, Erased: func(person string) error { noted = append(noted, person); return nil },
	})
	in := lamps()
	in.Appeal.Description = "我是王建国，电话 138-1234-5678，东门的路灯不亮"
	in.Citizen.Proxy = &ticketing.Proxy{Name: "王小丽", Phone: "13900001111", Relation: "子女"}
	one, two := b.closed(in), b.closed(lamps())
	_, err := b.svc.Reveal(b.ctx, agent(), one.ID, "给王建国回电")
	require.NoError(t, err)
	other := lamps()
	other.Citizen = ticketing.Citizen{Name: "李四", Phone: "13700002222"}
	stays := b.closed(other)
	running := b.accepted()

	b.notYet(one, two, running)
	before, err := b.Ticket(b.ctx, one.ID)
	require.NoError(t, err)
	found, err := b.svc.ErasePerson(b.ctx, supervisor(), one.ID, "本人申请")
	require.NoError(t, err)
	require.Equal(t, 3, found.Tickets)
	again := b.closed(lamps()) // calls before the order was carried out
	b.live()
	require.Equal(t, []string{before.Person, before.Person}, noted, "twice has one effect, and is noted twice")

	b.gone(one.ID, two.ID, running.ID)
	_, err = b.svc.Reveal(b.ctx, supervisor(), one.ID, "再看")
	require.ErrorIs(t, err, ticketing.ErrErased)
	_, err = b.svc.ErasePerson(b.ctx, supervisor(), one.ID, "再删")
	require.ErrorContains(t, err, "no personal data")
	for ref, name := range map[string]string{stays.ID: "李四", again.ID: "王建国"} {
		got, err := b.Ticket(b.ctx, ref)
		require.NoError(t, err)
		require.Equal(t, name, got.Citizen.Name)
		require.NotEqual(t, before.Person, got.Person)
	}
	list, err := b.ByPhone(b.ctx, "", "13812345678", 10)
	require.NoError(t, err)
	require.Len(t, list, 1, "who calls again is somebody new")
	require.Equal(t, again.ID, list[0].ID)

	report, err := b.VerifyLedger(b.ctx, nil)
	require.NoError(t, err)
	require.Empty(t, report.Findings)
	require.Positive(t, report.Erased)
	orders, err := b.Ledger(b.ctx, ticketing.LedgerFilter{Actions: []string{ticketing.RecordedErasureOrder, ticketing.RecordedErasure}, Limit: 10})
	require.NoError(t, err)
	require.Len(t, orders, 2)

	// Another node, and the list of the erased given to what has no such key.
	second := open(t)
	got, err := second.Ticket(b.ctx, one.ID)
	require.NoError(t, err)
	require.True(t, got.Citizen.Erased)
	n, err := b.svc.Restored(b.ctx, []string{before.Person, "nobody"})
	require.NoError(t, err)
	require.Zero(t, n)
}

// notYet: nobody erases who may not, what is open, and what is held.
func (b *bench) notYet(one, two, running ticketing.Ticket) {
	b.t.Helper()
	t := b.t
	_, err := b.svc.ErasePerson(b.ctx, lead(), one.ID, "本人申请")
	require.ErrorIs(t, err, ticketing.ErrForbidden)
	_, err = b.svc.ErasePerson(b.ctx, supervisor(), one.ID, " ")
	require.ErrorContains(t, err, "reason")
	_, err = b.svc.ErasePerson(b.ctx, supervisor(), one.ID, "本人申请")
	require.ErrorContains(t, err, "1 tickets of this person are open", "a matter that is open needs its person")
	b.act(lead(), running.ID, ticketing.ActCancel, `{"reason":"误提"}`)
	require.NoError(t, b.svc.HoldTicket(b.ctx, supervisor(), two.ID, "行政诉讼"))
	require.Error(t, b.svc.HoldTicket(b.ctx, supervisor(), two.ID, "再次"))
	require.ErrorIs(t, b.svc.ReleaseTicket(b.ctx, lead(), two.ID, "无"), ticketing.ErrForbidden)
	_, err = b.svc.ErasePerson(b.ctx, supervisor(), one.ID, "本人申请")
	require.ErrorContains(t, err, "1 are held as evidence")
	require.NoError(t, b.svc.ReleaseTicket(b.ctx, supervisor(), two.ID, "判决生效"))

}

// gone checks that nothing of the person of testErasure is left on tickets, and what happened is.
func (b *bench) gone(refs ...string) {
	b.t.Helper()
	t := b.t
	for _, ref := range refs {
		got, err := b.Ticket(b.ctx, ref)
		require.NoError(t, err)
		require.Equal(t, ticketing.Citizen{Erased: true}, got.Citizen)
		events, err := b.Events(b.ctx, ref)
		require.NoError(t, err)
		everything := fmt.Sprintf("%+v", got)
		for _, e := range events {
			everything += string(e.Data)
		}
		looks, err := b.Reads(b.ctx, ref)
		require.NoError(t, err)
		entries, err := b.Ledger(b.ctx, ticketing.LedgerFilter{Object: "ticket:" + ref, Limit: 100})
		require.NoError(t, err)
		everything += fmt.Sprintf("%+v %+v", looks, entries)
		for _, word := range []string{"王建国", "13812345678", "138-1234-5678", "王小丽", "13900001111"} {
			require.NotContains(t, everything, word)
		}
		require.Contains(t, everything, "东门的路灯不亮", "what happened stays")
	}
}

// testErasureAgain: what is restored from before an erasure is erased again, open or held.
func testErasureAgain(t *testing.T, open Opener) {
	b := newTown(t, open)
	one := b.accepted()
	require.NoError(t, b.svc.HoldTicket(b.ctx, supervisor(), one.ID, "行政诉讼"))
	stored, err := b.Ticket(b.ctx, one.ID)
	require.NoError(t, err)
	n, err := b.svc.Restored(b.ctx, []string{stored.Person, stored.Person})
	require.NoError(t, err)
	require.Equal(t, 1, n)
	b.live()
	got, err := b.Ticket(b.ctx, one.ID)
	require.NoError(t, err)
	require.Equal(t, ticketing.Citizen{Erased: true}, got.Citizen)
	require.Equal(t, ticketing.Accepted, got.State)
	b.act(lead(), one.ID, ticketing.ActEdit, `{"name":"李四"}`)
	got, err = b.Ticket(b.ctx, one.ID)
	require.NoError(t, err)
	require.Equal(t, ticketing.Citizen{Name: "李四"}, got.Citizen, "who is told anew has a new key")
	require.NotEqual(t, stored.Person, got.Person)
	b.act(lead(), one.ID, ticketing.ActDispatch, `{"department":"dept-a","reason":"继续办理"}`)
}

// testErasureFails: an erasure that cannot be noted outside the database is not done.
func testErasureFails(t *testing.T, open Opener) {
	b := newTown(t, open)
	full := errors.New("the disk is full")
	b.svc = ticketing.NewService(b.Store, rules, ticketing.Options{Now: func() time.Time { return b.now }, Erased: func(string) error { return full }})
	one := b.closed(lamps())
	stored, err := b.Ticket(b.ctx, one.ID)
	require.NoError(t, err)
	_, err = b.svc.ErasePerson(b.ctx, supervisor(), one.ID, "本人申请")
	require.NoError(t, err)
	items, err := b.PendingOutbox(b.ctx, ticketing.TopicLife, 10)
	require.NoError(t, err)
	require.Len(t, items, 1)
	require.ErrorIs(t, b.svc.LiveOn(b.ctx, items[0]), full)
	there, err := b.WithKeys(b.ctx, []string{stored.Person})
	require.NoError(t, err)
	require.Len(t, there, 1, "it is tried again")
	full = nil
	require.NoError(t, b.svc.LiveOn(b.ctx, items[0]))
	there, err = b.WithKeys(b.ctx, []string{stored.Person})
	require.NoError(t, err)
	require.Empty(t, there)
}

// testPersonOfTwoNodes: one number is one person, whoever stores it first.
func testPersonOfTwoNodes(t *testing.T, open Opener) {
	b := newTown(t, open)
	other := b.svc
	if b.Shared() {
		other = ticketing.NewService(open(t), rules, ticketing.Options{Now: func() time.Time { return b.now }})
	}
	const each = 20
	errs := make(chan error, 2*each)
	for i := range each {
		for _, svc := range []*ticketing.Service{b.svc, other} {
			go func() {
				in := lamps()
				in.Citizen.Phone = fmt.Sprintf("1380000%04d", i/4)
				_, err := svc.OpenDraft(b.ctx, agent(), in)
				errs <- err
			}()
		}
	}
	for range 2 * each {
		require.NoError(t, <-errs)
	}
	for i := range each / 4 {
		list, err := b.ByPhone(b.ctx, "", fmt.Sprintf("1380000%04d", i), 100)
		require.NoError(t, err)
		require.Len(t, list, 8)
		for _, found := range list {
			require.Equal(t, list[0].Person, found.Person)
		}
	}
}
