package sqlstore_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hotline/ticketing"
	"hotline/ticketing/sla"
	"hotline/ticketing/sla/slatest"
)

// deed is something that may be tried on the model's ticket.
type deed struct {
	action ticketing.Action
	who    ticketing.Actor
	fields any
	legal  bool
	do     func()
}

func staff(roles ...ticketing.Role) ticketing.Actor {
	return ticketing.Actor{UserID: "staff", Roles: roles}
}

func of(department string, roles ...ticketing.Role) ticketing.Actor {
	a := ticketing.Actor{UserID: "u-" + department, Roles: roles, Department: department, Departments: []string{department}}
	if department == "A" {
		a.Departments = append(a.Departments, "A1")
	}
	return a
}

// deeds lists everything with what the model expects of it now.
func (m *model) deeds(r *rapid.T, returned []string) []deed {
	dispatcher, lead, clerk, head := staff(ticketing.RoleDispatcher), staff(ticketing.RoleLead), of(m.department, ticketing.RoleClerk), of(m.department, ticketing.RoleHead)
	if m.department == "" {
		clerk, head = of("A", ticketing.RoleClerk), of("A", ticketing.RoleHead)
	}
	why := map[string]any{"reason": "理由"}
	state := func(s ticketing.State) bool { return m.state == s }
	in := m.state
	free := !m.asked[ticketing.RecordReturn] && !m.asked[ticketing.RecordSuspension]
	list := m.deskDeeds(r, returned, dispatcher, lead)
	list = append(list,
		deed{ticketing.ActSign, clerk, nil, state(ticketing.Dispatched), func() {
			m.end("sign")
			if !m.reachable {
				m.begin("contact")
			}
			m.state, m.reachable = ticketing.InProgress, true
		}},
		deed{ticketing.ActDispatchDown, of("A", ticketing.RoleClerk), map[string]any{"department": "A1", "reason": "下派"}, in == ticketing.InProgress && m.department == "A" && free, func() {
			m.give("A1", true)
			m.begin("level@A1")
			m.upper = "A"
		}},
		deed{ticketing.ActContact, clerk, nil, state(ticketing.InProgress), func() { m.end("contact") }},
		deed{ticketing.ActResolve, clerk, map[string]any{"answer": "已修"}, state(ticketing.InProgress) && free, func() {
			m.end("contact", "return", "resolve", "level@"+m.department)
			m.state, m.stage = ticketing.InReview, m.department
			m.asked[ticketing.RecordExtension] = false
		}},
		deed{ticketing.ActApproveReview, head, nil, state(ticketing.InReview) && m.stage == m.department, func() { m.stage = m.upper }},
		deed{ticketing.ActRejectReview, head, why, state(ticketing.InReview) && m.stage == m.department, m.reject},
	)
	if m.upper != "" {
		list = append(list, deed{ticketing.ActApproveReview, of(m.upper, ticketing.RoleHead), nil, in == ticketing.InReview && m.stage == m.upper, func() { m.stage = "" }})
	}
	list = append(list,
		deed{ticketing.ActApproveReview, staff(ticketing.RoleQC), nil, state(ticketing.InReview) && m.stage == "", func() {
			m.state = ticketing.FollowUp
			m.begin("follow_up")
		}},
		deed{ticketing.ActRejectReview, lead, why, state(ticketing.InReview) && m.stage == "", m.reject},
	)
	list = append(list, m.requestDeeds(r, dispatcher, clerk)...)
	list = append(list, m.shareDeeds(dispatcher)...)
	return append(list, m.afterDeeds(r, lead, clerk)...)
}

func (m *model) reject() {
	m.state, m.stage = ticketing.InProgress, ""
	for _, key := range []string{"resolve", "level@" + m.department} {
		if w := m.clocks[key]; w != nil {
			w.stop = time.Time{}
		}
	}
	m.relimit()
}

