package storetest

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hotline/telephony"
)

// RunLocations checks where bindings are kept; open returns an empty one each
// time.
func RunLocations(t *testing.T, open func(t testing.TB) telephony.Locations) {
	for name, test := range map[string]func(*testing.T, telephony.Locations){
		"binding round trip":     bindingRoundTrip,
		"versions":               bindingVersions,
		"two writers":            twoWriters,
		"due":                    bindingsDue,
		"what is read is a copy": bindingsAreCopies,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
	t.Run("like a map", func(t *testing.T) {
		rapid.Check(t, func(rt *rapid.T) { likeAMap(rt, open(t)) })
	})
}

func binding(n int) telephony.Binding {
	return telephony.Binding{
		Contact: fmt.Sprintf("sip:8001@192.0.2.%d:5060;transport=tcp", n), Instance: "urn:uuid:1", RegID: n, Q: 500,
		Path: []string{"sip:proxy.example;lr", "sip:192.0.2.9;lr"}, Node: "a", Source: netip.MustParseAddrPort("198.51.100.7:40000"),
		Transport: "tcp", CallID: "c", CSeq: 7, Since: at(n), Expires: at(n + 60),
	}
}

func bindingRoundTrip(t *testing.T, l telephony.Locations) {
	none, version, err := l.Bindings(t.Context(), "8001")
	require.NoError(t, err)
	require.Empty(t, none)
	require.Zero(t, version)
	want := []telephony.Binding{binding(2), binding(1)}
	require.NoError(t, l.Replace(t.Context(), "8001", 0, want))
	got, version, err := l.Bindings(t.Context(), "8001")
	require.NoError(t, err)
	require.NotZero(t, version)
	require.Len(t, got, 2)
	for i := range got {
		require.True(t, want[i].Expires.Equal(got[i].Expires))
		require.True(t, want[i].Since.Equal(got[i].Since))
		got[i].Expires, got[i].Since = want[i].Expires, want[i].Since
	}
	require.Equal(t, want, got)
	other, _, err := l.Bindings(t.Context(), "8002")
	require.NoError(t, err)
	require.Empty(t, other)
}

func bindingVersions(t *testing.T, l telephony.Locations) {
	require.ErrorIs(t, l.Replace(t.Context(), "8001", 7, []telephony.Binding{binding(1)}), telephony.ErrConflict)
	require.NoError(t, l.Replace(t.Context(), "8001", 0, []telephony.Binding{binding(1)}))
	require.ErrorIs(t, l.Replace(t.Context(), "8001", 0, []telephony.Binding{binding(2)}), telephony.ErrConflict)
	_, first, err := l.Bindings(t.Context(), "8001")
	require.NoError(t, err)
	require.NoError(t, l.Replace(t.Context(), "8001", first, []telephony.Binding{binding(2)}))
	require.ErrorIs(t, l.Replace(t.Context(), "8001", first, nil), telephony.ErrConflict)
	_, second, err := l.Bindings(t.Context(), "8001")
	require.NoError(t, err)
	require.NotEqual(t, first, second)
	require.NoError(t, l.Replace(t.Context(), "8001", second, nil))
	none, gone, err := l.Bindings(t.Context(), "8001")
	require.NoError(t, err)
	require.Empty(t, none)
	require.NoError(t, l.Replace(t.Context(), "8001", gone, []telephony.Binding{binding(3)}))
	_, again, err := l.Bindings(t.Context(), "8001")
	require.NoError(t, err)
	require.NotContains(t, []int64{first, second}, again, "a seat that comes back has no version that somebody still holds")
}

// Of writers that hold one version one succeeds.
func twoWriters(t *testing.T, l telephony.Locations) {
	for range 20 {
		_, version, err := l.Bindings(t.Context(), "8001")
		require.NoError(t, err)
		var won atomic.Int32
		var wg sync.WaitGroup
		for n := range 8 {
			wg.Go(func() {
				if l.Replace(t.Context(), "8001", version, []telephony.Binding{binding(n + 1)}) == nil {
					won.Add(1)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 1, won.Load())
	}
}

func bindingsDue(t *testing.T, l telephony.Locations) {
	for n, seat := range []string{"8003", "8001", "8002"} {
		require.NoError(t, l.Replace(t.Context(), seat, 0, []telephony.Binding{binding(n + 10), binding(n)}))
	}
	due, err := l.Due(t.Context(), at(59), 10)
	require.NoError(t, err)
	require.Empty(t, due)
	due, err = l.Due(t.Context(), at(61), 10)
	require.NoError(t, err)
	require.Equal(t, []string{"8003", "8001"}, due, "the first binding of each counts")
	due, err = l.Due(t.Context(), at(1000), 2)
	require.NoError(t, err)
	require.Equal(t, []string{"8003", "8001"}, due)
}

func bindingsAreCopies(t *testing.T, l telephony.Locations) {
	all := []telephony.Binding{binding(1)}
	require.NoError(t, l.Replace(t.Context(), "8001", 0, all))
	all[0].Contact = "changed"
	got, _, err := l.Bindings(t.Context(), "8001")
	require.NoError(t, err)
	require.Equal(t, binding(1).Contact, got[0].Contact)
	got[0].Contact = "changed"
	got, _, err = l.Bindings(t.Context(), "8001")
	require.NoError(t, err)
	require.Equal(t, binding(1).Contact, got[0].Contact)
}

// likeAMap compares any sequence of writes with a map.
func likeAMap(t *rapid.T, l telephony.Locations) {
	model := map[string][]telephony.Binding{}
	seats := rapid.SampledFrom([]string{"8001", "8002", "8003"})
	for range rapid.IntRange(1, 30).Draw(t, "steps") {
		seat := seats.Draw(t, "seat")
		var all []telephony.Binding
		for range rapid.IntRange(0, 3).Draw(t, "bindings") {
			all = append(all, binding(rapid.IntRange(1, 200).Draw(t, "n")))
		}
		_, version, err := l.Bindings(t.Context(), seat)
		require.NoError(t, err)
		if rapid.Bool().Draw(t, "late") && version > 0 {
			require.ErrorIs(t, l.Replace(t.Context(), seat, version-1, all), telephony.ErrConflict)
			continue
		}
		require.NoError(t, l.Replace(t.Context(), seat, version, all))
		model[seat] = all
	}
	when := at(rapid.IntRange(0, 300).Draw(t, "at"))
	var want []string
	for seat, all := range model {
		got, _, err := l.Bindings(t.Context(), seat)
		require.NoError(t, err)
		require.Len(t, got, len(all))
		for i := range all {
			require.Equal(t, all[i].Contact, got[i].Contact)
		}
		if slices.ContainsFunc(all, func(b telephony.Binding) bool { return !b.Expires.After(when) }) {
			want = append(want, seat)
		}
	}
	due, err := l.Due(t.Context(), when, 100)
	require.NoError(t, err)
	require.ElementsMatch(t, want, due)
	require.True(t, slices.IsSortedFunc(due, func(a, b string) int { return first(model[a]).Compare(first(model[b])) }))
}

func first(all []telephony.Binding) time.Time {
	var t time.Time
	for _, b := range all {
		if t.IsZero() || b.Expires.Before(t) {
			t = b.Expires
		}
	}
	return t
}
