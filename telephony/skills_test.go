package telephony_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/acd"
	"hotline/telephony/phone"
)

// A caller whose queue asks for a skill waits for whoever has it, and then for anybody.
func TestACallerIsTakenByWhoeverIsAble(t *testing.T) {
	rules, err := acd.ParseRules("wait<2s: dialect>=2; else any")
	require.NoError(t, err)
	r := newRig(t, under(telephony.QueueConfig{Name: "q", Rules: rules}))
	require.ErrorIs(t, r.center.SetSkills(r.ctx(), "agent2", telephony.Skills{"a b": 1}, "lead1"), telephony.ErrInvalid)
	require.ErrorIs(t, r.center.SetSkills(r.ctx(), "agent2", telephony.Skills{"dialect": 10}, "lead1"), telephony.ErrInvalid)
	require.ErrorIs(t, r.center.SetSkills(r.ctx(), "", telephony.Skills{"dialect": 1}, "lead1"), telephony.ErrInvalid)
	require.NoError(t, r.center.SetSkills(r.ctx(), "agent1", telephony.Skills{"dialect": 1}, "lead1"))
	require.NoError(t, r.center.SetSkills(r.ctx(), "agent2", telephony.Skills{"dialect": 2}, "lead1"))
	_, beginner := r.seat("8001")
	_, speaker := r.seat("8002")
	require.Equal(t, telephony.Skills{"dialect": 2}, r.center.Agents()[1].Skills)

	first := r.dial(r.phone(phone.Options{User: "citizen"}))
	require.NoError(t, first.SendDigits(r.ctx(), "0"))
	require.NoError(t, r.next(speaker).Answer())
	r.awaitTalking()
	second := r.dial(r.phone(phone.Options{User: "citizen"}))
	require.NoError(t, second.SendDigits(r.ctx(), "0"))
	require.NoError(t, r.next(beginner).Answer(), "past the rule's time anybody is able")
	r.await("both talk", func() bool {
		live := r.center.Live()
		return len(live) == 2 && live[0].State == telephony.CallTalking && live[1].State == telephony.CallTalking
	})
	first.Hangup()
	second.Hangup()
	waits := map[string]time.Duration{}
	for range 2 {
		cdr := r.endedCall()
		waits[cdr.Seat] = cdr.Offers[0].OfferedAt.Sub(cdr.QueuedAt)
	}
	require.Less(t, waits["8002"], 2*time.Second)
	require.GreaterOrEqual(t, waits["8001"], 2*time.Second)
	r.awaitClean()
}

// A lead's word counts for the person at the seat, is on record, and lasts until the person speaks again.
func TestALeadSpeaksForASeat(t *testing.T) {
	r := newRig(t, under(telephony.QueueConfig{Name: "q"}))
	require.ErrorIs(t, r.center.ForceStatus(r.ctx(), "lead1", "9999", telephony.Status{Presence: telephony.Ready}), telephony.ErrNotFound)
	r.seat("8001")
	require.NoError(t, r.center.ForceStatus(r.ctx(), "lead1", "8001", telephony.Status{Presence: telephony.Break, Reason: "left"}))
	state := r.center.Agents()[0]
	require.Equal(t, acd.StateBreak, state.State)
	require.Equal(t, "agent1", state.User)
	require.Equal(t, "lead1", state.Lead)
	require.NoError(t, r.center.SetStatus(r.ctx(), "agent1", "8001", telephony.Status{Presence: telephony.Ready}))
	require.Empty(t, r.center.Agents()[0].Lead)
	require.Equal(t, acd.StateReady, r.center.Agents()[0].State)
	r.await("it is on record", func() bool {
		events, err := r.store.Events(t.Context(), telephony.EventFilter{Limit: 1000})
		require.NoError(t, err)
		return slices.ContainsFunc(events, func(e telephony.Event) bool {
			var d telephony.EventData
			return e.Type == telephony.EvPresence && json.Unmarshal(e.Data, &d) == nil && d.Lead == "lead1" && d.Presence == telephony.Break && e.User == "agent1"
		})
	})
}
