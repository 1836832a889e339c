package drill

import (
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/cmd/city"
	"hotline/ticketing"
	"hotline/ticketing/routing"
	"hotline/ticketing/sla"
)

// plan says how long a drill goes on.
type plan struct {
	rounds int           // at least
	until  time.Duration // rounds go on until then
	seed   uint64
}

// planned reads HOTLINE_DRILL, the length of the long drill, and
// HOTLINE_DRILL_SEED, to run the same again.
func planned(t *testing.T) plan {
	p := plan{rounds: 3, seed: uint64(time.Now().UnixNano())}
	if text := os.Getenv("HOTLINE_DRILL"); text != "" {
		d, err := time.ParseDuration(text)
		require.NoError(t, err, "HOTLINE_DRILL")
		p.rounds, p.until = 20, d
	}
	if text := os.Getenv("HOTLINE_DRILL_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		require.NoError(t, err, "HOTLINE_DRILL_SEED")
		p.seed = n
	}
	return p
}

// shortLimits is a policy under which clocks warn while the drill runs: yellow
// after 30 s, red after 48 s, overdue after a minute.
func shortLimits(t *testing.T) json.RawMessage {
	p := sla.DefaultPolicy()
	p.Rules = nil
	for _, clock := range []ticketing.ClockName{
		ticketing.ClockDispatch, ticketing.ClockSign, ticketing.ClockContact, ticketing.ClockResolve, ticketing.ClockFollowUp,
	} {
		p.Rules = append(p.Rules, sla.Rule{Clock: clock, Limit: sla.Limit{N: 1, Unit: sla.Minute}, AnyHour: true})
	}
	raw, err := json.Marshal(p)
	require.NoError(t, err)
	return raw
}

// TestKilledAtRandomMomentsDrill: whatever moment the process dies at, and
// whatever the queue forgets, what was acknowledged is there and every effect
// happens once.
func TestKilledAtRandomMomentsDrill(t *testing.T) {
	bin, err := Build(t.Context(), t.TempDir())
	require.NoError(t, err)
	p := planned(t)
	for _, engines := range sets(t) {
		t.Run(engines.name, func(t *testing.T) { killed(t, bin, engines, p) })
	}
}

func killed(t *testing.T, bin Binaries, on set, p plan) {
	ctx, dir := t.Context(), t.TempDir()
	s := loggedSetup(t, bin, dir)
	on.fill(t, &s)
	sample := city.Sample()
	sample.Policy = shortLimits(t)
	require.NoError(t, s.Prepare(ctx, sample, 10))
	history := slices.Collect(takes(t, 2_000))
	backdate(t, s, history[:120])

	t.Logf("seed %d (HOTLINE_DRILL_SEED)", p.seed)
	random := rand.New(rand.NewPCG(p.seed, 9))
	requests := newLoad("http://"+s.HTTP, p.seed, history)
	requests.start(ctx, 4, 4)
	began, rounds, wiped, slowest := time.Now(), 0, 0, time.Duration(0)
	for ; rounds < p.rounds || time.Since(began) < p.until; rounds++ {
		node, err := s.Start(ctx)
		require.NoError(t, err, "start %d", rounds+1)
		slowest = max(slowest, node.Took)
		stop := callers(t, bin, s, uint64(rounds))
		alive := time.Duration(500+random.IntN(4000)) * time.Millisecond
		if on.wipe != nil && (rounds == 0 || random.IntN(2) == 0) {
			require.True(t, Sleep(ctx, alive/2))
			require.NoError(t, on.wipe(ctx))
			alive, wiped = alive/2, wiped+1
		}
		require.True(t, Sleep(ctx, alive))
		require.NoError(t, node.Kill())
		stop()
		if on.wipe != nil && random.IntN(4) == 0 {
			require.NoError(t, on.wipe(ctx))
			wiped++
		}
	}
	node, err := s.Start(ctx)
	require.NoError(t, err)
	requests.finish()
	require.Empty(t, requests.book.errs)
	settled := time.Now()
	require.NoError(t, node.Settle(ctx, 2*time.Minute))
	awaitDeadlines(t, s, settled)
	require.NoError(t, node.Settle(ctx, 2*time.Minute))
	require.NoError(t, node.Stop())

	e, err := s.Open(ctx)
	require.NoError(t, err)
	defer e.Close()
	report, err := e.Index.Verify(ctx, e.Source, false)
	require.NoError(t, err)
	require.True(t, report.Clean(), "index and database differ: %+v", report)
	seen := checkTickets(t, e, requests.book, sample, settled)
	checkCalls(t, e, &seen)
	checkTopics(t, e)
	require.NotEmpty(t, requests.book.accepted)
	require.NotEmpty(t, requests.book.filed)
	require.NotZero(t, seen.fired)
	t.Logf("%d kills, %d wiped queues; %d accepted and %d filed acknowledged, %d requests sent again; slowest start %s; %s",
		rounds, wiped, len(requests.book.accepted), len(requests.book.filed), requests.book.unsure, slowest.Round(time.Millisecond), seen)
}

// takes gives generated cases.
func takes(t *testing.T, n int) func(yield func(city.Case) bool) {
	g, err := city.New(9, city.Sample(), city.Options{Count: n})
	require.NoError(t, err)
	return g.All()
}

// backdate accepts tickets that are up to a minute old when the drill begins,
// so that their deadlines come due all through it.
func backdate(t *testing.T, s Setup, cases []city.Case) {
	e, err := s.Open(t.Context())
	require.NoError(t, err)
	defer e.Close()
	now := time.Now()
	age := time.Duration(0)
	svc := ticketing.NewService(e.Store, func(c ticketing.City) (ticketing.Rules, error) {
		keeper, err := sla.FromCity(c)
		return ticketing.Rules{Clocks: keeper, Router: routing.New(c)}, err
	}, ticketing.Options{Now: func() time.Time { return now.Add(-age) }})
	agent := ticketing.Actor{UserID: "drill", Roles: []ticketing.Role{ticketing.RoleAgent}}
	for i, c := range cases {
		age = time.Duration(i) * time.Minute / time.Duration(len(cases))
		c.Appeal.Title = "演练 早先 " + strconv.Itoa(i)
		draft, err := svc.OpenDraft(t.Context(), agent, ticketing.DraftInput{Channel: ticketing.ByPhone, Line: "12345", Appeal: c.Appeal, Citizen: c.Citizen})
		require.NoError(t, err)
		_, err = svc.Act(t.Context(), agent, draft.ID, ticketing.Command{Action: ticketing.ActAccept})
		require.NoError(t, err)
	}
}

// callers keeps seats and callers busy; the function ends them.
func callers(t *testing.T, bin Binaries, s Setup, seed uint64) (stop func()) {
	cmd := exec.Command(bin.Callsim, "load", "--target", s.SIP, "--seats", "8001-8010", "--calls", "100000", "--rate", "6", "--concurrency", "10", //nolint:gosec // our own program
		"--digits", "2", "--digits-after", "200ms", "--talk", "1500ms", "--ring", "200ms", "--duration", "1h", "--seed", strconv.FormatUint(seed+1, 10))
	cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
	require.NoError(t, cmd.Start())
	return func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
}

// awaitDeadlines waits until all that was due at a moment has fired.
func awaitDeadlines(t *testing.T, s Setup, at time.Time) {
	e, err := s.Open(t.Context())
	require.NoError(t, err)
	defer e.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		next, any, err := e.Store.NextDeadline(ctx)
		require.NoError(t, err)
		if !any || next.After(at) {
			return
		}
		require.True(t, Sleep(ctx, 50*time.Millisecond), "deadlines that were due have not fired")
	}
}
