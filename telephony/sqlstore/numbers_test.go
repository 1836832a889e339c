package sqlstore_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/sqlstore"
)

// book gives numbers pseudonyms, in memory.
type book struct {
	mu    sync.Mutex
	names map[string]string // person → number
}

func (b *book) Pseudonyms(_ context.Context, numbers []string) (map[string]string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	found := map[string]string{}
	for _, number := range numbers {
		sum := sha256.Sum256([]byte(number))
		id := hex.EncodeToString(sum[:12])
		b.names[id] = number
		found[number] = "~" + id
	}
	return found, nil
}

func (b *book) Pseudonym(ctx context.Context, number string) (string, error) {
	found, err := b.Pseudonyms(ctx, []string{number})
	return found[number], err
}

func (b *book) Numbers(_ context.Context, persons []string) (map[string]string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	found := map[string]string{}
	for _, id := range persons {
		if number, ok := b.names[id]; ok {
			found[id] = number
		}
	}
	return found, nil
}

// TestNumbersFromBefore: rows that were written before there were pseudonyms get
// them, a few at a time, and say the same as before.
func TestNumbersFromBefore(t *testing.T) {
	for name, open := range engines(t) {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			old, err := sqlstore.New(t.Context(), h, sqlstore.Options{})
			require.NoError(t, err)
			now := time.Now().UTC().Truncate(time.Millisecond)
			const calls = 25
			for i := range calls {
				cdr := telephony.NewCDR(fmt.Sprintf("call-%02d", i))
				cdr.Caller, cdr.StartedAt = fmt.Sprintf("138000000%02d", i), now
				if i%5 == 0 {
					cdr.Caller = telephony.Anonymous
				}
				require.NoError(t, old.SaveCall(t.Context(), cdr, &telephony.MissedCall{CallID: cdr.ID, Caller: cdr.Caller, EndedAt: now}))
				data := `{"caller":"` + cdr.Caller + `"}`
				require.NoError(t, old.AppendEvents(t.Context(), []telephony.Event{{At: now, CallID: cdr.ID, Type: "incoming", Data: []byte(data)}}))
			}
			b := &book{names: map[string]string{}}
			s, err := sqlstore.New(t.Context(), h, sqlstore.Options{Numbers: b})
			require.NoError(t, err)
			found, err := s.Calls(t.Context(), telephony.CallFilter{Caller: "13800000001"})
			require.NoError(t, err)
			require.Len(t, found.Items, 1, "before it is done they are found too")
			rounds := 0
			for {
				n, err := s.HideClear(t.Context(), 10)
				require.NoError(t, err)
				if n == 0 {
					break
				}
				rounds++
			}
			require.Equal(t, 6, rounds, "ten rows at a time of two tables")
			var kept []string
			require.NoError(t, h.db.NewRaw("SELECT caller || doc FROM telephony_calls UNION ALL SELECT data FROM telephony_events UNION ALL SELECT caller FROM telephony_missed").Scan(t.Context(), &kept))
			require.NotContains(t, strings.Join(kept, " "), "138000000")
			for i := range calls {
				cdr, err := s.Call(t.Context(), fmt.Sprintf("call-%02d", i))
				require.NoError(t, err)
				if i%5 == 0 {
					require.Equal(t, telephony.Anonymous, cdr.Caller)
					continue
				}
				require.Equal(t, fmt.Sprintf("138000000%02d", i), cdr.Caller)
			}
			b.names = map[string]string{}
			cdr, err := s.Call(t.Context(), "call-01")
			require.NoError(t, err)
			require.Empty(t, cdr.Caller, "of who was erased nothing is shown")
		})
	}
}
