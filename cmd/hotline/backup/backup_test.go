package backup_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/cmd/city"
	"hotline/cmd/hotline/accounts"
	"hotline/cmd/hotline/app"
	"hotline/cmd/hotline/backup"
	"hotline/cmd/hotline/config"
	"hotline/cmd/hotline/engines"
	"hotline/telephony"
	"hotline/ticketing"
	"hotline/ticketing/ledger"
)

const passphrase = "a passphrase of the test"

// house is an installation on disk.
type house struct {
	*engines.Engines
	cfg config.Config
}

// addresses make the database of a house; PostgreSQL where it is there, as in CI it must be.
func addresses(t *testing.T) map[string]func(t *testing.T, dir string) string {
	all := map[string]func(*testing.T, string) string{"sqlite": func(_ *testing.T, dir string) string { return "sqlite://" + filepath.Join(dir, "hotline.db") }}
	admin := os.Getenv("HOTLINE_TEST_POSTGRES")
	if admin == "" {
		require.Empty(t, os.Getenv("CI"), "HOTLINE_TEST_POSTGRES must name a PostgreSQL to test on")
		t.Log("PostgreSQL is left out: HOTLINE_TEST_POSTGRES is not set")
		return all
	}
	all["postgres"] = func(t *testing.T, _ string) string { return postgres(t, admin) }
	return all
}

// postgres makes a database that goes with the test.
func postgres(t *testing.T, admin string) string {
	var b [6]byte
	_, _ = rand.Read(b[:])
	name := "backup_" + hex.EncodeToString(b[:])
	psql := func(command string) {
		out, err := exec.CommandContext(context.WithoutCancel(t.Context()), "psql", admin, "-v", "ON_ERROR_STOP=1", "-c", command).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	psql("CREATE DATABASE " + name)
	t.Cleanup(func() { psql("DROP DATABASE " + name + " WITH (FORCE)") })
	u, err := url.Parse(admin)
	require.NoError(t, err)
	u.Path = "/" + name
	return u.String()
}

func configOf(t *testing.T, address func(*testing.T, string) string) config.Config {
	t.Helper()
	dir := t.TempDir()
	return config.Config{
		Data: dir, Store: address(t, dir), Queue: "mem://", Search: "fts://" + filepath.Join(dir, "search.db"), Blobs: "file://" + filepath.Join(dir, "blobs"),
		Roles: []config.Role{config.Web}, Realm: "hotline", KeyFile: filepath.Join(dir, "keys"), Anchors: filepath.Join(dir, "ledger"),
	}
}

func openHouse(t *testing.T, cfg config.Config) house {
	t.Helper()
	e, err := engines.Open(t.Context(), cfg, nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return house{e, cfg}
}

// lived is a house with a city, people, tickets, files and a ledger.
func lived(t *testing.T, cfg config.Config) house {
	t.Helper()
	h := openHouse(t, cfg)
	require.NoError(t, accounts.Demo(t.Context(), h.Store, h.Calls, city.Sample(), "hotline", time.Now()))
	require.NoError(t, h.Tickets.ImportCity(t.Context(), ticketing.SystemActor(), city.Sample()))
	for i := range 30 {
		h.file(t, i)
	}
	for i := range 5 {
		_, err := h.Blobs.Put(t.Context(), fmt.Sprintf("calls/%d.wav", i), strings.NewReader(strings.Repeat("sound ", 1000*i)))
		require.NoError(t, err)
	}
	require.NoError(t, app.WriteAnchor(t.Context(), h.Engines, cfg.Anchors, time.Now()))
	return h
}

func (h house) file(t *testing.T, i int) {
	_, err := h.Tickets.File(t.Context(), ticketing.Filing{
		Appeal:  ticketing.Appeal{Type: ticketing.Complaint, Description: fmt.Sprintf("路灯不亮 \"%d\" 'x' \\ \n第二行", i)},
		Citizen: ticketing.Citizen{Name: "王建国", Phone: fmt.Sprintf("138%08d", i)},
	})
	require.NoError(t, err)
}

func (h house) source() backup.Source {
	return backup.Source{Store: h.Store, Blobs: h.Blobs, KeyFile: h.cfg.KeyFile, Anchors: h.cfg.Anchors, Program: "test", Work: 10}
}

// sums are those of what a database holds now.
func (h house) sums(t *testing.T) map[string]string {
	t.Helper()
	snap, err := h.Store.Snapshot(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, snap.Close()) }()
	tables, err := snap.Tables(t.Context())
	require.NoError(t, err)
	all := map[string]string{}
	for _, table := range tables {
		sum, err := snap.Dump(t.Context(), table, func([]byte) error { return nil })
		require.NoError(t, err)
		all[table] = fmt.Sprint(sum)
	}
	return all
}

func restore(t *testing.T, path string, cfg config.Config) (house, backup.Sums) {
	t.Helper()
	r, err := backup.Open(path, passphrase)
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Close()) }()
	require.NoError(t, r.PlaceKeys(cfg.KeyFile, cfg.Anchors))
	h := openHouse(t, cfg)
	sums, err := r.Restore(t.Context(), h.Store, h.Blobs)
	require.NoError(t, err)
	return h, sums
}

