package cluster_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony/cluster"
	"hotline/telephony/cluster/clustertest"
)

// list is a replica that keeps what it is told.
type list struct {
	mu     sync.Mutex
	events []string
	times  []time.Time
	begun  int
	slow   time.Duration
	refuse error
}

func (l *list) Begin(snapshot []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuse != nil {
		return l.refuse
	}
	l.begun++
	l.events, l.times = nil, nil
	return json.Unmarshal(snapshot, &l.events)
}

func (l *list) Apply(at time.Time, event []byte) {
	time.Sleep(l.slow)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events, l.times = append(l.events, string(event)), append(l.times, at)
}

func (l *list) Snapshot() ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return json.Marshal(l.events)
}

func (l *list) seen() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.events)
}

func (l *list) has(n int) func() bool { return func() bool { return len(l.seen()) >= n } }

// follower is a node: a log and what it makes of it.
type follower struct {
	*cluster.Log
	list
	stop context.CancelFunc
}

func follow(t *testing.T, r clustertest.Redis) *follower {
	t.Helper()
	f := &follower{Log: cluster.NewLog(r.Client, slog.New(slog.NewTextHandler(t.Output(), nil)))}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); f.Follow(ctx, &f.list) }()
	f.stop = func() { cancel(); <-done }
	t.Cleanup(f.stop)
	return f
}

// say appends, again until it is known to be there.
func (f *follower) say(t *testing.T, events ...string) {
	t.Helper()
	all := make([][]byte, len(events))
	for i, e := range events {
		all[i] = []byte(e)
	}
	require.Eventually(t, func() bool { return f.Append(t.Context(), all) == nil }, 20*time.Second, 20*time.Millisecond)
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, 20*time.Second, 5*time.Millisecond, what)
}

// All nodes read the same, whoever says it, and each node's sayings in the order in which it said them.
func TestOneOrder(t *testing.T) {
	r := clustertest.Open(t)
	nodes := []*follower{follow(t, r), follow(t, r), follow(t, r)}
	const each = 700 // so that snapshots are made on the way
	var wg sync.WaitGroup
	for i, n := range nodes {
		wg.Go(func() {
			for k := 0; k < each; k += 7 {
				var batch []string
				for j := range 7 {
					batch = append(batch, fmt.Sprintf("%d %d", i, k+j))
				}
				n.say(t, batch...)
			}
		})
	}
	wg.Wait()
	for _, n := range nodes {
		eventually(t, "all is read", n.has(3*each))
		require.Equal(t, nodes[0].seen(), n.seen())
		require.Equal(t, nodes[0].times, n.times)
	}
	require.True(t, slices.IsSortedFunc(nodes[0].times, time.Time.Compare))
	next := map[string]int{}
	for _, e := range nodes[0].seen() {
		var node string
		var k int
		_, err := fmt.Sscan(e, &node, &k)
		require.NoError(t, err)
		require.Equal(t, next[node], k)
		next[node]++
	}
	// One that joins later begins with a snapshot and comes to the same.
	late := follow(t, r)
	eventually(t, "caught up", late.has(3*each))
	require.Equal(t, nodes[0].seen(), late.seen())
}

// When Redis has lost all, what the nodes know goes on, and a node that knows nothing does not take their place.
func TestRedisForgetsAll(t *testing.T) {
	r := clustertest.Open(t)
	a := follow(t, r)
	a.say(t, "first")
	b := follow(t, r)
	eventually(t, "read", b.has(1))
	for i := range 3 {
		r.Empty(t)
		stranger := follow(t, r)
		b.say(t, "after "+strconv.Itoa(i))
		for _, n := range []*follower{a, b, stranger} {
			eventually(t, "read", n.has(i+2))
			require.Equal(t, a.seen(), n.seen())
			require.Equal(t, "first", n.seen()[0])
		}
		stranger.stop()
	}
}

