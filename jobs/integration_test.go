package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/jobs"
	"hotline/jobs/notify"
	"hotline/search"
	"hotline/search/ftsindex"
	"hotline/ticketing"
	"hotline/ticketing/routing"
	"hotline/ticketing/sla"
	"hotline/ticketing/sqlstore"
)

// desk is the real thing: service on SQLite, index on FTS5.
type desk struct {
	store *sqlstore.Store
	svc   *ticketing.Service
	index *search.Index
	moved atomic.Int64 // how far the clock is ahead
	sent  told
	mu    sync.Mutex
}

func (d *desk) now() time.Time { return time.Now().Add(time.Duration(d.moved.Load())) }

func openDesk(t *testing.T) *desk {
	t.Helper()
	ctx := context.Background()
	d := &desk{}
	var err error
	d.store, err = sqlstore.Open(ctx, "sqlite://"+filepath.Join(t.TempDir(), "hotline.db"), sqlstore.Options{Now: d.now})
	require.NoError(t, err)
	t.Cleanup(func() { d.store.Close() })
	driver, err := ftsindex.Open(ctx, "fts://"+filepath.Join(t.TempDir(), "search.db"), ftsindex.Options{})
	require.NoError(t, err)
	d.index = search.New(driver, search.Options{})
	t.Cleanup(func() { d.index.Close() })
	if errors.Is(d.index.Ready(ctx), search.ErrNeedsRebuild) {
		require.NoError(t, d.index.Rebuild(ctx, jobs.Source(d.store, nil)))
	}
	d.svc = ticketing.NewService(d.store, func(c ticketing.City) (ticketing.Rules, error) {
		k, err := sla.FromCity(c)
		return ticketing.Rules{Clocks: k, Router: routing.New(c)}, err
	}, ticketing.Options{Now: d.now})
	require.NoError(t, d.svc.ImportCity(ctx, ticketing.SystemActor(), ticketing.City{
		Name:        "临江市",
		Districts:   []ticketing.District{{Code: "east", Name: "东城区"}},
		Departments: []ticketing.Department{{Code: "lights", Name: "路灯所", Parent: "urban"}, {Code: "urban", Name: "城管局"}},
		Categories:  []ticketing.Category{{Code: "street", Name: "市容"}, {Code: "lamps", Name: "路灯", Parent: "street"}, {Code: "other", Name: "其他"}},
		Catalogue:   ticketing.Catalogue{Version: 1, Entries: []ticketing.CatalogueEntry{{Category: "lamps", Department: "lights"}}},
	}))
	return d
}

// locked is a told that several goroutines may use.
type locked struct {
	*sync.Mutex
	*told
}

func (l *locked) Send(ctx context.Context, m notify.Message) error {
	l.Lock()
	defer l.Unlock()
	return l.told.Send(ctx, m)
}

// boot starts a process on the desk.
func (d *desk) boot(t *testing.T, q *jobs.Queue) *jobs.Runner {
	return start(t, q, jobs.Deps{Outbox: d.store, Deadlines: d.svc, Topics: map[string]jobs.TopicHandler{
		ticketing.TopicRoute:  jobs.RouteHandler(d.svc),
		ticketing.TopicIndex:  jobs.IndexHandler(d.index, jobs.Source(d.store, nil)),
		ticketing.TopicNotify: jobs.NotifyHandler(d.store, &locked{Mutex: &d.mu, told: &d.sent}),
	}}, jobs.Options{Now: d.now, SweepEvery: time.Second, SweepAge: time.Second, RefusedAge: time.Second})
}

