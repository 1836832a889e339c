package sqlstore_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/ticketing"
	"hotline/ticketing/sla"
)

func city(policy string) ticketing.City {
	return ticketing.City{
		Name:        "临江市",
		Departments: []ticketing.Department{{Code: "urban", Name: "城管局"}},
		Categories:  []ticketing.Category{{Code: "lamps", Name: "路灯"}},
		Catalogue:   ticketing.Catalogue{Version: 1, Entries: []ticketing.CatalogueEntry{{Category: "lamps", Department: "urban"}}},
		Policy:      json.RawMessage(policy),
	}
}

const shortPolicy = `{"version":1,"convention":"minutes","rules":[
	{"clock":"dispatch","limit":"30min","any_hour":true},{"clock":"sign","limit":"1wd"},{"clock":"contact","limit":"1wd"},
	{"clock":"resolve","limit":"5wd"},{"clock":"follow_up","limit":"2wd"}]}`

// TestAPolicyMovesOpenClocksOnly goes through the life with the real clocks: they
// derive again from the stored events to the millisecond, a new policy moves
// those that run, with an event, and none of those that stopped.
func TestAPolicyMovesOpenClocksOnly(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		ctx := t.Context()
		store := open(t, e.fresh(t))
		now := time.Date(2026, 3, 2, 1, 30, 0, 123e6, time.UTC)
		svc := ticketing.NewService(store, rules, ticketing.Options{Now: func() time.Time { return now }})
		admin := ticketing.Actor{UserID: "admin", Roles: []ticketing.Role{ticketing.RoleAdmin}}
		agent := ticketing.Actor{UserID: "agent", Roles: []ticketing.Role{ticketing.RoleAgent, ticketing.RoleLead}}
		clerk := ticketing.Actor{UserID: "clerk", Roles: []ticketing.Role{ticketing.RoleClerk}, Department: "urban"}
		require.NoError(t, svc.ImportCity(ctx, admin, city(shortPolicy)))
		accepted := func() string {
			d, err := svc.OpenDraft(ctx, agent, ticketing.DraftInput{Appeal: ticketing.Appeal{Type: ticketing.Complaint, Title: "路灯", Category: "lamps"}})
			require.NoError(t, err)
			_, err = svc.Act(ctx, agent, d.ID, ticketing.Command{Action: ticketing.ActAccept})
			require.NoError(t, err)
			return d.ID
		}
		done, running := accepted(), accepted()
		items, err := store.PendingOutbox(ctx, ticketing.TopicRoute, 10)
		require.NoError(t, err)
		for _, item := range items {
			require.NoError(t, svc.RouteTicket(ctx, item))
		}
		now = now.Add(time.Hour)
		for _, id := range []string{done, running} {
			_, err = svc.Act(ctx, clerk, id, ticketing.Command{Action: ticketing.ActSign})
			require.NoError(t, err)
		}
		steps := []struct {
			who    ticketing.Actor
			action ticketing.Action
			fields string
		}{
			{clerk, ticketing.ActResolve, `{"answer":"已修"}`},
			{ticketing.Actor{UserID: "h", Roles: []ticketing.Role{ticketing.RoleHead}, Department: "urban"}, ticketing.ActApproveReview, ``},
			{agent, ticketing.ActApproveReview, ``},
			{ticketing.Actor{UserID: "f", Roles: []ticketing.Role{ticketing.RoleFollowUp}}, ticketing.ActFollowUp, `{"contacted":true,"solved":true,"rating":5}`},
		}
		for _, s := range steps {
			_, err = svc.Act(ctx, s.who, done, ticketing.Command{Action: s.action, Fields: json.RawMessage(s.fields)})
			require.NoError(t, err)
		}
		derived := func(id, policy string) (stored, again []ticketing.Clock) {
			got, err := store.Ticket(ctx, id)
			require.NoError(t, err)
			events, err := store.Events(ctx, id)
			require.NoError(t, err)
			keeper, err := sla.FromCity(city(policy))
			require.NoError(t, err)
			again = keeper.Clocks(got, events)
			for i := range again {
				for _, at := range []*time.Time{&again[i].StartedAt, &again[i].YellowAt, &again[i].RedAt, &again[i].DueAt, &again[i].StoppedAt} {
					*at = at.UTC()
				}
			}
			return got.Clocks, again
		}
		closedBefore, again := derived(done, shortPolicy)
		require.Equal(t, again, closedBefore)
		require.Len(t, closedBefore, 6)
		openBefore, again := derived(running, shortPolicy)
		require.Equal(t, again, openBefore)

		longPolicy := strings.NewReplacer("5wd", "9wd", `"version":1`, `"version":2`, "30min", "40min").Replace(shortPolicy)
		require.NoError(t, svc.ImportCity(ctx, admin, city(longPolicy)))
		closedAfter, _ := derived(done, longPolicy)
		require.Equal(t, closedBefore, closedAfter, "a closed ticket's clocks never move")
		openAfter, again := derived(running, longPolicy)
		byName := func(list []ticketing.Clock, name ticketing.ClockName) ticketing.Clock {
			for _, c := range list {
				if c.Name == name {
					return c
				}
			}
			return ticketing.Clock{}
		}
		require.Equal(t, byName(openBefore, ticketing.ClockDispatch), byName(openAfter, ticketing.ClockDispatch), "nor does one that has stopped")
		require.Equal(t, byName(again, ticketing.ClockResolve), byName(openAfter, ticketing.ClockResolve))
		require.True(t, byName(openAfter, ticketing.ClockResolve).DueAt.After(byName(openBefore, ticketing.ClockResolve).DueAt))
		events, err := svc.Timeline(ctx, agent, running)
		require.NoError(t, err)
		require.Equal(t, ticketing.EventRecalculated, events[len(events)-1].Type, "and it shows")
		rows, err := store.Deadlines(ctx, running)
		require.NoError(t, err)
		for _, d := range rows {
			if d.Clock == ticketing.ClockResolve && d.Level == ticketing.Overdue {
				require.Equal(t, byName(openAfter, ticketing.ClockResolve).DueAt, d.DueAt)
			}
		}
		explained, err := svc.Clocks(ctx, agent, running)
		require.NoError(t, err)
		require.NotEmpty(t, byName(explained, ticketing.ClockResolve).Steps)
		require.Contains(t, byName(explained, ticketing.ClockDispatch).Steps[0].En, "derived by version 1 of the reference data")
		require.Contains(t, byName(explained, ticketing.ClockDispatch).Steps[2].En, "30 minutes", "by the policy of its time")
	})
}