// A Redis that took over from one that died may lack the newest events. Nodes that had read them do not keep them for themselves.
func TestRedisForgetsItsNewest(t *testing.T) {
	r := clustertest.Open(t)
	a, b := follow(t, r), follow(t, r)
	a.say(t, "1", "2", "3")
	eventually(t, "read", b.has(3))
	generation, err := r.HGet(t.Context(), "{hotline:calls}:head", "id").Result()
	require.NoError(t, err)
	// As after a failover: the third is gone, and its number is given again.
	log := "{hotline:calls}:log:" + generation
	kept, err := r.XRange(t.Context(), log, "2-1", "2-1").Result()
	require.NoError(t, err)
	require.NoError(t, r.Del(t.Context(), log).Err())
	first := map[string]any{}
	for k, v := range kept[0].Values {
		first[k] = v
	}
	require.NoError(t, r.HSet(t.Context(), "{hotline:calls}:head", "n", "2", "sum", kept[0].Values["sum"]).Err())
	// The snapshot is from before all of them, so the log must have them from the first on.
	require.NoError(t, r.Do(t.Context(), "XADD", log, "1-1", "at", "1", "sum", cluster.Chained("", "1"), "event", "1").Err())
	require.NoError(t, r.Do(t.Context(), "XADD", log, "2-1", "at", "2", "sum", cluster.Chained(cluster.Chained("", "1"), "2"), "event", "2").Err())
	require.Equal(t, kept[0].Values["sum"], cluster.Chained(cluster.Chained("", "1"), "2"))
	a.say(t, "another third")
	for _, n := range []*follower{a, b} {
		eventually(t, "the same again", func() bool {
			seen := slices.Compact(n.seen()) // it may have been said twice
			return slices.Equal([]string{"1", "2", "another third"}, seen)
		})
	}
	require.Equal(t, a.seen(), b.seen())
}

// A node that was away for longer than events are kept begins with the newest snapshot.
func TestAnEventThatIsGone(t *testing.T) {
	r := clustertest.Open(t)
	a := follow(t, r)
	b := follow(t, r)
	b.slow = 300 * time.Microsecond
	var all []string
	for range 60 {
		var batch []string
		for range 250 {
			batch = append(batch, strconv.Itoa(len(all)))
			all = append(all, batch[len(batch)-1])
		}
		a.say(t, batch...)
	}
	for _, n := range []*follower{a, b} {
		eventually(t, "caught up", n.has(len(all)))
		require.Equal(t, all, n.seen())
	}
	left, err := r.Keys(t.Context(), "{hotline:calls}:log:*").Result()
	require.NoError(t, err)
	require.Len(t, left, 1)
	length, err := r.XLen(t.Context(), left[0]).Result()
	require.NoError(t, err)
	require.Less(t, length, int64(12_000), "events before the snapshot are let go")
	late := follow(t, r)
	eventually(t, "joined", late.has(len(all)))
	require.Equal(t, all, late.seen())
}

// Nothing can be said before it is known what others said.
func TestNotFollowed(t *testing.T) {
	r := clustertest.Open(t)
	l := cluster.NewLog(r.Client, nil)
	require.ErrorIs(t, l.Append(t.Context(), [][]byte{[]byte("x")}), cluster.ErrNotFollowed)
}

// A state that cannot be read is asked for again.
func TestAReplicaThatRefuses(t *testing.T) {
	r := clustertest.Open(t)
	follow(t, r).say(t, "x")
	f := &follower{Log: cluster.NewLog(r.Client, nil)}
	f.refuse = errors.New("not now")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); f.Follow(ctx, &f.list) }()
	time.Sleep(500 * time.Millisecond)
	f.mu.Lock()
	f.refuse = nil
	f.mu.Unlock()
	eventually(t, "read", f.has(1))
	cancel()
	<-done
	require.True(t, bytes.Equal([]byte("x"), []byte(f.seen()[0])))
}
