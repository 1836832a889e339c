package web_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"hotline/telephony/survey"
	"hotline/web"
)

func plan() map[string]any {
	return map[string]any{
		"name": "办件回访", "line": "12340", "mode": "preview", "hours": []string{"daily 00:00-24:00"}, "calls": 2, "retry_s": 600,
		"questionnaire": survey.Questionnaire{Questions: []survey.Question{
			{Name: "solved", Kind: survey.Single, Text: "问题是否解决", Options: []survey.Option{{Name: "yes", Text: "是"}, {Name: "no", Text: "否"}}, Skips: []survey.Skip{{If: []string{"no"}, To: "why"}}},
			{Name: "score", Kind: survey.Scale, Text: "打分", Min: 1, Max: 5},
			{Name: "why", Kind: survey.Open, Text: "意见", Free: true},
		}},
	}
}

// A lead makes a campaign, operators call and fill it in, and the results come as sums and as tables.
func TestACampaignFromPlanToResults(t *testing.T) {
	w := newWorld(t, nil)
	lead, agent, other := w.as("lead1"), w.as("agent1"), w.as("agent2")
	agent.send("POST", "/api/v1/campaigns", plan()).problem(http.StatusForbidden, "forbidden")
	var c web.Campaign
	lead.send("POST", "/api/v1/campaigns", plan()).want(http.StatusOK).json(&c)
	require.Equal(t, "draft", string(c.State))
	require.Equal(t, 600, c.RetrySeconds)
	at := "/api/v1/campaigns/" + c.ID
	var added web.AddedContacts
	lead.send("POST", at+"/contacts", map[string]any{"contacts": []map[string]any{
		{"number": "+8613812345678", "name": "王小明", "facts": map[string]string{"ticket": "T1"}}, {"number": "13812345678"}, {"number": "nobody"}, {"number": "13900001111", "name": "=李四"},
	}}).want(http.StatusOK).json(&added)
	require.Equal(t, web.AddedContacts{Added: 2, Bad: []int{3}}, added)
	agent.send("POST", at+"/next", nil).problem(http.StatusConflict, "not_open")
	lead.send("POST", at+"/state", map[string]string{"state": "running"}).want(http.StatusOK)

	var x, y web.Contact
	agent.send("POST", at+"/next", nil).want(http.StatusOK).json(&x)
	require.Equal(t, "王小明", x.Name, "who calls has to know whom to ask for")
	require.Equal(t, "138****5678", x.Number)
	other.send("POST", at+"/next", nil).want(http.StatusOK).json(&y)
	require.NotEqual(t, x.ID, y.ID)
	agent.send("POST", "/api/v1/contacts/"+x.ID+"/call", map[string]string{"seat": "8001"}).problem(http.StatusNotFound, "not_found") // no phone there
	var seen web.Contact
	other.get("/api/v1/contacts/" + x.ID).want(http.StatusOK).json(&seen)
	require.Equal(t, "王**", seen.Name)
	other.get("/api/v1/contacts/none").problem(http.StatusNotFound, "not_found")
	answers := "/api/v1/contacts/" + x.ID + "/answers"
	other.send("POST", answers, map[string]any{"outcome": "refused"}).problem(http.StatusConflict, "not_open")
	p := agent.send("POST", answers, map[string]any{"answers": []survey.Answer{{Question: "solved", Values: []string{"maybe"}}}}).problem(http.StatusUnprocessableEntity, "invalid")
	require.Contains(t, p.Detail, `"maybe" is none of its options`)
	var done web.Contact
	agent.send("POST", answers, map[string]any{"answers": []survey.Answer{
		{Question: "solved", Values: []string{"yes"}}, {Question: "score", Values: []string{"4"}}, {Question: "why"},
	}}).want(http.StatusOK).json(&done)
	require.Equal(t, survey.Done, done.Outcome)
	require.Equal(t, "王**", done.Name)
	other.send("POST", "/api/v1/contacts/"+y.ID+"/answers", map[string]any{"outcome": "not_again"}).want(http.StatusOK)

	var list []web.Contact
	agent.get(at + "/contacts?outcome=done").want(http.StatusOK).json(&list)
	require.Len(t, list, 1)
	agent.get(at).want(http.StatusOK).json(&c)
	require.Len(t, c.Contacts, 2)
	var sums web.CampaignResults
	agent.get(at + "/results").want(http.StatusOK).json(&sums)
	require.Equal(t, 1, sums.Done)
	require.Equal(t, map[string]int{"yes": 1}, sums.Questions[0].Counts)
	require.InDelta(t, 4, sums.Questions[1].Mean, 0)
	require.Equal(t, 1, sums.Questions[2].Asked)
	require.Zero(t, sums.Questions[2].Answered)

	agent.get(at+"/results.csv").problem(http.StatusForbidden, "forbidden")
	table := lead.get(at + "/results.csv").want(http.StatusOK)
	require.Len(t, w.as("secadmin").entries("action=export.campaign-table&actor=u-lead1"), 1, "an export is on record")
	require.Equal(t, "text/csv; charset=utf-8", table.Header.Get("Content-Type"))
	lines := strings.Split(strings.TrimSpace(string(table.Body)), "\n")
	require.Len(t, lines, 3)
	require.True(t, strings.HasPrefix(lines[0], "\ufeffcontact,number,name,state,outcome,calls,operator,ended_at,solved,score,why"), lines[0])
	require.Contains(t, string(table.Body), ",138****5678,王**,over,done,0,u-agent1,")
	require.NotContains(t, string(table.Body), "13812345678")
	require.NotContains(t, string(table.Body), ",=", "no formula")
	sheet, err := excelize.OpenReader(bytes.NewReader(lead.get(at + "/results.xlsx").want(http.StatusOK).Body))
	require.NoError(t, err)
	cell, err := sheet.GetCellValue(sheet.GetSheetName(0), "J2")
	require.NoError(t, err)
	require.Contains(t, []string{"4", ""}, cell)

	var never []web.NoCall
	agent.get("/api/v1/no-calls").want(http.StatusOK).json(&never)
	require.Len(t, never, 1)
	require.Equal(t, "citizen", never[0].By)
	agent.send("POST", "/api/v1/no-calls", map[string]string{"number": "13700002222", "reason": "来信要求"}).want(http.StatusOK)
	agent.send("POST", "/api/v1/no-calls", map[string]string{"number": "nobody"}).problem(http.StatusUnprocessableEntity, "invalid")
	agent.send("POST", "/api/v1/no-calls/lift", map[string]string{"number": "13700002222"}).problem(http.StatusForbidden, "forbidden")
	lead.send("POST", "/api/v1/no-calls/lift", map[string]string{"number": "13700002222"}).want(http.StatusNoContent)
	lead.send("POST", "/api/v1/no-calls/lift", map[string]string{"number": "13700002222"}).problem(http.StatusNotFound, "not_found")

	p = lead.send("POST", "/api/v1/campaigns", map[string]any{"name": "x", "line": "12340", "mode": "automatic", "questionnaire": plan()["questionnaire"]}).problem(http.StatusUnprocessableEntity, "invalid")
	require.Contains(t, p.Detail, `question "solved": an automatic campaign needs prompts to say`)
	lead.send("PUT", at, plan()).problem(http.StatusConflict, "not_open")
	lead.send("POST", at+"/state", map[string]string{"state": "ended"}).want(http.StatusOK)
	var all []web.Campaign
	agent.get("/api/v1/campaigns").want(http.StatusOK).json(&all)
	require.Len(t, all, 1)

	// Of a sealed line nothing is there for others.
	w.calls.mu.Lock()
	w.calls.sealed = map[string][]string{"12340": {"8009"}}
	w.calls.mu.Unlock()
	agent.get(at).problem(http.StatusNotFound, "not_found")
	lead.get(at+"/results.csv").problem(http.StatusNotFound, "not_found")
	agent.get("/api/v1/contacts/"+x.ID).problem(http.StatusNotFound, "not_found")
	lead.send("POST", "/api/v1/campaigns", plan()).problem(http.StatusNotFound, "not_found")
	agent.get("/api/v1/campaigns").want(http.StatusOK).json(&all)
	require.Empty(t, all)
}
