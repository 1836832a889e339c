package bridge_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/cmd/hotline/bridge"
	"hotline/telephony/prompts"
	"hotline/ticketing"
)

// A caller hears of the own tickets, by their number or its end, and of nobody else's; nor of a confidential one.
func TestWhatACallerIsTold(t *testing.T) {
	n := open(t)
	ctx := t.Context()
	require.NoError(t, n.service.ImportCity(ctx, ticketing.SystemActor(), ticketing.City{
		Name:        "测试市",
		Departments: []ticketing.Department{{Code: "A", Name: "甲局"}},
		Categories:  []ticketing.Category{{Code: "L", Name: "路灯"}},
		Catalogue:   ticketing.Catalogue{Version: 1, Entries: []ticketing.CatalogueEntry{{Category: "L", Department: "A"}}},
	}))
	agent := ticketing.Actor{UserID: "u1", Roles: []ticketing.Role{ticketing.RoleAgent}}
	file := func(phone string, confidential bool) ticketing.Ticket {
		t.Helper()
		draft, err := n.service.OpenDraft(ctx, agent, ticketing.DraftInput{
			Appeal:  ticketing.Appeal{Type: ticketing.Complaint, Title: "路灯不亮", Category: "L"},
			Citizen: ticketing.Citizen{Phone: phone}, Confidential: confidential,
		})
		require.NoError(t, err)
		filed, err := n.service.Act(ctx, agent, draft.ID, ticketing.Command{Action: ticketing.ActAccept})
		require.NoError(t, err)
		return filed
	}
	mine, hidden := file("14212345678", false), file("14212340000", true)
	digits := func(ticket ticketing.Ticket) string { return strings.ReplaceAll(ticket.Number, "-", "") }
	callers := bridge.NewCallers(n.service)
	facts, err := callers.Facts(ctx, "14212345678")
	require.NoError(t, err)
	require.Equal(t, []string{"ticket"}, facts)
	for name, c := range map[string]struct {
		caller, keyed string
		want          []string
	}{
		"whole number":    {"14212345678", digits(mine), []string{prompts.ProgressAccepted}},
		"its end":         {"14212345678", digits(mine)[8:], []string{prompts.ProgressAccepted}},
		"too little":      {"14212345678", digits(mine)[9:], nil},
		"another one":     {"14212345678", "999999", nil},
		"somebody else's": {"14212349999", digits(mine), nil},
		"confidential":    {"14212340000", digits(hidden), nil},
	} {
		says, err := callers.Progress(ctx, c.caller, c.keyed)
		require.NoError(t, err, name)
		require.Equal(t, c.want, says, name)
	}
	facts, err = callers.Facts(ctx, "14212340000")
	require.NoError(t, err)
	require.Empty(t, facts, "that there is a confidential one is nobody's to hear")
	current, err := n.service.Ticket(ctx, ticketing.SystemActor(), mine.ID)
	require.NoError(t, err)
	lead := ticketing.Actor{UserID: "lead", Roles: []ticketing.Role{ticketing.RoleLead, ticketing.RoleSupervisor, ticketing.RoleDispatcher}}
	_, err = n.service.Act(ctx, lead, mine.ID, ticketing.Command{Action: ticketing.ActCancel, Version: current.Version, Fields: []byte(`{"reason":"重复"}`)})
	require.NoError(t, err)
	facts, err = callers.Facts(ctx, "14212345678")
	require.NoError(t, err)
	require.Empty(t, facts, "it is over")
	says, err := callers.Progress(ctx, "14212345678", digits(mine))
	require.NoError(t, err)
	require.Nil(t, says)
	_, err = n.service.OfCaller(ctx, agent, "14212345678")
	require.ErrorIs(t, err, ticketing.ErrForbidden)
}