// relimit gives the clocks that run the limits of the urgency in force.
func (m *model) relimit() {
	for key, w := range m.clocks {
		name := key
		if i := slices.Index([]byte(key), '@'); i >= 0 {
			name = key[:i]
		}
		if w.stop.IsZero() && w.fixed.IsZero() {
			w.limit = m.limitOf(name)
		}
	}
}

func (m *model) deskDeeds(r *rapid.T, returned []string, dispatcher, lead ticketing.Actor) []deed {
	to := rapid.SampledFrom([]string{"A", "B", "C"}).Draw(r, "to")
	urgent := rapid.Bool().Draw(r, "urgent")
	urgency := ticketing.Normal
	if urgent {
		urgency = ticketing.Urgent
	}
	why := map[string]any{"reason": "理由"}
	hop := map[string]any{"department": to, "reason": "按职责"}
	accepted := m.state == ticketing.Accepted
	given := func(designated bool) func() {
		return func() {
			m.upper = ""
			m.give(to, false)
			if designated {
				delete(m.clocks, "return")
				m.returnDue = nil
			}
			m.designated = designated
		}
	}
	editable := accepted || m.working() || m.state == ticketing.Suspended
	return []deed{
		{ticketing.ActAccept, staff(ticketing.RoleAgent), nil, m.state == ticketing.Draft, func() {
			m.state = ticketing.Accepted
			m.begin("dispatch")
		}},
		{ticketing.ActEdit, dispatcher, map[string]any{"urgency": urgency}, editable, func() {
			m.urgent = urgent
			m.relimit()
		}},
		{ticketing.ActNote, lead, map[string]any{"note": "补充"}, m.open() || m.state == ticketing.FollowUp, func() {}},
		{ticketing.ActDispatch, dispatcher, hop, accepted && m.hops < 3 && !slices.Contains(returned, to), given(false)},
		{ticketing.ActDesignate, lead, hop, accepted, given(true)},
		{ticketing.ActUndoDispatch, dispatcher, nil, m.state == ticketing.Dispatched && m.upper == "" && !m.designated && !m.anyAsked(), func() {
			m.state, m.department = ticketing.Accepted, ""
			delete(m.clocks, "sign")
			delete(m.clocks, "return")
			if m.firstDispatch {
				delete(m.clocks, "resolve")
				m.clocks["dispatch"].stop = time.Time{}
				m.relimit()
			}
		}},
		{ticketing.ActCancel, lead, why, accepted || m.state == ticketing.Draft, func() { m.cancel() }},
		{ticketing.ActRequestWithdrawal, staff(ticketing.RoleAgent), why, m.open() && !m.asked[ticketing.RecordWithdrawal], func() { m.asked[ticketing.RecordWithdrawal] = true }},
		{ticketing.ActRefuseWithdrawal, dispatcher, why, m.open() && m.asked[ticketing.RecordWithdrawal], func() { m.asked[ticketing.RecordWithdrawal] = false }},
		{ticketing.ActApproveWithdrawal, dispatcher, nil, m.open() && m.asked[ticketing.RecordWithdrawal], func() { m.cancel() }},
		{ticketing.ActSupervise, lead, map[string]any{"reason": "督办", "until": m.now.Add(50 * time.Hour)}, m.open() && !m.supervised, func() {
			m.supervised = true
			m.begin("supervise").fixed = m.now.Add(50 * time.Hour)
		}},
		{ticketing.ActEndSupervision, lead, nil, (m.open() || m.state == ticketing.FollowUp) && m.supervised, func() {
			m.supervised = false
			m.end("supervise")
		}},
	}
}

func (m *model) cancel() {
	m.close(ticketing.Cancelled)
	m.end("rectify")
	m.rectifying = false
}

