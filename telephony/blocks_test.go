package telephony_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/phone"
)

// A number is refused from a lead's word on, for its term, also by the next process; who appeals with success is let in again.
func TestABlockedNumberIsRefused(t *testing.T) {
	r := newRig(t)
	citizen, seat, id := talk(r)
	_, err := r.center.ProposeBlock(t.Context(), "none", "agent1", "abuse")
	require.ErrorIs(t, err, telephony.ErrNotFound)
	_, err = r.center.ProposeBlock(t.Context(), id, "agent1", "")
	require.ErrorIs(t, err, telephony.ErrInvalid)
	b, err := r.center.ProposeBlock(t.Context(), id, "agent1", "abuse")
	require.NoError(t, err)
	seat.Hangup()
	r.done(citizen)
	r.endedCall()
	caller := r.phone(phone.Options{})
	admitted := func() {
		t.Helper()
		r.dial(caller).Hangup()
		require.NotEqual(t, telephony.CauseBlocked, r.endedCall().Cause)
	}
	refused := func() {
		t.Helper()
		call, err := caller.DialWith(t.Context(), "12345", phone.DialOptions{From: "+8613800138000"})
		require.NoError(t, err)
		require.ErrorContains(t, call.WaitAnswered(r.ctx()), "603")
		cdr := r.endedCall()
		require.Equal(t, telephony.CauseBlocked, cdr.Cause)
		require.False(t, cdr.Missed)
	}
	admitted() // proposed only

	_, err = r.center.ConfirmBlock(t.Context(), b.ID, "lead1", 0)
	require.ErrorIs(t, err, telephony.ErrInvalid)
	_, err = r.center.ConfirmBlock(t.Context(), "none", "lead1", time.Hour)
	require.ErrorIs(t, err, telephony.ErrNotFound)
	b, err = r.center.ConfirmBlock(t.Context(), b.ID, "lead1", time.Hour)
	require.NoError(t, err)
	require.True(t, b.InForce(b.Until.Add(-1)))
	require.False(t, b.InForce(b.Until))
	refused()
	page, err := r.center.Blocks(t.Context(), telephony.BlockFilter{Open: true})
	require.NoError(t, err)
	require.Equal(t, []telephony.Block{b}, page.Items)

	_, err = r.center.LiftBlock(t.Context(), b.ID, "lead1", "")
	require.ErrorIs(t, err, telephony.ErrInvalid)
	_, err = r.center.LiftBlock(t.Context(), b.ID, "lead1", "another person has the number now")
	require.NoError(t, err)
	_, err = r.center.LiftBlock(t.Context(), b.ID, "lead1", "twice")
	require.ErrorIs(t, err, telephony.ErrConflict)
	admitted()
	r.awaitClean()
}
