package sqlstore_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"hotline/ticketing"
	"hotline/ticketing/ledger"
	"hotline/ticketing/sqlstore"
)

// forged is a ledger whose database somebody has in hand.
type forged struct {
	*sqlstore.Store
	t       *testing.T
	dialect string
	anchor  ledger.Anchor
}

func forge(t *testing.T, e engine, entries int) forged {
	t.Helper()
	s := open(t, e.fresh(t))
	for i := range entries {
		require.NoError(t, s.Commit(t.Context(), ticketing.Change{Ledger: []ledger.Entry{{
			At: moment(i), Actor: "u1", Class: ledger.User, Address: "10.0.0.7", Trace: "abc", Action: "read.person", Object: "ticket:t1", Result: ledger.Done,
			Reason: "callback", Data: []byte(`{"a":1}`),
		}}}))
	}
	head, err := s.LedgerHead(t.Context())
	require.NoError(t, err)
	f := forged{Store: s, t: t, dialect: e.name, anchor: ledger.Anchor{Seq: head.Seq, Hash: head.Hash}}
	if e.name == "sqlite" {
		f.do("DROP TRIGGER ledger_stays")
		f.do("DROP TRIGGER ledger_as_written")
	} else {
		f.do("ALTER TABLE ledger DISABLE TRIGGER ALL")
	}
	return f
}

func (f forged) do(q string, args ...any) {
	f.t.Helper()
	require.NoError(f.t, f.DB().Write(f.t.Context(), func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewRaw(q, args...).Exec(ctx)
		return err
	}))
}

func (f forged) findings() []ledger.Finding {
	f.t.Helper()
	r, err := f.VerifyLedger(f.t.Context(), []ledger.Anchor{f.anchor})
	require.NoError(f.t, err)
	return r.Findings
}

// TestAnyChangedByteOfTheLedgerIsFound changes every byte of every column of
// some entries, one at a time.
func TestAnyChangedByteOfTheLedgerIsFound(t *testing.T) {
	for _, e := range engines(t) {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			f := forge(t, e, 3)
			require.Empty(t, f.findings())
			columns := []string{"seq", "at", "actor", "class", "address", "trace", "action", "object", "result", "reason", "data", "salt", "content", "key", "hash"}
			changed := 0
			for seq := 1; seq <= 3; seq++ {
				for _, column := range columns {
					changed += f.flipEach(column, seq)
				}
			}
			require.Greater(t, changed, 450)
			require.Empty(t, f.findings(), "everything was put back")
		})
	}
}

// flipEach flips a bit in each byte of a value, and puts it back.
func (f forged) flipEach(column string, seq int) int {
	f.t.Helper()
	var before any
	require.NoError(f.t, f.DB().Read().NewRaw("SELECT ? FROM ledger WHERE seq = ?", bun.Ident(column), seq).Scan(f.t.Context(), &before))
	set := func(v any, at int) {
		f.do("UPDATE ledger SET ? = ? WHERE seq = ?", bun.Ident(column), v, at)
	}
	one := func(changed any) {
		set(changed, seq)
		require.NotEmpty(f.t, f.findings(), "%s of %d, changed to %v", column, seq, changed)
		if column == "seq" {
			seq2 := int(changed.(int64))
			set(before, seq2)
			return
		}
		set(before, seq)
	}
	switch v := before.(type) {
	case int64:
		for bit := range 7 {
			if n := v ^ 1<<(8*bit+2); column != "seq" || n > 3 {
				one(n)
			}
		}
		return 7
	case string:
		for i := range len(v) {
			b := []byte(v)
			b[i] ^= 1
			one(string(b))
		}
		return len(v)
	case []byte:
		for i := range v {
			b := append([]byte{}, v...)
			b[i] ^= 1
			one(b)
		}
		return len(v)
	}
	f.t.Fatalf("%s has the type %T", column, before)
	return 0
}

func TestWhatIsTakenFromTheLedgerIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		do    []string
		found string
	}{
		"an entry in the middle":    {[]string{"DELETE FROM ledger WHERE seq = 2"}, "entries are missing"},
		"the first":                 {[]string{"DELETE FROM ledger WHERE seq = 1"}, "entries are missing"},
		"the last":                  {[]string{"DELETE FROM ledger WHERE seq = 5"}, "not where its head says"},
		"the last, with the head":   {[]string{"UPDATE ledger_head SET seq = 4, hash = (SELECT hash FROM ledger WHERE seq = 4)", "DELETE FROM ledger WHERE seq = 5"}, "the end was cut off"},
		"all, with the head":        {[]string{"UPDATE ledger_head SET seq = 0, hash = content FROM (SELECT content FROM ledger LIMIT 1) AS x", "DELETE FROM ledger"}, "the end was cut off"},
		"two in each other's place": {[]string{"UPDATE ledger SET seq = 99 WHERE seq = 2", "UPDATE ledger SET seq = 2 WHERE seq = 3", "UPDATE ledger SET seq = 3 WHERE seq = 99"}, "changed"},
		"words, as by an erasure":   {[]string{"UPDATE ledger SET salt = NULL, reason = '', data = '' WHERE seq = 3"}, "no entry records an erasure"},
		"words, and not their salt": {[]string{"UPDATE ledger SET reason = '' WHERE seq = 3"}, "its words were changed"},
		"the head's hash":           {[]string{"UPDATE ledger_head SET hash = (SELECT hash FROM ledger WHERE seq = 4)"}, "not where its head says"},
		"an entry made up at the end": {[]string{
			"INSERT INTO ledger SELECT 6, at, actor, class, address, trace, action, object, result, reason, data, salt, content, key, hash FROM ledger WHERE seq = 5",
			"UPDATE ledger_head SET seq = 6"}, "changed"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, e := range engines(t) {
				t.Run(e.name, func(t *testing.T) {
					t.Parallel()
					f := forge(t, e, 5)
					for _, q := range c.do {
						f.do(q)
					}
					var all []string
					for _, finding := range f.findings() {
						all = append(all, finding.What)
					}
					require.Contains(t, strings.Join(all, "; "), c.found)
				})
			}
		})
	}
}

// TestChangedWhileItWaited: an entry changed before it was chained is told by one that follows it.
func TestChangedWhileItWaited(t *testing.T) {
	for _, e := range engines(t) {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			f := forge(t, e, 1)
			require.NoError(t, f.DB().Write(t.Context(), func(ctx context.Context, tx bun.Tx) error {
				_, err := tx.NewRaw("INSERT INTO ledger_waiting (at, actor, class, address, trace, action, object, result, reason, data, salt, content, key, hash) " +
					"SELECT at, 'somebody else', class, address, trace, action, object, result, reason, data, salt, content, key, hash FROM ledger WHERE seq = 1").Exec(ctx)
				return err
			}))
			require.Contains(t, fmt.Sprint(f.findings()), "changed before it was chained")
		})
	}
}

// TestTheLedgerRefusesChanges: the database itself takes none, whoever asks.
func TestTheLedgerRefusesChanges(t *testing.T) {
	for _, e := range engines(t) {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, e.fresh(t))
			require.NoError(t, s.Commit(t.Context(), ticketing.Change{Ledger: []ledger.Entry{{At: moment(1), Action: "x", Reason: "why"}}}))
			require.NoError(t, s.Chain(t.Context()))
			for _, q := range []string{"DELETE FROM ledger", "UPDATE ledger SET actor = 'x'", "UPDATE ledger SET reason = ''", "UPDATE ledger SET salt = NULL, reason = '', data = '', actor = 'y'"} {
				require.ErrorContains(t, s.DB().Write(t.Context(), func(ctx context.Context, tx bun.Tx) error {
					_, err := tx.NewRaw(q).Exec(ctx)
					return err
				}), "append-only", q)
			}
		})
	}
}

func moment(n int) time.Time { return time.UnixMilli(1_770_000_000_000 + int64(n)) }
