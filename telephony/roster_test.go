package telephony

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony/acd"
)

// A day at two seats: one came late, paused and left early; one was not there; one came unplanned; one sits there now.
func TestAttendances(t *testing.T) {
	day := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	at := func(h, m int) time.Time { return day.Add(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute) }
	shift := func(user string, from, to time.Time) Shift { return Shift{User: user, From: from, To: to} }
	of := map[string][]stay{
		"late": {
			{user: "late", state: acd.StateReady, from: at(8, 20), to: at(10, 0)},
			{user: "late", state: acd.StateBreak, from: at(10, 0), to: at(10, 30)},
			{user: "late", state: acd.StateTalking, from: at(10, 30), to: at(11, 45)},
		},
		"extra": {{user: "extra", state: acd.StateReady, from: at(9, 0), to: at(9, 30)}},
		"here":  {{user: "here", state: acd.StateReady, from: at(11, 0), to: at(13, 0)}},
	}
	now := at(13, 0)
	r := attended([]Shift{
		shift("late", at(8, 0), at(12, 0)), shift("away", at(8, 0), at(12, 0)), shift("here", at(12, 0), at(16, 0)), shift("later", at(14, 0), at(18, 0)),
	}, of, Span{From: at(0, 0), To: at(24, 0)}, now)
	late := r.Shifts[0]
	require.Equal(t, []time.Duration{20 * time.Minute, 15 * time.Minute, 30 * time.Minute, 205 * time.Minute}, []time.Duration{late.Late, late.Early, late.Break, late.Present})
	require.InDelta(t, 205.0/240, late.Adherence(), 1e-9)
	require.False(t, late.Here)
	away := r.Shifts[1]
	require.Equal(t, 4*time.Hour, away.Late)
	require.Zero(t, away.Present+away.Early)
	here := r.Shifts[2]
	require.True(t, here.Here)
	require.Zero(t, here.Late+here.Early)
	require.InDelta(t, 1, here.Adherence(), 1e-9)
	require.Equal(t, Attendance{Shift: shift("later", at(14, 0), at(18, 0))}, r.Shifts[3])
	require.Zero(t, r.Shifts[3].Adherence())
	require.Equal(t, []Unscheduled{{User: "extra", Present: 30 * time.Minute}, {User: "here", Present: time.Hour}}, r.Unplanned)
}
