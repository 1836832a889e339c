package storetest

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/ticketing"
)

// tapes are recordings, in memory.
type tapes struct {
	at      map[string]time.Time
	dropped []string
}

func (r *tapes) RecordedBefore(_ context.Context, before time.Time, after string, limit int) ([]string, error) {
	var ids []string
	for id, at := range r.at {
		if at.Before(before) && id > after && !slices.Contains(r.dropped, id) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids[:min(len(ids), limit)], nil
}

func (r *tapes) DropRecording(_ context.Context, callID string) error {
	r.dropped = append(r.dropped, callID)
	return nil
}

// answeredOf is a ticket of a type, a number, a line and a call that was answered directly.
func (b *bench) answeredOf(kind ticketing.AppealType, phone, line, call string) ticketing.Ticket {
	b.t.Helper()
	in := lamps()
	in.Appeal.Type, in.Citizen.Phone, in.Line, in.CallID = kind, phone, line, call
	who := agent()
	if line == "12388" {
		who = inside(who)
	}
	d, err := b.svc.OpenDraft(b.ctx, who, in)
	require.NoError(b.t, err)
	d, err = b.svc.Act(b.ctx, who, d.ID, ticketing.Command{Action: ticketing.ActAnswer, Fields: []byte(`{"answer":"王建国您好"}`)})
	require.NoError(b.t, err)
	return d
}

// testRetention: what has been kept for its time goes, by its class; what is held,
// open or younger stays; and the report says so.
func testRetention(t *testing.T, open Opener) {
	b := newTown(t, open)
	c := place()
	c.Process = &ticketing.Process{Retention: []ticketing.Retention{
		{Class: ticketing.RetainPerson, Types: []ticketing.AppealType{ticketing.Inquiry}, Days: 100},
		{Class: ticketing.RetainPerson, Days: 400}, {Class: ticketing.RetainRecording, Days: 50}, {Class: ticketing.RetainCall, Days: 200},
	}}
	require.NoError(t, b.svc.ImportCity(b.ctx, ticketing.SystemActor(), c))
	asked, complained := b.answeredOf(ticketing.Inquiry, "13800000001", "12345", "call-1"), b.answeredOf(ticketing.Complaint, "13800000001", "12345", "")
	sealed := b.answeredOf(ticketing.Inquiry, "13800000002", "12388", "")
	held := b.answeredOf(ticketing.Inquiry, "13800000003", "12345", "call-2")
	require.NoError(t, b.svc.HoldTicket(b.ctx, supervisor(), held.ID, "行政诉讼"))
	running := b.accepted()
	b.now = b.now.Add(90 * 24 * time.Hour)
	young := b.answeredOf(ticketing.Inquiry, "13800000004", "12345", "call-3")
	b.now = b.now.Add(20 * 24 * time.Hour)
	rec := &tapes{at: map[string]time.Time{"call-1": start(), "call-2": start(), "call-3": b.now}}

	dry, err := b.svc.Retain(b.ctx, rec, 1000, true)
	require.NoError(t, err)
	require.Empty(t, rec.dropped)
	report, err := b.svc.Retain(b.ctx, rec, 1000, false)
	require.NoError(t, err)
	require.Equal(t, dry, report, "a dry run counts what a run does")
	require.Equal(t, []ticketing.RetentionRow{
		{Retention: c.Process.Retention[0], Before: b.now.AddDate(0, 0, -100), Done: 2, Held: 1},
		{Retention: c.Process.Retention[1], Before: b.now.AddDate(0, 0, -400)},
		{Retention: c.Process.Retention[2], Before: b.now.AddDate(0, 0, -50), Done: 1, Held: 1},
		{Retention: c.Process.Retention[3], Before: b.now.AddDate(0, 0, -200)},
	}, report.Rows)
	require.Empty(t, report.Kept)
	require.Equal(t, []string{"call-1"}, rec.dropped)
	names := func() map[string]string {
		got := map[string]string{}
		for name, ref := range map[string]string{"asked": asked.ID, "complained": complained.ID, "sealed": sealed.ID, "held": held.ID, "running": running.ID, "young": young.ID} {
			found, err := b.Ticket(b.ctx, ref)
			require.NoError(t, err)
			got[name] = found.Citizen.Name
			require.Equal(t, found.Citizen.Name == "", found.Citizen.Erased)
			if found.Citizen.Erased {
				require.NotContains(t, found.Answer, "王建国")
			}
		}
		return got
	}
	const wang = "王建国"
	require.Equal(t, map[string]string{"asked": "", "complained": wang, "sealed": "", "held": wang, "running": wang, "young": wang}, names())

	// Much later only what is held or open has a person, and keys of nobody go.
	b.now = b.now.Add(500 * 24 * time.Hour)
	report, err = b.svc.Retain(b.ctx, rec, 1000, false)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"asked": "", "complained": "", "sealed": "", "held": wang, "running": wang, "young": ""}, names())
	require.Equal(t, []int{1, 1, 1, 3}, []int{report.Rows[0].Done, report.Rows[1].Done, report.Rows[2].Done, report.Rows[3].Done})
	_, err = b.PersonOf(b.ctx, "", "13800000001")
	require.ErrorIs(t, err, ticketing.ErrAbsent)
	_, err = b.PersonOf(b.ctx, "", "13800000003")
	require.NoError(t, err)

	require.NoError(t, b.svc.ReleaseTicket(b.ctx, supervisor(), held.ID, "结案"))
	b.act(lead(), running.ID, ticketing.ActCancel, `{"reason":"误提"}`)
	b.boundedAndOnRecord(c.Process.Retention, rec)
}

