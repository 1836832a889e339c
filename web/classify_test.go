package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/search/classify"
	"hotline/web"
)

// proposer is a model of the test's categories.
type proposer struct{ model *classify.Model }

func (p proposer) Acceptance() []web.Accepted {
	return []web.Accepted{{Category: "A1", Tickets: 10, Proposed: 8, Accepted: 6}, {Category: "B1", Tickets: 5, Proposed: 2, Accepted: 2}}
}

func (p proposer) Classify(field, text string) (classify.Prediction, int, time.Time, bool) {
	if field == web.FieldType {
		return classify.Prediction{Choice: classify.Choice{Label: "complaint", Probability: 0.9}, Sure: true}, 1, time.Now(), true
	}
	if field == web.FieldDepartment {
		return classify.Prediction{Choice: classify.Choice{Label: "no more", Probability: 0.9}, Sure: true}, 1, time.Now(), true
	}
	if field == web.FieldDistrict {
		return classify.Prediction{Choice: classify.Choice{Label: strings.TrimSpace(text), Probability: 0.9}, Sure: true}, 1, time.Now(), true
	}
	if p.model == nil || field != web.FieldCategory {
		return classify.Prediction{}, 0, time.Time{}, false
	}
	return p.model.Predict(text), p.model.Texts, time.Now(), true
}

func TestCategoriesAreProposed(t *testing.T) {
	var examples []classify.Example
	for range 6 {
		examples = append(examples, classify.Example{Label: "A1", Text: "路灯不亮\n东门的路灯坏了"}, classify.Example{Label: "gone", Text: "暖气不热\n家里供暖不热"})
	}
	model, err := classify.Learn(examples)
	require.NoError(t, err)
	w := newWorld(t, func(d *web.Deps, _ *web.Options) { d.Classifier = proposer{model} })
	agent := w.as("agent1")
	var p web.CategoryProposal
	agent.send("POST", "/api/v1/classify", map[string]string{"title": "路灯又不亮了"}).want(http.StatusOK).json(&p)
	require.Equal(t, "A1", p.Choices[0].Code)
	require.Len(t, p.Choices, 1, "a category that the city has no more is not proposed")
	require.NotEmpty(t, p.Because)
	require.Equal(t, 12, p.Texts)
	require.Equal(t, []web.FieldProposal{{Field: "type", Code: "complaint", Probability: 0.9, Because: []string{}}}, p.Fields, "a department that the city has no more is not proposed")
	var accepted web.AcceptedList
	agent.get("/api/v1/classify/acceptance").want(http.StatusOK).json(&accepted)
	require.Equal(t, []int{15, 10, 8}, []int{accepted.Tickets, accepted.Proposed, accepted.Accepted})
	w.as("secadmin").get("/api/v1/classify/acceptance").problem(http.StatusForbidden, "forbidden")
	agent.send("POST", "/api/v1/classify", map[string]string{"title": "暖气不热"}).want(http.StatusOK).json(&p)
	require.False(t, p.Sure)
	w.as("secadmin").send("POST", "/api/v1/classify", map[string]string{"title": "路灯"}).problem(http.StatusForbidden, "forbidden")
	require.NotContains(t, w.log.String(), "路灯")

	agent.send("POST", "/api/v1/classify", map[string]string{"address": "TN"}).want(http.StatusOK).json(&p)
	require.Equal(t, "TN", p.Fields[1].Code, "by the address too")
	none := newWorld(t, func(d *web.Deps, _ *web.Options) { d.Classifier = proposer{} })
	none.as("agent1").send("POST", "/api/v1/classify", map[string]string{"title": "路灯"}).want(http.StatusOK).json(&p)
	require.Empty(t, p.Choices)
}
