package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/cmd/hotline/app"
	"hotline/cmd/hotline/testbed"
	"hotline/ticketing"
	"hotline/web"
)

// byPlatform are the actions that no person does: their effects are looked for.
var byPlatform = []ticketing.Action{ticketing.ActAnswerMerged, ticketing.ActArchive}

// TestTour leads tickets through every action of the table over HTTP.
func TestTour(t *testing.T) {
	t.Parallel()
	engineSets(t, func(t *testing.T, e engineSet) {
		n := startNode(t, e, app.Options{})
		v := &tour{t: t, base: n.URL(), desks: map[string]*desk{}, done: map[ticketing.Action]bool{}}
		v.directly()
		v.throughADepartment()
		v.downAndUp()
		v.returned()
		v.disputed()
		v.together()
		v.pressed()
		v.suspended()
		v.grouped()
		v.withdrawn()
		v.afterwards()
		for _, action := range ticketing.ActionNames() {
			require.True(t, v.done[action] || slices.Contains(byPlatform, action), "the tour leaves %s out", action)
		}
	})
}

type tour struct {
	t     *testing.T
	base  string
	desks map[string]*desk
	done  map[ticketing.Action]bool
}

type fields = map[string]any

func (v *tour) as(login string) *desk {
	if v.desks[login] == nil {
		v.desks[login] = signIn(v.t, v.base, login)
	}
	return v.desks[login]
}

// try does an action and gives the status with what came.
func (v *tour) try(login, ref, action string, f fields) (int, []byte) {
	v.t.Helper()
	all := fields{"action": action}
	for k, value := range f {
		all[k] = value
	}
	raw, err := json.Marshal(all)
	require.NoError(v.t, err)
	status, _, body := v.as(login).send(http.MethodPost, "/api/v1/tickets/"+ref+"/actions", bytes.NewReader(raw))
	return status, body
}

// act does an action that must work: it was offered, and works at the version that was read.
func (v *tour) act(login, ref, action string, f fields) web.Ticket {
	v.t.Helper()
	seen := v.read(login, ref)
	require.True(v.t, slices.ContainsFunc(seen.Actions, func(a web.Action) bool { return a.Name == ticketing.Action(action) && a.Enabled }),
		"%s is not offered to %s: %+v", action, login, seen.Actions)
	f2 := fields{"version": seen.Version}
	for k, value := range f {
		f2[k] = value
	}
	status, body := v.try(login, ref, action, f2)
	require.Equal(v.t, http.StatusOK, status, "%s by %s: %s", action, login, body)
	var after web.Ticket
	require.NoError(v.t, json.Unmarshal(body, &after))
	require.Equal(v.t, seen.Version+1, after.Version)
	v.done[ticketing.Action(action)] = true
	return after
}

// refused does an action that must not work, and says why.
func (v *tour) refused(login, ref, action string, f fields, why string) {
	v.t.Helper()
	status, body := v.try(login, ref, action, f)
	require.GreaterOrEqual(v.t, status, 400)
	require.Less(v.t, status, 500)
	require.Contains(v.t, string(body), why)
}

func (v *tour) read(login, ref string) web.Ticket {
	v.t.Helper()
	var seen web.Ticket
	v.as(login).call(http.MethodGet, "/api/v1/tickets/"+ref, nil, &seen)
	return seen
}

// until waits for what a worker does.
func (v *tour) until(ref string, is func(web.Ticket) bool) web.Ticket {
	v.t.Helper()
	var seen web.Ticket
	require.Eventually(v.t, func() bool {
		seen = v.read("lead1", ref)
		return is(seen)
	}, testbed.Patience, 20*time.Millisecond)
	return seen
}