func (m *model) requestDeeds(r *rapid.T, dispatcher, clerk ticketing.Actor) []deed {
	why := map[string]any{"reason": "理由"}
	asked := func(k ticketing.RecordKind) bool { return m.asked[k] }
	days := rapid.IntRange(1, 6).Draw(r, "days")
	until := m.now.Add(time.Duration(rapid.IntRange(1, 9000).Draw(r, "pause")) * time.Minute)
	inProgress := m.state == ticketing.InProgress
	inTime := true
	if w := m.clocks["resolve"]; w != nil && inProgress {
		inTime = !m.now.After(m.due(w))
	}
	mayReturn := m.working() && !m.designated && !asked(ticketing.RecordReturn) && (m.returnDue == nil || !m.now.After(m.due(m.returnDue)))
	decider := dispatcher
	if m.upper != "" {
		decider = of(m.upper, ticketing.RoleHead)
	}
	return []deed{
		{ticketing.ActRequestReturn, clerk, map[string]any{"reason": "非本单位", "basis": "三定"}, mayReturn, func() {
			m.asked[ticketing.RecordReturn] = true
			m.end("return")
		}},
		{ticketing.ActRefuseReturn, decider, why, m.working() && asked(ticketing.RecordReturn), func() { m.asked[ticketing.RecordReturn] = false }},
		{ticketing.ActApproveReturn, decider, nil, m.working() && asked(ticketing.RecordReturn), func() {
			m.end("sign", "return", "level@"+m.department)
			m.forget()
			if m.upper != "" {
				m.department, m.upper, m.state = m.upper, "", ticketing.InProgress
				return
			}
			m.end("contact")
			m.hops++
			m.department, m.state = "", ticketing.Accepted
		}},
		{ticketing.ActRequestExtension, clerk, map[string]any{"days": days, "reason": "采购"}, inProgress && inTime && !asked(ticketing.RecordExtension) && m.extended+days <= 10, func() {
			m.asked[ticketing.RecordExtension], m.days = true, days
		}},
		{ticketing.ActRefuseExtension, dispatcher, why, m.working() && asked(ticketing.RecordExtension), func() { m.asked[ticketing.RecordExtension] = false }},
		{ticketing.ActApproveExtension, dispatcher, nil, m.working() && asked(ticketing.RecordExtension), func() {
			m.asked[ticketing.RecordExtension] = false
			m.extended += m.days
			m.clocks["resolve"].extended = append(m.clocks["resolve"].extended, m.days)
		}},
		{ticketing.ActRequestSuspension, clerk, map[string]any{"until": until, "reason": "等待"}, inProgress && !asked(ticketing.RecordSuspension) && m.suspensions == 0, func() {
			m.asked[ticketing.RecordSuspension], m.until = true, until
		}},
		{ticketing.ActRefuseSuspension, dispatcher, why, inProgress && asked(ticketing.RecordSuspension), func() { m.asked[ticketing.RecordSuspension] = false }},
		{ticketing.ActApproveSuspension, dispatcher, nil, inProgress && asked(ticketing.RecordSuspension) && m.until.After(m.now), func() {
			m.asked[ticketing.RecordSuspension] = false
			m.suspensions++
			m.state = ticketing.Suspended
			w := m.clocks["resolve"]
			w.pauses = append(w.pauses, slatest.Pause{From: m.now, To: m.until})
			m.begin("suspension").fixed = m.until
		}},
		{ticketing.ActResume, clerk, nil, m.state == ticketing.Suspended, func() {
			m.state = ticketing.InProgress
			last := &m.clocks["resolve"].pauses[len(m.clocks["resolve"].pauses)-1]
			if m.now.Before(last.To) {
				last.To = m.now
			}
			m.end("suspension")
		}},
	}
}

func (m *model) shareDeeds(dispatcher ticketing.Actor) []deed {
	assist := of("W", ticketing.RoleClerk)
	return []deed{
		{ticketing.ActCoHandle, dispatcher, map[string]any{"department": "W", "reason": "会办"}, m.working() && m.share == "", func() {
			m.share = "open"
			m.begin("share_sign@W")
			m.begin("share@W")
		}},
		{ticketing.ActSignShare, assist, nil, m.atDepartment() && m.share == "open", func() {
			m.share = "signed"
			m.end("share_sign@W")
		}},
		{ticketing.ActAnswerShare, assist, map[string]any{"answer": "管网正常"}, m.atDepartment() && m.share == "signed", func() {
			m.share = ""
			m.end("share_sign@W", "share@W")
		}},
		{ticketing.ActEndShare, dispatcher, map[string]any{"reason": "不需要"}, m.atDepartment() && m.share != "", func() {
			m.share = ""
			m.end("share_sign@W", "share@W")
		}},
	}
}

