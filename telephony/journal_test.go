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

// groupStore commits only when several come together, as a store does whose
// disk is slow, and can be made to fail.
type groupStore struct {
	Store
	group int

	mu      sync.Mutex
	waiting int
	full    chan struct{}
	saved   map[string]CDR
	events  []Event
	fail    func(id string) bool
}

func newGroupStore(group int) *groupStore {
	return &groupStore{group: group, full: make(chan struct{}), saved: map[string]CDR{}}
}

func (g *groupStore) AppendEvents(_ context.Context, events []Event) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.events = append(g.events, events...)
	return nil
}

func (g *groupStore) SaveCall(ctx context.Context, c CDR, _ *MissedCall) error {
	g.mu.Lock()
	if g.fail != nil && g.fail(c.ID) {
		g.mu.Unlock()
		return errors.New("the disk is away")
	}
	if g.waiting++; g.waiting == g.group {
		close(g.full)
	}
	g.mu.Unlock()
	select {
	case <-g.full:
	case <-ctx.Done():
		return ctx.Err()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.saved[c.ID] = c
	return nil
}

// Records of different calls reach the store side by side, so that it can
// commit them together.
func TestJournalSavesTogether(t *testing.T) {
	store := newGroupStore(8)
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
}

// Of one call the newest record counts, however the older ones are waited for.
func TestJournalKeepsTheNewestRecord(t *testing.T) {
	store := newGroupStore(1)
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
	store := newGroupStore(1)
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
