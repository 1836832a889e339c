package drill

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/cmd/city"
	"hotline/telephony"
)

// soak is the steady load of one run.
type soak struct {
	rate   int           // calls a second
	atOnce int           // about
	talk   time.Duration // mean
	during time.Duration
}

// soaked is ten minutes of a busy city, or in a short run half a minute of a
// small one.
func soaked(t *testing.T) soak {
	if until := planned(t).until; until > 0 {
		return soak{rate: 20, atOnce: 300, talk: 12 * time.Second, during: min(until, 10*time.Minute)}
	}
	return soak{rate: 5, atOnce: 40, talk: 4 * time.Second, during: 30 * time.Second}
}

// longestGap is how far a recording may be from the talk it holds.
const longestGap = 60 * time.Millisecond

// TestSoak: under a steady load memory and goroutines stay as they are, and of
// every call there is a whole record and a recording as long as the talk.
func TestSoak(t *testing.T) {
	bin, err := Build(t.Context(), t.TempDir())
	require.NoError(t, err)
	load, ctx, dir := soaked(t), t.Context(), t.TempDir()
	s := loggedSetup(t, bin, dir)
	// A seat is away for the wrap-up and until it answers too.
	seats := load.atOnce + 8*load.rate
	require.NoError(t, s.Prepare(ctx, city.Sample(), seats))
	node, err := s.Start(ctx)
	require.NoError(t, err)

	calls := load.rate * int(load.during/time.Second)
	var out bytes.Buffer
	sim := exec.Command(bin.Callsim, "load", "--target", s.SIP, "--seats", fmt.Sprintf("8001-%d", 8000+seats), "--calls", fmt.Sprint(calls), //nolint:gosec // our own program
		"--rate", fmt.Sprint(load.rate), "--concurrency", fmt.Sprint(2*load.atOnce), "--talk", load.talk.String(), "--ring", "300ms",
		"--digits", "2", "--digits-after", "300ms", "--duration", (load.during + 2*time.Minute).String())
	sim.Stdout, sim.Stderr = &out, os.Stderr
	require.NoError(t, sim.Start())
	watching, stop := context.WithCancel(ctx)
	minutes := make(chan []gauges, 1)
	go func() { minutes <- watch(watching, node) }()
	_ = sim.Wait() // a status of 1 tells that calls failed; the counts say which
	stop()
	series := <-minutes
	var sum struct {
		Calls struct {
			Started, Connected, Failed, Peak int
			Failures                         map[string]int
		}
		Seats struct{ Failures map[string]int }
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &sum), out.String())
	require.NoError(t, node.Settle(ctx, time.Minute))
	require.NoError(t, node.Stop())

	require.Empty(t, sum.Calls.Failures)
	require.Empty(t, sum.Seats.Failures)
	require.Equal(t, calls, sum.Calls.Connected)
	for i, m := range series {
		t.Logf("minute %d: %s", i+1, m)
	}
	if len(series) > 4 { // the third is when the warm-up is over
		third, last := series[2], series[len(series)-1]
		require.LessOrEqual(t, last.goroutines, 1.05*third.goroutines, "goroutines grow")
		require.LessOrEqual(t, last.heap, 1.05*third.heap, "the heap grows")
		require.LessOrEqual(t, last.resident, 1.05*third.resident, "memory grows")
	}
	longest := wholeRecords(t, s, calls)
	t.Logf("%d calls, %d at once; the recording farthest from its talk is off by %s", calls, sum.Calls.Peak, longest)
}

// gauges are the means of one minute.
type gauges struct{ goroutines, heap, resident, calls float64 }

func (g gauges) String() string {
	return fmt.Sprintf("%.0f calls, %.0f goroutines, heap %.1f MB, resident %.1f MB", g.calls, g.goroutines, g.heap/(1<<20), g.resident/(1<<20))
}

// watch reads the node's metrics each second until the context ends, and gives
// the means of whole minutes.
func watch(ctx context.Context, node *Server) []gauges {
	var series []gauges
	for ctx.Err() == nil {
		var sum gauges
		n := 0
		for end := time.Now().Add(time.Minute); time.Now().Before(end); {
			if g, err := gaugesOf(ctx, node); err == nil {
				sum = gauges{sum.goroutines + g.goroutines, sum.heap + g.heap, sum.resident + g.resident, sum.calls + g.calls}
				n++
			}
			if !Sleep(ctx, time.Second) {
				return series
			}
		}
		if n > 0 {
			by := float64(n)
			series = append(series, gauges{sum.goroutines / by, sum.heap / by, sum.resident / by, sum.calls / by})
		}
	}
	return series
}

func gaugesOf(ctx context.Context, node *Server) (g gauges, err error) {
	for name, into := range map[string]*float64{
		"go_goroutines": &g.goroutines, "go_memstats_heap_inuse_bytes": &g.heap, "process_resident_memory_bytes": &g.resident, "hotline_calls": &g.calls,
	} {
		v, broken := node.Metric(ctx, name)
		*into, err = v, errors.Join(err, broken)
	}
	return g, err
}

// wholeRecords checks every call's record and tells the greatest difference
// between a recording and the talk.
func wholeRecords(t *testing.T, s Setup, calls int) (worst time.Duration) {
	e, err := s.Open(t.Context())
	require.NoError(t, err)
	defer e.Close()
	open, err := e.Calls.OpenCalls(t.Context(), "", 10)
	require.NoError(t, err)
	require.Empty(t, open)
	seen, cursor := 0, ""
	var wrong []string
	for {
		page, err := e.Calls.Calls(t.Context(), telephony.CallFilter{Limit: 200, Cursor: cursor})
		require.NoError(t, err)
		for _, c := range page.Items {
			seen++
			off := (time.Duration(c.Recording.DurationMS)*time.Millisecond - c.Talk()).Abs()
			worst = max(worst, off)
			if c.EndedAt.IsZero() || c.Seat == "" || c.Talk() <= 0 || len(c.Legs) < 2 || c.Recording.SHA256 == "" ||
				c.Recording.State != telephony.RecordingStored || off > longestGap {
				wrong = append(wrong, fmt.Sprintf("%s: seat %q cause %q, talk %s, %d legs, recording %s %d ms", c.ID, c.Seat, c.Cause, c.Talk(), len(c.Legs), c.Recording.State, c.Recording.DurationMS))
			}
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	require.Empty(t, wrong, "%d records are not whole:\n%s", len(wrong), strings.Join(wrong[:min(len(wrong), 10)], "\n"))
	require.Equal(t, calls, seen)
	return worst
}
