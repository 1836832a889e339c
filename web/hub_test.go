package web

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hotline/ticketing"
)

// liveLog is a log of live events in memory, whose rows may commit out of order.
type liveLog struct {
	mu     sync.Mutex
	events []ticketing.LiveEvent
	wake   chan struct{}
	fail   error
}

func (l *liveLog) add(events ...ticketing.LiveEvent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, events...)
	slices.SortFunc(l.events, func(a, b ticketing.LiveEvent) int { return int(a.ID - b.ID) })
}

func (l *liveLog) LiveEvents(_ context.Context, after int64, limit int) ([]ticketing.LiveEvent, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		return nil, l.fail
	}
	var out []ticketing.LiveEvent
	for _, e := range l.events {
		if e.ID > after && len(out) < limit {
			out = append(out, e)
		}
	}
	return out, nil
}

func (l *liveLog) LastLiveEvent(context.Context) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.events) == 0 {
		return 0, l.fail
	}
	return l.events[len(l.events)-1].ID, l.fail
}

func (l *liveLog) Subscribe(string) (<-chan struct{}, func()) { return l.wake, func() {} }

func newTestHub(l *liveLog, now func() time.Time) *hub {
	return newHub(l, hubOptions{now: now, log: slog.New(slog.DiscardHandler), buffer: 8, perUser: 2, total: 3})
}

func someone(user string, roles ...ticketing.Role) identity {
	return identity{user: ticketing.User{ID: user}, actor: ticketing.Actor{UserID: user, Roles: roles}, session: ticketing.Session{TokenHash: "hash-" + user}}
}

func event(id int64, audience string) ticketing.LiveEvent {
	return ticketing.LiveEvent{ID: id, Type: "ticket.changed", Subject: "t", Audience: audience}
}

func drain(s *stream) (ids []int64) {
	for {
		select {
		case e := <-s.events:
			ids = append(ids, e.ID)
		default:
			return ids
		}
	}
}

func ended(s *stream) bool {
	select {
	case <-s.end:
		return true
	default:
		return false
	}
}

// However clients come and go, each gets every event of its own exactly once,
// with what it missed replayed.
func TestHubResumesWithoutLossOrRepeat(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &liveLog{}
		h := newTestHub(l, time.Now)
		h.opts.buffer = 10_000
		l.add(event(1, "user:u"))
		h.last, _ = l.LastLiveEvent(context.Background())
		next, seen := h.last+1, h.last
		var s *stream
		var got, want []int64
		take := func(events []int64) {
			for _, id := range events {
				if !slices.Contains(got, id) { // as the feed does with what was replayed
					got = append(got, id)
				}
				seen = id
			}
		}
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0, 1:
				audience := rapid.SampledFrom([]string{"user:u", "user:v"}).Draw(t, "audience")
				l.add(event(next, audience))
				if audience == "user:u" {
					want = append(want, next)
				}
				next++
			case 2:
				if err := h.pump(context.Background()); err != nil {
					t.Fatal(err)
				}
			case 3:
				if s != nil {
					take(drain(s))
					h.leave(s)
					s = nil
					continue
				}
				var replay []ticketing.LiveEvent
				var lost bool
				var err error
				s, replay, lost, err = h.join(context.Background(), someone("u"), seen)
				if err != nil || lost {
					t.Fatal(err, lost)
				}
				take(ids(replay))
			}
		}
		if s == nil {
			var replay []ticketing.LiveEvent
			s, replay, _, _ = h.join(context.Background(), someone("u"), seen)
			take(ids(replay))
		}
		if err := h.pump(context.Background()); err != nil {
			t.Fatal(err)
		}
		take(drain(s))
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

