package storetest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/ticketing"
	"hotline/ticketing/ledger"
)

func admin() ticketing.Actor {
	return ticketing.Actor{UserID: "admin", Roles: []ticketing.Role{ticketing.RoleAdmin}}
}

func town() ticketing.City {
	return ticketing.City{
		Name:        "临江市",
		Districts:   []ticketing.District{{Code: "east", Name: "东区"}, {Code: "hill", Name: "东山街道", Parent: "east"}},
		Departments: []ticketing.Department{{Code: "dept-a", Name: "城管局"}, {Code: "dept-z", Name: "街道办", Parent: "dept-a", District: "hill"}},
		Categories:  []ticketing.Category{{Code: "urban", Name: "城市管理"}, {Code: "lamps", Name: "路灯", Parent: "urban"}},
		Catalogue:   ticketing.Catalogue{Version: 1, Entries: []ticketing.CatalogueEntry{{Category: "urban", Department: "dept-a"}}},
		Policy:      json.RawMessage(`{}`), Calendar: json.RawMessage(`{}`),
	}
}

func testCity(t *testing.T, open Opener) {
	b := newBench(t, open)
	empty, err := b.svc.City(b.ctx)
	require.NoError(t, err)
	require.Empty(t, empty.Name)
	require.ErrorIs(t, b.svc.ImportCity(b.ctx, agent(), town()), ticketing.ErrForbidden)
	require.NoError(t, b.svc.ImportCity(b.ctx, admin(), town()))
	require.NoError(t, b.svc.ImportCity(b.ctx, admin(), town()))
	v, err := b.svc.CityVersion(b.ctx)
	require.NoError(t, err)
	require.EqualValues(t, 1, v, "the same data again changes nothing")
	got, err := b.svc.City(b.ctx)
	require.NoError(t, err)
	require.Equal(t, town(), got)

	in := lamps()
	in.Appeal.Category = "urban"
	_, err = b.svc.OpenDraft(b.ctx, agent(), in)
	require.Equal(t, ticketing.CodeInvalid, ticketing.CodeOf(err), "a family is not a leaf")
	in = lamps()
	in.Appeal.District = "hill"
	d := b.act(agent(), b.draft(in).ID, ticketing.ActAccept, "")
	events, err := b.Events(b.ctx, d.ID)
	require.NoError(t, err)
	require.Equal(t, []string{"lamps", "urban"}, events[1].Decode().Facts.Category)
	page, err := b.svc.Tickets(b.ctx, lead(), ticketing.Filter{Categories: []string{"urban"}, Districts: []string{"east"}})
	require.NoError(t, err)
	require.Equal(t, 1, page.Total, "a node stands for all below it")

	bad := town()
	bad.Catalogue.Entries[0].Department = "nobody"
	err = b.svc.ImportCity(b.ctx, admin(), bad)
	var typed *ticketing.Error
	require.ErrorAs(t, err, &typed)
	require.Equal(t, "catalogue.entries[0].department", typed.Field)

	// Another node sees the new version when its own is old enough.
	other := newBench(t, open)
	_, err = other.svc.City(other.ctx)
	require.NoError(t, err)
	next := town()
	next.Name = "新临江"
	require.NoError(t, b.svc.ImportCity(b.ctx, admin(), next))
	other.now = other.now.Add(time.Minute)
	got, err = other.svc.City(other.ctx)
	require.NoError(t, err)
	require.Equal(t, "新临江", got.Name)
	require.ErrorIs(t, b.SaveCity(b.ctx, ticketing.CityVersion{Version: 2, City: next}, 1, ticketing.Change{}), ticketing.ErrStale)
}