// TestABackupUnderLoadIsRestoredElsewhere, from each kind of database into each.
func TestABackupUnderLoadIsRestoredElsewhere(t *testing.T) {
	kinds := addresses(t)
	for from, source := range kinds {
		for to, target := range kinds {
			t.Run(from+" to "+to, func(t *testing.T) {
				t.Parallel()
				old := lived(t, configOf(t, source))
				path := filepath.Join(t.TempDir(), "all.backup")
				var load, begun sync.WaitGroup
				begun.Add(4)
				busy, calm := context.WithCancel(t.Context())
				for n := range 4 {
					load.Go(func() {
						for i := 0; busy.Err() == nil; i++ {
							old.file(t, 1000*(n+1)+i)
							if i == 0 {
								begun.Done()
							}
						}
					})
				}
				begun.Wait()
				sums, err := backup.Write(t.Context(), old.source(), path, passphrase)
				calm()
				load.Wait()
				require.NoError(t, err)
				old.file(t, 1) // is in the old house alone

				fresh, told := restore(t, path, configOf(t, target))
				require.Equal(t, sums, told)
				got := fresh.sums(t)
				for table, sum := range sums.Tables {
					require.Equal(t, fmt.Sprint(sum), got[table], table)
				}
				require.Greater(t, sums.Tables["tickets"].Rows, int64(30))
				require.Len(t, sums.Blobs, 5)
				anchors, err := app.ReadAnchors(fresh.cfg.Anchors, fresh.Keys)
				require.NoError(t, err)
				require.NotEmpty(t, anchors)
				report, err := fresh.Store.VerifyLedger(t.Context(), anchors)
				require.NoError(t, err)
				require.Empty(t, report.Findings)
				require.Equal(t, sums.Tables["ledger"].Rows+sums.Tables["ledger_waiting"].Rows, report.Entries)

				// The new house goes on where the old one was, without taking a number twice.
				fresh.file(t, 2)
				require.NoError(t, fresh.Tickets.Record(t.Context(), ledger.Entry{Actor: "x", Action: "x"}))
				u, err := fresh.Store.UserByLogin(t.Context(), "agent1")
				require.NoError(t, err)
				require.NotEmpty(t, u.PasswordHash)
				r, _, err := fresh.Blobs.Open(t.Context(), "calls/3.wav")
				require.NoError(t, err)
				require.NoError(t, r.Close())
			})
		}
	}
}

