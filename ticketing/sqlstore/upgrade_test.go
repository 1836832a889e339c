package sqlstore_test

import (
	"context"
	"database/sql"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"

	"hotline/ticketing"
	"hotline/ticketing/sla"
)

// TestUpgradeFromTheFirstTables starts from a database as the platform wrote it
// before tickets had records: after the upgrade every ticket is whole, its clocks
// derive again, and its life goes on.
func TestUpgradeFromTheFirstTables(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		address := e.fresh(t)
		old(t, address)
		store := open(t, address)
		ctx := t.Context()
		svc := ticketing.NewService(store, rules, ticketing.Options{})
		all, err := store.Scan(ctx, "", "", 100)
		require.NoError(t, err)
		require.Len(t, all, 10)
		keeper := sla.NewKeeper(sla.DefaultPolicy(), sla.DefaultCalendar())
		seen := map[ticketing.State]bool{}
		for _, was := range all {
			seen[was.State] = true
			events, err := store.Events(ctx, was.ID)
			require.NoError(t, err)
			require.Len(t, events, int(was.Version))
			again := map[string]ticketing.Clock{}
			for _, c := range keeper.Clocks(was, events) {
				again[c.Key()] = c
			}
			for _, c := range was.Clocks {
				require.True(t, c.DueAt.Equal(again[c.Key()].DueAt) && c.StoppedAt.Equal(again[c.Key()].StoppedAt), "%s of %s", c.Key(), was.State)
			}
			goOn(ctx, t, svc, was)
		}
		require.True(t, seen[ticketing.Draft] && seen[ticketing.Dispatched] && seen[ticketing.InProgress] && seen[ticketing.FollowUp] && seen[ticketing.Closed])
		page, err := store.Records(ctx, ticketing.RecordQuery{RecordFilter: ticketing.RecordFilter{Limit: 10}})
		require.NoError(t, err)
		require.NotEmpty(t, page.Items)
	})
}

// goOn does with a ticket of the old what could not be done then.
func goOn(ctx context.Context, t *testing.T, svc *ticketing.Service, was ticketing.Ticket) {
	t.Helper()
	clerk, lead := of(was.Department, ticketing.RoleClerk), staff(ticketing.RoleLead)
	do := func(who ticketing.Actor, action ticketing.Action, fields string) ticketing.Ticket {
		next, err := svc.Act(ctx, who, was.ID, ticketing.Command{Action: action, Fields: []byte(fields)})
		require.NoError(t, err, "%s in %s", action, was.State)
		return next
	}
	switch was.State {
	case ticketing.Draft:
		do(staff(ticketing.RoleAgent), ticketing.ActRefer, `{"to":"110"}`)
	case ticketing.Dispatched:
		do(clerk, ticketing.ActSign, ``)
		do(lead, ticketing.ActSupervise, `{"reason":"久未签收","until":"`+time.Now().Add(time.Hour).Format(time.RFC3339)+`"}`)
	case ticketing.InProgress:
		do(clerk, ticketing.ActRequestExtension, `{"days":2,"reason":"采购"}`)
		next := do(lead, ticketing.ActApproveExtension, ``)
		for _, c := range next.Clocks {
			if c.Name == ticketing.ClockResolve {
				require.True(t, c.DueAt.After(c.StartedAt.Add(48*time.Hour)) || was.Urgency != ticketing.Normal)
			}
		}
	case ticketing.FollowUp:
		next := do(lead, ticketing.ActFollowUp, `{"contacted":true,"solved":false,"note":"没修好"}`)
		require.Equal(t, ticketing.InProgress, next.State)
	case ticketing.Closed:
		do(ticketing.SystemActor(), ticketing.ActRate, `{"rating":1,"channel":"sms"}`)
	}
}

// old makes a database with the first tables and what was written into them.
func old(t *testing.T, address string) {
	t.Helper()
	driver, source, dialect, folder := "pgx", address, goose.DialectPostgres, "postgres"
	if path, ok := strings.CutPrefix(address, "sqlite://"); ok {
		driver, source, dialect, folder = "sqlite", path, goose.DialectSQLite3, "sqlite"
	}
	db, err := sql.Open(driver, source)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	provider, err := goose.NewProvider(dialect, db, os.DirFS("migrations/"+folder), goose.WithTableName("ticketing_migrations"), goose.WithDisableGlobalRegistry(true))
	require.NoError(t, err)
	_, err = provider.UpTo(t.Context(), 1)
	require.NoError(t, err)
	text, err := os.ReadFile("testdata/before_life.sql")
	require.NoError(t, err)
	for _, statement := range strings.Split(string(text), ";\n") {
		if strings.Contains(statement, "INSERT") {
			_, err := db.ExecContext(t.Context(), statement)
			require.NoError(t, err)
		}
	}
}
