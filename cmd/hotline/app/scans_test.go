package app

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/cmd/city"
	"hotline/cmd/hotline/engines"
	"hotline/search/warning"
	"hotline/ticketing"
)

// TestAPlaceOfWhichMoreComesIsWarnedOf, once, with its tickets; the days before are quiet.
func TestAPlaceOfWhichMoreComesIsWarnedOf(t *testing.T) {
	node, _ := startNode(t, defaultIndexCare())
	sample, ctx := city.Sample(), t.Context()
	require.NoError(t, node.Engines.Tickets.ImportCity(ctx, ticketing.SystemActor(), sample))
	_, err := city.SavePlaces(ctx, node.Engines.Alerts, sample, string(city.GazetteerDocument()), time.Now())
	require.NoError(t, err)
	require.NoError(t, node.Engines.Lists.Refresh(ctx))
	places := city.Gazetteer()[:30]
	agent := ticketing.Actor{UserID: "u1", Roles: []ticketing.Role{ticketing.RoleAgent}}
	report := func(place string, at time.Time) {
		svc := engines.ServiceAt(node.Engines.Store, func() time.Time { return at })
		draft, err := svc.OpenDraft(ctx, agent, ticketing.DraftInput{
			Line: "12345", Citizen: ticketing.Citizen{Name: "金丝雀", Phone: "14200000001"},
			Appeal: ticketing.Appeal{Type: ticketing.Inquiry, Title: "路灯不亮", Description: "路灯不亮", Category: "transport-streetlights", Address: place},
		})
		require.NoError(t, err)
		_, err = svc.Act(ctx, agent, draft.ID, ticketing.Command{Action: ticketing.ActAnswer, Fields: []byte(`{"answer":"已答复"}`)})
		require.NoError(t, err)
	}
	now := time.Now()
	random := rand.New(rand.NewPCG(3, 4))
	for day := scanPast - 1; day > 0; day-- {
		for range 3 {
			report(places[random.IntN(len(places))].Name, now.AddDate(0, 0, -day))
		}
	}
	look := func() []warning.Alert {
		require.NoError(t, node.Engines.Index.Rebuild(ctx, node.Engines.Source))
		require.NoError(t, node.scanAll(ctx, now))
		page, err := node.Engines.Alerts.Alerts(ctx, warning.Filter{})
		require.NoError(t, err)
		var found []warning.Alert
		for _, a := range page.Items {
			if a.Kind == warning.OfPlace {
				found = append(found, a)
			}
		}
		return found
	}
	require.Empty(t, look(), "reports as ever")
	for range 9 {
		report(places[7].Name, now)
	}
	found := look()
	require.Len(t, found, 1)
	a := found[0]
	require.Equal(t, "transport", a.Series.Category)
	require.GreaterOrEqual(t, a.Observed, 9)
	require.Less(t, a.Expected, 4.0)
	require.Equal(t, places[7].Name, a.Places[0].Name)
	require.GreaterOrEqual(t, len(a.Tickets), 9)
	require.NotContains(t, a.Words, "金丝雀")
	require.Equal(t, found, look(), "nothing new, nothing written")
	report(places[7].Name, now)
	again := look()
	require.Len(t, again, 1)
	require.Equal(t, a.ID, again[0].ID)
	require.Greater(t, again[0].Observed, a.Observed)
}
