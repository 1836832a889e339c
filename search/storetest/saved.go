package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/search"
)

// RunSaved runs the suite of saved searches; open makes an empty store.
func RunSaved(t *testing.T, open func(t *testing.T) search.SavedSearches) {
	t.Run("saved searches", func(t *testing.T) { savedSearches(t, open(t)) })
}

func savedSearches(t *testing.T, s search.SavedSearches) {
	saved := func(i int, owner string) search.Saved {
		return search.Saved{ID: fmt.Sprintf("%s-%02d", owner, i), Owner: owner, Name: fmt.Sprintf("路灯 %02d", i), Query: "q=%E8%B7%AF&state=closed", UpdatedAt: noon}
	}
	list, err := s.Searches(t.Context(), "a")
	require.NoError(t, err)
	require.Empty(t, list)
	require.NoError(t, s.SaveSearch(t.Context(), saved(2, "a")))
	require.NoError(t, s.SaveSearch(t.Context(), saved(1, "a")))
	require.NoError(t, s.SaveSearch(t.Context(), saved(1, "b")))
	list, err = s.Searches(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, []search.Saved{saved(1, "a"), saved(2, "a")}, list)

	again := saved(1, "a")
	again.ID, again.Query, again.UpdatedAt = "other", "q=x", noon.Add(time.Hour)
	require.NoError(t, s.SaveSearch(t.Context(), again))
	list, err = s.Searches(t.Context(), "a")
	require.NoError(t, err)
	require.Len(t, list, 2)
	again.ID = "a-01"
	require.Equal(t, again, list[0], "the same name: the same search")

	subscriptions(t, s)
	dropped, err := s.DropSearch(t.Context(), "b", "a-01")
	require.NoError(t, err)
	require.False(t, dropped, "another's")
	dropped, err = s.DropSearch(t.Context(), "a", "a-01")
	require.NoError(t, err)
	require.True(t, dropped)

	for i := range search.MaxSaved {
		require.NoError(t, s.SaveSearch(t.Context(), saved(i, "c")))
	}
	require.ErrorIs(t, s.SaveSearch(t.Context(), saved(search.MaxSaved, "c")), search.ErrManySaved)
	require.NoError(t, s.SaveSearch(t.Context(), saved(3, "c")), "one of them may change")
}

// subscriptions: a search tells from a moment on, and one of many who look tells.
func subscriptions(t *testing.T, s search.SavedSearches) {
	told, err := s.Subscribed(t.Context(), noon.Add(time.Hour), 10)
	require.NoError(t, err)
	require.Empty(t, told)
	found, err := s.Subscribe(t.Context(), "b", "a-01", noon)
	require.NoError(t, err)
	require.False(t, found, "another's")
	for _, id := range []string{"a-01", "a-02"} {
		found, err = s.Subscribe(t.Context(), "a", id, noon)
		require.NoError(t, err)
		require.True(t, found)
	}
	told, err = s.Subscribed(t.Context(), noon, 10)
	require.NoError(t, err)
	require.Empty(t, told, "not yet")
	told, err = s.Subscribed(t.Context(), noon.Add(time.Second), 1)
	require.NoError(t, err)
	require.Len(t, told, 1)
	require.Equal(t, noon, told[0].ToldAt)
	won, err := s.Told(t.Context(), told[0], noon.Add(time.Minute), []string{"t1", "t2"})
	require.NoError(t, err)
	require.True(t, won)
	won, err = s.Told(t.Context(), told[0], noon.Add(time.Minute), nil)
	require.NoError(t, err)
	require.False(t, won, "somebody was faster")
	list, err := s.Searches(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, []string{"t1", "t2"}, list[0].Seen)
	require.Equal(t, noon.Add(time.Minute), list[0].ToldAt)
	for _, id := range []string{"a-01", "a-02"} {
		found, err = s.Subscribe(t.Context(), "a", id, time.Time{})
		require.NoError(t, err)
		require.True(t, found)
	}
	told, err = s.Subscribed(t.Context(), noon.Add(time.Hour), 10)
	require.NoError(t, err)
	require.Empty(t, told)
}