func (m *model) afterDeeds(r *rapid.T, lead, clerk ticketing.Actor) []deed {
	rating := rapid.IntRange(1, 5).Draw(r, "rating")
	solved := rapid.Bool().Draw(r, "solved")
	answered := m.state == ticketing.FollowUp || m.state == ticketing.Closed
	rate := func(own bool) func() {
		return func() {
			if m.rate(own) && rating <= 2 {
				m.rectify()
			}
		}
	}
	return []deed{
		{ticketing.ActMissFollowUp, lead, nil, m.state == ticketing.FollowUp, func() {}},
		{ticketing.ActFollowUp, lead, map[string]any{"contacted": true, "solved": solved, "rating": rating}, m.state == ticketing.FollowUp, func() {
			m.rate(false)
			if !solved && m.rounds < 2 {
				m.again()
				return
			}
			m.closedAt = m.now
			m.close(ticketing.Closed)
			if !solved || rating <= 2 {
				m.rectify()
			}
		}},
		{ticketing.ActReopen, lead, map[string]any{"reason": "又坏了"}, m.state == ticketing.Closed && m.now.Sub(m.closedAt) <= 30*24*time.Hour, m.again},
		{ticketing.ActRate, staff(ticketing.RoleAgent), map[string]any{"rating": rating}, answered, rate(false)},
		{ticketing.ActRate, ticketing.SystemActor(), map[string]any{"rating": rating, "channel": "sms"}, answered, rate(true)},
		{ticketing.ActRectify, clerk, map[string]any{"answer": "已整改"}, answered && m.rectifying, func() {
			m.rectifying = false
			m.end("rectify")
		}},
	}
}

func treeCity(policy string) ticketing.City {
	c := city(policy)
	c.Departments = []ticketing.Department{{Code: "A", Name: "甲"}, {Code: "A1", Name: "甲一", Parent: "A"}, {Code: "B", Name: "乙"}, {Code: "C", Name: "丙"}, {Code: "W", Name: "水"}}
	c.Catalogue = ticketing.Catalogue{Version: 1}
	return c
}

// TestRandomHistories leads tickets through random histories of 100 actions on a
// real store, beside a model that knows the rules of the field and counts
// limits minute by minute: what is legal, the states, the versions, and every
// clock to the millisecond are the same at each step.
func TestRandomHistories(t *testing.T) {
	for _, convention := range []sla.Convention{sla.Minutes, sla.NthDay} {
		t.Run(string(convention), func(t *testing.T) {
			eachEngine(t, func(t *testing.T, e engine) { randomHistories(t, e, convention) })
		})
	}
}

