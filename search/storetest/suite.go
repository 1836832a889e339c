package storetest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/search/warning"
)

var noon = time.Date(2026, 5, 4, 4, 0, 0, 0, time.UTC)

func alert(i int) warning.Alert {
	return warning.Alert{
		ID: fmt.Sprintf("a-%03d", i), Version: 1, Kind: warning.Daily, State: warning.New, Series: warning.Series{District: fmt.Sprint("d", i%3), Category: fmt.Sprint("c", i%2)},
		OpenedAt: noon, UpdatedAt: noon.Add(time.Duration(i/2) * time.Minute), From: noon.Add(-time.Hour), Until: noon, FirstSeen: noon, Expected: 2.5, Observed: 9, Upper: 8, Days: 1,
		Score: 3.2, Level: 0.001, Tickets: []string{"t1", "t2"}, Members: 2, Words: []string{"路灯"}, Places: []warning.Count{{Name: "望江路", Count: 2}},
		Past: []string{"a-x"}, Chart: []warning.Point{{Day: "2026-05-04", Count: 9, Expected: 2.5}}, Steps: []warning.Step{{At: noon, To: warning.New}},
	}
}

// Run runs the suite; open makes an empty store.
func Run(t *testing.T, open func(t *testing.T) warning.Store) {
	for name, test := range map[string]func(t *testing.T, s warning.Store){
		"round trip": roundTrip, "versions": versions, "one of many": oneOfMany, "lists": lists, "filters": filters,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func roundTrip(t *testing.T, s warning.Store) {
	a := alert(1)
	require.NoError(t, s.SaveAlert(t.Context(), a))
	got, err := s.Alert(t.Context(), a.ID)
	require.NoError(t, err)
	require.Equal(t, a, got)
	_, err = s.Alert(t.Context(), "none")
	require.ErrorIs(t, err, warning.ErrNotFound)
}

func versions(t *testing.T, s warning.Store) {
	a := alert(1)
	require.NoError(t, s.SaveAlert(t.Context(), a))
	require.ErrorIs(t, s.SaveAlert(t.Context(), a), warning.ErrConflict)
	a.Version, a.State = 3, warning.Verified
	require.ErrorIs(t, s.SaveAlert(t.Context(), a), warning.ErrConflict, "version 2 was never there")
	a.Version = 2
	require.NoError(t, s.SaveAlert(t.Context(), a))
	got, err := s.Alert(t.Context(), a.ID)
	require.NoError(t, err)
	require.Equal(t, warning.Verified, got.State)
}

func oneOfMany(t *testing.T, s warning.Store) {
	require.NoError(t, s.SaveAlert(t.Context(), alert(1)))
	var won atomic.Int32
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			a := alert(1)
			a.Version, a.Owner = 2, fmt.Sprint("u", i)
			if s.SaveAlert(t.Context(), a) == nil {
				won.Add(1)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 1, won.Load())
}

func lists(t *testing.T, s warning.Store) {
	const n = 25
	for i := range n {
		require.NoError(t, s.SaveAlert(t.Context(), alert(i)))
	}
	var seen []string
	f := warning.Filter{Limit: 7}
	for {
		page, err := s.Alerts(t.Context(), f)
		require.NoError(t, err)
		require.Equal(t, n, page.Total)
		for _, a := range page.Items {
			seen = append(seen, a.ID)
		}
		if f.Cursor = page.Next; f.Cursor == "" {
			break
		}
	}
	require.Len(t, seen, n)
	for i, id := range seen {
		require.Equal(t, fmt.Sprintf("a-%03d", n-1-i), id)
	}
	_, err := s.Alerts(t.Context(), warning.Filter{Cursor: "what"})
	var refused *warning.RefusedError
	require.ErrorAs(t, err, &refused)
}

func filters(t *testing.T, s warning.Store) {
	for i := range 12 {
		a := alert(i)
		if i%4 == 0 {
			a.State = warning.False
		}
		require.NoError(t, s.SaveAlert(t.Context(), a))
	}
	count := func(f warning.Filter) int {
		page, err := s.Alerts(t.Context(), f)
		require.NoError(t, err)
		require.Len(t, page.Items, page.Total)
		return page.Total
	}
	require.Equal(t, 12, count(warning.Filter{}))
	require.Equal(t, 3, count(warning.Filter{States: []warning.State{warning.False}}))
	require.Equal(t, 12, count(warning.Filter{States: []warning.State{warning.False, warning.New}}))
	require.Equal(t, 4, count(warning.Filter{Districts: []string{"d0"}}))
	require.Equal(t, 0, count(warning.Filter{Districts: []string{}}))
	require.Equal(t, 2, count(warning.Filter{Series: &warning.Series{District: "d0", Category: "c0"}}))
	require.Equal(t, 4, count(warning.Filter{Since: noon.Add(4 * time.Minute)}))
	below, topical := alert(20), alert(24)
	below.Below, topical.Kind, topical.Topic = alert(1).ID, warning.OfTopic, "t-1"
	require.NoError(t, s.SaveAlert(t.Context(), below))
	require.NoError(t, s.SaveAlert(t.Context(), topical))
	require.Equal(t, 13, count(warning.Filter{Top: true}))
	require.Equal(t, 1, count(warning.Filter{Below: alert(1).ID}))
	require.Equal(t, 1, count(warning.Filter{Topic: "t-1"}))
	require.Equal(t, 2, count(warning.Filter{Series: &warning.Series{District: "d0", Category: "c0"}}), "an alert of a topic is none of its counts")
}
