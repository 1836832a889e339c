package sqlstore_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/ticketing"
	"hotline/ticketing/routing"
	"hotline/ticketing/sla"
	"hotline/ticketing/sqlstore"
)

func rules(c ticketing.City) (ticketing.Rules, error) {
	k, err := sla.FromCity(c)
	return ticketing.Rules{Clocks: k, Router: routing.New(c)}, err
}

// BenchmarkAccept measures tickets accepted per second through the service:
// ticket, events, outbox, deadlines and live event in one synchronous commit.
func BenchmarkAccept(b *testing.B) {
	ctx := context.Background()
	store, err := sqlstore.Open(ctx, "sqlite://"+filepath.Join(b.TempDir(), "hotline.db"), sqlstore.Options{})
	require.NoError(b, err)
	defer store.Close()
	svc := ticketing.NewService(store, rules, ticketing.Options{})
	agent := ticketing.Actor{UserID: "agent1", Roles: []ticketing.Role{ticketing.RoleAgent}}
	ids := make([]string, b.N)
	const callers = 64
	each := func(do func(i int) error) {
		var next atomic.Int64
		var all sync.WaitGroup
		for range callers {
			all.Go(func() {
				for i := next.Add(1) - 1; i < int64(b.N); i = next.Add(1) - 1 {
					if err := do(int(i)); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
	}
	each(func(i int) error {
		t, err := svc.OpenDraft(ctx, agent, ticketing.DraftInput{
			Channel: ticketing.ByPhone, Line: "12345", Digit: "2", CallID: fmt.Sprintf("call-%d", i),
			Appeal: ticketing.Appeal{
				Type: ticketing.Complaint, Title: "小区路灯不亮", Category: "lamps", District: "east",
				Description: "幸福里小区东门的三盏路灯已经一周不亮，晚上老人出行不便，请尽快维修。", Address: "幸福里小区东门",
			},
			Citizen: ticketing.Citizen{Name: "王建国", Phone: fmt.Sprintf("139%08d", i)},
		})
		ids[i] = t.ID
		return err
	})
	b.ResetTimer()
	each(func(i int) error {
		_, err := svc.Act(ctx, agent, ids[i], ticketing.Command{Action: ticketing.ActAccept, Version: 1})
		return err
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tickets/s")
}