// boundedAndOnRecord: a run is bounded, says that more is left, and is on record.
func (b *bench) boundedAndOnRecord(want []ticketing.Retention, rec *tapes) {
	b.t.Helper()
	t := b.t
	b.now = b.now.Add(500 * 24 * time.Hour)
	report, err := b.svc.Retain(b.ctx, rec, 0, false)
	require.NoError(t, err)
	require.True(t, report.Rows[0].Left)
	_, err = b.svc.Retain(b.ctx, rec, 1000, false)
	require.NoError(t, err)
	rules, reports, err := b.svc.Retention(b.ctx, supervisor())
	require.NoError(t, err)
	require.Equal(t, want, rules)
	require.Len(t, reports, 4)
	raw, err := json.Marshal(report)
	require.NoError(t, err)
	told, err := json.Marshal(reports[1])
	require.NoError(t, err)
	require.JSONEq(t, string(raw), string(told))
	_, _, err = b.svc.Retention(b.ctx, agent())
	require.ErrorIs(t, err, ticketing.ErrForbidden)
	verified, err := b.VerifyLedger(b.ctx, nil)
	require.NoError(t, err)
	require.Empty(t, verified.Findings)
}

func testRetentionRules(t *testing.T, open Opener) {
	b := newBench(t, open)
	for name, bad := range map[string][]ticketing.Retention{
		"class": {{Class: "tickets", Days: 100}}, "days": {{Class: ticketing.RetainCall, Days: 3}},
		"types":    {{Class: ticketing.RetainRecording, Days: 100, Types: []ticketing.AppealType{ticketing.Help}}},
		"unknown":  {{Class: ticketing.RetainPerson, Days: 100, Types: []ticketing.AppealType{"gossip"}}},
		"repeated": {{Class: ticketing.RetainPerson, Days: 100}, {Class: ticketing.RetainPerson, Days: 200}},
	} {
		c := place()
		c.Process = &ticketing.Process{Retention: bad}
		require.Equal(t, ticketing.CodeInvalid, ticketing.CodeOf(b.svc.ImportCity(b.ctx, ticketing.SystemActor(), c)), name)
	}
	require.NoError(t, b.svc.ImportCity(b.ctx, ticketing.SystemActor(), place()))
	report, err := b.svc.Retain(b.ctx, &tapes{}, 10, true)
	require.NoError(t, err)
	require.Equal(t, []ticketing.RetentionClass{ticketing.RetainPerson, ticketing.RetainRecording, ticketing.RetainCall}, report.Kept)
}
