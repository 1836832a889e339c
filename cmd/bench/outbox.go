package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"hotline/cmd/hotline/drill"
	"hotline/cmd/hotline/engines"
	"hotline/ticketing"
)

// benchOutbox measures how long a ticket waits from its row in the outbox until
// it is dispatched, at 100 accepted a second over HTTP. Both moments are the
// server's own, read from its database. The baseline dispatches the same kind
// of ticket right after its acceptance, without outbox and queue.
func benchOutbox(ctx context.Context, r *run) (err error) {
	s, err := r.setup(ctx, "outbox")
	if err != nil {
		return err
	}
	const perSecond, seconds, direct = 100, 30, 500
	ids, err := prepared(ctx, s, perSecond*seconds+direct)
	if err != nil {
		return err
	}
	if err := acceptAt(ctx, s, ids[direct:], perSecond); err != nil {
		return err
	}
	e, err := s.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	delays, err := routed(ctx, e)
	if err != nil {
		return err
	}
	if len(delays) != perSecond*seconds {
		return fmt.Errorf("%d tickets were dispatched of %d accepted", len(delays), perSecond*seconds)
	}
	baseline, err := directly(ctx, e, ids[:direct])
	if err != nil {
		return err
	}
	r.add(Figure{
		Name: "outbox_dispatched_p99", Value: millis(percentile(delays, 0.99)), Unit: "ms", Goal: 250,
		Baseline: millis(percentile(baseline, 0.99)), BaselineName: "dispatched by a direct call right after the acceptance",
	})
	return nil
}

// acceptAt runs a server and accepts drafts over HTTP at a rate, whether the
// earlier ones have been answered or not; it ends when nothing is owed.
func acceptAt(ctx context.Context, s drill.Setup, ids []string, perSecond int) (err error) {
	server, err := s.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	c := newClient(server.URL())
	if err := c.signIn(ctx, "agent1"); err != nil {
		return err
	}
	if err := atPace(ctx, len(ids), perSecond, c.accepting(ctx, ids)); err != nil {
		return err
	}
	return server.Settle(ctx, time.Minute)
}

// atPace calls do for 0 … n-1, so many a second, whether the earlier ones have ended or
// not; the first error is its own.
func atPace(ctx context.Context, n, perSecond int, do func(i int) error) error {
	var all sync.WaitGroup
	failed := make(chan error, n)
	began := time.Now()
	for i := range n {
		due := began.Add(time.Duration(i) * time.Second / time.Duration(perSecond))
		if !drill.Sleep(ctx, time.Until(due)) {
			break
		}
		all.Go(func() {
			if err := do(i); err != nil {
				failed <- err
			}
		})
	}
	all.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// routed reads how long each finished row of the route topic was owed.
func routed(ctx context.Context, e *engines.Engines) ([]time.Duration, error) {
	rows, err := e.Store.DB().Read().QueryContext(ctx, "SELECT done_at - created_at FROM outbox WHERE topic = 'route' AND done_at IS NOT NULL")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var delays []time.Duration
	for rows.Next() {
		var ms int64
		if err := rows.Scan(&ms); err != nil {
			return nil, err
		}
		delays = append(delays, time.Duration(ms)*time.Millisecond)
	}
	return delays, rows.Err()
}

// directly accepts and dispatches tickets one after the other in this process.
func directly(ctx context.Context, e *engines.Engines, ids []string) ([]time.Duration, error) {
	var delays []time.Duration
	for _, id := range ids {
		if _, err := e.Tickets.Act(ctx, agent(), id, ticketing.Command{Action: ticketing.ActAccept}); err != nil {
			return nil, err
		}
		began := time.Now()
		owed, err := e.Store.PendingOutbox(ctx, ticketing.TopicRoute, 1)
		if err != nil {
			return nil, err
		}
		if len(owed) != 1 {
			return nil, errors.New("an accepted ticket owes no dispatch")
		}
		if err := e.Tickets.RouteTicket(ctx, owed[0]); err != nil {
			return nil, err
		}
		delays = append(delays, time.Since(began))
	}
	return delays, nil
}