func (d *desk) accept(t *testing.T, from, n int) (ids []string) {
	t.Helper()
	ctx := context.Background()
	agent := ticketing.Actor{UserID: "agent1", Roles: []ticketing.Role{ticketing.RoleAgent}}
	ids = make([]string, n)
	require.NoError(t, jobs.FanOut(ctx, 16, n, func(i int) error {
		category := "lamps"
		if i%10 == 0 {
			category = "other" // nobody is in charge: the dispatch desk
		}
		tick, err := d.svc.OpenDraft(ctx, agent, ticketing.DraftInput{
			Channel: ticketing.ByPhone, Line: "12345", CallID: fmt.Sprintf("call-%d", from+i),
			Appeal: ticketing.Appeal{
				Type: ticketing.Complaint, Title: "小区路灯不亮", Category: category, District: "east",
				Description: "东门的路灯已经一周不亮。", Address: "幸福里小区东门",
			},
			Citizen: ticketing.Citizen{Name: "王建国", Phone: fmt.Sprintf("139%08d", from+i)},
		})
		if err == nil {
			_, err = d.svc.Act(ctx, agent, tick.ID, ticketing.Command{Action: ticketing.ActAccept, Version: tick.Version})
		}
		ids[i] = tick.ID
		return err
	}))
	return ids
}

func (d *desk) settled(t *testing.T) func() bool {
	return func() bool {
		backlog, err := d.store.OutboxBacklog(context.Background())
		require.NoError(t, err)
		for _, n := range backlog {
			if n > 0 {
				return false
			}
		}
		return true
	}
}

// TestTicketsAreRoutedTimedAndFound runs tickets through the real store, rules
// and index, while the queue is wiped and the process stopped and started.
func TestTicketsAreRoutedTimedAndFound(t *testing.T) {
	ctx := context.Background()
	d := openDesk(t)
	ids := d.accept(t, 0, 40) // before anybody works
	q := open(t, "mem://")
	r := d.boot(t, q)
	ids = append(ids, d.accept(t, 40, 80)...)
	require.NoError(t, q.Wipe(ctx))
	ids = append(ids, d.accept(t, 120, 40)...)
	stop(t, r)
	ids = append(ids, d.accept(t, 160, 40)...)
	r = d.boot(t, open(t, "mem://"))
	await(t, "settled", d.settled(t))

	for i, id := range ids {
		tick, err := d.store.Ticket(ctx, id)
		require.NoError(t, err)
		events, err := d.store.Events(ctx, id)
		require.NoError(t, err)
		kinds := map[string]int{}
		for _, e := range events {
			kinds[e.Type]++
		}
		if i%10 == 0 {
			require.Equal(t, ticketing.Accepted, tick.State)
			require.Equal(t, 1, kinds[ticketing.EventToDesk])
			continue
		}
		require.Equal(t, ticketing.Dispatched, tick.State)
		require.Equal(t, "lights", tick.Department)
		require.Equal(t, 1, kinds[ticketing.EventDispatched], "dispatched exactly once")
	}
	report, err := d.index.Verify(ctx, jobs.Source(d.store, nil), false)
	require.NoError(t, err)
	require.True(t, report.Clean(), "%+v", report)
	require.Equal(t, 200, report.Checked)
	found, err := d.index.Search(ctx, search.Query{
		Text: "路灯", Scope: search.Scope{Departments: []string{"urban"}}, Filters: search.Filters{Categories: []string{"street"}},
	})
	require.NoError(t, err)
	require.Equal(t, 180, found.Total, "found by an ancestor of category and department")

	d.moved.Store(int64(60 * 24 * time.Hour))
	await(t, "deadlines fired", func() bool {
		next, any, err := d.svc.NextDeadline(ctx)
		require.NoError(t, err)
		return !any || next.After(d.now())
	})
	await(t, "settled", d.settled(t))
	require.NotZero(t, r.Stats().Deadlines)
	for _, id := range ids {
		events, err := d.store.Events(ctx, id)
		require.NoError(t, err)
		fired := map[string]int{}
		for _, e := range events {
			if e.Type == ticketing.EventDeadline {
				fired[string(e.Data)]++
			}
		}
		require.NotEmpty(t, fired)
		for what, n := range fired {
			require.Equal(t, 1, n, "fired exactly once: %s", what)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	kinds := map[string]int{}
	for _, m := range d.sent.got {
		kinds[m.Kind]++
	}
	require.GreaterOrEqual(t, kinds["dispatched"], 180)
	require.GreaterOrEqual(t, kinds["deadline.overdue"], 180)
}