func (v *tour) draft() string {
	v.t.Helper()
	var made web.Ticket
	v.as("agent1").call(http.MethodPost, "/api/v1/tickets", fields{
		"appeal":  fields{"type": "complaint", "title": "路灯不亮", "description": "东门的路灯不亮", "category": "transport-streetlights"},
		"citizen": fields{"name": "王建国", "phone": "13812345678", "elderly": true, "proxy": fields{"name": "王小明", "phone": "13912345678", "relation": "子女"}},
	}, &made)
	require.True(v.t, made.Citizen.Elderly)
	require.Equal(v.t, "139****5678", made.Citizen.Proxy.Phone)
	return made.ID
}

func (v *tour) accepted() string {
	v.t.Helper()
	return v.act("agent1", v.draft(), "accept", nil).Number
}

// given is a ticket that a department has not signed yet.
func (v *tour) given(department string) string {
	v.t.Helper()
	number := v.accepted()
	seen := v.until(number, func(s web.Ticket) bool { return s.State == ticketing.Dispatched || s.AtDesk })
	if seen.State == ticketing.Dispatched && seen.Department != department {
		v.act("dispatcher1", number, "undo_dispatch", fields{"note": "改派"})
		seen = v.read("lead1", number)
	}
	if seen.State == ticketing.Accepted {
		v.act("dispatcher1", number, "dispatch", fields{"department": department, "reason": "按职责"})
	}
	return number
}

func (v *tour) signed(department string) string {
	v.t.Helper()
	number := v.given(department)
	after := v.act("clerk-"+department, number, "sign", nil)
	require.Equal(v.t, ticketing.InProgress, after.State)
	require.NotEmpty(v.t, after.Handler, "somebody handles it")
	return number
}

func (v *tour) approved(department, number string) {
	v.t.Helper()
	v.act("clerk-"+department, number, "resolve", fields{"answer": "已修复", "public": "已修复", "factual": true, "contacted": true, "solved": true})
	after := v.act("head-"+department, number, "approve_review", fields{"note": "同意"})
	require.Equal(v.t, ticketing.InReview, after.State, "the centre is next")
	v.refused("head-"+department, number, "approve_review", nil, "the centre is next")
	after = v.act("qc1", number, "approve_review", nil)
	require.Equal(v.t, ticketing.FollowUp, after.State)
}

func (v *tour) directly() {
	d := v.draft()
	v.act("agent1", d, "edit", fields{"title": "路灯全不亮"})
	v.act("agent1", d, "answer_directly", fields{"answer": "今晚恢复"})
	e := v.act("agent1", v.draft(), "refer", fields{"to": "120", "note": "已转 120"})
	require.Equal(v.t, ticketing.Closed, e.State)
	require.NotEmpty(v.t, e.Number)
	v.act("agent1", v.draft(), "cancel", fields{"reason": "误拨"})
}

func (v *tour) throughADepartment() {
	number := v.signed("transport")
	v.act("agent1", number, "note", fields{"note": "市民补充:东门两盏"})
	v.refused("dispatcher1", number, "edit", fields{"type": "inquiry"}, "reason")
	v.act("dispatcher1", number, "edit", fields{"type": "inquiry", "reason": "实为咨询"})
	seen := v.read("supervisor1", number)
	require.Equal(v.t, ticketing.RecordRelabelling, seen.Records[len(seen.Records)-1].Kind)
	v.act("clerk-transport", number, "assign", fields{"user": v.as("clerk-transport").user})
	v.act("clerk-transport", number, "contact", fields{"note": "已电话联系"})
	v.refused("clerk-transport", number, "contact", fields{"call_id": "no-such-call"}, "call_id")
	v.act("clerk-transport", number, "resolve", fields{"answer": "会修"})
	v.act("head-transport", number, "reject_review", fields{"reason": "太笼统"})
	v.approved("transport", number)
	v.act("follow1", number, "miss_follow_up", fields{"note": "无人接听"})
	again := v.act("follow1", number, "follow_up", fields{"contacted": true, "solved": false, "note": "还是不亮"})
	require.Equal(v.t, ticketing.InProgress, again.State, "unsolved goes back")
	v.approved("transport", number)
	closed := v.act("follow1", number, "follow_up", fields{"contacted": true, "solved": true, "rating": 1, "note": "太慢"})
	require.Equal(v.t, ticketing.Closed, closed.State)
	require.Equal(v.t, 1, closed.Rating)
	v.act("clerk-transport", number, "rectify", fields{"answer": "已当面致歉并检修全线"})
}

