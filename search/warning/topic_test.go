package warning_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/search/warning"
)

// keeper keeps alerts on a shelf and notes what was told.
func keeper(s shelf, told *[]string) warning.Keeper {
	ids := 0
	return warning.Keeper{
		Store: s, Again: 72 * time.Hour, NewID: func(time.Time) string { ids++; return fmt.Sprint("a", ids) },
		Raised: func(_ context.Context, a warning.Alert) error {
			*told = append(*told, a.ID)
			return nil
		},
	}
}

// grown is a topic with so many people today and tickets on each day before.
func grown(today, usual int, before ...int) warning.Grown {
	g := warning.Grown{Topic: "t1", Series: warning.Series{District: "east", Category: "lamp"}, Days: make([]int, 28), Today: today, Usual: usual, Watched: 200, First: at(0, 8, 0)}
	copy(g.Days[28-len(before):], before)
	for i := range today {
		g.Tickets = append(g.Tickets, fmt.Sprint("k", i))
	}
	return g
}

func TestATopicIsWarnedOfWhereMoreComeThanItIsUsedTo(t *testing.T) {
	always := make([]int, 28)
	for i := range always {
		always[i] = 3
	}
	for name, c := range map[string]struct {
		of   warning.Grown
		warn bool
	}{
		"four people": {grown(4, 0), false}, "five of a new topic": {grown(5, 0), true}, "five where three come each day": {grown(5, 0, always...), false},
		"twenty where three come each day": {grown(20, 0, always...), true}, "no more than busy days of others": {grown(9, 9), false}, "more than those": {grown(10, 9), true},
	} {
		s, told := shelf{}, []string{}
		require.NoError(t, keeper(s, &told).Topic(t.Context(), c.of, 0.25, at(0, 12, 0)))
		require.Equal(t, c.warn, len(told) == 1, name)
		for _, a := range s {
			require.Equal(t, warning.OfTopic, a.Kind)
			require.LessOrEqual(t, a.Upper, float64(c.of.Today), name)
			require.Less(t, a.Expected, float64(a.Observed))
		}
	}
}

// TestWhatCannotBeToldIsToldLater: an alert is kept before anybody is told of it.
func TestWhatCannotBeToldIsToldLater(t *testing.T) {
	s, told := shelf{}, []string{}
	k := keeper(s, &told)
	raised, full := k.Raised, errors.New("the disk is full")
	k.Raised = func(context.Context, warning.Alert) error { return full }
	require.ErrorIs(t, k.Topic(t.Context(), grown(8, 0), 0.25, at(0, 9, 0)), full)
	other := grown(9, 0)
	other.Topic, other.Tickets = "t2", []string{"x1", "x2", "x3"}
	require.ErrorIs(t, k.Topic(t.Context(), other, 0.25, at(0, 9, 0)), full)
	require.Len(t, s, 2)
	require.NoError(t, k.Topic(t.Context(), grown(9, 0), 0.25, at(0, 9, 5)), "it goes on")
	k.Raised = func(ctx context.Context, a warning.Alert) error {
		if a.Topic == "t2" {
			return full
		}
		return raised(ctx, a)
	}
	require.ErrorIs(t, k.TellUntold(t.Context(), at(0, 9, 10)), full)
	require.Equal(t, []string{"a1"}, told)
	k.Raised = raised
	for range 2 {
		require.NoError(t, k.TellUntold(t.Context(), at(0, 9, 15)))
		require.Equal(t, []string{"a1", "a2"}, told)
	}
}

func TestATopicHasOneAlertAtATime(t *testing.T) {
	s, told := shelf{}, []string{}
	k := keeper(s, &told)
	look := func(g warning.Grown, hour int) {
		t.Helper()
		require.NoError(t, k.Topic(t.Context(), g, 0.25, at(0, hour, 0)))
	}
	look(grown(6, 0), 9)
	look(grown(6, 0), 10)
	require.Len(t, s, 1)
	require.EqualValues(t, 2, s["a1"].Version, "kept, and told of; nothing new, nothing written")
	look(grown(9, 0), 11)
	require.Len(t, s, 1)
	require.Equal(t, 9, s["a1"].Observed)
	require.Equal(t, []string{"a1"}, told)
	wrong, err := s["a1"].Do(warning.Command{Version: 3, State: warning.False, Note: "演习"}, "u1", at(0, 11, 30))
	require.NoError(t, err)
	require.NoError(t, s.SaveAlert(t.Context(), wrong))
	look(grown(20, 0), 12)
	require.Equal(t, warning.False, s["a1"].State, "it was looked at, and is nothing")
	require.Len(t, s, 1)
}

// TestPlacesAndTopicsOfTheSameTicketsAreToldOfOnce: whatever found them first.
func TestPlacesAndTopicsOfTheSameTicketsAreToldOfOnce(t *testing.T) {
	s, told := shelf{}, []string{}
	k := keeper(s, &told)
	require.NoError(t, k.Topic(t.Context(), grown(8, 0), 0.25, at(0, 9, 0)))
	cluster := warning.Cluster{Category: "urban", Days: 1, From: at(0, 0, 0), Observed: 10, Expected: 2, Chance: 0.001, Level: 0.002}
	for i := range 10 {
		cluster.Members = append(cluster.Members, warning.Member{ID: fmt.Sprint("k", i), At: at(0, 8, i), Title: "路灯不亮"})
	}
	require.NoError(t, k.Cluster(t.Context(), cluster, at(0, 10, 0)))
	require.Len(t, s, 2)
	require.Equal(t, []string{"a1"}, told)
	require.Equal(t, "a1", s["a2"].Below)
	require.NoError(t, k.Cluster(t.Context(), cluster, at(0, 11, 0)))
	require.EqualValues(t, 1, s["a2"].Version)
	elsewhere := cluster
	elsewhere.Members = []warning.Member{{ID: "x1", At: at(0, 8, 0)}, {ID: "x2", At: at(0, 8, 1)}}
	require.NoError(t, k.Cluster(t.Context(), elsewhere, at(0, 12, 0)))
	require.Equal(t, []string{"a1", "a3"}, told, "other tickets of the family are another alert")
	weak := cluster
	weak.Chance = 0.01
	require.NoError(t, k.Cluster(t.Context(), weak, at(0, 12, 0)))
	require.Len(t, s, 3)
}
