package accounts_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/cmd/hotline/accounts"
	"hotline/ticketing"
	"hotline/ticketing/sqlstore"
)

func open(t *testing.T) *sqlstore.Store {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), "sqlite://"+t.TempDir()+"/hotline.db", sqlstore.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}

func TestFirstStartMakesWhoIsMissing(t *testing.T) {
	store, now := open(t), time.Now()
	t.Setenv("HOTLINE_AUDITOR_PASSWORD", "Chosen-before-1")
	// What a start leaves that was cut short, and somebody made by hand.
	require.NoError(t, accounts.Save(t.Context(), store, ticketing.User{Login: "admin", Name: "管理员", Roles: []ticketing.Role{ticketing.RoleAdmin}}, "ten-letters-or-more", now))
	require.NoError(t, accounts.Save(t.Context(), store, ticketing.User{Login: "alice", Name: "艾", Roles: []ticketing.Role{ticketing.RoleAgent}}, "ten-letters-or-more", now))
	issued, err := accounts.FirstStart(t.Context(), store, now)
	require.NoError(t, err)
	require.Len(t, issued, 1)
	require.Equal(t, "secadmin", issued[0].Login)
	require.Len(t, issued[0].Password, 20)
	auditor, err := store.UserByLogin(t.Context(), "auditor")
	require.NoError(t, err)
	require.Equal(t, []ticketing.Role{ticketing.RoleAuditor}, auditor.Roles)
	issued, err = accounts.FirstStart(t.Context(), store, now)
	require.NoError(t, err)
	require.Empty(t, issued)
}

func TestWhoMayBeWhat(t *testing.T) {
	store := open(t)
	for _, c := range []struct {
		department string
		roles      []ticketing.Role
		refused    string
	}{
		{"", []ticketing.Role{ticketing.RoleAgent, ticketing.RoleLead}, ""},
		{"d1", []ticketing.Role{ticketing.RoleClerk, ticketing.RoleHead}, ""},
		{"", []ticketing.Role{ticketing.RoleClerk}, "needs a department"},
		{"d1", []ticketing.Role{ticketing.RoleClerk, ticketing.RoleAnalyst}, "belongs to the centre"},
		{"", []ticketing.Role{ticketing.RoleAdmin, ticketing.RoleAuditor}, "cannot be combined"},
		{"", []ticketing.Role{ticketing.RoleSecAdmin, ticketing.RoleAgent}, "cannot be combined"},
		{"", nil, "at least one role"},
		{"", []ticketing.Role{"king"}, "unknown role"},
	} {
		err := accounts.Save(t.Context(), store, ticketing.User{Login: "x", Name: "某", Roles: c.roles, Department: c.department}, "ten-letters-or-more", time.Now())
		if c.refused == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, c.refused)
		}
	}
}

func TestOtherRightsEndTheSessions(t *testing.T) {
	store, now := open(t), time.Now().Truncate(time.Millisecond)
	u := ticketing.User{Login: "clerk", Name: "某", Roles: []ticketing.Role{ticketing.RoleClerk}, Department: "d1"}
	require.NoError(t, accounts.Save(t.Context(), store, u, "ten-letters-or-more", now))
	saved, err := store.UserByLogin(t.Context(), "clerk")
	require.NoError(t, err)
	require.NoError(t, store.SaveSession(t.Context(), ticketing.Session{TokenHash: "h", UserID: saved.ID, CreatedAt: now, ExpiresAt: now.Add(time.Hour)}))
	revoked := func() bool {
		s, err := store.Session(t.Context(), "h")
		require.NoError(t, err)
		return !s.RevokedAt.IsZero()
	}
	u.Name = "某某"
	require.NoError(t, accounts.Save(t.Context(), store, u, "", now))
	require.False(t, revoked())
	u.Department = "d2"
	require.NoError(t, accounts.Save(t.Context(), store, u, "", now))
	require.True(t, revoked())
}