func (v *tour) downAndUp() {
	number := v.signed("transport")
	v.refused("clerk-transport", number, "dispatch_down", fields{"department": "urban", "reason": "x"}, "not below")
	down := v.act("clerk-transport", number, "dispatch_down", fields{"department": "roads", "reason": "由养护中心办理"})
	require.Equal(v.t, ticketing.Dispatched, down.State)
	require.True(v.t, slices.ContainsFunc(down.Clocks, func(c web.Clock) bool { return c.Name == ticketing.ClockLevel && c.Department == "roads" && c.Running }))
	v.act("clerk-roads", number, "request_return", fields{"reason": "非养护范围", "basis": "三定方案", "proposed": "urban"})
	v.refused("dispatcher1", number, "approve_return", nil, "not yours to decide")
	up := v.act("head-transport", number, "approve_return", fields{"note": "收回"})
	require.Equal(v.t, "transport", up.Department)
	require.Equal(v.t, ticketing.InProgress, up.State)
	v.act("clerk-transport", number, "dispatch_down", fields{"department": "roads", "reason": "路面部分"})
	v.act("clerk-roads", number, "sign", nil)
	v.act("clerk-roads", number, "resolve", fields{"answer": "路面已修"})
	require.Equal(v.t, "transport", v.act("head-roads", number, "approve_review", nil).ReviewBy)
	v.act("head-transport", number, "approve_review", nil)
	require.Equal(v.t, ticketing.FollowUp, v.act("lead1", number, "approve_review", nil).State)
}

func (v *tour) returned() {
	number := v.given("transport")
	resolve := func() web.Clock {
		seen := v.read("lead1", number)
		return seen.Clocks[slices.IndexFunc(seen.Clocks, func(c web.Clock) bool { return c.Name == ticketing.ClockResolve })]
	}
	due := resolve().DueAt
	units := []string{"transport", "urban", "water", "housing"}
	for i, unit := range units[:3] {
		v.act("clerk-"+unit, number, "request_return", fields{"reason": "不属本单位", "basis": "三定方案", "proposed": units[i+1]})
		if i == 0 {
			v.act("clerk-"+unit, number, "withdraw_request", nil)
			v.act("clerk-"+unit, number, "request_return", fields{"reason": "不属本单位", "basis": "三定方案"})
			v.act("dispatcher1", number, "refuse_return", fields{"reason": "请再核实"})
			v.act("clerk-"+unit, number, "request_return", fields{"reason": "确不属本单位", "basis": "三定方案", "proposed": units[i+1]})
		}
		back := v.act("dispatcher1", number, "approve_return", fields{"note": "同意"})
		require.Equal(v.t, ticketing.Accepted, back.State)
		require.Equal(v.t, i+1, back.Hops)
		require.True(v.t, resolve().Running, "a return does not stop the clock")
		if i == 2 {
			v.refused("dispatcher1", number, "dispatch", fields{"department": units[i+1], "reason": "x"}, "designate")
			break
		}
		v.act("dispatcher1", number, "dispatch", fields{"department": units[i+1], "reason": "按退单建议"})
	}
	require.WithinDuration(v.t, due, resolve().DueAt, 0, "nor does it move it")
	v.act("lead1", number, "designate", fields{"department": "housing", "reason": "三次退单,终裁"})
	v.refused("clerk-housing", number, "request_return", fields{"reason": "x", "basis": "y"}, "designated")
}

