package engines_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/cmd/hotline/config"
	"hotline/cmd/hotline/engines"
	"hotline/telephony"
	"hotline/telephony/storetest"
)

// stores make the address of an empty database; PostgreSQL where it is there, as in CI it must be.
func stores(t *testing.T) map[string]func(t *testing.T) string {
	all := map[string]func(*testing.T) string{"sqlite": func(t *testing.T) string { return "sqlite://" + filepath.Join(t.TempDir(), "hotline.db") }}
	admin := os.Getenv("HOTLINE_TEST_POSTGRES")
	if admin == "" {
		require.Empty(t, os.Getenv("CI"), "HOTLINE_TEST_POSTGRES must name a PostgreSQL to test on")
		return all
	}
	all["postgres"] = func(t *testing.T) string {
		var b [6]byte
		_, _ = rand.Read(b[:])
		name := "engines_" + hex.EncodeToString(b[:])
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
	return all
}

func opened(t *testing.T, address string) *engines.Engines {
	t.Helper()
	dir := t.TempDir()
	e := &engines.Engines{}
	require.NoError(t, e.OpenStore(t.Context(), config.Config{Data: dir, Store: address}, nil))
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e
}

// TestCallsUnderPseudonyms: the whole suite of the store of calls holds where
// numbers are kept under keys of their own.
func TestCallsUnderPseudonyms(t *testing.T) {
	for name, address := range stores(t) {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) telephony.Store { return opened(t, address(t)).Calls })
		})
	}
}

// TestNoNumberInTheClear: what is stored of calls names no number.
func TestNoNumberInTheClear(t *testing.T) {
	const number, foreign = "13812349999", "+8613812349999"
	for name, address := range stores(t) {
		t.Run(name, func(t *testing.T) {
			e := opened(t, address(t))
			ctx, now := t.Context(), time.Now().UTC().Truncate(time.Millisecond)
			for id, caller := range map[string]string{"one": number, "two": foreign, "three": telephony.Anonymous} {
				cdr := telephony.NewCDR(id)
				cdr.Caller, cdr.StartedAt, cdr.EndedAt, cdr.Line = caller, now, now, "12345"
				missed := &telephony.MissedCall{CallID: id, Caller: caller, Line: "12345", EndedAt: now}
				require.NoError(t, e.Calls.SaveCall(ctx, cdr, missed))
				require.NoError(t, e.Calls.AppendEvents(ctx, []telephony.Event{{At: now, CallID: id, Type: "incoming", Data: []byte(`{"caller":"` + caller + `","line":"12345"}`)}}))
			}
			require.NoError(t, e.Calls.SaveCallback(ctx, telephony.Callback{ID: "b", Line: "12345", Number: number, CreatedAt: now}))
			require.NoError(t, e.Calls.SaveBlock(ctx, telephony.Block{ID: "x", Caller: number, ProposedAt: now}))
			_, err := e.Calls.AddContacts(ctx, []telephony.Contact{{ID: "c", Campaign: "k", Number: number, State: telephony.ContactWaiting}})
			require.NoError(t, err)

			snapshot, err := e.Store.Snapshot(ctx)
			require.NoError(t, err)
			tables, err := snapshot.Tables(ctx)
			require.NoError(t, err)
			for _, table := range tables {
				_, err := snapshot.Dump(ctx, table, func(line []byte) error {
					require.False(t, strings.Contains(string(line), number), "%s: %s", table, line)
					return nil
				})
				require.NoError(t, err)
			}
			require.NoError(t, snapshot.Close())

			page, err := e.Calls.Calls(ctx, telephony.CallFilter{Caller: number})
			require.NoError(t, err)
			require.Len(t, page.Items, 1)
			require.Equal(t, number, page.Items[0].Caller)
			for id, caller := range map[string]string{"one": number, "two": foreign, "three": telephony.Anonymous} {
				cdr, err := e.Calls.Call(ctx, id)
				require.NoError(t, err)
				require.Equal(t, caller, cdr.Caller)
				events, err := e.Calls.Events(ctx, telephony.EventFilter{CallID: id})
				require.NoError(t, err)
				require.Contains(t, string(events[0].Data), `"`+caller+`"`)
			}
			names, err := e.Store.Pseudonyms(ctx, []string{number, foreign})
			require.NoError(t, err)
			require.Equal(t, "+86"+names[number], names[foreign], "one person, however the number is written")
		})
	}
}