func TestHubAudiences(t *testing.T) {
	l := &liveLog{}
	h := newTestHub(l, time.Now)
	agent, _, _, err := h.join(context.Background(), someone("a", ticketing.RoleAgent), 0)
	require.NoError(t, err)
	clerk := someone("c", ticketing.RoleClerk)
	clerk.actor.Department, clerk.actor.Departments = "CG", []string{"CG", "CG1"}
	dept, _, _, err := h.join(context.Background(), clerk, 0)
	require.NoError(t, err)
	auditor, _, _, err := h.join(context.Background(), someone("x", ticketing.RoleAuditor), 0)
	require.NoError(t, err)
	l.add(event(1, "staff"), event(2, "department:CG"), event(3, "department:SW"), event(4, "user:a"), event(5, "role:clerk"), event(6, "user:c"), event(7, "role:auditor"), event(8, "department:CG1"))
	require.NoError(t, h.pump(context.Background()))
	require.Equal(t, []int64{1, 4}, drain(agent))
	require.Equal(t, []int64{2, 5, 6, 8}, drain(dept))
	require.Equal(t, []int64{7}, drain(auditor))
	h.leave(auditor)
	// What was missed is bounded the same way.
	_, replay, lost, err := h.join(context.Background(), clerk, 1)
	require.NoError(t, err)
	require.False(t, lost)
	require.Equal(t, []int64{2, 5, 6, 8}, ids(replay))
}

func ids(events []ticketing.LiveEvent) (out []int64) {
	for _, e := range events {
		out = append(out, e.ID)
	}
	return out
}

func TestHubDropsASlowStreamAndCountsStreams(t *testing.T) {
	l := &liveLog{}
	h := newTestHub(l, time.Now)
	slow, _, _, err := h.join(context.Background(), someone("a"), 0)
	require.NoError(t, err)
	fast, _, _, err := h.join(context.Background(), someone("a"), 0)
	require.NoError(t, err)
	_, _, _, err = h.join(context.Background(), someone("a"), 0)
	require.ErrorIs(t, err, errTooMany)
	for id := int64(1); id <= 9; id++ {
		l.add(event(id, "user:a"))
		require.NoError(t, h.pump(context.Background()))
		require.Equal(t, []int64{id}, drain(fast))
	}
	require.True(t, ended(slow), "nine events do not fit a buffer of eight")
	require.False(t, ended(fast))
	require.Equal(t, 1, h.count())
	_, _, _, err = h.join(context.Background(), someone("a"), 0)
	require.NoError(t, err, "the place is free again")
	_, _, _, err = h.join(context.Background(), someone("b"), 0)
	require.NoError(t, err)
	_, _, _, err = h.join(context.Background(), someone("c"), 0)
	require.ErrorIs(t, err, errTooManyHere)
	h.endSession("hash-b")
	require.Equal(t, 2, h.count())
	h.close()
	require.True(t, ended(fast))
	_, _, _, err = h.join(context.Background(), someone("d"), 0)
	require.ErrorIs(t, err, errHubClosed)
}

func TestHubReplayFromTheStoreAndResync(t *testing.T) {
	l := &liveLog{wake: make(chan struct{})}
	for id := int64(100); id < 200; id++ {
		l.add(event(id, "user:a"))
	}
	h := newTestHub(l, time.Now)
	require.NoError(t, h.start(context.Background())) // begins after 199: the ring is empty
	defer h.close()
	for _, c := range []struct {
		after int64
		first int64
		n     int
		lost  bool
	}{
		{after: 0, n: 0},
		{after: 199, n: 0},
		{after: 190, first: 191, n: 9},
		{after: 99, first: 100, n: 100},
		{after: 50, lost: true},   // pruned
		{after: 5000, lost: true}, // of another database
	} {
		s, replay, lost, err := h.join(context.Background(), someone("a"), c.after)
		require.NoError(t, err)
		require.Equal(t, c.lost, lost, c.after)
		require.Len(t, replay, c.n, c.after)
		if c.n > 0 {
			require.Equal(t, c.first, replay[0].ID)
		}
		h.leave(s)
	}
	l.mu.Lock()
	l.fail = errors.New("away")
	l.mu.Unlock()
	_, _, _, err := h.join(context.Background(), someone("a"), 150)
	require.Error(t, err)
	require.Zero(t, h.count(), "a stream that failed to join is not kept")
}

func TestHubWakesUp(t *testing.T) {
	l := &liveLog{wake: make(chan struct{}, 1)}
	h := newTestHub(l, time.Now)
	require.NoError(t, h.start(context.Background()))
	defer h.close()
	s, _, _, err := h.join(context.Background(), someone("a"), 0)
	require.NoError(t, err)
	l.add(event(1, "user:a"))
	l.wake <- struct{}{}
	e := <-s.events
	require.Equal(t, int64(1), e.ID)
}