func TestABrokenBackupIsRefusedAndNothingIsWritten(t *testing.T) {
	old := lived(t, configOf(t, addresses(t)["sqlite"]))
	path := filepath.Join(t.TempDir(), "all.backup")
	_, err := backup.Write(t.Context(), old.source(), path, passphrase)
	require.NoError(t, err)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, secret := range []string{"王建国", "13800000001", "路灯", "agent1"} {
		require.NotContains(t, string(whole), secret)
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	_, err = backup.Write(t.Context(), old.source(), path, passphrase)
	require.ErrorContains(t, err, "exists already")
	_, err = backup.Open(path, "another passphrase, not this one")
	require.ErrorIs(t, err, backup.ErrBroken)

	for name, spoil := range map[string]func([]byte) []byte{
		"cut in the middle":   func(b []byte) []byte { return b[:len(b)/2] },
		"cut at the end":      func(b []byte) []byte { return b[:len(b)-1] },
		"a bit in the middle": func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"a bit at the end":    func(b []byte) []byte { b[len(b)-3] ^= 1; return b },
		"more at the end":     func(b []byte) []byte { return append(b, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			broken := filepath.Join(t.TempDir(), "broken")
			require.NoError(t, os.WriteFile(broken, spoil(append([]byte{}, whole...)), 0o600))
			cfg := configOf(t, addresses(t)["sqlite"])
			r, err := backup.Open(broken, passphrase)
			if err == nil {
				require.NoError(t, r.PlaceKeys(cfg.KeyFile, cfg.Anchors))
				h := openHouse(t, cfg)
				_, err = r.Restore(t.Context(), h.Store, h.Blobs)
				users, listed := h.Store.Users(t.Context())
				require.NoError(t, listed)
				require.Empty(t, users)
				require.NoError(t, r.Close())
			}
			require.ErrorIs(t, err, backup.ErrBroken)
		})
	}
}

func TestAHouseThatIsLivedInIsNotOverwritten(t *testing.T) {
	old := lived(t, configOf(t, addresses(t)["sqlite"]))
	path := filepath.Join(t.TempDir(), "all.backup")
	_, err := backup.Write(t.Context(), old.source(), path, passphrase)
	require.NoError(t, err)
	r, err := backup.Open(path, passphrase)
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Close()) }()
	before := old.sums(t)
	_, err = r.Restore(t.Context(), old.Store, old.Blobs)
	require.ErrorContains(t, err, "restore into an empty one")
	require.Equal(t, before, old.sums(t))
	other := lived(t, configOf(t, addresses(t)["sqlite"]))
	require.ErrorContains(t, r.PlaceKeys(other.cfg.KeyFile, other.cfg.Anchors), "other keys")
}