func testUsers(t *testing.T, open Opener) {
	b := newBench(t, open)
	u := ticketing.User{
		ID: "u1", Login: "agent1", Name: "张三", Roles: []ticketing.Role{ticketing.RoleAgent, ticketing.RoleLead},
		Seat: "8001", PasswordHash: "$argon2id$x", CreatedAt: b.now, Phone: "13900001111", Partition: "12388", PasswordAt: b.now, MustChange: true,
		OldHashes: []string{"$a", "$b"}, Second: ticketing.SecondFactor{Sealed: []byte{1, 2}, On: true, Backups: []string{"x"}},
	}
	_, err := b.User(b.ctx, "u1")
	require.ErrorIs(t, err, ticketing.ErrAbsent)
	require.NoError(t, b.SaveUser(b.ctx, u, ticketing.Change{}))
	got, err := b.User(b.ctx, "u1")
	require.NoError(t, err)
	u.Version = 1
	require.Equal(t, u, got)
	u.Disabled, u.Department, u.Roles = true, "dept-a", []ticketing.Role{ticketing.RoleClerk}
	entry := ticketing.Change{Ledger: []ledger.Entry{{At: b.now, Actor: "sec", Action: "user.roles", Object: "user:u1"}}}
	require.NoError(t, b.SaveUser(b.ctx, u, entry))
	require.ErrorIs(t, b.SaveUser(b.ctx, u, entry), ticketing.ErrStale, "it was changed since version 1")
	got, err = b.UserByLogin(b.ctx, "agent1")
	require.NoError(t, err)
	u.Version = 2
	require.Equal(t, u, got)
	require.ErrorIs(t, b.SaveUser(b.ctx, ticketing.User{ID: "u2", Login: "agent1"}, ticketing.Change{}), ticketing.ErrExists)
	require.NoError(t, b.SaveUser(b.ctx, ticketing.User{ID: "u2", Login: "admin", Roles: []ticketing.Role{}}, ticketing.Change{}))
	list, err := b.Users(b.ctx)
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, "admin", list[0].Login)
	_, err = b.UserByLogin(b.ctx, "a\x00b")
	require.ErrorIs(t, err, ticketing.ErrAbsent)
	recorded, err := b.Ledger(b.ctx, ticketing.LedgerFilter{Object: "user:u1", Limit: 10})
	require.NoError(t, err)
	require.Len(t, recorded, 1, "a change that was refused is not on record")
	for _, c := range []struct {
		step  int64
		taken bool
	}{{100, true}, {100, false}, {99, false}, {101, true}} {
		taken, err := b.UseStep(b.ctx, "u1", c.step)
		require.NoError(t, err)
		require.Equal(t, c.taken, taken, c.step)
	}
}

func testAPIKeys(t *testing.T, open Opener) {
	b := newBench(t, open)
	k := ticketing.APIKey{
		ID: "k1", Name: "省平台", Hash: "h", Scopes: []ticketing.Scope{ticketing.ScopeRead}, Sources: []string{"10.0.0.0/8"},
		CreatedBy: "u1", CreatedAt: b.now, ExpiresAt: b.now.Add(time.Hour),
	}
	_, err := b.APIKey(b.ctx, "h")
	require.ErrorIs(t, err, ticketing.ErrAbsent)
	require.NoError(t, b.SaveAPIKey(b.ctx, k, ticketing.Change{}))
	got, err := b.APIKey(b.ctx, "h")
	require.NoError(t, err)
	require.Equal(t, k, got)
	k.RevokedAt = b.now
	require.NoError(t, b.SaveAPIKey(b.ctx, k, ticketing.Change{}))
	list, err := b.APIKeys(b.ctx)
	require.NoError(t, err)
	require.Equal(t, []ticketing.APIKey{k}, list)
}

func testSessions(t *testing.T, open Opener) {
	b := newBench(t, open)
	for i, hash := range []string{"h1", "h2", "h3"} {
		require.NoError(t, b.SaveSession(b.ctx, ticketing.Session{
			TokenHash: hash, UserID: "u1", Address: "127.0.0.1", CreatedAt: b.now, ExpiresAt: b.now.Add(time.Duration(i+1) * time.Hour),
		}))
	}
	list, err := b.Sessions(b.ctx, "u1", b.now.Add(90*time.Minute))
	require.NoError(t, err)
	require.Len(t, list, 2)
	got, err := b.Session(b.ctx, "h1")
	require.NoError(t, err)
	require.Equal(t, b.now.Add(time.Hour), got.ExpiresAt)
	require.True(t, got.RevokedAt.IsZero())
	require.NoError(t, b.RevokeSession(b.ctx, "h1", b.now))
	require.NoError(t, b.RevokeSessions(b.ctx, "u1", b.now.Add(time.Minute)))
	for hash, want := range map[string]time.Time{"h1": b.now, "h2": b.now.Add(time.Minute)} {
		got, err := b.Session(b.ctx, hash)
		require.NoError(t, err)
		require.Equal(t, want, got.RevokedAt)
	}
	require.NoError(t, b.PruneSessions(b.ctx, b.now.Add(90*time.Minute)))
	_, err = b.Session(b.ctx, "h1")
	require.ErrorIs(t, err, ticketing.ErrAbsent)
	_, err = b.Session(b.ctx, "h2")
	require.NoError(t, err)
}