func (v *tour) disputed() {
	number := v.signed("transport")
	v.act("dispatcher1", number, "open_dispute", fields{"departments": []string{"transport", "urban"}, "reason": "两家都说不管"})
	v.act("clerk-transport", number, "state_case", fields{"answer": "属市容", "basis": "条例第三条"})
	v.act("clerk-urban", number, "state_case", fields{"answer": "属道路设施"})
	ruled := v.act("supervisor1", number, "rule", fields{"department": "urban", "reason": "以市容为主", "basis": "条例第三条", "amend": true})
	require.Equal(v.t, "urban", ruled.Department)
	require.True(v.t, ruled.Designated)
	require.Eventually(v.t, func() bool {
		later := v.until(v.accepted(), func(s web.Ticket) bool { return s.State == ticketing.Dispatched || s.AtDesk })
		return later.Department == "urban" && strings.Contains(later.Assignments[0].Reason, "裁定 "+number)
	}, testbed.Patience, 50*time.Millisecond, "later tickets of the matter follow the ruling")
}

func (v *tour) together() {
	number := v.signed("transport")
	v.act("clerk-transport", number, "request_co_handling", fields{"department": "water", "reason": "涉及管网"})
	v.act("dispatcher1", number, "refuse_co_handling", fields{"reason": "先自行核实"})
	v.act("clerk-transport", number, "request_co_handling", fields{"department": "water", "reason": "涉及管网"})
	v.act("dispatcher1", number, "approve_co_handling", nil)
	v.act("dispatcher1", number, "co_handle", fields{"department": "gardens", "reason": "行道树遮挡"})
	require.NotEmpty(v.t, v.read("clerk-water", number).ID, "who assists sees it")
	v.refused("clerk-water", number, "resolve", fields{"answer": "x"}, "not with your department")
	v.act("clerk-water", number, "sign_share", nil)
	v.act("clerk-water", number, "answer_share", fields{"answer": "管网正常"})
	v.act("dispatcher1", number, "end_share", fields{"reason": "无需园林配合"})
	seen := v.read("lead1", number)
	states := map[string]ticketing.RecordState{}
	for _, r := range seen.Records {
		if r.Kind == ticketing.RecordCoHandling && r.State != ticketing.RecordRefused {
			states[r.Department] = r.State
		}
	}
	require.Equal(v.t, map[string]ticketing.RecordState{"water": ticketing.RecordDone, "gardens": ticketing.RecordEnded}, states)
}

func (v *tour) pressed() {
	number := v.signed("transport")
	v.act("agent1", number, "urge", fields{"reason": "三天没动静"})
	v.act("clerk-transport", number, "answer_urge", fields{"answer": "备件明日到"})
	v.act("supervisor1", number, "supervise", fields{"reason": "多次催办", "until": time.Now().Add(24 * time.Hour), "escalation": []string{"role:lead"}})
	var list web.Page[web.RecordItem]
	v.as("supervisor1").call(http.MethodGet, "/api/v1/records?kind=supervision&state=open", nil, &list)
	require.True(v.t, slices.ContainsFunc(list.Items, func(i web.RecordItem) bool { return i.Ticket.Number == number }))
	v.act("supervisor1", number, "end_supervision", fields{"note": "已落实"})
}

func (v *tour) suspended() {
	number := v.signed("transport")
	v.act("clerk-transport", number, "request_extension", fields{"days": 3, "reason": "备件采购"})
	v.act("dispatcher1", number, "refuse_extension", fields{"reason": "请先说明"})
	v.refused("clerk-transport", number, "request_extension", fields{"days": 11, "reason": "x"}, "working days that are left")
	v.act("clerk-transport", number, "request_extension", fields{"days": 3, "reason": "备件采购,附合同"})
	v.act("dispatcher1", number, "approve_extension", fields{"note": "同意"})
	until := time.Now().Add(72 * time.Hour)
	v.act("clerk-transport", number, "request_suspension", fields{"until": until, "reason": "等待供电"})
	v.act("dispatcher1", number, "refuse_suspension", fields{"reason": "材料不足"})
	v.act("clerk-transport", number, "request_suspension", fields{"until": until, "reason": "等待供电,附函"})
	v.refused("clerk-transport", number, "resolve", fields{"answer": "x"}, "waits for its decision")
	held := v.act("dispatcher1", number, "approve_suspension", nil)
	require.Equal(v.t, ticketing.Suspended, held.State)
	require.True(v.t, slices.ContainsFunc(held.Clocks, func(c web.Clock) bool { return c.Name == ticketing.ClockResolve && c.State == "paused" }))
	v.act("clerk-transport", number, "resume", fields{"note": "已供电"})
	v.refused("clerk-transport", number, "request_suspension", fields{"until": until, "reason": "x"}, "suspended 1 times already")
	var clocks web.Page[web.ClockDerivation]
	v.as("clerk-transport").call(http.MethodGet, "/api/v1/tickets/"+number+"/clocks", nil, &clocks)
	words := ""
	for _, c := range clocks.Items {
		for _, s := range c.Derivation {
			words += s.Zh + "\n"
		}
	}
	require.Contains(v.t, words, "批准延期 3 个工作日")
	require.Contains(v.t, words, "挂起不计时")
}

