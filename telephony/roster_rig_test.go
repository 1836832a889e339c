package telephony_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
)

// Who is at a seat in a shift is found in the log of the seats.
func TestTheRosterAgainstTheSeats(t *testing.T) {
	r := newRig(t)
	now := time.Now()
	from, to := now.Add(-time.Hour), now.Add(2*time.Hour)
	plan := func(shifts ...telephony.Shift) error {
		_, err := r.center.PlanShifts(t.Context(), from, to, shifts, "lead1")
		return err
	}
	mine := telephony.Shift{User: "agent1", From: now.Add(-time.Minute), To: now.Add(time.Hour), Note: "早班"}
	absent := telephony.Shift{User: "agent2", From: now.Add(-time.Minute), To: now.Add(time.Hour)}
	require.NoError(t, plan(absent, mine))
	r.seat("8001")
	r.seat("8003")
	r.await("the seats' times are in the log", func() bool {
		report, err := r.center.Attendances(t.Context(), from, to)
		require.NoError(t, err)
		return len(report.Shifts) == 2 && report.Shifts[0].Here && len(report.Unplanned) == 1
	})
	report, err := r.center.Attendances(t.Context(), from, to)
	require.NoError(t, err)
	require.Equal(t, "早班", report.Shifts[0].Note)
	require.Equal(t, "lead1", report.Shifts[0].By)
	require.InDelta(t, time.Minute.Seconds(), report.Shifts[0].Late.Seconds(), 5)
	require.False(t, report.Shifts[1].Here)
	require.Zero(t, report.Shifts[1].Present)
	require.Equal(t, "agent3", report.Unplanned[0].User)
	require.True(t, report.Unplanned[0].Here)
	for name, bad := range map[string]telephony.Shift{
		"nobody":    {From: now, To: now.Add(time.Hour)},
		"backwards": {User: "agent1", From: now, To: now},
		"too long":  {User: "agent1", From: now, To: now.Add(25 * time.Hour)},
		"elsewhere": {User: "agent1", From: now.Add(5 * time.Hour), To: now.Add(6 * time.Hour)},
		"overlaps":  {User: "agent1", From: now, To: now.Add(time.Hour)},
	} {
		require.ErrorIs(t, plan(mine, bad), telephony.ErrInvalid, name)
	}
	shifts, err := r.center.Shifts(t.Context(), from, to)
	require.NoError(t, err)
	require.Len(t, shifts, 2, "what is refused changes nothing")
	_, err = r.center.Shifts(t.Context(), to, from)
	require.ErrorIs(t, err, telephony.ErrInvalid)
	r.awaitClean()
}
