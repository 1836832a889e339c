package app

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/search/classify"
	"hotline/ticketing"
)

// TestCategoriesAreLearnedFromTicketsThatAreOver: nobody's name is learned, and
// the next start has the model of this one.
func TestCategoriesAreLearnedFromTicketsThatAreOver(t *testing.T) {
	node, _ := startNode(t, defaultIndexCare())
	city := testCity("A")
	city.Categories = append(city.Categories, ticketing.Category{Code: "H", Name: "供暖"})
	require.NoError(t, node.Engines.Tickets.ImportCity(t.Context(), ticketing.SystemActor(), city))
	c := &classifier{path: node.cfg.Data + "/models/category"}
	require.ErrorIs(t, node.learn(t.Context(), c), classify.ErrTooFew)
	_, _, _, ok := c.Classify("路灯")
	require.False(t, ok)
	agent := ticketing.Actor{UserID: "u1", Roles: []ticketing.Role{ticketing.RoleAgent}}
	for range 6 {
		for code, text := range map[string]string{"L": "路灯不亮,金丝雀报", "H": "暖气不热,金丝雀报"} {
			d, err := node.Engines.Tickets.OpenDraft(t.Context(), agent, ticketing.DraftInput{
				Appeal: ticketing.Appeal{Type: ticketing.Inquiry, Title: text, Category: code}, Citizen: ticketing.Citizen{Name: "金丝雀", Phone: "13800000001"},
			})
			require.NoError(t, err)
			_, err = node.Engines.Tickets.Act(t.Context(), agent, d.ID, ticketing.Command{Action: ticketing.ActAnswer, Fields: []byte(`{"answer":"已答复"}`)})
			require.NoError(t, err)
		}
	}
	require.NoError(t, node.learn(t.Context(), c))
	p, texts, at, ok := c.Classify("东门路灯坏了")
	require.True(t, ok)
	require.Equal(t, "L", p.Label)
	require.Equal(t, 12, texts)
	require.False(t, at.IsZero())

	next := &classifier{path: c.path}
	require.NoError(t, next.load())
	again, _, _, _ := next.Classify("东门路灯坏了")
	require.Equal(t, p, again)
	named, _, _, _ := next.Classify("金丝雀")
	require.NotContains(t, named.Because, "金丝雀")
	require.NoError(t, os.WriteFile(c.path, []byte("broken"), 0o600))
	require.ErrorIs(t, (&classifier{path: c.path}).load(), classify.ErrModel)
}
