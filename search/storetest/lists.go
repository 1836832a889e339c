package storetest

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/search"
)

// RunLists runs the suite of the city's lists; open makes an empty store.
func RunLists(t *testing.T, open func(t *testing.T) search.Lists) {
	t.Run("list versions", func(t *testing.T) { listVersions(t, open(t)) })
	t.Run("one list of many", func(t *testing.T) { oneListOfMany(t, open(t)) })
}

func listVersions(t *testing.T, s search.Lists) {
	_, err := s.List(t.Context(), search.ListGazetteer)
	require.ErrorIs(t, err, search.ErrNoList)
	version, err := s.ListVersion(t.Context(), search.ListGazetteer)
	require.NoError(t, err)
	require.Zero(t, version)

	l := search.List{Name: search.ListGazetteer, Version: 1, Body: "望江花园,\"a\"\n" + strings.Repeat("路", 1_000_000), UpdatedAt: noon}
	require.NoError(t, s.SaveList(t.Context(), l))
	require.ErrorIs(t, s.SaveList(t.Context(), l), search.ErrListChanged)
	got, err := s.List(t.Context(), search.ListGazetteer)
	require.NoError(t, err)
	require.Equal(t, l, got)

	l.Version, l.Body = 3, ""
	require.ErrorIs(t, s.SaveList(t.Context(), l), search.ErrListChanged, "version 2 was never there")
	l.Version = 2
	require.NoError(t, s.SaveList(t.Context(), l))
	got, err = s.List(t.Context(), search.ListGazetteer)
	require.NoError(t, err)
	require.Equal(t, l, got)
	version, err = s.ListVersion(t.Context(), search.ListGazetteer)
	require.NoError(t, err)
	require.EqualValues(t, 2, version)
	version, err = s.ListVersion(t.Context(), search.ListDictionary)
	require.NoError(t, err)
	require.Zero(t, version, "each list is by itself")
}

func oneListOfMany(t *testing.T, s search.Lists) {
	var won atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			err := s.SaveList(t.Context(), search.List{Name: search.ListDictionary, Version: 1, UpdatedAt: noon})
			if err == nil {
				won.Add(1)
				return
			}
			if !errors.Is(err, search.ErrListChanged) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 1, won.Load())
}