// TestErasedPeopleStayErased: who was erased after a backup was made is erased
// again when it is restored, from the database, its history and the recordings.
func TestErasedPeopleStayErased(t *testing.T) {
	kinds := addresses(t)
	for from, source := range kinds {
		for to, target := range kinds {
			t.Run(from+" to "+to, func(t *testing.T) {
				t.Parallel()
				old := openHouse(t, configOf(t, source))
				require.NoError(t, old.Tickets.ImportCity(t.Context(), ticketing.SystemActor(), city.Sample()))
				old.file(t, 1)
				filed, err := old.Tickets.File(t.Context(), ticketing.Filing{
					Appeal:  ticketing.Appeal{Type: ticketing.Complaint, Description: "我是金丝雀,电话13766665555,路灯不亮"},
					Citizen: ticketing.Citizen{Name: "金丝雀", Phone: "13766665555"},
				})
				require.NoError(t, err)
				one := filed.Ticket
				_, err = old.Tickets.Act(t.Context(), ticketing.SystemActor(), one.ID, ticketing.Command{Action: ticketing.ActCancel, Fields: []byte(`{"reason":"金丝雀要求撤单"}`)})
				require.NoError(t, err)
				_, err = old.CallBlobs().Put(t.Context(), "recordings/one.wav", "13766665555", strings.NewReader("the voice of the canary"))
				require.NoError(t, err)
				_, err = old.CallBlobs().Put(t.Context(), "recordings/two.wav", "13800000001", strings.NewReader("the voice of another"))
				require.NoError(t, err)
				cdr := telephony.NewCDR("call-1")
				cdr.Caller, cdr.StartedAt = "13766665555", time.Now()
				require.NoError(t, old.Calls.SaveCall(t.Context(), cdr, nil))
				path := filepath.Join(t.TempDir(), "before.backup")
				_, err = backup.Write(t.Context(), old.source(), path, passphrase)
				require.NoError(t, err)

				supervisor := ticketing.Actor{UserID: "s", Roles: []ticketing.Role{ticketing.RoleSupervisor}}
				_, err = old.Tickets.ErasePerson(t.Context(), supervisor, one.ID, "本人申请")
				require.NoError(t, err)
				items, err := old.Store.PendingOutbox(t.Context(), ticketing.TopicLife, 10)
				require.NoError(t, err)
				for _, item := range items {
					require.NoError(t, old.Tickets.LiveOn(t.Context(), item))
				}
				old.nothingOf(t, one.ID)

				lines, err := os.ReadFile(filepath.Join(old.cfg.Anchors, engines.ErasedList))
				require.NoError(t, err)
				elsewhere := t.TempDir() // the folder of a node that did not do it
				require.NoError(t, old.KeepErased(t.Context(), elsewhere, time.Time{}, time.Now()))
				require.NoError(t, old.KeepErased(t.Context(), elsewhere, time.Time{}, time.Now()))
				noted, err := engines.ReadErased(filepath.Join(elsewhere, engines.ErasedList))
				require.NoError(t, err)
				require.Len(t, noted, 1)
				fresh, _ := restore(t, path, configOf(t, target))
				require.Contains(t, fresh.text(t), "路灯不亮")
				got, err := fresh.Store.Ticket(t.Context(), one.ID)
				require.NoError(t, err)
				require.Equal(t, "金丝雀", got.Citizen.Name, "the backup is from before")
				list := filepath.Join(fresh.cfg.Anchors, engines.ErasedList)
				require.NoError(t, engines.MergeErased(list, lines))
				persons, err := engines.ReadErased(list)
				require.NoError(t, err)
				n, err := fresh.EraseAgain(t.Context(), persons)
				require.NoError(t, err)
				require.Equal(t, 1, n)
				fresh.nothingOf(t, one.ID)
				n, err = fresh.EraseAgain(t.Context(), persons)
				require.NoError(t, err)
				require.Zero(t, n)
			})
		}
	}
}

// text is all that the database holds.
func (h house) text(t *testing.T) string {
	t.Helper()
	snap, err := h.Store.Snapshot(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, snap.Close()) }()
	tables, err := snap.Tables(t.Context())
	require.NoError(t, err)
	var all strings.Builder
	for _, table := range tables {
		_, err := snap.Dump(t.Context(), table, func(line []byte) error {
			all.Write(line)
			return nil
		})
		require.NoError(t, err)
	}
	return all.String()
}

// nothingOf checks that the canary of a ticket is nowhere in a house, and that another person is.
func (h house) nothingOf(t *testing.T, id string) {
	t.Helper()
	got, err := h.Store.Ticket(t.Context(), id)
	require.NoError(t, err)
	require.True(t, got.Citizen.Erased)
	cdr, err := h.Calls.Call(t.Context(), "call-1")
	require.NoError(t, err)
	require.Empty(t, cdr.Caller)
	all := h.text(t)
	for _, word := range []string{"金丝雀", "13766665555"} {
		require.False(t, strings.Contains(all, word), "%s is there", word)
		require.NotContains(t, fmt.Sprintf("%+v", got), word)
	}
	_, _, err = h.CallBlobs().Open(t.Context(), "recordings/one.wav")
	require.ErrorIs(t, err, ticketing.ErrErased)
	r, _, err := h.CallBlobs().Open(t.Context(), "recordings/two.wav")
	require.NoError(t, err)
	voice, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, "the voice of another", string(voice))
	require.NoError(t, r.Close())
	anchors, err := app.ReadAnchors(h.cfg.Anchors, h.Keys)
	require.NoError(t, err)
	report, err := h.Store.VerifyLedger(t.Context(), anchors)
	require.NoError(t, err)
	require.Empty(t, report.Findings)
	require.Positive(t, report.Erased)
}
