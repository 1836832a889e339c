package telephony_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/cluster"
	"hotline/telephony/cluster/clustertest"
	"hotline/telephony/media"
	"hotline/telephony/phone"
)

// asNode makes a rig one of several: on the same store, each with its own connection to Redis.
func (r *rig) asNode(name string, with clustertest.Redis) {
	r.cluster = &telephony.Cluster{Node: name, HTTP: "http://" + name, Log: cluster.NewLog(with.Client, nil)}
	r.where = cluster.NewLocations(with.Client, nil)
}

// newNodes are centres that share everything but their processes' memory.
func newNodes(t *testing.T, opts ...rigOption) (rigs []*rig, shared clustertest.Redis) {
	t.Helper()
	shared = clustertest.Open(t)
	for _, name := range []string{"a", "b"} {
		r := prepareRig(t, opts...)
		r.cfg.SpoolDir = filepath.Join(t.TempDir(), "spool-"+name)
		if len(rigs) > 0 {
			r.store, r.blobs = rigs[0].store, rigs[0].blobs
		}
		r.asNode(name, shared)
		r.start()
		rigs = append(rigs, r)
	}
	return rigs, shared
}

// wait puts a caller into the queue of a node, and returns when all nodes know of so many.
func waitAt(t *testing.T, r *rig, number string, total int, all ...*rig) *phone.Call {
	t.Helper()
	caller := r.phone(phone.Options{User: number})
	c, err := caller.DialWith(t.Context(), "12345", phone.DialOptions{From: "+86" + number})
	require.NoError(t, err)
	require.NoError(t, c.WaitTone(r.ctx(), toneWelcome))
	require.NoError(t, c.SendDigits(r.ctx(), "2"))
	for _, o := range append(all, r) {
		o.await("waiting", func() bool { return o.center.Queues()[0].Waiting == total })
	}
	return c
}

// A citizen on one node and an operator on another talk; both nodes show it, one puts it on record.
func TestCallsBetweenNodes(t *testing.T) {
	nodes, _ := newNodes(t)
	a, b := nodes[0], nodes[1]
	_, calls := b.seat("8001")
	a.await("ready", func() bool { return a.center.Queues()[0].Ready == 1 })
	caller := a.phone(phone.Options{User: "13800138000"})
	c := a.dial(caller)
	require.NoError(t, c.WaitTone(a.ctx(), toneWelcome))
	require.NoError(t, c.SendDigits(a.ctx(), "2"))
	at := b.next(calls)
	require.NoError(t, at.Answer())
	a.hearEachOther(c, at)
	for _, r := range nodes {
		r.await("shown", func() bool { return r.center.Queues()[0].Busy == 1 })
	}
	id := a.center.Live()[0].ID
	require.Empty(t, b.center.Live())
	require.Equal(t, "http://a", b.center.NodeOf(t.Context(), id))
	require.Empty(t, a.center.NodeOf(t.Context(), id))
	at.Hangup()
	a.done(c)
	cdr := a.endedCall()
	require.Equal(t, "a", cdr.Node)
	require.Equal(t, "8001", cdr.Seat)
	for _, r := range nodes {
		r.await("free again", func() bool { return r.center.Queues()[0].Ready == 1 })
	}
	states := 0
	events, err := a.store.Events(t.Context(), telephony.EventFilter{States: true, From: time.Unix(0, 0), To: time.Now().Add(time.Hour), Limit: 1000})
	require.NoError(t, err)
	for _, e := range events {
		if e.Seat == "8001" && strings.Contains(string(e.Data), `"talking"`) {
			states++
		}
	}
	require.Equal(t, 1, states, "one node puts it on record")
}

// Callers of both nodes are served in the order in which they came, also after Redis has lost everything, and each is offered once.
func TestOrderOverNodesAndAfterAFlush(t *testing.T) {
	nodes, shared := newNodes(t)
	a, b := nodes[0], nodes[1]
	var waiting []*phone.Call
	for i := range 4 {
		waiting = append(waiting, waitAt(t, nodes[i%2], fmt.Sprintf("1380013800%d", i), i+1, a, b))
	}
	_, calls := a.seat("8001")
	for i, c := range waiting {
		at := a.next(calls)
		require.NoError(t, at.Answer())
		at.Play(media.Tone(toneSeat, -10, 0), false)
		require.NoError(t, c.WaitTone(a.ctx(), toneSeat), "caller %d is the next", i)
		if i%2 == 0 {
			shared.Empty(t)
			for _, r := range nodes {
				r.await("still waiting", func() bool { return r.center.Queues()[0].Waiting == 3-i })
			}
		}
		at.Hangup()
		nodes[i%2].done(c)
	}
	for _, r := range nodes {
		r.await("nothing left", func() bool { n := r.center.Counts(); n.Spooled = 0; return n == telephony.Counts{} })
	}
	for i := range 4 {
		cdr := nodes[i%2].endedCall()
		require.Len(t, cdr.Offers, 1, "offered once")
		require.Equal(t, []string{"a", "b"}[i%2], cdr.Node)
	}
}

