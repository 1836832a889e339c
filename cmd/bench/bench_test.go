package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony/acd"
)

func TestPercentileIsTheNearestRank(t *testing.T) {
	var values []time.Duration
	for i := 100; i > 0; i-- {
		values = append(values, time.Duration(i)*time.Millisecond)
	}
	require.Equal(t, 99*time.Millisecond, percentile(values, 0.99))
	require.Equal(t, 50*time.Millisecond, percentile(values, 0.5))
	require.Equal(t, 100*time.Millisecond, percentile(values, 1))
	require.Equal(t, time.Millisecond, percentile(values, 0))
	require.Zero(t, percentile(nil, 0.99))
}

func TestFiguresAreWrittenAsTheContractSays(t *testing.T) {
	var out bytes.Buffer
	r := &run{out: &out}
	r.add(Figure{Name: "speed", Value: 6000, Unit: "tickets/s", Goal: 5000, HigherIsBetter: true, Baseline: 100, BaselineName: "one at a time"})
	r.add(Figure{Name: "wait", Value: 51, Unit: "ms", Goal: 50, Baseline: 900, BaselineName: "LIKE"})
	require.Contains(t, out.String(), "met")
	require.Contains(t, out.String(), "MISSED")
	path := filepath.Join(t.TempDir(), "bench.json")
	require.NoError(t, r.write(path))
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	var list []map[string]any
	require.NoError(t, json.Unmarshal(raw, &list))
	require.Equal(t, map[string]any{
		"name": "speed", "value": 6000.0, "unit": "tickets/s", "goal": 5000.0, "higher_is_better": true, "baseline": 100.0, "baseline_name": "one at a time",
	}, list[0])
	require.Len(t, list, 2)
}

func TestAnUnknownBenchIsRefusedWithTheNames(t *testing.T) {
	var out bytes.Buffer
	err := execute(t.Context(), []string{"--only", "magic"}, &out, &out)
	require.ErrorContains(t, err, "store, http, ledger, metropolis, warning, metropolis-postgres, outbox, search, topics, duplicates, drift, fresh, relay, calls1000, browsers, signalling, queue, callcentre, startup")
}

// One seat, three callers: the second waits for the first one's talk and wrap-up, the third gives up meanwhile.
func TestTheMachineAlone(t *testing.T) {
	at := time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC)
	after := func(s int) time.Time { return at.Add(time.Duration(s) * time.Second) }
	queue := acd.Queue{Name: "q", WrapUp: 5 * time.Second, AnnounceEvery: 30 * time.Second, RingTimeout: 15 * time.Second}
	got := simulate(queue, []string{"8001"}, []visit{
		{id: "a", arrived: at, ring: 2 * time.Second, talk: 40 * time.Second},
		{id: "b", arrived: after(10), ring: 3 * time.Second, talk: 10 * time.Second},
		{id: "c", arrived: after(20), left: after(35), ring: time.Second, talk: time.Second},
	})
	require.Equal(t, []time.Duration{2 * time.Second, 40 * time.Second, 15 * time.Second}, []time.Duration{got[0].waited, got[1].waited, got[2].waited})
	l := levelOf(got)
	require.Equal(t, 21*time.Second, l.asa)
	require.InDelta(t, 1.0/3, l.abandoned, 1e-9)
	require.InDelta(t, 1.0/3, l.within15s, 1e-9)
	require.Empty(t, simulate(queue, nil, nil))
}

func TestEachRunsAllAndTellsTheFirstError(t *testing.T) {
	seen := make([]bool, 1000)
	require.NoError(t, each(8, len(seen), func(i int) error { seen[i] = true; return nil }))
	require.NotContains(t, seen, false)
	require.ErrorIs(t, each(8, 1000, func(i int) error {
		if i == 500 {
			return os.ErrInvalid
		}
		return nil
	}), os.ErrInvalid)
}

func TestGeneratedTicketsFitTheIndex(t *testing.T) {
	history, err := cases(500)
	require.NoError(t, err)
	n := 0
	for c := range history {
		d := documentOf(c)
		require.NotEmpty(t, d.Number)
		require.Contains(t, d.Categories, d.Category)
		for _, w := range wordOf(d.Title, n) {
			require.NotContains(t, w, `"`)
			require.LessOrEqual(t, len([]rune(w)), 4)
		}
		n++
	}
	require.Equal(t, 500, n)
}