func (v *tour) grouped() {
	main, repeat, other := v.signed("transport"), v.given("transport"), v.given("transport")
	v.act("dispatcher1", repeat, "link", fields{"ticket": main, "relation": "duplicate"})
	v.act("dispatcher1", repeat, "unlink", nil)
	v.act("dispatcher1", repeat, "edit", fields{"urgency": "urgent"})
	v.refused("dispatcher1", repeat, "merge", fields{"ticket": main, "reason": "x"}, "due later")
	v.act("dispatcher1", repeat, "edit", fields{"urgency": "normal"})
	v.act("dispatcher1", repeat, "merge", fields{"ticket": main, "reason": "同一盏灯"})
	v.act("dispatcher1", other, "merge", fields{"ticket": main, "reason": "同一盏灯"})
	v.act("dispatcher1", other, "unmerge", fields{"reason": "不是同一盏"})
	parts := v.act("dispatcher1", main, "split", fields{"reason": "另有漏水", "parts": []fields{{"title": "管道漏水", "description": "灯旁漏水", "category": "transport-manholes"}}})
	part := parts.Records[len(parts.Records)-1].Other
	require.Regexp(v.t, `^\d{8}-\d{6}$`, part)
	require.Equal(v.t, "管道漏水", v.read("agent1", part).Appeal.Title)
	v.approved("transport", main)
	got := v.until(repeat, func(s web.Ticket) bool { return s.State == ticketing.FollowUp })
	require.Equal(v.t, "已修复", got.Answer, "each citizen gets the reply")
	v.act("follow1", repeat, "follow_up", fields{"contacted": true, "solved": true, "rating": 5})
}

func (v *tour) withdrawn() {
	number := v.signed("transport")
	v.act("agent1", number, "request_withdrawal", fields{"reason": "市民来电要求撤单"})
	v.act("dispatcher1", number, "refuse_withdrawal", fields{"reason": "涉及安全,继续办理"})
	v.act("agent1", number, "request_withdrawal", fields{"reason": "已自行解决"})
	require.Equal(v.t, ticketing.Cancelled, v.act("lead1", number, "approve_withdrawal", nil).State)
}

func (v *tour) afterwards() {
	number := v.signed("transport")
	v.approved("transport", number)
	v.act("follow1", number, "follow_up", fields{"contacted": true, "solved": true, "rating": 5})
	v.act("agent1", number, "rate", fields{"rating": 4, "channel": "phone"})
	require.Equal(v.t, 5, v.read("lead1", number).Rating, "one counts")
	v.act("head-transport", number, "appeal", fields{"item": "overdue", "reason": "不可抗力"})
	require.Equal(v.t, []string{"overdue"}, v.act("qc1", number, "uphold_appeal", fields{"reason": "属实"}).Struck)
	v.act("head-transport", number, "appeal", fields{"item": "return", "reason": "职责不清"})
	v.act("supervisor1", number, "dismiss_appeal", fields{"reason": "目录已列明"})
	back := v.act("lead1", number, "reopen", fields{"reason": "又不亮了"})
	require.Equal(v.t, ticketing.InProgress, back.State)
}