func randomHistories(t *testing.T, e engine, convention sla.Convention) {
	store := open(t, e.fresh(t))
	now := time.Date(2018, 1, 2, 1, 30, 0, 0, time.UTC)
	svc := ticketing.NewService(store, rules, ticketing.Options{Now: func() time.Time { return now }})
	policy := sla.DefaultPolicy()
	policy.Convention = convention
	document, err := json.Marshal(policy)
	require.NoError(t, err)
	require.NoError(t, svc.ImportCity(t.Context(), ticketing.SystemActor(), treeCity(string(document))))
	keeper, err := sla.FromCity(treeCity(string(document)))
	require.NoError(t, err)
	c := slatest.New()
	c.NthDay = convention == sla.NthDay
	rapid.Check(t, func(r *rapid.T) {
		now = time.Date(2018, 1, 2, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 8*365*24*60).Draw(r, "start")) * time.Minute)
		draft, err := svc.OpenDraft(t.Context(), staff(ticketing.RoleAgent), ticketing.DraftInput{Appeal: ticketing.Appeal{Type: ticketing.Complaint, Title: "路灯", Category: "lamps"}})
		require.NoError(r, err)
		m := newModel(c, now)
		var returned []string
		for range 100 {
			now = now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 7, 60, 200, 700, 3000}).Draw(r, "minutes")) * time.Minute)
			m.now = now
			all := m.deeds(r, returned)
			d := rapid.SampledFrom(all).Draw(r, "any")
			open := slices.DeleteFunc(slices.Clone(all), func(d deed) bool { return !d.legal })
			if len(open) > 0 && rapid.IntRange(0, 4).Draw(r, "legal") > 0 {
				d = rapid.SampledFrom(open).Draw(r, "open")
			}
			if d.legal && d.action == ticketing.ActApproveWithdrawal && rapid.IntRange(0, 9).Draw(r, "withdraw") > 0 {
				continue // or few histories would be long
			}
			raw, err := json.Marshal(d.fields)
			require.NoError(r, err)
			department := m.department
			got, err := svc.Act(t.Context(), d.who, draft.ID, ticketing.Command{Action: d.action, Version: m.version, Fields: raw})
			require.Equal(r, d.legal, err == nil, "%s by %v in %s (%s): %v", d.action, d.who, m.state, m.department, err)
			if err != nil {
				require.NotEqual(r, ticketing.CodeInternal, ticketing.CodeOf(err))
				continue
			}
			if d.action == ticketing.ActApproveReturn && m.upper == "" {
				returned = append(returned, department)
			}
			d.do()
			m.version++
			compare(r, m, got)
		}
		stored, err := store.Ticket(t.Context(), draft.ID)
		require.NoError(r, err)
		compare(r, m, stored)
		events, err := store.Events(t.Context(), draft.ID)
		require.NoError(r, err)
		require.Len(r, events, int(m.version), "an event for each version")
		for i, again := range keeper.Clocks(stored, events) {
			require.True(r, again.DueAt.Equal(stored.Clocks[i].DueAt) && again.StoppedAt.Equal(stored.Clocks[i].StoppedAt), "%s derives again", again.Key())
		}
	})
}

// capped is a level's limit: not later than the whole's, nor earlier than its start.
func (m *model) capped(w *watch, due time.Time) time.Time {
	whole := w.cap
	if w.stop.IsZero() {
		whole = m.due(m.clocks["resolve"])
	}
	if whole.Before(due) {
		due = whole
	}
	if due.Before(w.start) {
		due = w.start
	}
	return due
}

// compare checks a ticket against the model.
func compare(r *rapid.T, m *model, got ticketing.Ticket) {
	require.Equal(r, m.state, got.State)
	require.Equal(r, m.version, got.Version)
	require.Equal(r, m.department, got.Department)
	seen := map[string]ticketing.Clock{}
	for _, c := range got.Clocks {
		seen[c.Key()] = c
	}
	for key, w := range m.clocks {
		c, ok := seen[key]
		require.True(r, ok, "the %s clock is missing", key)
		due := m.due(w)
		if key == "level@A1" {
			due = m.capped(w, due)
		}
		require.True(r, due.Equal(c.DueAt), "%s is due %s, not %s", key, due.In(sla.Zone), c.DueAt.In(sla.Zone))
		require.True(r, w.start.Equal(c.StartedAt) && w.stop.Equal(c.StoppedAt), "%s runs %s to %s, not %s to %s", key, w.start, w.stop, c.StartedAt, c.StoppedAt)
		require.False(r, c.YellowAt.After(c.RedAt) || c.RedAt.After(c.DueAt), "%s warns in order", key)
	}
	require.Len(r, got.Clocks, len(m.clocks))
}

// GoString is short, for what rapid writes of a history that failed.
func (d deed) GoString() string {
	raw, _ := json.Marshal(d.fields)
	return string(d.action) + " by " + d.who.UserID + " " + string(raw)
}
