package app

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/search/classify"
	"hotline/ticketing"
	"hotline/web"
)

// TestCategoriesAreLearnedFromTicketsThatAreOver: nobody's name is learned, and
// the next start has the model of this one.
func TestCategoriesAreLearnedFromTicketsThatAreOver(t *testing.T) {
	node, _ := startNode(t, defaultIndexCare())
	city := testCity("A")
	city.Categories = append(city.Categories, ticketing.Category{Code: "H", Name: "供暖"})
	require.NoError(t, node.Engines.Tickets.ImportCity(t.Context(), ticketing.SystemActor(), city))
	c := newClassifier(node.cfg.Data + "/models")
	require.ErrorIs(t, node.learn(t.Context(), c), classify.ErrTooFew)
	_, _, _, ok := c.Classify(web.FieldCategory, "路灯")
	require.False(t, ok)
	agent := ticketing.Actor{UserID: "u1", Roles: []ticketing.Role{ticketing.RoleAgent}}
	report := func(code, text string, times int) {
		for range times {
			d, err := node.Engines.Tickets.OpenDraft(t.Context(), agent, ticketing.DraftInput{
				Appeal: ticketing.Appeal{Type: ticketing.Inquiry, Title: text, Category: code}, Citizen: ticketing.Citizen{Name: "金丝雀", Phone: "13800000001"},
			})
			require.NoError(t, err)
			_, err = node.Engines.Tickets.Act(t.Context(), agent, d.ID, ticketing.Command{Action: ticketing.ActAnswer, Fields: []byte(`{"answer":"已答复"}`)})
			require.NoError(t, err)
		}
	}
	report("L", "路灯不亮,金丝雀报", 6)
	report("H", "暖气不热,金丝雀报", 6)
	require.NoError(t, node.learn(t.Context(), c))
	p, texts, at, ok := c.Classify(web.FieldCategory, "东门路灯坏了")
	require.True(t, ok)
	require.Equal(t, "L", p.Label)
	require.Equal(t, 12, texts)
	require.False(t, at.IsZero())

	next := newClassifier(c.dir)
	require.NoError(t, next.load())
	again, _, _, _ := next.Classify(web.FieldCategory, "东门路灯坏了")
	require.Equal(t, p, again)
	named, _, _, _ := next.Classify(web.FieldCategory, "金丝雀")
	require.NotContains(t, named.Because, "金丝雀")
	require.Empty(t, c.Acceptance(), "nothing came after the first model")
	report("L", "路灯不亮", 2)
	report("H", "西门路灯坏了", 1)
	require.NoError(t, node.learn(t.Context(), c))
	after := []web.Accepted{{Category: "H", Tickets: 1, Proposed: 1}, {Category: "L", Tickets: 2, Proposed: 2, Accepted: 2}}
	require.Equal(t, after, c.Acceptance())
	next = newClassifier(c.dir)
	require.NoError(t, next.load())
	require.Equal(t, after, next.Acceptance(), "the next start knows it")
	require.NoError(t, os.WriteFile(c.dir+"/category", []byte("broken"), 0o600))
	require.ErrorIs(t, newClassifier(c.dir).load(), classify.ErrModel)
}
