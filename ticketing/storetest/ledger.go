package storetest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/ticketing"
	"hotline/ticketing/ledger"
)

// testLedger: what was done, seen and refused is on record with who, from where and why.
func testLedger(t *testing.T, open Opener) {
	b := newBench(t, open)
	origin := &ticketing.Origin{Address: "10.1.2.3", Trace: "trace-1", Actor: "agent1", Class: ledger.User}
	plain := b.ctx
	b.ctx = ticketing.WithOrigin(plain, origin)
	d := b.draft(lamps())
	require.True(t, origin.Recorded())
	b.act(agent(), d.ID, ticketing.ActAccept, "")
	b.ctx = plain
	b.route()
	_, err := b.svc.Reveal(b.ctx, agent(), d.ID, "回拨")
	require.NoError(t, err)
	for range 3 {
		_, err = b.svc.Open(b.ctx, agent(), d.ID)
		require.NoError(t, err)
	}
	b.now = b.now.Add(11 * time.Minute)
	_, err = b.svc.Open(b.ctx, agent(), d.ID)
	require.NoError(t, err)
	_, err = b.svc.Ticket(b.ctx, clerk("dept-b"), d.ID)
	require.ErrorIs(t, err, ticketing.ErrNotFound)
	require.NoError(t, b.svc.Record(b.ctx, ledger.Entry{Actor: "agent1", Action: "session.opened", Object: "user:agent1", Data: []byte(`{"way":"password"}`)}))

	object := "ticket:" + d.ID
	entries, err := b.Ledger(b.ctx, ticketing.LedgerFilter{Object: object, Limit: 100})
	require.NoError(t, err)
	slices.Reverse(entries)
	var got []string
	for _, e := range entries {
		got = append(got, fmt.Sprint(e.Action, " ", e.Actor, " ", e.Class, " ", e.Result))
	}
	require.Equal(t, []string{
		"ticket.created agent1 user done", "ticket.accepted agent1 user done", "ticket.dispatched system system done", "read.person agent1 user done",
		"read.ticket agent1 user done", "read.ticket agent1 user done", "ticket.refused clerk-dept-b user refused",
	}, got)
	require.Equal(t, "10.1.2.3", entries[0].Address)
	require.Equal(t, "trace-1", entries[1].Trace)
	require.Empty(t, entries[2].Address)
	require.Equal(t, "回拨", entries[3].Reason)
	require.Equal(t, start(), entries[3].At)
	other, err := b.Ledger(b.ctx, ticketing.LedgerFilter{Actions: []string{"session.opened"}, Classes: []ledger.Class{ledger.User}, From: b.now, Limit: 10})
	require.NoError(t, err)
	require.Len(t, other, 1)
	require.JSONEq(t, `{"way":"password"}`, string(other[0].Data))
	older, err := b.Ledger(b.ctx, ticketing.LedgerFilter{Actor: "agent1", Before: other[0].Seq, Limit: 1})
	require.NoError(t, err)
	require.Equal(t, "read.ticket", older[0].Action)

	head, err := b.LedgerHead(b.ctx)
	require.NoError(t, err)
	require.Equal(t, other[0].Seq, head.Seq)
	report, err := b.VerifyLedger(b.ctx, []ledger.Anchor{{Seq: head.Seq, Hash: head.Hash}})
	require.NoError(t, err)
	require.Empty(t, report.Findings)
	require.Equal(t, head.Seq, report.Entries)
	require.Equal(t, 1, report.Anchors)
}

// testLedgerOfTwoNodes: entries of several nodes get one place each, without a gap.
func testLedgerOfTwoNodes(t *testing.T, open Opener) {
	nodes := []*bench{newBench(t, open)}
	if nodes[0].Shared() {
		nodes = append(nodes, newBench(t, open))
	}
	const each = 150
	var all sync.WaitGroup
	for _, node := range nodes {
		for range 4 {
			all.Go(func() {
				for i := range each {
					require.NoError(t, node.svc.Record(node.ctx, ledger.Entry{Actor: "a", Action: "test", Object: fmt.Sprint("n:", i)}))
					if i%10 == 0 {
						require.NoError(t, node.Chain(node.ctx))
					}
				}
			})
		}
	}
	all.Wait()
	report, err := nodes[0].VerifyLedger(nodes[0].ctx, nil)
	require.NoError(t, err)
	require.Empty(t, report.Findings)
	require.EqualValues(t, len(nodes)*4*each, report.Entries)
}
