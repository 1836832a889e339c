package app

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/cmd/hotline/config"
	"hotline/cmd/hotline/engines"
	"hotline/search"
	"hotline/search/address"
	"hotline/ticketing"
)

// patience bounds every wait; nothing is timed by it.
const patience = 60 * time.Second

func startNode(t *testing.T, care indexCare) (*App, string) {
	t.Helper()
	dir := t.TempDir()
	node := New(config.Config{
		Data: dir, Store: "sqlite://" + filepath.Join(dir, "hotline.db"), Queue: "mem://", Search: "fts://" + filepath.Join(dir, "search.db"),
		Blobs: "file://" + filepath.Join(dir, "blobs"), Roles: []config.Role{config.Worker},
	}, Options{})
	node.care = care
	require.NoError(t, node.Start(t.Context()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		require.NoError(t, node.Stop(ctx))
	})
	return node, dir
}

func (a *App) finds(t *testing.T, scope search.Scope) func() bool {
	return func() bool {
		res, err := a.Engines.Index.Search(t.Context(), search.Query{Text: "路灯", Scope: scope})
		return err == nil && res.Total == 1
	}
}

func testCity(parent string) ticketing.City {
	return ticketing.City{
		Name:        "测试市",
		Departments: []ticketing.Department{{Code: "A", Name: "甲局"}, {Code: "B", Name: "乙局"}, {Code: "C", Name: "大队", Parent: parent}},
		Categories:  []ticketing.Category{{Code: "L", Name: "路灯"}},
		Catalogue:   ticketing.Catalogue{Version: 1, Entries: []ticketing.CatalogueEntry{{Category: "L", Department: "C"}}},
	}
}

// dispatched files a ticket and waits until department C has it.
func (a *App) dispatched(t *testing.T) {
	t.Helper()
	require.NoError(t, a.Engines.Tickets.ImportCity(t.Context(), ticketing.SystemActor(), testCity("A")))
	agent := ticketing.Actor{UserID: "u1", Roles: []ticketing.Role{ticketing.RoleAgent}}
	draft, err := a.Engines.Tickets.OpenDraft(t.Context(), agent, ticketing.DraftInput{
		Appeal: ticketing.Appeal{Type: ticketing.Complaint, Title: "路灯不亮", Category: "L"},
	})
	require.NoError(t, err)
	_, err = a.Engines.Tickets.Act(t.Context(), agent, draft.ID, ticketing.Command{Action: ticketing.ActAccept})
	require.NoError(t, err)
	require.Eventually(t, a.finds(t, search.Scope{Departments: []string{"C"}}), patience, 20*time.Millisecond)
}

func TestALostIndexComesBackWhileTheNodeRuns(t *testing.T) {
	care := defaultIndexCare()
	care.look = 20 * time.Millisecond
	node, dir := startNode(t, care)
	node.dispatched(t)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		require.NoError(t, os.Remove(filepath.Join(dir, "search.db"+suffix)))
	}
	require.Eventually(t, func() bool {
		_, err := os.Stat(filepath.Join(dir, "search.db"))
		return err == nil && node.Engines.Index.Ready(t.Context()) == nil && node.finds(t, search.Scope{All: true})()
	}, patience, 20*time.Millisecond)
}

func TestADepartmentThatMovedIsFoundByItsNewSuperior(t *testing.T) {
	care := defaultIndexCare()
	care.look = 20 * time.Millisecond
	node, _ := startNode(t, care)
	node.dispatched(t)
	require.True(t, node.finds(t, search.Scope{Departments: []string{"A"}})())
	require.NoError(t, node.Engines.Tickets.ImportCity(t.Context(), ticketing.SystemActor(), testCity("B")))
	require.Eventually(t, node.finds(t, search.Scope{Departments: []string{"B"}}), patience, 20*time.Millisecond)
	require.False(t, node.finds(t, search.Scope{Departments: []string{"A"}})(), "the old superior finds it no more")
}

func TestTicketsFindTheirPlacesAfterTheGazetteerChanged(t *testing.T) {
	care := defaultIndexCare()
	care.look = 20 * time.Millisecond
	node, _ := startNode(t, care)
	node.dispatched(t) // its address says nothing; its title names the lamp
	at := func() bool {
		res, err := node.Engines.Index.Search(t.Context(), search.Query{Scope: search.Scope{All: true}, Filters: search.Filters{Places: []string{"D/路灯广场"}}})
		return err == nil && res.Total == 1
	}
	require.False(t, at())
	require.NoError(t, node.Engines.Lists.SaveList(t.Context(), search.List{
		Name: search.ListGazetteer, Version: 1, UpdatedAt: time.Now(), Body: address.Header + "\n路灯广场,路灯,m,D,,121.5,31.2\n",
	}))
	require.Eventually(t, at, patience, 20*time.Millisecond)
}

func TestABrokenGazetteerKeepsNoNodeFromStarting(t *testing.T) {
	node, _ := startNode(t, defaultIndexCare())
	require.ErrorContains(t, node.Engines.Lists.SaveList(t.Context(), search.List{Name: search.ListGazetteer, Version: 1, UpdatedAt: time.Now(), Body: "x\n"}), "header")
	opened, err := engines.Open(t.Context(), node.cfg, node.log)
	require.NoError(t, err)
	require.NoError(t, opened.Close())
}

func TestTheIndexIsComparedWithTheDatabaseNowAndThen(t *testing.T) {
	care := defaultIndexCare()
	care.look, care.first, care.again = 20*time.Millisecond, 20*time.Millisecond, 20*time.Millisecond
	node, _ := startNode(t, care)
	node.dispatched(t)
	require.NoError(t, node.Engines.Index.Put(t.Context(), search.Document{ID: "ghost", Number: "20260101-000001", Version: 1, Title: "路灯"}))
	require.Eventually(t, node.finds(t, search.Scope{All: true}), patience, 20*time.Millisecond, "what is in no database goes")
}