// What one node changes in the store the other goes by.
func TestChangesReachOtherNodes(t *testing.T) {
	nodes, _ := newNodes(t)
	a, b := nodes[0], nodes[1]
	require.NoError(t, a.center.SaveSeat(t.Context(), telephony.Seat{ID: "9001", User: "new", HA1: telephony.HA1(telephony.MD5, "9001", "hotline", secret)}))
	b.await("seat", func() bool { return len(b.center.Agents()) == 5 })
	p := b.phone(phone.Options{User: "9001", Secret: secret})
	require.NoError(t, p.Register(b.ctx(), time.Hour))
	require.NoError(t, b.center.SetStatus(t.Context(), "new", "9001", telephony.Status{Presence: telephony.Ready}))
	a.await("ready", func() bool { return a.center.Queues()[0].Ready == 1 })
	_, err := a.center.Announce(t.Context(), telephony.Announcement{Line: "12345", Say: []string{"welcome"}, By: "lead"})
	require.NoError(t, err)
	b.await("announcement", func() bool { return len(b.center.Announcements()) == 1 })
}

// A node that stops leaves nothing behind at the others, whose callers go on.
func TestANodeStops(t *testing.T) {
	nodes, _ := newNodes(t)
	a, b := nodes[0], nodes[1]
	c := waitAt(t, b, "13800138001", 1, a)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	require.NoError(t, a.center.Stop(ctx))
	_, calls := b.seat("8001")
	at := b.next(calls)
	require.NoError(t, at.Answer())
	b.hearEachOther(c, at)
	at.Hangup()
	b.done(c)
}

// The callbacks of a node that is gone another makes, once.
func TestCallbacksOfANodeThatIsGone(t *testing.T) {
	there, rings := outsidePhone(t, phone.Options{User: number})
	nodes, _ := newNodes(t, callsBack(t, there.Addr().String(), telephony.QueueConfig{Callback: true}))
	a, b := nodes[0], nodes[1]
	askBack(a, queued(a))
	b.await("seen", func() bool { return b.center.Queues()[0].Waiting == 1 })
	_, err := b.center.ReturnMissed(t.Context(), a.callbacks()[0].CallID, "lead1")
	require.Error(t, err)
	require.Equal(t, "a", a.callbacks()[0].Node)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	require.NoError(t, a.center.Stop(ctx))
	b.await("taken over", func() bool { return b.callbacks()[0].Node == "b" && b.center.Queues()[0].Waiting == 1 })
	_, calls := b.seat("8001")
	seat := b.next(calls)
	require.NoError(t, seat.Answer())
	citizen := b.next(rings)
	require.NoError(t, citizen.Answer())
	b.hearEachOther(citizen, seat)
	seat.Hangup()
	b.done(citizen)
	b.await("reached", func() bool { return b.callbacks()[0].State == telephony.CallbackReached })
	require.Len(t, b.callbacks()[0].Calls, 1)
	require.Empty(t, rings)
}

// Who calls again at another node than the one that is to call back, and talks there, is not called back.
func TestWhoCallsAgainAtAnotherNode(t *testing.T) {
	there, rings := outsidePhone(t, phone.Options{User: number})
	nodes, _ := newNodes(t, callsBack(t, there.Addr().String(), telephony.QueueConfig{Callback: true, CallbackRetry: time.Hour}))
	a, b := nodes[0], nodes[1]
	askBack(a, queued(a))
	// The callback is tried once and fails; long before the next try the citizen calls at the other node.
	_, calls := a.seat("8001")
	seat := a.next(calls)
	require.NoError(t, seat.Answer())
	a.next(rings).Reject(480)
	a.done(seat)
	require.NoError(t, a.center.SetStatus(a.ctx(), "agent1", "8001", telephony.Status{Presence: telephony.Break}))
	_, others := b.seat("8002")
	c := b.dial(b.phone(phone.Options{}))
	require.NoError(t, c.SendDigits(b.ctx(), "0"))
	seat = b.next(others)
	require.NoError(t, seat.Answer())
	b.hearEachOther(c, seat)
	c.Hangup()
	b.done(seat)
	b.await("called again", func() bool { return b.callbacks()[0].State == telephony.CallbackCalledAgain })
}

func (r *rig) callbacks() []telephony.Callback {
	r.t.Helper()
	page, err := r.center.Callbacks(r.ctx(), telephony.CallbackFilter{})
	require.NoError(r.t, err)
	return page.Items
}
