package telephony

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// groupStore counts what comes together, and can be made to fail.
type groupStore struct {
	Store

	mu     sync.Mutex
	most   int // records that came together
	saved  map[string]CDR
	events []Event
	fail   func(id string) bool
}

func newGroupStore() *groupStore { return &groupStore{saved: map[string]CDR{}} }

func (g *groupStore) WriteLog(_ context.Context, events []Event, records []CallRecord) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, r := range records {
		if g.fail != nil && g.fail(r.CDR.ID) {
			return errAway
		}
	}
	g.most = max(g.most, len(records))
	g.events = append(g.events, events...)
	for _, r := range records {
		g.saved[r.CDR.ID] = r.CDR
	}
	return nil
}

var errAway = errors.New("the disk is away")

func (g *groupStore) AppendEvents(_ context.Context, events []Event) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.events = append(g.events, events...)
	return nil
}

func (g *groupStore) SaveCall(_ context.Context, c CDR, _ *MissedCall) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.fail != nil && g.fail(c.ID) {
		return errAway
	}
	g.saved[c.ID] = c
	return nil
}

// Records of different calls reach the store in one go.
func TestJournalSavesTogether(t *testing.T) {
	store := newGroupStore()
	j := newJournal(store, slog.New(slog.DiscardHandler))
	var saved []<-chan struct{}
	for i := range 8 {
		j.event(Event{CallID: fmt.Sprint(i), Type: EvEnded})
		saved = append(saved, j.save(CDR{ID: fmt.Sprint(i)}, nil))
	}
	startJournal(t, j)
	for _, s := range saved {
		waitClosed(t, s)
	}
	require.Len(t, store.events, 8)
	require.Equal(t, 8, store.most)
}

// Of one call the newest record counts, however the older ones are waited for.
func TestJournalKeepsTheNewestRecord(t *testing.T) {
	store := newGroupStore()
	j := newJournal(store, slog.New(slog.DiscardHandler))
	first := j.save(CDR{ID: "a", Cause: "open"}, nil)
	second := j.save(CDR{ID: "a", Cause: CauseHangup}, nil)
	startJournal(t, j)
	waitClosed(t, first)
	waitClosed(t, second)
	require.NoError(t, j.sync(t.Context()))
	require.Equal(t, CauseHangup, store.saved["a"].Cause)
}

// A record that cannot be saved stays, alone, and is tried again; a sync
// waits for it, and no event is written twice.
func TestJournalTriesAgain(t *testing.T) {
	store := newGroupStore()
	away := true
	store.fail = func(id string) bool { return id == "a" && away }
	j := newJournal(store, slog.New(slog.DiscardHandler))
	j.event(Event{CallID: "a", Type: EvEnded})
	a := j.save(CDR{ID: "a"}, nil)
	b := j.save(CDR{ID: "b"}, nil)
	startJournal(t, j)
	waitClosed(t, b)
	brief, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, j.sync(brief), context.DeadlineExceeded)
	store.mu.Lock()
	away = false
	store.mu.Unlock()
	waitClosed(t, a)
	require.NoError(t, j.sync(t.Context()))
	require.Len(t, store.events, 1)
}

func startJournal(t *testing.T, j *journal) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		j.run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
}

func waitClosed(t *testing.T, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		require.FailNow(t, "not written")
	}
}
